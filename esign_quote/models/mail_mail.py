import logging
import smtplib
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models, modules
from odoo.fields import Domain
from odoo.tools import email_normalize, email_normalize_all

from ..tools import smtp_answers
from .esign_signer import LINK_MARK

_logger = logging.getLogger(__name__)

# Who posts an invitation sends it after the commit; the queue takes it when that did not happen.
SENDING_MINUTES = 5


class MailMail(models.Model):
    _inherit = "mail.mail"

    # The id of the procedure, on purpose without a foreign key: Odoo writes to the mail before and after it sends
    # it, and PostgreSQL checks the key again at the second time. By then the request was changed beside this
    # transaction (its journal), so the check would fail, the mail stay in the queue, and be sent twice.
    esign_request_id = fields.Integer("Signing procedure", readonly=True, index="btree_not_null")

    def init(self):
        """Drop the foreign key that the field had before."""
        super().init()
        self.env.cr.execute("ALTER TABLE mail_mail DROP CONSTRAINT IF EXISTS mail_mail_esign_request_id_fkey")

    # === PERSONAL LINK === #

    def _prepare_outgoing_list(self, mail_server=False, doc_to_followers=None):
        """Override of `mail`: the personal link is made as the mail leaves, and stored nowhere.

        What is kept of the mail, in the queue or after a failure, only holds a mark.
        """
        emails = super()._prepare_outgoing_list(mail_server=mail_server, doc_to_followers=doc_to_followers)
        if self._esign_is_ours():
            # Links and facts are committed beside this transaction: what can fail in it fails now, unsent.
            self.env.flush_all()
            if LINK_MARK in (self.body_html or ""):
                signers = self.env["esign.signer"].sudo().search([("message_id", "=", self.mail_message_id.id)])
                for signer in signers:
                    self._esign_personalise(emails, signer)
            self._esign_await(emails)
        return emails

    def _esign_personalise(self, emails, signer):
        mark = signer._link_mark()
        for email in emails:
            if mark in (email.get("body") or "") and signer._may_get_link(self, email):
                link = signer._new_link()
                for part in ("body", "body_alternative"):
                    if email.get(part):
                        email[part] = email[part].replace(mark, link)

    # === DELIVERY === #

    @api.model
    def process_email_queue(self, email_ids=(), batch_size=1000):
        """Override of `mail`: mails of signatures have a queue of their own (`_cron_hand_over_mails`).

        Two servers would otherwise take the same mail, each from another queue; and that one asks first whether
        the mail server has taken it already, since a second copy of an invitation kills the link of the first.
        """
        if not email_ids:
            ours = [("esign_request_id", "=", False), ("body_html", "not like", LINK_MARK)]
            self = self.with_context(filters=[*self.env.context.get("filters", ()), *ours])  # noqa: PLW0642
        return super().process_email_queue(email_ids=email_ids, batch_size=batch_size)

    @api.model
    def _esign_waiting(self):
        """Return the mails of signatures that wait in the queue.

        An invitation that was posted a moment ago is not among them: who posted it is just sending it.
        """
        since = self.env.cr.now() - timedelta(minutes=SENDING_MINUTES)
        left = Domain("body_html", "like", LINK_MARK) & Domain("create_date", "<=", since)
        return self.search(Domain("state", "=", "outgoing") & (Domain("esign_request_id", "!=", False) | left))

    def send_after_commit(self):
        """Override of `mail`: what goes wrong with a mail of ours after the commit is for the queue.

        Whoever sent the quotation would otherwise be told that it was not sent, and it is.
        """
        ours = self.filtered(lambda mail: mail._esign_is_ours())
        if not ours or modules.module.current_test:
            return super().send_after_commit()
        ids, registry, context = ours.ids, self.env.registry, self.env.context

        @self.env.cr.postcommit.add
        def send_with_new_cursor():
            try:
                with registry.cursor() as cr:
                    api.Environment(cr, SUPERUSER_ID, context)["mail.mail"].browse(ids).send()
            except Exception:  # of the database or of the mail server; nothing of it is to reach who sent it
                _logger.warning("esign_quote: mails could not be sent at once, the queue has them", exc_info=True)

        if others := self - ours:
            super(MailMail, others).send_after_commit()
        return None

    def _send(self, *args, **kwargs):
        """Override of `mail`: remember, for this run, which copies the mail server's answer is awaited for."""
        # One that another process has just sent and deleted must not hold up the others.
        if any(mail._esign_is_ours() for mail in self.exists()):
            self = self.with_context(esign_awaited={})  # noqa: PLW0642
        return super()._send(*args, **kwargs)

    def _esign_send_again(self):
        """Send a mail of ours that waits or that failed; one that makes trouble holds up no others."""
        handed_over = self.filtered(lambda mail: mail._esign_is_handed_over())
        handed_over._esign_settle()
        waiting = self - handed_over
        waiting.filtered(lambda mail: mail.state == "exception").write({"state": "outgoing"})
        try:
            waiting.send()
        except smtplib.SMTPServerDisconnected:
            # Odoo marked it as failed before it tried, and logged it; the delivery knows when to try again.
            _logger.info("esign_quote: the mail server hung up, the mail is tried again later")

    def _esign_is_handed_over(self):
        """Tell whether the mail server has taken all of it already: who handed it over died before Odoo noted it."""
        deliveries = self._esign_deliveries() if self.state == "outgoing" else self.env["esign.delivery"]
        copies = len(self.recipient_ids) + len(email_normalize_all(self.email_to or ""))
        return 0 < len(deliveries) == copies and all(item.handed_over_on for item in deliveries)

    def _esign_settle(self):
        """Note as sent, as Odoo does, what is sent already."""
        for mail in self:
            mail.write({"state": "sent", "failure_reason": False, "failure_type": False})
            mail._postprocess_sent_message(success_pids=mail.recipient_ids, success_emails=[])

    def _esign_await(self, emails):
        awaited = self.env.context.get("esign_awaited")
        if awaited is None:
            return
        copies = [email.get("email_to_normalized") for email in emails]
        for delivery in self._esign_deliveries():
            if [delivery.address] in copies:
                awaited[self.message_id, delivery.address] = delivery.id

    def _postprocess_sent_message(self, success_pids, success_emails, failure_reason=False, failure_type=None):
        """Override of `mail`: note the failures of which no mail server spoke."""
        for mail in self.filtered("message_id"):
            if mail._esign_is_ours():
                mail._esign_note_unsent(failure_reason, failure_type)
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason=failure_reason, failure_type=failure_type
        )

    def _esign_note_unsent(self, failure_reason, failure_type):
        awaited = self.env.context.get("esign_awaited")
        for delivery in self._esign_deliveries():
            key = self.message_id, delivery.address
            if awaited and key in awaited and not awaited[key]:
                continue  # the mail server's own words are noted already
            if failure_type:
                text = smtp_answers.tidy(failure_reason or self.failure_reason or failure_type)
                delivery._note("failed", failure=text)
            elif awaited is not None:
                text = "no copy of the mail goes to this address: the contact was changed meanwhile"
                delivery._note("failed", failure=text, permanent=True)

    def _esign_is_ours(self):
        return bool(self.esign_request_id or LINK_MARK in (self.body_html or ""))

    def _esign_deliveries(self):
        """Return the deliveries that this mail is to fulfil (sudo)."""
        deliveries = self.env["esign.delivery"].sudo()
        if not self._esign_is_ours() or not self.message_id:
            return deliveries
        addresses = set(email_normalize_all(self.email_to or ""))
        addresses.update(email_normalize(partner.email) for partner in self.recipient_ids)
        found = deliveries.search([("channel", "=", "mail"), ("message_id", "=", self.message_id)])
        return found.filtered(lambda item: item.address in addresses or item.signer_id.partner_id & self.recipient_ids)
