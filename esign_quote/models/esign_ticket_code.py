from datetime import timedelta

from odoo import models

from ..tools import codes
from ..tools.networks import network_of
from ..tools.throttle import Rule
from .esign_otp import DIGITS

# Between two codes: half a minute after the first, a minute and more afterwards (SECURITY 2.3).
GAPS = (Rule(1, 30), Rule(2, 90))
HOUR, DAY = 3600, 86400
# Of two codes, the second has to follow soon.
HALF_MINUTES = 15


class EsignTicket(models.Model):
    _inherit = "esign.ticket"

    # One-time codes: asked for, sent, judged.

    def _next_channel(self, device_hash):
        """Return where this browser's next code goes: ``mail`` or ``sms``."""
        channel = self.signer_id.request_id.channel
        if channel != "both":
            return channel
        half = codes.same(self.half_hash, device_hash) and self.half_on
        return "sms" if half and half > self._now() - timedelta(minutes=HALF_MINUTES) else "mail"

    # === SENDING === #

    def _send_code(self, device, origin):
        """Send a new code to the signer's frozen address or number.

        Code and journal are committed before the message goes out, its fate afterwards: a
        repeated HTTP request or a crash sends nothing twice and loses nothing.

        :param str device: secret of the browser that asks
        :param dict origin: ``ip`` and ``user_agent`` as seen by the server
        :return: ``ok``, else ``reason``: ``locked`` (``until``), ``wait`` (``seconds``) or ``failed``
        :rtype: dict
        """
        self.ensure_one()
        device_hash = codes.secret_hash(device)
        with self._own_transaction() as this:
            channel = this._next_channel(device_hash)
            refusal = this._code_refusal(channel, origin)
            if refusal:
                return refusal
            minutes = this._company().esign_code_minutes
            otp, code = this.env["esign.otp"]._issue(this, device_hash, minutes, channel)
            request = this.signer_id.request_id
            request.opened_on = request.opened_on or this._now()
            this.signer_id._log(this._asking_entries(device_hash, channel, origin), actor="visitor")
            message = this._code_message(code, minutes) if channel == "mail" else this._code_text(code)
        return self._hand_over(message, otp.id) if channel == "mail" else self._hand_over_sms(message, otp.id)

    def _asking_entries(self, device_hash, channel, origin):
        entries = [("code.requested", {"channel": channel, "digits": DIGITS, **origin})]
        if codes.same(self.device_hash, device_hash):  # it had a session
            entries.insert(0, ("session.timeout", {"ticket": self.uid}))
        return entries

    def _hand_over(self, message, otp_id):
        delivery = self.env["esign.delivery"]._send_now(self.signer_id, "code", message)
        return {"ok": True} if delivery.state == "handed_over" else self._code_failed(otp_id)

    def _hand_over_sms(self, text, otp_id):
        signer = self.signer_id
        outcome = self.env["esign.sms"]._send(self._company(), signer.phone, text)
        self.env["esign.delivery"]._note_sms(signer, outcome)
        return {"ok": True} if outcome["ok"] else self._code_failed(otp_id, outcome["reason"])

    def _code_failed(self, otp_id, sms_reason=None):
        """The code did not go out: it does not count, neither as a code nor as a try."""
        with self._own_transaction() as this:
            otp = this.env["esign.otp"].browse(otp_id)
            otp._end("failed")
            this.env["esign.throttle"]._give_back(this._address_rules(otp.channel))
            if sms_reason:
                this.signer_id._tell_sms_trouble(sms_reason)
        return {"ok": False, "reason": "failed"}

    # === LIMITS === #

    def _code_refusal(self, channel, origin):
        until = self.env["esign.lock"]._locked_until(self._scope())
        if until:
            return {"ok": False, "reason": "locked", "until": until}
        company = self._company()
        network = {f"code:net:{network_of(origin['ip'])}": [Rule(company.esign_codes_per_network, HOUR)]}
        throttle = self.env["esign.throttle"]
        wait = throttle._take({**self._address_rules(channel), **network})
        if wait:
            return {"ok": False, "reason": "wait", "seconds": wait}
        if channel == "sms" and throttle._take(self.signer_id._sms_rules()):
            throttle._give_back(self._address_rules(channel))
            self.signer_id._log([("code.send_failed", {"channel": "sms", "error": "limit"})])
            self.signer_id._tell_sms_trouble("limit")
            return {"ok": False, "reason": "failed"}
        return None

    def _address_rules(self, channel):
        company, signer = self._company(), self.signer_id
        address = signer.email if channel == "mail" else signer.phone
        hourly = company.esign_codes_per_hour
        return {
            # Who has two quotations to sign need not wait between them.
            f"code:signer:{signer.id}:{channel}": GAPS,
            f"code:{channel}:{address}": [Rule(hourly, HOUR), Rule(2 * hourly, DAY)],
            f"code:request:{signer.request_id.id}": [Rule(2 * hourly, HOUR)],
        }

    # === WORDING OF THE MESSAGES === #

    def _code_message(self, code, minutes):
        values = {"esign_code": code, "esign_minutes": minutes}
        return self.signer_id._direct_message("esign_quote.mail_template_code", **values)

    def _code_text(self, code):
        """Return the SMS; its last line lets a phone fill in the code on our page only (origin-bound)."""
        signer = self.signer_id
        env = self.with_context(lang=signer.lang).env
        sentence = env._(
            "%(code)s is your code to sign quotation %(number)s (%(company)s). Do not share it.",
            code=code,
            number=signer.request_id.order_name,
            company=self._company().name,
        )
        return f"{sentence}\n\n@{signer._host()} #{code}"

    # === JUDGING === #

    def _check_code(self, device, typed, origin):
        """Judge a code: count it, commit, compare, and only then let the browser in.

        Not counted, as it is no guess: what is no code, what comes without a code to be judged,
        and the same wrong code once more (a double click).

        :return: ``ok`` with ``device``, the new secret of the browser (the old one is dead: no
            session fixation), and ``more`` when another code is to follow; else ``reason``:
            ``format``, ``expired``, ``locked`` (``until``) or ``wrong`` (``left`` tries)
        :rtype: dict
        """
        self.ensure_one()
        code = codes.clean_code(typed, DIGITS)
        if not code:
            return {"ok": False, "reason": "format"}
        device_hash = codes.secret_hash(device)
        with self._own_transaction(refresh=False) as this:
            this._fetch_for_guess()
            refusal, otp, digest, used = this._count_guess(code, device_hash)
            if refusal:
                return refusal
            # Found out now: a commit forgets what was read.
            left = max(this._company().esign_code_tries - used, 0)
            this._commit_and_go_on()
            otp.fetch(["state", "digest", "channel"])
            if otp.state != "pending":
                return this._too_late()
            if otp._matches(digest):
                return this._let_in(otp, origin)
            otp._note_wrong(digest)
            return this._keep_out(used, left, origin)

    def _fetch_for_guess(self):
        """Read what a guess needs and no more: a company alone has a hundred fields."""
        self.fetch(["uid", "signer_id"])
        self.signer_id.fetch(["request_id", "journal_turn"])
        request = self.signer_id.request_id
        request.fetch(["reference", "company_id"])
        request.company_id.fetch(["esign_code_tries", "esign_lock_for"])
        request.document_ids.fetch(["kind", "sha256"])

    def _too_late(self):
        """The code was used or replaced meanwhile (a second click): not compared, hence not counted."""
        self.env["esign.lock"]._give_back(self._scope())
        return {"ok": False, "reason": "expired"}

    def _count_guess(self, code, device_hash):
        """Count a guess; return why it is not judged, or the code, the digest and the number of the try."""
        locks, scope, company = self.env["esign.lock"], self._scope(), self._company()
        until = locks._locked_until(scope)
        if until:
            return {"ok": False, "reason": "locked", "until": until}, None, None, None
        otp = self.env["esign.otp"]._find_pending(self, device_hash)
        if not otp:
            return {"ok": False, "reason": "expired"}, None, None, None
        digest = otp._digest(code)
        if otp._was_wrong(digest):
            left = max(company.esign_code_tries - locks._failures(scope), 0)
            return {"ok": False, "reason": "wrong", "left": left}, None, None, None
        used = locks._take_try(scope, company.esign_code_tries, company._esign_lock_minutes(), self.signer_id)
        if not used:  # somebody was faster
            return {"ok": False, "reason": "locked", "until": locks._locked_until(scope)}, None, None, None
        return None, otp, digest, used

    def _let_in(self, otp, origin):
        if not otp._use():
            return self._too_late()
        device, now = codes.new_secret(), self._now()
        device_hash = codes.secret_hash(device)
        request = self.signer_id.request_id
        entry = {"channel": otp.channel, "ticket": self.uid, "device_sha256": device_hash, **origin}
        more = otp.channel == "mail" and request.channel == "both"
        started = [] if more else [("session.started", {"ticket": self.uid})]
        self.signer_id._log([("code.validated", entry), *started], actor="signer")
        if more:
            # The wrong codes stay counted: whoever has the mailbox must not guess the phone's code for ever.
            self.env["esign.lock"]._give_back(self._scope())
            self.write({"half_hash": device_hash, "half_on": now})
            return {"ok": True, "device": device, "more": True}
        self.env["esign.lock"]._clear(self._scope())
        self.write({"device_hash": device_hash, "proved_on": now, "seen_on": now, "half_hash": False, "half_on": False})
        request.identified_on = request.identified_on or now
        return {"ok": True, "device": device, "more": False}

    def _keep_out(self, used, left, origin):
        entries = [("code.refused", {"try": used, **origin})]
        if not left:
            minutes = self._company()._esign_lock_minutes()
            entries.append(("scope.locked", {"scope": self._scope(), "minutes": minutes}))
            self.env["esign.lock"]._announce()
        self.signer_id._log(entries, actor="visitor")
        if left:
            return {"ok": False, "reason": "wrong", "left": left}
        return {"ok": False, "reason": "locked", "until": self.env["esign.lock"]._locked_until(self._scope())}
