from datetime import UTC

from odoo import models

from .esign_transaction import is_of_database

# How a request can end without a signature.
UNSIGNED = ("declined", "expired")


class EsignRequest(models.Model):
    """A refusal and an expiry get a proof of their own, sealed with the company's key; then both sides are told."""

    _inherit = "esign.request"

    def _prove_end(self, lease_held):
        """Write and seal the proof of a refusal or an expiry, and queue the mails: one commit.

        The state has moved before: a key that is missing, or an authority that does not answer, only delays the
        proof and the mails, and the cron tries again.

        :param bool lease_held: the caller's commit took the lease
        """
        stamping = None
        try:
            with self._own_transaction() as this:
                if this.told or this.state not in UNSIGNED:
                    return
                stamping = this._stamping()
                if this._has_to_wait(stamping) or not (lease_held or this._take_lease()):
                    return
                key = this._sealing_key()
                draft = this.env["esign.proof"]._draft(this)
            sealed = draft.seal(key, stamping)
        except Exception as error:  # whatever it is, it is told, and tried again
            if is_of_database(error):
                raise
            self._report_seal_failure(error, stamping)
            return
        with self._own_transaction() as this:
            this._finish_end(draft, *sealed, stamping)

    def _finish_end(self, draft, pdf, token, stamping):
        """Record the proof and queue the mails; of two servers one does."""
        self.env.cr.execute(
            "UPDATE esign_request SET told = TRUE, sealed_on = %s"
            " WHERE id = %s AND state IN %s AND NOT COALESCE(told, FALSE) RETURNING id",
            [draft.moment.replace(tzinfo=None), self.id, UNSIGNED],
        )
        if not self.env.cr.fetchone():
            return
        self.invalidate_recordset()
        self._note_stamping(stamping)
        self.write(self._level_values(stamping, token))
        proof = self.env["esign.proof"]._keep(self, draft, pdf)
        self._care_for_timestamp(token)
        files = [(proof.document_id.name, pdf)]
        # Who let the date pass may never have proved to hold this mailbox: no personal data go there unasked.
        self._queue_mails(files, customer_files=files if self.state == "declined" else [])
        pending = [self._pending_entry(stamping.failure, stamping.policy)] if stamping.failure else []
        issued = {"json_sha256": proof.sha256, "pdf_sha256": proof.document_id.sha256}
        self._log([*pending, ("proof.issued", issued), *self._stamp_entries("proof", token), *self._copies_entries()])
        self._for_staff()._note_answer(self._due_signer())

    def _care_for_timestamp(self, token):
        """Remember until when the proof's time-stamp is good, or have one got later."""
        if token:
            self.timestamp_until = token.certificate_until.astimezone(UTC).replace(tzinfo=None)
        else:
            self._want_timestamp()

    # === WORDS FOR THE SALESPERSON === #

    def _unsealed_words(self, error):
        """Return summary and note of an activity: the customer's answer stands, but sealing fails."""
        _ = self.env._
        values = {"number": self.order_name, "error": str(error)}
        if self.state == "declined":
            return (
                _("Declined, the proof is not sealed yet"),
                _(
                    "The customer declined %(number)s, but the proof of it cannot be sealed yet: %(error)s Nothing is lost; Odoo tries again every minute, then the mails go out.",
                    **values,
                ),
            )
        if self.state == "expired":
            return (
                _("Expired, the proof is not sealed yet"),
                _(
                    "%(number)s expired without an answer, but the proof of it cannot be sealed yet: %(error)s Nothing is lost; Odoo tries again every minute, then the mails go out.",
                    **values,
                ),
            )
        return (
            _("Accepted, not sealed yet"),
            _(
                "The customer accepted %(number)s, but the document cannot be sealed yet: %(error)s Nothing is lost; Odoo tries again every minute.",
                **values,
            ),
        )

    def _waiting_words(self, reason):
        """Return summary and note of an activity: the time-stamp is awaited."""
        _ = self.env._
        values = {"number": self.order_name, "reason": reason}
        if self.state in UNSIGNED:
            declined = self.state == "declined"
            return (
                _("Declined, waiting for the time-stamp") if declined else _("Expired, waiting for the time-stamp"),
                _(
                    "%(number)s was closed without a signature. Its proof is sealed, and the mails go out, as soon as there is a time-stamp; nothing is lost, and Odoo goes on trying. %(reason)s An administrator finds the settings in Settings, Sales, Electronic signature.",
                    **values,
                ),
            )
        return (
            _("Accepted, waiting for the time-stamp"),
            _(
                "The customer accepted %(number)s. The document is sealed as soon as there is a time-stamp; nothing is lost, and Odoo goes on trying. %(reason)s An administrator finds the settings in Settings, Sales, Electronic signature.",
                **values,
            ),
        )
