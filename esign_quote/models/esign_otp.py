from datetime import timedelta

from odoo import api, fields, models

from ..tools import codes

DIGITS = 6


class EsignOtp(models.Model):
    _name = "esign.otp"
    _description = "E-signature: one-time code"
    _inherit = ["esign.transaction"]
    _order = "id desc"

    ticket_id = fields.Many2one("esign.ticket", required=True, readonly=True, index=True, ondelete="cascade")
    state = fields.Selection(
        [("pending", "Pending"), ("used", "Used"), ("replaced", "Replaced"), ("failed", "Not sent")],
        default="pending",
        required=True,
        readonly=True,
    )
    channel = fields.Selection([("mail", "E-mail"), ("sms", "SMS")], default="mail", required=True, readonly=True)
    expires_on = fields.Datetime(readonly=True, required=True)
    # What is kept of the code and of the browser that asked for it; wiped once it is over.
    digest = fields.Char(copy=False, groups=fields.NO_ACCESS)
    salt = fields.Char(copy=False, groups=fields.NO_ACCESS)
    device_hash = fields.Char(copy=False, groups=fields.NO_ACCESS)
    wrong = fields.Json("Digests of wrong codes", copy=False, groups=fields.NO_ACCESS)

    @api.model
    def _issue(self, ticket, device_hash, minutes, channel):
        """Make a code for one ticket, one browser and one purpose; earlier ones end.

        :param str channel: ``mail`` or ``sms``: what the code will prove
        :return: the record and the code itself, which is kept nowhere
        :rtype: tuple[recordset of `esign.otp`, str]
        """
        self.search([("ticket_id", "=", ticket.id), ("state", "=", "pending")])._end("replaced")
        code = codes.new_code(DIGITS)
        otp = self.create(
            {
                "ticket_id": ticket.id,
                "channel": channel,
                "device_hash": device_hash,
                "salt": codes.new_salt(),
                # From the database's clock, as it is judged by it.
                "expires_on": self._now() + timedelta(minutes=minutes),
            }
        )
        otp.digest = otp._digest(code)
        return otp, code

    def _find_pending(self, ticket, device_hash):
        """Return the code that this browser may give now, or an empty recordset."""
        now = self._now()
        names = ["ticket_id", "channel", "expires_on", "device_hash", "salt", "wrong"]
        otp = self.search_fetch([("ticket_id", "=", ticket.id), ("state", "=", "pending")], names, limit=1)
        # Not in the domain, where Odoo compares whole seconds: the last second of a code would be no life.
        return otp.filtered(lambda otp: otp.expires_on > now and codes.same(otp.device_hash, device_hash))

    def _digest(self, code):
        """Return what is compared of a code: good for one ticket, browser, channel and purpose only."""
        self.ensure_one()
        ticket = self.ticket_id
        binding = f"{ticket.uid}/{self.device_hash}/{self.channel}/{ticket._purpose()}"
        return codes.code_digest(code, self.salt, self.env["esign.vault"]._derive("otp"), binding)

    def _was_wrong(self, digest):
        """Tell whether the same wrong code came before: a double click is not a second guess."""
        return any(codes.same(digest, earlier) for earlier in self.wrong or ())

    def _note_wrong(self, digest):
        # In one statement: of parallel guesses none overwrites another's.
        self.env.cr.execute(
            "UPDATE esign_otp SET wrong = COALESCE(wrong, '[]') || to_jsonb(%s::text) WHERE id = %s", [digest, self.id]
        )
        self.invalidate_recordset(["wrong"], flush=False)

    def _matches(self, digest):
        """Compare in constant time. The try was counted and committed before (law 5)."""
        self.ensure_one()
        return codes.same(self.digest, digest)

    def _use(self):
        """Take the code: compare and set, one winner.

        :rtype: bool
        """
        self.ensure_one()
        self.env.cr.execute(
            "UPDATE esign_otp SET state = 'used', digest = NULL, salt = NULL, wrong = NULL"
            " WHERE id = %s AND state = 'pending' AND expires_on > clock_timestamp() AT TIME ZONE 'UTC' RETURNING id",
            [self.id],
        )
        used = bool(self.env.cr.fetchone())
        self.invalidate_recordset()
        return used

    def _end(self, state):
        self.write({"state": state, "digest": False, "salt": False, "wrong": False})

    @api.autovacuum
    def _gc_old(self):
        """Delete the remains of codes after a day; the journal keeps what happened."""
        self.search([("expires_on", "<", self._now() - timedelta(days=1))]).unlink()
