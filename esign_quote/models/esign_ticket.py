import logging
from datetime import timedelta

from odoo import api, fields, models

from ..tools import codes
from .esign_otp import DIGITS

_logger = logging.getLogger(__name__)

SESSION_MINUTES = 60
RESEND_SECONDS = 30
CODES_PER_HOUR = 5
# States of a request whose personal link still leads somewhere.
REACHABLE = ("sent", "consented", "signed", "declined")


class EsignTicket(models.Model):
    _name = "esign.ticket"
    _description = "E-signature: personal access of a signer"
    _inherit = ["esign.transaction"]
    _order = "id desc"
    _rec_name = "uid"

    signer_id = fields.Many2one("esign.signer", required=True, readonly=True, index=True, ondelete="restrict")
    uid = fields.Char(required=True, readonly=True, default=lambda self: codes.new_uid())
    active = fields.Boolean(default=True, readonly=True)
    proved_on = fields.Datetime(readonly=True)
    secret_hash = fields.Char(copy=False, groups=fields.NO_ACCESS)
    device_hash = fields.Char(copy=False, groups=fields.NO_ACCESS)

    _uid_unique = models.Constraint("UNIQUE(uid)", "A ticket has an identifier of its own.")
    _secret_index = models.UniqueIndex("(secret_hash)")

    # === LINK === #

    @api.model
    def _issue(self, signer):
        """Make the signer's ticket; earlier ones die.

        :return: the secret of the link, which is kept nowhere
        :rtype: str
        """
        self.search([("signer_id", "=", signer.id)]).write({"active": False, "device_hash": False})
        secret = codes.new_secret()
        self.create({"signer_id": signer.id, "secret_hash": codes.secret_hash(secret)})
        signer.request_id._log([("link.issued", {"to": signer.email})])
        return secret

    @api.model
    def _find_by_secret(self, secret):
        """Return the ticket that a link opens, or an empty recordset: one answer for all causes."""
        ticket = self.sudo().search([("secret_hash", "=", codes.secret_hash(secret))], limit=1)
        return ticket.filtered(lambda found: found.signer_id.request_id.state in REACHABLE)

    @api.model
    def _find_by_device(self, uid, device):
        """Return the ticket of a page and how far its browser has come.

        :param str uid: from the address
        :param str device: secret from the cookie, may be empty
        :return: the ticket (empty when the browser has no business here) and whether it has
            proved a code
        :rtype: tuple[recordset of `esign.ticket`, bool]
        """
        names = ["uid", "signer_id", "device_hash", "proved_on"]
        ticket = self.sudo().search_fetch([("uid", "=", uid or "")], names, limit=1)
        device_hash = codes.secret_hash(device) if device else None
        if ticket._is_proved(device_hash):
            return ticket, True
        pending = ticket and self.env["esign.otp"].sudo().search([("ticket_id", "=", ticket.id)])
        known = any(codes.same(otp.device_hash, device_hash) for otp in pending or ())
        known = known and ticket.signer_id.request_id.state in REACHABLE
        return (ticket, False) if known else (ticket.browse(), False)

    def _is_proved(self, device_hash):
        return bool(
            self
            and codes.same(self.device_hash, device_hash)
            and self.proved_on
            and self.proved_on > self._now() - timedelta(minutes=SESSION_MINUTES)
        )

    def _purpose(self):
        """What a code of this ticket is good for (bound into its digest)."""
        request = self.signer_id.request_id
        return f"sign:{request.reference}:{request._document('quote').sha256}"

    def _scope(self):
        return f"link:{self.signer_id.id}"

    # === CODE === #

    def _send_code(self, device, origin):
        """Send a new code to the signer's frozen address.

        Code and journal are committed before the mail goes out, its fate afterwards: a repeated
        HTTP request or a crash sends nothing twice and loses nothing.

        :param str device: secret of the browser that asks
        :param dict origin: ``ip`` and ``user_agent`` as seen by the server
        :return: ``ok``, else ``reason``: ``locked`` (``until``), ``wait`` (``seconds``) or ``failed``
        :rtype: dict
        """
        self.ensure_one()
        with self._own_transaction() as this:
            refusal = this._code_refusal()
            if refusal:
                return refusal
            minutes = this._company().esign_code_minutes
            otp, code = this.env["esign.otp"]._issue(this, codes.secret_hash(device), minutes)
            request = this.signer_id.request_id
            request.opened_on = request.opened_on or this._now()
            request._log([("code.requested", {"channel": "mail", "digits": DIGITS, **origin})], actor="visitor")
            message = this._code_message(code, minutes)
        return self._hand_over(message, otp.id)

    def _hand_over(self, message, otp_id):
        delivery = self.env["esign.delivery"]._send_now(self.signer_id, "code", message)
        if delivery.state == "failed":
            with self._own_transaction() as this:
                this.env["esign.otp"].browse(otp_id)._end("failed")
            return {"ok": False, "reason": "failed"}
        return {"ok": True}

    def _code_refusal(self):
        until = self.env["esign.lock"]._locked_until(self._scope())
        if until:
            return {"ok": False, "reason": "locked", "until": until}
        # Locks out parallel askers of the same ticket, so that the gap below is a gap.
        self.env.cr.execute("SELECT id FROM esign_signer WHERE id = %s FOR UPDATE", [self.signer_id.id])
        since = self._now() - timedelta(hours=1)
        sent = self.env["esign.otp"].search(
            [("ticket_id.signer_id", "=", self.signer_id.id), ("create_date", ">", since), ("state", "!=", "failed")]
        )
        if not sent:
            return None
        age = (self._now() - sent[0].create_date).total_seconds()
        wait = (
            RESEND_SECONDS - age
            if len(sent) < CODES_PER_HOUR
            else 3600 - (self._now() - sent[-1].create_date).total_seconds()
        )
        return {"ok": False, "reason": "wait", "seconds": int(wait) + 1} if wait > 0 else None

    def _code_message(self, code, minutes):
        signer = self.signer_id
        template = self.env.ref("esign_quote.mail_template_code").with_context(lang=signer.lang)
        values = template.with_context(esign_code=code, esign_minutes=minutes)._generate_template(
            [signer.id], ("subject", "body_html", "email_from", "reply_to")
        )[signer.id]
        return self.env["ir.mail_server"]._build_email__(
            email_from=values["email_from"],
            email_to=[signer.email],
            subject=values["subject"],
            body=values["body_html"],
            reply_to=values.get("reply_to"),
            subtype="html",
            headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
        )

    def _check_code(self, device, typed, origin):
        """Judge a code: count it, commit, compare, and only then let the browser in.

        :return: ``ok`` with ``device``, the new secret of the browser (the old one is dead: no
            session fixation); else ``reason``: ``format``, ``expired``, ``locked`` (``until``) or
            ``wrong`` (``left`` tries)
        :rtype: dict
        """
        self.ensure_one()
        code = codes.clean_code(typed, DIGITS)
        if not code:
            return {"ok": False, "reason": "format"}
        device_hash = codes.secret_hash(device)
        company = self._company()
        with self._own_transaction() as this:
            otp = this.env["esign.otp"]._find_pending(this, device_hash)
            locks = this.env["esign.lock"]
            used = otp and locks._take_try(this._scope(), company.esign_code_tries, company.esign_lock_days)
            if not used:
                until = locks._locked_until(this._scope())
                return (
                    {"ok": False, "reason": "locked", "until": until} if until else {"ok": False, "reason": "expired"}
                )
            otp_id = otp.id
        with self._own_transaction() as this:
            if this.env["esign.otp"].browse(otp_id)._matches(code):
                return this._let_in(otp_id, origin)
            return this._keep_out(used, origin)

    def _let_in(self, otp_id, origin):
        if not self.env["esign.otp"].browse(otp_id)._use():
            return {"ok": False, "reason": "expired"}
        self.env["esign.lock"]._clear(self._scope())
        device = codes.new_secret()
        now = self._now()
        self.write({"device_hash": codes.secret_hash(device), "proved_on": now})
        request = self.signer_id.request_id
        request.identified_on = request.identified_on or now
        request._log(
            [("code.validated", {"ticket": self.uid, "device_sha256": self.device_hash, **origin})], actor="signer"
        )
        return {"ok": True, "device": device}

    def _keep_out(self, used, origin):
        company = self._company()
        left = max(company.esign_code_tries - used, 0)
        entries = [("code.refused", {"try": used, **origin})]
        if not left:
            entries.append(("scope.locked", {"scope": self._scope(), "days": company.esign_lock_days}))
        self.signer_id.request_id._log(entries, actor="visitor")
        if left:
            return {"ok": False, "reason": "wrong", "left": left}
        return {"ok": False, "reason": "locked", "until": self.env["esign.lock"]._locked_until(self._scope())}

    def _leave(self):
        """End the session of the browser that proved a code."""
        with self._own_transaction() as this:
            this.write({"device_hash": False, "proved_on": False})
            this.signer_id.request_id._log([("session.ended", {})], actor="signer")

    def _company(self):
        return self.signer_id.request_id.company_id
