import base64

from odoo.tests import HttpCase, TransactionCase, tagged

from .common import EsignCommon, EsignHttpCommon, make_pdf, text_of


@tagged("post_install", "-at_install")
class TestConsent(EsignCommon, TransactionCase):
    """The statements to agree to: chosen by the customer's kind, versioned, frozen at sending."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.consent = cls.env.ref("esign_quote.esign_consent_electronic")
        cls.manager = cls.new_user("esign", "esign_quote.esign_quote_group_manager")

    def test_a_new_wording_is_a_new_version(self):
        self.consent.with_user(self.manager).text = "I agree."
        self.assertEqual(self.consent.version, 2)

    def test_a_translated_wording_is_a_new_version(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        version = self.consent.version
        self.consent.with_user(self.manager).update_field_translations("text", {"fr_FR": "J'accepte."})
        self.assertEqual(self.consent.version, version + 1)

    def test_other_changes_are_none(self):
        self.consent.with_user(self.manager).write({"sequence": 5, "active": True})
        self.assertEqual(self.consent.version, 1)

    def test_a_version_cannot_be_set(self):
        self.consent.with_user(self.manager).write({"text": "I agree.", "version": 1})
        self.assertEqual(self.consent.version, 2)

    def test_the_version_stands_in_the_request(self):
        self.consent.text = "I, {name}, agree."
        (first, *_others) = self.send().consents
        self.assertEqual((first["version"], first["text"]), (2, "I, Jeanne Martin, agree."))

    def test_unknown_placeholders_stay_as_typed(self):
        self.consent.text = "{number} {nonsense} {name.__class__}"
        self.assertEqual(self.send().consents[0]["text"], f"{self.order.name} {{nonsense}} {{name.__class__}}")

    def test_a_statement_that_was_archived_is_not_asked(self):
        self.consent.active = False
        self.assertNotIn("C1", self._codes(self.send()))

    def test_a_consumer(self):
        self.assertEqual(self._codes(self.send()), ["C1", "C2", "C5"])

    def test_a_contact_of_a_company(self):
        request = self.send(self.new_order(self.new_business_contact()))
        self.assertEqual(self._codes(request), ["C1", "C2", "C4"])

    def test_the_company_may_say_what_its_customers_are(self):
        self.company.esign_customer_kind = "business"
        self.assertEqual(self._codes(self.send()), ["C1", "C2", "C4"])
        self.company.esign_customer_kind = "consumer"
        request = self.send(self.new_order(self.new_business_contact()))
        self.assertEqual(self._codes(request), ["C1", "C2", "C5"])

    def test_terms_of_sale_are_agreed_to_when_there_are_any(self):
        self.company.write({"esign_terms": base64.b64encode(make_pdf("Terms")), "esign_terms_date": "2026-01-31"})
        request = self.send()
        self.assertEqual(self._codes(request), ["C1", "C2", "C3", "C5"])
        self.assertIn("version of 01/31/2026", request.consents[2]["text"])
        self.assertTrue(request.consents[2]["required"])

    def test_annexes_are_counted(self):
        composer = self.compose()
        self.attach(composer, "plan.pdf", make_pdf("Plan"))
        composer.action_send_mail()
        self.assertIn("annexes (1)", self.order.sudo().esign_request_id.consents[1]["text"])

    def _codes(self, request):
        return [item["code"] for item in request.consents]


@tagged("post_install", "-at_install")
class TestVerifyPage(EsignHttpCommon, HttpCase):
    """`/esign/verify`: what anybody may know of a signature."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.read_and_sign(cls.send())

    def test_a_known_identifier(self):
        response = self.get(f"/esign/verify/{self.request.reference}")
        self.assertEqual(response.status_code, 200)
        for document in self.request.document_ids:
            self.assertIn(document.sha256, response.text)
        self.assertIn(self.request.seal_id.fingerprint, response.text)
        self.assertIn("Atelier Nord", text_of(response))
        self.assertIn(f'data-signed="{self.request._document("signed").sha256}"', response.text)

    def test_it_shows_no_name_and_no_amount(self):
        page = self.get(f"/esign/verify/{self.request.reference}").text
        for secret in ("Jeanne", "Martin", "customer.example", "725.00", self.order.name, "Test Product"):
            self.assertNotIn(secret, page)
        for document in self.request.document_ids:
            self.assertNotIn(document.uid, page)
            self.assertNotIn(document.name, page)

    def test_an_unknown_identifier(self):
        response = self.get("/esign/verify/ES-2222-2222-2222")
        self.assertEqual(response.status_code, 404)
        self.assertIn("No signed document is known here", text_of(response))

    def test_an_identifier_typed_into_the_form(self):
        self.assertEqual(self.get("/esign/verify").status_code, 200)
        response = self.get("/esign/verify", params={"reference": self.request.reference})
        self.assertIn(self.request._document("signed").sha256, response.text)

    def test_an_unsigned_procedure_looks_unknown(self):
        request = self.send(self.new_order())
        answers = {request.reference: None, "ES-2222-2222-2222": None}
        for reference in answers:
            response = self.get(f"/esign/verify/{reference}")
            answers[reference] = (response.status_code, response.text.replace(reference, "…"))
        self.assertEqual(len(set(answers.values())), 1)

    def test_an_identifier_is_text(self):
        response = self.get("/esign/verify/%3Cscript%3Ealert(1)%3C%2Fscript%3E")
        self.assertNotIn("<script>alert", response.text)

    def test_the_stamps_address_leads_here(self):
        self.assertEqual(
            self.request._verify_url(), f"{self.order.get_base_url()}/esign/verify/{self.request.reference}"
        )

    def test_staff_may_look_too(self):
        self.authenticate("salesman", "salesman")
        self.assertEqual(self.get(f"/esign/verify/{self.request.reference}").status_code, 200)
