"""`/esign/verify`: what anybody may learn of a file or an identifier."""

from datetime import UTC, datetime

from lxml import html
from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.tools import seal
from odoo.addons.esign_quote.tools.hashing import sha256_hex

from .common import ORIGIN, OUR_TABLES, TOKEN, EsignHttpCommon, make_pdf, text_of

PATH = "/esign/verify"
# What the limits count may move.
OURS = tuple(name for name in OUR_TABLES if name != "esign_throttle")


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
        self.assertIn(f'name="reference" value="{self.request.reference}"', response.text)

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
            answers[reference] = (response.status_code, TOKEN.sub("", response.text).replace(reference, "…"))
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


class VerifyCommon(EsignHttpCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.read_and_sign(cls.send())

    def setUp(self):
        super().setUp()
        self.forget_limits()
        self.get(PATH)

    def ask(self, content, reference=""):
        """Do what the page's script does; return status and answer."""
        response = self.post(f"{PATH}/hash", {"sha256": sha256_hex(content), "reference": reference})
        return response.status_code, response.json()

    def send_file(self, content, name="file.pdf", field="file", **values):
        return self.post(f"{PATH}/seal", values, files={field: (name, content, "application/pdf")})

    def verdict(self, response):
        """Return the word on a page and the three answers."""
        document = html.fromstring(response.text)
        words = document.xpath("//*[@data-verdict]/@data-verdict")
        answers = [item.split("_")[-1] for item in document.xpath("//ol[contains(@class, 'o_esign_answers')]/li/@class")]
        return (words or [None])[0], answers


@tagged("post_install", "-at_install")
class TestVerifyByFingerprint(VerifyCommon, HttpCase):
    def test_the_sealed_file(self):
        status, answer = self.ask(self.request._document("signed")._bytes())
        self.assertEqual((status, answer["word"]), (200, "authentic"))
        self.assertEqual(answer["html"].count("o_esign_answer_yes"), 3)
        self.assertIn(self.request.reference, answer["html"])

    def test_the_proof_in_both_forms(self):
        for content in (self.request._document("proof")._bytes(), self.request.proof_ids.json.encode()):
            self.assertEqual(self.ask(content)[1]["word"], "authentic")

    def test_the_quotation_as_it_was_shown(self):
        answer = self.ask(self.request._document("quote")._bytes())[1]
        self.assertEqual(answer["word"], "original")
        self.assertIn("o_esign_answer_no", answer["html"])

    def test_another_file(self):
        answer = self.ask(self.request._document("signed")._bytes() + b" ")[1]
        self.assertEqual(answer["word"], "unheard")
        self.assertNotIn("o_esign_answer_yes", answer["html"])

    def test_a_file_of_another_signature_than_the_page(self):
        other = self.read_and_sign(self.send(self.new_order()))
        content = self.request._document("signed")._bytes()
        self.assertIn("belongs to another signature", self.ask(content, other.reference)[1]["html"])
        self.assertNotIn("belongs to another signature", self.ask(content, self.request.reference)[1]["html"])

    def test_a_refusal_and_an_expiry(self):
        words = {"declined": "that was declined on", "expired": "that lapsed on"}
        for state, said in words.items():
            request = self.send(self.new_order())
            self._end(request, state)
            answer = self.ask(request._document("quote")._bytes())[1]
            self.assertEqual(answer["word"], state)
            self.assertEqual(answer["html"].count("o_esign_answer_yes"), 3, answer["html"])
            page = self.get(f"{PATH}/{request.reference}")
            self.assertEqual(page.status_code, 200)
            self.assertIn(said, text_of(page))
            for secret in ("Jeanne", "customer.example", request.order_name, "too dear"):
                self.assertNotIn(secret, page.text + answer["html"])

    def _end(self, request, state):
        if state == "declined":
            self.prove(request)._decline("too dear", ORIGIN)
        else:
            self.env.cr.execute("UPDATE esign_request SET expires_on = now() - interval '1 hour' WHERE id = %s", [request.id])
            self.env.invalidate_all()
            self.env.ref("esign_quote.ir_cron_expire").method_direct_trigger()
        self.env.ref("esign_quote.ir_cron_complete").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(request.state, state)
        self.assertTrue(request.proof_ids)

    def test_nothing_is_told_of_what_is_still_open(self):
        request = self.send(self.new_order())
        self.assertEqual(self.ask(request._document("quote")._bytes())[1]["word"], "unheard")
        request.action_cancel()
        self.assertEqual(self.ask(request._document("quote")._bytes())[1]["word"], "unheard")

    def test_no_name_and_no_amount(self):
        for kind in ("signed", "proof", "quote"):
            found = self.ask(self.request._document(kind)._bytes())[1]["html"]
            for secret in ("Jeanne", "Martin", "customer.example", "725.00", self.order.name, "Test Product"):
                self.assertNotIn(secret, found)

    def test_what_is_no_fingerprint(self):
        for value in ("", "0" * 63, "é" * 64, "0" * 64 + "\n", "%" * 64):
            response = self.post(f"{PATH}/hash", {"sha256": value})
            self.assertEqual((response.status_code, response.json()["word"]), (200, "unheard"))

    def test_a_changed_journal_is_told(self):
        self.env.cr.execute("ALTER TABLE esign_event DISABLE TRIGGER USER")
        self.env.cr.execute("UPDATE esign_event SET actor = 'x' WHERE request_id = %s AND seq = 2", [self.request.id])
        self.env.cr.execute("ALTER TABLE esign_event ENABLE TRIGGER USER")
        self.env.invalidate_all()
        answer = self.ask(self.request._document("signed")._bytes())[1]
        self.assertIn("The journal was changed", answer["html"])

    def test_a_network_may_not_ask_for_ever(self):
        statuses = [self.ask(b"%d" % number)[0] for number in range(62)]
        self.assertEqual(statuses, [200] * 60 + [429] * 2)
        self.pass_time(601)
        self.assertEqual(self.ask(b"x")[0], 200)

    @mute_logger("odoo.http")
    def test_only_our_own_form_asks(self):
        self.assertEqual(self.post(f"{PATH}/hash", {"sha256": "0" * 64}, csrf=False).status_code, 400)


@tagged("post_install", "-at_install")
class TestVerifyByFile(VerifyCommon, HttpCase):
    """The server looks at the seal itself; this way works without JavaScript."""

    def test_the_five_words(self):
        signed = self.request._document("signed")._bytes()
        middle = len(self.request._document("quote")._bytes()) // 2
        altered = signed[:middle] + bytes([signed[middle] ^ 1]) + signed[middle + 1 :]
        expected = {
            "authentic": (signed, ["yes", "yes", "yes"]),
            "changed": (signed + b"\n%%EOF\n", ["no", "no", "untold"]),
            "altered": (altered, ["no", "no", "untold"]),
            "not_ours": (make_pdf("x"), ["no", "no", "untold"]),
        }
        for word, (content, answers) in expected.items():
            response = self.send_file(content)
            self.assertEqual((response.status_code, *self.verdict(response)), (200, word, answers))

    def test_a_seal_of_a_stranger(self):
        signed = self.request._document("signed")._bytes()
        self.env.cr.execute("UPDATE esign_seal SET fingerprint = repeat('0', 64)")
        self.env.invalidate_all()
        response = self.send_file(signed + b"")
        # Known by its bytes, yet its seal is none of ours any more: both are said.
        self.assertEqual(self.verdict(response), ("authentic", ["yes", "no", "yes"]))
        found = self.env["esign.request"]._verify_file(self._sealed_by_another())
        self.assertEqual(found["word"], "unknown")

    def _sealed_by_another(self):
        now = datetime.now(UTC)
        key = seal.SealKey.load(*seal.generate_certificate("Other", "Other", "FR", now))
        return seal.seal_pdf(make_pdf("x"), [], key, signing_time=now, signer_name="Other", reason="x")

    def test_a_file_of_ours_without_a_record(self):
        key = self.request.seal_id._load()
        sealed = seal.seal_pdf(
            make_pdf("x"), [], key, signing_time=datetime.now(UTC), signer_name="x", reason="x"
        )
        self.assertEqual(self.env["esign.request"]._verify_file(sealed)["word"], "unrecorded")

    def test_nothing_is_stored(self):
        self.env.flush_all()
        self.env.cr.execute("SELECT count(*), max(id) FROM ir_attachment")
        before = self.env.cr.fetchone(), self.snapshot(*OURS)
        self.send_file(make_pdf("nobody keeps this"))
        self.env.cr.execute("SELECT count(*), max(id) FROM ir_attachment")
        self.assertEqual((self.env.cr.fetchone(), self.snapshot(*OURS)), before)

    def test_hostile_files(self):
        for content in (b"x", b"%PDF-1.7\n/ByteRange [0 1 2 3]", b"\0" * 100_000, b"/ByteRange [0 1 2 3] " * 5000):
            response = self.send_file(content, name="../../etc/passwd")
            self.assertEqual(response.status_code, 200)
            self.assertIn(self.verdict(response)[0], ("altered", "not_ours"))

    def test_no_file(self):
        response = self.send_file(b"")
        self.assertEqual(response.status_code, 422)
        self.assertIn("Choose a file first", text_of(response))

    @mute_logger("odoo.http")
    def test_too_large(self):
        response = self.send_file(b"x" * (26 * 1024 * 1024))
        self.assertEqual(response.status_code, 413)
        self.assertNotIn("Traceback", response.text)

    @mute_logger("odoo.http")
    def test_files_are_taken_here_only_and_one_only(self):
        refused = [
            self.send_file(b"x", field="other"),
            self.post(f"{PATH}/hash", {}, files={"file": ("a.pdf", b"x", "application/pdf")}),
            self.post("/esign/again", {}, files={"file": ("a.pdf", b"x", "application/pdf")}),
            self.post(f"{PATH}/seal", {}, files=[("file", ("a", b"x")), ("file", ("b", b"x"))]),
        ]
        self.assertEqual([response.status_code for response in refused], [400] * 4)

    def test_a_network_may_not_send_for_ever(self):
        statuses = [self.send_file(b"x").status_code for _number in range(12)]
        self.assertEqual(statuses, [200] * 10 + [429] * 2)

    @mute_logger("odoo.http")
    def test_only_our_own_form_sends(self):
        response = self.post(f"{PATH}/seal", {}, csrf=False, files={"file": ("a.pdf", b"x", "application/pdf")})
        self.assertEqual(response.status_code, 400)
