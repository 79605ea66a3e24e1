from odoo import fields, models
from odoo.exceptions import UserError


class EsignHold(models.TransientModel):
    _name = "esign.hold"
    _description = "E-signature: legal hold"

    request_id = fields.Many2one("esign.request", required=True, readonly=True)
    legal_hold = fields.Boolean(related="request_id.legal_hold")
    reason = fields.Char(required=True, help="Kept in the journal.")

    def action_confirm(self):
        """Set the hold, or lift the one that there is; the reason goes into the journal."""
        self.ensure_one()
        # Only the group that may create this record gets here (access rights of the wizard).
        request = self.request_id
        request.check_access("read")
        reason = (self.reason or "").strip()[:200]
        if not reason:
            raise UserError(self.env._("Please give the reason: it is kept in the journal."))
        if request.legal_hold:
            request.sudo()._lift_hold(reason)
        else:
            request.sudo()._set_hold(reason)
        return {"type": "ir.actions.act_window_close"}
