import hashlib
import logging
from datetime import UTC, timedelta

from odoo import api, fields, models

from ..tools import seal
from ..tools.exceptions import SealError, TimestampError
from .esign_timestamp import FORMAT

_logger = logging.getLogger(__name__)

LEVELS = [("PAdES B-B", "PAdES B-B"), ("PAdES B-T", "PAdES B-T"), ("PAdES B-LT", "PAdES B-LT")]
# A proof gets a new time-stamp before the certificate of its newest one ends.
RENEW_BEFORE = timedelta(days=90)
# Files in the order in which a manifest names them.
STAMPED = ("signed", "proof")


class Stamping:
    """Who is asked for time-stamps while a request is sealed, and what came of it; holds no transaction."""

    def __init__(self, service=None, policy="", validation_data=None, covered=frozenset(), failure=""):
        self.service = service
        self.policy = policy  # "wait", "without" or "" when no authority is set
        self.validation_data = validation_data
        self.covered = covered
        self.failure = failure  # a key of `tools.timestamp.REASONS`
        self.tokens = []
        self.asked = False

    def seal(self, original, stamps, key, **options):
        """Seal with a time-stamp; without one only where the policy allows it.

        :return: the file, and its token or None
        :rtype: tuple[bytes, tools.timestamp.Token | None]
        :raise SealError: see `tools.seal.seal_pdf`
        """
        if self.service and not self.failure:
            self.asked = True
            try:
                sealed = seal.seal_pdf(
                    original, stamps, key, timestamp=self._stamp, validation_data=self.validation_data, **options
                )
                return sealed, self.tokens[-1]
            except SealError as error:
                if error.reason != "timestamp_failed":
                    raise
                self.failure = error.detail["cause"]
                if self.policy == "wait":
                    raise
        return seal.seal_pdf(original, stamps, key, **options), None

    def _stamp(self, signature):
        token = self.service.stamp(signature)
        self.tokens.append(token)
        # The next file does not try again what has just failed.
        self.service = self.service.starting_at(token.address)
        return token.der

    def level(self, token):
        """Return the level that a file with this token has reached (ETSI EN 319 142-1)."""
        if token is None:
            return "PAdES B-B"
        # An authority may sign with a certificate that nobody has asked about yet.
        known = hashlib.sha256(token.certificate).hexdigest() in self.covered
        return "PAdES B-LT" if known else "PAdES B-T"


