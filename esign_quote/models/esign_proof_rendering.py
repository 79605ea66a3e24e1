from typing import NamedTuple

from odoo import models
from odoo.tools import format_date

from ..tools.proof_pdf import ProofSection
from .esign_proof_people import PERSONAL

# Sections in the order of the PDF, and the items of SECURITY 5.1 that each tells (`tools.proof_items`).
SECTIONS = {
    "signature": (1, 2, 3),
    "documents": (4,),
    "signer": (5,),
    "identification": (6,),
    "invitation": (7,),
    "authentication": (8, 9, 14),
    "reading": (10,),
    "consent": (11, 12),
    "times": (13,),
    "seal": (15,),
    "journal": (16,),
    "rules": (17,),
    "verify": (18,),
}


class ProofTexts(NamedTuple):
    """What the file of one kind of proof is called."""

    title: str
    file: str


class EsignProof(models.Model):
    """The facts in words for people, in the language of ``self``."""

    _inherit = "esign.proof"

    def _texts(self, kind):
        _ = self.env._
        return {
            "signature": ProofTexts(_("Proof of electronic signature"), _("proof")),
            "refusal": ProofTexts(_("Proof of refusal"), _("proof of refusal")),
            "expiry": ProofTexts(_("Proof of expiry without an answer"), _("proof of expiry")),
        }[kind]

    def _sections(self, request, signer, facts, digest):
        """Word the facts.

        :rtype: list[ProofSection]
        """
        made = []
        for name in SECTIONS:
            if name not in PERSONAL:
                made.append(getattr(self, f"_section_{name}")(request, signer, facts, digest))
            elif name == PERSONAL[0]:
                made += self._personal_sections(request, facts, digest)
        return [section for section in made if section.rows or section.paragraphs]

    def _section(self, title, rows=(), paragraphs=()):
        """Return a section without the rows that have nothing to say."""
        told = tuple((label, str(value)) for label, value in rows if value not in (None, False, "", []))
        return ProofSection(title, rows=told, paragraphs=tuple(filter(None, paragraphs)))

    # === WHAT === #

    def _section_signature(self, request, signer, facts, digest):
        _ = self.env._
        company, application = facts["company"], facts["application"]
        kind = facts["kind"]
        titles = {"signature": _("The signature"), "refusal": _("The refusal"), "expiry": _("The expiry")}
        moments = {"signature": _("Signed on"), "refusal": _("Declined on"), "expiry": _("Closed on")}
        moment = request._moment_text(signer, request.answered_on)
        rows = [
            (_("Signature identifier"), request.reference),
            (_("Quotation"), request.order_name),
            (_("Title"), facts["signature"]["title"]),
            (_("Total incl. taxes"), signer.recap["total"]),
            (moments[kind], moment),
            (_("Level"), self._level_text(request, kind)),
            (_("Company"), ", ".join(filter(None, (company["name"], company["registration"])))),
            (_("Company's address"), company["address"]),
            (_("Company's e-mail"), company["email"]),
            (_("Application"), f"{application['name']} {application['version']}, {application['platform']}"),
            (_("Runs at"), application["runs_at"]),
            (_("Operator of the server"), self._recorded_text(application["operator"])),
            (_("Format of the record"), facts["format"]),
        ]
        return self._section(titles[kind], rows, [self._opening_text(request, signer, facts, moment)])

    def _level_text(self, request, kind):
        _ = self.env._
        if kind == "signature":
            return _(
                "Simple electronic signature (Regulation (EU) No 910/2014). No advanced or qualified signature is claimed."
            )
        if request._is_partly_signed():
            return _("None: not everybody signed, so that nothing was concluded.")
        return _("None: nothing was signed.")

    def _opening_text(self, request, signer, facts, moment):
        """Say in one sentence what became of the quotation."""
        _ = self.env._
        due = request._due_signer()
        values = {
            "company": request.company_id.name,
            "number": request.order_name,
            "name": due.declared_name or due.name,
            "moment": moment,
        }
        if facts["kind"] == "signature" and len(request.signer_ids) > 1:
            values["names"] = request.with_env(self.env)._signed_by()
            return _(
                "%(names)s have all accepted quotation %(number)s of %(company)s, %(name)s being the last on %(moment)s.",
                **values,
            )
        if facts["kind"] == "signature":
            return _("%(name)s accepted quotation %(number)s of %(company)s on %(moment)s.", **values)
        values["until"] = request._moment_text(signer, request.expires_on or request.answered_on)
        if request._is_partly_signed():
            return self._partly_signed_text(facts, {**values, "others": request.with_env(self.env)._signed_by()})
        if facts["kind"] == "refusal":
            return _(
                "%(name)s declined quotation %(number)s of %(company)s on %(moment)s. Nothing was signed.", **values
            )
        return _(
            "Quotation %(number)s of %(company)s was open for the signature of %(name)s until %(until)s. Until then no answer came: it was neither signed nor declined.",
            **values,
        )

    def _partly_signed_text(self, facts, values):
        _ = self.env._
        if facts["kind"] == "refusal":
            return _(
                "%(name)s declined quotation %(number)s of %(company)s on %(moment)s. %(others)s had signed before; as not everybody did, nothing was concluded.",
                **values,
            )
        return _(
            "Quotation %(number)s of %(company)s was open for the signature of %(name)s until %(until)s. Until then no answer came. %(others)s had signed before; as not everybody did, nothing was concluded.",
            **values,
        )

    def _section_documents(self, request, signer, facts, digest):
        _ = self.env._
        rows = []
        for item in facts["documents"]:
            size = _("%s bytes", item["bytes"])
            rows.append(
                (
                    self._document_label(item["kind"]),
                    "\n".join(
                        [
                            item["name"],
                            _("%(size)s, pages: %(pages)s", size=size, pages=item["pages"]) if item["pages"] else size,
                            item["sha256"],
                        ]
                    ),
                )
            )
        texts = {
            "signature": _(
                "The quotation as it was shown is the beginning of the signed file, byte for byte: the signed file only adds the stamp and the seal behind it."
            ),
            "refusal": _("The long number of each file is its SHA-256. This very quotation was declined."),
            "expiry": _("The long number of each file is its SHA-256. This very quotation found no answer."),
        }
        partly = _("The long number of each file is its SHA-256. This very quotation was not signed by everybody.")
        text = partly if request._is_partly_signed() else texts[facts["kind"]]
        return self._section(_("The documents"), rows, [text])

    def _document_label(self, kind):
        _ = self.env._
        return {
            "quote": _("Quotation as shown"),
            "preview": _("Shown with the stamps of earlier signers"),
            "annex": _("Annex"),
            "terms": _("Terms of sale"),
            "signed": _("Signed and sealed file"),
        }.get(kind, kind)

    # === WHEN, AND WHAT HOLDS IT TOGETHER === #

    def _section_times(self, request, signer, facts, digest):
        _ = self.env._
        times = facts["times"]
        rows = [
            (_("Sent (UTC)"), times["sent_at"]),
            (_("Open until (UTC)"), times["open_until"]),
            (_("Answer (UTC)") if facts["kind"] != "expiry" else _("Closed (UTC)"), times["answered_at"]),
            (_("The same in %s", times["time_zone"]), times["local"]),
            (_("Sealed (UTC)"), times["sealed_at"]),
            (_("Clock"), _("of the company's database server")),
        ]
        for token in times["tokens"]:
            rows += [
                (_("Time-stamp of"), token["authority"]),
                (_("Time-stamp (UTC)"), token["time"]),
                (_("Time-stamp: serial number, policy"), f"{token['serial']}, {token['policy']}"),
                (_("Clock against the time-stamp"), _("%s ms", token["drift_ms"])),
            ]
        absent = "" if times["tokens"] else _("No independent time-stamp had been obtained when this was written.")
        return self._section(_("The times"), rows, [absent])

    def _section_seal(self, request, signer, facts, digest):
        _ = self.env._
        seal = facts["seal"]
        rows = [
            (_("Standard"), seal["standard"]),
            (_("Level"), seal["level"] if facts["kind"] == "signature" else _("see the seal of this file")),
            (_("Holder"), seal["subject"]),
            (_("Issuer"), _("the holder (self-signed)") if seal["self_signed"] else seal["issuer"]),
            (_("Serial number"), seal["serial"]),
            (_("Certificate of the seal (SHA-256)"), seal["certificate_sha256"]),
            *((_("Issued by"), f"{item['subject']}\n{item['sha256']}") for item in seal["chain"]),
            (_("Algorithm"), seal["algorithm"]),
            (_("Key"), seal["key_id"]),
            (_("Valid"), _("%(start)s to %(end)s", start=seal["valid_from"][:10], end=seal["valid_to"])),
        ]
        text = _(
            "The seal closes the file and allows no change of it. It protects the file; it does not replace the customer's acceptance."
        )
        return self._section(_("The seal"), rows, [text])

    def _section_journal(self, request, signer, facts, digest):
        _ = self.env._
        journal = facts["journal"]
        rows = [(entry["at"], self._event_text(entry)) for entry in journal["entries"]]
        rows.append((_("Hash of the last entry"), journal["head"]))
        rows += [(_("Common hash of %s", item["day"]), item["root"]) for item in journal["anchors"]]
        text = _(
            "Each entry is chained to the one before by its hash. Each night one common hash is made over all journals that moved and mailed to the company, and time-stamped where it has an authority; the path from this journal to it is in the dispute pack."
        )
        return self._section(_("Journal (UTC)"), rows, [text])

    def _event_text(self, entry):
        detail = ", ".join(f"{name}: {value}" for name, value in entry["payload"].items())
        return f"{entry['seq']}. {entry['type']}" + (f": {detail}" if detail else "")

    # === RULES AND CHECK === #

    def _section_rules(self, request, signer, facts, digest):
        _ = self.env._
        rules = facts["rules"]
        consumer = request.audience == "consumer"
        withdrawal = rules["withdrawal"]
        rows = [
            (_("Customer"), _("consumer") if consumer else _("business")),
            (_("Place of the contract"), _("not recorded")),
            (_("Online payment asked for"), rules["payment"]["share"] or _("no")),
        ]
        paragraphs = []
        if facts["kind"] == "signature":
            rows.append((_("Last day to withdraw"), _("not recorded")))
            if "not_before" in withdrawal:
                paragraphs.append(
                    _(
                        "Where the law gives a consumer %(days)s days to withdraw (distance and off-premises contracts), they end not before %(day)s; for goods they run from the receipt.",
                        days=withdrawal["days"],
                        day=self._day(withdrawal["not_before"]),
                    )
                )
            if rules["payment"]["seven_day_rule"] != "not recorded":
                paragraphs.append(
                    _(
                        "If the contract was concluded off-premises, nothing may be paid for 7 days (French consumer code, L221-10)."
                    )
                )
        return self._section(_("Rules for this contract"), rows, paragraphs)

    def _section_verify(self, request, signer, facts, digest):
        _ = self.env._
        check = facts["how_to_verify"]
        rows = [
            (_("Page"), check["page"]),
            (_("SHA-256 of the proof record (JSON)"), digest),
            *((_("Command, and what it gives"), f"{item['command']}\n{item['gives']}") for item in check["commands"]),
            (_("Contact"), ", ".join(check["contact"])),
            (_("Kept"), self._kept_text(facts["retention"])),
        ]
        paragraphs = [
            _(
                "A SHA-256 is a fingerprint of 64 characters, computed from a file: change one letter of the file and the fingerprint is another one. Compute it of the file that you hold (sha256sum, certutil -hashfile, or the page above) and compare it with the one in this document."
            ),
            _(
                "Three questions: is the file the sealed one (its SHA-256 is in this document)? Is the seal valid, with the certificate named here, and was nothing changed after it? Is the journal complete up to its last hash?"
            ),
            _(
                "The record for computers (proof.json) is inside this PDF. The dispute pack holds everything with a checker (check.py, check.html) that needs neither Odoo nor a network."
            ),
            check["notice"],
        ]
        return self._section(_("How to check"), rows, paragraphs)

    def _kept_text(self, retention):
        _ = self.env._
        if retention["until"]:
            return _("%(years)s years, until %(day)s", years=retention["years"], day=self._day(retention["until"]))
        return _("%s years from the later of signature and delivery", retention["years"])

    def _notice(self, kind):
        """Return what a person is told about the data kept (GDPR), in the language of ``self``."""
        _ = self.env._
        if kind == "signature":
            return _(
                "This file holds personal data (name, addresses, dates, IP address) to prove the contract. It is kept for the time told above, then destroyed. Ask the company for access or correction. You may dispute this proof by any means."
            )
        return _(
            "This file holds personal data (name, addresses, dates) to prove what became of the quotation. It is kept for the time told above, then destroyed. Ask the company for access or correction. You may dispute this proof by any means."
        )

    # === WORDS === #

    def _day(self, text):
        return format_date(self.env, text) if text else ""

    def _list_or_never(self, moments):
        return "\n".join(moments) or self.env._("never")

    def _recorded_text(self, value):
        return self.env._("not recorded") if value == "not recorded" else value
