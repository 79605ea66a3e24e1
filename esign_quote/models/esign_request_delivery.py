from odoo import api, fields, models

from .esign_delivery import STATES


class EsignRequest(models.Model):
    _inherit = "esign.request"

    delivery_ids = fields.One2many("esign.delivery", "request_id", "Messages", readonly=True)
    delivery_problem = fields.Char("Trouble with the delivery", compute="_compute_delivery_problem")

    @api.depends("delivery_ids.state", "delivery_ids.failure", "state")
    def _compute_delivery_problem(self):
        for request in self:
            request.delivery_problem = request._delivery_problem()

    def _newest_delivery(self, kind, signer):
        """Return the newest message of a kind that concerns a signer, or an empty recordset."""
        mine = self.delivery_ids.filtered(lambda item: item.kind == kind and item.signer_id == signer)
        return mine.sorted("id")[-1:]

    def _copies(self):
        """Return the newest signed file to each signer, those that did not arrive first."""
        newest = self.delivery_ids.browse()
        for signer in self.signer_ids:
            newest += self._newest_delivery("signed_copy", signer)
        return newest.sorted(lambda item: item.state not in ("failed", "bounced"))

    def _delivery_problem(self):
        """Say what is wrong with the newest invitation or with a customer's signed file.

        :return: a sentence for the salesperson, or False
        :rtype: str | bool
        """
        _ = self.env._
        invitation = self.delivery_ids.browse()
        if self.state == "sent":
            invitation = self._newest_delivery("invitation", self._due_signer())
        delivery = invitation or self._copies()[:1]
        values = {"address": delivery.address, "answer": delivery.failure or ""}
        if delivery.state == "bounced":
            text = _("The mail to %(address)s came back: %(answer)s", **values)
        elif delivery.state == "failed":
            text = _("The mail to %(address)s could not be handed over: %(answer)s", **values)
        else:
            return False
        if delivery.retry_on:
            # Not inside the f-string: what stands there is not extracted for translation.
            hope = _("Odoo tries again by itself.")
            return f"{text} {hope}"
        return text

    def _invitation_step(self):
        """Return the first step of a signer's turn as what is known of the invitation's mail."""
        _ = self.env._
        delivery = self._newest_delivery("invitation", self._due_signer())
        # Whoever asked for a code got the link, whatever a mail server said.
        state = False if self.opened_on else delivery.state
        if state == "queued" or self.to_invite:
            return self._step(_("Waiting to be sent"), False, status="current")
        if state in ("failed", "bounced"):
            label = _("Not sent") if state == "failed" else _("Came back")
            return self._step(label, delivery[f"{state}_on"], status="failed")
        return self._step(_("Sent"), delivery.queued_on if self.turn > 1 else self.sent_on)

    def _invitation_facts(self, signer):
        """Return what the proof says of a signer's invitation (SECURITY 5.1, item 7).

        :rtype: list[dict]
        """

        def text(moment):
            return moment.isoformat(timespec="milliseconds") + "Z" if moment else None

        names = ["address", "message_id", "server_answer", "failure", *(f"{state}_on" for state, _label in STATES)]
        domain = [("signer_id", "=", signer.id), ("kind", "=", "invitation")]
        return [
            {
                "to": item.address,
                "message_id": item.message_id or "",
                "queued_at": text(item.queued_on),
                "handed_over_at": text(item.handed_over_on),
                "server_answer": item.server_answer or "",
                "failed_at": text(item.failed_on),
                "came_back_at": text(item.bounced_on),
                "report": item.failure or "",
            }
            for item in self.env["esign.delivery"].sudo().search_fetch(domain, names, order="id")
        ]
