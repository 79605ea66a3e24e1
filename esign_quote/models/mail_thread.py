from odoo import api, models


class MailThread(models.AbstractModel):
    _inherit = "mail.thread"

    @api.model
    def _routing_handle_bounce(self, email_message, message_dict):
        """Override of `mail`: messages of a signature came back, also those that Odoo never stored."""
        # First: it commits beside this transaction, which holds nothing yet.
        self.env["esign.delivery"]._receive_report(email_message)
        return super()._routing_handle_bounce(email_message, message_dict)
