import hashlib
import hmac
from urllib.parse import urlsplit

from odoo import models
from odoo.exceptions import UserError
from odoo.tools import email_normalize, format_datetime

from ..tools.phones import parse_mobile
from ..tools.throttle import Rule
from .esign_link_wish import MAX_TYPED

HOUR, DAY = 3600, 86400
SMS_PER_PREFIX = 10  # an hour: numbers that differ in the last digits only are a sign of fraud
MAX_DRAFT = 64 * 1024
DRAFT_FIELDS = ("name", "latin_name", "capacity", "kind", "strokes", "comment")


class EsignSigner(models.Model):
    _inherit = "esign.signer"

    # How a signer is reached: locks, messages, corrections; and what was filled in so far.

    # === LOCK === #

    def _lock_scope(self):
        return f"link:{self.id}"

    def _unlock(self, reason):
        """Lift the lock, as somebody of the company vouches; the customer is told.

        :param str reason: for the journal
        """
        self.ensure_one()
        user = self.env.user
        with self._own_transaction() as this:
            this.env["esign.lock"]._clear(this._lock_scope())
            entry = {"scope": this._lock_scope(), "by": user.login, "reason": reason}
            this._log([("scope.unlocked", entry)], actor=f"user:{user.login}")
        message = self._direct_message("esign_quote.mail_template_unlocked")
        self.env["esign.delivery"]._send_now(self, "lock_notice", message)

    def _tell_lock(self, until, secret):
        """Tell the customer and the company that code entry is locked.

        :param datetime until: end of the lock (naive UTC)
        :param str secret: of the link that unlocks, or None when one was sent lately
        """
        self.ensure_one()
        url = f"{self._base_url()}/esign/unlock/{secret}" if secret else ""
        values = {"esign_until": self._local_time(until), "esign_unlock_url": url}
        message = self._direct_message("esign_quote.mail_template_locked", **values)
        self.env["esign.delivery"]._send_now(self, "lock_notice", message)
        # Stored mails know nothing of the link that unlocks.
        with self._own_transaction() as this:
            request = this.request_id._for_staff()
            request._remind(
                request.env._("Code entry locked: %s", request.order_name),
                request.env._(
                    "Too many wrong codes were typed for %(name)s (%(email)s). The signing procedure is locked until %(until)s. The customer got a link that unlocks; an administrator can unlock it too, on the signing procedure.",
                    name=this.name,
                    email=this.email,
                    until=this._local_time(until, request.staff_id.tz, request.env.lang),
                ),
            )
            staff_until = this._local_time(until, request.staff_id.tz, request.env.lang)
            request._queue_note(
                "esign_quote.mail_template_locked_company", this, "company_copy", esign_until=staff_until
            )

    # === MESSAGES THAT ARE STORED NOWHERE === #

    def _direct_message(self, template, **context):
        """Render a template for the signer into a message to the frozen address.

        :param str template: XML id
        :param context: what the template reads from ``ctx``: codes and links, which are kept nowhere
        :rtype: email.message.EmailMessage
        """
        template = self.env.ref(template).sudo().with_context(lang=self.lang, **context)
        values = template._generate_template([self.id], ("subject", "body_html", "email_from", "reply_to"))[self.id]
        return self.env["ir.mail_server"]._build_email__(
            email_from=values["email_from"],
            email_to=[context.get("esign_to") or self.email],
            subject=values["subject"],
            body=values["body_html"],
            reply_to=values.get("reply_to"),
            subtype="html",
            headers={"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"},
        )

    def _local_time(self, moment, tz=None, lang=None):
        """Return a moment (naive UTC) as people of the signer's place, or of another, write it."""
        lang = lang or self.lang
        return format_datetime(self.env, moment, tz=tz or self.tz, dt_format="short", lang_code=lang)

    def _base_url(self):
        return self.request_id.order_id.get_base_url()

    def _host(self):
        return urlsplit(self._base_url()).hostname or ""

    # === SMS === #

    def _sms_rules(self):
        """Return the limits on text messages that concern more than this signer (SMS pumping)."""
        company = self.request_id.company_id
        mobile = parse_mobile(self.phone, None)
        allowed = mobile.country in company._esign_sms_countries().mapped("code")
        budget = company.esign_sms_budget if allowed else 0
        return {
            f"sms:company:{company.id}": [Rule(budget, DAY)],
            f"sms:prefix:{mobile.prefix}": [Rule(SMS_PER_PREFIX, HOUR)],
        }

    def _tell_sms_trouble(self, reason):
        """Leave one activity for the salesperson: the customer waits for a text message."""
        request = self.request_id._for_staff()
        request._remind_once(
            request.env._("Text message not sent: %s", request.order_name),
            request.env._(
                "%(name)s asked for a code by text message, but it could not be sent (%(reason)s). No try was used. Check the SMS account and its credit, or cancel the procedure and send the quotation with codes by e-mail.",
                name=self.name,
                reason=request._sms_reason(reason),
            ),
        )

    def _phone_facts(self):
        """Return the number as journal and proof tell it: masked, and an HMAC by which the company can show it.

        :rtype: dict
        """
        if not self.phone:
            return {}
        pepper = self.env["esign.vault"]._derive("phone")
        digest = hmac.new(pepper, self.phone.encode(), hashlib.sha256).hexdigest()
        return {"phone_masked": self.masked_phone, "phone_hmac_sha256": digest}

    # === CORRECTION === #

    def _check_contact(self, email, phone):
        """Return the address and the number in their normal form.

        :raise UserError: in words for the salesperson
        """
        request = self.request_id
        normal = email_normalize(email) if email and len(email) <= MAX_TYPED else False
        if not normal:
            raise UserError(self.env._("“%s” is not a valid e-mail address.", (email or "")[:MAX_TYPED]))
        mobile = request._parse_mobile(request.company_id, phone, self.partner_id) if request.channel != "mail" else ""
        return normal, mobile

    def _correct(self, email, phone):
        """Change where the signer is reached; whatever was opened from the old address dies.

        What was read counts no more: somebody else may have read it.

        :param str email: normalised
        :param str phone: E.164, or empty when no text message is sent
        """
        self.ensure_one()
        if (self.email, self.phone or "") == (email, phone or ""):
            return
        before = {"email": self.email, **self._phone_facts()}
        self.env["esign.ticket"].search([("signer_id", "=", self.id)])._kill()
        self.write(
            {
                "email": email,
                "phone": phone or False,
                "last_page_on": False,
                "downloaded_on": False,
                "read_sha256": False,
                "draft": False,
            }
        )
        request = self.request_id
        request.read_on = request.identified_on = request.opened_on = False
        self._log([("contact.corrected", {"from": before, "to": {"email": email, **self._phone_facts()}})])
        request._freeze_wording(request.order_id, self, request._document("quote"))

    # === DRAFT === #

    def _keep_draft(self, form):
        """Keep what was filled in before a session ends; only a new code shows it again.

        :param dict form: texts of :data:`DRAFT_FIELDS` and ``consents`` (list of codes)
        """
        draft = {name: str(form[name])[:MAX_DRAFT] for name in DRAFT_FIELDS if form.get(name)}
        if form.get("consents"):
            draft["consents"] = [str(code)[:64] for code in form["consents"][:50]]
        if draft and self.request_id.state == "sent" and not self.answer:
            self.draft = draft

    # === LINK AGAIN === #

    def _may_resend_unasked(self):
        """A stranger who knows the address must not throw the signer out of a running session."""
        return not any(ticket._seconds_left() > 0 for ticket in self.ticket_ids if ticket.active)
