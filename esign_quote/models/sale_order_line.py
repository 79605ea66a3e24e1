from odoo import api, models


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    @api.model_create_multi
    def create(self, vals_list):
        """Void the signing procedure of an order that gets a line (law 1)."""
        lines = super().create(vals_list)
        lines.order_id._esign_content_changed()
        return lines

    def write(self, vals):
        """Void the signing procedure of an order whose line changes (law 1)."""
        orders = self.order_id
        result = super().write(vals)
        (orders | self.order_id)._esign_content_changed()
        return result

    def unlink(self):
        """Void the signing procedure of an order that loses a line (law 1)."""
        orders = self.order_id
        result = super().unlink()
        orders.exists()._esign_content_changed()
        return result
