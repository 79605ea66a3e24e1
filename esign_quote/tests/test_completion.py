import os
from unittest.mock import patch

import psycopg2
from odoo.exceptions import UserError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger
from psycopg2.pool import PoolError

from odoo.addons.esign_quote.models.esign_request_closing import EsignRequest as EsignRequestClosing
from odoo.addons.esign_quote.models.esign_request_completion import EsignRequest
from odoo.addons.esign_quote.models.sale_order import SaleOrder
from odoo.addons.esign_quote.tools.exceptions import SealError

from .common import ORIGIN, EsignCommon, EsignHttpCommon, text_of

# A network that failed, what is done after that, and no connection left.
LOST = (
    psycopg2.DatabaseError("server closed the connection unexpectedly"),
    psycopg2.InterfaceError("cursor already closed"),
    PoolError("The Connection Pool Is Full"),
)
COMPLETION = "odoo.addons.esign_quote.models.esign_request_completion"
ANSWER = "odoo.addons.esign_quote.models.esign_request_answer"


@tagged("post_install", "-at_install")
class TestCompletion(EsignCommon, TransactionCase):
    """Law 6: whatever fails after the consent, the consent stands and the rest is done later."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.ticket = cls.prove(cls.request)
        cls.ticket._record_last_page(cls.request._document("quote").sha256)

    def test_a_failed_sealing_keeps_the_consent(self):
        self._sign_while("_seal_bytes", SealError("digest"))
        self.assertEqual((self.request.state, self.request.signer_ids.answer), ("consented", "signed"))
        self.assertEqual(self.request.signer_ids.declared_name, "Jeanne Martin")
        self.assertIn("sign.confirmed", self.entries(self.request))
        self.assertEqual(self.order.state, "sent")
        self.assertFalse(self.request.proof_ids)

    def test_nothing_is_mailed_before_it_is_sealed(self):
        mails = self.env["mail.mail"].search_count([])
        self._sign_while("_seal_bytes", SealError("digest"))
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)

    def test_the_cron_finishes(self):
        self._sign_while("_seal_bytes", SealError("digest"))
        answered = self.request.answered_on
        self._cron()
        self.assertEqual((self.request.state, self.order.state), ("signed", "sale"))
        self.assertEqual(self.request.answered_on, answered)
        self.assertEqual(len(self.request.proof_ids), 1)

    def test_the_cron_finishes_after_a_crash_anywhere(self):
        for step in ("_seal_job", "_keep_signed", "_finish_signed", "_note_answer", "_apply_to_order"):
            with self.subTest(step):
                savepoint = self.env.cr.savepoint()
                self._sign_while(step, RuntimeError("power cut"))
                self.assertEqual(self.request.signer_ids.answer, "signed")
                self._cron()
                self.assertEqual((self.request.state, self.order.state), ("signed", "sale"))
                self.assertEqual(
                    (len(self.request.proof_ids), self.entries(self.request).count("request.signed")), (1, 1)
                )
                self.send_queue()
                self.assertEqual(len([item for item in self.sent() if "Signed" in item.subject]), 2)
                savepoint.close(rollback=True)
                self.env.invalidate_all()
                self.mail_server.sent.clear()

    def test_there_is_one_activity_however_often_it_fails(self):
        self._sign_while("_seal_bytes", SealError("digest"))
        for _minute in range(2):
            self._cron("_seal_bytes", SealError("digest"))
        self.assertEqual(self.order.activity_ids.mapped("summary"), ["Accepted, not sealed yet"])
        self.assertEqual(self.entries(self.request).count("seal.failed"), 1)

    def test_a_lost_secret_of_the_server_is_told_and_survived(self):
        lost = patch.dict(os.environ, {"ESIGN_QUOTE_SEAL_SECRET": "another secret than the one of the key"})
        with lost, mute_logger(COMPLETION):
            self._sign()
            self.assertEqual(self.request.state, "consented")
            self.assertEqual(self.order.activity_ids.mapped("summary"), ["Accepted, not sealed yet"])
        self._cron()
        self.assertEqual(self.request.state, "signed")

    def test_two_servers_do_not_seal_at_once(self):
        self._sign_while("_seal_bytes", SealError("digest"))
        sealed = []
        with patch.object(EsignRequest, "_seal_bytes", lambda *_args, **_kwargs: sealed.append(1)):
            self.env.ref("esign_quote.ir_cron_complete").method_direct_trigger()
        self.assertEqual(sealed, [], "the first one holds the lease for two minutes")

    def test_what_cannot_be_sealed_does_not_hold_up_the_others(self):
        self._sign_while("_seal_bytes", RuntimeError("power cut"))
        other = self.send(self.new_order())
        ticket = self.prove(other)
        ticket._record_last_page(other._document("quote").sha256)
        with patch.object(EsignRequest, "_seal_bytes", side_effect=SealError("digest")), mute_logger(COMPLETION):
            ticket._sign(self.answer_of(other), ORIGIN)
        intact = EsignRequest._seal_job

        def seal_job(request):
            if request == self.request:
                raise RuntimeError("always")
            return intact(request)

        self.age("esign_request", "lease_until", "3 minutes")
        with patch.object(EsignRequest, "_seal_job", seal_job), mute_logger(COMPLETION, ANSWER):
            self.env.ref("esign_quote.ir_cron_complete").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((self.request.state, other.state), ("consented", "signed"))

    def test_a_connection_that_is_lost_is_no_failure_of_the_sealing(self):
        for error in LOST:
            with self.subTest(error):
                savepoint = self.env.cr.savepoint()
                self._sign_while("_keep_signed", error)
                self.assertEqual(self.request.state, "consented")
                self.assertNotIn("seal.failed", self.entries(self.request))
                self._cron()
                self.assertEqual((self.request.state, self.order.state), ("signed", "sale"))
                savepoint.close(rollback=True)
                self.env.invalidate_all()

    # === THE ORDER === #

    def test_a_connection_that_is_lost_does_not_give_up_the_order(self):
        for error in LOST:
            with self.subTest(error):
                savepoint = self.env.cr.savepoint()
                with patch.object(SaleOrder, "_esign_apply", side_effect=error), mute_logger(ANSWER):
                    self._sign()
                self.assertEqual((self.request.state, self.order.state), ("signed", "sent"))
                self.assertNotIn("order.not_updated", self.entries(self.request))
                self._cron()
                self.assertEqual(self.order.state, "sale")
                savepoint.close(rollback=True)
                self.env.invalidate_all()

    def test_an_order_that_cannot_be_confirmed_becomes_an_activity(self):
        with patch.object(SaleOrder, "_confirmation_error_message", lambda _order: "credit limit"):
            self._sign()
        self.assertEqual((self.request.state, self.order.state), ("signed", "sent"))
        self.assertEqual(len(self.request.proof_ids), 1)
        activity = self.order.activity_ids.filtered(lambda item: item.summary == f"To do by hand: {self.order.name}")
        self.assertIn("credit limit", activity.note)
        self.assertIn("order.not_updated", self.entries(self.request))
        self._cron()
        self.assertEqual(len(self.order.activity_ids), 2, "said once, and not tried again")

    def test_any_failure_to_confirm_becomes_an_activity(self):
        with patch.object(SaleOrder, "_esign_apply", side_effect=ZeroDivisionError), mute_logger(COMPLETION, ANSWER):
            self._sign()
            self._cron()
        self.assertEqual((self.request.state, self.order.state), ("signed", "sent"))
        self.assertIn(f"To do by hand: {self.order.name}", self.order.activity_ids.mapped("summary"))

    def test_an_order_changed_by_sql_after_the_consent_is_not_confirmed(self):
        self._sign_while("_seal_bytes", SealError("digest"))
        self.env.cr.execute("UPDATE sale_order_line SET price_unit = 1 WHERE order_id = %s", [self.order.id])
        self._cron()
        self.assertEqual((self.request.state, self.order.state), ("signed", "sent"))
        self.assertIn(f"To do by hand: {self.order.name}", self.order.activity_ids.mapped("summary"))

    def test_a_refusal_is_finished_by_the_cron(self):
        with patch.object(EsignRequestClosing, "_prove_end", side_effect=RuntimeError("power cut")), mute_logger(ANSWER):
            self.ticket._decline("Too late", ORIGIN)
        self.env.invalidate_all()
        self.assertEqual((self.request.state, self.order.state), ("declined", "sent"))
        self._cron()
        self.assertEqual(self.order.state, "cancel")
        self.send_queue()
        self.assertEqual(len([item for item in self.sent() if "Declined" in item.subject]), 2)

    def test_a_finished_request_is_left_alone(self):
        tables = ("esign_request", "esign_event", "sale_order", "mail_mail", "mail_activity")
        self._sign()
        self._cron()
        before = self.snapshot(*tables)
        self.env.ref("esign_quote.ir_cron_complete").method_direct_trigger()
        self.assertEqual(self.snapshot(*tables), before)

    # === TOOLS === #

    def _sign(self):
        self.env.flush_all()
        self.assertTrue(self.ticket._sign(self.answer_of(self.request), ORIGIN)["ok"])
        self.env.invalidate_all()

    def _sign_while(self, method, error):
        """Sign while one step fails: the customer is answered all the same."""
        with patch.object(type(self.request), method, side_effect=error), mute_logger(COMPLETION, ANSWER):
            self._sign()

    def _cron(self, method=None, error=None):
        """Run the cron three minutes later, optionally with a step that fails."""
        self.age("esign_request", "lease_until", "3 minutes")
        cron = self.env.ref("esign_quote.ir_cron_complete")
        if method:
            with patch.object(EsignRequest, method, side_effect=error), mute_logger(COMPLETION):
                cron.method_direct_trigger()
        else:
            cron.method_direct_trigger()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestCompletionPage(EsignHttpCommon, HttpCase):
    def test_the_customer_is_told_that_the_acceptance_is_recorded(self):
        request = self.send()
        path = self.enter_and_read(request)
        with patch.object(EsignRequest, "_seal_bytes", side_effect=SealError("digest")), mute_logger(COMPLETION):
            self.assertEqual(self.submit(request, path).status_code, 303)
        page = text_of(self.get(path))
        self.assertIn("Your acceptance is recorded", page)
        self.assertIn(request.reference, page)
        # A second click, and a second thought, change nothing.
        before = self.snapshot()
        self.submit(request, path)
        self.post(f"{path}/decline")
        self.assertEqual(self.snapshot(), before)


@tagged("post_install", "-at_install")
class TestStates(EsignCommon, TransactionCase):
    """Law 7: a state moves once."""

    def test_a_move_has_one_winner(self):
        request = self.send()
        self.assertTrue(request._move("consented"))
        self.assertFalse(request._move("declined"))
        self.assertEqual(request.state, "consented")

    def test_one_open_request_a_quotation(self):
        request = self.send()
        with mute_logger("odoo.sql_db"), self.assertRaises(Exception) as caught:
            request.copy({"reference": "ES-OTHER", "order_id": self.order.id})
            self.env.flush_all()
        self.assertIn("esign_request_one_open", str(caught.exception))

    def test_cancelling_kills_the_link(self):
        request = self.send()
        request.with_user(self.sale_user).action_cancel()
        self.assertEqual(request.state, "void")
        self.assertFalse(self.env["esign.ticket"]._find_by_secret(self.last_secret()))
        self.assertEqual(request.event_ids[-1].payload["reason"], "cancelled_by_company")

    def test_only_an_open_request_can_be_cancelled(self):
        request = self.read_and_sign(self.send())
        with self.assertRaisesRegex(UserError, "not open any more"):
            request.with_user(self.sale_user).action_cancel()

    def test_the_cron_closes_what_has_expired(self):
        request = self.send()
        other = self.send(self.new_order())
        self.age("esign_request", "expires_on", "100 days")
        other.expires_on = False
        self.env.ref("esign_quote.ir_cron_expire").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((request.state, other.state, self.order.state), ("expired", "sent", "sent"))
        self.assertEqual(self.entries(request)[-1], "request.expired")
        self.assertFalse(
            self.env["esign.ticket"]._find_by_secret(self.last_secret(self.customer.email))
            - other.signer_ids.ticket_ids
        )

    def test_an_expired_quotation_can_be_sent_again(self):
        request = self.send()
        self.age("esign_request", "expires_on", "100 days")
        self.env.ref("esign_quote.ir_cron_expire").method_direct_trigger()
        self.env.invalidate_all()
        self.assertEqual((self.send().state, request.state), ("sent", "expired"))
