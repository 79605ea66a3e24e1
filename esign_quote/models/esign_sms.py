import logging
import uuid

from odoo import api, models

_logger = logging.getLogger(__name__)

# What gateways answer when they have taken a message (`sms.sms` knows the same words).
TAKEN = ("success", "sent", "processing")


class EsignSms(models.AbstractModel):
    _name = "esign.sms"
    _description = "E-signature: text messages, sent without a stored copy"

    @api.model
    def _send(self, company, number, text):
        """Hand a text over to the company's SMS provider (IAP, Twilio, as configured in Odoo).

        Not through `sms.sms`: its rows keep the text, and the text holds a code (law 11).
        The caller's transaction must not hold what another request waits for.

        :param company: `res.company` that pays
        :param str number: E.164
        :return: ``ok``, ``provider`` and, when it failed, ``reason``: the provider's word such as
            ``insufficient_credit``, or the kind of the error
        :rtype: dict
        """
        api_class = company.sudo()._get_sms_api_class()
        outcome = {"ok": False, "provider": api_class.__name__.removeprefix("SmsApi") or "IAP"}
        try:
            gateway = api_class(self.sudo().with_company(company).env)
            gateway._set_company(company.sudo())
            message = {"content": text, "numbers": [{"uuid": uuid.uuid4().hex, "number": number}]}
            state = gateway._send_sms_batch([message])[0]["state"]
        except Exception as error:  # noqa: BLE001  whatever the provider does, the page must say it
            _logger.warning("esign_quote: a text message could not be sent: %s", type(error).__name__)
            return {**outcome, "reason": type(error).__name__}
        return {**outcome, "ok": state in TAKEN, "reason": state}
