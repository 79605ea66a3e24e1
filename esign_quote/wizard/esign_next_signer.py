from odoo import fields, models


class EsignNextSigner(models.TransientModel):
    _name = "esign.next.signer"
    _description = "E-signature: somebody who signs after the first signer"
    _order = "sequence, id"

    composer_id = fields.Many2one("mail.compose.message", required=True, ondelete="cascade")
    sequence = fields.Integer(default=10)
    partner_id = fields.Many2one("res.partner", "Contact", required=True, ondelete="cascade")
    email = fields.Char(related="partner_id.email")
