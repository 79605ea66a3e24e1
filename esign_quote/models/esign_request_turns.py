import logging

from odoo import fields, models
from odoo.tools import format_list

from ..tools import seal
from ..tools.geometry import Placement
from .esign_request_closing import UNSIGNED
from .esign_transaction import is_of_database

_logger = logging.getLogger(__name__)

MAX_SIGNERS = 6


class EsignRequest(models.Model):
    """Several signers: each is asked when those before have signed, and sees their stamps.

    Until the last one has signed, an acceptance is entries of the journal and a stamp in a preview; then all stamps
    and the seal come in one update (PDF 5, design A).
    """

    _inherit = "esign.request"

    turn = fields.Integer(default=1, readonly=True, help="Number of the signer whose answer is awaited, or came last.")
    to_invite = fields.Boolean(readonly=True, help="The signer whose turn it is was not invited yet.")

    def _due_signer(self):
        """Return the signer whose answer is awaited; once all is over, the one who was asked last."""
        return self.signer_ids.filtered(lambda signer: signer.sequence == self.turn)[:1]

    def _asked_signers(self):
        """Return the signers who were asked so far, in turn."""
        return self.signer_ids.filtered(lambda signer: signer._was_asked())

    # === PASSING ON === #

    def _pass_on(self):
        """Ask the next signer: one commit. Safe to call again after a crash at any point.

        The acceptance before is committed: whatever fails here is for the cron, which tries again every minute.
        """
        try:
            with self._own_transaction() as this:
                if this._claim_invitation():
                    this._invite(this._due_signer())
        except Exception as error:  # whatever it is, it is told, and tried again
            if is_of_database(error):
                raise
            self._report_unasked(error)

    def _claim_invitation(self):
        self.env.cr.execute(
            "UPDATE esign_request SET to_invite = FALSE, lease_until = NULL"
            " WHERE id = %s AND state = 'sent' AND to_invite RETURNING id",
            [self.id],
        )
        claimed = bool(self.env.cr.fetchone())
        self.invalidate_recordset()
        return claimed

    def _invite(self, signer):
        """Freeze what the signer will see, and queue the mail with the personal link."""
        before = self.signer_ids.filtered(lambda item: item.answer == "signed")
        content = seal.stamp_pdf(self._document("quote")._bytes(), [item._stamp() for item in before])
        preview = self.env["esign.document"]._freeze(
            self,
            "preview",
            self._file_name(self.with_context(lang=signer.lang).env._("preview %s", signer.sequence)),
            content,
            pages=self._stamped_pages(before),
            sequence=10 + signer.sequence,
        )
        signer.preview_id = preview
        # The steps of the new turn; those of the others are in the journal.
        self.write({"opened_on": False, "identified_on": False, "read_on": False})
        stamped = {"sha256": preview.sha256, "bytes": preview.size, "stamps": len(before)}
        signer._log([("document.stamped", stamped)])
        mail = self._queue_note("esign_quote.mail_template_turn", signer, "invitation", signer.email)
        # From here on, only this mail gets the link (`_may_get_link`).
        signer.message_id = mail.mail_message_id
        staff = self._for_staff()
        staff.order_id._message_log(
            body=staff.env._(
                "%(before)s has signed; %(next)s is asked now (%(turn)s of %(count)s).",
                before=before[-1:].declared_name,
                next=signer.name,
                turn=signer.sequence,
                count=len(self.signer_ids),
            )
        )

    def _report_unasked(self, error):
        _logger.error("esign_quote: %s: the next signer cannot be asked yet", self.reference, exc_info=error)
        with self._own_transaction() as this:
            staff = this._for_staff()
            staff._remind_once(
                staff.env._("The next signer is not asked yet: %s", this.order_name),
                staff.env._(
                    "The signature before is kept, but the preview for %(name)s cannot be made yet: %(error)s Nothing is lost; Odoo tries again every minute.",
                    name=this._due_signer().name,
                    error=error,
                ),
            )

    def _stamped_pages(self, signers):
        """Return how many pages the file has with the stamps of ``signers``: one may have needed a page of its own."""
        places = (Placement.from_dict(signer.placement).page + 1 for signer in signers)
        return max(self._document("quote").pages, *places)

    # === TELLING === #

    def _tell_who_signed(self):
        """Tell those who had signed already that the procedure was closed: nothing binds them."""
        for signer in self.signer_ids.filtered(lambda item: item.answer == "signed"):
            self._queue_note("esign_quote.mail_template_voided", signer, "other", signer.email)

    def _signed_by(self):
        """Return the names of those who signed, as they gave them, in turn and in the language of ``self``."""
        return format_list(
            self.env, self.signer_ids.filtered(lambda item: item.answer == "signed").mapped("declared_name")
        )

    def _is_partly_signed(self):
        """Tell whether it ended without a signature of all although somebody had signed."""
        return self.state in UNSIGNED and bool(self._signed_by())

    # === STEPS, for the quotation's form === #

    def _earlier_answers(self):
        """Return (label, moment) of the acceptances before the turn that runs, or ran last."""
        before = self.signer_ids.filtered(lambda item: item.sequence < self.turn)
        return [(self.env._("Signed by %s", item.declared_name), item.answered_on) for item in before]

    def _later_answers(self):
        """Return (label, moment), the moments to come, for the signers who are still to answer, where several sign."""
        if len(self.signer_ids) < 2 or self.answered_on:
            return []
        left = self.signer_ids.filtered(lambda item: item.sequence >= self.turn)
        return [(self.env._("To be signed by %s", item.name), False) for item in left]
