import base64
import json
import logging
from datetime import UTC, timedelta
from urllib.parse import urlsplit

from odoo import api, fields, models

from ..tools import revocation
from ..tools.certificate_chain import issuers
from ..tools.exceptions import RevocationError

_logger = logging.getLogger(__name__)

# Names of hosts inside the company's network that certificates may lead to, separated by commas.
PRIVATE_HOSTS = "esign_quote.private_revocation_hosts"
FORGET_AFTER = timedelta(days=60)  # an authority's certificate that it does not sign with any more


class EsignRevocation(models.Model):
    _name = "esign.revocation"
    _description = "E-signature: what its issuer says about a certificate"
    _inherit = ["esign.transaction"]
    _order = "id desc"
    _rec_name = "fingerprint"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    purpose = fields.Selection(
        [("seal", "Company's seal"), ("timestamp", "Time-stamp authority")], required=True, readonly=True
    )
    fingerprint = fields.Char("SHA-256 fingerprint", required=True, readonly=True)
    chain = fields.Json(readonly=True, help="DER, base64: the certificate, its issuer, and so on upwards.")
    seen_on = fields.Datetime(readonly=True)
    state = fields.Selection(
        [("unknown", "Not known"), ("good", "Good"), ("revoked", "Revoked")],
        default="unknown",
        required=True,
        readonly=True,
    )
    reason = fields.Char(readonly=True)
    checked_on = fields.Datetime(readonly=True)
    revoked_on = fields.Datetime(readonly=True)
    # The oldest and the first to end, of the whole chain.
    this_update = fields.Datetime(readonly=True)
    next_update = fields.Datetime(readonly=True)
    ocsps = fields.Json(readonly=True, help="OCSP responses (RFC 6960), DER, base64.")
    crls = fields.Json(readonly=True, help="Revocation lists (RFC 5280), DER, base64.")

    _fingerprint_unique = models.UniqueIndex("(company_id, fingerprint)", "One row a certificate.")

    # === WHAT IS WATCHED === #

    @api.model
    def _watch(self, company, purpose, certificate, others):
        """Keep an eye on a certificate from now on; those that sign themselves cannot be revoked.

        :param bytes certificate: DER
        :param others: DER certificates among which its issuers are
        """
        if revocation.is_self_signed(certificate):
            return
        chain = [base64.b64encode(der).decode() for der in (certificate, *issuers(certificate, others))]
        self.env.cr.execute(
            """INSERT INTO esign_revocation AS r (company_id, purpose, fingerprint, chain, state, seen_on)
               VALUES (%s, %s, %s, %s::jsonb, 'unknown', %s)
               ON CONFLICT (company_id, fingerprint) DO UPDATE SET seen_on = EXCLUDED.seen_on
               WHERE r.seen_on < EXCLUDED.seen_on - interval '1 day'""",
            [company.id, purpose, revocation.fingerprint(certificate), json.dumps(chain), self._now()],
        )
        self.invalidate_model()

    @api.model
    def _watch_token(self, company, token):
        """Keep an eye on the certificate of an authority that has just stamped something."""
        self._watch(company, "timestamp", token.certificate, [*token.certificates, *self._roots_of(company)])

    @api.model
    def _watch_seals(self):
        for seal in self.env["esign.seal"].sudo().search([("active", "=", True)]):
            this = seal.with_context(bin_size=False)
            others = [base64.b64decode(item) for item in this.chain or []]
            self._watch(seal.company_id, "seal", base64.b64decode(this.certificate), others)

    def _roots_of(self, company):
        return company.sudo()._esign_tsa_root_certificates()

    # === WHAT IS KNOWN === #

    @api.model
    def _revoked_of(self, company):
        """Return the fingerprints of a company's revoked certificates.

        :rtype: frozenset
        """
        found = self.sudo().search([("company_id", "=", company.id), ("state", "=", "revoked")])
        return frozenset(found.mapped("fingerprint"))

    @api.model
    def _validation_data(self, seal):
        """Return what is known for a file that is sealed now: enough for level B-LT, or nothing.

        :return: the data or None, and the fingerprints of the authority's certificates that it covers
        :rtype: tuple[tools.revocation.ValidationData | None, frozenset]
        """
        now = fields.Datetime.now()
        fresh = [("company_id", "=", seal.company_id.id), ("state", "=", "good"), ("next_update", ">", now)]
        rows = self.sudo().search(fresh)
        own = rows.filtered(lambda row: row.fingerprint == seal.fingerprint)
        stamping = rows.filtered(lambda row: row.purpose == "timestamp")
        if not own or not stamping:
            return None, frozenset()
        used = own | stamping

        def gather(name):
            items = [base64.b64decode(item) for row in used for item in row[name] or ()]
            return tuple(dict.fromkeys(items))

        data = revocation.ValidationData(gather("chain"), gather("ocsps"), gather("crls"))
        return data, frozenset(stamping.mapped("fingerprint"))

    # === ASKING === #

    @api.model
    def _cron_refresh(self):
        """Ask the issuers again about certificates whose last answer is past half its life; one commit each."""
        self = self.sudo()  # noqa: PLW0642
        self._watch_seals()
        now = fields.Datetime.now()
        self.search([("purpose", "=", "timestamp"), ("seen_on", "<", now - FORGET_AFTER)]).unlink()
        due = self.search([("state", "!=", "revoked")]).filtered(lambda row: row._is_due(now))
        self.env["ir.cron"]._commit_progress(remaining=len(due))
        for row in due:
            row[0]._refresh()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def _is_due(self, now):
        if self.state != "good" or not self.next_update:
            return True
        return now > self.this_update + (self.next_update - self.this_update) / 2

    def _refresh(self):
        """Ask about a certificate and its issuers, and keep the answers."""
        self.ensure_one()
        chain = [base64.b64decode(item) for item in self.chain]
        hosts, now, known = self._private_hosts(), self._now().replace(tzinfo=UTC), self._name_for_log()
        self._close_transaction()
        answers, values = [], {}
        try:
            answers = _ask_about(chain, now, hosts)
            values = {"state": "good", "reason": False}
        except RevocationError as error:
            values = {"reason": error.reason}
            if error.reason == "revoked":
                values.update(state="revoked", revoked_on=error.detail["on"].astimezone(UTC).replace(tzinfo=None))
            _logger.warning("esign_quote: revocation of %s: %s", known, error)
        self._keep_answers(chain, answers, values)

    def _keep_answers(self, chain, answers, values):
        values["checked_on"] = self._now()
        if answers:
            values.update(
                chain=[base64.b64encode(der).decode() for der in chain],
                ocsps=[base64.b64encode(item.der).decode() for item in answers if item.kind == "ocsp"],
                crls=[base64.b64encode(item.der).decode() for item in answers if item.kind == "crl"],
                this_update=min(item.this_update for item in answers).replace(tzinfo=None),
                next_update=min(item.next_update for item in answers).replace(tzinfo=None),
            )
        self.write(values)
        if values.get("state") == "revoked" and self.purpose == "seal":
            self._retire_seal()

    def _retire_seal(self):
        """Take the company's key out of use: its issuer has revoked the certificate."""
        seals = self.env["esign.seal"].sudo().with_context(active_test=False)
        seal = seals.search([("fingerprint", "=", self.fingerprint), ("revoked_on", "=", False)], limit=1)
        if seal:
            since = min(max(self.revoked_on, seal.valid_from), self._now().replace(microsecond=0))
            seal._revoke(since, self.env._("The issuer of the certificate has revoked it."))
            error = self.env._("The issuer of the sealing certificate has revoked it; it seals no more.")
            seals._tell_needed(self.company_id, error)

    def _name_for_log(self):
        return f"{self.purpose} certificate {self.fingerprint[:16]} of company {self.company_id.id}"

    def _private_hosts(self):
        """Return the hosts that may be inside the company's network: the authority's own, and those of the setting."""
        company = self.company_id
        urls = filter(None, (company.esign_tsa_url, company.esign_tsa_second_url))
        named = self.env["ir.config_parameter"].sudo().get_param(PRIVATE_HOSTS) or ""
        return {*(urlsplit(url).hostname for url in urls), *(name.strip() for name in named.split(","))} - {"", None}


def _ask_about(chain, now, hosts):
    """Return one answer for each certificate of a chain that somebody could revoke; completes the chain."""
    answers = []
    for position in range(9):  # nobody's chain is longer
        if position == len(chain) or revocation.is_self_signed(chain[position]):
            return answers
        if position + 1 == len(chain):
            issuer = revocation.fetch_issuer(chain[position], hosts)
            if issuer is None:
                # Its issuer is not known, so nobody's word about it can be checked.
                raise RevocationError("unverified", cause="issuer")
            chain.append(issuer)
        answers.append(revocation.ask(chain[position], chain[position + 1], now, hosts))
    raise RevocationError("unverified", cause="chain")
