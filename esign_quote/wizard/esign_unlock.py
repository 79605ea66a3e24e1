from odoo import fields, models
from odoo.exceptions import UserError


class EsignUnlock(models.TransientModel):
    _name = "esign.unlock"
    _inherit = "esign.act"
    _description = "E-signature: unlock the entry of codes"

    locked_until = fields.Datetime(related="request_id.locked_until")

    def action_unlock(self):
        """Unlock; the reason goes into the journal, the customer is told."""
        request, reason = self._get_request_and_reason()
        if not request.locked_until:
            raise UserError(self.env._("Code entry is not locked."))
        request._due_signer()._unlock(reason)
        return {"type": "ir.actions.act_window_close"}
