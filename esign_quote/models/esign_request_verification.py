import re

from odoo import api, models
from odoo.exceptions import UserError

from ..tools import chain, verify
from ..tools.exceptions import ChainBroken
from ..tools.hashing import sha256_hex
from ..tools.networks import network_of
from ..tools.throttle import Rule

SHA256 = re.compile(r"[0-9a-f]{64}")
# Of one network: fingerprints looked up, files judged. A judgement costs some 30 ms.
LIMITS = {
    "hash": (Rule(60, 600),),
    "seal": (Rule(10, 600), Rule(50, 86400)),
}
# What may be known by its fingerprint. Annexes and terms are not: they go to many.
TOLD_KINDS = ("signed", "proof", "quote")
KNOWN_KINDS = (*TOLD_KINDS, "preview")
ENDED = ("signed", "declined", "expired")


class EsignRequest(models.Model):
    """What anybody may ask: `/esign/verify`."""

    _inherit = "esign.request"

    # === WHAT IS KNOWN OF AN IDENTIFIER === #

    @api.model
    def _public_facts(self, reference):
        """Return what anybody with a signature identifier may know: no name, no amount.

        :return: ``None`` for an unknown identifier, or a procedure without a proof
        :rtype: dict | None
        """
        found = self.sudo().search([("reference", "=", reference), ("state", "in", ENDED)], limit=1)
        return found._facts_for_anybody() if found._has_public_proof() else None

    def _has_public_proof(self):
        # A refusal or an expiry of former versions of this addon has none.
        return bool(self) and not self.purged_on and (self.state == "signed" or bool(self.proof_ids))

    def _facts_for_anybody(self):
        return {
            "reference": self.reference,
            "company": self.company_id.name,
            "state": self.state,
            "signed_on": self.answered_on,
            "files": [
                {"kind": document.kind, "sha256": document.sha256, "size": document.size}
                for document in self.document_ids
                if document.kind in TOLD_KINDS
            ],
            "certificate_sha256": self.seal_id.fingerprint,
        }

    # === A FILE === #

    @api.model
    def _may_verify(self, kind, origin):
        """Count one more question of a visitor.

        :param str kind: a key of :data:`LIMITS`
        :param dict origin: ``ip`` as seen by the server
        :return: whether it may be answered now
        :rtype: bool
        """
        with self._own_transaction() as this:
            return not this.env["esign.throttle"]._take({f"verify:{kind}:{network_of(origin['ip'])}": LIMITS[kind]})

    @api.model
    def _verify_hash(self, sha256, reference=""):
        """Say what file has this fingerprint.

        :param str sha256: as the visitor's browser computed it
        :param str reference: signature identifier of the page it was asked on, if any
        :return: as :meth:`_outcome`
        :rtype: dict
        """
        sha256 = (sha256 or "").strip().lower()
        found, kind = self._find_by_hash(sha256)
        if not found:
            return self._outcome("unheard", sha256=sha256)
        return self._known(found, kind, sha256, reference)

    @api.model
    def _verify_file(self, content, reference=""):
        """Say what file this is; it is not kept.

        :param bytes content: as it was sent
        :param str reference: signature identifier of the page it was asked on, if any
        :return: as :meth:`_outcome`
        :rtype: dict
        """
        sha256 = sha256_hex(content)
        found, kind = self._find_by_hash(sha256)
        if found:
            return self._known(found, kind, sha256, reference, content)
        judgement = verify.judge(content, self._our_certificates())
        # Our seal, and bytes that no record here names.
        word = "unrecorded" if judgement.word == "authentic" else judgement.word
        return self._outcome(word, sha256=sha256, judgement=judgement)

    @api.model
    def _find_by_hash(self, sha256):
        """Return the procedure that a file belongs to, and the kind of the file.

        :rtype: tuple[recordset of `esign.request`, str]
        """
        if not SHA256.fullmatch(sha256):
            return self.browse(), ""
        documents = self.env["esign.document"].sudo().search(
            [("sha256", "=", sha256), ("kind", "in", KNOWN_KINDS), ("request_id.state", "in", ENDED)], order="id desc"
        )
        proofs = self.env["esign.proof"].sudo().search([("sha256", "=", sha256)], limit=1)
        found = [(item.request_id, item.kind) for item in documents] + [(item.request_id, "record") for item in proofs]
        # The same quotation may have been declined once and signed later: that one counts.
        found.sort(key=lambda item: (item[0].state != "signed", -item[0].id))
        return next(((request, kind) for request, kind in found if request._has_public_proof()), (self.browse(), ""))

    @api.model
    def _our_certificates(self):
        """Return the fingerprints of all keys that ever sealed here, retired and revoked ones too."""
        return set(self.env["esign.seal"].sudo().with_context(active_test=False).search([("fingerprint", "!=", False)]).mapped("fingerprint"))

    # === THE THREE ANSWERS === #

    def _known(self, found, kind, sha256, reference, content=None):
        word = {"signed": "authentic", "proof": "authentic", "record": "authentic"}.get(kind, "original")
        if kind in ("quote", "preview") and found.state != "signed":
            word = found.state
        elsewhere = bool(reference) and reference != found.reference
        facts = found._facts_for_anybody()
        return {
            **self._outcome(word, sha256=sha256, found=found, kind=kind, content=content),
            "facts": facts,
            "elsewhere": elsewhere,
        }

    def _outcome(self, word, sha256, judgement=None, found=None, kind="", content=None):
        """Return the verdict on a file.

        :return: ``word``; ``verdict`` and ``answers`` (three dicts with ``question``, ``answer``: ``yes``, ``no``
            or ``untold``, and ``text``) for people; ``sha256``
        :rtype: dict
        """
        _ = self.env._
        questions = (
            _("The file is the sealed one"),
            _("The seal is valid and nothing changed after it"),
            _("The journal is complete"),
        )
        if found:
            answers = (self._answer_known(kind, word), found._answer_seal(kind, content), found._answer_journal())
        else:
            answers = self._answers_unknown(word, judgement)
        return {
            "word": word,
            "verdict": self._verdict_text(word),
            "answers": [
                {"question": question, "answer": answer, "text": text}
                for question, (answer, text) in zip(questions, answers, strict=True)
            ],
            "sha256": sha256,
            "certificate": judgement and judgement.fingerprint,
            "subject": judgement and judgement.subject,
            "facts": None,
            "elsewhere": False,
        }

    def _verdict_text(self, word):
        _ = self.env._
        return {
            "authentic": _("Authentic: this is, byte for byte, a file that was sealed and recorded here."),
            "original": _("Known, but not the signed file: this is the quotation as it was shown, without stamp and seal."),
            "declined": _("Known: this is, byte for byte, a quotation that was declined. No contract was concluded."),
            "expired": _("Known: this is, byte for byte, a quotation that was not signed in time. No contract was concluded."),
            "unrecorded": _("Sealed with a key of ours and unchanged, but this very file is not recorded here (any more)."),
            "altered": _("Altered: this file is not as it was sealed."),
            "changed": _("Changed after signing: something was added behind the sealed file."),
            "unknown": _("Valid but issuer unknown: it is sealed and unchanged, with a key that is none of ours."),
            "not_ours": _("Not ours: this file bears no seal that was made here."),
            "unheard": _("Unknown fingerprint: no sealed file of ours has these bytes. It was changed, or it is another file. Have its seal checked to learn more."),
        }[word]

    def _answer_known(self, kind, word):
        _ = self.env._
        if word in ("declined", "expired"):
            return "yes", _("It is the quotation that the sealed proof is about: its SHA-256 is the recorded one.")
        return {
            "signed": ("yes", _("It is the signed quotation: its SHA-256 is the recorded one.")),
            "proof": ("yes", _("It is the proof file: its SHA-256 is the recorded one.")),
            "record": ("yes", _("It is the proof record for computers: its SHA-256 is the recorded one.")),
            "quote": ("no", _("It is the quotation as it was shown to the customer: its SHA-256 is the recorded one. It bears neither stamp nor seal.")),
            "preview": ("no", _("It is the quotation with the stamps so far, as a later signer saw it: its SHA-256 is the recorded one. It bears no seal.")),
        }[kind]

    def _answer_seal(self, kind, content=None):
        """Check the seal now, of the file that was sent or of the stored one: their bytes are the same."""
        _ = self.env._
        document = self._document("signed" if kind == "signed" else "proof")
        certificates = self._our_certificates()
        if not document:
            return "untold", _("This procedure has no sealed file.")
        if kind in ("quote", "preview", "record") or content is None:
            if not document._is_kept():
                return "untold", _("The signed file is not archived here. Have the seal of yours checked by our server.")
            try:
                content = document._bytes()
            except UserError:
                return "untold", _("The file that is stored here is damaged and cannot be compared.")
        good = verify.judge(content, certificates).word == "authentic"
        if not good:
            return "no", _("The seal of the stored file does not hold. The company was told.")
        revoked = self._seal_warning()
        if revoked:
            return "no", revoked
        if kind == "signed":
            return "yes", _("One seal covers the whole file, and it allows no change.")
        return "yes", _("One seal covers the whole proof file, and it allows no change.")

    def _seal_warning(self):
        """Return a sentence when the key of the seal is not to be relied on at the moment it sealed; else nothing."""
        seal = self.seal_id
        since = seal.revoked_since
        moment = self.sealed_on or self.answered_on
        if since and moment and moment >= since:
            return self.env._("The key was revoked by the company, and this seal is later than the moment from which it is not to be relied on.")
        return ""

    def _answer_journal(self):
        _ = self.env._
        entries = self.env["esign.event"]._journal(self)
        try:
            chain.verify(self.reference, entries, self.journal_head)
        except ChainBroken:
            return "no", _("The journal was changed: its entries do not follow from each other. The company was told.")
        return "yes", _("%s entries follow from each other, none is missing.", len(entries))

    def _answers_unknown(self, word, judgement):
        _ = self.env._
        unread = _("It can only be told of a file that is known.")
        first = ("no", _("No sealed file that is recorded here has this SHA-256."))
        if judgement is None:
            return first, ("untold", _("The fingerprint alone does not tell. Have the seal checked by our server.")), ("untold", unread)
        subject = judgement.subject or ""
        second = {
            "unrecorded": ("yes", _("One seal of ours covers the whole file, and it allows no change.")),
            "altered": ("no", _("There is a seal, but not of these bytes: the file was changed after sealing.")),
            "changed": ("no", _("A seal is good for an earlier state of the file; something was added behind it.")),
            "unknown": ("yes", _("The seal covers the whole file. It was made by “%s”, which is unknown here.", subject)),
            "not_ours": ("no", _("There is no seal in this file, or none as they are made here.")),
        }[word]
        return first, second, ("untold", unread)
