from odoo import api, fields, models


class EsignResend(models.TransientModel):
    _name = "esign.resend"
    _description = "E-signature: send the link again, to a corrected address if need be"

    request_id = fields.Many2one("esign.request", required=True, readonly=True)
    channel = fields.Selection(related="request_id.channel")
    email = fields.Char("E-mail", compute="_compute_contact", store=True, readonly=False)
    phone = fields.Char("Mobile phone", compute="_compute_contact", store=True, readonly=False)
    changed = fields.Boolean(compute="_compute_changed")
    update_contact = fields.Boolean("Correct the contact too", default=True)

    @api.depends("request_id")
    def _compute_contact(self):
        for wizard in self:
            signer = wizard.request_id._due_signer()
            wizard.email, wizard.phone = signer.email, signer.phone

    @api.depends("email", "phone", "request_id")
    def _compute_changed(self):
        for wizard in self:
            signer = wizard.request_id._due_signer()
            wizard.changed = (wizard.email, wizard.phone or False) != (signer.email, signer.phone or False)

    def action_send(self):
        """Send the link; the one sent before stops working."""
        self.ensure_one()
        request = self.request_id
        request._check_correctable()
        signer = request._due_signer()
        if self.changed and self.update_contact and signer.partner_id:
            # With the user's own rights: whoever may not edit contacts unticks the box.
            values = {"email": self.email} | ({"phone": self.phone} if self.channel != "mail" else {})
            signer.partner_id.write(values)
        # Rights were checked on the quotation; the request itself is nobody's to write.
        signer = signer.sudo()
        if self.changed:
            signer.request_id._resend(signer, self.email, self.phone)
        else:
            signer.request_id._resend(signer)
        return {"type": "ir.actions.act_window_close"}
