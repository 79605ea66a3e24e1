import logging
import uuid

from odoo import api, models

_logger = logging.getLogger(__name__)

# What gateways answer when they have taken a message (`sms.sms` knows the same words).
TAKEN = ("success", "sent", "processing")


class EsignSms(models.AbstractModel):
    _name = "esign.sms"
    _description = "E-signature: text messages, sent without a stored copy"
    _inherit = ["esign.transaction"]

    @api.model
    def _send(self, company, number, text):
        """Hand a text over to the company's SMS provider (IAP, Twilio, as configured in Odoo).

        Not through `sms.sms`: its rows keep the text, and the text holds a code (law 11).
        In a transaction of its own: Odoo makes its account with the provider at the first use.

        :param company: `res.company` that pays
        :param str number: E.164
        :return: ``ok``, ``provider`` and, when it failed, ``reason``: the provider's word such as
            ``insufficient_credit``, or the kind of the error
        :rtype: dict
        """
        api_class = company.sudo()._get_sms_api_class()
        outcome = {"ok": False, "provider": api_class.__name__.removeprefix("SmsApi") or "IAP"}
        message = {"content": text, "numbers": [{"uuid": uuid.uuid4().hex, "number": number}]}
        try:
            with self._own_transaction() as this:
                payer = this.env["res.company"].browse(company.id)
                gateway = api_class(this.with_company(payer).env)
                gateway._set_company(payer)
                state = gateway._send_sms_batch([message])[0]["state"]
        except Exception as error:  # noqa: BLE001  whatever the provider does, the page must say it
            _logger.warning("esign_quote: a text message could not be sent: %s", type(error).__name__)
            return {**outcome, "reason": type(error).__name__}
        return {**outcome, "ok": state in TAKEN, "reason": state}
