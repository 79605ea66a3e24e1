from odoo import models

CONTACTS = ("partner_id", "partner_invoice_id", "partner_shipping_id")


class BasePartnerMergeAutomaticWizard(models.TransientModel):
    _inherit = "base.partner.merge.automatic.wizard"

    def _update_foreign_keys(self, src_partners, dst_partner):
        """Override of `base`: a contact that was there twice is no change of what the quotation says.

        The rows are changed in SQL, past `sale.order`. Without this the customer of an open request would be
        turned away at the click, and a signed quotation that waits for its payment could be signed again.
        """
        domain = ["|"] * (len(CONTACTS) - 1) + [(name, "in", src_partners.ids) for name in CONTACTS]
        requests = self.env["sale.order"].sudo().search([("esign_request_ids", "!=", False), *domain]).esign_request_ids
        unchanged = requests.filtered(lambda request: request._tells_of_order())
        super()._update_foreign_keys(src_partners, dst_partner)
        self.env.invalidate_all()
        unchanged._follow_merged_contacts()
