from odoo import api, fields, models

from ..tools import chain


class EsignEvent(models.Model):
    _name = "esign.event"
    _description = "E-signature: entry of a request's journal"
    _inherit = ["esign.immutable"]
    _order = "seq"
    _rec_name = "type"
    # When the term of a request is over, its payloads go; number, moment and hashes stay for good.
    _esign_may_change = "esign_only_payload_goes(OLD.request_id, to_jsonb(OLD), to_jsonb(NEW))"

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
    private_ids = fields.One2many(
        "esign.event.private", "event_id", readonly=True, groups="esign_quote.esign_quote_group_manager"
    )
    private_detail = fields.Char(
        "Technical log",
        compute="_compute_private_detail",
        groups="esign_quote.esign_quote_group_manager",
        help="Address and browser; destroyed when the term of the technical log is over.",
    )

    _seq_unique = models.UniqueIndex("(request_id, seq)", "A journal has one entry of each number.")

    @api.depends("payload")
    def _compute_detail(self):
        for event in self:
            parts = (event.payload or {}).items()
            event.detail = ", ".join(f"{name}: {value}" for name, value in parts if name != "private_sha256")

    @api.depends("private_ids.payload")
    def _compute_private_detail(self):
        for event in self:
            event.private_detail = event.private_ids[:1]._text() if event.private_ids else False

    @api.model
    def _journal(self, request):
        """Return a request's entries as :func:`tools.chain.verify` wants them, oldest first.

        Of a request whose term is over the payloads are None (but for the entry that says so): tell
        ``verify`` with ``purged=True``.

        :rtype: list[dict]
        """
        names = (*chain.FIELDS, "payload", "hash")
        events = self.sudo().search_fetch([("request_id", "=", request.id)], names, order="seq")
        # An empty payload is stored as NULL; what was hashed is the empty object.
        nothing = None if request.sudo().purged_on else {}
        return [{**{name: event[name] for name in names}, "payload": event.payload or nothing} for event in events]
