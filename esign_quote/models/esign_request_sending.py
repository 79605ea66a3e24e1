from datetime import datetime, time, timedelta

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import format_amount, format_date, html2plaintext, is_html_empty

from ..tools import masking
from ..tools.exceptions import InspectionFailed, PdfRefused
from ..tools.hashing import sha256_hex
from ..tools.sandbox import ANNEX, QUOTE, FileToInspect, inspect_apart

MAX_ANNEXES = 10
# Changes of a contact that the journal tells.
RECENT_DAYS = 7


class EsignRequest(models.Model):
    _inherit = "esign.request"

    @api.model
    def _open(self, order, message, quote_attachment, channel, others=()):
        """Freeze what ``message`` sends and open the signing procedure (law 1).

        Called within the transaction that posts the message: when anything is refused here,
        nothing is sent.

        :param order: `sale.order`
        :param message: `mail.message` with the quotation's PDF and the annexes attached
        :param quote_attachment: `ir.attachment`, the PDF to sign, one of the message's
        :param str channel: where the codes go: a key of `CHANNELS`
        :param others: `res.partner`, who sign after the first signer, one after the other
        :return: the request
        :rtype: recordset of `esign.request`
        :raise UserError: in words for the salesperson
        """
        order._esign_check_sendable()
        partners = order._esign_signer_partners(message.partner_ids, others)
        phones = [order._esign_signer_phone(partner, channel) for partner in partners]
        seal = self.env["esign.seal"]._active_for(order.company_id)
        content = quote_attachment.raw or b""
        annexes = self._annex_values(order, message.attachment_ids - quote_attachment)
        report = self._inspect(order.company_id, content, annexes, len(partners))
        request = self.sudo().create({**self._request_values(order, seal), "channel": channel})
        documents = self.env["esign.document"]
        quote = documents._freeze(request, "quote", quote_attachment.name, content, pages=report.pages)
        for sequence, (kind, name, data, mimetype) in enumerate(annexes, start=20):
            documents._freeze(request, kind, name, data, mimetype, sequence=sequence)
        signers = request._create_signers(order, partners, phones, report.placements)
        for signer in signers:
            request._freeze_wording(order, signer, quote)
        # The others are invited when it is their turn.
        signers[0].message_id = message
        self.env["esign.delivery"]._expect(signers[0], ("invitation", message.message_id, None))
        request._log_opening(signers)
        return request

    def _inspect(self, company, content, annexes, signers):
        """Check the quotation and every PDF among the annexes, in a process of its own.

        :param list annexes: as ``_annex_values`` returns them
        :param int signers: how many stamps need a place
        :return: `tools.intake.IntakeReport` of the quotation
        :raise UserError: the first that is refused, with its reason in plain words
        """
        # By what the file begins with as well: a wrong type must not spare it the check.
        pdfs = [item for item in annexes if item[3] == "application/pdf" or b"%PDF-" in item[2][:1024]]
        quote = FileToInspect(QUOTE, content, signers)
        files = [quote, *(FileToInspect(ANNEX, data) for _kind, _name, data, _type in pdfs)]
        try:
            return inspect_apart(files, company.sudo()._esign_intake_limits())[0]
        except PdfRefused as error:
            reason = self._explain_refused(company, error)
            number = error.detail["file"]
            if number:
                reason = self.env._(
                    "The annex “%(name)s” is refused. %(reason)s", name=pdfs[number - 1][1], reason=reason
                )
            raise UserError(reason) from error
        except InspectionFailed as error:
            raise UserError(
                self.env._(
                    "The PDF could not be checked on this server (%s). Nothing was sent; please tell your administrator.",
                    error,
                )
            ) from error

    def _explain_refused(self, company, error):
        if error.detail.get("cause") == "time":
            reason = self.env._("its check takes longer than %s seconds", company.sudo().esign_pdf_seconds)
        else:
            reason = self._refusal_texts(company.sudo()).get(error.reason) or self.env._(
                "its structure is damaged (%s)", error.reason
            )
        return self.env._("This PDF cannot be signed: %s. Nothing was sent.", reason)

    def _refusal_texts(self, company):
        return {
            "too_large": self.env._("it is too large (%s MB at most)", company.esign_pdf_megabytes),
            "too_many_pages": self.env._("it has too many pages (%s at most)", company.esign_pdf_pages),
            "not_pdf": self.env._("it is not a PDF"),
            "hybrid": self.env._(
                "it was saved with two lists of contents, as some versions of Word do; print it to a PDF instead"
            ),
            "encrypted": self.env._("it is protected by a password"),
            "signed": self.env._("it carries a digital signature already"),
            "certified": self.env._("it carries a digital signature already"),
            "signature_field": self.env._("it has a field for a digital signature, which would stay empty for ever"),
            "redrawn_fields": self.env._(
                "its form fields are drawn anew by each program that shows it; print it to a PDF first"
            ),
            "javascript": self.env._("it holds a script"),
            "launch": self.env._("it starts a program"),
            "xfa": self.env._("it is a dynamic form (XFA)"),
            "active_content": self.env._("it holds active content (forms that send data, multimedia)"),
            "attachment": self.env._("a file is attached inside it that is no plain data, text, image or document"),
            "proof_record": self.env._("a proof of an electronic signature is attached inside it; sealed, it could pass for one"),
            "layers": self.env._("it holds hidden layers, or layers or annotations that change when it is printed"),
            "bad_size": self.env._("a page is too small or has no usable size"),
            "page_tree": self.env._("its list of pages is damaged, or holds a page twice"),
            "trailing_data": self.env._("there is other data behind its end"),
            "too_complex": self.env._("it is too complex to be checked"),
            "no_pages": self.env._("it has no page"),
        }

    def _annex_values(self, order, attachments):
        """Return what is frozen beside the quote: mail attachments, product documents, terms."""
        files = [("annex", item.name, item.raw or b"", item.mimetype or "") for item in attachments]
        files += [
            ("annex", item.name, item.ir_attachment_id.raw or b"", item.mimetype or "")
            for item in order._get_product_documents().sudo()
        ]
        company = order.company_id.sudo().with_context(bin_size=False)
        if company.esign_terms:
            files.append(
                ("terms", company.esign_terms_name or "terms.pdf", company._esign_terms_bytes(), "application/pdf")
            )
        if len(files) > MAX_ANNEXES:
            raise UserError(self.env._("At most %s annexes can be sent for signature.", MAX_ANNEXES))
        for _kind, name, data, _mimetype in files:
            self._check_annex(company, name, data)
        return files

    def _check_annex(self, company, name, data):
        if not data:
            raise UserError(self.env._("The annex “%s” is empty or only a link: attach the file itself.", name))
        if len(data) > company._esign_intake_limits().max_bytes:
            raise UserError(
                self.env._(
                    "The annex “%(name)s” is larger than %(megabytes)s MB.",
                    name=name,
                    megabytes=company.esign_pdf_megabytes,
                )
            )

    def _request_values(self, order, seal):
        company = order.company_id
        now = self._now()
        return {
            "order_id": order.id,
            "company_id": company.id,
            "user_id": order.user_id.id or self.env.user.id,
            "after_signature": company.esign_after_signature,
            "archive_signed": company.esign_archive_signed,
            "seal_id": seal.id,
            "order_name": order.name,
            "fingerprint": order._esign_fingerprint(),
            "audience": company._esign_audience(order.partner_id),
            "sent_on": now,
            "expires_on": self._expiry(order, now),
        }

    def _expiry(self, order, now):
        latest = now + order.company_id._esign_link_life()
        if not order.validity_date:
            return latest
        return min(latest, datetime.combine(order.validity_date, time.max).replace(microsecond=0))

    def _create_signers(self, order, partners, phones, placements):
        several = len(partners) > 1
        return (
            self.env["esign.signer"]
            .sudo()
            .create(
                [
                    {
                        **self._signer_values(order, partner),
                        "sequence": turn,
                        "journal_turn": turn if several else 0,
                        "phone": phone,
                        "placement": place.to_dict(),
                    }
                    for turn, (partner, phone, place) in enumerate(zip(partners, phones, placements, strict=True), 1)
                ]
            )
        )

    def _signer_values(self, order, partner):
        customer = partner.commercial_partner_id
        return {
            "request_id": self.id,
            "partner_id": partner.id,
            "name": partner.name,
            "email": partner.email_normalized,
            "lang": partner.lang or order.company_id.partner_id.lang or "en_US",
            "tz": partner.tz or order.company_id.partner_id.tz or self.env.user.tz or "UTC",
            "customer_name": customer.name if customer.is_company else False,
            "customer_registration": customer.company_registry or customer.vat or False,
            "capacity_default": partner.function or False,
            "identity_facts": self._identity_facts(partner),
        }

    # === WORDING: frozen in the signer's language === #

    def _freeze_wording(self, order, signer, quote):
        company = self.company_id
        values = self._wording_values(order, signer, quote)
        consents = self.env["esign.consent"].with_context(lang=signer.lang)
        sentences = consents._for_request(company, self.audience, self._wording_conditions())
        signer.write(
            {
                "recap": self._recap(order.with_context(lang=signer.lang)),
                "consents": [self._consent_dict(item, values, signer.lang) for item in sentences],
            }
        )

    def _wording_conditions(self):
        conditions = ["always", self.channel]
        return [*conditions, "terms"] if self._document("terms") else conditions

    def _consent_dict(self, consent, values, lang):
        text = consent._render_text(values)
        return {
            "code": consent.code,
            "version": consent.version,
            "required": consent.required,
            "lang": lang,
            "text": text,
            "sha256": sha256_hex(text.encode()),
        }

    def _wording_values(self, order, signer, quote):
        env = self.with_context(lang=signer.lang).env
        annexes = self.document_ids.filtered(lambda document: document.kind in ("annex", "terms"))
        registration = f", {signer.customer_registration}" if signer.customer_registration else ""
        return {
            "name": signer.name,
            "email": signer.masked_email,
            "phone": signer.masked_phone,
            "number": order.name,
            "pages": quote.pages,
            "total": format_amount(env, order.amount_total, order.currency_id, lang_code=signer.lang),
            "annexes": len(annexes),
            "company": self.company_id.name,
            "customer": signer.customer_name or signer.name,
            "registration": registration,
            "terms_date": format_date(env, self.company_id.esign_terms_date, lang_code=signer.lang),
        }

    def _recap(self, order):
        """Return lines and totals as texts: what a screen reader reads beside the PDF."""
        lang = order.env.context["lang"]

        def money(amount):
            return format_amount(order.env, amount, order.currency_id, lang_code=lang)

        return {
            "lines": [self._recap_line(line, money) for line in order.order_line],
            "untaxed": money(order.amount_untaxed),
            "tax": money(order.amount_tax),
            "total": money(order.amount_total),
            "currency": order.currency_id.name,
            "total_value": str(order.currency_id.round(order.amount_total)),
            "payment_term": order.payment_term_id.name or "",
            "note": "" if is_html_empty(order.note) else html2plaintext(order.note),
        }

    def _recap_line(self, line, money):
        if line.display_type:
            return {"kind": line.display_type, "name": line.name or ""}
        return {
            "kind": "line",
            "name": line.name or line.product_id.display_name,
            "quantity": f"{line.product_uom_qty:g} {line.product_uom_id.name or ''}".strip(),
            "price": money(line.price_unit),
            "subtotal": money(line.price_subtotal),
        }

    # === JOURNAL === #

    def _log_opening(self, signers):
        created = {"quote": self.order_name, "company": self.company_id.name, "fingerprint": self.fingerprint}
        frozen = [
            ("document.frozen", {"kind": item.kind, "name": item.name, "sha256": item.sha256, "bytes": item.size})
            for item in self.document_ids
        ]
        self._log([("request.created", created), *frozen])
        for signer in signers:
            signer._log(self._recipient_entries(signer))
        first = signers[0]
        message_id = first.sudo().message_id.message_id
        queued = {"kind": "invitation", "channel": "mail", "to": first.email, "message_id": message_id}
        first._log([("mail.queued", queued)])

    def _recipient_entries(self, signer):
        recipient = {
            "name": signer.name,
            "email": signer.email,
            "channel": self.channel,
            **signer._phone_facts(),
        }
        return [("recipient.frozen", recipient), *self._recent_contact_changes(signer.partner_id)]

    def _recent_contact_changes(self, partner):
        """Return an entry for each address or number of the contact that was changed within a week.

        Who can change the address of a customer can have the code sent to himself (SECURITY 2.2, row 25).
        """
        values = self.env["mail.tracking.value"].sudo()
        domain = [
            ("field_id.model", "=", "res.partner"),
            ("field_id.name", "in", ("email", "phone")),
            ("mail_message_id.model", "=", "res.partner"),
            ("mail_message_id.res_id", "=", partner.id),
            ("mail_message_id.date", ">", self._now() - timedelta(days=RECENT_DAYS)),
        ]
        return [
            (
                "contact.changed_recently",
                {
                    "field": change.field_id.name,
                    "before": self._tell_contact(change.field_id.name, change.old_value_char or ""),
                    "on": change.mail_message_id.date.isoformat() + "Z",
                    "by": change.mail_message_id.author_id.name or "",
                },
            )
            for change in values.search(domain, order="id")
        ]

    def _tell_contact(self, name, value):
        return masking.mask_phone(value) if value and name == "phone" else value
