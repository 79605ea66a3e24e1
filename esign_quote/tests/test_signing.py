import json

from lxml import html
from markupsafe import escape
from odoo.tests import HttpCase, tagged

from .common import DRAWING, EsignHttpCommon, pdf_text, text_of


class SigningCommon(EsignHttpCommon):
    def accept(self, **values):
        """Sign the class's request; return the result page."""
        path = self.enter_and_read(self.request)
        response = self.submit(self.request, path, **values)
        self.assertEqual(response.status_code, 303, text_of(response))
        self.request.invalidate_recordset()
        return self.get(path)

    def assert_refused(self, words, **values):
        """Submit what cannot be accepted; return the page that says so."""
        path = self.enter_and_read(self.request)
        response = self.submit(self.request, path, **values)
        self.assertEqual(response.status_code, 422)
        self.assertIn("Nothing was signed yet", text_of(response))
        self.assertIn(words, text_of(response))
        self.request.invalidate_recordset()
        self.assertEqual(self.request.state, "sent")
        self.assertFalse(self.request.signer_ids.answer)
        return html.fromstring(response.content)

    def sign_page(self):
        path = self.enter_and_read(self.request)
        return html.fromstring(self.get(f"{path}?step=sign").content)

    def box(self, page, code):
        (box,) = page.xpath(f"//input[@name='consents'][@value='{code}']")
        return box


