"""Install the addon without demo data, upgrade it, uninstall it, install it again; nothing may stay behind."""

from .. import odoo_log, paths
from ..odoo_server import OdooRun, run_odoo
from .base import Context, Outcome

# Everything in a database that an addon could leave. Each query gives one column of readable names.
INVENTORY = {
    "table": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    "column": "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public'",
    "function": "SELECT oid::regprocedure::text FROM pg_proc WHERE pronamespace = 'public'::regnamespace",
    "trigger": "SELECT tgrelid::regclass || ': ' || tgname FROM pg_trigger WHERE NOT tgisinternal",
    "index": "SELECT indexname FROM pg_indexes WHERE schemaname = 'public'",
    "constraint": "SELECT conrelid::regclass || ': ' || conname FROM pg_constraint",
    "model": "SELECT model FROM ir_model",
    "field": "SELECT model || '.' || name FROM ir_model_fields",
    "external id": "SELECT module || '.' || name FROM ir_model_data WHERE module LIKE 'esign%'",
    "parameter": "SELECT key FROM ir_config_parameter",
    "scheduled action": "SELECT 'ir.cron ' || id FROM ir_cron",
    "server action": "SELECT 'ir.actions.server ' || id FROM ir_act_server",
    "window action": "SELECT 'ir.actions.act_window ' || id FROM ir_act_window",
    "view": "SELECT name || ' ' || id FROM ir_ui_view",
    "menu": "SELECT 'ir.ui.menu ' || id FROM ir_ui_menu",
    "mail template": "SELECT 'mail.template ' || id FROM mail_template",
    "activity type": "SELECT 'mail.activity.type ' || id FROM mail_activity_type",
    "group": "SELECT 'res.groups ' || id FROM res_groups",
    "rule": "SELECT 'ir.rule ' || id FROM ir_rule",
    "access right": "SELECT 'ir.model.access ' || id FROM ir_model_access",
    "sequence": "SELECT 'ir.sequence ' || id FROM ir_sequence",
    "attachment": """SELECT 'ir.attachment ' || id || ' ' || name FROM ir_attachment
                      WHERE res_model LIKE 'esign%' OR name LIKE '%esign%' OR url LIKE '%esign%'""",
}


def run(context: Context) -> Outcome:
    outcome = Outcome()
    with context.fresh_database(demo=False, with_addon=False) as cluster:

        def step(title: str, *arguments: str, subcommand: tuple[str, ...] = ()) -> bool:
            log_path = context.logs / f"{title.replace(' ', '-')}.log"
            result = run_odoo(cluster, context.database, *arguments, subcommand=subcommand, log_path=log_path)
            outcome.add(title, _problem(result))
            return not result.returncode

        before = _inventory(cluster, context.database)
        if not step("install", "--init", paths.ADDON_NAME) or not step("upgrade", "--update", paths.ADDON_NAME):
            return outcome
        installed = _inventory(cluster, context.database)
        outcome.add("installs something", "" if installed["table"] - before["table"] else "no table was added")
        if not step("uninstall", paths.ADDON_NAME, subcommand=("module", "uninstall")):
            return outcome
        after = _inventory(cluster, context.database)
        for kind in INVENTORY:
            outcome.add(f"{kind} left after uninstalling", ", ".join(sorted(after[kind] - before[kind])))
        for kind in ("table", "column", "function", "trigger"):
            outcome.add(f"{kind} of Odoo lost by uninstalling", ", ".join(sorted(before[kind] - after[kind])))
        step("install again", "--init", paths.ADDON_NAME)
    return outcome


def _inventory(cluster, database: str) -> dict[str, set[str]]:
    return {kind: {row[0] for row in cluster.sql(database, query)} for kind, query in INVENTORY.items()}


def _problem(result: OdooRun) -> str:
    findings = odoo_log.findings(result.log)
    if result.returncode and not findings:
        findings = [f"Odoo ended with code {result.returncode}", *result.log.splitlines()[-20:]]
    return "\n".join(findings)
