from datetime import timedelta

from odoo import api, fields, models

from ..tools import codes

# SECURITY 2.3: a session ends when nothing happens, and in any case after an hour.
SESSION_MINUTES = 60
IDLE_MINUTES = 15
# States of a request whose personal link still leads somewhere.
REACHABLE = ("sent", "consented", "signed", "declined", "expired")
# A link that is opened over and over leaves one entry an hour.
OPENING_MINUTES = 60


class EsignTicket(models.Model):
    _name = "esign.ticket"
    _description = "E-signature: personal access of a signer"
    _inherit = ["esign.transaction"]
    _order = "id desc"
    _rec_name = "uid"

    signer_id = fields.Many2one("esign.signer", required=True, readonly=True, index=True, ondelete="restrict")
    uid = fields.Char(required=True, readonly=True, default=lambda self: codes.new_uid())
    active = fields.Boolean(default=True, readonly=True)
    secret_hash = fields.Char(copy=False, groups=fields.NO_ACCESS)

    # The browser that proved every code asked of it.
    device_hash = fields.Char(copy=False, groups=fields.NO_ACCESS)
    proved_on = fields.Datetime(readonly=True)
    seen_on = fields.Datetime(readonly=True)
    # The browser that proved the first of two codes.
    half_hash = fields.Char(copy=False, groups=fields.NO_ACCESS)
    half_on = fields.Datetime(readonly=True)

    _uid_unique = models.Constraint("UNIQUE(uid)", "A ticket has an identifier of its own.")
    _secret_index = models.UniqueIndex("(secret_hash)")

    # === LINK === #

    @api.model
    def _issue(self, signer):
        """Make the signer's ticket; earlier ones die, with whatever session they had.

        :return: the secret of the link, which is kept nowhere
        :rtype: str
        """
        self.search([("signer_id", "=", signer.id)])._kill()
        secret = codes.new_secret()
        self.create({"signer_id": signer.id, "secret_hash": codes.secret_hash(secret)})
        signer._log([("link.issued", {"to": signer.email})])
        return secret

    def _kill(self):
        """End tickets for good; they stay as history."""
        self.write({"active": False, "device_hash": False, "half_hash": False})
        self.env["esign.otp"].search([("ticket_id", "in", self.ids), ("state", "=", "pending")])._end("replaced")

    @api.model
    def _find_by_secret(self, secret):
        """Return the ticket that a link opens, or an empty recordset: one answer for all causes."""
        # In one query: a dead link takes no longer than one that never was.
        domain = [("secret_hash", "=", codes.secret_hash(secret)), ("signer_id.request_id.state", "in", REACHABLE)]
        return self.sudo().search(domain, limit=1)

    def _record_opening(self, origin):
        """Note that the link was opened: the one thing that a GET leaves behind (law 4).

        Mail filters open links too, hence the entry says so and counts for nothing.

        :param dict origin: ``ip`` and ``user_agent`` as seen by the server
        """
        self.ensure_one()
        if self._opened_lately():
            return
        with self._own_transaction() as this:
            entry = {"ticket": this.uid, "note": "may be a mail filter", **origin}
            this.signer_id._log([("link.opened", entry)], actor="visitor")

    def _opened_lately(self):
        events = self.env["esign.event"].sudo()
        since = self._now() - timedelta(minutes=OPENING_MINUTES)
        domain = [("request_id", "=", self.signer_id.request_id.id), ("type", "=", "link.opened")]
        last = events.search_fetch(domain, ["at", "payload"], order="seq desc", limit=1)
        return bool(last) and last.payload.get("ticket") == self.uid and last.at > since.isoformat()

    # === SESSION === #

    @api.model
    def _find_by_device(self, uid, device):
        """Return the ticket of a page and how far its browser has come.

        :param str uid: from the address
        :param str device: secret from the cookie, may be empty
        :return: the ticket (empty when the browser has no business here) and whether it has
            proved its code and the session runs
        :rtype: tuple[recordset of `esign.ticket`, bool]
        """
        names = ["uid", "signer_id", "device_hash", "proved_on", "seen_on", "half_hash", "half_on"]
        ticket = self.sudo().search_fetch([("uid", "=", uid or "")], names, limit=1)
        device_hash = codes.secret_hash(device) if device else None
        if ticket._is_proved(device_hash):
            return ticket, True
        known = ticket._knows(device_hash) and ticket._fetch_for_code().state in REACHABLE
        return (ticket, False) if known else (ticket.browse(), False)

    def _fetch_for_code(self):
        """Read what the page of the code shows and no more; return the request."""
        self.signer_id.fetch(["request_id", "journal_turn", "email", "phone", "lang", "tz"])
        request = self.signer_id.request_id
        request.fetch(["state", "channel", "company_id"])
        request.company_id.fetch(["name", "phone", "email", "partner_id", "esign_code_minutes"])
        return request

    def _is_proved(self, device_hash):
        return bool(self and codes.same(self.device_hash, device_hash) and self._seconds_left() > 0)

    def _knows(self, device_hash):
        """Tell whether this browser asked for a code of this ticket, or had a session that ended."""
        if not self or not device_hash:
            return False
        if codes.same(self.device_hash, device_hash) or codes.same(self.half_hash, device_hash):
            return True
        asked = self.env["esign.otp"].sudo().search_fetch([("ticket_id", "=", self.id)], ["device_hash", "channel"])
        return any(codes.same(otp.device_hash, device_hash) for otp in asked)

    def _seconds_left(self):
        """Return how long the session goes on if nothing happens; 0 when it is over."""
        return max(min(self._idle_left(), self._absolute_left()), 0)

    def _idle_left(self):
        return self._left(self.seen_on or self.proved_on, IDLE_MINUTES)

    def _absolute_left(self):
        return self._left(self.proved_on, SESSION_MINUTES)

    def _left(self, since, minutes):
        return int((since + timedelta(minutes=minutes) - self._now()).total_seconds()) if since else 0

    def _stay(self, draft=None):
        """Go on with the session, and keep what was filled in so far.

        :param dict draft: of the signature's form; see `esign.signer._keep_draft`
        :return: seconds left: ``idle`` if nothing happens, ``absolute`` whatever happens
        :rtype: dict
        """
        with self._own_transaction() as this:
            this.seen_on = this._now()
            if draft:
                this.signer_id._keep_draft(draft)
            return {"idle": this._idle_left(), "absolute": this._absolute_left()}

    def _leave(self):
        """End the session of the browser that proved a code."""
        with self._own_transaction() as this:
            this.write({"device_hash": False, "proved_on": False, "seen_on": False})
            this.signer_id._log([("session.ended", {})], actor="signer")

    # === WHAT IT IS FOR === #

    def _purpose(self):
        """What a code of this ticket is good for (bound into its digest)."""
        request = self.signer_id.request_id
        return f"sign:{request.reference}:{request._document('quote').sha256}"

    def _scope(self):
        return self.signer_id._lock_scope()

    def _company(self):
        return self.signer_id.request_id.company_id
