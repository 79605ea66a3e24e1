from odoo import models
from odoo.exceptions import UserError


class EsignRequest(models.Model):
    """Which key seals a procedure."""

    _inherit = "esign.request"

    def _sealing_key(self):
        """Return the key that seals now: that of the sending, or the company's present one when that cannot any more.

        To be called within `_own_transaction`: a replacement is written down and journaled.

        :rtype: tools.seal.SealKey
        :raise UserError: neither can seal
        """
        self.ensure_one()
        sent_with = self.seal_id
        reason = sent_with._why_unusable()
        if not reason:
            return sent_with._load()
        successor = self.env["esign.seal"]._active_for(self.company_id)
        self.seal_id = successor
        replaced = {"reason": reason, "before": sent_with.fingerprint, "after": successor.fingerprint}
        self._log([("seal.replaced", replaced)])
        return successor._load()

    def _tell_about_key(self, error):
        """Tell administrators when it is the key that keeps an accepted quotation from being sealed."""
        # What `_sealing_key` raises; everything else is not theirs to mend.
        if isinstance(error, UserError):
            self.env["esign.seal"]._tell_needed(self.company_id, str(error))
