import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)

PERMISSION_LASTS = timedelta(hours=1)


class EsignUninstall(models.TransientModel):
    """The way out: export all dispute packs, then say explicitly that the evidence may go."""

    _name = "esign.uninstall"
    _description = "E-signature: give up the evidence kept in this database"
    _inherit = ["esign.transaction"]

    export_id = fields.Many2one("esign.export", "Export", compute="_compute_export_id")
    export_state = fields.Selection(related="export_id.state")
    export_count = fields.Integer(related="export_id.count")
    export_total = fields.Integer(related="export_id.total")
    export_sha256 = fields.Char(related="export_id.sha256")
    downloaded_on = fields.Datetime(related="export_id.downloaded_on")
    kept_count = fields.Integer("Proofs in retention", compute="_compute_kept")
    kept_until = fields.Date("Kept until", compute="_compute_kept")
    database = fields.Char("Name of the database", help="Type it to confirm.")

    @api.depends_context("uid")
    def _compute_export_id(self):
        self.export_id = self.env["esign.export"].search([], limit=1)

    def _compute_kept(self):
        count, until = self._kept()
        for wizard in self:
            wizard.kept_count, wizard.kept_until = count, until

    # === RULE === #

    @api.model
    def _kept(self):
        """Return how many procedures have a proof in retention, and until when.

        What the purge has left alone is in retention: a later delivery, one that is still to come and a legal hold
        all move the end that was known when the proof was written.

        :rtype: tuple[int, date | bool]
        """
        domain = [("proof_ids", "!=", False), ("purged_on", "=", False)]
        requests = self.env["esign.request"].sudo()
        count, until = requests._read_group(domain, aggregates=["__count", "retention_until:max"])[0]
        return count, until or False

    @api.model
    def _check_allowed(self):
        """Refuse to uninstall while proofs are in retention and nobody has confirmed.

        :raise UserError: with the way out
        """
        count, until = self._kept()
        if not count or self._permission():
            return
        raise UserError(
            self.env._(
                "%(count)s proofs of electronic signatures are kept in this database, the last one until %(until)s: the law asks you to keep them, and uninstalling would delete them. The way out: Settings, Sales, Electronic signature, “Leave with the evidence” exports everything and then lets you confirm.",
                count=count,
                until=until,
            )
        )

    @api.model
    def _permission(self):
        """Return the export whose keeper confirmed within the last hour.

        Kept there since no user, by screen or RPC, may write to it.

        :rtype: recordset of `esign.export`, empty or one
        """
        domain = [("allowed_on", ">", self._now() - PERMISSION_LASTS)]
        return self.env["esign.export"].sudo().search(domain, limit=1)

    # === ACTIONS === #

    def action_export(self):
        """Start the export of all dispute packs."""
        self.ensure_one()
        # Only the group that may have this window; the export itself is nobody's to write.
        self.check_access("write")
        self.env["esign.export"].sudo()._start()
        return self._reopen()

    def action_refresh(self):
        """Show how far the export is."""
        return self._reopen()

    def action_download(self):
        """Download the finished export."""
        self.ensure_one()
        return self.export_id.action_download()

    def action_confirm(self):
        """Allow the addon to be uninstalled within the next hour.

        :raise UserError: something is missing
        """
        self.ensure_one()
        if not self.export_id or not self.export_id._is_complete():
            raise UserError(
                self.env._("First export all dispute packs and download the file; signatures may have come since then.")
            )
        if (self.database or "").strip() != self.env.cr.dbname:
            raise UserError(self.env._("Please type the name of the database, %s, to confirm.", self.env.cr.dbname))
        self.export_id.sudo().write({"allowed_on": self._now(), "allowed_by_id": self.env.uid})
        _logger.warning(
            "esign_quote: %s allowed to uninstall with %s proofs in retention; export %s",
            *(self.env.user.login, self.kept_count, self.export_sha256),
        )
        return {"type": "ir.actions.act_window_close"}

    def _reopen(self):
        action = self.env["ir.actions.act_window"]._for_xml_id("esign_quote.esign_uninstall_action")
        return {**action, "res_id": self.id}
