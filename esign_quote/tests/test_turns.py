"""Several signers: one after the other, each with the stamps so far before his eyes; one seal at the end."""

import io
import json
from unittest.mock import patch

import pypdf
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.models.esign_request_turns import EsignRequest
from odoo.addons.esign_quote.tools import seal, verify
from odoo.addons.esign_quote.tools.exceptions import SealError

from .common import ORIGIN, EsignCommon, EsignHttpCommon, pdf_text, text_of
from .test_pack import judged, unzip

TURNS = "odoo.addons.esign_quote.models.esign_request_turns"


class TurnsCommon(EsignCommon):
    """Jeanne signs, then Luc, then Zoé."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        create = cls.env["res.partner"].create
        cls.luc = create({"name": "Luc Petit", "email": "luc@partner.example", "lang": "en_US", "tz": "Europe/Paris"})
        cls.zoe = create({"name": "Zoé Roux", "email": "zoe@partner.example", "lang": "en_US", "tz": "Europe/Paris"})

    @classmethod
    def send_to(cls, *others, order=None, **values):
        """Send a quotation that ``others`` sign after Jeanne; return the request."""
        lines = [Command.create({"partner_id": partner.id, "sequence": n}) for n, partner in enumerate(others)]
        return cls.send(order, esign_next_ids=lines, **values)

    @classmethod
    def sign_next(cls, request, **values):
        """Let the signer whose turn it is sign; the mails go out."""
        cls.read_and_sign(request, **values)
        cls.send_queue()
        cls.env.invalidate_all()

    def run_cron(self, name):
        self.env.flush_all()
        self.env.ref(f"esign_quote.{name}").method_direct_trigger()
        self.env.invalidate_all()

    def finish(self):
        """Run the cron that completes, when no lease runs."""
        self.age("esign_request", "lease_until", "3 minutes")
        self.run_cron("ir_cron_complete")

    def payloads(self, request, kind):
        return request.event_ids.filtered(lambda entry: entry.type == kind).sorted("seq").mapped("payload")


@tagged("post_install", "-at_install")
class TestSendingToSeveral(TurnsCommon, TransactionCase):
    def test_nobody_is_asked_before_his_turn(self):
        request = self.send_to(self.luc, self.zoe)
        self.assertEqual(request.signer_ids.mapped("name"), ["Jeanne Martin", "Luc Petit", "Zoé Roux"])
        self.assertEqual(request.signer_ids.mapped("sequence"), [1, 2, 3])
        self.assertEqual(len(self.sent(self.customer.email)), 1)
        self.assertFalse(self.sent(self.luc.email) + self.sent(self.zoe.email))
        self.assertFalse(request.signer_ids[1:].message_id)

    def test_the_order_is_that_of_the_window(self):
        request = self.send_to(self.zoe, self.luc)
        self.assertEqual(request.signer_ids.mapped("name"), ["Jeanne Martin", "Zoé Roux", "Luc Petit"])

    def test_each_has_wording_and_place_of_his_own(self):
        self.luc.lang = self.env["res.lang"]._activate_lang("fr_FR").code
        request = self.send_to(self.luc)
        jeanne, luc = request.signer_ids
        self.assertIn("I am Jeanne Martin", jeanne.consents[0]["text"])
        self.assertIn("Luc Petit", luc.consents[0]["text"])
        self.assertNotEqual(jeanne.consents[0]["text"].split()[0], luc.consents[0]["text"].split()[0])
        self.assertNotEqual(jeanne.placement, luc.placement)

    def test_one_signer_leaves_the_journal_as_it_was(self):
        request = self.send_to()
        self.assertFalse(any("signer" in (entry.payload or {}) for entry in request.event_ids))

    def test_who_cannot_sign_is_refused_before_anything_is_sent(self):
        self.luc.email = False
        with self.assertRaisesRegex(UserError, "Luc Petit has no valid e-mail address"):
            self.send_to(self.luc)
        self.luc.email = self.customer.email
        with self.assertRaisesRegex(UserError, "same e-mail address"):
            self.send_to(self.luc)
        with self.assertRaisesRegex(UserError, "twice among those who sign"):
            self.send_to(self.zoe, self.zoe)
        crowd = self.env["res.partner"].create([{"name": f"P{n}", "email": f"p{n}@many.example"} for n in range(6)])
        with self.assertRaisesRegex(UserError, "At most 6 persons"):
            self.send_to(*crowd)
        self.assertFalse(self.order.esign_request_ids)
        self.assertFalse(self.sent())

    def test_the_window_offers_it_with_the_box_only(self):
        action = self.order.with_user(self.sale_user).action_esign_send()
        form = Form(self.env["mail.compose.message"].with_user(self.sale_user).with_context(**action["context"]))
        self.assertFalse(form._get_modifier("esign_next_ids", "invisible"))
        form.esign_send = False
        self.assertTrue(form._get_modifier("esign_next_ids", "invisible"))

    def test_send_later_keeps_the_others(self):
        composer = self.compose(esign_next_ids=[Command.create({"partner_id": self.luc.id})])
        composer.scheduled_date = "2030-01-01 10:00:00"
        composer.action_schedule_message()
        self.env["mail.scheduled.message"].search([("res_id", "=", self.order.id)]).post_message()
        self.assertEqual(self.order.sudo().esign_request_id.signer_ids.mapped("name"), ["Jeanne Martin", "Luc Petit"])


@tagged("post_install", "-at_install")
class TestTurns(TurnsCommon, TransactionCase):
    def setUp(self):
        super().setUp()
        self.request = self.send_to(self.luc, self.zoe)
        self.jeanne, self.second, self.third = self.request.signer_ids

    def test_an_acceptance_passes_the_turn_on(self):
        self.sign_next(self.request)
        self.assertEqual((self.request.state, self.request.turn, self.request.to_invite), ("sent", 2, False))
        self.assertFalse(self.request.answered_on or self.request._document("signed"))
        self.assertEqual(self.order.state, "sent")
        (invitation,) = self.sent(self.luc.email)
        self.assertIn("It is your turn", invitation.subject)
        self.assertIn("Signed already by: Jeanne Martin", " ".join(invitation.text.split()))
        self.assertFalse(self.sent(self.zoe.email))

    def test_the_next_signer_sees_the_stamps_so_far(self):
        self.sign_next(self.request)
        quote, preview = self.request._document("quote"), self.second.preview_id
        self.assertEqual((preview.kind, self.second._shown_document()), ("preview", preview))
        content = preview._bytes()
        self.assertTrue(content.startswith(quote._bytes()))
        self.assertEqual(pdf_text(content).count("Accepted electronically by"), 1)
        self.assertIn("Jeanne Martin", pdf_text(content))
        self.assertNotIn("/AcroForm", pypdf.PdfReader(io.BytesIO(content)).trailer["/Root"])
        self.sign_next(self.request, name="Luc Petit")
        words = pdf_text(self.third.preview_id._bytes())
        self.assertEqual(words.count("Accepted electronically by"), 2)
        self.assertIn("Luc Petit", words)

    def test_what_was_shown_is_what_is_reported(self):
        self.sign_next(self.request)
        ticket = self.prove(self.request)
        self.assertFalse(ticket._record_last_page(self.request._document("quote").sha256))
        self.assertTrue(ticket._record_last_page(self.second.preview_id.sha256))
        self.assertEqual(self.payloads(self.request, "document.stamped")[0]["sha256"], self.second.preview_id.sha256)

    def test_all_stamps_and_one_seal(self):
        for name in ("Jeanne Martin", "Luc Petit", "Zoé Roux"):
            self.sign_next(self.request, name=name)
        self.assertEqual((self.request.state, self.order.state), ("signed", "sale"))
        self.assertEqual(self.order.signed_by, "Jeanne Martin, Luc Petit, and Zoé Roux")
        quote, signed = self.request._document("quote")._bytes(), self.request._document("signed")._bytes()
        words = pdf_text(signed)
        self.assertEqual(words.count("Accepted electronically by"), 3)
        for name in ("Jeanne Martin", "Luc Petit", "Zoé Roux"):
            self.assertIn(name, words)
        self.assertTrue(signed.startswith(quote))
        self.assertEqual(signed[len(quote) :].count(b"startxref"), 1)
        key = self.request.seal_id._load()
        self.assertTrue(
            verify.verify_strict(signed, key.certificate, self.request._document("quote").sha256, len(quote)).ok
        )
        for signer in self.request.signer_ids:
            self.assertTrue(any("Signed" in item.subject for item in self.sent(signer.email)), signer.email)
        self.assertEqual(len(self.sent(self.sale_user.email)), 1)

    def test_one_proof_tells_of_everybody(self):
        for name in ("Jeanne Martin", "Luc Petit", "Zoé Roux"):
            self.sign_next(self.request, name=name)
        proof = self.request.proof_ids
        facts = json.loads(proof.json)
        people = [facts, *facts["further_signers"]]
        self.assertEqual([person["signer"]["turn"] for person in people], [1, 2, 3])
        self.assertEqual([person["signer"]["email"] for person in people], self.request.signer_ids.mapped("email"))
        for person, signer in zip(people, self.request.signer_ids, strict=True):
            self.assertEqual(person["act"]["kind"], "typed")
            self.assertEqual(person["reading"]["sha256_of_what_was_shown"], signer._shown_document().sha256)
            self.assertEqual(len(person["invitation"]), 1)
            kinds = [item["type"] for item in person["authentication"]["sent_and_validated"]]
            self.assertEqual(kinds.count("code.validated"), 1)
            self.assertTrue(person["device"]["secret_sha256"])
        self.assertEqual(len({person["device"]["secret_sha256"] for person in people}), 3)
        self.assertEqual([item["kind"] for item in facts["documents"]].count("preview"), 2)
        _name, pack = self.request._dispute_pack()
        files, (code, said) = unzip(pack), judged(pack)
        self.assertEqual((code, said.count(": YES"), said.count("previews/")), (0, 3, 2), said)
        for signer in self.request.signer_ids[1:]:
            preview = signer.preview_id
            self.assertEqual(files[f"previews/{signer.sequence}.pdf"], preview._bytes())
            found = self.env["esign.request"]._verify_hash(preview.sha256)
            self.assertEqual((found["word"], found["answers"][0]["answer"]), ("original", "no"))
        words = pdf_text(proof.document_id._bytes())
        for title in ("The signer (1. Jeanne Martin)", "The signer (2. Luc Petit)", "The signer (3. Zoé Roux)"):
            self.assertIn(title, words)
        self.assertIn("Jeanne Martin, Luc Petit, and Zoé Roux have all accepted quotation", words)

    def test_nobody_signs_out_of_turn_or_twice(self):
        self.sign_next(self.request)
        ticket = self.jeanne.ticket_ids[:1]
        for signer in (self.jeanne, self.third):
            outcome = self.request._sign(signer.id, self.answer_of(self.request), ORIGIN)
            self.assertEqual((outcome["ok"], outcome.get("reason")), (False, "closed"), signer.name)
            self.assertFalse(self.request._decline(signer.id, "no", ORIGIN)["ok"])
        self.env.invalidate_all()
        self.assertEqual((self.request.state, self.request.turn), ("sent", 2))
        self.assertEqual(ticket._step("sign"), "result")
        self.assertFalse(self.third.answer)

    def test_a_refusal_ends_it_for_all(self):
        self.sign_next(self.request)
        self.prove(self.request)
        self.request._decline(self.second.id, "too dear", ORIGIN)
        self.send_queue()
        self.env.invalidate_all()
        self.assertEqual((self.request.state, self.order.state), ("declined", "cancel"))
        self.assertIn("binds you to nothing", self.sent(self.customer.email)[-1].text)
        self.assertIn("You have declined", self.sent(self.luc.email)[-1].text)
        self.assertFalse(self.sent(self.zoe.email))
        facts = json.loads(self.request.proof_ids.json)
        acts = [person["act"] for person in (facts, *facts["further_signers"])]
        self.assertEqual([act["kind"] for act in acts], ["typed", "refusal", "none"])
        self.assertIs(acts[2]["asked"], False)
        words = pdf_text(self.request.proof_ids.document_id._bytes())
        self.assertIn("Luc Petit declined quotation", words)
        self.assert_partly_signed(facts, words)
        self.assertIn("This person was not asked any more", words)

    def test_silence_ends_it_for_all(self):
        self.sign_next(self.request)
        self.age("esign_request", "expires_on", "100 days")
        self.run_cron("ir_cron_expire")
        self.run_cron("ir_cron_complete")
        self.send_queue()
        self.env.invalidate_all()
        self.assertEqual(self.request.state, "expired")
        self.assertIn("binds you to nothing", self.sent(self.customer.email)[-1].text)
        self.assertIn("no contract was concluded", self.sent(self.luc.email)[-1].text)
        self.assertFalse(self.sent(self.zoe.email))
        facts = json.loads(self.request.proof_ids.json)
        self.assertEqual((facts["kind"], facts["act"]["kind"]), ("expiry", "typed"))
        words = pdf_text(self.request.proof_ids.document_id._bytes())
        self.assertIn("open for the signature of Luc Petit", words)
        self.assert_partly_signed(facts, words)

    def assert_partly_signed(self, facts, words):
        """A proof must not say that nothing was signed where it tells of a signature."""
        self.assertEqual(facts["signature"]["level"], "none: not everybody signed, nothing was concluded")
        self.assertIn("Jeanne Martin had signed before; as not everybody did, nothing was concluded", words)
        self.assertIn("None: not everybody signed", words)
        self.assertNotRegex(words, "(?i)nothing was signed|neither signed nor declined|found no answer")
        _name, pack = self.request._dispute_pack()
        told = [words for name, words in unzip(pack).items() if name.startswith(("README", "check"))]
        told += [mail.html.encode() for mail in self.sent()]
        for words in told:
            self.assertNotRegex(words.decode(), "(?i)nothing was signed|rien n'a été signé")

    def test_a_change_frees_those_who_signed(self):
        self.sign_next(self.request)
        self.order.order_line[0].price_unit += 1
        self.env.flush_all()
        self.send_queue()
        self.assertEqual(self.request.state, "void")
        self.assertIn("Closed", self.sent(self.customer.email)[-1].subject)
        self.assertEqual(len(self.sent(self.luc.email)), 1)  # the invitation

    def test_a_crash_between_two_signers_is_made_good(self):
        with (
            patch.object(EsignRequest, "_pass_on", side_effect=RuntimeError("power cut")),
            mute_logger("odoo.addons.esign_quote.models.esign_request_answer"),
        ):
            self.read_and_sign(self.request)
        self.assertEqual((self.request.turn, self.request.to_invite, self.second.message_id.id), (2, True, False))
        self.assertFalse(self.second._is_due())
        with self.assertRaises(UserError):
            self.request._resend(self.second)
        self.run_cron("ir_cron_complete")  # the lease of the click still runs
        self.assertTrue(self.request.to_invite)
        for _number in range(2):
            self.finish()
        self.send_queue()
        self.assertEqual(len(self.sent(self.luc.email)), 1)
        self.assertTrue(self.second._is_due())

    def test_a_preview_that_fails_is_told_once_and_tried_again(self):
        with patch.object(seal, "stamp_pdf", side_effect=SealError("stamping_failed")), mute_logger(TURNS):
            self.read_and_sign(self.request)
            self.finish()
        activities = self.order.activity_ids.filtered(lambda item: "next signer" in (item.summary or ""))
        self.assertEqual(len(activities), 1)
        self.assertEqual((self.request.state, self.jeanne.answer, self.request.to_invite), ("sent", "signed", True))
        self.finish()
        self.assertTrue(self.second.preview_id)

    def test_the_steps_on_the_quotation(self):
        labels = [step["label"] for step in self.request._progress_steps()]
        self.assertEqual(labels[:1], ["Sent"])
        self.assertEqual(labels[4:7], [f"To be signed by {name}" for name in self.request.signer_ids.mapped("name")])
        self.sign_next(self.request)
        steps = self.request._progress_steps()
        self.assertEqual([step["label"] for step in steps[:2]], ["Signed by Jeanne Martin", "Sent"])
        self.assertEqual([step["status"] for step in steps[:3]], ["done", "done", "current"])

    def test_the_link_goes_to_who_is_due(self):
        self.sign_next(self.request)
        wizard = (
            self.env["esign.resend"]
            .with_user(self.sale_user)
            .create({"request_id": self.request.id, "update_contact": False})
        )
        self.assertEqual(wizard.email, self.luc.email)
        wizard.email = "luc.petit@partner.example"
        wizard.action_send()
        self.send_queue()
        self.assertEqual(self.second.email, "luc.petit@partner.example")
        self.assertTrue(self.sent("luc.petit@partner.example"))
        self.assertEqual(self.jeanne.email, self.customer.email)
        corrected = self.payloads(self.request, "contact.corrected")
        self.assertEqual([payload["signer"] for payload in corrected], [2])

    def test_a_lost_link_is_sent_to_who_is_due_only(self):
        self.sign_next(self.request)
        for address in (self.customer.email, self.zoe.email):
            count = len(self.sent(address))
            self.env["esign.link.wish"].create({"email": address})
            self.run_cron("ir_cron_wishes")
            self.send_queue()
            self.assertEqual(len(self.sent(address)), count)


@tagged("post_install", "-at_install")
class TestTurnsPages(TurnsCommon, EsignHttpCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send_to(cls.luc)

    def sign_here(self, **values):
        path = self.enter_and_read(self.request)
        response = self.submit(self.request, path, **values)
        self.assertEqual(response.status_code, 303, text_of(response))
        self.send_queue()
        self.env.invalidate_all()
        return text_of(self.get(path)), path

    def test_from_the_first_to_the_last(self):
        page, first = self.sign_here(name="Jeanne Martin")
        self.assertIn("Your signature is recorded", page)
        self.assertIn("Luc Petit: asked now", page)
        with self.browser():
            path = self.enter(self.request)
            page = self.get(path)
            self.assertIn("Signed by Jeanne Martin on", text_of(page))
            preview = self.request.signer_ids[1].preview_id
            self.assertIn(f"/show/{preview.uid}", page.text)
            shown = self.get(f"{path}/file/{preview.uid}")
            self.assertEqual(shown.content, preview._bytes())
            self.assertNotIn("attachment", shown.headers.get("Content-Disposition", ""))
            self.read(self.request, path)
            self.assertEqual(self.submit(self.request, path, name="Luc Petit").status_code, 303)
            self.env.invalidate_all()
            page = text_of(self.get(path))
            self.assertIn("is signed", page)
            self.assertIn("Signed by Jeanne Martin on", page)
            self.assertIn("Signed by Luc Petit on", page)
        self.assertIn("is signed", text_of(self.get(first)))

    def test_a_second_click_of_the_first_is_nobody_elses(self):
        _page, path = self.sign_here(name="Jeanne Martin")
        before = self.snapshot("esign_signer", "esign_event")
        self.assertEqual(self.post(f"{path}/sign", self.answer_of(self.request)).status_code, 303)
        self.assertEqual(self.post(f"{path}/decline", {"comment": "after all"}).status_code, 303)
        self.assertEqual(self.snapshot("esign_signer", "esign_event"), before)

    def test_who_comes_back_is_told_how_far_it_is(self):
        _page, path = self.sign_here(name="Jeanne Martin")
        self.post(f"{path}/leave")
        self.assertIn(
            "others are still to sign", text_of(self.get(f"/esign/t/{self.last_secret(self.customer.email)}"))
        )
