"""Suites that run Odoo's own test runner: our tests, some of Odoo's with the addon installed, its linters."""

import re

from .. import odoo_log, paths
from ..odoo_server import OdooRun, run_odoo
from .base import Context, Outcome

SALE_TESTS = "/sale:TestSaleSignature,/sale:TestSalePayment,/sale:TestAccessRightsControllers"
LINTERS = (
    "ManifestLinter TestTestHoles TestNaming TestOnchangeDomains TestIndex RoutesLinter TestI18n TestJsTranslations "
    "TestLintOverrideSignatures PotLinter TestDunderinit TestConflictMarkers"
)
# Tests of esign_quote/tools run without Odoo (suite "tools"), hence Odoo must not import them.
LINT_EXCEPTION = re.compile(rf"Test file tools/test_\w+\.py never imported in \S*{paths.ADDON_NAME}/tests/__init__\.py")


def run_addon(context: Context) -> Outcome:
    """All tests of the addon, while it is being installed next to demo data."""
    tags = f"/{paths.ADDON_NAME}" + (f":{context.only}" if context.only else "")
    with context.fresh_database(with_addon=False) as cluster:
        return judge(_run(context, cluster, "--init", paths.ADDON_NAME, "--test-tags", tags))


def run_sale(context: Context) -> Outcome:
    """Odoo's tests of online signature and payment of quotations, with the addon installed."""
    with context.fresh_database() as cluster:
        return judge(_run(context, cluster, "--test-tags", context.only or SALE_TESTS))


def run_lint(context: Context) -> Outcome:
    """Odoo's own linters (addon test_lint). They read all addons; Odoo's pass, so that only ours can be found."""
    tags = ",".join(f"/test_lint:{name}" for name in (context.only or LINTERS).split())
    with context.fresh_database() as cluster:
        run = _run(context, cluster, "--init", "test_lint", "--test-tags", tags)
    outcome = judge(run)
    warnings = [entry for entry in odoo_log.entries(run.log) if entry.logger.startswith("odoo.addons.test_lint")]
    for entry in warnings:
        if entry.level == "WARNING" and paths.ADDON_NAME in entry.message:
            outcome.add("warning", str(entry))
    return _without_exception(outcome, run)


def judge(run: OdooRun) -> Outcome:
    """Tests, and everything in the log that must not be there."""
    passed, failed = odoo_log.test_counts(run.log)
    outcome = Outcome(passed, failed, odoo_log.failed_tests(run.log))
    for finding in odoo_log.findings(run.log):
        outcome.add("in the log", finding)
    if not passed + failed:
        outcome.add("no test was run", f"Odoo ended with code {run.returncode}")
    elif run.returncode and not outcome.failed:
        outcome.add("Odoo", f"ended with code {run.returncode}")
    return outcome


def _run(context: Context, cluster, *arguments: str) -> OdooRun:
    screenshots = ["--screenshots", str(context.logs / "screenshots")]
    return run_odoo(cluster, context.database, *arguments, *screenshots, log_path=context.logs / "odoo.log")


def _without_exception(outcome: Outcome, run: OdooRun) -> Outcome:
    """Forgive TestTestHoles if it found nothing but what is excepted."""
    for entry in odoo_log.entries(run.log):
        if entry.message.startswith("FAIL: TestTestHoles") or entry.message.startswith("ERROR: TestTestHoles"):
            found = re.findall(r"^- (.*)$", entry.message, re.MULTILINE)
            if found and all(LINT_EXCEPTION.fullmatch(line) for line in found):
                outcome.details.remove(str(entry))
                outcome.failed -= 1
                outcome.passed += 1
    return outcome