class EsignRequest(models.Model):
    """Requests: time-stamps of the seal and of the proof."""

    _inherit = "esign.request"

    seal_level = fields.Selection(LEVELS, "Level of the seal", readonly=True)
    timestamp_facts = fields.Json(readonly=True, help="What the proof says about the time-stamp of the seal.")
    timestamp_ids = fields.One2many("esign.timestamp", "request_id", "Further time-stamps", readonly=True)
    timestamp_wanted = fields.Boolean(readonly=True, help="Sealed without one: to be got as soon as possible.")
    timestamp_until = fields.Datetime(
        "Time-stamp good until", readonly=True, help="When the certificate of the newest time-stamp ends."
    )

    _timestamp_wanted_index = models.Index("(id) WHERE timestamp_wanted")
    _timestamp_until_index = models.Index("(timestamp_until) WHERE timestamp_until IS NOT NULL")

    def _timestamp_facts(self):
        """Return what the proof says about time-stamps.

        :rtype: dict
        """
        self.ensure_one()
        return self.timestamp_facts or {"level": "PAdES B-B", "when_unavailable": "", "timestamp": None}

    # === WHILE SEALING === #

    def _stamping(self):
        """Return who is asked for time-stamps for this request.

        :rtype: Stamping
        """
        company = self.company_id
        if not company._esign_has_tsa():
            return Stamping()
        policy = company.esign_tsa_when_unavailable
        try:
            service = company._esign_timestamp_service()
        except TimestampError as error:
            return Stamping(policy=policy, failure=error.reason)
        paused = self.env["esign.authority"]._pause_reason(company)
        data, covered = self.env["esign.revocation"]._validation_data(self.seal_id)
        return Stamping(service, policy, data, covered, failure=paused or "")

    def _has_to_wait(self, stamping):
        """Tell whether sealing has to wait for an authority that is known to fail, and say so once."""
        if stamping.policy != "wait" or not stamping.failure:
            return False
        self._note_waiting(stamping.failure)
        return True

    def _note_waiting(self, reason):
        """Record that the time-stamp is awaited, once; let go of the lease, for nothing is being done."""
        self.env.cr.execute("UPDATE esign_request SET lease_until = NULL WHERE id = %s", [self.id])
        self.invalidate_recordset(["lease_until"])
        if "timestamp.pending" in self.event_ids.mapped("type"):
            return
        self._log([self._pending_entry(reason, "wait")])
        staff = self._for_staff()
        staff._remind(*staff._waiting_words(staff.company_id._esign_explain_timestamp(reason)))

    def _pending_entry(self, reason, policy):
        return ("timestamp.pending", {"reason": reason, "when_unavailable": policy})

    def _note_stamping(self, stamping):
        """Remember how the authority did, in the transaction that keeps what came of it."""
        company = self.company_id
        for token in stamping.tokens:
            self.env["esign.authority"]._note_success(company, token)
            self.env["esign.revocation"]._watch_token(company, token)
        if stamping.failure and stamping.asked:
            self.env["esign.authority"]._note_failure(company, stamping.failure)

    def _stamp_entries(self, of, token):
        """Return the journal's entries about a token."""
        if token is None:
            return []
        facts = _token_facts(token)
        return [("timestamp.obtained", {"of": of, **facts, "token_sha256": hashlib.sha256(token.der).hexdigest()})]

    def _level_values(self, stamping, token):
        level = stamping.level(token)
        return {
            "seal_level": level,
            "timestamp_facts": {
                "level": level,
                "when_unavailable": stamping.policy,
                "timestamp": _token_facts(token) if token else None,
            },
        }

    def _want_timestamp(self):
        """Have a time-stamp of the proof got by the next job, where the company has an authority."""
        self.ensure_one()
        if self.company_id._esign_has_tsa():
            self.timestamp_wanted = True

    # === AFTERWARDS === #

    @api.model
    def _cron_timestamps(self):
        """Get the time-stamps that were missing when proofs were sealed; one commit each."""
        wanted = self.sudo().search([("timestamp_wanted", "=", True), ("proof_ids", "!=", False)])
        wanted._obtain_timestamps("late")

    @api.model
    def _cron_renew_timestamps(self):
        """Renew the time-stamps of proofs before their certificates end; one commit each."""
        soon = fields.Datetime.now() + RENEW_BEFORE
        due = self.sudo().search(self._renewal_domain(soon), order="timestamp_until")
        due._obtain_timestamps("renewal")

    def _renewal_domain(self, soon):
        # What is purged needs no care any more.
        return [("timestamp_until", "<", soon), ("proof_ids", "!=", False), ("purged_on", "=", False)]

    def _obtain_timestamps(self, kind):
        self.env["ir.cron"]._commit_progress(remaining=len(self))
        failed = self.env["res.company"]
        for request in self:
            request = request[0]  # no prefetch across commits
            if request.company_id not in failed and not request._obtain_timestamp(kind):
                failed |= request.company_id
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def _obtain_timestamp(self, kind):
        """Get a token over the hashes of the files and of earlier tokens.

        :return: False when the company's authority gives none at present
        """
        company = self.company_id
        if not company._esign_has_tsa() or self.env["esign.authority"]._pause_reason(company):
            return False
        try:
            stamp = self.env["esign.timestamp"]._obtain(company, kind, self._timestamp_manifest(), request=self)
        except TimestampError as error:
            _logger.warning("esign_quote: no time-stamp for %s: %s", self.reference, error)
            return False
        self._keep_timestamp(stamp)
        return True

    def _keep_timestamp(self, stamp):
        self.write({"timestamp_wanted": False, "timestamp_until": stamp.certificate_until})
        entry = {
            "of": stamp.kind,
            "authority": stamp.authority,
            "serial": stamp.serial,
            "policy": stamp.policy,
            "time": _iso(stamp.gen_time),
            "manifest_sha256": stamp.imprint,
            "token_sha256": hashlib.sha256(stamp._der()).hexdigest(),
        }
        self._log([("lta.renewed" if stamp.kind == "renewal" else "timestamp.obtained", entry)])

    def _timestamp_manifest(self):
        """Return what a time-stamp of this request covers: its files and what stamped them before."""
        files = [
            {"kind": document.kind, "sha256": document.sha256}
            for kind in STAMPED
            for document in self.document_ids.filtered(lambda item, kind=kind: item.kind == kind)
        ]
        files += [{"kind": "proof_json", "sha256": proof.sha256} for proof in self.proof_ids.sorted("id")]
        return {
            "format": FORMAT,
            "reference": self.reference,
            "files": files,
            "previous": [hashlib.sha256(stamp._der()).hexdigest() for stamp in self.timestamp_ids.sorted("id")],
        }


def _token_facts(token):
    return {
        "authority": token.authority,
        "serial": token.serial,
        "policy": token.policy,
        "time": _iso(token.gen_time.astimezone(UTC).replace(tzinfo=None)),
        "drift_ms": token.drift_ms,
    }


def _iso(moment):
    return moment.isoformat(timespec="milliseconds") + "Z"
