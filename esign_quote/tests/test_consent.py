import base64

from odoo.tests import TransactionCase, tagged

from .common import EsignCommon, make_pdf


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
        (first, *_others) = self.send().signer_ids.consents
        self.assertEqual((first["version"], first["text"]), (2, "I, Jeanne Martin, agree."))

    def test_unknown_placeholders_stay_as_typed(self):
        self.consent.text = "{number} {nonsense} {name.__class__}"
        self.assertEqual(
            self.send().signer_ids.consents[0]["text"], f"{self.order.name} {{nonsense}} {{name.__class__}}"
        )

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
        self.assertIn("version of 01/31/2026", request.signer_ids.consents[2]["text"])
        self.assertTrue(request.signer_ids.consents[2]["required"])

    def test_annexes_are_counted(self):
        composer = self.compose()
        self.attach(composer, "plan.pdf", make_pdf("Plan"))
        composer.action_send_mail()
        self.assertIn("annexes (1)", self.order.sudo().esign_request_id.signer_ids.consents[1]["text"])

    def _codes(self, request):
        return [item["code"] for item in request.signer_ids.consents]
