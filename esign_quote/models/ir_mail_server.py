from odoo import api, models
from odoo.tools import email_normalize

from ..tools import smtp_answers


class IrMailServer(models.Model):
    _inherit = "ir.mail_server"

    @api.model
    def send_email(self, message, *args, **kwargs):
        """Override of `base`: note what the mail server says of a message of ours.

        Only while `mail.mail` sends it (see ``_send`` there); all other messages pass unseen.
        """
        delivery = self._esign_awaited(message)
        if not delivery:
            return super().send_email(message, *args, **kwargs)
        with smtp_answers.recorded(kwargs.get("smtp_session")) as answers:
            try:
                message_id = super().send_email(message, *args, **kwargs)
            except Exception as error:
                delivery._note_failure(smtp_answers.failure_of(error))
                raise
        delivery._note_answers(answers, message)
        return message_id

    def _esign_awaited(self, message):
        """Return the delivery that this copy of a message is; its answer is awaited no more."""
        awaited = self.env.context.get("esign_awaited")
        deliveries = self.env["esign.delivery"].sudo()
        if not awaited:
            return deliveries
        key = message["Message-Id"], email_normalize(message["To"])
        found = awaited.get(key)
        if found:
            awaited[key] = None
        return deliveries.browse(found or ())

    def _esign_send(self, message):
        """Send a message at once and listen to the server.

        :param email.message.EmailMessage message: from ``_build_email__``, to one recipient
        :rtype: tools.smtp_answers.Answers
        """
        session = self._connect__(smtp_from=message["From"])
        try:
            with smtp_answers.recorded(session) as answers:
                self.send_email(message, smtp_session=session)
        finally:
            if session:
                self._esign_quit(session)
        return answers

    def _esign_quit(self, session):
        try:
            session.quit()
        except OSError:  # smtplib's errors are among them; the message is out, or its failure is told
            session.close()
