from odoo import api, models

PORTAL_FILES = ("signed", "proof")
# What is kept of a signature before it is finished is nobody's yet.
ENDED = ("signed", "declined", "expired")


class EsignRequest(models.Model):
    _inherit = "esign.request"

    @api.model
    def _portal_domain(self):
        # What the user may read of quotations is decided by the rules of quotations.
        orders = self.env["sale.order"]
        orders = orders._search([]) if orders.has_access("read") else []
        states = ("sent", "consented", "signed", "declined", "expired")
        return [("order_id", "in", orders), ("state", "in", states), ("purged_on", "=", False)]

    @api.model
    def _portal_count(self):
        """Return how many procedures the current portal user may see."""
        return self.sudo().search_count(self._portal_domain())

    @api.model
    def _portal_requests(self, limit, offset=0):
        """Return the procedures of the quotations that the current user may read (sudo)."""
        return self.sudo().search(self._portal_domain(), limit=limit, offset=offset)

    @api.model
    def _portal_document(self, reference, kind):
        """Return the signed file, or the proof of a signature, refusal or expiry, if the user may have it.

        :param str reference: signature identifier
        :param str kind: ``signed`` or ``proof``
        :rtype: recordset of `esign.document`, empty or one
        """
        if kind not in PORTAL_FILES:
            return self.env["esign.document"]
        domain = [*self._portal_domain(), ("reference", "=", reference), ("state", "in", ENDED)]
        return self.sudo().search(domain, limit=1)._document(kind).filtered(lambda document: document._is_kept())
