import logging

from odoo import api, models
from odoo.models import MAGIC_COLUMNS
from odoo.tools import SQL

from .esign_immutable import AT_ITS_TERM
from .esign_immutable_sql import DAYS_WITH_COPIES

_logger = logging.getLogger(__name__)

# What is left of a person when the term is over.
BLANK = "—"
BLANK_OF_REQUEST = ("fingerprint", "closing_reason", "integrity_found")
KEPT_OF_SIGNER = {*MAGIC_COLUMNS, "request_id", "sequence", "uid", "answer", "answered_on", "signature_kind"}


class EsignRequest(models.Model):
    _inherit = "esign.request"

    # What is destroyed, and when. Each method asks; the database asks again (`esign_immutable_sql`).

    def _at_its_term(self):
        return self.sudo().with_context(esign_purge=AT_ITS_TERM)

    def _run_each(self, method):
        """Call a method on each request in a commit of its own; one that fails holds up no others."""
        self.env["ir.cron"]._commit_progress(remaining=len(self))
        for request in self:
            try:
                with request[0]._own_transaction() as this:
                    getattr(this, method)()
            except Exception:
                _logger.exception("esign_quote: %s failed for request %s", method, request.id)
            if not self.env["ir.cron"]._commit_progress(1):
                break

    # === THE END OF THE TERM === #

    @api.model
    def _cron_purge(self):
        """Destroy the requests whose term is over; the journal's skeleton and the identifier stay."""
        today = self._now().date()
        domain = [("retention_until", "<", today), ("legal_hold", "=", False), ("purged_on", "=", False)]
        self.sudo().search(domain)._run_each("_purge")

    def _purge(self):
        """Destroy files, proof and personal data, leaving an entry that says what went.

        An order that is confirmed and not delivered has a term that has not begun: somebody is asked.
        """
        self.ensure_one()
        # A hold that is being set comes first or waits; then the state is the true one.
        self.env.cr.execute("SELECT 1 FROM esign_request WHERE id = %s FOR UPDATE", [self.id])
        self.invalidate_recordset()
        if self.purged_on or self.legal_hold or self.retention_until >= self._now().date():
            return
        if self._awaits_delivery():
            self._ask_whether_performed()
            return
        self._log([("retention.purged", self._purge_facts())], actor="system")
        self.write({"purged_on": self._now()})
        self.flush_recordset()  # from here on the database lets them go
        this = self._at_its_term()
        this._destroy_evidence()
        this._destroy_personal_data()
        self.env.invalidate_all()

    def _purge_facts(self):
        """Return what goes, as its entry tells it: kinds and hashes, nothing personal."""
        return {
            "kept_until": self.retention_until.isoformat(),
            "files": [{"kind": item.kind, "sha256": item.sha256} for item in self.document_ids],
            "proofs": self.proof_ids.mapped("sha256"),
        }

    def _destroy_evidence(self):
        documents = self.document_ids
        # The files first: their trigger asks the document.
        domain = [("res_model", "=", documents._name), ("res_id", "in", documents.ids), ("res_field", "!=", False)]
        self.env["ir.attachment"].search(domain).unlink()
        self.proof_ids.unlink()
        documents.unlink()
        for name in ("esign.event.private", "esign.mail.source"):
            self.env[name].search([("request_id", "=", self.id)]).unlink()
        self.env.flush_all()
        # Their hashes stay and link the chain; the entry that tells of the purge is nobody's data.
        self.env.cr.execute(
            "UPDATE esign_event SET payload = NULL WHERE request_id = %s AND type != 'retention.purged'", [self.id]
        )

    def _destroy_personal_data(self):
        signers = tuple(self.signer_ids.ids)
        for table in ("esign_ticket", "esign_lock", "esign_delivery"):  # codes go with their tickets
            self.env.cr.execute(SQL("DELETE FROM %s WHERE signer_id IN %s", SQL.identifier(table), signers))
        columns = {name for name, field in self.signer_ids._fields.items() if field.store and field.column_type}
        blank = dict.fromkeys(columns - KEPT_OF_SIGNER, False)
        self.signer_ids.write({**blank, "name": BLANK, "email": BLANK})
        self.write(dict.fromkeys(BLANK_OF_REQUEST, False))

    def _ask_whether_performed(self):
        staff = self._for_staff()
        staff._remind_once(
            staff.env._("Was %s performed?", self.order_name),
            staff.env._(
                "The proof of this signature is kept for ten years after the contract was performed, but Odoo does not know when that was. Open the signing procedure %s and click “Performed on”, or cancel the order if it never was. Until then everything is kept.",
                self.reference,
            ),
        )

    # === THE TERM OF THE TECHNICAL LOG === #

    @api.model
    def _cron_erase_private(self):
        """Destroy full browser names and addresses when the term of the technical log is over."""
        self.env.cr.execute(
            """SELECT p.request_id FROM esign_event_private p JOIN esign_request r ON r.id = p.request_id
                WHERE p.keep_until < clock_timestamp() AT TIME ZONE 'UTC' AND r.legal_hold IS NOT TRUE
                UNION
               SELECT s.request_id FROM esign_signer s JOIN esign_request r ON r.id = s.request_id
                 JOIN res_company c ON c.id = r.company_id
                WHERE s.user_agent IS NOT NULL AND r.legal_hold IS NOT TRUE
                  AND s.answered_on
                      < clock_timestamp() AT TIME ZONE 'UTC' - make_interval(months => c.esign_private_months)
                ORDER BY 1"""
        )
        found = self.sudo().browse(request_id for (request_id,) in self.env.cr.fetchall())
        found._run_each("_erase_private")

    def _erase_private(self):
        self.ensure_one()
        if self.legal_hold:
            return
        private = self._at_its_term().env["esign.event.private"]
        domain = [("request_id", "=", self.id)]
        erased = private.search([*domain, ("keep_until", "<", self._now())])
        count = len(erased)
        erased.unlink()
        overdue = self._now() - self.company_id._esign_private_life()
        self.signer_ids.filtered(lambda item: item.answered_on and item.answered_on < overdue).user_agent = False
        # Whoever reads the journal later finds hashes of something that is not there: here is why.
        if count and self.retention_until and not self.purged_on and not private.search_count(domain, limit=1):
            self._log([("private.erased", {"reason": "term of the technical log"})], actor="system")

    # === A SIGNED FILE THAT IS NOT TO BE ARCHIVED === #

    @api.model
    def _cron_remove_signed(self):
        """Remove signed files that are not to be archived, once both sides have had them for a while."""
        domain = [("state", "=", "signed"), ("archive_signed", "=", False), ("signed_removed_on", "=", False)]
        domain += [("legal_hold", "=", False), ("purged_on", "=", False)]
        self.sudo().search(domain).filtered(lambda request: request._copies_are_out())._run_each("_remove_signed")

    def _copies_are_out(self):
        """Tell whether both mails with the signed file were handed over long ago, and did not come back."""
        since = self._now()
        out = self.delivery_ids.filtered(
            lambda item: (
                item.kind in ("signed_copy", "company_copy")
                and item.state == "handed_over"
                and item.queued_on >= self.answered_on
                and (since - item.handed_over_on).days >= DAYS_WITH_COPIES
            )
        )
        return len(set(out.mapped("kind"))) == 2  # customer and company

    def _remove_signed(self):
        """Remove the bytes of the signed file; its name, size and SHA-256 stay, and the proof."""
        self.ensure_one()
        document = self._document("signed")
        if self.legal_hold or self.signed_removed_on or not self._copies_are_out():
            return
        self._log([("document.removed", {"kind": document.kind, "sha256": document.sha256})], actor="system")
        self.write({"signed_removed_on": self._now()})
        self.flush_recordset()
        domain = [("res_model", "=", document._name), ("res_id", "=", document.id), ("res_field", "=", "content")]
        self._at_its_term().env["ir.attachment"].search(domain).unlink()
