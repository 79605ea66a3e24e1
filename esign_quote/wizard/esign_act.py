from odoo import fields, models
from odoo.exceptions import UserError

MAX_REASON = 200  # characters


class EsignAct(models.AbstractModel):
    _name = "esign.act"
    _description = "E-signature: an act that needs a reason"

    request_id = fields.Many2one("esign.request", required=True, readonly=True)
    reason = fields.Char(required=True, help="Kept in the journal and in the proof file.")

    def _get_request_and_reason(self):
        """Return the request, with all rights, and the reason for the journal.

        Only the group that may create this record gets here (access rights of the wizard).

        :rtype: tuple[EsignRequest, str]
        :raise AccessError: the user may not see this request
        :raise UserError: no reason was given
        """
        self.ensure_one()
        self.request_id.check_access("read")
        reason = (self.reason or "").strip()[:MAX_REASON]
        if not reason:
            raise UserError(self.env._("Please give the reason: it is kept in the journal."))
        return self.request_id.sudo(), reason
