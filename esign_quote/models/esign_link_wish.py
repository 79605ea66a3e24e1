import logging

from odoo import api, fields, models
from odoo.tools import email_normalize

from ..tools.networks import network_of
from ..tools.throttle import Rule

_logger = logging.getLogger(__name__)

MAX_ADDRESS = 254  # RFC 5321, 4.5.3.1.3
MAX_TYPED = 320  # with a name around it
HOUR, DAY = 3600, 86400
BATCH = 100
PER_ADDRESS = (Rule(3, HOUR), Rule(6, DAY))
PER_NETWORK = (Rule(20, HOUR),)


class EsignLinkWish(models.Model):
    _name = "esign.link.wish"
    _description = "E-signature: somebody asked for lost links"
    _inherit = ["esign.transaction"]

    # Known, unknown and locked addresses leave the same row after the same work; what there is
    # to send is found out later by a cron. So neither answer nor time tells who is a customer.
    email = fields.Char(required=True, readonly=True)

    @api.model
    def _wish(self, typed, origin):
        """Take note that somebody wants the links of an address again.

        :param str typed: an address
        :param dict origin: ``ip`` as seen by the server
        :return: ``ok``, else ``reason``: ``format`` or ``wait`` (``seconds``)
        :rtype: dict
        """
        # Python's parser of addresses calls itself for each of some characters: thousands of them end the request.
        email = email_normalize(typed) if typed and len(typed) <= MAX_TYPED else False
        if not email or len(email) > MAX_ADDRESS:
            return {"ok": False, "reason": "format"}
        with self._own_transaction() as this:
            limits = {f"again:mail:{email}": PER_ADDRESS, f"again:net:{network_of(origin['ip'])}": PER_NETWORK}
            wait = this.env["esign.throttle"]._take(limits)
            if wait:
                return {"ok": False, "reason": "wait", "seconds": wait}
            this.create({"email": email})
        return {"ok": True}

    @api.model
    def _cron_fulfil(self):
        """Send the links that were asked for; one commit each."""
        wishes = self.sudo().search([], limit=BATCH, order="id")
        self.env["ir.cron"]._commit_progress(remaining=self.sudo().search_count([]))
        for wish in wishes:
            wish = wish[0]  # no prefetch across commits
            try:
                with self.env.cr.savepoint():
                    wish._fulfil()
            except Exception:  # one that always fails must not hold up the others
                _logger.exception("esign_quote: a lost link could not be sent again")
                wish.unlink()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def _fulfil(self):
        signers = self.env["esign.signer"].search([("email", "=", self.email), ("request_id.state", "=", "sent")])
        due = signers.filtered(lambda signer: signer._is_due())
        for signer in due.filtered(lambda signer: signer._may_resend_unasked()):
            signer.request_id._resend(signer)
        self.unlink()
