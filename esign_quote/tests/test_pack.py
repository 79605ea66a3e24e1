"""The dispute pack: complete, the same each time, checked by the checkers that are in it, without secrets."""

import email
import email.policy
import io
import json
import subprocess
import sys
import tempfile
import zipfile

from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, TransactionCase, tagged

from odoo.addons.esign_quote.tools.hashing import sha256_hex
from odoo.addons.esign_quote.tools.pack import CHECKERS

from .common import LINK, ORIGIN, EsignCommon, EsignHttpCommon, make_pdf


def unzip(content):
    archive = zipfile.ZipFile(io.BytesIO(content))
    return {name: archive.read(name) for name in archive.namelist()}


def judged(content, *options):
    """Run the checker as anybody would: return its code and what it says."""
    with tempfile.NamedTemporaryFile(suffix=".zip") as file:
        file.write(content)
        file.flush()
        command = [sys.executable, "-I", str(CHECKERS / "check.py"), file.name, "--lang", "en", *options]
        result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)  # noqa: S603
    return result.returncode, result.stdout + result.stderr


@tagged("post_install", "-at_install")
class TestPack(EsignCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order = cls.new_order()
        composer = cls.compose()
        cls.attach(composer, "Plan d'étage.pdf", make_pdf("Plan"))
        composer.action_send_mail()
        cls.request = cls.order.sudo().esign_request_id
        cls.read_and_sign(cls.request)
        cls.send_queue()
        cls.name, cls.content = cls.request._dispute_pack()
        cls.files = unzip(cls.content)

    def test_it_is_complete(self):
        self.assertEqual(self.name, f"{self.request.reference}.zip")
        expected = {
            "README-en.txt",
            "README-fr.txt",
            "SHA256SUMS",
            "annexes/01-Plan-d-etage.pdf",
            "certificates/seal-1.der",
            "check.html",
            "check.py",
            "journal.json",
            "proof.json",
            "proof.pdf",
            "signed.pdf",
        }
        self.assertLessEqual(expected, set(self.files))
        mails = {name for name in self.files if name.startswith("mails/")}
        self.assertEqual(len(mails), 3, "invitation, copy to the customer, copy to the company")
        self.assertEqual(self.files["signed.pdf"], self.request._document("signed")._bytes())
        self.assertEqual(sha256_hex(self.files["certificates/seal-1.der"]), self.request.seal_id.fingerprint)
        journal = json.loads(self.files["journal.json"])
        self.assertEqual(
            (journal["head"], len(journal["entries"])), (self.request.journal_head, self.request.journal_seq)
        )

    def test_its_own_checker_finds_it_authentic(self):
        code, said = judged(self.content)
        self.assertEqual(code, 0, said)
        self.assertEqual(said.count(": YES"), 3, said)
        self.assertIn(f"Signature {self.request.reference} of quotation {self.order.name}", said)
        self.assertEqual(judged(self.content, "--certificate", self.request.seal_id.fingerprint)[0], 0)

    def test_the_same_evidence_gives_the_same_bytes(self):
        self.env.invalidate_all()
        self.assertEqual(self.request._dispute_pack(), (self.name, self.content))

    def test_the_readme_holds_the_fingerprints(self):
        quote = self.request._document("quote")
        for lang in ("en", "fr"):
            text = self.files[f"README-{lang}.txt"].decode()
            self.assertIn(f"head -c {quote.size} signed.pdf | sha256sum", text)
            for value in (quote.sha256, self.request._document("signed").sha256, self.request.seal_id.fingerprint):
                self.assertIn(value, text)

    def test_the_mails_are_what_was_sent_without_what_opens_anything(self):
        secret, code = self.last_secret(self.customer.email), self.last_code(self.customer.email)
        subjects = set()
        for name in (name for name in self.files if name.startswith("mails/")):
            parsed = email.message_from_bytes(self.files[name], policy=email.policy.default)
            words = "\n".join(part.get_content() for part in parsed.walk() if not part.is_multipart())
            self.assertFalse(LINK.search(words) or secret in words or code in words, name)
            subjects.add(parsed["Subject"])
        self.assertLessEqual(subjects, {item.subject for item in self.sent()})
        invitation = email.message_from_bytes(self.files["mails/1.eml"], policy=email.policy.default)
        body = invitation.get_body(("html",)).get_content()
        self.assertIn("/esign/t/…", body)
        self.assertIn(self.customer.email, invitation["To"])

    def test_the_attachments_of_mails_stand_by_their_fingerprints(self):
        signed = self.request._document("signed")
        copies = [self.files[name] for name in self.files if name.startswith("mails/")]
        words = [
            "\n".join(part.get_content() for part in email.message_from_bytes(source, policy=email.policy.default).walk()
                      if not part.is_multipart())
            for source in copies
        ]  # fmt: skip
        self.assertEqual(sum(signed.sha256 in text for text in words), 2)
        self.assertFalse(any(b"JVBERi0" in source for source in copies), "no PDF in base64")

    def test_codes_are_kept_nowhere(self):
        kinds = self.env["esign.mail.source"].search([]).delivery_id.mapped("kind")
        self.assertNotIn("code", kinds)
        self.assertIn("invitation", kinds)

    def test_a_refusal_and_an_expiry_have_packs_too(self):
        for state, said in (("declined", "Refusal"), ("expired", "Expiry")):
            request = self.send(self.new_order())
            if state == "declined":
                self.prove(request)._decline("too dear", ORIGIN)
            else:
                self.age("esign_request", "expires_on", "1 year")
                self.env.ref("esign_quote.ir_cron_expire").method_direct_trigger()
            self.env.ref("esign_quote.ir_cron_complete").method_direct_trigger()
            self.env.invalidate_all()
            self.assertEqual((request.state, len(request.proof_ids)), (state, 1))
            _name, content = request._dispute_pack()
            code, words = judged(content)
            self.assertEqual(code, 0, words)
            self.assertIn(f"{said} {request.reference} of quotation {request.order_name}", words)
            self.assertIn("holds the same proof record, under its seal", words)
            files = unzip(content)
            self.assertTrue("quotation.pdf" in files and "signed.pdf" not in files)
            self.assertIn("No contract was concluded", files["README-en.txt"].decode())

    def test_nothing_is_packed_before_there_is_a_proof(self):
        request = self.send(self.new_order())
        self.assertFalse(request._has_pack())
        with self.assertRaisesRegex(UserError, "no proof"):
            request._dispute_pack()
        with self.assertRaisesRegex(UserError, "no proof"):
            request.action_dispute_pack()

    def test_who_may_have_it(self):
        stranger = self.new_user("stranger", "sales_team.group_sale_salesman")
        requests = self.env["esign.request"]
        self.assertTrue(requests.with_user(self.sale_user)._staff_pack(self.request.reference))
        self.assertIsNone(requests.with_user(stranger)._staff_pack(self.request.reference))
        self.assertIsNone(requests.with_user(stranger)._portal_pack(self.request.reference))

    def test_the_journal_tells_which_colleague_had_it(self):
        stranger = self.new_user("stranger", "sales_team.group_sale_salesman")
        with self.assertRaises(AccessError):
            self.request.with_user(stranger).action_dispute_pack()
        action = self.request.with_user(self.sale_user).action_dispute_pack()
        self.assertEqual(action["url"], f"/esign/pack/{self.request.reference}")
        last = self.request.event_ids.sorted("seq")[-1]
        self.assertEqual((last.type, last.actor), ("pack.downloaded", f"user:{self.sale_user.login}"))

    def test_a_changed_pack_is_found_out(self):
        position = self.content.index(b'"actor":"customer') + 10 if b'"actor":"customer' in self.content else None
        position = position or self.content.index(b'"actor":"') + 10
        changed = self.content[:position] + bytes([self.content[position] ^ 1]) + self.content[position + 1 :]
        self.assertNotEqual(judged(changed)[0], 0)


@tagged("post_install", "-at_install")
class TestPackByHttp(EsignHttpCommon, HttpCase):
    def test_behind_the_code_and_on_the_form(self):
        request = self.send()
        path = self.enter_and_read(request)
        self.assertEqual(self.get(f"{path}/pack").status_code, 404, "nothing is proved yet")
        self.submit(request, path)
        self.assertIn(f'href="{path}/pack"', self.get(path).text)
        response = self.get(f"{path}/pack")
        self.assertEqual((response.status_code, response.headers["Content-Type"]), (200, "application/zip"))
        self.assertEqual(judged(response.content)[0], 0)
        with self.browser("salesman" if self.env["res.users"].search([("login", "=", "salesman")]) else "admin"):
            staff = self.get(f"/esign/pack/{request.reference}")
            self.assertEqual((staff.status_code, staff.content), (200, response.content))
            self.assertEqual(self.get("/esign/pack/ES-2222-2222-2222").status_code, 404)
