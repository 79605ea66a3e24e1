import polib
from odoo.tests import HttpCase, tagged
from odoo.tools.misc import file_path

from .common import EsignHttpCommon, pdf_text, text_of


@tagged("post_install", "-at_install")
class TestFrenchCustomer(EsignHttpCommon, HttpCase):
    """The customer's pages, mails and files are in the customer's language, whatever staff speaks."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.catalogue = {entry.msgid: entry.msgstr for entry in polib.pofile(file_path("esign_quote/i18n/fr.po"))}
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.env["ir.module.module"]._load_module_terms(["esign_quote"], ["fr_FR"])
        cls.customer.lang = "fr_FR"
        cls.request = cls.send()
        cls.secret = cls.last_secret()

    def test_the_invitation(self):
        (message,) = self.sent(self.customer.email)
        self.assertIn(self._french("Read and sign the quotation"), message.html)

    def test_the_welcome_page(self):
        response = self.get(f"/esign/t/{self.secret}")
        self.assertIn('lang="fr-FR"', response.text)
        self.assertIn(self._french("Send me the code"), text_of(response))
        self.assertNotIn("Send me the code", text_of(response))

    def test_the_mail_with_the_code(self):
        self.enter(self.request)
        subject = self._french("Your code to read and sign {{ object.request_id.order_name }}")
        self.assertEqual(
            self.sent(self.customer.email)[-1].subject,
            subject.replace("{{ object.request_id.order_name }}", self.order.name),
        )

    def test_an_error(self):
        path = self.ask_for_code(self.request)
        response = self.post(f"{path}/verify", {"code": "1"})
        self.assertIn(
            self._french("The code has 6 digits. Type it as it stands in the message; no try was used."),
            text_of(response),
        )

    def test_the_page_to_sign(self):
        page = text_of(self.get(f"{self.enter_and_read(self.request)}?step=sign"))
        for msgid in ("Sign and order with obligation to pay", "Your first and last name", "Both have the same value."):
            self.assertIn(self._french(msgid), page)
        self.assertIn("725,00", page)

    def test_the_consents_are_frozen_in_french(self):
        consent = self.request.consents[0]
        template = self._french(
            "I agree to conclude this quote electronically. I am {name} and the mailbox {email} that received the code is mine."
        )
        self.assertEqual(consent["lang"], "fr_FR")
        self.assertEqual(
            consent["text"],
            template.replace("{name}", "Jeanne Martin").replace("{email}", self.request.signer_ids.masked_email),
        )

    def test_stamp_proof_and_mails(self):
        path = self.enter_and_read(self.request)
        self.submit(self.request, path)
        self.request.invalidate_recordset()
        self.assertIn(self._french("Accepted electronically by"), pdf_text(self.request._document("signed")._bytes()))
        proof = pdf_text(self.request._document("proof")._bytes())
        self.assertIn(self._french("Proof of electronic signature"), proof)
        self.assertIn(self.request.consents[0]["text"][:40], proof)
        self.send_queue()
        # The customer reads French, the salesperson English.
        self.assertNotIn("You have signed", self.sent(self.customer.email)[-1].text)
        self.assertIn("has signed quotation", self.sent(self.sale_user.email)[-1].text)
        self.assertEqual(self.order.activity_ids.summary, f"Signed: {self.order.name}")

    def test_the_page_with_the_result(self):
        path = self.enter_and_read(self.request)
        self.submit(self.request, path)
        self.assertIn(self._french("Download the signed quotation"), text_of(self.get(path)))

    def _french(self, msgid):
        """Return the translation in the catalogue; there has to be one."""
        translation = self.catalogue.get(msgid)
        self.assertTrue(translation, msgid)
        self.assertNotEqual(translation, msgid)
        return " ".join(translation.split())  # as `text_of` and `pdf_text` do
