from odoo import api, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

from .esign_immutable_sql import FUNCTIONS, GUARDED

TRIGGER = "esign_append_only"
# In the context of whoever deletes at the end of a term. An object: no caller from outside can send it.
AT_ITS_TERM = object()


class EsignImmutable(models.AbstractModel):
    _name = "esign.immutable"
    _description = "E-signature: rows that are written once"

    # SQL over OLD and NEW: when a row may be deleted or changed all the same. None: never.
    _esign_may_go = None
    _esign_may_change = None

    def init(self):
        """Create the triggers: the same rule for whoever speaks SQL (`esign_immutable_sql`)."""
        super().init()
        if self._name == "esign.immutable":
            self._create_functions()
            # The files of evidence are rows of ir_attachment (and content-addressed files).
            files = "starts_with(OLD.res_model, 'esign.') AND OLD.res_field IS NOT NULL"
            self._create_trigger("ir_attachment", "UPDATE", files)
            self._create_trigger(
                "ir_attachment", "DELETE", f"{files} AND NOT esign_file_may_go(OLD.res_model, OLD.res_id)"
            )
            self._create_trigger("ir_attachment", "TRUNCATE")
        elif self._auto:
            self._create_trigger(self._table, "UPDATE", self._unless(self._esign_may_change))
            self._create_trigger(self._table, "DELETE", self._unless(self._esign_may_go))
            self._create_trigger(self._table, "TRUNCATE")

    # === GUARDS === #

    def write(self, vals):  # pylint: disable=method-required-super
        """Refuse: evidence is appended to, never changed, not even by an administrator."""
        raise AccessError(self.env._("Evidence of a signature cannot be changed."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        # The database has the last word in any case.
        if not self._esign_may_go or self.env.context.get("esign_purge") is not AT_ITS_TERM:
            raise AccessError(self.env._("Evidence of a signature cannot be deleted."))

    # === TRIGGERS === #

    def _guard_requests(self):
        """Watch over the columns of a request on which its term depends, and over the request itself."""
        old, new = (", ".join(f"{row}.{name}" for name in GUARDED) for row in ("OLD", "NEW"))
        table = "esign_request"
        self._create_trigger(table, "UPDATE", f"({old}) IS DISTINCT FROM ({new})", "esign_guard_request")
        self._create_trigger(table, "DELETE")
        self._create_trigger(table, "TRUNCATE")

    def _unless(self, exception):
        return f"NOT ({exception})" if exception else None

    def _create_trigger(self, table, event, condition=None, function="esign_refuse_change"):
        """(Re)create a trigger before ``event`` on ``table``.

        :param str condition: SQL over OLD and NEW, of this addon's own; None: always
        """
        name = SQL.identifier(f"{TRIGGER}_{event.lower()}")
        scope = "STATEMENT" if event == "TRUNCATE" else "ROW"
        when = SQL("WHEN (%s)", SQL(condition)) if condition else SQL()
        on = SQL.identifier(table)
        self.env.cr.execute(SQL("DROP TRIGGER IF EXISTS %s ON %s", name, on))
        self.env.cr.execute(
            SQL(
                "CREATE TRIGGER %s BEFORE %s ON %s FOR EACH %s %s EXECUTE FUNCTION %s()",
                *(name, SQL(event), on, SQL(scope), when, SQL.identifier(function)),
            )
        )

    def _create_functions(self):
        self.env.cr.execute("SELECT current_schema()")
        schema = SQL.identifier(self.env.cr.fetchone()[0])
        for signature, (result, body) in FUNCTIONS.items():
            self.env.cr.execute(
                SQL(
                    "CREATE OR REPLACE FUNCTION %s RETURNS %s LANGUAGE plpgsql SET search_path = pg_catalog, %s, pg_temp AS $$%s$$",
                    *(SQL(signature), SQL(result), schema, SQL(body)),
                )
            )

    def _drop_triggers(self):
        """Remove triggers and functions: the addon is being uninstalled."""
        for signature in FUNCTIONS:
            self.env.cr.execute(SQL("DROP FUNCTION IF EXISTS %s CASCADE", SQL(signature)))
