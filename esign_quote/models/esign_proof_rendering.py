from odoo import models

from ..tools.proof_pdf import ProofSection


class EsignProof(models.Model):
    _inherit = "esign.proof"

    def _sections(self, request, signer, facts, digest):
        """Word the facts for people, in the language of ``self``.

        :rtype: list[ProofSection]
        """
        return [
            self._section_signature(request, signer, facts),
            self._section_documents(facts),
            self._section_signer(signer, facts),
            self._section_mechanism(request, facts),
            self._section_consent(facts),
            self._section_events(request, facts),
            self._section_verify(request, facts, digest),
        ]

    def _section_signature(self, request, signer, facts):
        _ = self.env._
        kind = _("typed name") if signer.signature_kind == "typed" else _("drawn by hand")
        return ProofSection(
            _("The signature"),
            rows=(
                (_("Signature identifier"), request.reference),
                (_("Quotation"), request.order_name),
                (_("Total incl. taxes"), request.recap["total"]),
                (_("Signed on"), request._moment_text(signer)),
                (_("Signed on (UTC)"), facts["signature"]["at"]),
                (_("Form"), kind),
                (
                    _("Level"),
                    _(
                        "Simple electronic signature (Regulation (EU) No 910/2014). No advanced or qualified signature is claimed."
                    ),
                ),
                (_("Company"), ", ".join(filter(None, (facts["company"]["name"], facts["company"]["registration"])))),
                (_("Company's e-mail"), facts["company"]["email"]),
                (
                    _("Application"),
                    f"{facts['application']['name']} {facts['application']['version']}, {facts['application']['platform']}",
                ),
            ),
        )

    def _section_documents(self, facts):
        _ = self.env._
        rows = []
        for item in facts["documents"]:
            size = _("%s bytes", item["bytes"])
            rows.append(
                (
                    item["name"],
                    _("%(size)s, pages: %(pages)s", size=size, pages=item["pages"]) if item["pages"] else size,
                )
            )
            rows.append((_("SHA-256"), item["sha256"]))
        text = _(
            "The quotation as it was shown is the beginning of the signed file, byte for byte: the signed file only adds the stamp and the seal behind it."
        )
        return ProofSection(_("The documents"), rows=tuple(rows), paragraphs=(text,))

    def _section_signer(self, signer, facts):
        _ = self.env._
        who = facts["signer"]
        known = facts["identification"]
        rows = [
            (_("Name given when signing"), who["name_declared"]),
            (_("Name in Latin letters"), who.get("name_in_latin_letters", "")),
            (_("Name on file"), who["name_on_file"]),
            (_("E-mail address"), who["email"]),
            (_("Phone"), who.get("phone_masked", "")),
            (_("Company"), ", ".join(filter(None, (who["company"], who["company_registration"])))),
            (_("Position"), who["capacity"]),
            (_("IP address seen by the server"), who["ip_at_consent"]),
            (_("Browser"), who["user_agent_at_consent"]),
            (_("Customer on file since"), known["customer_since"]),
            (_("Paid invoices before"), str(known["paid_invoices"])),
        ]
        return ProofSection(_("The signer"), rows=tuple(row for row in rows if row[1]))

    def _section_mechanism(self, request, facts):
        _ = self.env._
        code = facts["authentication"]
        reading = facts["reading"]
        rows = [
            (_("Wrong codes"), str(code["wrong_codes"])),
            (_("Last page shown (reported by the browser)"), reading["last_page_shown_at"]),
            (_("Downloaded"), reading["downloaded_at"]),
            (_("SHA-256 of what the browser showed"), reading["sha256_of_what_was_shown"]),
        ]
        paragraphs = (
            self._mechanism_text(request.channel, code),
            _(
                "The signer saw the quotation, ticked the statements below, signed, and pressed the button. The consent was recorded before the document was stamped and sealed."
            ),
        )
        return ProofSection(_("How it was signed"), rows=tuple(row for row in rows if row[1]), paragraphs=paragraphs)

    def _mechanism_text(self, channel, code):
        _ = self.env._
        sent = {
            "mail": _(
                "A personal link was sent to the signer's e-mail address, and behind it a code to the same address."
            ),
            "sms": _(
                "A personal link was sent to the signer's e-mail address, and behind it a code by text message to the signer's phone."
            ),
            "both": _(
                "A personal link was sent to the signer's e-mail address, and behind it a code to the same address and then a second one by text message to the signer's phone."
            ),
        }
        shown = {
            "mail": _("The code is not kept. It shows control of the mailbox."),
            "sms": _("The code is not kept. It shows control of the phone."),
            "both": _("The codes are not kept. They show control of the mailbox and of the phone."),
        }
        rule = _(
            "Each code of %(digits)s digits was valid for %(minutes)s minutes, once, in the browser that asked for it, with %(tries)s tries.",
            digits=code["code_digits"],
            minutes=code["code_minutes"],
            tries=code["tries"],
        )
        return f"{sent[channel]} {rule} {shown[channel]}"

    def _section_consent(self, facts):
        _ = self.env._
        rows = [
            (_("Ticked") if item["ticked"] else _("Not ticked"), f"{item['text']} [{item['code']} v{item['version']}]")
            for item in facts["consent"]["statements"]
        ]
        return ProofSection(_("Consent, word for word"), rows=(*rows, (_("Button"), facts["consent"]["button"])))

    def _section_events(self, request, facts):
        rows = [(entry["at"], self._event_text(entry)) for entry in facts["journal"]["entries"]]
        rows.append((self.env._("Hash of the last entry"), facts["journal"]["head"]))
        return ProofSection(self.env._("Journal (UTC)"), rows=tuple(rows))

    def _event_text(self, entry):
        detail = ", ".join(f"{name}: {value}" for name, value in entry["payload"].items())
        return f"{entry['seq']}. {entry['type']}" + (f": {detail}" if detail else "")

    def _section_verify(self, request, facts, digest):
        _ = self.env._
        rows = (
            (_("Page"), request._verify_url()),
            (_("SHA-256 of the proof record (JSON)"), digest),
            (_("Certificate of the seal (SHA-256)"), facts["seal"]["certificate_sha256"]),
            (_("Holder"), facts["seal"]["subject"]),
        )
        paragraphs = (
            _(
                "A SHA-256 is a fingerprint of 64 characters, computed from a file: change one letter of the file and the fingerprint is another one. Compute it of the file that you hold (sha256sum, certutil -hashfile, or the page above) and compare it with the one in this document."
            ),
            _(
                "The seal protects the file; it does not replace the customer's acceptance. This proof is kept for %s years. You may dispute it by any means.",
                facts["retention"]["years"],
            ),
        )
        return ProofSection(_("How to check"), rows=rows, paragraphs=paragraphs)
