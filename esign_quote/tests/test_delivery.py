"""Delivery told truthfully: queued, handed over, failed and came back are different facts."""

import re
import smtplib
from contextlib import suppress
from email import message_from_string
from email.policy import SMTP
from unittest.mock import patch

from odoo.fields import Command
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .common import CODE, LINK, ORIGIN, EsignCommon

MAIL_LOG = "odoo.addons.mail.models.mail_mail"
DELIVERY_LOG = "odoo.addons.esign_quote.models.esign_delivery"
NO_SUCH_USER = (550, b"5.1.1 <jeanne.martin@customer.example>: no such user")
LATER = (451, b"4.7.1 greylisted, come again")


def make_report(message_id, recipient="jeanne.martin@customer.example", original="headers", action="failed", **extra):
    """Return a delivery status notification as mail servers write them (RFC 3464).

    :param str original: how the message that came back is quoted: ``headers``, ``whole``, ``text`` or ``none``
    """
    values = {
        "to": "bounce@seller.example",
        "from": "MAILER-DAEMON@mx.customer.example (Mail Delivery System)",
        "diagnostic": "smtp; 550 5.1.1 no such user here",
        "status": "5.1.1",
        "head": "",
        "id": "<report-1@mx.customer.example>",
        **extra,
    }
    quoted = f"Message-ID: {message_id}\nFrom: office@seller.example\nTo: {recipient}\nSubject: Quotation\n"
    parts = {
        "headers": f"--B\nContent-Type: text/rfc822-headers\n\n{quoted}\n",
        "whole": f"--B\nContent-Type: message/rfc822\n\n{quoted}\nHello, your code is 123456.\n\n",
        "text": f"--B\nContent-Type: text/plain\n\nThe headers were:\n\n{quoted}\n",
        "none": "",
    }
    final = f"Final-Recipient: rfc822; {recipient}\n" if recipient else ""
    return (
        f"From: {values['from']}\nTo: {values['to']}\nSubject: Undelivered Mail Returned to Sender\n"
        f"Message-ID: {values['id']}\nDate: Mon, 23 Nov 2026 10:00:00 +0000\nAuto-Submitted: auto-replied\n"
        f"{values['head']}MIME-Version: 1.0\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\n\n'
        "--B\nContent-Type: text/plain\n\nI am sorry to have to inform you.\n\n"
        "--B\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.customer.example\n\n"
        f"{final}Action: {action}\nStatus: {values['status']}\nDiagnostic-Code: {values['diagnostic']}\n\n"
        f"{parts[original]}--B--\n"
    )


