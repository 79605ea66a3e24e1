from dataclasses import replace

from odoo import models

# Sections that are told of each signer, in the order of the PDF.
PERSONAL = ("signer", "identification", "invitation", "authentication", "reading", "consent")


class EsignProof(models.Model):
    """What a proof tells of each signer, in words for people, in the language of ``self``."""

    _inherit = "esign.proof"

    def _personal_sections(self, request, facts, digest):
        """Word what is told of each signer; where several sign, each title says of whom."""
        people = [facts, *({**facts, **person} for person in facts.get("further_signers", ()))]
        for signer, person in zip(request.signer_ids, people, strict=True):
            for name in PERSONAL:
                section = getattr(self, f"_section_{name}")(request, signer, person, digest)
                if len(people) > 1:
                    who = f"{signer.sequence}. {signer.declared_name or signer.name}"
                    section = replace(section, title=f"{section.title} ({who})")
                yield section

    # === WHO === #

    def _section_signer(self, request, signer, facts, digest):
        _ = self.env._
        who = facts["signer"]
        business = request.audience == "business"
        rows = [
            (_("Name given when signing"), who["name_declared"]),
            (_("Name in Latin letters"), who.get("name_in_latin_letters", "")),
            (_("Name on file"), who["name_on_file"]),
            (_("E-mail address"), who["email"]),
            (_("Phone"), who.get("phone_masked", "")),
            (_("Acts"), _("for the company named here") if business else _("in the person's own name")),
            (_("Company"), ", ".join(filter(None, (who["company"], who["company_registration"])))),
            (_("Position"), who["capacity"]),
        ]
        title = _("The signer") if signer.answer == "signed" else _("The person asked to sign")
        return self._section(title, rows)

    def _section_identification(self, request, signer, facts, digest):
        _ = self.env._
        known = facts["identification"]
        number = known["company_number"]
        rows = [
            (_("Customer on file since"), self._day(known.get("customer_since"))),
            (_("Contact on file since"), self._day(known.get("contact_since"))),
            (_("Paid invoices before"), self._invoices_text(known)),
            *((self._recorded_label(item), self._who_recorded(item)) for item in known["recorded"]),
            *((_("Address corrected"), f"{item['at']}, {item['by']}") for item in known["corrected"]),
            (_("Company number"), ", ".join(filter(None, (number["number"], self._number_check(number["check"]))))),
            (_("Paid online before"), self._paid_text(known["paid_before"])),
        ]
        text = _(
            "These are facts of the company's database on the day of sending. They tie the mailbox to a known customer; they prove no identity by themselves."
        )
        return self._section(_("What the company knew of this customer"), rows, [text])

    def _invoices_text(self, known):
        _ = self.env._
        if not known.get("last_paid_invoice"):
            return str(known.get("paid_invoices", ""))
        return _(
            "%(count)s, the last one of %(day)s",
            count=known["paid_invoices"],
            day=self._day(known["last_paid_invoice"]),
        )

    def _recorded_label(self, item):
        _ = self.env._
        return _("Phone number recorded") if item["what"] == "phone" else _("E-mail address recorded")

    def _who_recorded(self, item):
        _ = self.env._
        who = {
            "the system": _("the system"),
            "staff of the company": _("staff of the company"),
            "the customer's log-in": _("the customer's log-in"),
            "a visitor of the website": _("a visitor of the website"),
        }[item["by_kind"]]
        known = item["by_kind"] != "the system"
        by = _("%(moment)s, by %(login)s (%(who)s)", moment=item["at"], login=item["by"], who=who)
        lines = [by if known else f"{item['at']}, {who}"]
        if item["source"] != "log of changes":
            lines.append(_("with the contact; the log of changes tells of no later one"))
        if item["within_7_days"]:
            lines.append(_("Less than 7 days before the quotation was sent."))
        return "\n".join(lines)

    def _number_check(self, check):
        _ = self.env._
        return {
            "VIES: valid": _("confirmed by VIES"),
            "VIES: not confirmed": _("not confirmed by VIES"),
            "no number recorded": _("none recorded"),
        }.get(check, _("no check recorded"))

    def _paid_text(self, payments):
        if not payments:
            return self.env._("nothing")
        return "\n".join(
            f"{item['amount']} {item['currency']}, {item['provider']} {item['reference']}" for item in payments
        )

    # === HOW === #

    def _section_invitation(self, request, signer, facts, digest):
        _ = self.env._
        rows = []
        for item in facts["invitation"]:
            rows += [
                (_("Sent to"), item["to"]),
                (_("Message-ID"), item["message_id"]),
                (_("Waiting since (UTC)"), item["queued_at"]),
                (_("Handed over (UTC)"), item["handed_over_at"]),
                (_("Answer of the mail server"), item["server_answer"]),
                (_("Failed (UTC)"), item["failed_at"]),
                (_("Came back (UTC)"), item["came_back_at"]),
                (_("Report"), item["report"]),
            ]
        opened = facts["reading"]["link_opened_at"]
        rows.append((_("Link opened (UTC)"), self._list_or_never(opened)))
        text = (
            _("A link that was opened may have been opened by a mail filter: it counts for nothing here.")
            if opened
            else ""
        )
        return self._section(_("The invitation"), rows, [text])

    def _section_authentication(self, request, signer, facts, digest):
        _ = self.env._
        code, device, network = facts["authentication"], facts["device"], facts["network"]
        title = _("The one-time code")
        if not code["sent_and_validated"]:
            return self._section(title, (), [_("No code was asked for: nobody proved to hold the mailbox.")])
        named = {
            "code.requested": _("Code asked for"),
            "code.sent": _("Code sent"),
            "code.send_failed": _("Code not sent"),
            "code.refused": _("Wrong code"),
            "code.validated": _("Right code"),
        }
        rows = [
            (_("Codes went to"), code["address_masked"]),
            *((f"{named[item['type']]} (UTC)", item["at"]) for item in code["sent_and_validated"]),
            (_("Wrong codes"), str(code["wrong_codes"])),
            (_("IP address with the code"), ", ".join(dict.fromkeys(filter(None, network["at_code"])))),
            (_("IP address with the answer"), network["at_answer"]),
        ]
        if device:
            rows += [
                (_("Browser and system"), f"{device['browser']}, {device['system']}"),
                (_("Personal access"), device["ticket"]),
                (_("Secret of the browser (SHA-256)"), device["secret_sha256"]),
            ]
        paragraphs = [self._mechanism_text(request.channel, code)]
        if not device:
            paragraphs.append(_("No right code was given: nobody proved to hold the mailbox."))
        return self._section(title, rows, paragraphs)

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

    def _section_reading(self, request, signer, facts, digest):
        _ = self.env._
        reading = facts["reading"]
        names = [f"{item['at']} {item['name'] or ''}".strip() for item in reading["downloads"]]
        served = [f"{item['at']} {item['name'] or ''}".strip() for item in reading["served"]]
        rows = [
            (_("Last page shown (reported by the browser)"), reading["last_page_shown_at"]),
            (_("Pages"), reading["pages_shown"]),
            (_("Files sent to the browser (UTC)"), "\n".join(served)),
            (_("Files downloaded (UTC)"), "\n".join(names)),
            (_("SHA-256 of what the browser showed"), reading["sha256_of_what_was_shown"]),
        ]
        if not any(value for _label, value in rows):
            return self._section(_("The reading"), (), [_("Nothing tells that the quotation was opened.")])
        return self._section(_("The reading"), rows)

    def _section_consent(self, request, signer, facts, digest):
        _ = self.env._
        consent, act = facts["consent"], facts["act"]
        if act["kind"] == "none":
            unasked = _("This person was not asked any more: the procedure had ended before.")
            text = unasked if act.get("asked") is False else _("No answer was given.")
            return self._section(_("The answer"), (), [text])
        if act["kind"] == "refusal":
            rows = [
                (_("Button"), act["button"]),
                (_("Declined (UTC)"), act["at"]),
                (_("Reason given"), act["comment"] or _("none")),
                (_("Declined file (SHA-256)"), act["document_sha256"]),
            ]
            return self._section(_("The answer"), rows)
        rows = [
            *(
                (
                    _("Ticked") if item["ticked"] else _("Not ticked"),
                    f"{item['text']} [{item['code']} v{item['version']}]",
                )
                for item in consent["statements"]
            ),
            (_("Shown above the button"), consent["recap"]["text"]),
            (_("Button"), consent["button"]),
            (_("Form"), _("typed name") if act["kind"] == "typed" else _("drawn by hand")),
            (_("Signed (UTC)"), act["at"]),
            (_("SHA-256 of the signature's picture"), act["picture_sha256"]),
        ]
        text = _(
            "The signer saw the quotation, ticked the statements, signed, and pressed the button. The consent was recorded before the document was stamped and sealed."
        )
        return self._section(_("Consent and signature, word for word"), rows, [text])
