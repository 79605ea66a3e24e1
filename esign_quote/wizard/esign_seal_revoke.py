from odoo import fields, models


class EsignSealRevoke(models.TransientModel):
    _name = "esign.seal.revoke"
    _description = "E-signature: revocation of a sealing key"

    seal_id = fields.Many2one("esign.seal", required=True, readonly=True)
    since = fields.Datetime(
        required=True,
        default=fields.Datetime.now,
        help="From when on seals of this key are not to be relied on: when it was lost or stolen, else now.",
    )
    reason = fields.Char(required=True, help="Shown to everybody on the public list of keys.")

    def action_revoke(self):
        """Revoke the key: it seals no more, and that cannot be undone."""
        self.ensure_one()
        # Only the group that may create this record gets here (access rights of the wizard).
        self.seal_id.check_access("read")
        self.seal_id._revoke(self.since, self.reason)
        return {"type": "ir.actions.client", "tag": "soft_reload"}
