import logging
from datetime import timedelta

from markupsafe import escape
from odoo import api, fields, models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)

# Days before the end at which administrators are told, once each.
THRESHOLDS = (60, 30, 7)
ALERT_EVERY = timedelta(days=1)


class EsignSeal(models.Model):
    """Looking after keys: warnings before their end, revocation."""

    _inherit = "esign.seal"

    # === THE END === #

    @api.model
    def _cron_warn(self):
        """Tell administrators 60, 30 and 7 days before a key in use ends."""
        soon = self._now() + timedelta(days=max(THRESHOLDS) + 1)
        ending = self.sudo().search([("valid_to", "<", soon)])
        self.env["ir.cron"]._commit_progress(remaining=len(ending))
        for record in ending:
            record._warn()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def _warn(self):
        """Send the warning that is due, unless it was sent."""
        due = self._due_threshold()
        if not due or 0 < self.warned_days <= due:
            return
        self.warned_days = due
        self._tell_administrators("ends")

    def _due_threshold(self):
        left = (self.valid_to - self._now()).total_seconds() / 86400
        return min((days for days in THRESHOLDS if left <= days), default=0)

    def _days_left(self):
        """Return the whole days until the end; 0 when it is over (for the mail)."""
        return max(0, (self.valid_to - self._now()).days)

    # === TELLING === #

    @api.model
    def _administrators(self, company):
        """Return whom to tell: administrators of the electronic signature who work for that company."""
        group = self.env.ref("esign_quote.esign_quote_group_manager").sudo()
        return group.all_user_ids.filtered(lambda user: user.active and not user.share and company in user.company_ids)

    def _tell_administrators(self, kind, error=""):
        """Send each administrator a mail and leave an activity, in their language.

        :param str kind: ``ends`` (the key's end is near) or ``needed`` (signatures wait for a key)
        :param str error: a sentence, for ``needed``
        """
        self.ensure_one()
        # Without the template, which anybody may have deleted, the activity must do.
        template = self.env.ref(f"esign_quote.mail_template_seal_{kind}", raise_if_not_found=False)
        for user in self._administrators(self.company_id):
            this = self.sudo().with_context(lang=user.lang, esign_lang=user.lang, esign_error=error)
            if template:
                template.with_env(this.env).send_mail(this.id, email_values={"email_to": user.email_formatted})
            summaries = {
                "ends": this.env._("Sealing key: replace it before it ends"),
                "needed": this.env._("Sealing key: signatures wait for one"),
            }
            this.env["mail.activity"].create(
                {
                    "activity_type_id": this.env.ref("mail.mail_activity_data_todo").id,
                    "summary": summaries[kind],
                    "note": escape(error or this.subject),
                    "user_id": user.id,
                }
            )

    @api.model
    def _tell_needed(self, company, error):
        """Tell administrators that something waits for a usable key; once a day, however much waits.

        :param str error: a sentence
        """
        newest = self.sudo().with_context(active_test=False).search([("company_id", "=", company.id)], limit=1)
        told, now = company.sudo().esign_key_alert_on, self._now()
        if not newest or (told and told > now - ALERT_EVERY):
            return
        company.sudo().esign_key_alert_on = now
        newest._tell_administrators("needed", error)

    # === REVOCATION === #

    def _revoke(self, since, reason):
        """Take a key out of use for good; what it sealed before stays verifiable, with this on record.

        :param datetime since: from when on its seals are not to be relied on; naive UTC
        :param str reason: shown to everybody on the public list of keys
        :raise UserError: revoked already, no reason, or an impossible moment
        """
        self.ensure_one()
        now = self._now().replace(microsecond=0)
        reason = " ".join((reason or "").split())[:200]
        if self.revoked_on:
            raise UserError(self.env._("This key is revoked already."))
        if not reason:
            raise UserError(self.env._("Please give the reason: it is kept, and shown on the public list of keys."))
        if not self.valid_from <= since <= now:
            raise UserError(
                self.env._("Please give a moment between the beginning of the certificate's validity and now.")
            )
        # The same key may have been installed twice, or in two companies.
        everywhere = self.sudo().with_context(active_test=False).search([("fingerprint", "=", self.fingerprint)])
        for record in everywhere.filtered(lambda item: not item.revoked_on):
            record._write_revocation(since, now, reason)
        _logger.warning("esign_quote: user %s revoked the sealing key %s", self.env.uid, self.fingerprint)

    def _write_revocation(self, since, now, reason):
        self.write(
            {
                "active": False,
                "retired_on": self.retired_on or now,
                "revoked_since": since,
                "revoked_on": now,
                "revoked_by_id": self.env.uid,
                "revoked_reason": reason,
            }
        )
        entry = {
            "certificate_sha256": self.fingerprint,
            "since": fields.Datetime.to_string(since),
            "reason": reason,
        }
        # What is under way: its journal tells why another key seals it.
        waiting = [("seal_id", "=", self.id), ("state", "in", ("sent", "consented"))]
        for request in self.env["esign.request"].search(waiting):
            request._log([("seal.revoked", entry)])
