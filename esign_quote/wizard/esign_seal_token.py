import base64

from odoo import api, fields, models


class EsignSealToken(models.TransientModel):
    _name = "esign.seal.token"
    _description = "E-signature: use of the key in the security module"

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    certificate = fields.Binary(
        "Certificate (.cer, .crt, .pem)",
        attachment=False,
        help="With its issuers if there are any. Leave it empty when the certificate stands on the token.",
    )
    place = fields.Char("Key", compute="_compute_place")

    @api.depends("company_id")
    def _compute_place(self):
        settings = self.env["esign.seal"]._token_settings()
        self.place = f"{settings.token} / {settings.key}" if settings.module else False

    def action_use(self):
        """Replace the company's sealing key by the one in the security module."""
        self.ensure_one()
        # Only the group that may create this record gets here (access rights of the wizard).
        content = base64.b64decode(self.with_context(bin_size=False).certificate or b"")
        self.env["esign.seal"]._use_token(self.company_id, content or None)
        return {"type": "ir.actions.client", "tag": "soft_reload"}
