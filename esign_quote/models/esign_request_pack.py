import base64

from odoo import api, models
from odoo.exceptions import UserError

from ..tools import pack
from ..tools.hashing import canonical_json
from .esign_request_verification import ENDED

JOURNAL_FORMAT = "esign_quote/journal/1"
PRIVATE_FORMAT = "esign_quote/private/1"
KINDS = {"signed": "signature", "declined": "refusal", "expired": "expiry"}


class EsignRequest(models.Model):
    """The dispute pack: everything that proves what became of a procedure, in one zip."""

    _inherit = "esign.request"

    def _dispute_pack(self):
        """Return the pack; the same evidence gives the same bytes.

        :return: file name and content
        :rtype: tuple[str, bytes]
        :raise UserError: nothing is proved yet, or a stored file is damaged
        """
        self.ensure_one()
        this = self.sudo()
        if not this._has_pack():
            raise UserError(self.env._("There is no proof of this procedure yet."))
        files = {
            **this._pack_documents(),
            **this._pack_journal(),
            **this._pack_timestamps(),
            **this._pack_certificates(),
            **this._pack_mails(),
            **pack.checkers(),
        }
        readmes = pack.readmes(KINDS[this.state], [*files, "SHA256SUMS"], this._pack_facts())
        return f"{this.reference}.zip", pack.build({**files, **readmes})

    def _has_pack(self):
        return self.state in ENDED and bool(self.proof_ids) and not self.purged_on

    def _pack_documents(self):
        proof = self.proof_ids[:1]
        main = self._document("signed")
        files = {"proof.pdf": proof.document_id._bytes(), "proof.json": proof.json.encode()}
        if not main:
            files["quotation.pdf"] = self._document("quote")._bytes()
        elif main._is_kept():
            files["signed.pdf"] = main._bytes()
        annexes = self.document_ids.filtered(lambda document: document.kind in ("annex", "terms"))
        for number, annex in enumerate(annexes, 1):
            files[f"annexes/{number:02}-{pack.safe_name(annex.name)}"] = annex._bytes()
        for signer in self.signer_ids.filtered("preview_id"):
            files[f"previews/{signer.sequence}.pdf"] = signer.preview_id._bytes()
        return files

    def _pack_journal(self):
        journal = {
            "format": JOURNAL_FORMAT,
            "journal": self.reference,
            "head": self.journal_head,
            "entries": self.env["esign.event"]._journal(self),
        }
        files = {"journal.json": canonical_json(journal)}
        private = self.env["esign.event.private"]._kept(self)
        if private:
            files["private.json"] = canonical_json({"format": PRIVATE_FORMAT, "entries": private})
        return files

    def _pack_timestamps(self):
        """Return the anchors of the journal, and the tokens of an independent authority, where there are any."""
        files = {}
        anchors = self._anchor_facts()
        if anchors:
            files["anchors.json"] = canonical_json(anchors)
        # Those of the anchors are in there.
        stamps = self.env["esign.timestamp"].search([("request_id", "=", self.id)], order="id")
        for number, stamp in enumerate(stamps, 1):
            files[f"tokens/{number}.tsr"] = stamp._der()
            files[f"tokens/{number}.json"] = stamp.manifest.encode()
        return files

    def _pack_certificates(self):
        seal = self.seal_id.with_context(bin_size=False)
        certificates = [seal.certificate, *(item.encode() for item in seal.chain or [])]
        return {
            f"certificates/seal-{number}.der": base64.b64decode(item)
            for number, item in enumerate(certificates, 1)
            if item
        }

    def _pack_mails(self):
        sources = self.env["esign.mail.source"].search([("request_id", "=", self.id)], order="id")
        return {f"mails/{number}.eml": item.source.encode() for number, item in enumerate(sources, 1)}

    def _pack_facts(self):
        quote, signed = self._document("quote"), self._document("signed")
        return {
            "identifier": self.reference,
            "quotation": self.order_name,
            "company": self.company_id.name,
            "signed_sha256": signed.sha256 or "",
            "original_bytes": quote.size,
            "original_sha256": quote.sha256,
            "certificate_sha256": self.seal_id.fingerprint,
            "verify_at": self._verify_url(),
        }

    # === WHO MAY HAVE IT === #

    @api.model
    def _staff_pack(self, reference):
        """Return the pack of a procedure that the current user may read, or None.

        :rtype: tuple[str, bytes] | None
        """
        found = self.has_access("read") and self.search([("reference", "=", reference)], limit=1)
        return found._dispute_pack() if found and found.sudo()._has_pack() else None

    @api.model
    def _portal_pack(self, reference):
        """Return the pack of a procedure whose quotation the current portal user may read, or None.

        :rtype: tuple[str, bytes] | None
        """
        found = self.sudo().search([*self._portal_domain(), ("reference", "=", reference)], limit=1)
        return found._dispute_pack() if found and found._has_pack() else None

    def action_dispute_pack(self):
        """Download the pack."""
        self.ensure_one()
        self.check_access("read")
        if not self.sudo()._has_pack():
            raise UserError(self.env._("There is no proof of this procedure yet."))
        # By whom: the entry's actor.
        self.sudo()._log([("pack.downloaded", {})])
        return {"type": "ir.actions.act_url", "url": f"/esign/pack/{self.reference}", "target": "download"}
