import logging
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools import chain, verify
from ..tools.exceptions import ChainBroken, TimestampError
from ..tools.hashing import sha256_hex
from .esign_transaction import is_of_database

_logger = logging.getLogger(__name__)

# A little less than a day: what was checked last night is due tonight.
CHECK_EVERY = timedelta(hours=20)
BATCH = 25


class EsignRequest(models.Model):
    """The nightly self-check: is everything that was archived still what it was?"""

    _inherit = "esign.request"

    checked_on = fields.Datetime("Evidence checked on", readonly=True, copy=False)
    # Codes as in `_integrity_found`, so that the same trouble is told once, in everybody's language.
    integrity_found = fields.Json(readonly=True, copy=False)
    integrity_problem = fields.Char("Damaged evidence", compute="_compute_integrity_problem")

    _to_check = models.Index("(checked_on NULLS FIRST, id)")

    @api.depends("integrity_found")
    def _compute_integrity_problem(self):
        for request in self:
            found = request.integrity_found
            request.integrity_problem = " ".join(map(request._integrity_text, found)) if found else False

    # === CRON === #

    @api.model
    def _cron_check_integrity(self):
        """Check what was not checked lately, the longest unchecked first; goes on where it stopped."""
        remaining = self.sudo().search_count(self._due_for_check())
        go_on = self.env["ir.cron"]._commit_progress(remaining=remaining)
        while go_on:
            due = self.sudo().search(self._due_for_check(), order="checked_on NULLS FIRST, id", limit=BATCH)
            if not due:
                break
            for request in due:
                request = request[0]  # no prefetch across commits
                request._check_integrity()
                go_on = self.env["ir.cron"]._commit_progress(1)
                if not go_on:
                    break

    def _due_for_check(self):
        return [
            ("purged_on", "=", False),
            "|",
            ("checked_on", "=", False),
            ("checked_on", "<", self._now() - CHECK_EVERY),
        ]

    def _check_integrity(self):
        """Check one procedure, and tell administrators of what is new."""
        try:
            found = self._integrity_found()
        except Exception as error:  # what cannot be checked is a finding as well, and must not hold up the others
            if is_of_database(error):
                raise  # nothing is known of the evidence; a journal would keep the false alarm
            _logger.exception("esign_quote: the evidence of %s cannot be checked", self.reference)
            found = [{"what": "unreadable", "name": type(error).__name__}]
        before = self.integrity_found or []
        with self._own_transaction(refresh=False) as this:
            this.env.cr.execute(
                "UPDATE esign_request SET checked_on = clock_timestamp() AT TIME ZONE 'UTC' WHERE id = %s", [this.id]
            )
            if found != before:
                this._note_integrity(found, before)
        self.invalidate_recordset(["checked_on", "integrity_found"])

    def _note_integrity(self, found, before):
        self.integrity_found = found
        if not found:
            self._log([("integrity.restored", {})])
            return
        _logger.error("esign_quote: the evidence of %s is damaged: %s", self.reference, found)
        if any(item not in before for item in found):
            self._log([("integrity.failed", {"found": found})])
            self._tell_damage()

    # === WHAT IS CHECKED === #

    def _integrity_found(self):
        """Return what is not as it was recorded.

        Journal and head are read in one transaction, so entries that are being added do no harm.

        :return: dicts with ``what`` (a key of the texts in :meth:`_integrity_text`) and ``name``
        :rtype: list[dict]
        """
        found = []
        for document in self.document_ids.filtered(lambda document: document._is_kept()):
            found += self._check_document(document)
        found += [
            {"what": "proof", "name": proof.sha256[:16]}
            for proof in self.proof_ids
            if sha256_hex(proof.json.encode()) != proof.sha256
        ]
        found += self._check_journal() or self._check_anchors()
        found += self._check_timestamps()
        mails = self.env["esign.mail.source"].search([("request_id", "=", self.id)], order="id")
        found += [
            {"what": "mail", "name": mail.message_id or ""}
            for mail in mails
            if sha256_hex(mail.source.encode()) != mail.sha256
        ]
        return found

    def _check_document(self, document):
        try:
            content = document._bytes()
        except UserError:
            return [{"what": "file", "name": document.name}]
        # What stands in the proof: a row and its file could have been changed together.
        if document.kind in ("signed", "proof") and not self._is_sealed(document, content):
            return [{"what": "seal", "name": document.name}]
        return []

    def _is_sealed(self, document, content):
        quote = self._document("quote")
        begins = document.kind != "signed" or sha256_hex(content[: quote.size]) == quote.sha256
        return begins and verify.judge(content, self._our_certificates()).word == "authentic"

    def _check_journal(self):
        entries = self.env["esign.event"]._journal(self)
        try:
            chain.verify(self.reference, entries, self.journal_head)
        except ChainBroken as broken:
            return [{"what": "journal", "name": str(broken.detail.get("seq", ""))}]
        committed = {entry["seq"]: entry["payload"].get("private_sha256") for entry in entries}
        return [
            {"what": "journal", "name": str(item["seq"])}
            for item in self.env["esign.event.private"]._kept(self)
            if chain.commitment(item["salt"], item["private"]) != committed.get(item["seq"])
        ]

    def _check_timestamps(self):
        found = []
        for stamp in self.env["esign.timestamp"].search([("request_id", "=", self.id)], order="id"):
            try:
                stamp._check()
            except TimestampError:
                found.append({"what": "timestamp", "name": stamp.serial})
        return found

    # === TELLING === #

    def _integrity_text(self, item):
        _ = self.env._
        texts = {
            "file": _("The stored file “%s” is missing or was changed.", item["name"]),
            "seal": _("The seal of “%s” does not hold.", item["name"]),
            "journal": _("The journal was changed at entry %s.", item["name"]),
            "proof": _("The proof record %s… was changed.", item["name"]),
            "timestamp": _("The time-stamp %s does not hold.", item["name"]),
            "root": _("The common hash of %s does not hold.", item["name"]),
            "mail": _("The source of the mail %s was changed.", item["name"]),
        }
        return texts.get(item["what"]) or _("The evidence cannot be checked (%s).", item["name"])

    def _tell_damage(self):
        """Send each administrator a mail and leave an activity, in their language."""
        template = self.env.ref("esign_quote.mail_template_damage").sudo()
        for user in self.env["esign.seal"]._administrators(self.company_id):
            this = self.with_context(lang=user.lang, esign_lang=user.lang)
            this.invalidate_recordset(["integrity_problem"])
            template.with_env(this.env).send_mail(this.id, email_values={"email_to": user.email_formatted})
            this.order_id.with_context(mail_activity_quick_update=True).activity_schedule(
                "esign_quote.mail_activity_type_esign",
                summary=this.env._("Damaged evidence: restore it from a backup"),
                note=this.integrity_problem,
                user_id=user.id,
            )
