from odoo import fields, models


class EsignAnchorCopy(models.Model):
    _name = "esign.anchor.copy"
    _description = "E-signature: mail with a common hash"
    _inherit = ["esign.immutable"]
    _order = "id"
    _rec_name = "addresses"

    anchor_id = fields.Many2one("esign.anchor", required=True, readonly=True, index=True, ondelete="restrict")
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="restrict")
    addresses = fields.Char("To", required=True, readonly=True)

    _company_unique = models.UniqueIndex("(anchor_id, company_id)", "A company is told of a common hash once.")
