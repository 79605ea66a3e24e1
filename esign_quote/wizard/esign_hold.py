from odoo import fields, models


class EsignHold(models.TransientModel):
    _name = "esign.hold"
    _inherit = "esign.act"
    _description = "E-signature: legal hold"

    legal_hold = fields.Boolean(related="request_id.legal_hold")
    reason = fields.Char(help="Kept in the journal.")

    def action_confirm(self):
        """Set the hold, or lift the one that there is; the reason goes into the journal."""
        request, reason = self._get_request_and_reason()
        if request.legal_hold:
            request._lift_hold(reason)
        else:
            request._set_hold(reason)
        return {"type": "ir.actions.act_window_close"}
