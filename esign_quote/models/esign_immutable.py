from odoo import api, models
from odoo.exceptions import AccessError
from odoo.tools import SQL

FUNCTION = "esign_refuse_change"
TRIGGER = "esign_append_only"


class EsignImmutable(models.AbstractModel):
    _name = "esign.immutable"
    _description = "E-signature: rows that are written once"

    def init(self):
        """Create the triggers: the same rule for whoever speaks SQL."""
        super().init()
        if self._name == "esign.immutable":
            # The files of evidence are rows of ir_attachment (and content-addressed files).
            files = SQL("WHEN (starts_with(OLD.res_model, 'esign.') AND OLD.res_field IS NOT NULL)")
            self._create_trigger("ir_attachment", ("UPDATE", "DELETE"), SQL("ROW %s", files))
        elif self._auto:
            self._create_trigger(self._table, ("UPDATE", "DELETE"), SQL("ROW"))
            self._create_trigger(self._table, ("TRUNCATE",), SQL("STATEMENT"))

    # === GUARDS === #

    def write(self, vals):  # pylint: disable=method-required-super
        """Refuse: evidence is appended to, never changed, not even by an administrator."""
        raise AccessError(self.env._("Evidence of a signature cannot be changed."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise AccessError(self.env._("Evidence of a signature cannot be deleted."))

    # === TRIGGERS === #

    def _create_trigger(self, table, events, scope):
        self._create_function()
        for event in events:
            name = SQL.identifier(f"{TRIGGER}_{event.lower()}")
            on = SQL.identifier(table)
            self.env.cr.execute(SQL("DROP TRIGGER IF EXISTS %s ON %s", name, on))
            self.env.cr.execute(
                SQL(
                    "CREATE TRIGGER %s BEFORE %s ON %s FOR EACH %s EXECUTE FUNCTION %s()",
                    *(name, SQL(event), on, scope, SQL.identifier(FUNCTION)),
                )
            )

    def _create_function(self):
        self.env.cr.execute(
            SQL(
                """CREATE OR REPLACE FUNCTION %s() RETURNS trigger AS $$
                BEGIN
                    RAISE EXCEPTION USING
                        MESSAGE = 'esign_quote: evidence is append-only: ' || TG_TABLE_NAME,
                        ERRCODE = 'restrict_violation';
                END $$ LANGUAGE plpgsql""",
                SQL.identifier(FUNCTION),
            )
        )

    def _drop_triggers(self):
        """Remove triggers and function: the addon is being uninstalled."""
        self.env.cr.execute(SQL("DROP FUNCTION IF EXISTS %s() CASCADE", SQL.identifier(FUNCTION)))
