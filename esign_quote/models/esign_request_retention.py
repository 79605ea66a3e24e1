from dateutil.relativedelta import relativedelta
from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL, format_date

from .esign_immutable_sql import YEARS

# Where nothing more will be answered: from here on the term runs.
FINAL_STATES = ("signed", "declined", "expired", "void")
COUNTED_FROM = {
    "signed": "the later of signature and delivery",
    "declined": "the refusal",
    "expired": "the expiry",
    "void": "the end of the procedure",
}


class EsignRequest(models.Model):
    _inherit = "esign.request"

    # How long a request is kept: ten years from the later of answer and delivery (L213-1, D213-2 C. conso).
    # The database watches over these columns (`esign_guard_request`).

    delivered_on = fields.Date("Performed on", readonly=True, copy=False, help="From the order, or as recorded.")
    retention_until = fields.Date("Kept until", readonly=True, copy=False, index="btree_not_null")
    legal_hold = fields.Boolean("On legal hold", readonly=True, copy=False)
    legal_hold_reason = fields.Char("Reason of the hold", readonly=True, copy=False)
    purged_on = fields.Datetime("Purged on", readonly=True, copy=False)
    archive_signed = fields.Boolean("Signed file archived", readonly=True, default=True, copy=False)
    signed_removed_on = fields.Datetime("Signed file removed on", readonly=True, copy=False)

    def init(self):
        """Create the triggers that keep the term from being shortened."""
        super().init()
        self.env["esign.immutable"]._guard_requests()

    def _move(self, target, sources=("sent",), at_turn=None, **values):
        """Override: with the end of a procedure its term begins."""
        if target in FINAL_STATES:
            if not self.answered_on:
                values.setdefault("answered_on", self._now())
            answered_on = values.get("answered_on") or self.answered_on
            values["retention_until"] = self._term(answered_on.date())
        return super()._move(target, sources, at_turn=at_turn, **values)

    def _term(self, day):
        """Return the last day on which what ended, or was performed, on ``day`` is kept."""
        return day + relativedelta(years=YEARS)

    def _retention_facts(self):
        """Return what the proof says of how long it is kept (SECURITY 5.1, item 18).

        :return: ``years``, ``counted_from`` and ``until`` (ISO date; None as long as the delivery is to come)
        :rtype: dict
        """
        self.ensure_one()
        known = self.retention_until and (self.state != "signed" or self.delivered_on)
        return {
            "years": YEARS,
            "counted_from": COUNTED_FROM.get(self.state, COUNTED_FROM["signed"]),
            "until": self.retention_until.isoformat() if known else None,
        }

    # === DELIVERY === #

    def _record_delivery(self, day, source):
        """Record the day on which the contract was performed; it only moves forward, and the term with it.

        :param date day: not in the future
        :param str source: ``order`` or ``person``
        :return: whether that is later than what was known
        :rtype: bool
        """
        self.ensure_one()
        if self.purged_on or (self.delivered_on and day <= self.delivered_on):
            return False
        self._log([("delivery.recorded", {"on": day.isoformat(), "source": source})])
        until = max(self.retention_until, self._term(day))
        self.write({"delivered_on": day, "retention_until": until})
        self.flush_recordset()
        return True

    @api.model
    def _cron_note_deliveries(self):
        """Record the delivery of signed orders whose lines are all delivered; one commit each."""
        self.env.cr.execute(
            SQL(
                """SELECT r.id FROM esign_request r JOIN sale_order o ON o.id = r.order_id
                    WHERE r.state = 'signed' AND r.delivered_on IS NULL AND r.purged_on IS NULL AND o.state = 'sale'
                      AND EXISTS (SELECT FROM sale_order_line l WHERE l.order_id = o.id AND %(counts)s)
                      AND NOT EXISTS (SELECT FROM sale_order_line l WHERE l.order_id = o.id AND %(counts)s
                                         AND COALESCE(l.qty_delivered, 0) < l.product_uom_qty)
                    ORDER BY r.id""",
                counts=SQL("l.display_type IS NULL AND l.is_downpayment IS NOT TRUE"),
            )
        )
        delivered = self.sudo().browse(request_id for (request_id,) in self.env.cr.fetchall())
        self.env["ir.cron"]._commit_progress(remaining=len(delivered))
        for request in delivered:
            with request[0]._own_transaction() as this:
                this._record_delivery(this._delivery_day(), "order")
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def _delivery_day(self):
        """Return the day of the last delivery: by the warehouse if there is one, else today, when it is seen."""
        today = self._now().date()
        order = self.order_id
        if "picking_ids" not in order._fields:
            return today
        done = order.picking_ids.filtered(lambda picking: picking.state == "done" and picking.date_done)
        return min(max(done.mapped("date_done"), default=self._now()).date(), today)

    def _awaits_delivery(self):
        """Tell whether the order is confirmed and not known to be performed: its term has not begun."""
        return self.state == "signed" and not self.delivered_on and self.order_id.state == "sale"

    def action_performed(self):
        """Open the window that asks for the day on which the contract was performed."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("esign_quote.esign_performed_action")
        action["context"] = {"default_request_id": self.id}
        return action

    # === LEGAL HOLD === #

    def action_hold(self):
        """Open the window that sets or lifts a hold."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("esign_quote.esign_hold_action")
        action["context"] = {"default_request_id": self.id}
        return action

    def _set_hold(self, reason):
        """Exempt the request from every deletion, until somebody lifts the hold.

        :param str reason: for the journal
        :raise UserError: there is nothing left to hold
        """
        self.ensure_one()
        if self.purged_on:
            raise UserError(
                self.env._(
                    "The term of this procedure was over: its files were destroyed on %s.",
                    format_date(self.env, self.purged_on),
                )
            )
        if not self.legal_hold:
            self._log([("hold.set", {"reason": reason, "by": self.env.user.login})])
            self.write({"legal_hold": True, "legal_hold_reason": reason})
            self.flush_recordset()

    def _lift_hold(self, reason):
        """Let the usual terms apply again.

        :param str reason: for the journal
        """
        self.ensure_one()
        if self.legal_hold:
            self._log([("hold.lifted", {"reason": reason, "by": self.env.user.login})])
            self.write({"legal_hold": False, "legal_hold_reason": False})
            self.flush_recordset()
