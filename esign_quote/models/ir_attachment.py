from odoo import api, models
from odoo.exceptions import AccessError

from ..tools import durable
from .esign_immutable import AT_ITS_TERM

EVIDENCE = ("esign.document", "esign.proof")


class IrAttachment(models.Model):
    _inherit = "ir.attachment"

    @api.model
    def _file_write(self, bin_value, checksum):
        """Override of `base`: files of evidence are on the disk before the row that names them is committed.

        Odoo writes under the final name and does not wait for the disk: a power cut could leave a row without its file.
        """
        if not self.env.context.get("esign_evidence"):
            return super()._file_write(bin_value, checksum)
        name, path = self._get_path(bin_value, checksum)
        durable.write(path, bin_value)
        self._mark_for_gc(name)  # in case the transaction aborts
        return name

    def write(self, vals):
        """Override of `base`: files of evidence are written once (law 8)."""
        self._esign_refuse_evidence()
        return super().write(vals)

    def _migrate(self):
        """Override of `base`: evidence stays where it is, and is read there; the other files move."""
        kept = self.filtered(lambda item: item.res_field and (item.res_model or "").startswith("esign."))
        return super(IrAttachment, self - kept)._migrate()

    @api.ondelete(at_uninstall=False)
    def _unlink_except_evidence(self):
        if self.env.context.get("esign_purge") is not AT_ITS_TERM:  # the database judges then
            self._esign_refuse_evidence()

    def _esign_refuse_evidence(self):
        if any(item.res_field and item.res_model in EVIDENCE for item in self.sudo()):
            raise AccessError(self.env._("Evidence of a signature cannot be changed or deleted."))
