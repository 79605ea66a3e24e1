import base64
import io
import os
from unittest.mock import patch

from lxml import etree
from odoo.exceptions import UserError
from odoo.fields import Command, Date, Datetime
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger
from PIL import Image

from odoo.addons.base.models.ir_actions_report import IrActionsReport

from ..tools.intake import REASONS, IntakeLimits
from .common import EsignCommon, add_redrawn_field, add_script, make_pdf, rewrite_pdf

WRITTEN = ("esign_request", "esign_document", "esign_event", "mail_message", "mail_mail", "sale_order")


@tagged("post_install", "-at_install")
class TestSending(EsignCommon, TransactionCase):
    def test_sending_opens_a_request_and_marks_the_quotation_sent(self):
        request = self.send()
        self.assertEqual((request.state, self.order.state), ("sent", "sent"))
        self.assertEqual(request.order_name, self.order.name)
        self.assertEqual(request.user_id, self.sale_user)
        self.assertRegex(request.reference, r"^ES-[0-9A-Z]{4}-[0-9A-Z]{4}-[0-9A-Z]{4}$")

    def test_the_signer_is_frozen(self):
        signer = self.send().signer_ids
        self.customer.write({"name": "Somebody Else", "email": "thief@evil.example"})
        self.assertEqual((signer.name, signer.email), ("Jeanne Martin", "jeanne.martin@customer.example"))

    def test_the_pdf_is_rendered_once(self):
        self.send()
        self.assertEqual(self.rendered, [self.order.ids])

    def test_the_frozen_bytes_are_those_of_the_mail(self):
        quote = self.send()._document("quote")
        (message,) = self.sent(self.customer.email)
        self.assertEqual(message.files, {quote.name: quote._bytes()})

    def test_opening_is_journalled(self):
        self.assertEqual(
            self.entries(self.send()),
            ["request.created", "document.frozen", "recipient.frozen", "mail.queued", "link.issued", "mail.sent"],
        )

    def test_the_link_ends_with_the_quotation(self):
        self.order.validity_date = Date.add(Date.today(), days=3)
        self.assertEqual(self.send().expires_on.date(), self.order.validity_date)

    def test_the_link_ends_after_the_days_of_the_settings(self):
        self.order.validity_date = False
        self.company.esign_link_days = 7
        request = self.send()
        self.assertEqual((request.expires_on - request.sent_on).days, 7)

    def test_without_a_pdf_in_the_mail_one_is_made(self):
        composer = self.compose()
        composer.attachment_ids = False
        self.rendered.clear()
        composer.action_send_mail()
        (message,) = self.sent(self.customer.email)
        self.assertEqual(list(message.files.values()), [self.order.esign_request_id.sudo()._document("quote")._bytes()])
        self.assertEqual(len(self.rendered), 1)

    # === ANNEXES === #

    def test_other_attachments_are_frozen_as_annexes(self):
        composer = self.compose()
        self.attach(composer, "plan.pdf", make_pdf("Plan"))
        composer.action_send_mail()
        annex = self.order.esign_request_id.sudo()._document("annex")
        self.assertEqual((annex.name, annex._bytes()), ("plan.pdf", make_pdf("Plan")))

    def test_product_documents_are_frozen_as_annexes(self):
        self.env["product.document"].create(
            {
                "name": "datasheet.pdf",
                "raw": make_pdf("Data sheet"),
                "mimetype": "application/pdf",
                "res_model": "product.template",
                "res_id": self.product.product_tmpl_id.id,
                "attached_on_sale": "quotation",
            }
        )
        self.assertEqual(self.send()._document("annex")._bytes(), make_pdf("Data sheet"))

    def test_the_terms_of_sale_are_frozen(self):
        self.company.write({"esign_terms": base64.b64encode(make_pdf("Terms")), "esign_terms_date": "2026-01-31"})
        request = self.send()
        self.company.esign_terms = base64.b64encode(make_pdf("Other terms"))
        self.assertEqual(request._document("terms")._bytes(), make_pdf("Terms"))

    def test_a_picture_is_frozen_as_it_came(self):
        # Larger than what Odoo leaves alone (1920 pixels).
        picture = io.BytesIO()
        Image.new("RGB", (2500, 10)).save(picture, "PNG")
        composer = self.compose()
        self.attach(composer, "photo.png", picture.getvalue())
        composer.action_send_mail()
        self.assertEqual(self.order.esign_request_id.sudo()._document("annex")._bytes(), picture.getvalue())

    def test_an_annex_that_is_a_link_is_refused(self):
        composer = self.compose()
        self.attach(composer, "plan", False, type="url", url="https://elsewhere.example/plan.pdf")
        with self.assertRaisesRegex(UserError, "“plan” is empty or only a link"):
            composer.action_send_mail()

    def test_an_active_annex_is_refused(self):
        composer = self.compose()
        self.attach(composer, "plan.pdf", rewrite_pdf(make_pdf("Plan"), add_script))
        with self.assertRaisesRegex(UserError, "The annex “plan.pdf” is refused. .*script"):
            composer.action_send_mail()

    def test_too_many_annexes_are_refused(self):
        composer = self.compose()
        for number in range(11):
            self.attach(composer, f"{number}.txt", b"text")
        with self.assertRaisesRegex(UserError, "At most 10 annexes"):
            composer.action_send_mail()

    def test_a_large_annex_is_refused(self):
        composer = self.compose()
        self.attach(composer, "plan.txt", b"text")
        self.order.company_id.esign_pdf_megabytes = 7
        with patch.object(type(self.env.company), "_esign_intake_limits", lambda _company: IntakeLimits(max_bytes=3)):
            with self.assertRaisesRegex(UserError, "“plan.txt” is larger than 7 MB"):
                composer.action_send_mail()

    # === SEVERAL RECIPIENTS === #

    def test_only_the_contact_of_the_quotation_signs(self):
        colleague = self.env["res.partner"].create({"name": "Luc", "email": "luc@elsewhere.example"})
        request = self.send(partner_ids=[Command.set((self.customer | colleague).ids)])
        self.assertEqual(request.signer_ids.partner_id, self.customer)

    def test_another_contact_of_the_same_customer_may_sign(self):
        contact = self.new_business_contact()
        order = self.new_order(contact.parent_id)
        request = self.send(order, partner_ids=[Command.set(contact.ids)])
        self.assertEqual((request.signer_ids.partner_id, request.audience), (contact, "business"))

    # === SEND LATER === #

    def test_a_scheduled_message_opens_the_request_when_it_is_posted(self):
        scheduled = self._schedule()
        self.assertFalse(self.order.esign_request_ids)
        scheduled.post_message()
        request = self.order.esign_request_id.sudo()
        self.assertEqual(request.state, "sent")
        self.assertTrue(self.env["esign.ticket"]._find_by_secret(self.last_secret(self.customer.email)))
        (message,) = self.sent(self.customer.email)
        self.assertEqual(list(message.files.values()), [request._document("quote")._bytes()])

    def test_a_scheduled_message_of_a_changed_quotation_is_refused(self):
        scheduled = self._schedule()
        self.order.order_line[0].product_uom_qty += 1
        with self.assertRaisesRegex(UserError, "was changed after its PDF was made"):
            scheduled.post_message()
        self.assertFalse(self.order.esign_request_ids)

    def test_a_scheduled_message_without_its_pdf_is_refused(self):
        scheduled = self._schedule()
        scheduled.attachment_ids = False
        with self.assertRaisesRegex(UserError, "PDF is missing from the mail"):
            scheduled.post_message()

    # === REFUSALS === #

    def test_no_contact_is_refused(self):
        with self.assertRaisesRegex(UserError, "has no contact"):
            self.env["sale.order"].new({"company_id": self.company.id})._esign_check_sendable()

    def test_a_contact_without_an_address_is_refused(self):
        composer = self.compose()
        self.customer.email = False
        self._assert_refused("Jeanne Martin has no valid e-mail address", composer)

    def test_an_empty_quotation_is_refused(self):
        self.order.order_line = [Command.clear(), Command.create({"display_type": "line_section", "name": "Works"})]
        self._assert_refused("This quotation is empty")

    def test_a_cancelled_quotation_is_refused(self):
        composer = self.compose()
        self.order._action_cancel()
        self._assert_refused("This quotation is cancelled", composer)

    def test_a_confirmed_order_is_refused(self):
        composer = self.compose()
        self.order.action_confirm()
        self._assert_refused("confirmed already: there is nothing to sign", composer)

    def test_a_second_procedure_is_refused(self):
        composer = self.compose()
        request = self.send()
        self._assert_refused(rf"already open for this quotation \({request.reference}\)", composer)

    def test_a_signed_quotation_is_refused(self):
        composer = self.compose()
        request = self.read_and_sign(self.send())
        self._assert_refused(rf"already signed \({request.reference}\)", composer)

    def test_an_expired_quotation_is_refused(self):
        composer = self.compose()
        self.order.validity_date = Date.subtract(Date.today(), days=1)
        self._assert_refused("This quotation expired on", composer)

    def test_a_request_is_not_born_expired(self):
        """It ends with the day in UTC, which may be over before the user's is."""
        yesterday = Date.subtract(Date.today(), days=1)
        self.order.validity_date = yesterday
        with (
            patch.object(Date, "context_today", lambda *_args: yesterday),
            self.assertRaisesRegex(UserError, "This quotation expired on"),
        ):
            self.order._esign_check_sendable()

    def test_the_mail_window_of_others_can_be_read(self):
        """Odoo opens it again, by its record, after a template was saved; of whomever."""
        user = self.new_user("hr", "base.group_user")
        composer = self.env["mail.compose.message"].with_user(user).create(
            {"model": "res.partner", "res_ids": [user.partner_id.id], "composition_mode": "comment"}
        )
        form = self.env.ref("mail.email_compose_message_wizard_form").with_user(user)
        arch = etree.fromstring(composer.get_view(form.id, "form")["arch"])
        names = {node.get("name") for node in arch.iter("field")}
        self.assertFalse([name for name in names if name.startswith("esign_")])
        composer.invalidate_recordset()
        self.assertTrue(composer.web_read({name: {} for name in names if name in composer._fields}))

    def test_without_a_sealing_key_it_is_refused(self):
        composer = self.compose()
        self.company.sudo().esign_seal_ids.active = False
        self._assert_refused("Atelier Nord has no sealing key", composer)

    def test_a_certificate_out_of_date_is_refused(self):
        composer = self.compose()
        self.company.sudo().esign_seal_ids.valid_to = Datetime.subtract(Datetime.now(), days=1)
        self._assert_refused("certificate of Atelier Nord is out of date", composer)

    def test_a_key_of_another_server_is_refused(self):
        composer = self.compose()
        with patch.dict(os.environ, {"ESIGN_QUOTE_SEAL_SECRET": "another secret than the one of the key"}):
            self._assert_refused("cannot be read with this server's secret", composer)

    def test_nobody_among_the_recipients_is_refused(self):
        composer = self.compose(partner_ids=[Command.clear()])
        self._assert_refused("Nobody is among the recipients", composer, button=False)

    def test_a_foreign_recipient_is_refused(self):
        stranger = self.env["res.partner"].create({"name": "Luc", "email": "luc@elsewhere.example"})
        composer = self.compose(partner_ids=[Command.set(stranger.ids)])
        self._assert_refused("Jeanne Martin is not among the recipients", composer, button=False)

    def test_a_quotation_changed_since_the_window_was_opened_is_refused(self):
        composer = self.compose()
        self.order.order_line[0].price_unit += 1
        with self.assertRaisesRegex(UserError, "was changed after its PDF was made"):
            composer.action_send_mail()
        self.assertEqual(self.sent(), [])

    def test_a_pdf_that_cannot_be_made_is_refused(self):
        composer = self.compose()
        composer.attachment_ids = False
        with patch.object(IrActionsReport, "_render_qweb_pdf", lambda *_args, **_kwargs: (b"<html/>", "html")):
            self._assert_refused("could not be made. Is wkhtmltopdf installed", composer, button=False)

    @mute_logger("pypdf._reader")
    def test_a_broken_pdf_is_refused(self):
        self._assert_pdf_refused(make_pdf("Quotation")[:-200], "This PDF cannot be signed")

    def test_an_encrypted_pdf_is_refused(self):
        content = rewrite_pdf(make_pdf("Quotation"), lambda writer: writer.encrypt("secret"))
        self._assert_pdf_refused(content, "cannot be signed: it is protected by a password")

    def test_a_pdf_with_a_script_is_refused(self):
        content = rewrite_pdf(make_pdf("Quotation"), add_script)
        self._assert_pdf_refused(content, "cannot be signed: it holds a script")

    def test_every_reason_to_refuse_a_pdf_has_its_sentence(self):
        # "cannot_seal" and "broken" are told as damage, with the word for who is asked for help.
        texts = self.env["esign.request"]._refusal_texts(self.env.company)
        self.assertEqual(set(texts), set(REASONS) - {"broken", "cannot_seal"})

    def test_a_pdf_whose_fields_are_drawn_anew_is_refused(self):
        content = rewrite_pdf(make_pdf("Quotation"), add_redrawn_field)
        self._assert_pdf_refused(content, "its form fields are drawn anew by each program .* print it to a PDF first")

    # === TOOLS === #

    def _assert_refused(self, words, composer=None, button=True):
        """Check that button and mail window refuse in these words, before anything is written."""
        actions = [composer.action_send_mail] if composer else []
        actions += [self.order.with_user(self.sale_user).action_esign_send] if button else []
        for action in actions:
            before, mails = self.snapshot(*WRITTEN), len(self.sent())
            # Not `assertRaises`: it would undo what was written.
            try:
                action()
            except UserError as error:
                self.assertRegex(str(error), words)
            else:
                self.fail(f"not refused: {words}")
            self.assertEqual(self.snapshot(*WRITTEN), before)
            self.assertEqual(len(self.sent()), mails)

    def _assert_pdf_refused(self, content, words):
        composer = self.compose()
        composer.attachment_ids.raw = content
        with self.assertRaisesRegex(UserError, words):
            composer.action_send_mail()
        self.assertEqual(self.sent(), [])
        self.assertFalse(self.order.esign_request_ids)

    def _schedule(self):
        composer = self.compose(scheduled_date=Datetime.add(Datetime.now(), days=1))
        composer.action_schedule_message()
        return self.env["mail.scheduled.message"].with_user(self.sale_user).search([("res_id", "=", self.order.id)])
