import logging
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from ..tools import appearance, fonts, signature, verify
from ..tools.exceptions import EsignError, SealError
from ..tools.geometry import Placement
from ..tools.hashing import sha256_hex
from .esign_request_answer import LEASE_MINUTES
from .esign_request_closing import UNSIGNED
from .esign_transaction import is_of_database

_logger = logging.getLogger(__name__)

# What is known to go wrong while sealing; anything else is logged with its traceback.
SEAL_ERRORS = (EsignError, UserError, OSError)


class EsignRequest(models.Model):
    _inherit = "esign.request"

    # === DRIVING === #

    def _complete(self, lease_held=False):
        """Bring an answered request to its end; each step is committed on its own.

        Safe to call again after a crash at any point: every step is a compare-and-set.

        :param bool lease_held: the caller's commit took the lease for sealing
        """
        for request in self:
            state = request._seal_and_tell(lease_held)
            if state == "sent":
                request._pass_on()
            if state in UNSIGNED:
                request._prove_end(lease_held)
            if state in ("signed", "declined"):
                request._apply_to_order()

    @api.model
    def _cron_complete(self):
        """Finish what a crash or a fault left undone (SECURITY: sweep every minute)."""
        pending = self.sudo().search(
            [
                # Whoever took the answer is at work as long as the lease runs; two at once would disturb each other.
                "|",
                ("lease_until", "=", False),
                ("lease_until", "<", self._now()),
                "|",
                "|",
                "|",
                ("state", "=", "consented"),
                "&",
                ("state", "=", "sent"),
                ("to_invite", "=", True),
                "&",
                ("state", "=", "expired"),
                ("told", "=", False),
                "&",
                ("state", "in", ("signed", "declined")),
                "|",
                ("told", "=", False),
                ("applied", "=", False),
            ]
        )
        self.env["ir.cron"]._commit_progress(remaining=len(pending))
        for request in pending:
            # One that always fails must not hold up the others.
            request[0]._complete_or_leave_it()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    # === SEALING === #

    def _seal_and_tell(self, lease_held):
        """Stamp, seal, check and keep the file, then the same for the proof; no transaction is open while sealing.

        The sealed file is kept before the proof is sealed, for both may have to wait for a time-stamp; what is
        kept is not made a second time.

        :return: the state afterwards
        :rtype: str
        """
        stamping = None
        try:
            with self._own_transaction() as this:
                stamping = this._stamping()
                if this.state != "consented" or this._has_to_wait(stamping):
                    return this.state
                if not (lease_held or this._take_lease()):
                    return this.state
                # A second file of the same request is sealed with the same key.
                key = this.seal_id._load() if this.sealed_on else this._sealing_key()
                job = this._seal_job() if not this.sealed_on else None
            signed = self._seal_bytes(**job, key=key, stamping=stamping) if job else None
            with self._own_transaction() as this:
                if job and not this._keep_signed(*signed, key, job["signing_time"], stamping):
                    return this.state
                draft = this.env["esign.proof"]._draft(this)
            proof = draft.seal(key, stamping)
        except Exception as error:  # whatever it is, it is told, and tried again
            if is_of_database(error):
                raise
            self._report_seal_failure(error, stamping)
            return "consented"
        with self._own_transaction() as this:
            this._finish_signed(draft, *proof, stamping)
        return "signed"

    def _take_lease(self):
        """Reserve the completion for this process for two minutes: compare and set."""
        now = self._now()
        self.env.cr.execute(
            "UPDATE esign_request SET lease_until = %s WHERE id = %s AND state IN ('consented', 'declined', 'expired')"
            " AND (lease_until IS NULL OR lease_until < %s) RETURNING id",
            [now + timedelta(minutes=LEASE_MINUTES), self.id, now],
        )
        return bool(self.env.cr.fetchone())

    def _seal_job(self):
        """Collect what sealing needs as plain values, so that it holds no transaction."""
        return {
            "original": self._document("quote")._bytes(),
            "places": [Placement.from_dict(signer.placement) for signer in self.signer_ids],
            "contents": [self._stamp_content(signer) for signer in self.signer_ids],
            "signing_time": self._now().replace(tzinfo=UTC),
            "signer_name": self.company_id.name,
            "reason": self._seal_reason(self.signer_ids[:1]),
        }

    def _seal_bytes(self, original, places, contents, key, stamping, signing_time, signer_name, reason):
        stamps = list(zip(places, map(appearance.draw_stamp, contents), strict=True))
        signed, token = stamping.seal(
            original, stamps, key, signing_time=signing_time, signer_name=signer_name, reason=reason
        )
        verdict = verify.verify_strict(
            signed, key.certificate, original_sha256=sha256_hex(original), original_size=len(original)
        )
        if not verdict.ok:
            raise SealError("self_check", verdict=verdict.reason)
        return signed, token

    def _stamp_content(self, signer):
        env = self.with_context(lang=signer.lang).env
        drawn = signer.signature_kind == "drawn"
        lines = [env._("on %s", self._moment_text(signer)), env._("Signature identifier %s", self.reference)]
        if signer.customer_name:
            # What no font has is left to the proof: boxes would say nothing.
            shown = [text for text in (signer.capacity, signer.customer_name) if text and fonts.can_draw(text)]
            lines[:0] = [", ".join(shown)] if shown else []
        lines.append(env._("Sealed by %s; the proof file tells how", self.company_id.name))
        return appearance.StampContent(
            title=env._("Accepted electronically by"),
            signer_name=signer._stamp_name(),
            lines=tuple(lines),
            verify_url=self._verify_url(),
            signature=signature.parse_strokes(signer.signature_strokes) if drawn else signer._stamp_name(),
        )

    def _seal_reason(self, signer):
        env = self.with_context(lang=signer.lang).env
        return env._(
            "Quotation %(number)s accepted by %(name)s, signature identifier %(reference)s",
            number=self.order_name,
            name=self.with_env(env)._signed_by(),
            reference=self.reference,
        )

    def _moment_text(self, signer, moment=None):
        """Return a moment (naive UTC; by default that of the answer) for people: local date, hour, offset from UTC."""
        moment = moment or signer.answered_on
        local = moment.replace(tzinfo=UTC).astimezone(ZoneInfo(signer.tz))
        text = format_datetime(self.env, moment, tz=signer.tz, dt_format="long", lang_code=signer.lang)
        offset = local.strftime("%z")
        # Most languages end it with "+0100", which few people can read.
        text = text.removesuffix(offset).rstrip()
        return text if "UTC" in text or "GMT" in text else f"{text} (UTC{offset[:3]}:{offset[3:]})"

    def _report_seal_failure(self, error, stamping=None):
        if stamping and isinstance(error, SealError) and error.reason == "timestamp_failed":
            _logger.warning("esign_quote: %s waits for its time-stamp: %s", self.reference, error)
            with self._own_transaction() as this:
                this._note_stamping(stamping)
                this._note_waiting(error.detail["cause"])
            return
        unexpected = not isinstance(error, SEAL_ERRORS)
        _logger.error("esign_quote: %s cannot be sealed yet: %s", self.reference, error, exc_info=unexpected)
        with self._own_transaction() as this:
            this._tell_about_key(error)
            if "seal.failed" in this.event_ids.mapped("type"):
                return
            this._log([("seal.failed", {"error": str(error)[:200]})])
            staff = this._for_staff()
            staff._remind(*staff._unsealed_words(error))

    def _keep_signed(self, signed, token, key, sealed_on, stamping):
        """Keep the sealed file; the request stays as it is until there is a proof, too.

        :return: False when another server was faster
        :rtype: bool
        """
        self.env.cr.execute(
            "UPDATE esign_request SET sealed_on = %s WHERE id = %s AND state = 'consented' AND sealed_on IS NULL RETURNING id",
            [sealed_on.replace(tzinfo=None), self.id],
        )
        if not self.env.cr.fetchone():
            return False
        self.invalidate_recordset(["sealed_on"])
        self.write(self._level_values(stamping, token))
        signer = self.signer_ids[:1]
        document = self.env["esign.document"]._freeze(
            self,
            "signed",
            self._file_name(self.with_context(lang=signer.lang).env._("signed")),
            signed,
            pages=self._stamped_pages(self.signer_ids),
            sequence=100,
        )
        sealed = {"sha256": document.sha256, "bytes": document.size, "certificate_sha256": key.fingerprint}
        pending = [self._pending_entry(stamping.failure, stamping.policy)] if stamping.failure else []
        self._log(
            [
                ("document.sealed", {**sealed, "level": self.seal_level}),
                *self._stamp_entries("signed", token),
                *pending,
                ("self_check.ok", {"original_prefix": True, "one_signature": True, "no_later_change": True}),
                ("request.signed", {"reference": self.reference}),
            ]
        )
        return True

    def _finish_signed(self, draft, proof_pdf, token, stamping):
        """Record everything that makes the quotation signed: one commit (law 6)."""
        if not self._move("signed", ("consented",), told=True):
            return
        self._note_stamping(stamping)
        proof = self.env["esign.proof"]._keep(self, draft, proof_pdf)
        self._care_for_timestamp(token)
        signed = self._document("signed")
        files = [(signed.name, signed._bytes()), (proof.document_id.name, proof_pdf)]
        self._queue_mails(files)
        issued = {"json_sha256": proof.sha256, "pdf_sha256": proof.document_id.sha256}
        self._log([("proof.issued", issued), *self._stamp_entries("proof", token), *self._copies_entries()])
        self._for_staff()._note_answer(self._due_signer())

    def _file_name(self, suffix):
        stem = self._document("quote").name.removesuffix(".pdf").replace("/", "-")
        return f"{stem} - {suffix}.pdf"

    # === THE ORDER === #

    def _apply_to_order(self):
        """Confirm or cancel the order, in a transaction of its own.

        A failure becomes an activity and never touches the signature (law 6).
        """
        try:
            with self._own_transaction(read_committed=False) as this:
                if this._claim_application():
                    this.order_id.with_company(this.company_id)._esign_apply(this)
                    if this.state == "signed" and this.order_id.state == "sale":
                        this._log([("order.confirmed", {"order": this.order_id.name})])
        except Exception as error:
            if is_of_database(error):
                raise  # somebody else wrote to the order at this moment, say: the cron tries again
            if not isinstance(error, UserError):
                _logger.exception("esign_quote: %s cannot be carried into its order", self.reference)
            with self._own_transaction() as this:
                if this._claim_application():
                    this._log([("order.not_updated", {"error": str(error)[:200]})])
                    staff = this._for_staff()
                    staff._remind(
                        staff.env._("To do by hand: %s", this.order_name),
                        staff.env._("The customer answered, but the order could not be updated: %s", error),
                    )

    def _claim_application(self):
        self.env.cr.execute(
            "UPDATE esign_request SET applied = TRUE WHERE id = %s AND state IN ('signed', 'declined')"
            " AND NOT COALESCE(applied, FALSE) RETURNING id",
            [self.id],
        )
        claimed = bool(self.env.cr.fetchone())
        self.invalidate_recordset()
        return claimed