class DeliveryCommon(EsignCommon):
    def newest(self, request, kind="invitation"):
        """Return the newest delivery of a kind, as it is in the database."""
        self.env.invalidate_all()
        return request.delivery_ids.filtered(lambda item: item.kind == kind).sorted("id")[-1:]

    def payloads(self, request, *types):
        """Return the journal's entries of some types: (type, payload)."""
        request.invalidate_recordset()
        return [(item.type, item.payload) for item in request.event_ids.sorted("seq") if item.type in types]

    def corrections(self, order=None):
        """Return the activities that ask for another address."""
        activities = (order or self.order).activity_ids
        return activities.filtered(lambda item: item.summary.startswith("Correct the address"))

    def invitation_mail(self, request):
        """Return the stored mail of the invitation."""
        message = request.signer_ids.message_id
        return self.env["mail.mail"].search([("mail_message_id", "=", message.id)])

    def hand_over(self):
        """Do what the cron does."""
        self.env.flush_all()
        self.env.ref("esign_quote.ir_cron_mails").method_direct_trigger()
        self.env.invalidate_all()

    def receive(self, text):
        """Give a mail to Odoo's gateway."""
        self.env.flush_all()
        self.env["mail.thread"].message_process(False, text)
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestDelivery(DeliveryCommon, TransactionCase):
    # === INVITATION === #

    def test_an_invitation_is_handed_over(self):
        request = self.send()
        delivery = self.newest(request)
        self.assertEqual(
            (delivery.state, delivery.address, delivery.server_answer),
            ("handed_over", self.customer.email, "250 2.0.0 Ok: queued as 4F1"),
        )
        self.assertEqual(delivery.message_id, request.signer_ids.message_id.message_id)
        self.assertTrue(delivery.queued_on <= delivery.handed_over_on)
        self.assertFalse(delivery.failure or delivery.failed_on or delivery.bounced_on)

    def test_queued_and_handed_over_are_two_entries(self):
        request = self.send()
        common = {
            "kind": "invitation",
            "channel": "mail",
            "to": self.customer.email,
            "message_id": request.signer_ids.message_id.message_id,
        }
        self.assertEqual(
            self.payloads(request, "mail.queued", "mail.sent", "mail.failed"),
            [("mail.queued", common), ("mail.sent", {**common, "server_answer": "250 2.0.0 Ok: queued as 4F1"})],
        )

    def test_until_it_leaves_it_is_queued(self):
        with patch.object(IrMail_Server, "_disable_send", lambda *_args: True):
            request = self.send()
        self.assertEqual(self.newest(request).state, "queued")
        self.assertEqual(request._progress_steps()[0]["label"], "Waiting to be sent")
        self.assertFalse(self.payloads(request, "mail.sent"))
        self.send_queue()
        self.assertEqual(self.newest(request).state, "handed_over")
        self.assertEqual(request._progress_steps()[0]["label"], "Sent")

    def test_a_refused_recipient_is_a_failure_for_good(self):
        self.mail_server.refused = {self.customer.email: NO_SUCH_USER}
        with mute_logger(MAIL_LOG):
            request = self.send()
        delivery = self.newest(request)
        words = "550 5.1.1 <jeanne.martin@customer.example>: no such user"
        self.assertEqual((delivery.state, delivery.failure, delivery.permanent), ("failed", words, True))
        self.assertFalse(delivery.retry_on or delivery.handed_over_on)
        self.assertEqual(
            [kind for kind, _payload in self.payloads(request, "mail.sent", "mail.failed")], ["mail.failed"]
        )
        (activity,) = self.corrections()
        self.assertEqual((activity.summary, activity.user_id), ("Correct the address of Jeanne Martin", self.sale_user))
        self.assertIn("550 5.1.1", activity.note)
        self.assertNotIn("<jeanne", activity.note, "what a server says is text, not HTML")
        step = request._progress_steps()[0]
        self.assertEqual((step["status"], step["label"]), ("failed", "Not sent"))
        self.assertIn("550 5.1.1", request.delivery_problem)
        self.assertIn("550 5.1.1", self.order.esign_progress)
        self.assertEqual(self.invitation_mail(request).state, "exception", "as Odoo has it")

    def test_a_passing_refusal_is_no_reason_for_an_activity(self):
        self.mail_server.answer = LATER
        with mute_logger(MAIL_LOG):
            request = self.send()
        delivery = self.newest(request)
        self.assertEqual((delivery.state, delivery.permanent, delivery.tries), ("failed", False, 1))
        self.assertEqual(delivery.server_answer, "451 4.7.1 greylisted, come again")
        self.assertFalse(self.corrections())
        self.assertIn("tries again", request.delivery_problem)

    def test_no_way_to_the_server(self):
        self.mail_server.broken = True
        with mute_logger(MAIL_LOG):
            request = self.send()
        delivery = self.newest(request)
        self.assertEqual((delivery.state, delivery.failure), ("failed", "OSError: no route to host"))
        self.assertFalse(delivery.server_answer, "nobody said anything")

    def test_no_connection_to_the_server(self):
        def refuse(*_args, **_kwargs):
            raise ConnectionRefusedError(111, "Connection refused")

        with patch.object(IrMail_Server, "_connect__", refuse):
            request = self.send()
        delivery = self.newest(request)
        self.assertEqual((delivery.state, delivery.failure), ("failed", "111 Connection refused"))
        self.assertEqual(len(self.payloads(request, "mail.failed")), 1)

    def test_a_line_cut_after_the_text(self):
        """Nobody knows whether the mail was taken; Odoo keeps it in its queue."""

        def cut(*_args):
            raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")

        self.env["mail.mail"].search([("state", "=", "outgoing")]).unlink()
        with patch.object(IrMail_Server, "_disable_send", lambda *_args: True):
            request = self.send()
        mail = self.invitation_mail(request)
        with (
            patch.object(type(self.mail_server), "data", cut),
            mute_logger(MAIL_LOG),
            # Not assertRaises: it would roll back what was recorded.
            suppress(smtplib.SMTPServerDisconnected),
        ):
            mail.send()
            self.fail("Odoo should have raised")
        delivery = self.newest(request)
        self.assertEqual(delivery.state, "failed")
        self.assertIn("Connection unexpectedly closed", delivery.failure)

    def test_failed_then_handed_over_by_the_queue(self):
        self.mail_server.answer = LATER
        with mute_logger(MAIL_LOG):
            request = self.send()
        self.mail_server.answer = (250, b"2.0.0 Ok: queued as 777")
        self.hand_over()
        self.assertEqual(self.newest(request).state, "failed", "it is not yet time")
        self.age("esign_delivery", "retry_on", "10 minutes")
        self.hand_over()
        delivery = self.newest(request)
        self.assertEqual((delivery.state, delivery.server_answer), ("handed_over", "250 2.0.0 Ok: queued as 777"))
        self.assertFalse(delivery.failure or delivery.retry_on)
        self.assertEqual(
            [kind for kind, _payload in self.payloads(request, "mail.queued", "mail.sent", "mail.failed")],
            ["mail.queued", "mail.failed", "mail.sent"],
        )
        self.hand_over()
        self.assertEqual(len(self.sent(self.customer.email)), 1)
        self.assertFalse(request.delivery_problem)
        self.assertTrue(self.prove(request), "the link of that mail works")

    def test_tries_come_to_an_end(self):
        self.mail_server.answer = LATER
        with mute_logger(MAIL_LOG):
            request = self.send()
            for _try in range(20):
                self.age("esign_delivery", "retry_on", "2 days")
                self.hand_over()
        delivery = self.newest(request)
        self.assertTrue(delivery.permanent)
        self.assertFalse(delivery.retry_on)
        self.assertEqual(len(self.payloads(request, "mail.failed")), 9)
        self.assertEqual(len(self.corrections()), 1)

    def test_the_contact_was_changed_before_the_mail_left(self):
        with patch.object(IrMail_Server, "_disable_send", lambda *_args: True):
            request = self.send()
        self.customer.email = "elsewhere@customer.example"
        self.send_queue()
        delivery = self.newest(request)
        self.assertEqual((delivery.state, delivery.permanent), ("failed", True))
        self.assertIn("no copy", delivery.failure)
        self.assertFalse([item for item in self.sent() if LINK.search(item.html)], "no link went anywhere")

    def test_a_followers_refusal_is_not_the_customers(self):
        follower = self.env["res.partner"].create({"name": "Friend", "email": "friend@else.example"})
        self.order.message_subscribe(follower.ids)
        self.mail_server.refused = {"friend@else.example": (550, b"5.1.1 go away")}
        with mute_logger(MAIL_LOG):
            request = self.send(partner_ids=[Command.set((self.customer | follower).ids)])
        self.assertEqual(self.newest(request).state, "handed_over")
        self.assertFalse(self.payloads(request, "mail.failed"))

    def test_a_fact_that_cannot_be_recorded_sends_nothing_twice(self):
        broken = patch.object(type(self.env["esign.delivery"]), "_advance", side_effect=RuntimeError("disk full"))
        with broken, self.assertLogs(DELIVERY_LOG, "ERROR"):
            request = self.send()
        self.assertFalse(self.invitation_mail(request), "sent and deleted, as Odoo does it")
        self.assertEqual(self.newest(request).state, "queued")
        self.send_queue()
        self.hand_over()
        self.assertEqual(len(self.sent(self.customer.email)), 1)

    def test_no_foreign_key_ties_mails_to_what_is_written_beside_them(self):
        """PostgreSQL would check it after the sending, fail, and Odoo would send again (seen on a real server)."""
        self.env.cr.execute(
            """SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint
                WHERE contype = 'f'
                  AND (conrelid::regclass::text, confrelid::regclass::text) IN (
                      SELECT a, b FROM unnest(%(mails)s) a, unnest(%(ours)s) b
                      UNION SELECT b, a FROM unnest(%(mails)s) a, unnest(%(ours)s) b)""",
            {
                "mails": ["mail_mail", "mail_message", "mail_notification"],
                "ours": ["esign_delivery", "esign_request", "esign_event", "esign_ticket"],
            },
        )
        self.assertFalse(self.env.cr.fetchall())

    # === OTHERS' MAILS === #

    def test_mails_of_others_leave_no_trace(self):
        before = self.snapshot("esign_delivery", "esign_event")
        self.env["mail.mail"].create(
            [
                {"email_to": "a@else.example", "subject": "A", "body_html": "<p>A</p>"},
                {"email_to": self.customer.email, "subject": "B", "body_html": "<p>B</p>"},
            ]
        ).send()
        self.assertEqual(len(self.sent(self.customer.email)), 1)
        self.assertEqual(self.snapshot("esign_delivery", "esign_event"), before)

    def test_a_batch_with_others_mails(self):
        """One is refused, one is not ours, one is fine: each gets its own verdict."""
        other = self.env["res.partner"].create({"name": "Luc", "email": "luc@customer.example", "lang": "en_US"})
        with patch.object(IrMail_Server, "_disable_send", lambda *_args: True):
            first = self.send()
            second = self.send(self.new_order(other))
        foreign = self.env["mail.mail"].create(
            {"email_to": "a@else.example", "subject": "A", "body_html": "<p>A</p>", "auto_delete": False}
        )
        self.mail_server.refused = {self.customer.email: NO_SUCH_USER}
        with mute_logger(MAIL_LOG):
            (foreign | self.invitation_mail(first) | self.invitation_mail(second)).send()
        self.assertEqual(
            (foreign.state, self.newest(first).state, self.newest(second).state), ("sent", "failed", "handed_over")
        )
        self.env.invalidate_all()
        self.assertEqual(foreign.state, "sent", "what was not saved yet of others' mails is not lost")

    # === COPIES === #

    def test_copies_are_recorded_though_their_mails_are_gone(self):
        request = self.read_and_sign(self.send())
        self.assertEqual(self.newest(request, "signed_copy").state, "queued")
        self.hand_over()
        self.assertFalse(self.env["mail.mail"].search([("esign_request_id", "=", request.id)]))
        for kind, address in (("signed_copy", self.customer.email), ("company_copy", self.sale_user.email)):
            delivery = self.newest(request, kind)
            self.assertEqual((delivery.state, delivery.address), ("handed_over", address))
        self.assertEqual(len(self.payloads(request, "mail.sent")), 3)

    def test_what_the_server_has_taken_is_not_handed_over_again(self):
        """Whoever handed it over died before Odoo's own note of it was committed."""
        request = self.read_and_sign(self.send())
        taken = self.newest(request, "signed_copy")
        taken._note("handed_over", server_answer="250 Ok")
        self.hand_over()
        self.assertFalse(any("Signed" in item.subject for item in self.sent(self.customer.email)))
        self.assertEqual(self.newest(request, "company_copy").state, "handed_over")
        self.assertFalse(self.env["mail.mail"].search([("esign_request_id", "=", request.id)]))

    def test_a_followers_copy_still_goes_out(self):
        """The invitation went to the customer; of the follower's copy nothing is known."""
        follower = self.env["res.partner"].create({"name": "F", "email": "f@other.example"})
        request = self.send(partner_ids=[Command.set((self.customer | follower).ids)])
        count = len(self.sent("f@other.example"))
        mail = self.env["mail.mail"].create(
            {
                "mail_message_id": request.signer_ids.message_id.id,
                "body_html": request.signer_ids._link_mark(),
                "recipient_ids": [Command.set((self.customer | follower).ids)],
            }
        )
        mail._esign_send_again()
        self.assertEqual(len(self.sent("f@other.example")), count + 1)

    def test_a_refused_signed_copy_is_an_activity(self):
        request = self.read_and_sign(self.send())
        self.mail_server.refused = {self.customer.email: NO_SUCH_USER}
        with mute_logger(MAIL_LOG):
            self.hand_over()
        self.assertEqual(self.newest(request, "signed_copy").state, "failed")
        self.assertEqual(self.newest(request, "company_copy").state, "handed_over")
        (activity,) = self.corrections()
        self.assertIn("did not get the signed file", activity.note)
        self.assertEqual(request.state, "signed")
        self.assertIn("550", request.delivery_problem)

    def test_copies_drain_when_the_server_is_back(self):
        request = self.read_and_sign(self.send())
        self.mail_server.broken = True
        with mute_logger(MAIL_LOG):
            self.hand_over()
            self.hand_over()
        self.assertEqual(len(self.payloads(request, "mail.failed")), 2)
        self.mail_server.broken = False
        self.age("esign_delivery", "retry_on", "2 hours")
        self.hand_over()
        self.hand_over()
        self.assertEqual(self.newest(request, "signed_copy").state, "handed_over")
        self.assertEqual(len(self.sent(self.customer.email)), 3, "invitation, code, signed")
        self.assertEqual(len(self.sent(self.sale_user.email)), 1)

    def test_a_server_that_hangs_up_holds_up_no_other_mails(self):
        request = self.read_and_sign(self.send())

        def cut(server, _content):
            server.calls = getattr(server, "calls", 0) + 1
            if server.calls == 1:
                raise smtplib.SMTPServerDisconnected("Connection unexpectedly closed")
            return server.answer

        with patch.object(type(self.mail_server), "data", cut), mute_logger(MAIL_LOG):
            self.hand_over()
        states = [self.newest(request, kind).state for kind in ("signed_copy", "company_copy")]
        self.assertEqual(sorted(states), ["failed", "handed_over"])
        self.age("esign_delivery", "retry_on", "10 minutes")
        self.hand_over()
        states = [self.newest(request, kind).state for kind in ("signed_copy", "company_copy")]
        self.assertEqual(states, ["handed_over", "handed_over"])

    def test_a_closed_procedure_invites_nobody_again(self):
        self.mail_server.answer = LATER
        with mute_logger(MAIL_LOG):
            request = self.send()
        request.with_user(self.sale_user).action_cancel()
        self.mail_server.answer = (250, b"Ok")
        self.age("esign_delivery", "retry_on", "10 minutes")
        self.hand_over()
        self.assertFalse(self.sent(self.customer.email))
        self.assertFalse(self.newest(request).retry_on)

    def test_a_mail_that_somebody_deleted_is_not_waited_for(self):
        self.mail_server.answer = LATER
        with mute_logger(MAIL_LOG):
            request = self.send()
        self.invitation_mail(request).unlink()
        self.age("esign_delivery", "retry_on", "10 minutes")
        self.hand_over()
        self.assertTrue(self.newest(request).permanent)
        self.assertEqual(len(self.corrections()), 1)

    def test_a_refusal_is_confirmed_and_that_is_recorded(self):
        request = self.send()
        ticket = self.prove(request)
        self.assertTrue(ticket._decline("too dear", ORIGIN)["ok"])
        self.hand_over()
        self.assertEqual(self.newest(request, "refusal_copy").state, "handed_over")

    def test_the_proof_tells_of_the_invitation(self):
        request = self.read_and_sign(self.send())
        delivery = self.newest(request)
        (facts,) = self.env["esign.proof"]._facts(request, request.signer_ids)["invitation"]
        self.assertEqual(
            (facts["to"], facts["message_id"], facts["server_answer"], facts["came_back_at"]),
            (self.customer.email, delivery.message_id, "250 2.0.0 Ok: queued as 4F1", None),
        )
        self.assertRegex(facts["handed_over_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertIn(delivery.message_id, request.proof_ids.json)

    # === CODES === #

    def test_a_code_is_handed_over_and_not_kept(self):
        request = self.send()
        self.prove(request)
        delivery = self.newest(request, "code")
        self.assertEqual((delivery.state, delivery.address), ("handed_over", self.customer.email))
        ((_type, payload),) = self.payloads(request, "code.sent")
        self.assertEqual(payload["message_id"], delivery.message_id)
        self.assertEqual(payload["server_answer"], "250 2.0.0 Ok: queued as 4F1")
        self.assertFalse(self.payloads(request, "code.send_failed"))
        self.env.cr.execute("SELECT d::text FROM esign_delivery d")
        rows = " ".join(row[0] for row in self.env.cr.fetchall())
        # Microseconds have six digits too.
        self.assertNotIn(self.last_code(), re.sub(r"<[^>]*>|\d\d:\d\d:\d\d\.\d+", "", rows))

    def test_a_code_that_is_refused(self):
        request = self.send()
        self.mail_server.refused = {self.customer.email: NO_SUCH_USER}
        ticket = self.env["esign.ticket"]._find_by_secret(self.last_secret())
        with mute_logger(DELIVERY_LOG):
            outcome = ticket._send_code(ticket._new_device(), ORIGIN)
        self.assertEqual(outcome, {"ok": False, "reason": "failed"})
        self.assertEqual(self.newest(request, "code").state, "failed")
        self.assertEqual(self.env["esign.otp"].search([("ticket_id", "=", ticket.id)]).mapped("state"), ["failed"])
        ((_type, payload),) = self.payloads(request, "code.send_failed")
        self.assertIn("550 5.1.1", payload["error"])
        self.assertFalse(self.corrections(), "the customer sees it on the page")

    def test_a_code_whose_fate_cannot_be_recorded_is_still_sent(self):
        request = self.send()
        ticket = self.env["esign.ticket"]._find_by_secret(self.last_secret())
        device = ticket._new_device()
        broken = patch.object(type(self.env["esign.delivery"]), "_advance", side_effect=RuntimeError("disk full"))
        with broken, self.assertLogs(DELIVERY_LOG, "ERROR"):
            self.assertEqual(ticket._send_code(device, ORIGIN), {"ok": True})
        self.assertTrue(ticket._check_code(device, self.last_code(), ORIGIN)["ok"])
        self.assertFalse(self.newest(request, "code"))

    def test_messages_sent_at_once(self):
        """`_send_now`, as other parts of the addon use it."""
        request = self.send()
        message = self.env["ir.mail_server"]._build_email__(
            "office@seller.example", [self.customer.email], "A lock", "<p>Too many codes</p>", subtype="html"
        )
        delivery = self.env["esign.delivery"]._send_now(request.signer_ids, "lock_notice", message)
        self.assertEqual((delivery.state, delivery.server_answer), ("handed_over", "250 2.0.0 Ok: queued as 4F1"))
        self.assertEqual(self.newest(request, "lock_notice").message_id, message["Message-Id"])
        self.assertEqual(self.payloads(request, "mail.sent")[-1][1]["kind"], "lock_notice")


@tagged("post_install", "-at_install")
class TestBounce(DeliveryCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.message_id = cls.request.delivery_ids.message_id

    def _assert_bounced(self, request=None, kind="invitation"):
        request = request or self.request
        delivery = self.newest(request, kind)
        self.assertEqual(delivery.state, "bounced")
        self.assertTrue(delivery.bounced_on)
        ((_type, payload),) = self.payloads(request, "mail.bounced")
        self.assertEqual(payload["kind"], kind)
        self.assertIn("550 5.1.1 no such user here", payload["report"])
        self.assertIn("550 5.1.1 no such user here", delivery.failure)
        self.assertEqual(delivery.server_answer, "250 2.0.0 Ok: queued as 4F1", "both are facts")

    def test_every_way_to_quote_what_came_back(self):
        for original in ("headers", "whole", "text"):
            with self.subTest(original):
                request = self.send(self.new_order())
                self.receive(make_report(self.newest(request).message_id, original=original, id=f"<{original}@mx>"))
                self._assert_bounced(request)
                self.assertEqual(len(self.corrections(request.order_id)), 1)

    def test_without_the_original(self):
        for header in ("In-Reply-To", "References", "X-Original-Message-ID"):
            with self.subTest(header):
                request = self.send(self.new_order())
                head = f"{header}: {self.newest(request).message_id}\n"
                self.receive(make_report("", original="none", head=head, id=f"<{header}@mx>"))
                self._assert_bounced(request)

    def test_without_original_and_reference_nothing_is_guessed(self):
        self.receive(make_report("", original="none"))
        self.assertEqual(self.newest(self.request).state, "handed_over")

    def test_by_way_of_sale_orders(self):
        self.env.flush_all()
        self.env["mail.thread"].message_process("sale.order", make_report(self.message_id))
        self._assert_bounced()

    def test_what_people_see(self):
        self.receive(make_report(self.message_id))
        (activity,) = self.corrections()
        self.assertEqual(activity.user_id, self.sale_user)
        self.assertIn("550 5.1.1 no such user here", activity.note)
        self.assertIn("Correct the address: open the signing procedure", activity.note)
        step = self.request._progress_steps()[0]
        self.assertEqual((step["label"], step["status"]), ("Came back", "failed"))
        self.assertIn("came back", self.request.with_user(self.sale_user).delivery_problem)
        self.assertIn("came back", self.order.with_user(self.sale_user).esign_progress)

    def test_in_the_salespersons_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.sale_user.lang = "fr_FR"
        with patch.object(type(self.request), "_remind", autospec=True) as remind:
            self.receive(make_report(self.message_id))
        self.assertEqual(remind.call_args[0][0].env.lang, "fr_FR")

    def test_a_report_counts_once(self):
        for number in range(3):
            self.receive(make_report(self.message_id, id=f"<again-{number}@mx>"))
        self._assert_bounced()
        self.assertEqual(len(self.corrections()), 1)
        self.corrections().action_done()
        self.receive(make_report(self.message_id, id="<later@mx>"))
        self.assertFalse(self.corrections(), "what was dealt with does not come again")

    def test_what_came_back_stays_so(self):
        self.receive(make_report(self.message_id))
        delivery = self.newest(self.request)
        self.assertFalse(delivery._advance("handed_over"))
        self.assertFalse(delivery._advance("failed"))
        self.assertEqual(delivery.state, "bounced")

    def test_a_delay_is_not_a_bounce(self):
        self.receive(make_report(self.message_id, action="delayed", status="4.4.1"))
        self.assertEqual(self.newest(self.request).state, "handed_over")

    def test_a_holiday_reply_and_a_receipt_are_not_bounces(self):
        self.env["mail.alias.domain"].create({"name": "seller.example", "bounce_alias": "bounce"})
        head = f"To: bounce@seller.example\nMessage-ID: <away@customer.example>\nIn-Reply-To: {self.message_id}\n"
        self.receive(
            f"From: {self.customer.email}\nSubject: Away\nAuto-Submitted: auto-replied\n{head}\nBack on Monday\n"
        )
        self.receive(
            f"From: {self.customer.email}\nSubject: Read\n{head.replace('away', 'read')}"
            'MIME-Version: 1.0\nContent-Type: multipart/report; report-type=disposition-notification; boundary="B"\n\n'
            "--B\nContent-Type: text/plain\n\nRead.\n\n--B\nContent-Type: message/disposition-notification\n\n"
            f"Original-Message-ID: {self.message_id}\nDisposition: manual-action/MDN-sent-manually; displayed\n\n--B--\n"
        )
        self.assertEqual(self.newest(self.request).state, "handed_over")

    def test_a_daemon_that_does_not_know_the_standard(self):
        self.receive(
            f"From: Mailer-Daemon@mx.old.example\nTo: bounce@seller.example\nSubject: failure notice 550 5.1.1 no such user here\n"
            f"Message-ID: <old@mx>\nIn-Reply-To: {self.message_id}\n\nSorry.\n"
        )
        self._assert_bounced()

    def test_anothers_copy_is_not_the_customers(self):
        """Followers get the invitation's text with the same Message-ID."""
        follower = self.env["res.partner"].create({"name": "Friend", "email": "friend@else.example"})
        request = self.send(self.new_order(), partner_ids=[Command.set((self.customer | follower).ids)])
        message_id = self.newest(request).message_id
        self.receive(make_report(message_id, recipient="friend@else.example"))
        self.assertEqual(self.newest(request).state, "handed_over")
        self.receive(make_report(message_id, recipient="passed.on@else.example", id="<passed@mx>"))
        self.assertEqual(self.newest(request).state, "bounced", "passed on to a mailbox that is gone")

    def test_a_code_came_back(self):
        self.prove(self.request)
        delivery = self.newest(self.request, "code")
        self.assertFalse(self.env["mail.message"].search([("message_id", "=", delivery.message_id)]))
        self.receive(make_report(delivery.message_id, original="whole"))
        self._assert_bounced(kind="code")
        (activity,) = self.corrections()
        self.assertFalse(CODE.search(activity.note))

    def test_several_codes_came_back_and_one_activity_is_enough(self):
        ticket = self.env["esign.ticket"]._find_by_secret(self.last_secret())
        for number in range(2):
            self.forget_limits()
            self.assertTrue(ticket._send_code(ticket._new_device(), ORIGIN)["ok"])
            self.receive(make_report(self.newest(self.request, "code").message_id, id=f"<code-{number}@mx>"))
        self.assertEqual(len(self.payloads(self.request, "mail.bounced")), 2)
        self.assertEqual(len(self.corrections()), 1)

    def test_a_signed_copy_came_back(self):
        request = self.read_and_sign(self.request)
        self.hand_over()
        self.receive(make_report(self.newest(request, "signed_copy").message_id))
        self._assert_bounced(kind="signed_copy")
        (activity,) = self.corrections()
        self.assertIn("did not get the signed file", activity.note)
        self.assertEqual((request.state, self.order.state), ("signed", "sale"))

    def test_an_invitation_of_a_closed_procedure(self):
        self.request.with_user(self.sale_user).action_cancel()
        self.receive(make_report(self.message_id))
        self._assert_bounced()
        self.assertFalse(self.corrections())

    def test_a_forged_report_does_no_more_than_that(self):
        """Who knows a Message-ID (each recipient does) gets an activity out of it, and nothing else."""
        tables = ("esign_signer", "esign_ticket", "esign_otp", "esign_lock", "esign_document", "esign_proof")
        before = self.snapshot(*tables)
        secret = self.last_secret()
        self.receive(
            make_report(
                self.message_id,
                **{
                    "from": "stranger@evil.example",
                    "diagnostic": f"smtp; 550 5.1.1 no such user here <script>alert(1)</script>\x1b[2J /esign/t/{secret} "
                    + "x" * 5000,
                    "status": "5.1.1" + "9" * 500,
                },
            )
        )
        self.assertEqual(self.snapshot(*tables), before)
        self.assertEqual((self.request.state, self.order.state), ("sent", "sent"))
        delivery = self.newest(self.request)
        self.assertLessEqual(len(delivery.failure), 300)
        self.assertNotIn(secret, delivery.failure)
        self.assertNotIn("\x1b", delivery.failure)
        self.assertNotIn("<script", self.corrections().note)
        self.assertTrue(self.read_and_sign(self.request).state, "signed")

    def test_reports_of_nothing_and_of_rubbish(self):
        before = self.snapshot("esign_delivery", "esign_event")
        good = make_report(self.message_id)
        for number, text in enumerate(
            (
                make_report("<unknown@nowhere.example>"),
                good.replace("Final-Recipient: rfc822;", "Final-Recipient:").replace(self.message_id, ""),
                good[:400],
            )
        ):
            with self.subTest(number), mute_logger("odoo.addons.mail.models.mail_thread"):
                self.receive(text.replace("<report-1@", f"<rubbish-{number}@"))
        self.assertEqual(self.snapshot("esign_delivery", "esign_event"), before)

    def test_a_report_in_an_unknown_charset(self):
        text = make_report(self.message_id).replace("rfc822-headers", "rfc822-headers; charset=x-unknown")
        self.env["esign.delivery"]._receive_report(message_from_string(text, policy=SMTP))
        self._assert_bounced()

    def test_stock_does_its_part_too(self):
        before = self.customer.message_bounce
        self.receive(make_report(self.message_id))
        self.assertEqual(self.customer.message_bounce, before + 1)
        notification = self.request.signer_ids.message_id.notification_ids.filtered(
            lambda item: item.res_partner_id == self.customer
        )
        self.assertEqual(notification.notification_status, "bounce")
