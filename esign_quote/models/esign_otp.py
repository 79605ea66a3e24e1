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
    expires_on = fields.Datetime(readonly=True, required=True)
    # What is kept of the code and of the browser that asked for it; wiped once it is over.
    digest = fields.Char(copy=False, groups=fields.NO_ACCESS)
    salt = fields.Char(copy=False, groups=fields.NO_ACCESS)
    device_hash = fields.Char(copy=False, groups=fields.NO_ACCESS)

    @api.model
    def _issue(self, ticket, device_hash, minutes):
        """Make a code for one ticket, one browser and one purpose; earlier ones end.

        :return: the record and the code itself, which is kept nowhere
        :rtype: tuple[recordset of `esign.otp`, str]
        """
        self.search([("ticket_id", "=", ticket.id), ("state", "=", "pending")])._end("replaced")
        code, salt = codes.new_code(DIGITS), codes.new_salt()
        otp = self.create(
            {
                "ticket_id": ticket.id,
                "device_hash": device_hash,
                "salt": salt,
                "digest": self._digest(ticket, device_hash, code, salt),
                # From the database's clock, as it is judged by it.
                "expires_on": self._now() + timedelta(minutes=minutes),
            }
        )
        return otp, code

    def _find_pending(self, ticket, device_hash):
        """Return the code that this browser may give now, or an empty recordset."""
        domain = [("ticket_id", "=", ticket.id), ("state", "=", "pending"), ("expires_on", ">", self._now())]
        return self.search(domain, limit=1).filtered(lambda otp: codes.same(otp.device_hash, device_hash))

    def _matches(self, code):
        """Compare in constant time. The try was counted and committed before (law 5)."""
        self.ensure_one()
        return codes.same(self.digest, self._digest(self.ticket_id, self.device_hash, code, self.salt))

    def _use(self):
        """Take the code: compare and set, one winner.

        :rtype: bool
        """
        self.ensure_one()
        self.env.cr.execute(
            "UPDATE esign_otp SET state = 'used', digest = NULL, salt = NULL"
            " WHERE id = %s AND state = 'pending' AND expires_on > clock_timestamp() AT TIME ZONE 'UTC' RETURNING id",
            [self.id],
        )
        used = bool(self.env.cr.fetchone())
        self.invalidate_recordset()
        return used

    def _end(self, state):
        self.write({"state": state, "digest": False, "salt": False})

    def _digest(self, ticket, device_hash, code, salt):
        pepper = self.env["esign.vault"]._derive("otp")
        return codes.code_digest(code, salt, pepper, f"{ticket.uid}/{device_hash}/{ticket._purpose()}")

    @api.autovacuum
    def _gc_old(self):
        """Delete the remains of codes after a day; the journal keeps what happened."""
        self.search([("expires_on", "<", fields.Datetime.now() - timedelta(days=1))]).unlink()
