import logging
from contextlib import contextmanager
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.sql_db import Cursor
from odoo.tools import SQL, email_normalize

from ..tools import delivery_report, masking, smtp_answers

_logger = logging.getLogger(__name__)

KINDS = [
    ("invitation", "Invitation"),
    ("code", "One-time code"),
    ("signed_copy", "Signed file to the customer"),
    ("refusal_copy", "Confirmation of the refusal"),
    ("expiry_notice", "Notice of the expiry"),
    ("company_copy", "Copy to the company"),
    ("lock_notice", "Notice of a lock"),
    ("other", "Other"),
]
STATES = [
    ("queued", "Queued"),
    ("handed_over", "Handed over"),
    ("failed", "Failed"),
    ("bounced", "Came back"),
]
# From which states one may come into a state; what came back stays so.
SOURCES = {
    "handed_over": ("queued", "failed"),
    "failed": ("queued", "failed"),
    "bounced": ("queued", "handed_over", "failed"),
}
# Minutes until the next try of a stored mail after a passing trouble: about two days in all.
RETRY_MINUTES = (2, 10, 30, 60, 180, 360, 720, 1440)
LOCK_TIMEOUT = "10s"


class EsignDelivery(models.Model):
    """One message to one address: queued, handed over, failed and bounced are different facts.

    No foreign key leads to `mail.mail` or `mail.message`: their deletion after sending would want to
    change this row, which another transaction changed a moment ago; it would fail, and Odoo would
    send the mail twice. The Message-ID is the link.
    """

    _name = "esign.delivery"
    _description = "E-signature: delivery of a message"
    _inherit = ["esign.transaction"]
    _order = "id desc"
    _rec_name = "address"

    request_id = fields.Many2one("esign.request", required=True, readonly=True, index=True, ondelete="restrict")
    signer_id = fields.Many2one("esign.signer", required=True, readonly=True, index=True, ondelete="restrict")
    kind = fields.Selection(KINDS, "Message", required=True, readonly=True)
    channel = fields.Selection([("mail", "E-mail"), ("sms", "SMS")], required=True, readonly=True, default="mail")
    address = fields.Char(required=True, readonly=True)
    message_id = fields.Char("Message-ID", readonly=True, index="btree_not_null")
    state = fields.Selection(STATES, required=True, readonly=True, default="queued")
    server_answer = fields.Char(readonly=True, help="What the server said when the message was handed to it.")
    failure = fields.Char("Why it failed", readonly=True)
    permanent = fields.Boolean("Given up", readonly=True)
    tries = fields.Integer("Failed tries", readonly=True, default=0)
    retry_on = fields.Datetime("Next try", readonly=True)
    queued_on = fields.Datetime(readonly=True)
    handed_over_on = fields.Datetime(readonly=True)
    failed_on = fields.Datetime(readonly=True)
    bounced_on = fields.Datetime("Came back on", readonly=True)

    # === FACTS === #

    @api.model
    def _expect(self, signer, *messages):
        """Note that messages wait to be sent. Their journal entry is the caller's.

        :param signer: `esign.signer` that they concern
        :param tuple messages: each a key of :data:`KINDS`, the Message-ID of the stored `mail.mail` with
            its angle brackets, and an address or None for the signer's frozen one
        :rtype: recordset of `esign.delivery`
        """
        return self.sudo().create(
            [
                {
                    "request_id": signer.request_id.id,
                    "signer_id": signer.id,
                    "kind": kind,
                    "address": email_normalize(address or signer.email) or address,
                    "message_id": message_id,
                    "queued_on": self.env.cr.now(),  # the database's clock, when this transaction began
                }
                for kind, message_id, address in messages
            ]
        )

    def _advance(self, target, **values):
        """Move to ``target`` and write the journal entry: compare and set, the only place.

        :param str target: ``handed_over``, ``failed`` or ``bounced``
        :param values: further columns: ``server_answer``, ``failure``, ``permanent``
        :return: whether this was news
        :rtype: bool
        """
        self.ensure_one()
        self.env.flush_all()
        now = self._now()
        values = {"state": target, f"{target}_on": now, **values, **self._next_try(target, now, **values)}
        columns = SQL(", ").join(SQL("%s = %s", SQL.identifier(name), value) for name, value in values.items())
        self.env.cr.execute(
            SQL(
                "UPDATE esign_delivery SET %s WHERE id = %s AND state IN %s RETURNING id",
                *(columns, self.id, SOURCES[target]),
            )
        )
        moved = bool(self.env.cr.fetchone())
        self.invalidate_recordset()
        if moved:
            self.signer_id._log([self._entry()])
        return moved

    def _next_try(self, target, now, permanent=False, **_others):
        if target != "failed" or permanent or self.kind == "code":
            return {"retry_on": None, "permanent": permanent}
        if self.tries >= len(RETRY_MINUTES):
            return {"retry_on": None, "permanent": True}
        return {"tries": self.tries + 1, "retry_on": now + timedelta(minutes=RETRY_MINUTES[self.tries])}

    def _entry(self):
        payload = {"kind": self.kind, "channel": self.channel}
        if self.channel == "mail":
            payload |= {"to": self.address, "message_id": self.message_id or ""}
        else:
            payload["to"] = masking.mask_phone(self.address)
        if self.state == "bounced":
            return "mail.bounced", {**payload, "report": self.failure or ""}
        sent = self.state == "handed_over"
        payload |= {"server_answer": self.server_answer or ""} if sent else {"error": self.failure or ""}
        if self.kind == "code":
            return "code.sent" if sent else "code.send_failed", payload
        return "mail.sent" if sent else "mail.failed", payload

    # === RECORDING, BESIDE THE SENDING === #

    @contextmanager
    def _beside(self):
        """Run a block in a transaction of its own, next to one that sends mails.

        What the mail server said is true whatever becomes of the transaction that asked it, and
        that one must not fail because of us: Odoo would send its mails again. Unlike
        ``_own_transaction``, this leaves its cached and unsaved values alone.
        """
        with self.env.registry.cursor() as cr:
            if isinstance(cr, Cursor):
                cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                cr.execute("SELECT set_config('lock_timeout', %s, TRUE)", [LOCK_TIMEOUT])
            yield self.with_env(self.env(cr=cr, user=SUPERUSER_ID, su=True, context={}))
        for model in ("esign.delivery", "esign.request", "esign.event", "esign.mail.source"):
            self.env[model].invalidate_model(flush=False)

    def _note(self, target, source=None, **values):
        """Record a fact in a commit of its own, and wake the salesperson if need be; never raise.

        :param str source: of the mail that was handed over, to be kept
        :rtype: bool
        """
        try:
            with self._beside() as this:
                moved = this._advance(target, **values)
                if moved:
                    this.env["esign.mail.source"]._keep(this, source)
            if moved:
                with self._beside() as this:
                    this._ask_for_correction()
        except Exception:  # the message is out or not, whether this is noted or not
            _logger.exception("esign_quote: the fate of a message could not be recorded (%s)", target)
            return False
        return moved

    def _note_answers(self, answers, message):
        """Record what the server said of a message that it took, of this recipient.

        :param tools.smtp_answers.Answers answers:
        :param email.message.EmailMessage message: as it was handed over; what may be kept of it is kept
        """
        refusal = answers.refused.get(self.address.lower())
        if refusal:
            permanent = smtp_answers.is_permanent(refusal)
            return self._note("failed", server_answer=refusal, failure=refusal, permanent=permanent)
        source = self.env["esign.mail.source"]._prepare(message)
        return self._note("handed_over", source, server_answer=answers.data, failure=None)

    def _note_failure(self, failure):
        """Record that a message could not be handed over.

        :param tools.smtp_answers.Failure failure:
        """
        return self._note("failed", server_answer=failure.answer, failure=failure.text, permanent=failure.permanent)

    # === SENT AT ONCE === #

    @api.model
    def _send_now(self, signer, kind, message):
        """Hand a message to the mail server at once; nothing of its text is stored.

        Never raises. Call it when no transaction of the caller holds the request.

        :param signer: `esign.signer` that it goes to or concerns
        :param str kind: a key of :data:`KINDS`
        :param email.message.EmailMessage message: from ``ir.mail_server._build_email__``, to one recipient
        :return: the delivery in memory, its ``state`` being ``handed_over`` or ``failed``
        :rtype: recordset of `esign.delivery`
        """
        values = {"kind": kind, "address": email_normalize(message["To"]) or signer.email}
        values["message_id"] = message["Message-Id"]
        try:
            company = signer.sudo().request_id.company_id
            answers = self.env["ir.mail_server"].sudo().with_company(company)._esign_send(message)
            outcome = {"state": "handed_over", "server_answer": answers.data}
        except Exception as error:  # noqa: BLE001  whatever the mail server does, the page must say it
            failure = smtp_answers.failure_of(error)
            _logger.warning("esign_quote: a message (%s) could not be sent: %s", kind, failure.text)
            outcome = {
                "state": "failed",
                "server_answer": failure.answer,
                "failure": failure.text,
                "permanent": failure.permanent,
            }
        # A code is kept nowhere.
        keep = kind != "code" and outcome["state"] == "handed_over"
        source = self.env["esign.mail.source"]._prepare(message) if keep else None
        self._note_sent_now(signer, values, outcome, source)
        return self.sudo().new({**values, **outcome})

    def _note_sent_now(self, signer, values, outcome, source=None):
        try:
            with self._beside() as this:
                owner = {"request_id": signer.sudo().request_id.id, "signer_id": signer.id}
                delivery = this.create({**owner, **values, "queued_on": this._now()})
                delivery._advance(outcome["state"], **{key: outcome[key] for key in outcome if key != "state"})
                this.env["esign.mail.source"]._keep(delivery, source)
        except Exception:
            _logger.exception("esign_quote: the fate of a message could not be recorded (%s)", outcome["state"])

    @api.model
    def _note_sms(self, signer, outcome):
        """Record what came of a code by text message.

        :param dict outcome: of `esign.sms._send`
        """
        values = {"kind": "code", "channel": "sms", "address": signer.phone}
        answer = f"{outcome['provider']}: {outcome['reason']}"
        facts = {"state": "handed_over", "server_answer": answer} if outcome["ok"] else None
        facts = facts or {"state": "failed", "server_answer": answer, "failure": outcome["reason"]}
        self._note_sent_now(signer, values, facts)

    # === WHAT CAME BACK === #

    @api.model
    def _receive_report(self, message):
        """Note what a delivery status notification says of a message of ours; never raise.

        It may be forged by whoever knows a Message-ID: it can mark a message as come back and
        ask the salesperson to look at an address, and no more.

        :param email.message.EmailMessage message: as the gateway got it
        """
        try:
            report = delivery_report.read(message)
            found = self._reported(report) if report else ()
        except Exception:
            _logger.exception("esign_quote: a delivery status notification could not be read")
            return
        for delivery in found:
            delivery._note("bounced", failure=report.words, permanent=True)

    def _reported(self, report):
        domain = [("channel", "=", "mail"), ("message_id", "in", report.message_ids), ("state", "!=", "bounced")]
        return self.sudo().search(domain).filtered(lambda delivery: delivery._is_spoken_of(report))

    def _is_spoken_of(self, report):
        """Tell whether the copy that came back is ours: followers get one with the same Message-ID."""
        if not report.recipients or self.address in report.recipients:
            return True
        # Another address: somebody else's copy, or ours that was passed on to another mailbox.
        message = self.env["mail.message"].sudo().search([("message_id", "=", self.message_id)], limit=1)
        others = set(message.notification_ids.res_partner_id.mapped("email_normalized"))
        return not others.intersection(report.recipients)

    # === WHAT PEOPLE DO ABOUT IT === #

    def _ask_for_correction(self):
        """Give the salesperson an activity when only a person can help."""
        request = self.request_id._for_staff()
        if not self._needs_correction():
            return
        delivery = self.with_context(lang=request.env.context.get("lang"))
        summary = delivery.env._("Correct the address of %s", self.signer_id.name)
        kind = self.env.ref("esign_quote.mail_activity_type_esign")
        open_ones = request.order_id.activity_ids
        if not open_ones.filtered(lambda item: item.activity_type_id == kind and item.summary == summary):
            request._remind(summary, delivery._correction_text())

    def _needs_correction(self):
        if self.state not in ("failed", "bounced") or not self.permanent:
            return False
        if self.kind == "code":
            # At hand-over the customer sees it on the page.
            return self.state == "bounced" and self.request_id._is_open()
        return self.kind == "signed_copy" or (self.kind == "invitation" and self.request_id._is_open())

    def _correction_text(self):
        _ = self.env._
        values = {"address": self.address, "answer": self.failure or "", "number": self.request_id.order_name}
        if self.kind == "signed_copy":
            return _(
                "The customer did not get the signed file of %(number)s: the mail to %(address)s did not arrive. The mail server said: %(answer)s. The signature is valid and nothing is lost. Correct the address of the contact and send the signed file again; it is on the signing procedure.",
                **values,
            )
        return _(
            "A mail about the signature of %(number)s to %(address)s did not arrive. The mail server said: %(answer)s. Correct the address: open the signing procedure and click “Send the link again”.",
            **values,
        )

    # === TRYING AGAIN === #

    @api.model
    def _mails_to_retry(self):
        """Return the stored mails of ours that failed for a passing reason, and whose time has come.

        :rtype: recordset of `mail.mail`, in state ``exception``
        """
        due = self.sudo().search([("state", "=", "failed"), ("retry_on", "<=", self._now())])
        mails = self.env["mail.mail"].sudo()
        if not due:
            return mails
        mails = mails.search(
            [("message_id", "in", due.mapped("message_id")), ("state", "in", ("exception", "outgoing"))]
        )
        useful = due.filtered(lambda item: item.kind != "invitation" or item.request_id._is_open())
        useful = useful.filtered(lambda item: any(item in mail._esign_deliveries() for mail in mails))
        for delivery in due - useful:
            # The procedure was closed, or somebody deleted the mail: nothing will be tried any more.
            delivery._note("failed", failure=delivery.failure, permanent=True)
        return mails.filtered(lambda mail: mail.state == "exception" and mail._esign_deliveries() & useful)
