import base64
from datetime import UTC

from odoo import api, fields, models

from ..tools import timestamp
from ..tools.exceptions import TimestampError
from ..tools.hashing import canonical_json, sha256_hex

FORMAT = "esign_quote/timestamp/1"


class EsignTimestamp(models.Model):
    _name = "esign.timestamp"
    _description = "E-signature: time-stamp of an authority"
    _inherit = ["esign.immutable", "esign.transaction"]
    _order = "id"
    _rec_name = "serial"

    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True, ondelete="restrict")
    request_id = fields.Many2one("esign.request", readonly=True, index="btree_not_null", ondelete="restrict")
    kind = fields.Selection(
        [("anchor", "Of a day's journals"), ("late", "Got after the sealing"), ("renewal", "Renewed")],
        required=True,
        readonly=True,
    )
    manifest = fields.Text(required=True, readonly=True, help="Canonical JSON (RFC 8785): exactly what was stamped.")
    imprint = fields.Char("SHA-256", required=True, readonly=True)
    token = fields.Binary("Token (RFC 3161, DER)", required=True, attachment=False, readonly=True)
    gen_time = fields.Datetime("Time", required=True, readonly=True)
    serial = fields.Char("Serial number", required=True, readonly=True)
    policy = fields.Char(required=True, readonly=True)
    authority = fields.Char(required=True, readonly=True)
    certificate_until = fields.Datetime("Authority's certificate ends on", required=True, readonly=True)

    # === OBTAINING === #

    @api.model
    def _obtain(self, company, kind, manifest, request=None, anchor=None):
        """Get a token over a manifest, check it, and keep it.

        Commits what the caller did so far: no transaction is open while the network is asked.

        :param str kind: ``anchor``, ``late`` or ``renewal``
        :param dict manifest: what is stamped, in canonical JSON
        :param request: `esign.request` that it is about
        :param anchor: `esign.anchor` that it is about
        :return: the new record
        :rtype: recordset of `esign.timestamp`
        :raise TimestampError: there is none; nothing is kept
        """
        text = canonical_json(manifest)
        token = self._ask(company, text)
        values = self._values(company, kind, text, token)
        if request:
            values["request_id"] = request.id
        if anchor:
            values["anchor_id"] = anchor.id
        return self.sudo().create(values)

    @api.model
    def _ask(self, company, content):
        """Get a checked token over some bytes.

        :rtype: tools.timestamp.Token
        :raise TimestampError: see `tools.timestamp.REASONS`, or ``none``, ``password_lost``
        """
        service = company._esign_timestamp_service()
        self._close_transaction()
        try:
            token = service.stamp(content)
        except TimestampError as error:
            with self._own_transaction() as this:
                this.env["esign.authority"]._note_failure(company.with_env(this.env), error.reason)
            raise
        with self._own_transaction() as this:
            company = company.with_env(this.env)
            this.env["esign.authority"]._note_success(company, token)
            this.env["esign.revocation"]._watch_token(company, token)
        return token

    def _values(self, company, kind, text, token):
        return {
            "company_id": company.id,
            "kind": kind,
            "manifest": text.decode(),
            "imprint": sha256_hex(text),
            "token": base64.b64encode(token.der),
            "gen_time": _naive(token.gen_time),
            "serial": token.serial,
            "policy": token.policy,
            "authority": token.authority,
            "certificate_until": _naive(token.certificate_until),
        }

    @api.model
    def _cron_renew(self):
        """Renew the time-stamps of proofs before the certificates of their authorities end."""
        self.env["esign.request"]._cron_renew_timestamps()

    # === READING === #

    def _der(self):
        """Return the token as it came.

        :rtype: bytes
        """
        self.ensure_one()
        return base64.b64decode(self.sudo().with_context(bin_size=False).token)

    def _check(self):
        """Check the token again, completely.

        :rtype: tools.timestamp.Token
        :raise TimestampError: it does not belong to the manifest, or is not a good one
        """
        self.ensure_one()
        return timestamp.check_token(self._der(), self.sudo().manifest.encode())


def _naive(moment):
    """Return an aware ``datetime`` as Odoo stores it."""
    return moment.astimezone(UTC).replace(tzinfo=None)
