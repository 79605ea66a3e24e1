from odoo import api, models
from odoo.exceptions import AccessError

from .esign_immutable import AT_ITS_TERM

EVIDENCE = ("esign.document", "esign.proof")


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    def write(self, vals):
        """Override of `base`: files of evidence are written once (law 8)."""
        self._esign_refuse_evidence()
        return super().write(vals)

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        if self.env.context.get("esign_purge") is not AT_ITS_TERM:  # the database judges then
            self._esign_refuse_evidence()

    def _esign_refuse_evidence(self):
        if any(item.res_field and item.res_model in EVIDENCE for item in self.sudo()):
            raise AccessError(self.env._("Evidence of a signature cannot be changed or deleted."))
