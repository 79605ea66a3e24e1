"""The nightly self-check: one byte that changed, on the disk or in a row, is found and told once."""

import logging
import time
from contextlib import contextmanager
from unittest.mock import patch

import psycopg2
from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.esign_quote.models.esign_request_integrity import EsignRequest

from .common import EsignCommon

_logger = logging.getLogger(__name__)
LOGGER = "odoo.addons.esign_quote.models.esign_request_integrity"


@tagged("post_install", "-at_install")
class TestIntegrity(EsignCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.manager = cls.new_user("esign", "esign_quote.esign_quote_group_manager,sales_team.group_sale_manager")
        cls.request = cls.read_and_sign(cls.send())
        cls.send_queue()

    def check(self):
        """Do what the cron does, a day later; return what is said of the request."""
        self.env.flush_all()
        self.env.cr.execute("UPDATE esign_request SET checked_on = NULL")
        self.env.invalidate_all()
        self.env.ref("esign_quote.ir_cron_integrity").method_direct_trigger()
        self.env.invalidate_all()
        return self.request.integrity_problem

    @contextmanager
    def changed_file(self, kind, change=lambda content: content[:-1] + b"\0"):
        document = self.request._document(kind)
        domain = [("res_model", "=", "esign.document"), ("res_id", "=", document.id), ("res_field", "=", "content")]
        attachment = self.env["ir.attachment"].sudo().search(domain)
        path = self.env["ir.attachment"]._full_path(attachment.store_fname)
        with open(path, "rb") as stream:
            original = stream.read()
        self._write(path, change(original))
        try:
            yield
        finally:
            self._write(path, original)

    def _write(self, path, content):
        with open(path, "wb") as stream:
            stream.write(content)

    def tamper(self, table, column, value, where):
        """Do what somebody with the database's password could do."""
        name = SQL.identifier(table)
        self.env.flush_all()
        self.env.cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER USER", name))
        self.env.cr.execute(SQL("UPDATE %s SET %s = %s WHERE %s", name, SQL.identifier(column), value, where))
        self.env.cr.execute(SQL("ALTER TABLE %s ENABLE TRIGGER USER", name))
        self.env.invalidate_all()

    def mails_to_manager(self):
        mails = self.env["mail.mail"].search([("email_to", "ilike", self.manager.email)])
        return mails.filtered(lambda mail: "Damaged evidence" in (mail.subject or ""))

    def activities(self):
        return self.order.activity_ids.filtered(lambda item: "Damaged evidence" in (item.summary or ""))

    def test_what_is_whole_is_only_dated(self):
        head = self.request.journal_head
        self.assertFalse(self.check())
        self.assertTrue(self.request.checked_on)
        self.assertEqual(self.request.journal_head, head)
        self.assertFalse(self.mails_to_manager() or self.activities())

    @mute_logger(LOGGER)
    def test_one_byte_of_a_file_is_told_once_and_its_repair_is_noted(self):
        with self.changed_file("signed"):
            self.assertIn("is missing or was changed", self.check())
            self.assertEqual(self.activities().mapped("user_id"), self.manager | self.activities().mapped("user_id"))
            self.assertIn(self.manager, self.activities().user_id)
            (mail,) = self.mails_to_manager()
            self.assertIn(self.request.reference, mail.body_html)
            self.check()
            self.assertEqual(len(self.mails_to_manager()), 1)
            self.assertEqual(self.entries(self.request).count("integrity.failed"), 1)
        self.assertFalse(self.check())
        self.assertEqual(self.entries(self.request)[-1], "integrity.restored")

    @mute_logger(LOGGER)
    def test_every_kind_of_file(self):
        for kind in ("quote", "signed", "proof"):
            with self.changed_file(kind):
                self.assertIn(self.request._document(kind).name, self.check(), kind)

    @mute_logger(LOGGER)
    def test_another_problem_is_told_again(self):
        with self.changed_file("signed"):
            self.check()
            with self.changed_file("quote"):
                self.check()
        self.assertEqual(len(self.mails_to_manager()), 2)

    @mute_logger(LOGGER, "odoo.addons.base.models.ir_attachment")
    def test_a_file_that_is_gone(self):
        with self.changed_file("proof", lambda _content: b""):
            self.assertIn("is missing or was changed", self.check())

    @mute_logger(LOGGER)
    def test_a_file_and_its_row_changed_together(self):
        """Whoever changes both hashes still lacks the key of the seal."""
        from odoo.addons.esign_quote.tools.hashing import sha256_hex

        def change(content):
            return content[:300] + bytes([content[300] ^ 1]) + content[301:]

        document = self.request._document("signed")
        forged = sha256_hex(change(document._bytes()))
        with self.changed_file("signed", change):
            self.tamper("esign_document", "sha256", forged, SQL("id = %s", document.id))
            self.assertIn("The seal of", self.check())

    @mute_logger(LOGGER)
    def test_a_row_of_each_kind(self):
        mail = self.env["esign.mail.source"].search([("request_id", "=", self.request.id)], limit=1)
        changes = [
            ("esign_event", "actor", "somebody", SQL("request_id = %s AND seq = 3", self.request.id), "at entry 3"),
            (
                *("esign_event_private", "salt", "00" * 32),
                SQL("request_id = %s", self.request.id),
                "The journal was changed at entry",
            ),
            ("esign_proof", "json", "{}", SQL("request_id = %s", self.request.id), "The proof record"),
            ("esign_mail_source", "source", "x", SQL("id = %s", mail.id), "The source of the mail"),
        ]
        for table, column, value, where, said in changes:
            with self.subTest(table=table), self.env.cr.savepoint() as savepoint:
                self.tamper(table, column, value, where)
                self.assertIn(said, self.check())
                savepoint.rollback()
                self.env.invalidate_all()

    @mute_logger(LOGGER)
    def test_entries_that_were_dropped(self):
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE esign_event DISABLE TRIGGER USER")
        self.env.cr.execute(
            "DELETE FROM esign_event WHERE request_id = %s AND seq = %s", [self.request.id, self.request.journal_seq]
        )
        self.env.cr.execute("ALTER TABLE esign_event ENABLE TRIGGER USER")
        self.env.invalidate_all()
        self.assertIn("The journal was changed", self.check())

    @mute_logger(LOGGER)
    def test_one_that_cannot_be_checked_holds_up_no_other(self):
        other = self.read_and_sign(self.send(self.new_order()))
        self.tamper("esign_event", "payload_sha256", "x", SQL("request_id = %s AND seq = 1", self.request.id))
        self.assertTrue(self.check())
        self.assertTrue(other.checked_on)
        self.assertFalse(other.integrity_problem)

    def test_a_connection_that_is_lost_is_no_damage(self):
        with (
            patch.object(EsignRequest, "_check_timestamps", side_effect=psycopg2.OperationalError("closed")),
            self.assertRaises(psycopg2.OperationalError),
        ):
            self.request._check_integrity()
        self.assertFalse(self.request.checked_on)
        self.assertNotIn("integrity.failed", self.entries(self.request))

    def test_the_longest_unchecked_comes_first_and_none_twice_a_night(self):
        other = self.read_and_sign(self.send(self.new_order()))
        self.check()
        requests = self.env["esign.request"]
        self.assertFalse(requests.search(requests._due_for_check()) & (self.request | other))
        self.age("esign_request", "checked_on", "21 hours")
        self.env.cr.execute("UPDATE esign_request SET checked_on = checked_on - interval '1 hour' WHERE id = %s", [other.id])
        due = requests.search(requests._due_for_check(), order="checked_on NULLS FIRST, id")
        self.assertEqual((due & (self.request | other)).ids, [other.id, self.request.id])

    def test_a_proof_in_the_users_language(self):
        self.request.integrity_found = [{"what": "file", "name": "x.pdf"}, {"what": "new", "name": "y"}]
        self.assertIn("“x.pdf”", self.request.integrity_problem)
        self.assertIn("cannot be checked (y)", self.request.integrity_problem)

    def test_ten_thousand_in_a_night(self):
        self.request._check_integrity()  # warm
        start = time.process_time()
        for _round in range(5):
            self.request._check_integrity()
        cost = (time.process_time() - start) / 5
        _logger.info("esign_quote: the self-check takes %.0f ms of CPU a request", cost * 1000)
        self.assertLess(cost, 0.5, "10,000 requests would take more than an hour and a half")