@tagged("post_install", "-at_install")
class TestSigning(SigningCommon, HttpCase):
    """A consumer signs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()

    def test_a_typed_signature(self):
        page = text_of(self.accept(name="Jeanne  Martin "))
        signer = self.request.signer_ids
        self.assertEqual((self.request.state, signer.answer, signer.signature_kind), ("signed", "signed", "typed"))
        self.assertEqual(signer.declared_name, "Jeanne Martin")
        self.assertIn(f"Quotation {self.order.name} is signed", page)
        self.assertIn("Signed by Jeanne Martin on", page)

    def test_a_drawn_signature(self):
        self.accept(kind="drawn", strokes=DRAWING)
        signer = self.request.signer_ids
        self.assertEqual(signer.signature_kind, "drawn")
        self.assertEqual(json.loads(signer.signature_strokes), json.loads(DRAWING))
        self.assertEqual(json.loads(self.request.proof_ids.json)["signature"]["kind"], "drawn")
        self.assertIn("signature.drawn", self.entries(self.request))

    def test_the_signed_file_starts_with_the_frozen_bytes(self):
        self.accept()
        frozen, signed = self.request._document("quote")._bytes(), self.request._document("signed")._bytes()
        self.assertTrue(signed.startswith(frozen))
        self.assertGreater(len(signed), len(frozen))

    def test_the_stamp_can_be_read(self):
        self.accept()
        words = pdf_text(self.request._document("signed")._bytes())
        for part in ("Accepted electronically by", "Jeanne Martin", self.request.reference, "Atelier Nord", "UTC+0"):
            self.assertIn(part, words)

    def test_the_result_page_offers_both_files(self):
        page = self.accept()
        self.assertIn(self.request.reference, page.text)
        self.assertIn(self.request._document("signed").sha256, page.text)
        path = page.request.path_url
        for kind in ("signed", "proof"):
            document = self.request._document(kind)
            self.assertIn(f"{path}/file/{document.uid}", page.text)
            response = self.get(f"{path}/file/{document.uid}")
            self.assertEqual(response.content, document._bytes())
            self.assertIn("attachment", response.headers["Content-Disposition"])
        self.assertEqual(self.get(f"{path}/proof.json").text, self.request.proof_ids.json)

    def test_each_step_has_its_date(self):
        self.accept()
        request = self.request
        moments = [
            request.sent_on,
            request.opened_on,
            request.identified_on,
            request.read_on,
            request.answered_on,
            request.sealed_on,
        ]
        self.assertEqual(moments, sorted(moments))
        self.assertTrue(all(step["status"] == "done" for step in request._progress_steps()))
        self.assertIn("Signed and sealed", self.order.esign_progress)

    def test_the_visitors_origin_is_kept(self):
        self.opener.headers["User-Agent"] = "Phone of Jeanne"
        self.opener.headers["X-Forwarded-For"] = "203.0.113.99"
        self.accept()
        self.assertEqual(
            (self.request.signer_ids.ip, self.request.signer_ids.user_agent), ("127.0.0.1", "Phone of Jeanne")
        )

    def test_a_second_click_changes_nothing(self):
        path = self.accept().request.path_url
        self.send_queue()
        before, mails = self.snapshot(), len(self.sent())
        self.assertEqual(self.submit(self.request, path).status_code, 303)
        self.assertEqual(self.post(f"{path}/decline", {"comment": "after all"}).status_code, 303)
        self.send_queue()
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(len(self.sent()), mails)
        self.assertEqual(len(self.request.proof_ids), 1)

    def test_the_customer_can_come_back(self):
        self.post(f"{self.accept().request.path_url}/leave")
        self.forget_limits()
        self.assertIn("This procedure is over", text_of(self.get(f"/esign/t/{self.last_secret()}")))
        self.assertIn("is signed", text_of(self.get(self.enter(self.request))))

    # === CONSENT === #

    def test_the_statements_for_a_consumer(self):
        self.assertEqual([item["code"] for item in self.request.signer_ids.consents], ["C1", "C2", "C5"])
        page = self.sign_page()
        words = " ".join(page.text_content().split()).replace("\xa0", " ")
        self.assertIn("I am Jeanne Martin and the mailbox j•••@c•••.example that received the code is mine", words)
        self.assertRegex(
            words, rf"quote {self.order.name} \(2 page\S+ \$ 725.00 incl. VAT\) and its annexes \(0\) in full"
        )
        self.assertIn("before my 14-day withdrawal period ends", words)
        self.assertIn("Sign and order with obligation to pay", words)
        self.assertIn("You are about to order", words)

    def test_no_box_is_ticked_beforehand(self):
        self.assertFalse(self.sign_page().xpath("//input[@name='consents'][@checked]"))

    def test_each_required_statement_is_required(self):
        self.assertEqual([item["code"] for item in self.request.signer_ids.consents if item["required"]], ["C1", "C2"])
        self.assert_refused("Please tick the statements above", consents=["C2", "C5"])

    def test_no_statement_at_all(self):
        self.assert_refused("Please tick the statements above", consents=[])

    def test_a_statement_that_is_not_asked_counts_for_nothing(self):
        self.assert_refused("Please tick the statements above", consents=["C1", "C4", "C2 "])

    def test_the_optional_statement_may_be_left_out(self):
        self.accept(consents=["C1", "C2"])
        self.assertEqual(self.request.signer_ids.consents_given, ["C1", "C2"])
        statements = json.loads(self.request.proof_ids.json)["consent"]["statements"]
        self.assertEqual([item["ticked"] for item in statements], [True, True, False])

    def test_a_wording_changed_after_sending_is_not_the_one_agreed_to(self):
        self.env.ref("esign_quote.esign_consent_electronic").text = "Something else"
        self.accept()
        statement = json.loads(self.request.proof_ids.json)["consent"]["statements"][0]
        self.assertIn("I agree to conclude this quote electronically", statement["text"])

    # === ERRORS KEEP WHAT WAS TYPED === #

    def test_errors_keep_the_input(self):
        page = self.assert_refused(
            "Please tick the statements above", name="Jeanne M. <b>", kind="drawn", strokes=DRAWING, consents=["C1"]
        )
        self.assertEqual(page.xpath("//input[@name='name']/@value"), ["Jeanne M. <b>"])
        self.assertEqual(page.xpath("//input[@name='strokes']/@value"), [DRAWING])
        self.assertEqual(page.xpath("//input[@name='kind'][@checked]/@value"), ["drawn"])
        self.assertEqual(page.xpath("//input[@name='consents'][@checked]/@value"), ["C1"])

    def test_a_name_is_needed(self):
        self.assert_refused("Please write your first and last name", name=" ")

    def test_a_name_with_hidden_characters_is_refused(self):
        self.assert_refused("Please write your first and last name", name="Jeanne\u202enitraM")

    def test_a_drawing_is_needed(self):
        self.assert_refused("Please draw your signature in the frame", kind="drawn", strokes="")

    def test_a_forged_drawing_is_refused(self):
        self.assert_refused("Please draw your signature in the frame", kind="drawn", strokes='{"svg":"<script/>"}')

    def test_an_unknown_kind_is_a_typed_name(self):
        self.accept(kind="uploaded", strokes=DRAWING)
        self.assertEqual(self.request.signer_ids.signature_kind, "typed")

    def test_several_errors_are_told_at_once(self):
        page = self.assert_refused("Please write your first and last name", name="", consents=[])
        self.assertEqual(len(page.xpath("//div[@role='alert']//li")), 2)

    # === TOLD === #

    def test_both_parties_get_both_files(self):
        self.accept()
        self.send_queue()
        messages = [item for item in self.sent() if "Signed" in item.subject]
        customer, company = sorted(messages, key=lambda item: item.to != self.customer.email)
        self.assertEqual((customer.to, company.to), (self.customer.email, self.sale_user.email))
        files = {
            self.request._document(kind).name: self.request._document(kind)._bytes() for kind in ("signed", "proof")
        }
        self.assertEqual(len(files), 2)
        self.assertEqual(customer.files, files)
        self.assertEqual(company.files, files)
        for message in (customer, company):
            self.assertIn(self.request.reference, message.subject)
            self.assertIn(self.request.reference, message.html)
        self.assertIn(self.request._document("signed").sha256, customer.html)

    def test_the_mails_go_to_the_frozen_address(self):
        path = self.enter_and_read(self.request)
        self.customer.email = "thief@evil.example"
        self.submit(self.request, path)
        self.send_queue()
        self.assertFalse(self.sent("thief@evil.example"))
        self.assertEqual(len(self.sent("jeanne.martin@customer.example")), 3)

    def test_the_salesperson_has_one_activity(self):
        self.accept()
        (activity,) = self.order.activity_ids
        self.assertEqual(activity.user_id, self.sale_user)
        self.assertEqual(activity.activity_type_id, self.env.ref("esign_quote.mail_activity_type_esign"))
        self.assertEqual(activity.summary, f"Signed: {self.order.name}")

    def test_who_looks_after_the_quotation_today_is_told(self):
        self.order.user_id = self.sale_manager
        self.assert_told(self.sale_manager, self.sale_manager.email)

    def test_whoever_has_left_is_told_nothing(self):
        self.sale_user.active = False
        self.order.team_id = self.env["crm.team"].create({"name": "North", "user_id": self.sale_manager.id})
        self.assert_told(self.sale_manager, self.sale_manager.email)

    def test_without_anybody_the_company_is_told(self):
        self.sale_user.active = False
        self.order.team_id = False
        self.assert_told(None, "office@seller.example")

    def assert_told(self, user, address):
        self.accept()
        self.send_queue()
        (copy,) = [item for item in self.sent(address) if "Signed" in item.subject]
        self.assertEqual(len(copy.files), 2)
        self.assertEqual(self.order.state, "sale")
        (activity,) = self.order.activity_ids
        if user:
            self.assertEqual(activity.user_id, user)
        self.assertFalse([item for item in self.sent(self.sale_user.email) if "Signed" in item.subject])

    def test_notes_on_order_and_customer(self):
        self.accept()
        for record in (self.order, self.customer):
            (note,) = record.message_ids.filtered(lambda message: "signed electronically" in message.body)
            self.assertIn(self.request.reference, note.body)
            self.assertTrue(note.is_internal or note.subtype_id.internal)

    def test_what_the_customer_types_is_text(self):
        self.accept(name="Jeanne <b>Martin</b>")
        self.send_queue()
        typed = str(escape("Jeanne <b>Martin</b>"))
        note = self.order.message_ids.filtered(lambda message: "signed electronically" in message.body)
        for text in (self.order.activity_ids.note, note.body, self.sent(self.sale_user.email)[-1].html):
            self.assertIn(typed, text)
            self.assertNotIn("<b>Martin", text)

    # === THE ORDER === #

    def test_the_order_is_confirmed(self):
        self.accept()
        self.assertEqual(self.order.state, "sale")
        self.assertEqual((self.order.signed_by, self.order.signed_on), ("Jeanne Martin", self.request.answered_on))

    def test_the_customers_page_does_not_say_it_must_be_signed(self):
        self.accept()
        self.assertFalse(self.order._has_to_be_signed())


@tagged("post_install", "-at_install")
class TestSigningPolicies(SigningCommon, HttpCase):
    """What happens to the order, by the company's options."""

    def test_left_for_a_check(self):
        self.company.esign_after_signature = "check"
        self.request = self.send()
        # What was decided at sending holds.
        self.company.esign_after_signature = "confirm"
        self.accept()
        self.assertEqual(
            (self.request.state, self.order.state, self.order.signed_by), ("signed", "sent", "Jeanne Martin")
        )

    def test_an_order_to_be_paid_waits_for_the_payment(self):
        self.order.require_payment = True
        self.request = self.send()
        page = self.accept()
        self.assertEqual(self.order.state, "sent")
        self.assertTrue(self.order._has_to_be_paid())
        self.assertIn("pay to confirm the order", text_of(page))
        # Also when the file is sealed after the quotation's date only, and nothing can be paid online any more.
        self.env.flush_all()
        self.env.cr.execute("UPDATE sale_order SET validity_date = '2026-01-01' WHERE id = %s", [self.order.id])
        self.env.invalidate_all()
        self.assertFalse(self.order._has_to_be_paid())
        self.assertTrue(self.order._esign_must_be_paid())

    def test_an_expired_request_is_not_signed(self):
        self.request = self.send()
        path = self.enter_and_read(self.request)
        self.age("esign_request", "expires_on", "100 days")
        self.assertEqual(self.submit(self.request, path).status_code, 303)
        self.assertIn("This quotation has expired", text_of(self.get(path)))
        self.request.invalidate_recordset()
        self.assertEqual(self.request.state, "expired")
        self.assertFalse(self.request._document("signed"))
        self.assertIn("request.expired", self.entries(self.request))


