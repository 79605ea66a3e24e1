from odoo import http
from odoo.exceptions import AccessError, MissingError, ValidationError
from odoo.http import request

from odoo.addons.sale.controllers.portal import CustomerPortal, PaymentPortal


class EsignSalePortal(CustomerPortal):
    """Stock's quotation page while a signature is being waited for (law 2)."""

    @http.route()
    def portal_order_page(self, order_id, access_token=None, payment_amount=None, amount_selection=None, **kw):
        """Override of `sale`: no payment form by way of ``payment_amount``."""
        if self._esign_open_request(order_id, access_token):
            payment_amount = amount_selection = None
        return super().portal_order_page(
            order_id, access_token=access_token, payment_amount=payment_amount, amount_selection=amount_selection, **kw
        )

    def _esign_open_request(self, order_id, access_token):
        try:
            order_sudo = self._document_check_access("sale.order", order_id, access_token=access_token)
        except (AccessError, MissingError):
            return False
        return bool(order_sudo._esign_open_request())


class EsignPaymentPortal(PaymentPortal):
    """Stock's payment route while a signature is being waited for (law 2)."""

    @http.route()
    def portal_order_transaction(self, order_id, access_token, **kwargs):
        """Override of `sale`: no transaction before the signature."""
        try:
            order_sudo = self._document_check_access("sale.order", order_id, access_token)
        except AccessError as error:
            raise ValidationError(request.env._("The access token is invalid.")) from error
        if order_sudo._esign_open_request():
            raise ValidationError(
                request.env._("This quotation waits for its electronic signature; it can be paid afterwards.")
            )
        return super().portal_order_transaction(order_id, access_token, **kwargs)
