from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools import format_date


class EsignPerformed(models.TransientModel):
    _name = "esign.performed"
    _description = "E-signature: day on which the contract was performed"

    request_id = fields.Many2one("esign.request", required=True, readonly=True)
    known = fields.Date("Known so far", related="request_id.delivered_on")
    day = fields.Date("Performed on", required=True, default=fields.Date.context_today)

    def action_confirm(self):
        """Record the day; the ten years count from it if it is later than the signature."""
        self.ensure_one()
        request = self.request_id
        request.check_access("read")
        request.order_id.check_access("write")
        if request.state != "signed":
            raise UserError(self.env._("Only what is signed can be performed."))
        if self.day > fields.Date.context_today(self):
            raise UserError(self.env._("This day is in the future."))
        if not request.sudo()._record_delivery(self.day, "person"):
            raise UserError(
                self.env._(
                    "The day only moves forward: %s is recorded already.", format_date(self.env, request.delivered_on)
                )
            )
        return {"type": "ir.actions.act_window_close"}
