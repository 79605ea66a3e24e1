from odoo import models
from odoo.tools import format_datetime

from ..tools import codes


class EsignTicket(models.Model):
    _inherit = "esign.ticket"

    # What the customer's pages ask of a ticket. The caller has proved the browser before.

    def _new_device(self):
        """Return a new secret for a browser; it is worth nothing before a code is given."""
        return codes.new_secret()

    def _step(self, wanted):
        """Return the page to show: ``read``, ``sign``, ``decline`` or the result.

        :param str wanted: the page asked for
        :rtype: str
        """
        if self.signer_id.request_id.state != "sent" or self.signer_id.answer:
            return "result"
        if wanted == "sign" and not self.signer_id._may_sign():
            return "read"
        return wanted if wanted in ("sign", "decline") else "read"

    def _visible_document(self, uid):
        """Return a file of this ticket's request, or an empty recordset."""
        return self.signer_id.request_id.document_ids.filtered(lambda document: document.uid == uid)

    def _visible_proof(self):
        return self.signer_id.request_id.proof_ids[:1]

    def _record_serving(self, document_id):
        """Note in a transaction of its own, once a session, that a file was handed to the browser that gave the code."""
        with self._own_transaction() as this:
            document = this.env["esign.document"].browse(document_id)
            if not this._was_served(document):
                served = {"ticket": this.uid, "name": document.name, "sha256": document.sha256, "bytes": document.size}
                this.signer_id._log([("document.served", served)], actor="signer")

    def _was_served(self, document):
        domain = [("request_id", "=", document.request_id.id), ("type", "=", "document.served")]
        since = self.proved_on.isoformat()
        return any(
            event.payload["sha256"] == document.sha256 and event.payload["ticket"] == self.uid and event.at > since
            for event in self.env["esign.event"].sudo().search_fetch(domain, ["payload", "at"])
        )

    def _record_last_page(self, sha256):
        """Note in a transaction of its own that the last page was shown.

        :rtype: bool
        """
        with self._own_transaction() as this:
            return this.signer_id._record_last_page(sha256)

    def _record_download(self, document_id):
        """Note in a transaction of its own that a file was downloaded."""
        with self._own_transaction() as this:
            this.signer_id._record_download(this.env["esign.document"].browse(document_id))

    def _sign(self, answer, origin):
        """Take the acceptance of the signer of this ticket; see `esign.request._sign`."""
        return self.signer_id.request_id._sign(self.signer_id.id, answer, origin)

    def _decline(self, comment, origin):
        """Take the refusal of the signer of this ticket; see `esign.request._decline`."""
        return self.signer_id.request_id._decline(self.signer_id.id, comment, origin)

    def _code_view(self, device):
        """Return what the page of the code says to this browser.

        :return: ``channel`` of the code that is asked for, ``address`` (masked) it goes to,
            ``pending`` whether a code can be typed now, ``ended`` whether a session ran out
        :rtype: dict
        """
        device_hash = codes.secret_hash(device)
        pending = self.env["esign.otp"]._find_pending(self, device_hash)
        channel = pending.channel or self._next_channel(device_hash)
        signer = self.signer_id
        return {
            "channel": channel,
            "address": signer.masked_phone if channel == "sms" else signer.masked_email,
            "pending": bool(pending),
            "ended": codes.same(self.device_hash, device_hash),
            "second": channel == "sms" and signer.request_id.channel == "both",
        }

    def _session_view(self):
        """Return the seconds that the page may stay open: ``idle`` and ``absolute``."""
        return {"idle": self._idle_left(), "absolute": self._absolute_left()}

    def _draft(self):
        """Return what was filled in before, as `_sign` takes it."""
        return self.signer_id.draft or {}

    def _keep_late_answer(self, device, form):
        """Keep an answer that came after the end of the session; nothing is signed.

        Only from the browser that had the session: who merely knows the link must not fill in
        what the signer finds ticked.
        """
        if codes.same(self.device_hash, codes.secret_hash(device)):
            with self._own_transaction() as this:
                this.signer_id._keep_draft(form)

    def _code_sentence(self, outcome):
        """Word what came of sending or checking a code; nothing tells who exists.

        :param outcome: dict of ``_send_code`` or ``_check_code``, or None
        :rtype: str
        """
        if not outcome:
            return ""
        if outcome["ok"]:
            return "" if outcome.get("more") else self.env._("A new code has been sent.")
        return getattr(self, f"_sentence_{outcome['reason']}")(outcome)

    def _sentence_format(self, _outcome):
        return self.env._("The code has 6 digits. Type it as it stands in the message; no try was used.")

    def _sentence_wrong(self, outcome):
        return self.env._("That code does not match. Tries left: %s. Check the latest message.", outcome["left"])

    def _sentence_expired(self, _outcome):
        return self.env._("This code has run out. Ask for a new one: your choices are kept.")

    def _sentence_failed(self, _outcome):
        return self.env._("We cannot send the code right now. Try again in a minute; no try was used.")

    def _sentence_wait(self, outcome):
        return self.env._("A code was sent a moment ago. You can ask for another one in %s.", self._duration(outcome))

    def _duration(self, outcome):
        seconds = outcome["seconds"]
        if seconds < 100:
            return self.env._("%s seconds", seconds)
        if seconds < 2 * 3600:
            return self.env._("%s minutes", -(-seconds // 60))
        return self.env._("%s hours", -(-seconds // 3600))

    def _sentence_locked(self, outcome):
        company = self._company()
        until = format_datetime(self.env, outcome["until"], tz=self.signer_id.tz, dt_format="short")
        reach = ", ".join(filter(None, (company.phone, company.email)))
        return self.env._(
            "For safety, code entry is stopped until %(until)s. We send a message to the address on file that tells what to do. You can also reach %(company)s: %(reach)s",
            until=until,
            company=company.name,
            reach=reach,
        )
