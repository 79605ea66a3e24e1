from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models, release
from odoo.modules.module import get_manifest

from ..tools import proof_pdf
from ..tools.hashing import canonical_json, sha256_hex
from .esign_otp import DIGITS

FORMAT = "esign_quote/proof/1"
RETENTION_YEARS = 10
CHANNEL_NAMES = {"mail": "e-mail", "sms": "SMS", "both": "e-mail, then SMS"}
# No more than that: a code is not an identity (SECURITY 1.1).
SHOWN_BY = {
    "mail": "control of the mailbox that received the code",
    "sms": "control of the phone that received the code",
    "both": "control of the mailbox and of the phone that received the codes",
}


@dataclass(frozen=True)
class ProofDraft:
    """A proof before it is sealed, as plain values: no transaction need be open meanwhile."""

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
    json = fields.Text(
        "Canonical JSON", required=True, readonly=True, help="RFC 8785; its SHA-256 is printed in the PDF."
    )
    sha256 = fields.Char("SHA-256", required=True, readonly=True, index=True)
    document_id = fields.Many2one(
        "esign.document", "PDF", required=True, readonly=True, index=True, ondelete="restrict"
    )
    retention_until = fields.Date("Kept until", required=True, readonly=True)

    @api.model
    def _draft(self, request):
        """Write the proof of a signature: canonical JSON and a PDF to read, not sealed yet.

        :param request: `esign.request`, whose signed file is sealed
        :rtype: ProofDraft
        """
        signer = request.signer_ids[:1]
        facts = self._facts(request, signer)
        text = canonical_json(facts)
        digest = sha256_hex(text)
        translated = self.with_context(lang=signer.lang)
        moment = request._now().replace(tzinfo=UTC)
        return ProofDraft(
            text=text.decode(),
            digest=digest,
            name=request._file_name(translated.env._("proof")),
            drawn=translated._draw(request, signer, facts, digest, moment),
            moment=moment,
            signer_name=request.company_id.name,
            reason=translated.env._("Proof file of signature %s", request.reference),
            retention_until=signer.answered_on.date() + relativedelta(years=RETENTION_YEARS),
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
                "json": draft.text,
                "sha256": draft.digest,
                "document_id": document.id,
                "retention_until": draft.retention_until,
            }
        )

    def _draw(self, request, signer, facts, digest, moment):
        """Return the readable PDF of the facts."""
        env = self.env
        return proof_pdf.draw_proof(
            title=env._("Proof of electronic signature"),
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
        )

    # === FACTS: the numbers are those of the list in the design's SECURITY 5.1 === #

    def _facts(self, request, signer):
        journal = self.env["esign.event"]._journal(request)
        return {
            "format": FORMAT,
            "application": self._application(),
            "company": self._company(request.company_id),
            "signature": self._signature(request, signer),
            "documents": [self._document(item) for item in request.document_ids],
            "signer": self._signer(request, signer),
            "identification": signer.identity_facts,
            "invitation": request._invitation_facts(),
            "authentication": self._authentication(request, journal),
            "reading": self._reading(signer),
            "consent": self._consent(request, signer),
            "seal": self._seal(request),
            "journal": {"head": request.journal_head, "entries": journal},
            "retention": {"years": RETENTION_YEARS, "counted_from": "signature"},
        }

    def _application(self):
        manifest = get_manifest("esign_quote")
        return {"name": "esign_quote", "version": manifest["version"], "platform": f"Odoo {release.version}"}

    def _company(self, company):
        return {
            "name": company.name,
            "registration": company.company_registry or company.vat or "",
            "email": company.email or "",
            "address": " ".join((company.partner_id.contact_address or "").split()),
        }

    def _signature(self, request, signer):
        return {
            "identifier": request.reference,
            "quotation": request.order_name,
            "level": "simple electronic signature (Regulation (EU) No 910/2014, article 3(10))",
            "not_claimed": "advanced or qualified signature, qualified time-stamp",
            "kind": signer.signature_kind,
            "at": signer.answered_on.isoformat(timespec="milliseconds") + "Z",
            "clock": "clock of the company's database server",
            "verify_at": request._verify_url(),
            "total": request.recap["total_value"],
            "currency": request.recap["currency"],
        }

    def _document(self, document):
        return {
            "kind": document.kind,
            "name": document.name,
            "pages": document.pages,
            "bytes": document.size,
            "sha256": document.sha256,
        }

    def _signer(self, request, signer):
        return {
            "name_on_file": signer.name,
            "name_declared": signer.declared_name,
            "email": signer.email,
            **signer._phone_facts(),
            "capacity": signer.capacity or "",
            "company": signer.customer_name or "",
            "company_registration": signer.customer_registration or "",
            "ip_at_consent": signer.ip or "",
            "user_agent_at_consent": signer.user_agent or "",
            "audience": request.audience,
        }

    def _authentication(self, request, journal):
        return {
            "what_it_shows": SHOWN_BY[request.channel],
            "channel": CHANNEL_NAMES[request.channel],
            "code_digits": DIGITS,
            "code_minutes": request.company_id.esign_code_minutes,
            "tries": request.company_id.esign_code_tries,
            "code_kept": False,
            "wrong_codes": sum(entry["type"] == "code.refused" for entry in journal),
            "device": "secret cookie of the browser that gave the code, kept as SHA-256",
            "sent_and_validated": [
                {"type": entry["type"], "at": entry["at"]}
                for entry in journal
                if entry["type"] in ("code.requested", "code.sent", "code.validated")
            ],
        }

    def _reading(self, signer):
        def text(moment):
            return moment.isoformat(timespec="milliseconds") + "Z" if moment else None

        return {
            "reported_by": "the signer's browser",
            "last_page_shown_at": text(signer.last_page_on),
            "downloaded_at": text(signer.downloaded_on),
            "sha256_of_what_was_shown": signer.read_sha256 or None,
        }

    def _consent(self, request, signer):
        return {
            "button": request._button_text(signer.lang),
            "statements": [{**item, "ticked": item["code"] in signer.consents_given} for item in request.consents],
        }

    def _seal(self, request):
        seal_record = request.seal_id
        return {
            "standard": f"{request._timestamp_facts()['level']} (ETSI EN 319 142-1), ETSI.CAdES.detached, DocMDP P=1",
            "certificate_sha256": seal_record.fingerprint,
            "subject": seal_record.subject,
            "valid_to": str(seal_record.valid_to.date()),
            "meaning": "protects the file; it is the company's seal, not the customer's signature",
            "original_is_prefix": True,
            "timestamp": request._timestamp_facts(),
        }
