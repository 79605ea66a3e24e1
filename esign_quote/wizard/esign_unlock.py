from odoo import fields, models
from odoo.exceptions import UserError


class EsignUnlock(models.TransientModel):
    _name = "esign.unlock"
    _description = "E-signature: unlock the entry of codes"

    request_id = fields.Many2one("esign.request", required=True, readonly=True)
    locked_until = fields.Datetime(related="request_id.locked_until")
    reason = fields.Char(required=True, help="Kept in the journal and in the proof file.")

    def action_unlock(self):
        """Unlock; the reason goes into the journal, the customer is told."""
        self.ensure_one()
        # Only the group that may create this record gets here (access rights of the wizard).
        request = self.request_id
        request.check_access("read")
        reason = (self.reason or "").strip()
        if not reason:
            raise UserError(self.env._("Please give the reason: it is kept in the journal."))
        if not request.locked_until:
            raise UserError(self.env._("Code entry is not locked."))
        request.sudo()._due_signer()._unlock(reason[:200])
        return {"type": "ir.actions.act_window_close"}
