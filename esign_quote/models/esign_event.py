from odoo import api, fields, models

from ..tools import chain


class EsignEvent(models.Model):
    _name = "esign.event"
    _description = "E-signature: entry of a request's journal"
    _inherit = ["esign.immutable"]
    _order = "seq"
    _rec_name = "type"

    request_id = fields.Many2one("esign.request", required=True, readonly=True, index=True, ondelete="restrict")
    seq = fields.Integer("No.", required=True, readonly=True)
    type = fields.Char(required=True, readonly=True)
    at = fields.Char(
        "When (UTC)", required=True, readonly=True, help="ISO 8601 with milliseconds: the text that is hashed."
    )
    actor = fields.Char(required=True, readonly=True)
    # jsonb may reorder the keys: the canonical form (RFC 8785) does not care.
    payload = fields.Json(readonly=True)
    payload_sha256 = fields.Char(required=True, readonly=True)
    hash = fields.Char(required=True, readonly=True)
    detail = fields.Char(compute="_compute_detail")

    _seq_unique = models.UniqueIndex("(request_id, seq)", "A journal has one entry of each number.")

    @api.depends("payload")
    def _compute_detail(self):
        for event in self:
            event.detail = ", ".join(f"{name}: {value}" for name, value in (event.payload or {}).items())

    @api.model
    def _journal(self, request):
        """Return a request's entries as :func:`tools.chain.verify` wants them, oldest first.

        :rtype: list[dict]
        """
        names = (*chain.FIELDS, "payload", "hash")
        events = self.sudo().search_fetch([("request_id", "=", request.id)], names, order="seq")
        # An empty payload is stored as NULL; what was hashed is the empty object.
        return [{**{name: event[name] for name in names}, "payload": event.payload or {}} for event in events]
