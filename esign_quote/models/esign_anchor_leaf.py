from odoo import fields, models


class EsignAnchorLeaf(models.Model):
    _name = "esign.anchor.leaf"
    _description = "E-signature: head of a journal under a common hash"
    _inherit = ["esign.immutable"]
    _order = "anchor_id, position"
    # Thousands a night, written in one statement: nobody's name, no date but the day's.
    _log_access = False

    anchor_id = fields.Many2one("esign.anchor", required=True, readonly=True, index=True, ondelete="restrict")
    position = fields.Integer(required=True, readonly=True, help="In the tree; 0 is the leaf of the day.")
    # Without a foreign key, on purpose: PostgreSQL would lock every request for its check, so that running
    # signatures would wait, and the snapshot of the night would fail for each that moves meanwhile. Requests
    # are never deleted (`esign_immutable_sql`).
    request_id = fields.Integer(required=True, readonly=True)
    seq = fields.Integer(required=True, readonly=True)
    head = fields.Char(required=True, readonly=True)

    _position_unique = models.UniqueIndex("(anchor_id, position)", "A tree has one leaf in each place.")
    _head_unique = models.UniqueIndex("(request_id, seq)", "A head of a journal is under one common hash.")
