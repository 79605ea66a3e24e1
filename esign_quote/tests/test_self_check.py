"""Every night all evidence is checked; one flipped bit is found and told, once."""

from contextlib import contextmanager

from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.esign_quote.tools.hashing import sha256_hex

from .common import EsignCommon

LOG = "odoo.addons.esign_quote.models.esign_request_check"


@tagged("post_install", "-at_install")
class TestSelfCheck(EsignCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Others than the demo's administrators would be told as well.
        cls.keeper = cls.new_user("keeper", "esign_quote.esign_quote_group_manager")
        cls.request = cls.read_and_sign(cls.send())
        cls.send_queue()

    def path(self, document):
        domain = [("res_model", "=", "esign.document"), ("res_id", "=", document.id), ("res_field", "=", "content")]
        attachment = self.env["ir.attachment"].sudo().search(domain)
        return attachment._full_path(attachment.store_fname)

    @contextmanager
    def damaged(self, path, change):
        """Change a file of the filestore for a while."""
        with open(path, "rb") as stream:
            original = stream.read()
        try:
            with open(path, "wb") as stream:
                stream.write(change(original))
            self.env.invalidate_all()
            yield
        finally:
            with open(path, "wb") as stream:
                stream.write(original)
            self.env.invalidate_all()

    def change_row(self, table, column, value, where):
        """Write past the triggers, as a superuser of the database could."""
        names = SQL.identifier(table), SQL.identifier(column)
        self.env.flush_all()
        self.env.cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER USER", names[0]))
        self.env.cr.execute(SQL("UPDATE %s SET %s = %s WHERE %s", *names, value, where))
        self.env.cr.execute(SQL("ALTER TABLE %s ENABLE TRIGGER USER", names[0]))
        self.env.invalidate_all()

    def check(self):
        with mute_logger(LOG):
            return self.request._self_check()

    def activities(self):
        return self.order.activity_ids.filtered(lambda item: item.summary.startswith("Evidence is damaged"))

    def test_untouched_evidence_leaves_no_entry(self):
        before = self.entries(self.request)
        self.assertEqual(self.check(), "")
        self.assertTrue(self.request.checked_on)
        self.assertEqual(self.entries(self.request), before)

    def test_one_flipped_bit_of_each_file_is_found(self):
        for document in self.request.document_ids | self.request.mail_ids:
            with self.damaged(self.path(document), lambda data: data[:-9] + bytes((data[-9] ^ 1,)) + data[-8:]):
                self.assertIn(f"file:{document.kind}", self.check(), document.name)
        self.assertEqual(self.check(), "")

    def test_missing_and_cut_files_are_found(self):
        path = self.path(self.request._document("signed"))
        with self.damaged(path, lambda data: data[:-1]):
            self.assertEqual(self.check(), "file:signed")
        with self.damaged(path, lambda _data: b""):
            self.assertEqual(self.check(), "file:signed")

    def test_a_changed_row_is_found(self):
        event = self.request.event_ids.sorted("seq")[2]
        self.change_row("esign_event", "actor", "somebody", SQL("id = %s", event.id))
        self.assertEqual(self.check(), "journal:hash:3")

    def test_a_changed_payload_is_found(self):
        event = self.request.event_ids.filtered(lambda item: item.type == "sign.confirmed")
        self.change_row("esign_event", "payload", '{"name": "Mallory"}', SQL("id = %s", event.id))
        self.assertEqual(self.check(), f"journal:payload:{event.seq}")

    def test_an_entry_that_was_cut_off_is_found(self):
        last = self.request.event_ids.sorted("seq")[-1]
        self.change_row("esign_request", "journal_head", last.hash[::-1], SQL("id = %s", self.request.id))
        self.assertIn("journal:head", self.check())

    def test_a_changed_proof_record_is_found(self):
        proof = self.request.proof_ids
        self.change_row("esign_proof", "json", proof.json.replace("Jeanne", "Jeanna"), SQL("id = %s", proof.id))
        self.assertEqual(self.check(), "proof:record")

    def test_a_hash_rewritten_with_its_file_is_found_by_the_seal(self):
        document = self.request._document("signed")
        with self.damaged(self.path(document), lambda data: data + b"\n"):
            content = document._stored_bytes()
            self.change_row("esign_document", "sha256", sha256_hex(content), SQL("id = %s", document.id))
            self.change_row("esign_document", "size", len(content), SQL("id = %s", document.id))
            self.assertEqual(self.check(), "seal:signed")

    def test_administrators_are_told_once(self):
        self.mail_server.sent.clear()
        with self.damaged(self.path(self.request._document("proof")), lambda data: b"x" + data[1:]):
            self.check()
            self.check()
            self.assertEqual(self.request.check_problem, "file:proof")
            mine = self.activities().filtered(lambda item: item.user_id == self.keeper)
            self.assertEqual(len(mine), 1)
            self.send_queue()
            (mail,) = self.sent(self.keeper.email)
            self.assertIn(self.request.reference, mail.subject)
            self.assertIn("file:proof", mail.html)
            self.assertEqual(self.entries(self.request).count("integrity.failed"), 1)
        self.assertEqual(self.check(), "")
        self.assertFalse(self.request.check_problem)
        self.assertEqual(self.entries(self.request)[-1], "integrity.checked")

    def test_the_cron_checks_what_is_due_and_no_more(self):
        other = self.read_and_sign(self.send(self.new_order()))
        (self.request | other).checked_on = False
        self.env.ref("esign_quote.ir_cron_self_check").method_direct_trigger()
        self.env.invalidate_all()
        self.assertTrue(self.request.checked_on and other.checked_on)
        seen = self.request.checked_on
        self.env.ref("esign_quote.ir_cron_self_check").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual(self.request.checked_on, seen)

    def test_the_button(self):
        action = self.request.with_user(self.sale_user).action_self_check()
        self.assertEqual(action["params"]["type"], "success")
        with self.damaged(self.path(self.request._document("quote")), lambda data: data[1:]), mute_logger(LOG):
            action = self.request.with_user(self.sale_user).action_self_check()
        self.assertEqual(action["params"]["type"], "danger")
