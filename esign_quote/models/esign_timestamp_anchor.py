from odoo import fields, models


class EsignTimestamp(models.Model):
    _inherit = "esign.timestamp"

    anchor_id = fields.Many2one("esign.anchor", readonly=True, index="btree_not_null", ondelete="restrict")
