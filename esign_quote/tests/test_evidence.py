"""Law 8: evidence is appended to, by nobody changed or deleted; law 3: secrets are out of reach."""

import json

import psycopg2

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.tools import chain, verify
from odoo.addons.esign_quote.tools.exceptions import ChainBroken
from odoo.addons.esign_quote.tools.hashing import canonical_json, sha256_hex

from .common import EsignCommon

EVIDENCE = ("esign.event", "esign.document", "esign.proof")
READ, WRITE, CREATE, DELETE = "read", "write", "create", "unlink"
OPERATIONS = (READ, WRITE, CREATE, DELETE)
OWN = ("esign.request", "esign.signer", "esign.document", "esign.event", "esign.proof")
HIDDEN = ("esign.ticket", "esign.otp", "esign.lock")

# role: (groups, operations on the models of a procedure, on consents, on the upload of a key)
ROLES = {
    "public": ("base.group_public", (), (), ()),
    "portal": ("base.group_portal", (), (), ()),
    "employee": ("base.group_user", (), (), ()),
    "accountant": ("account.group_account_invoice", (), (), ()),
    "salesperson": ("sales_team.group_sale_salesman", (READ,), (READ,), ()),
    "sales lead": ("sales_team.group_sale_salesman_all_leads", (READ,), (READ,), ()),
    "sales manager": ("sales_team.group_sale_manager", (READ,), (READ,), ()),
    "signature manager": ("esign_quote.esign_quote_group_manager", (READ,), OPERATIONS, OPERATIONS),
    "administrator": ("base.group_system", (READ,), OPERATIONS, OPERATIONS),
}


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
        statements = [f"DELETE FROM ir_attachment WHERE id = {attachment}"]
        statements += [f"UPDATE ir_attachment SET store_fname = 'x' WHERE id = {attachment}"]
        for model in EVIDENCE:
            table = self.env[model]._table
            statements += [f"UPDATE {table} SET create_uid = 1", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]
        for statement in statements:
            with (
                self.subTest(statement=statement),
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
class TestRights(EsignCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.read_and_sign(cls.send())
        cls.users = {
            role: cls.new_user(f"rights_{number}", groups) for number, (role, (groups, *_rest)) in enumerate(ROLES.items())
        }

    def test_what_each_role_may_do_is_this_table(self):
        for role, (_groups, procedure, consents, upload) in ROLES.items():
            expected = {
                **dict.fromkeys(OWN, procedure),
                **dict.fromkeys(HIDDEN, ()),
                "esign.seal": procedure,
                "esign.consent": consents,
                "esign.seal.import": upload,
            }
            for model, operations in expected.items():
                granted = tuple(
                    name for name in OPERATIONS if self.env[model].with_user(self.users[role]).has_access(name)
                )
                self.assertEqual(granted, operations, f"{role} on {model}")

    def test_every_model_is_in_the_table(self):
        ours = {
            name
            for name, model in self.env.registry.items()
            if name.startswith("esign.") and not model._abstract
        }
        self.assertEqual(ours, {*OWN, *HIDDEN, "esign.seal", "esign.consent", "esign.seal.import"})

    def test_no_user_reads_a_secret(self):
        ticket = self.request.signer_ids.ticket_ids[:1]
        otp = self.env["esign.otp"].search([("ticket_id", "=", ticket.id)], limit=1)
        secrets = ((ticket, "secret_hash"), (ticket, "device_hash"), (otp, "digest"), (otp, "salt"), (self.request.seal_id, "key_vault"))
        for role, user in self.users.items():
            for record, name in secrets:
                self.assertTrue(record)
                with self.subTest(role=role, field=name), self.assertRaises(AccessError):
                    record.with_user(user).read([name])

    def test_a_salesperson_sees_own_procedures_a_lead_sees_all(self):
        salesperson, lead = self.users["salesperson"], self.users["sales lead"]
        self.assertFalse(self.env["esign.request"].with_user(salesperson).search([("id", "=", self.request.id)]))
        self.assertFalse(self.env["esign.document"].with_user(salesperson).search([("request_id", "=", self.request.id)]))
        self.assertTrue(self.env["esign.request"].with_user(lead).search([("id", "=", self.request.id)]))
        self.assertTrue(self.env["esign.request"].with_user(self.sale_user).search([("id", "=", self.request.id)]))

    def test_one_company_does_not_see_the_others(self):
        other = self.env["res.company"].create({"name": "Atelier Sud"})
        user = self.new_user(
            "rights_other_company",
            "sales_team.group_sale_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        for model in (*OWN, "esign.seal"):
            found = self.env[model].with_user(user).search([])
            companies = found.sudo().mapped("company_id" if "company_id" in found else "request_id.company_id")
            self.assertLessEqual(companies, other, model)

    def test_a_new_company_has_a_key_that_the_table_does_not_show(self):
        other = self.env["res.company"].create({"name": "Atelier Est"})
        seal = other.esign_seal_ids
        self.assertEqual((len(seal), seal.origin), (1, "generated"))
        self.env.flush_all()
        self.env.cr.execute("SELECT key_vault FROM esign_seal WHERE id = %s", [seal.id])
        stored = bytes(self.env.cr.fetchone()[0])
        self.assertNotIn(b"PRIVATE KEY", stored)
        self.assertEqual(seal._load().fingerprint, seal.fingerprint)

    def test_only_who_may_write_the_quotation_cancels_its_procedure(self):
        order = self.new_order()
        request = self.send(order)
        with self.assertRaises(AccessError):
            request.with_user(self.users["salesperson"]).action_cancel()
        request.with_user(self.sale_user).action_cancel()
        self.assertEqual(request.state, "void")
