import base64

from odoo import fields, models


class EsignSealImport(models.TransientModel):
    _name = "esign.seal.import"
    _description = "E-signature: upload of a sealing key"
    _inherit = ["esign.transaction"]

    company_id = fields.Many2one("res.company", required=True, default=lambda self: self.env.company)
    file = fields.Binary("PKCS#12 file (.p12, .pfx)", attachment=False)
    password = fields.Char()

    def action_import(self):
        """Replace the company's sealing key, and forget file and password at once."""
        self.ensure_one()
        content = base64.b64decode(self.with_context(bin_size=False).file or b"")
        password = self.password or ""
        # Committed on its own: a file that is refused must not stay here either.
        with self._own_transaction() as this:
            this.write({"file": False, "password": False})
        # Only the group that may create this record gets here (access rights of the wizard).
        self.env["esign.seal"]._import_pkcs12(self.company_id, content, password)
        return {"type": "ir.actions.client", "tag": "soft_reload"}
