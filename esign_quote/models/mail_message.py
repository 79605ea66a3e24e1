from odoo import api, models

from ..tools.links import holds_link, mask_links


class MailMessage(models.Model):
    _inherit = "mail.message"

    @api.model_create_multi
    def create(self, vals_list):
        """Override of `mail`: a customer's reply quotes our mail, with the personal link in it.

        It comes into the chatter through the mail gateway, where staff would read it (law 3).
        """
        for vals in vals_list:
            body = vals.get("body")
            if isinstance(body, str) and holds_link(body):
                vals["body"] = type(body)(mask_links(body))
        return super().create(vals_list)
