"""Law 8: evidence is appended to, by nobody changed or deleted; and what it holds."""

import base64
import io
import json

import psycopg2
from asn1crypto import x509 as asn1_x509
from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL, mute_logger
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext

from odoo.addons.esign_quote.tools import chain, verify
from odoo.addons.esign_quote.tools.exceptions import ChainBroken
from odoo.addons.esign_quote.tools.hashing import canonical_json, sha256_hex

from .common import DRAWING, ORIGIN, EsignCommon, make_pdf, pdf_text

EVIDENCE = ("esign.event", "esign.document", "esign.proof")


@tagged("post_install", "-at_install")
class TestAppendOnly(EsignCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.read_and_sign(cls.send())

    def rows(self):
        return {
            "esign.event": self.request.event_ids,
            "esign.document": self.request.document_ids,
            "esign.proof": self.request.proof_ids,
        }

    def files(self):
        domain = [("res_model", "=", "esign.document"), ("res_field", "=", "content")]
        return self.env["ir.attachment"].sudo().search([*domain, ("res_id", "in", self.request.document_ids.ids)])

    def test_the_orm_refuses_even_the_superuser(self):
        for model, records in self.rows().items():
            self.assertTrue(records, model)
            with self.subTest(model=model), self.assertRaises(AccessError):
                records.sudo().write({"create_uid": 1})
            with self.subTest(model=model), self.assertRaises(AccessError):
                records.sudo().unlink()

    def test_the_orm_refuses_for_their_files(self):
        self.assertEqual(len(self.files()), 3, "quote, signed quote, proof")
        with self.assertRaises(AccessError):
            self.files().write({"name": "other"})
        with self.assertRaises(AccessError):
            self.files()[0].raw = b"other"
        with self.assertRaises(AccessError):
            self.files().unlink()

    def test_the_database_refuses_as_well(self):
        attachment = self.files()[0].id
        tables = [SQL.identifier(self.env[model]._table) for model in EVIDENCE]
        statements = [
            SQL("DELETE FROM ir_attachment WHERE id = %s", attachment),
            SQL("UPDATE ir_attachment SET store_fname = 'x' WHERE id = %s", attachment),
            *(SQL("UPDATE %s SET create_uid = 1", table) for table in tables),
            *(SQL("DELETE FROM %s", table) for table in tables),
            *(SQL("TRUNCATE %s CASCADE", table) for table in tables),
        ]
        for statement in statements:
            with (
                self.subTest(statement=statement.code),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(statement)

    def test_other_attachments_are_free(self):
        attachment = self.env["ir.attachment"].create({"name": "note.txt", "raw": b"a", "res_model": "esign.document"})
        attachment.raw = b"b"
        attachment.unlink()

    def test_a_request_and_its_quotation_stay(self):
        with self.assertRaises(Exception), mute_logger("odoo.sql_db"), self.env.cr.savepoint():  # noqa: B017
            self.request.sudo().unlink()
        with self.assertRaises(Exception), mute_logger("odoo.sql_db"), self.env.cr.savepoint():  # noqa: B017
            self.order.sudo().unlink()
            self.env.flush_all()
        self.assertTrue(self.request.exists() and self.order.exists())

    def test_other_files_can_be_moved(self):
        """Odoo moves all files of a database in one go; evidence stays where it is."""
        before = self.files().mapped("store_fname")
        other = self.env["ir.attachment"].create({"name": "note.txt", "raw": b"a"})
        self.env["ir.config_parameter"].sudo().set_param("ir_attachment.location", "db")
        (other | self.files())._migrate()
        self.assertEqual((other.store_fname, other.raw), (False, b"a"))
        self.assertEqual(self.files().mapped("store_fname"), before)

    def test_what_holds_evidence_is_not_deleted_either(self):
        with self.assertRaisesRegex(UserError, "it can be cancelled, not deleted"):
            self.request.unlink()
        with self.assertRaises(psycopg2.errors.ForeignKeyViolation), mute_logger("odoo.sql_db"):
            self.request.signer_ids.unlink()
        with self.assertRaisesRegex(AccessError, "must stay verifiable"):
            self.request.seal_id.unlink()

    def test_the_journal_verifies_and_an_edit_would_show(self):
        entries = self.env["esign.event"]._journal(self.request)
        self.assertEqual(chain.verify(self.request.reference, entries, self.request.journal_head), entries[-1]["hash"])
        for change in ({"actor": "somebody"}, {"at": "2020-01-01T00:00:00.000Z"}, {"payload": {"ip": "203.0.113.9"}}):
            entries = self.env["esign.event"]._journal(self.request)
            entries[3].update(change)
            with self.assertRaises(ChainBroken):
                chain.verify(self.request.reference, entries)

    def test_the_proof_is_canonical_and_names_the_files(self):
        proof = self.request.proof_ids
        self.assertEqual(proof.sha256, sha256_hex(proof.json.encode()))
        self.assertEqual(canonical_json(json.loads(proof.json)).decode(), proof.json)
        for document in self.request.document_ids - proof.document_id:
            self.assertIn(document.sha256, proof.json)
            self.assertEqual(sha256_hex(document._bytes()), document.sha256)

    def test_both_files_are_sealed_with_the_companys_key(self):
        quote, signed = self.request._document("quote"), self.request._document("signed")
        certificate = self.request.seal_id._load().certificate
        self.assertTrue(signed._bytes().startswith(quote._bytes()))
        self.assertTrue(verify.verify_strict(signed._bytes(), certificate, quote.sha256, quote.size).ok)
        self.assertTrue(verify.verify_strict(self.request._document("proof")._bytes(), certificate).ok)

    def test_a_file_changed_on_the_disk_is_not_served(self):
        attachment = self.files()[0]
        path = self.env["ir.attachment"]._full_path(attachment.store_fname)
        with open(path, "rb") as stream:
            original = stream.read()
        self.addCleanup(self._write, path, original)
        self._write(path, original[:-1] + b"\0")
        attachment.invalidate_recordset()
        with self.assertRaisesRegex(Exception, "damaged"):
            self.env["esign.document"].browse(attachment.res_id)._bytes()

    def _write(self, path, content):
        with open(path, "wb") as stream:
            stream.write(content)


@tagged("post_install", "-at_install")
class TestProof(EsignCommon, TransactionCase):
    """What the proof holds: the list of SECURITY.md 5.1."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.contact = cls.new_business_contact()
        cls.company.write(
            {
                "company_registry": "123 456 789",
                "esign_terms": base64.b64encode(make_pdf("Terms")),
                "esign_terms_name": "terms.pdf",
                "esign_terms_date": "2026-01-31",
            }
        )
        cls.order = cls.new_order(cls.contact)
        composer = cls.compose()
        cls.attach(composer, "plan.pdf", make_pdf("Plan"))
        composer.action_send_mail()
        cls.request = cls.order.sudo().esign_request_id
        cls.read_and_sign(
            cls.request, name="Paul Durand-Petit", capacity="Managing partner", kind="drawn", strokes=DRAWING
        )
        cls.proof = cls.request.proof_ids
        cls.facts = json.loads(cls.proof.json)
        cls.words = pdf_text(cls.proof.document_id._bytes())

    def test_application_and_company(self):
        self.assertEqual(self.facts["format"], "esign_quote/proof/2")
        self.assertEqual(self.facts["application"]["name"], "esign_quote")
        self.assertTrue(self.facts["application"]["version"].startswith("19.0."))
        company = self.facts["company"]
        self.assertEqual(
            (company["name"], company["registration"], company["email"]),
            ("Atelier Nord", "123 456 789", "office@seller.example"),
        )

    def test_one_identifier_everywhere(self):
        reference = self.request.reference
        self.assertEqual(self.facts["signature"]["identifier"], reference)
        self.assertEqual(self.facts["signature"]["quotation"], self.order.name)
        self.assertIn(reference, self.words)
        self.assertIn(reference, pdf_text(self.request._document("signed")._bytes()))

    def test_no_more_is_claimed_than_a_simple_signature(self):
        self.assertIn("simple electronic signature", self.facts["signature"]["level"])
        self.assertIn("qualified", self.facts["signature"]["not_claimed"])
        for word in ("presumed", "indisputable", "handwritten"):
            self.assertNotIn(word, self.words.lower())

    def test_each_document_with_its_name_size_and_hash(self):
        listed = {item["kind"]: item for item in self.facts["documents"]}
        self.assertEqual(set(listed), {"quote", "annex", "terms", "signed"})
        for kind, item in listed.items():
            document = self.request._document(kind)
            self.assertEqual(
                (item["name"], item["bytes"], item["sha256"]), (document.name, document.size, document.sha256)
            )
            self.assertEqual(sha256_hex(document._bytes()), item["sha256"])
            self.assertIn(item["sha256"], self.words.replace(" ", ""))
        self.assertEqual(self.facts["signature"]["total"], "40.0")
        self.assertEqual(self.facts["signature"]["currency"], self.order.currency_id.name)

    def test_the_signer(self):
        signer = self.facts["signer"]
        self.assertEqual((signer["name_on_file"], signer["name_declared"]), ("Paul Durand", "Paul Durand-Petit"))
        self.assertEqual((signer["email"], signer["capacity"]), ("paul@brasserie.example", "Managing partner"))
        self.assertEqual((signer["company"], signer["company_registration"]), ("Brasserie du Port", "552 100 554"))
        self.assertEqual(signer["ip_at_consent"], ORIGIN["ip"])
        for part in ("Paul Durand-Petit", "paul@brasserie.example", "Managing partner"):
            self.assertIn(part, self.words)

    def test_what_was_known_beyond_the_mailbox(self):
        self.assertEqual(self.facts["identification"]["paid_invoices"], 0)
        self.assertEqual(self.facts["identification"]["customer_since"], str(self.contact.parent_id.create_date.date()))

    def test_the_mechanism(self):
        code = self.facts["authentication"]
        self.assertEqual(
            (code["channel"], code["code_digits"], code["code_minutes"], code["tries"]), ("e-mail", 6, 5, 3)
        )
        self.assertFalse(code["code_kept"])
        self.assertEqual(
            [item["type"] for item in code["sent_and_validated"]], ["code.requested", "code.sent", "code.validated"]
        )
        self.assertNotRegex(self.proof.json, rf"(?<!\w){self.last_code(self.contact.email)}(?!\w)")

    def test_the_reading_is_marked_as_reported(self):
        reading = self.facts["reading"]
        self.assertEqual(reading["reported_by"], "the signer's browser")
        self.assertEqual(reading["sha256_of_what_was_shown"], self.request._document("quote").sha256)
        self.assertTrue(reading["last_page_shown_at"].endswith("Z"))

    def test_the_consent_word_for_word(self):
        consent = self.facts["consent"]
        self.assertEqual([item["code"] for item in consent["statements"]], ["C1", "C2", "C3", "C4"])
        for item in consent["statements"]:
            self.assertTrue(item["ticked"])
            self.assertEqual(sha256_hex(item["text"].encode()), item["sha256"])
            self.assertEqual((item["version"], item["lang"]), (1, "en_US"))
            self.assertIn(item["text"].split(".")[0][:40], self.words)
        self.assertIn("version of 01/31/2026", consent["statements"][2]["text"])
        self.assertEqual(consent["button"], "Sign the quote")

    def test_times_are_utc_with_milliseconds(self):
        self.assertRegex(self.facts["signature"]["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        for entry in self.facts["journal"]["entries"]:
            self.assertRegex(entry["at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")

    def test_the_journal_is_in_it_and_verifies(self):
        journal = self.facts["journal"]
        self.assertEqual(chain.verify(self.request.reference, journal["entries"], journal["head"]), journal["head"])
        types = [entry["type"] for entry in journal["entries"]]
        for expected in (
            "request.created",
            "document.frozen",
            "recipient.frozen",
            "link.issued",
            "code.validated",
            "session.started",
            "document.read_to_end",
            "recap.shown",
            "consent.ticked",
            "signature.drawn",
            "sign.confirmed",
            "document.sealed",
            "self_check.ok",
            "request.signed",
        ):
            self.assertIn(expected, types)

    def test_the_journal_goes_on_behind_the_proof(self):
        journal = self.env["esign.event"]._journal(self.request)
        self.assertEqual(
            chain.verify(self.request.reference, journal, self.request.journal_head), self.request.journal_head
        )
        types = [entry["type"] for entry in journal]
        issued = types.index("proof.issued")
        self.assertEqual(types[issued:], ["proof.issued", "copies.queued", "order.confirmed"])
        self.assertEqual(
            journal[issued]["payload"], {"json_sha256": self.proof.sha256, "pdf_sha256": self.proof.document_id.sha256}
        )

    def test_the_hash_of_the_record_stands_in_the_pdf(self):
        self.assertIn(self.proof.sha256, self.words.replace(" ", ""))

    def test_the_seal(self):
        self.assertEqual(self.facts["seal"]["certificate_sha256"], self.request.seal_id.fingerprint)
        self.assertIn("not the customer's signature", self.facts["seal"]["meaning"])

    def test_it_is_kept_ten_years(self):
        self.assertEqual(self.proof.retention_until.year, self.request.answered_on.year + 10)
        self.assertEqual(self.facts["retention"]["years"], 10)

    def test_pyhanko_finds_both_files_valid(self):
        certificate = asn1_x509.Certificate.load(self.request.seal_id._load().certificate)
        trust = ValidationContext(trust_roots=[certificate], allow_fetching=False)
        for kind in ("signed", "proof"):
            reader = PdfFileReader(io.BytesIO(self.request._document(kind)._bytes()))
            (signature,) = reader.embedded_signatures
            status = validate_pdf_signature(signature, signer_validation_context=trust)
            self.assertTrue(status.bottom_line, kind)
            self.assertTrue(status.intact and status.trusted and status.docmdp_ok, kind)
            self.assertEqual(status.modification_level, ModificationLevel.NONE, kind)
