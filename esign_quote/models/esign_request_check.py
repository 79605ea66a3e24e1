import logging
from datetime import timedelta

from markupsafe import escape
from odoo import api, fields, models

from ..tools import chain, verify
from ..tools.exceptions import ChainBroken
from ..tools.hashing import sha256_hex

_logger = logging.getLogger(__name__)

CHECKED_EVERY = timedelta(hours=20)  # by a scheduled action of every night
CHECKED_STATES = ("signed", "declined", "expired")


class EsignRequest(models.Model):
    """The nightly self-check: is all evidence still what it was?"""

    _inherit = "esign.request"

    checked_on = fields.Datetime("Evidence checked on", readonly=True, copy=False)
    check_problem = fields.Char("Damaged evidence", readonly=True, copy=False)

    _unchecked = models.Index("(checked_on NULLS FIRST, id) WHERE state IN ('signed', 'declined', 'expired')")

    # === CRON === #

    @api.model
    def _cron_self_check(self):
        """Check the evidence of all ended requests once a night, the longest unchecked first.

        One commit each: a run that is cut off goes on where it stopped.
        """
        domain = [("state", "in", CHECKED_STATES), *self._check_domain()]
        cron = self.env["ir.cron"]
        waiting = self.sudo().search(domain, order="checked_on NULLS FIRST, id")
        cron._commit_progress(remaining=len(waiting))
        for request in waiting:
            request[0]._self_check()
            # What was read of one request (megabytes) is not kept for the next.
            self.env.invalidate_all()
            if not cron._commit_progress(1):
                break

    @api.model
    def _check_domain(self):
        return ["|", ("checked_on", "=", False), ("checked_on", "<", self._now() - CHECKED_EVERY)]

    def _self_check(self):
        """Check one request, and tell administrators of what is damaged, once for each new damage.

        :return: what is damaged, or an empty text
        :rtype: str
        """
        problem = ", ".join(self._damages())
        known = self.check_problem or ""
        self.write({"checked_on": self._now(), "check_problem": problem or False})
        if problem != known:
            self._log([("integrity.failed", {"found": problem})] if problem else [("integrity.checked", {"found": ""})])
        if problem and problem != known:
            _logger.error("esign_quote: evidence of %s is damaged: %s", self.reference, problem)
            self._report_damage(problem)
        return problem

    def action_self_check(self):
        """Check the evidence now."""
        self.ensure_one()
        self.check_access("read")
        with self._own_transaction() as this:
            problem = this._self_check()
        message = self.env._("Damaged: %s", problem) if problem else self.env._("All files, seals and the journal are intact.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "danger" if problem else "success",
                "message": message,
                "next": {"type": "ir.actions.client", "tag": "soft_reload"},
            },
        }

    # === WHAT IS CHECKED === #

    def _damages(self):
        """Return what is damaged, as words for the journal: ``file:signed``, ``seal:proof``, ``journal:hash:7`` …

        :rtype: list[str]
        """
        try:
            return [*self._damaged_files(), *self._damaged_proofs(), *self._damaged_journal()]
        except Exception as error:  # what cannot even be read is damaged
            _logger.warning("esign_quote: %s cannot be checked", self.reference, exc_info=True)
            return [f"unreadable:{type(error).__name__}"]

    def _damaged_files(self):
        found = []
        documents = self.document_ids | self.mail_ids
        for document in documents:
            content = document._stored_bytes()
            if sha256_hex(content) != document.sha256 or len(content) != document.size:
                found.append(f"file:{document.kind}")
            elif document.kind in ("signed", "proof") and not self._is_sealed(document, content):
                found.append(f"seal:{document.kind}")
        return found

    def _is_sealed(self, document, content):
        certificate = self.seal_id._certificate_der()
        quote = self._document("quote") if document.kind == "signed" else self.env["esign.document"]
        return verify.verify_strict(content, certificate, quote.sha256 or None, quote.size or None).ok

    def _damaged_proofs(self):
        return ["proof:record" for proof in self.proof_ids if sha256_hex(proof.json.encode()) != proof.sha256]

    def _damaged_journal(self):
        entries = self.env["esign.event"]._journal(self)
        try:
            chain.verify(self.reference, entries, self.journal_head)
        except ChainBroken as broken:
            return [f"journal:{broken.reason}:{broken.detail.get('seq', '')}"]
        return [] if len(entries) == self.journal_seq else ["journal:end"]

    # === TELLING === #

    def _report_damage(self, problem):
        """Leave an activity and a mail for each administrator of the electronic signature."""
        template = self.env.ref("esign_quote.mail_template_damage").sudo()
        for user in self.env["esign.seal"]._administrators(self.company_id):
            this = self.with_context(lang=user.lang, esign_lang=user.lang)
            template.with_env(this.env).send_mail(self.id, email_values={"email_to": user.email_formatted})
            self.order_id.with_context(mail_activity_quick_update=True).activity_schedule(
                "esign_quote.mail_activity_type_esign",
                summary=this.env._("Evidence is damaged: %s", self.reference),
                note=escape(
                    this.env._(
                        "The nightly check found that evidence of %(number)s is not what was recorded: %(found)s. Restore the files of Odoo's filestore, or the database, from a backup; the check tells when all is well again.",
                        number=self.order_name,
                        found=problem,
                    )
                ),
                user_id=user.id,
            )
