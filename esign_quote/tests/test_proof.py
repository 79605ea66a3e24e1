"""The proof, form 2: every item of SECURITY 5.1, and the proofs of a refusal and of an expiry."""

import io
import json
import os
from datetime import timedelta
from unittest.mock import patch

import pypdf
from odoo.exceptions import AccessError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.models.esign_proof_rendering import SECTIONS
from odoo.addons.esign_quote.tools import chain, verify
from odoo.addons.esign_quote.tools.hashing import canonical_json, sha256_hex
from odoo.addons.esign_quote.tools.proof_items import ITEMS, find

from .common import DRAWING, EsignCommon, EsignHttpCommon, pdf_text, text_of

COMPLETION = "odoo.addons.esign_quote.models.esign_request_completion"
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
ORIGIN = {"ip": "192.0.2.7", "user_agent": AGENT}
# What nothing can be told of when nothing was signed.
ONLY_SIGNED = {11, 12}


class ProofCommon(EsignCommon):
    """Checks that hold for every proof, and the crons at their time."""

    def assert_sound(self, request, kind):
        """Check a request's only proof; return the record."""
        self.env.invalidate_all()
        proof = request.proof_ids
        self.assertEqual((len(proof), proof.kind), (1, kind))
        facts = json.loads(proof.json)
        self.assertEqual((facts["format"], facts["kind"]), ("esign_quote/proof/2", kind))
        self.assertEqual(canonical_json(facts).decode(), proof.json)
        self.assertEqual(proof.sha256, sha256_hex(proof.json.encode()))
        journal = facts["journal"]
        self.assertEqual(chain.verify(request.reference, journal["entries"], journal["head"]), journal["head"])
        pdf = proof.document_id._bytes()
        self.assertTrue(verify.verify_strict(pdf, request.seal_id._load().certificate).ok)
        self.assertEqual(facts["seal"]["certificate_sha256"], request.seal_id.fingerprint)
        self.assertEqual(pypdf.PdfReader(io.BytesIO(pdf)).attachments["proof.json"], [proof.json.encode()])
        self.assertIn(proof.sha256, pdf_text(pdf).replace(" ", ""))
        entries = self.env["esign.event"]._journal(request)
        (issued,) = [entry["payload"] for entry in entries if entry["type"] == "proof.issued"]
        self.assertEqual(issued, {"json_sha256": proof.sha256, "pdf_sha256": proof.document_id.sha256})
        chain.verify(request.reference, entries, request.journal_head)
        return facts

    def assert_complete(self, facts, without=()):
        """Check that each item of SECURITY 5.1 is told."""
        for number, paths in ITEMS.items():
            for path in paths if number not in without else ():
                with self.subTest(item=number, path=path):
                    find(facts, path)

    @classmethod
    def prove(cls, request):
        """The same with a browser that says what it is."""
        cls.env.flush_all()
        address = request.signer_ids[:1].email
        ticket = cls.env["esign.ticket"]._find_by_secret(cls.last_secret(address))
        device = ticket._new_device()
        assert ticket._send_code(device, ORIGIN)["ok"]
        assert ticket._check_code(device, cls.last_code(address), ORIGIN)["ok"]
        return ticket

    def run_cron(self, name):
        self.env.flush_all()
        self.env.ref(f"esign_quote.{name}").method_direct_trigger()
        self.env.invalidate_all()

    def decline(self, request, comment="Too late for us", origin=None):
        """Take the way of a customer who declines."""
        ticket = self.prove(request)
        self.assertTrue(ticket._decline(comment, origin or ORIGIN)["ok"])
        self.env.invalidate_all()

    def expire(self, request):
        """Let the date pass, and run the hourly cron."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE esign_request SET expires_on = expires_on - interval '100 days' WHERE id = %s", [request.id]
        )
        self.env.invalidate_all()
        self.run_cron("ir_cron_expire")
        self.assertEqual(request.state, "expired")

    def finish(self):
        """Run the cron that completes, when no lease runs."""
        self.age("esign_request", "lease_until", "3 minutes")
        self.run_cron("ir_cron_complete")

    def without_key(self):
        """Have the server know another secret than the one that its keys are kept under."""
        return patch.dict(os.environ, {"ESIGN_QUOTE_SEAL_SECRET": "another secret than the one of the key"})

    def files_to(self, address, subject):
        """Return the names of the files of each message to an address whose subject holds a word."""
        self.send_queue()
        return [list(item.files) for item in self.sent(address) if subject in item.subject]


@tagged("post_install", "-at_install")
class TestProofItems(ProofCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.write({"company_registry": "123 456 789", "country_id": cls.env.ref("base.fr").id})
        cls.request = cls.send()
        ticket = cls.prove(cls.request)
        ticket._record_last_page(cls.request._document("quote").sha256)
        ticket._record_download(cls.request._document("quote").id)
        answer = cls.answer_of(cls.request, kind="drawn", strokes=DRAWING)
        assert ticket._sign(answer, ORIGIN)["ok"]
        cls.env.invalidate_all()
        cls.facts = json.loads(cls.request.proof_ids.json)
        cls.words = pdf_text(cls.request.proof_ids.document_id._bytes())

    def test_every_item_is_in_the_record_and_in_the_pdf(self):
        self.assert_sound(self.request, "signature")
        self.assertEqual(sorted(ITEMS), list(range(1, 19)))
        self.assert_complete(self.facts)
        self.assertEqual(sorted(item for items in SECTIONS.values() for item in items), sorted(ITEMS))
        signer, proofs = self.request.signer_ids, self.env["esign.proof"]
        for name in SECTIONS:
            section = getattr(proofs, f"_section_{name}")(self.request, signer, self.facts, "0" * 64)
            self.assertIn(section.title, self.words, name)
            self.assertTrue(section.rows, name)

    def test_the_browser_is_named_but_not_its_whole_self_description(self):
        device = self.facts["device"]
        self.assertEqual((device["browser"], device["system"]), ("Firefox", "Linux"))
        validated = [item for item in self.facts["journal"]["entries"] if item["type"] == "code.validated"]
        self.assertEqual(device["secret_sha256"], validated[-1]["payload"]["device_sha256"])
        self.assertEqual(device["ticket"], self.request.signer_ids.ticket_ids.uid)
        self.assertNotIn("Gecko", self.request.proof_ids.json)
        self.assertNotIn("Gecko", self.words)

    def test_the_addresses_of_code_and_answer(self):
        self.assertEqual((self.facts["network"]["at_code"], self.facts["network"]["at_answer"]), ([ORIGIN["ip"]], ORIGIN["ip"]))

    def test_the_reading(self):
        reading = self.facts["reading"]
        self.assertEqual(reading["pages_shown"], 2)
        self.assertEqual([item["sha256"] for item in reading["downloads"]], [self.request._document("quote").sha256])

    def test_the_act(self):
        act = self.facts["act"]
        strokes = self.request.signer_ids.signature_strokes
        self.assertEqual((act["kind"], act["picture_sha256"]), ("drawn", sha256_hex(strokes.encode())))

    def test_the_consent_with_its_moment_and_what_stood_above_the_button(self):
        consent = self.facts["consent"]
        for item in consent["statements"]:
            self.assertTrue(item["at"].endswith("Z"))
        self.assertIn(self.request.recap["total"], consent["recap"]["text"])
        self.assertEqual(consent["recap"]["sha256"], sha256_hex(canonical_json(self.request.recap)))
        (shown,) = [item for item in self.facts["journal"]["entries"] if item["type"] == "recap.shown"]
        self.assertEqual(shown["payload"]["sha256"], consent["recap"]["sha256"])

    def test_the_times_with_their_offset(self):
        times = self.facts["times"]
        self.assertEqual(times["time_zone"], "Europe/Paris")
        self.assertRegex(times["local"], r"\+0[12]:00$")
        self.assertIsNone(times["drift_ms"])
        self.assertEqual(times["tokens"], [])

    def test_the_seal(self):
        seal = self.facts["seal"]
        self.assertEqual((seal["docmdp"], seal["level"], seal["self_signed"]), (1, "PAdES B-B", True))
        self.assertEqual(seal["algorithm"], "ECDSA on secp256r1 with SHA-256")
        self.assertRegex(seal["serial"], r"^[0-9A-F]+$")

    def test_what_the_database_does_not_know_is_not_guessed(self):
        rules = self.facts["rules"]
        self.assertEqual((rules["audience"], rules["place_of_contract"]), ("consumer", "not recorded"))
        self.assertEqual(rules["withdrawal"]["last_day"], "not recorded")
        self.assertEqual(
            rules["withdrawal"]["not_before"], str(self.request.answered_on.date() + timedelta(days=14))
        )
        self.assertIn("7 days", rules["payment"]["seven_day_rule"])
        self.assertEqual(self.facts["application"]["operator"], "not recorded")

    def test_the_way_to_check(self):
        commands = {item["command"]: item["gives"] for item in self.facts["how_to_verify"]["commands"]}
        quote, signed = self.request._document("quote"), self.request._document("signed")
        self.assertEqual(commands["sha256sum signed.pdf"], signed.sha256)
        self.assertEqual(commands[f"head -c {quote.size} signed.pdf | sha256sum"], quote.sha256)
        self.assertEqual(sha256_hex(signed._bytes()[: quote.size]), quote.sha256)
        self.assertIn(f"head -c {quote.size} signed.pdf | sha256sum", self.words)

    def test_it_keeps_ten_years(self):
        self.assertEqual(self.facts["retention"], self.request._retention_facts() | {"until": None})
        self.assertEqual(self.request.proof_ids.retention_until, self.request.retention_until)

    def test_a_proof_says_once_of_what(self):
        with self.assertRaises(AccessError):
            self.request.proof_ids.sudo().write({"kind": "refusal"})


@tagged("post_install", "-at_install")
class TestIdentification(ProofCommon, TransactionCase):
    """Item 6: who wrote down the address, and when; what courts ask for beyond the mailbox."""

    def facts_of(self, request):
        return request.signer_ids.identity_facts

    def test_an_address_recorded_with_the_contact(self):
        (recorded,) = self.facts_of(self.send())["recorded"]
        self.assertEqual((recorded["what"], recorded["by_kind"]), ("email", "the system"))
        self.assertIn("creation of the contact", recorded["source"])
        self.assertTrue(recorded["within_7_days"])

    def test_a_change_by_staff_is_named_and_flagged(self):
        user = self.new_user("contacts", "sales_team.group_sale_salesman,base.group_partner_manager")
        self.env.flush_all()
        self.env.cr.precommit.run()  # the creation of contacts is over
        self.customer.with_user(user).email = "jeanne@other.example"
        self.env.flush_all()
        self.env.cr.precommit.run()
        request = self.send()
        (recorded,) = self.facts_of(request)["recorded"]
        self.assertEqual((recorded["by"], recorded["by_kind"]), (user.login, "staff of the company"))
        self.assertEqual((recorded["source"], recorded["within_7_days"]), ("log of changes", True))
        (entry,) = request.event_ids.filtered(lambda event: event.type == "contact.changed_recently")
        self.assertEqual((entry.payload["field"], entry.payload["by"]), ("email", user.name))
        self.read_and_sign(request)
        words = pdf_text(request._document("proof")._bytes())
        self.assertIn("Less than 7 days before the quotation was sent.", words)
        self.assertIn(user.login, words)

    def test_an_old_address_is_not_flagged(self):
        self.age("res_partner", "create_date", "30 days")
        request = self.send()
        self.assertFalse(self.facts_of(request)["recorded"][0]["within_7_days"])
        self.assertNotIn("contact.changed_recently", self.entries(request))

    def test_a_correction_while_it_is_open_is_told(self):
        request = self.send()
        request.with_user(self.sale_user).sudo()._resend(request.signer_ids, email="jeanne@right.example")
        self.send_queue()
        self.read_and_sign(request)
        (corrected,) = json.loads(request.proof_ids.json)["identification"]["corrected"]
        self.assertTrue(corrected["at"].endswith("Z"))

    def test_the_number_of_a_company(self):
        order = self.new_order(self.new_business_contact())
        number = self.facts_of(self.send(order))["company_number"]
        self.assertEqual(number, {"number": "552 100 554", "check": "not recorded"})

    def test_what_former_versions_knew_is_enough(self):
        request = self.send()
        old = {"customer_since": "2020-01-01", "paid_invoices": 2, "last_paid_invoice": "2025-05-05"}
        request.signer_ids.identity_facts = old
        self.read_and_sign(request)
        facts = self.assert_sound(request, "signature")
        self.assert_complete(facts)
        self.assertIn("2, the last one of", pdf_text(request._document("proof")._bytes()))


@tagged("post_install", "-at_install")
class TestRefusalProof(ProofCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()

    def test_a_refusal_is_proved(self):
        self.decline(self.request)
        facts = self.assert_sound(self.request, "refusal")
        self.assert_complete(facts, ONLY_SIGNED)
        act, quote = facts["act"], self.request._document("quote")
        self.assertEqual((act["kind"], act["comment"]), ("refusal", "Too late for us"))
        self.assertEqual((act["document_sha256"], act["button"]), (quote.sha256, "Decline this quote"))
        self.assertEqual([item["kind"] for item in facts["documents"]], ["quote"])
        self.assertIsNone(facts["consent"])
        self.assertIn("nothing was signed", facts["signature"]["level"])
        self.assertEqual(facts["device"]["browser"], "Firefox")
        self.assertEqual(facts["retention"]["until"], str(self.request.retention_until))
        words = pdf_text(self.request._document("proof")._bytes())
        for part in ("Proof of refusal", "Jeanne Martin declined quotation", "Too late for us", quote.sha256):
            self.assertIn(part.replace(" ", ""), words.replace(" ", ""))
        self.assertFalse(self.request._document("signed"))

    def test_both_get_it_once(self):
        self.decline(self.request)
        name = self.request._document("proof").name
        self.finish()
        self.request._prove_end(lease_held=False)
        self.request._complete()
        for address in (self.customer.email, self.sale_user.email):
            self.assertEqual(self.files_to(address, "Declined"), [[name]])
        self.assert_sound(self.request, "refusal")
        types = self.entries(self.request)
        self.assertEqual((types.count("proof.issued"), types.count("copies.queued")), (1, 1))
        self.assertEqual(self.order.activity_ids.mapped("summary"), [f"Declined: {self.order.name}"])

    def test_without_a_key_the_refusal_stands_and_the_proof_comes_later(self):
        with self.without_key(), mute_logger(COMPLETION):
            self.decline(self.request)
            for _minute in range(2):
                self.finish()
            self.assertEqual((self.request.state, self.order.state), ("declined", "cancel"))
            self.assertFalse(self.request.proof_ids)
            self.assertFalse(self.files_to(self.customer.email, "Declined"))
            self.assertEqual(self.order.activity_ids.mapped("summary"), ["Declined, the proof is not sealed yet"])
        self.finish()
        self.assert_sound(self.request, "refusal")
        self.assertEqual(len(self.files_to(self.customer.email, "Declined")), 1)

    def test_a_crash_between_the_steps(self):
        """A server draws and seals, then dies; another one does it all again; the first one turns out to live."""
        with self.without_key(), mute_logger(COMPLETION):
            self.decline(self.request)
        stamping = self.request._stamping()
        draft = self.env["esign.proof"]._draft(self.request)
        sealed = draft.seal(self.request._sealing_key(), stamping)
        self.finish()
        facts = self.assert_sound(self.request, "refusal")
        before = self.snapshot()
        self.request._finish_end(draft, *sealed, stamping)
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.assert_sound(self.request, "refusal"), facts)

    def test_a_lease_keeps_others_out(self):
        with self.without_key(), mute_logger(COMPLETION):
            self.decline(self.request)
        self.request._prove_end(lease_held=False)
        self.env.invalidate_all()
        self.assertFalse(self.request.proof_ids)

    def test_an_order_that_is_confirmed_meanwhile_is_no_reason_to_lose_it(self):
        with self.without_key(), mute_logger(COMPLETION):
            self.decline(self.request)
        self.order.action_draft()
        self.finish()
        self.assert_sound(self.request, "refusal")


@tagged("post_install", "-at_install")
class TestExpiryProof(ProofCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()

    def test_a_silence_is_proved(self):
        self.expire(self.request)
        self.assertFalse(self.request.proof_ids, "the expiry does not wait for it")
        self.finish()
        facts = self.assert_sound(self.request, "expiry")
        self.assert_complete(facts, {*ONLY_SIGNED, 9})
        self.assertEqual((facts["act"]["kind"], facts["device"], facts["consent"]), ("none", None, None))
        self.assertEqual(facts["act"]["until"][:16], self.request.expires_on.isoformat()[:16])
        (invitation,) = facts["invitation"]
        self.assertEqual(invitation["to"], self.customer.email)
        self.assertTrue(invitation["handed_over_at"])
        words = pdf_text(self.request._document("proof")._bytes())
        for part in ("Proof of expiry without an answer", "neither signed nor declined", "No answer was given."):
            self.assertIn(part, words)

    def test_what_was_opened_and_read_is_told(self):
        ticket = self.prove(self.request)
        ticket._record_last_page(self.request._document("quote").sha256)
        self.expire(self.request)
        self.finish()
        facts = self.assert_sound(self.request, "expiry")
        self.assertEqual(facts["reading"]["pages_shown"], 2)
        self.assertTrue(facts["device"]["ticket"])
        self.assertTrue(facts["reading"]["code_accepted_at"])

    def test_the_company_gets_the_proof_and_the_customer_is_told_once(self):
        self.expire(self.request)
        for _minute in range(2):
            self.finish()
        self.assertEqual(self.files_to(self.sale_user.email, "Expired"), [[self.request._document("proof").name]])
        self.assertEqual(self.files_to(self.customer.email, "Expired"), [[]])
        self.assertEqual(self.order.activity_ids.mapped("summary"), [f"Expired: {self.order.name}"])
        self.assertEqual(self.order.state, "sent")
        types = self.entries(self.request)
        self.assertEqual(types[-4:][0], "proof.issued")
        self.assertEqual((types.count("proof.issued"), types.count("copies.queued")), (1, 1))

    def test_a_key_that_is_out_of_date_does_not_block_the_expiry(self):
        self.age("esign_seal", "valid_to", "20 years")
        with mute_logger(COMPLETION):
            self.expire(self.request)
            for _minute in range(2):
                self.finish()
        self.assertFalse(self.request.proof_ids)
        self.assertIn("Expired, the proof is not sealed yet", self.order.activity_ids.mapped("summary"))
        self.assertEqual(self.entries(self.request).count("seal.failed"), 1)
        new = self.env["esign.seal"]._generate(self.company)
        self.finish()
        self.assert_sound(self.request, "expiry")
        self.assertEqual(self.request.seal_id, new)

    def test_a_procedure_that_was_cancelled_has_none(self):
        self.request.with_user(self.sale_user).action_cancel()
        self.finish()
        self.assertEqual((self.request.state, len(self.request.proof_ids)), ("void", 0))
        self.assertFalse(self.files_to(self.customer.email, "Expired"))

    def test_what_is_open_still_is_left_alone(self):
        before = self.snapshot()
        self.run_cron("ir_cron_expire")
        self.run_cron("ir_cron_complete")
        self.assertEqual(self.snapshot(), before)


@tagged("post_install", "-at_install")
class TestEndPages(ProofCommon, EsignHttpCommon, HttpCase):
    """The customer finds the proof of a refusal or an expiry behind the same link, and in the portal."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()

    def test_the_page_of_a_refusal(self):
        path = self.enter(self.request)
        self.assertEqual(self.post(f"{path}/decline", {"comment": "Too late"}).status_code, 303)
        self._assert_result(path, "is declined")

    def test_the_page_of_an_expiry(self):
        self.expire(self.request)
        self.finish()
        path = self.enter(self.request)
        self._assert_result(path, "This quotation has expired")

    def _assert_result(self, path, words):
        self.env.invalidate_all()
        page = self.get(path)
        self.assertIn(words, text_of(page))
        self.assertIn(self.request.reference, text_of(page))
        proof = self.request._document("proof")
        self.assertIn(f"{path}/file/{proof.uid}", page.text)
        self.assertEqual(self.get(f"{path}/file/{proof.uid}").content, proof._bytes())
        self.assertEqual(self.get(f"{path}/proof.json").content, self.request.proof_ids.json.encode())

    def test_the_page_before_the_proof_is_sealed(self):
        self.expire(self.request)
        path = self.enter(self.request)
        self.assertNotIn("proof", text_of(self.get(path)))

    def test_the_portal(self):
        self.new_user("jeanne", "base.group_portal", partner_id=self.customer.id, email=self.customer.email)
        self.order.message_subscribe(self.customer.ids)
        self.expire(self.request)
        address = f"/my/signatures/{self.request.reference}"
        with self.browser("jeanne"):
            self.assertEqual(self.get(f"{address}/proof").status_code, 404)
            self.assertNotIn(f"{address}/proof", self.get("/my/signatures").text)
            self.finish()
            self.assertIn(f"{address}/proof", self.get("/my/signatures").text)
            self.assertEqual(self.get(f"{address}/proof").content, self.request._document("proof")._bytes())
            self.assertEqual(self.get(f"{address}/signed").status_code, 404)


@tagged("post_install", "-at_install")
class TestProofLanguage(ProofCommon, TransactionCase):
    def test_it_is_in_the_signers_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["ir.module.module"]._load_module_terms(["esign_quote"], ["fr_FR"])
        self.customer.lang = "fr_FR"
        request = self.send()
        self.decline(request)
        facts = self.assert_sound(request, "refusal")
        pdf = pypdf.PdfReader(io.BytesIO(request._document("proof")._bytes()))
        self.assertEqual(pdf.trailer["/Root"]["/Lang"], "fr-FR")
        french = self.env["esign.proof"].with_context(lang="fr_FR")
        self.assertEqual(facts["act"]["button"], french.env._("Decline this quote"))
        self.assertEqual(facts["how_to_verify"]["notice"], french._notice("refusal"))
        words = pdf_text(request._document("proof")._bytes())
        self.assertIn(french._texts("refusal").title, words)
        # A moment in the language's own words.
        self.assertIn(request._moment_text(request.signer_ids, request.answered_on), words)
        self.assertNotIn("(CET)", words)
