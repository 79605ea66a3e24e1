from odoo import models


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    def _check_amount_and_confirm_order(self):
        """Override of `sale`: money does not replace a signature that is being waited for.

        The payment stands; the order is confirmed when the signing ends.
        """
        waiting = self.filtered(lambda tx: any(order._esign_open_request() for order in tx.sale_order_ids))
        return super(PaymentTransaction, self - waiting)._check_amount_and_confirm_order()