@tagged("post_install", "-at_install")
class TestSigningBusiness(SigningCommon, HttpCase):
    """A contact of a company signs."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact = cls.new_business_contact()
        cls.order = cls.new_order(cls.contact)
        cls.request = cls.send()

    def test_the_statements_for_a_business(self):
        self.assertEqual(self.request.audience, "business")
        self.assertEqual([item["code"] for item in self.request.signer_ids.consents], ["C1", "C2", "C4"])
        words = " ".join(self.sign_page().text_content().split())
        self.assertIn("I sign for Brasserie du Port, 552 100 554 and have authority to bind it", words)
        self.assertIn("Sign the quote", words)
        self.assertNotIn("obligation to pay", words)
        self.assertNotIn("withdrawal", words)

    def test_the_position_is_proposed(self):
        self.assertEqual(self.sign_page().xpath("//input[@name='capacity']/@value"), ["Director"])

    def test_the_position_is_required(self):
        page = self.assert_refused("Please say in which position you sign", capacity=" ")
        self.assertEqual(page.xpath("//input[@name='name']/@value"), ["Paul Durand"])

    def test_the_position_stands_on_stamp_and_proof(self):
        self.accept(capacity="Managing partner")
        self.assertIn("Managing partner, Brasserie du Port", pdf_text(self.request._document("signed")._bytes()))
        signer = json.loads(self.request.proof_ids.json)["signer"]
        self.assertEqual(
            (signer["capacity"], signer["company"], signer["company_registration"]),
            ("Managing partner", "Brasserie du Port", "552 100 554"),
        )


@tagged("post_install", "-at_install")
class TestDeclining(SigningCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()

    def test_declining_cancels_the_quotation(self):
        page = self._decline()
        self.assertIn(f"Quotation {self.order.name} is declined", text_of(page))
        self.assertEqual(
            (self.request.state, self.request.signer_ids.answer, self.order.state), ("declined", "declined", "cancel")
        )

    def test_declining_with_a_reason(self):
        page = self._decline("Too late for us")
        self.assertIn("Your reason: “Too late for us”", text_of(page))
        self.assertEqual(self.request.signer_ids.comment, "Too late for us")
        self.send_queue()
        self.assertIn("Too late for us", self.sent(self.sale_user.email)[-1].text)

    def test_declining_needs_no_reading(self):
        path = self.enter(self.request)
        self.assertIn("Reason (optional", text_of(self.get(f"{path}?step=decline")))
        self.post(f"{path}/decline")
        self.request.invalidate_recordset()
        self.assertEqual(self.request.state, "declined")

    def test_both_parties_are_told_and_get_the_proof_of_it(self):
        self._decline()
        self.send_queue()
        customer, company = self.sent(self.customer.email)[-1], self.sent(self.sale_user.email)[-1]
        self.assertIn("Declined", customer.subject)
        self.assertIn("Declined", company.subject)
        proof = self.request._document("proof")
        self.assertEqual([list(customer.files), list(company.files)], [[proof.name]] * 2)
        self.assertEqual(customer.files[proof.name], proof._bytes())
        self.assertIn("No reason was given", company.text)

    def test_there_is_a_proof_of_the_refusal_and_no_signed_file(self):
        page = self._decline()
        self.assertEqual(self.request.proof_ids.kind, "refusal")
        self.assertEqual(self.request.document_ids.mapped("kind"), ["quote", "proof"])
        answer = self.get(f"{page.request.path_url}/proof.json")
        self.assertEqual(answer.content, self.request.proof_ids.json.encode())

    def test_the_salesperson_has_one_activity(self):
        self._decline("<a href='https://evil.example'>see</a>")
        (activity,) = self.order.activity_ids
        self.assertEqual((activity.user_id, activity.summary), (self.sale_user, f"Declined: {self.order.name}"))
        self.assertNotIn("<a", activity.note)
        self.assertNotIn("<a", self.order.message_ids.filtered(lambda message: "Reason given" in message.body).body)

    def test_a_declined_quotation_is_not_signed(self):
        path = self._decline().request.path_url
        before = self.snapshot()
        self.assertEqual(self.submit(self.request, path).status_code, 303)
        self.assertEqual(self.snapshot(), before)

    def test_a_second_refusal_changes_nothing(self):
        path = self._decline("first").request.path_url
        before = self.snapshot()
        self.post(f"{path}/decline", {"comment": "second"})
        self.assertEqual(self.snapshot(), before)

    def _decline(self, comment=""):
        path = self.enter(self.request)
        self.assertEqual(self.post(f"{path}/decline", {"comment": comment}).status_code, 303)
        self.request.invalidate_recordset()
        self.order.invalidate_recordset()
        return self.get(path)
