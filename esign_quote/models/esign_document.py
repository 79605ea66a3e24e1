import base64

from odoo import api, fields, models
from odoo.exceptions import UserError

from ..tools.codes import new_uid
from ..tools.hashing import sha256_hex


class EsignDocument(models.Model):
    _name = "esign.document"
    _description = "E-signature: frozen file"
    _inherit = ["esign.immutable"]
    _order = "sequence, id"
    _esign_may_go = "esign_term_is_over(OLD.request_id)"

    request_id = fields.Many2one("esign.request", required=True, readonly=True, index=True, ondelete="restrict")
    uid = fields.Char(
        required=True, readonly=True, index="btree_not_null", help="Identifies the file in the customer's pages."
    )
    kind = fields.Selection(
        [
            ("quote", "Quotation"),
            ("preview", "Preview"),
            ("annex", "Annex"),
            ("terms", "Terms of sale"),
            ("signed", "Signed quotation"),
            ("proof", "Proof file"),
        ],
        required=True,
        readonly=True,
    )
    sequence = fields.Integer(default=10, readonly=True)
    name = fields.Char(required=True, readonly=True)
    mimetype = fields.Char(required=True, readonly=True)
    content = fields.Binary(attachment=True, readonly=True, required=True)
    sha256 = fields.Char("SHA-256", required=True, readonly=True, index=True)
    size = fields.Integer("Bytes", required=True, readonly=True)
    pages = fields.Integer(readonly=True)

    @api.model
    def _freeze(self, request, kind, name, content, mimetype="application/pdf", pages=0, sequence=10):
        """Keep ``content`` (bytes) for good.

        :return: the new document
        :rtype: recordset of `esign.document`
        """
        # Images must not be resized on their way in: bytes are bytes. And they are on the disk before the commit.
        return (
            self.sudo()
            .with_context(image_no_postprocess=True, esign_evidence=True)
            .create(self._values(request, kind, name, content, mimetype, pages, sequence))
        )

    def _values(self, request, kind, name, content, mimetype, pages, sequence):
        return {
            "request_id": request.id,
            "uid": new_uid(),
            "kind": kind,
            "sequence": sequence,
            "name": name,
            "mimetype": mimetype,
            "content": base64.b64encode(content),
            "sha256": sha256_hex(content),
            "size": len(content),
            "pages": pages,
        }

    def _bytes(self):
        """Return the file, checked against its hash on every read.

        :rtype: bytes
        :raise UserError: the stored file is not the one that was frozen
        """
        self.ensure_one()
        # Straight from the attachment: no base64 there and back for megabytes.
        domain = [("res_model", "=", self._name), ("res_id", "=", self.id), ("res_field", "=", "content")]
        attachment = self.env["ir.attachment"].sudo().search_fetch(domain, ["store_fname", "db_datas"], limit=1)
        if not attachment and not self._is_kept():
            raise UserError(
                self.env._(
                    "The file “%s” is not kept here: customer and company got it by mail, and it was not to be archived. Its SHA-256 and its proof are still here.",
                    self.sudo().name,
                )
            )
        content = attachment.raw or b""
        if sha256_hex(content) != self.sudo().sha256:
            raise UserError(
                self.env._("The stored file “%s” is damaged: its SHA-256 is not the recorded one.", self.sudo().name)
            )
        return content

    def _is_kept(self):
        """Tell whether the bytes are still to be here; name, size and SHA-256 are in any case."""
        self.ensure_one()
        document = self.sudo()
        return document.kind != "signed" or not document.request_id.signed_removed_on

    def action_download(self):
        """Open the file in the browser of somebody who may read the request."""
        self.ensure_one()
        if self.kind == "proof":
            self.check_access("read")
            # By whom: the entry's actor.
            entry = {"name": self.name, "sha256": self.sha256}
            self.request_id.sudo()._log([("proof.viewed", entry)])
        return {"type": "ir.actions.act_url", "url": f"/esign/document/{self.uid}", "target": "new"}
