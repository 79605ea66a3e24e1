from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models

from ..tools import proof_pdf
from ..tools.hashing import canonical_json, sha256_hex
from .esign_immutable_sql import YEARS

# What is proved, by the state that a request ends in.
KINDS = {"consented": "signature", "signed": "signature", "declined": "refusal", "expired": "expiry"}
ATTACHED = "proof.json"


@dataclass(frozen=True)
class ProofDraft:
    """A proof before it is sealed, as plain values: no transaction need be open meanwhile."""

    kind: str
    text: str
    digest: str
    name: str
    drawn: bytes = field(repr=False)
    moment: datetime
    signer_name: str
    reason: str
    retention_until: date

    def seal(self, key, stamping):
        """Seal the readable file.

        :param tools.seal.SealKey key: whose seal
        :param stamping: see `esign_request_timestamp.Stamping`
        :return: the file, and its time-stamp token or None
        :rtype: tuple[bytes, tools.timestamp.Token | None]
        """
        return stamping.seal(
            self.drawn, [], key, signing_time=self.moment, signer_name=self.signer_name, reason=self.reason
        )


class EsignProof(models.Model):
    _name = "esign.proof"
    _description = "E-signature: proof record"
    _inherit = ["esign.immutable"]
    _order = "id desc"
    _rec_name = "sha256"
    _esign_may_go = "esign_term_is_over(OLD.request_id)"

    request_id = fields.Many2one("esign.request", required=True, readonly=True, index=True, ondelete="restrict")
    kind = fields.Selection(
        [("signature", "Signature"), ("refusal", "Refusal"), ("expiry", "Expiry")],
        "Proof of a",
        required=True,
        readonly=True,
        default="signature",
    )
    json = fields.Text(
        "Canonical JSON", required=True, readonly=True, help="RFC 8785; embedded in the PDF, which prints its SHA-256."
    )
    sha256 = fields.Char("SHA-256", required=True, readonly=True, index=True)
    document_id = fields.Many2one(
        "esign.document", "PDF", required=True, readonly=True, index=True, ondelete="restrict"
    )
    retention_until = fields.Date("Kept until", required=True, readonly=True)

    @api.model
    def _draft(self, request):
        """Write the proof of how a request ended: canonical JSON and a PDF to read, not sealed yet.

        :param request: `esign.request`: its signed file is sealed, or it was declined, or it expired
        :rtype: ProofDraft
        """
        signer = request.signer_ids[:1]  # where several sign, the file speaks the first one's language
        facts = self._facts(request, signer)
        text = canonical_json(facts)
        digest = sha256_hex(text)
        translated = self.with_context(lang=signer.lang)
        moment = request._now().replace(tzinfo=UTC)
        return ProofDraft(
            kind=facts["kind"],
            text=text.decode(),
            digest=digest,
            name=request._file_name(translated._texts(facts["kind"]).file),
            drawn=translated._draw(request, signer, facts, text, digest, moment),
            moment=moment,
            signer_name=request.company_id.name,
            reason=translated.env._("Proof file of signature %s", request.reference),
            retention_until=request.answered_on.date() + relativedelta(years=YEARS),
        )

    @api.model
    def _keep(self, request, draft, pdf):
        """Keep a proof whose PDF is sealed.

        :param ProofDraft draft: what it was made of
        :param bytes pdf: the sealed file
        :return: the record
        :rtype: recordset of `esign.proof`
        """
        document = self.env["esign.document"]._freeze(request, "proof", draft.name, pdf, sequence=110)
        return self.sudo().create(
            {
                "request_id": request.id,
                "kind": draft.kind,
                "json": draft.text,
                "sha256": draft.digest,
                "document_id": document.id,
                "retention_until": draft.retention_until,
            }
        )

    def _draw(self, request, signer, facts, text, digest, moment):
        """Return the readable PDF of the facts, in the language of ``self``, with the record inside."""
        env = self.env
        return proof_pdf.draw_proof(
            title=self._texts(facts["kind"]).title,
            subtitle=env._(
                "%(number)s, signature identifier %(reference)s", number=request.order_name, reference=request.reference
            ),
            sections=self._sections(request, signer, facts, digest),
            footer=env._(
                "%(company)s, signature identifier %(reference)s",
                company=request.company_id.name,
                reference=request.reference,
            ),
            qr_url=request._verify_url(),
            author=request.company_id.name,
            language=signer.lang.replace("_", "-"),
            page_label=env._("Page {page} of {pages}"),
            created=moment,
            attachment=proof_pdf.Attachment(ATTACHED, text, description=env._("Proof record for computers (JSON)")),
        )
