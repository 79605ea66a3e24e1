from odoo import api, fields, models

from ..tools import chain


class EsignEventPrivate(models.Model):
    """Personal data of the technical log: the journal holds a salted hash of it, and stays whole without it."""

    _name = "esign.event.private"
    _description = "E-signature: personal part of a journal's entry"
    _inherit = ["esign.immutable"]
    _order = "id"
    _rec_name = "event_id"
    # At its own term, or with everything else of the request.
    _esign_may_go = "esign_private_may_go(OLD.request_id, OLD.keep_until)"

    request_id = fields.Many2one("esign.request", required=True, readonly=True, index=True, ondelete="restrict")
    event_id = fields.Many2one("esign.event", required=True, readonly=True, index=True, ondelete="restrict")
    salt = fields.Char(required=True, readonly=True, help="Hexadecimal; destroyed with the data.")
    payload = fields.Json(required=True, readonly=True)
    keep_until = fields.Datetime(required=True, readonly=True, index=True)

    _event_unique = models.UniqueIndex("(event_id)", "An entry has one personal part.")

    @api.model
    def _kept(self, request):
        """Return what is still there of a request, for whoever checks its journal.

        :return: dicts with ``seq``, ``salt`` and ``private``; with ``chain.commitment`` they give the
            ``private_sha256`` of the entry's payload
        :rtype: list[dict]
        """
        found = self.sudo().search([("request_id", "=", request.id)])
        return [
            {"seq": item.event_id.seq, "salt": item.salt, "private": item.payload}
            for item in found.sorted(lambda item: item.event_id.seq)
        ]

    def _text(self):
        self.ensure_one()
        return ", ".join(f"{name}: {value}" for name, value in self.payload.items())

    @api.model
    def _values(self, private, keep_until):
        """Return what is to be created for a private payload, and what the journal says of it.

        :param dict private: not empty
        :param datetime keep_until: naive UTC
        :return: values but for the entry, and what joins the public payload
        :rtype: tuple[dict, dict]
        """
        salt = chain.new_salt()
        values = {"salt": salt, "payload": private, "keep_until": keep_until}
        return values, {"private_sha256": chain.commitment(salt, private)}
