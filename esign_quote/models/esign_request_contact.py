from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.exceptions import PhoneRefused
from ..tools.phones import parse_mobile

CHANNELS = [("mail", "E-mail"), ("sms", "Text message (SMS)"), ("both", "E-mail, then text message")]


class EsignRequest(models.Model):
    _inherit = "esign.request"

    # How the signer is reached, and what to do when that fails.

    channel = fields.Selection(CHANNELS, "Codes by", default="mail", required=True, readonly=True)
    locked_until = fields.Datetime("Code entry locked until", compute="_compute_locked_until")

    def _compute_locked_until(self):
        locks = self.env["esign.lock"].sudo()
        for request in self:
            signer = request.sudo()._due_signer()
            request.locked_until = bool(signer) and locks._locked_until(signer._lock_scope())

    # === ACTIONS === #

    def action_resend(self):
        """Open the window that sends the link again, to a corrected address if need be."""
        self.ensure_one()
        self._check_correctable()
        action = self.env["ir.actions.act_window"]._for_xml_id("esign_quote.esign_resend_action")
        action["context"] = {"default_request_id": self.id}
        return action

    def action_unlock(self):
        """Open the window that asks for the reason of an unlock."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("esign_quote.esign_unlock_action")
        action["context"] = {"default_request_id": self.id}
        return action

    def _check_correctable(self):
        if self.state != "sent":
            raise UserError(self.env._("This signing procedure is not open any more."))
        self.order_id.check_access("write")

    # === LINK AGAIN === #

    def _resend(self, signer, email=None, phone=None):
        """Send a new link; the old one dies now. An address or number may be corrected with it.

        :param signer: `esign.signer` of this request
        :param str email: as typed; None leaves address and number as they are
        :param str phone: as typed
        :raise UserError: closed meanwhile, or an address that is none
        """
        self.ensure_one()
        if not signer._is_due():
            raise UserError(self.env._("This signing procedure is not open any more."))
        former = signer.email
        if email is not None:
            signer._correct(*signer._check_contact(email, phone))
        self.env["esign.ticket"].search([("signer_id", "=", signer.id)])._kill()
        if signer.email != former:
            self._queue_note("esign_quote.mail_template_moved", signer, "other", former)
        mail = self._queue_note("esign_quote.mail_template_again", signer, "invitation", signer.email)
        # From here on, only this mail gets the link (`_may_get_link`).
        signer.message_id = mail.mail_message_id
        self.order_id._message_log(body=self.env._("Link to sign sent again to %s.", signer.email))

    def _queue_note(self, template, signer, kind, address=None, **context):
        """Queue a mail about this procedure, to the company unless an address is given.

        :param str kind: what it is; a key of ``esign_delivery.KINDS``
        :rtype: recordset of `mail.mail`, one
        """
        template = self.env.ref(template).with_context(**context)
        address = address or self._company_email()
        mail = self.env["mail.mail"].create([self._mail_values(template, signer, address)])
        self.env["esign.delivery"]._expect(signer, (kind, mail.message_id, address))
        entry = {"kind": kind, "channel": "mail", "to": address, "message_id": mail.message_id}
        signer._log([("mail.queued", entry)])
        self.env.ref("esign_quote.ir_cron_mails")._esign_wake()
        return mail

    # === TEXT MESSAGES === #

    @api.model
    def _parse_mobile(self, company, text, partner):
        """Return a contact's number as a code may be sent to it (E.164).

        :raise UserError: in words for the salesperson
        """
        try:
            mobile = parse_mobile(text, (partner.country_id or company.country_id).code)
        except PhoneRefused as error:
            raise UserError(self._explain_phone(error, partner)) from error
        if mobile.country not in company._esign_sms_countries().mapped("code"):
            raise UserError(
                self.env._(
                    "Text messages to %s are not allowed by your company's settings (countries of the electronic signature).",
                    mobile.e164,
                )
            )
        return mobile.e164

    def _explain_phone(self, error, partner):
        if error.reason == "missing":
            return self.env._("%s has no phone number: the code is to be sent by text message.", partner.display_name)
        if error.reason == "not_mobile":
            return self.env._(
                "%s is not a mobile number: the code is to be sent by text message.", error.detail["number"]
            )
        return self.env._(
            "%s is not a valid phone number. Write it with its country, such as +33 6 12 34 56 78.",
            error.detail["number"],
        )

    def _sms_reason(self, reason):
        """Word a provider's answer for the salesperson."""
        texts = {
            "insufficient_credit": self.env._("no credit left"),
            "unregistered": self.env._("the SMS account is not registered"),
            "registration_needed": self.env._("the SMS account is not registered for this country"),
            "country_not_supported": self.env._("the provider does not serve this country"),
            "wrong_number_format": self.env._("the provider refuses the number"),
            "limit": self.env._("the daily budget or a limit against abuse is reached"),
        }
        return texts.get(reason) or self.env._("the provider did not take it: %s", reason)
