import re
from unittest.mock import patch

from odoo import sql_db
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger
from psycopg2.pool import PoolError

from .common import ORIGIN, EsignCommon, EsignHttpCommon, text_of

UNLOCK = re.compile(r"/esign/unlock/([\w-]{43})")


class LockCommon:
    """Somebody typed three wrong codes."""

    def lock(self, request):
        ticket = self.env["esign.ticket"]._find_by_secret(self.last_secret(request.signer_ids.email))
        device = ticket._new_device()
        ticket._send_code(device, ORIGIN)
        right = int(self.last_code())
        for number in (1, 2, 3):
            outcome = ticket._check_code(device, f"{(right + number) % 10**6:06d}", ORIGIN)
        self.assertEqual(outcome["reason"], "locked")
        return ticket

    def tell(self):
        """Do what the cron does."""
        for lock in self.env["esign.lock"].search([("told", "=", False)]):
            lock._tell()

    def unlock_secret(self):
        found = [UNLOCK.search(item.html) for item in self.sent(self.customer.email)]
        return [item[1] for item in found if item][-1]


@tagged("post_install", "-at_install")
class TestLock(LockCommon, EsignCommon, TransactionCase):
    """Three wrong codes lock; everybody concerned is told, and there are two ways out."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.signer = cls.request.signer_ids
        cls.manager = cls.new_user("boss", "esign_quote.esign_quote_group_manager")

    def test_customer_and_company_are_told_once(self):
        self.lock(self.request)
        self.tell()
        self.tell()
        self.send_queue()
        (customer,) = [item for item in self.sent(self.customer.email) if "locked" in item.subject]
        self.assertIn(self.order.name, customer.subject)
        self.assertIn("Unlock the entry of codes", customer.html)
        (company,) = [item for item in self.sent(self.sale_user.email) if "locked" in item.subject]
        self.assertIn(self.customer.name, company.html)
        self.assertNotRegex(company.html, UNLOCK)
        activity = self.order.activity_ids.filtered(lambda item: "locked" in (item.summary or ""))
        self.assertEqual(activity.user_id, self.sale_user)

    def test_the_way_out_is_stored_nowhere(self):
        self.lock(self.request)
        self.tell()
        secret = self.unlock_secret()
        self.env.flush_all()
        for table in ("mail_message", "mail_mail", "esign_event", "esign_lock", "mail_activity"):
            self.env.cr.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s", [f"%{secret}%"])  # noqa: S608
            self.assertEqual(self.env.cr.fetchone()[0], 0, table)

    def test_a_guess_waits_for_no_mail_server(self):
        self.mail_server.broken = False
        ticket = self.env["esign.ticket"]._find_by_secret(self.last_secret())
        device = ticket._new_device()
        ticket._send_code(device, ORIGIN)
        mails = len(self.sent())
        right = int(self.last_code())
        for number in (1, 2, 3):
            ticket._check_code(device, f"{(right + number) % 10**6:06d}", ORIGIN)
        self.assertEqual(len(self.sent()), mails)

    @mute_logger("odoo.addons.esign_quote.models.ir_cron")
    def test_the_third_wrong_code_is_counted_even_if_nobody_can_be_woken(self):
        """No connection left for waking the cron: a visitor must not read that no try was used."""
        with patch.object(sql_db, "db_connect", side_effect=PoolError):
            self.env.ref("esign_quote.ir_cron_locks")._notifydb()

    def test_a_lock_that_ended_meanwhile_is_not_told(self):
        self.lock(self.request)
        self.env["esign.lock"]._clear(self.signer._lock_scope())
        self.tell()
        self.assertFalse([item for item in self.sent() if "locked" in item.subject])

    # === UNLOCK BY THE COMPANY === #

    def test_an_administrator_unlocks_with_a_reason(self):
        self.lock(self.request)
        request = self.request.with_user(self.manager)
        self.assertTrue(request.locked_until)
        self._wizard(request, "Called back: mistyped").action_unlock()
        request.invalidate_recordset()
        self.assertFalse(request.locked_until)
        event = self.request.event_ids.filtered(lambda item: item.type == "scope.unlocked")
        self.assertEqual((event.payload["by"], event.payload["reason"]), ("boss", "Called back: mistyped"))
        self.assertEqual(event.actor, "user:boss")
        self.assertIn("unlocked", self.sent(self.customer.email)[-1].subject)
        self.forget_limits()
        self.assertTrue(self.prove(self.request))

    def test_no_unlock_without_a_reason_or_a_lock(self):
        with self.assertRaises(UserError):
            self._wizard(self.request.with_user(self.manager), "x").action_unlock()
        self.lock(self.request)
        with self.assertRaises(UserError):
            self._wizard(self.request.with_user(self.manager), "   ").action_unlock()

    def test_a_salesperson_does_not_unlock(self):
        self.lock(self.request)
        with self.assertRaises(AccessError):
            self._wizard(self.request.with_user(self.sale_user), "because")

    def test_the_mailed_way_out_dies_with_the_lock(self):
        self.lock(self.request)
        self.tell()
        secret = self.unlock_secret()
        self._wizard(self.request.with_user(self.manager), "Called back").action_unlock()
        self.assertFalse(self.env["esign.lock"]._find_by_secret(secret))

    def _wizard(self, request, reason):
        wizard = request.env["esign.unlock"].with_context(**request.action_unlock()["context"])
        return wizard.create({"reason": reason})


@tagged("post_install", "-at_install")
class TestMailboxUnlock(LockCommon, EsignHttpCommon, HttpCase):
    """The link in the customer's mailbox unlocks once, by a POST."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.signer = cls.request.signer_ids

    def setUp(self):
        super().setUp()
        self.lock(self.request)
        self.tell()
        self.path = f"/esign/unlock/{self.unlock_secret()}"

    def test_opening_the_link_changes_nothing(self):
        before = self.snapshot()
        words = text_of(self.get(self.path))
        self.assertIn("Too many wrong codes", words)
        self.assertNotIn(self.customer.name, words)
        self.assertNotIn(self.request.recap["total"], words)
        self.assertEqual(self.snapshot(), before)
        self.assertTrue(self._locked())

    def test_pressing_the_button_unlocks_once(self):
        self.get(self.path)
        self.assertIn("Codes can be typed again", text_of(self.post(self.path)))
        self.assertFalse(self._locked())
        self.assertIn("scope.unlocked", self.entries(self.request))
        self.assertEqual(self.post(self.path).status_code, 404)
        self.assertEqual(self.get(self.path).status_code, 404)
        self.forget_limits()
        self.assertTrue(self.enter(self.request))

    def test_once_a_day(self):
        self.get(self.path)
        self.post(self.path)
        self.forget_limits()
        self.lock(self.request)
        self.tell()
        again = self.sent(self.customer.email)[-1]
        self.assertIn("locked", again.subject)
        self.assertNotRegex(again.html, UNLOCK)
        self.assertIn("once a day", again.html)
        self.assertEqual(self.post(self.path).status_code, 404, "the used one does not come back to life")

    def test_a_lock_that_ran_out_needs_no_link(self):
        self.age("esign_lock", "locked_until", "6 days")
        self.assertEqual(self.get(self.path).status_code, 404)

    def test_an_unknown_link_says_what_every_dead_link_says(self):
        self.assertEqual(text_of(self.get("/esign/unlock/" + "x" * 43)), text_of(self.get("/esign/t/" + "x" * 43)))

    def _locked(self):
        return self.env["esign.lock"]._locked_until(self.signer._lock_scope())
