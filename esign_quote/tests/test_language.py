import re

import polib
from lxml import etree, html
from odoo.tests import HttpCase, tagged
from odoo.tools.misc import file_path, mute_logger

from .common import EsignHttpCommon, pdf_text, text_of
from .test_lock import LockCommon
from .test_sms import SmsCommon

# Words that no French sentence has, and hardly an English one lacks.
ENGLISH = re.compile(
    r"\b(the|you|your|of|to|is|are|was|were|and|not|with|for|this|that|from|again|have|has|it|we)\b", re.IGNORECASE
)


class FrenchCommon:
    """A quotation is sent to a customer who reads French."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.catalogue = {entry.msgid: entry.msgstr for entry in polib.pofile(file_path("esign_quote/i18n/fr.po"))}
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.env["ir.module.module"]._load_module_terms(["esign_quote"], ["fr_FR"])
        cls.customer.lang = "fr_FR"
        cls.request = cls.send()
        cls.secret = cls.last_secret()

    def _french(self, msgid):
        """Return the translation in the catalogue; there has to be one."""
        translation = self.catalogue.get(msgid)
        self.assertTrue(translation, msgid)
        self.assertNotEqual(translation, msgid)
        return " ".join(translation.split())  # as `text_of` and `pdf_text` do

    def _assert_french(self, content, *msgids):
        """Check that a page or a mail says these sentences, and nothing in English.

        Also what was never marked for translation is found: texts of attributes, texts made in Python.

        :param str content: HTML
        """
        document = html.fromstring(content)
        for node in document.xpath("//script | //style"):
            node.drop_tree()
        names = ("aria-label", "alt", "title", "placeholder")
        attributes = [
            value
            for node in document.iter(etree.Element)
            for name, value in node.attrib.items()
            if name in names or (name.startswith("data-") and " " in value)
        ]
        words = " ".join(" ".join([document.text_content(), *attributes]).split())
        for msgid in msgids:
            self.assertIn(self._french(msgid), words)
        self.assertIsNone(ENGLISH.search(words), words)


@tagged("post_install", "-at_install")
class TestFrenchCustomer(FrenchCommon, EsignHttpCommon, HttpCase):
    """The customer's pages, mails and files are in the customer's language, whatever staff speaks."""

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
        consent = self.request.signer_ids.consents[0]
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
        self.assertIn(self.request.signer_ids.consents[0]["text"][:40], proof)
        self.send_queue()
        # The customer reads French, the salesperson English.
        self.assertNotIn("You have signed", self.sent(self.customer.email)[-1].text)
        self.assertIn("signed quotation", self.sent(self.sale_user.email)[-1].text)
        self.assertEqual(self.order.activity_ids.summary, f"Signed: {self.order.name}")

    def test_the_page_with_the_result(self):
        path = self.enter_and_read(self.request)
        self.submit(self.request, path)
        self.assertIn(self._french("Download the signed quotation"), text_of(self.get(path)))


@tagged("post_install", "-at_install")
class TestFrenchWaysIn(LockCommon, SmsCommon, FrenchCommon, EsignHttpCommon, HttpCase):
    """Codes, locks, lost links and errors in French, with no English left over."""

    def test_code_and_session(self):
        path = self.ask_for_code(self.request)
        self._assert_french(self.get(path).text, "Type the code we sent you", "The code is valid for")
        self.post(f"{path}/verify", {"code": self.last_code(self.customer.email)})
        self._assert_french(
            self.get(path).text,
            "Stay",
            "For your safety this page closes in {minutes} min. What you have filled in is kept.",
        )
        self.age("esign_ticket", "seen_on", "16 minutes")
        self._assert_french(self.get(path).text, "Your session has ended", "Send me a new code")
        self._assert_french(self.post(f"{path}/code").text)  # too early

    def test_codes_on_the_phone(self):
        request = self.send(self.new_order(), esign_channel="both")
        self._assert_french(self.get(f"/esign/t/{self.last_secret()}").text, ", then a second one by text message to")
        path = self.ask_for_code(request)
        answer = self.post(f"{path}/verify", {"code": self.last_code(self.customer.email)})
        self._assert_french(answer.text, "Now the code on your phone", "The text message is on its way to")
        text = self.gateway.sent[-1][1].splitlines()[0]
        self.assertRegex(text, r"^\d{6} est votre code")
        self.assertIsNone(ENGLISH.search(text), text)
        self.assertIsNone(ENGLISH.search(" ".join(item["text"] for item in request.signer_ids.consents)))

    def test_lock(self):
        path = self.ask_for_code(self.request)
        right = int(self.last_code(self.customer.email))
        for number in (1, 2, 3):
            answer = self.post(f"{path}/verify", {"code": f"{(right + number) % 10**6:06d}"})
            self._assert_french(answer.text)
        self._assert_french(answer.text, "Code entry is locked")
        self.tell()
        self._assert_french(self.sent(self.customer.email)[-1].html)
        unlock = f"/esign/unlock/{self.unlock_secret()}"
        self._assert_french(self.get(unlock).text, "It was me: unlock")
        self._assert_french(
            self.post(unlock).text,
            "Codes can be typed again. Open the link of our first message and ask for a new code.",
        )
        self.request.signer_ids._unlock("x")
        self._assert_french(self.sent(self.customer.email)[-1].html)

    def test_link_again(self):
        french = {"headers": self._first_visit()}
        self._assert_french(self.get("/esign/again", **french).text, "Have your link sent again")
        for address, msgid in (
            ("jeanne", "Please type an e-mail address, such as name@example.com."),
            (self.customer.email, "Look into your mailbox"),
        ):
            self._assert_french(self.post("/esign/again", {"email": address}, **french).text, msgid)
        former = self.customer.email
        self.request._resend(self.request.signer_ids, "jeanne@customer.example")
        self.send_queue()
        self._assert_french(self.sent(former)[-1].html)
        self._assert_french(self.sent("jeanne@customer.example")[-1].html)

    def test_errors(self):
        french = self._first_visit()
        with mute_logger("odoo.http"):
            self._assert_french(self.get("/esign/t/x", headers=french).text, "This link no longer opens a document")
            stale = self.post(f"/esign/t/{self.secret}/code", csrf=False, headers=french)
            self._assert_french(stale.text, "This page had been open for too long", "Back to the page")
            foreign = self.post(f"/esign/t/{self.secret}/code", headers={**french, "Origin": "https://evil.example"})
            self._assert_french(foreign.text, "This was sent from another site")

    def test_what_a_french_salesperson_reads(self):
        self.sale_user.lang = "fr_FR"
        self.request.delivery_ids.write({"state": "failed", "retry_on": self.request.sent_on})
        self.env.flush_all()
        request = self.request.with_user(self.sale_user).with_context(lang="fr_FR")
        self.assertIn(self._french("Odoo tries again by itself."), request.delivery_problem)
        self._assert_french(request.order_id.esign_progress)
        self.lock(self.request)
        self.tell()
        self.request.signer_ids._tell_sms_trouble("insufficient_credit")
        self.send_queue()
        activities = self.order.activity_ids
        self.assertEqual(len(activities), 2)
        for text in (*activities.mapped("note"), *(f"<p>{summary}</p>" for summary in activities.mapped("summary"))):
            self._assert_french(text)
        (told,) = [item for item in self.sent(self.sale_user.email) if self._french("Unlock") not in item.subject]
        self._assert_french(told.html)

    def _first_visit(self):
        """Forget the session, whose language is set; return the headers of a browser that prefers French."""
        self.opener.cookies.pop("session_id")
        return {"Accept-Language": "fr-FR"}
