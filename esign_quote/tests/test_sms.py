import json
import re
from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.iap.tools import iap_tools
from odoo.addons.sms.tools.sms_api import SmsApi

from .common import ORIGIN, EsignCommon, EsignHttpCommon, pdf_text, text_of

CODE = re.compile(r"^(\d{6}) ")


class SmsGateway:
    """Stands for the provider's server (IAP): takes what it would take, with its faults."""

    def __init__(self):
        self.sent = []
        self.state = "success"
        self.error = None

    def answer(self, url, params, **_options):
        assert url.endswith("/api/sms/3/send")
        if self.error:
            raise self.error
        results = []
        for message in params["messages"]:
            for number in message["numbers"]:
                if self.state == "success":
                    self.sent.append((number["number"], message["content"]))
                results.append({"uuid": number["uuid"], "state": self.state, "credit": 1})
        return results


class SmsCommon:
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.gateway = SmsGateway()
        # The one place where Odoo leaves this machine for a text message.
        cls.startClassPatcher(patch.object(iap_tools, "iap_jsonrpc", cls.gateway.answer))
        cls.company.country_id = cls.env.ref("base.fr")
        cls.customer.phone = "06 12 34 56 78"

    def setUp(self):
        super().setUp()
        self.gateway.__dict__.update(sent=[], state="success", error=None)

    def text_code(self):
        return CODE.search(self.gateway.sent[-1][1])[1]


@tagged("post_install", "-at_install")
class TestSmsPages(SmsCommon, EsignHttpCommon, HttpCase):
    """A code by text message, alone or after one by e-mail."""

    def test_by_text_message_alone(self):
        request = self._send("sms")
        words = text_of(self.get(f"/esign/t/{self.last_secret()}"))
        self.assertIn("by text message to ••• 78", words)
        mails = len(self.sent())
        path = self.ask_for_code(request)
        self.assertEqual(len(self.sent()), mails)
        self.assertIn("The text message is on its way to ••• 78", text_of(self.get(path)))
        self.assertEqual(self.post(f"{path}/verify", {"code": self.text_code()}).status_code, 303)
        (validated,) = request.event_ids.filtered(lambda event: event.type == "code.validated")
        self.assertEqual(validated.payload["channel"], "sms")

    def test_the_text_tells_what_for_and_fills_itself_in_on_our_page_only(self):
        self.ask_for_code(self._send("sms"))
        number, text = self.gateway.sent[-1]
        self.assertEqual(number, "+33612345678")
        self.assertRegex(
            text, rf"^\d{{6}} is your code to sign quotation {self.order.name} \(Atelier Nord\)\. Do not share it\."
        )
        self.assertRegex(text.splitlines()[-1], r"^@[\w.-]+ #\d{6}$")

    def test_in_turn_both_are_needed(self):
        request = self._send("both")
        path = self.ask_for_code(request)
        self.assertFalse(self.gateway.sent)
        response = self.post(f"{path}/verify", {"code": self.last_code()})
        self.assertIn("Now the code on your phone", text_of(response))
        self.assertEqual(len(self.gateway.sent), 1)
        self.assertEqual(self.get(self._file(path, request)).status_code, 404)
        self.assertFalse(request.identified_on)
        self.assertEqual(self.post(f"{path}/verify", {"code": self.text_code()}).status_code, 303)
        self.assertEqual(self.get(self._file(path, request)).status_code, 200)
        validated = request.event_ids.filtered(lambda event: event.type == "code.validated")
        self.assertEqual([event.payload["channel"] for event in validated], ["mail", "sms"])

    def test_the_code_of_one_way_is_none_of_the_other(self):
        request = self._send("both")
        path = self.ask_for_code(request)
        mail_code = self.last_code()
        self.post(f"{path}/verify", {"code": mail_code})
        if mail_code != self.text_code():
            self.assertIn("does not match", text_of(self.post(f"{path}/verify", {"code": mail_code})))

    def test_the_mailbox_does_not_buy_new_guesses_at_the_phone(self):
        """Wrong codes of the phone stay counted when another code by e-mail was right."""
        request = self._send("both")
        locked = False
        for round_ in range(4):
            self.forget_limits()
            with self.browser():
                if locked:
                    secret = self.last_secret()
                    self.get(f"/esign/t/{secret}")
                    self.assertIn("code entry is stopped", text_of(self.post(f"/esign/t/{secret}/code")))
                    continue
                path = self.ask_for_code(request)
                self.post(f"{path}/verify", {"code": self.last_code()})
                wrong = f"{(int(self.text_code()) + 1 + round_) % 10**6:06d}"
                locked = "code entry is stopped" in text_of(self.post(f"{path}/verify", {"code": wrong}))
                self.assertEqual(locked, round_ == 2)
        refused = self.entries(request).count("code.refused")
        self.assertEqual(refused, 3)

    def test_a_right_code_by_mail_is_no_wrong_one(self):
        request = self._send("both")
        path = self.ask_for_code(request)
        self.post(f"{path}/verify", {"code": self.last_code()})
        self.assertEqual(self.env["esign.lock"]._failures(request.signer_ids._lock_scope()), 0)

    # === FAULTS === #

    def test_no_credit_is_told_to_both_and_uses_up_nothing(self):
        request = self._send("sms")
        self.gateway.state = "insufficient_credit"
        secret = self.last_secret()
        self.get(f"/esign/t/{secret}")
        for _time in range(2):
            response = self.post(f"/esign/t/{secret}/code")
            self.assertIn("We cannot send the code right now", text_of(response))
        activity = self.order.activity_ids.filtered(lambda item: "Text message not sent" in (item.summary or ""))
        self.assertEqual(len(activity), 1, "once, not at every attempt")
        self.assertIn("no credit left", activity.note)
        self.assertEqual(activity.user_id, self.sale_user)
        self.assertEqual(self.entries(request).count("code.send_failed"), 2)
        self.gateway.state = "success"
        self.assertTrue(self.ask_for_code(request), "no waiting: nothing had been sent")

    @mute_logger("odoo.addons.esign_quote.models.esign_sms")
    def test_a_provider_that_does_not_answer_is_told(self):
        request = self._send("sms")
        self.gateway.error = TimeoutError("gateway")
        secret = self.last_secret()
        self.get(f"/esign/t/{secret}")
        self.assertIn("no try was used", text_of(self.post(f"/esign/t/{secret}/code")))
        self.assertIn("code.send_failed", self.entries(request))

    def test_the_daily_budget_stops_text_messages(self):
        self.company.esign_sms_budget = 1
        self.ask_for_code(self._send("sms"))
        other = self._send("sms", self.new_order())
        secret = self.last_secret()
        self.get(f"/esign/t/{secret}")
        self.assertIn("We cannot send the code right now", text_of(self.post(f"/esign/t/{secret}/code")))
        self.assertEqual(len(self.gateway.sent), 1)
        self.assertIn("budget", other.order_id.activity_ids[0].note)

    # === TRACES === #

    def test_the_code_is_stored_nowhere(self):
        self.ask_for_code(self._send("sms"))
        code = self.text_code()
        self.env.flush_all()
        for table in ("sms_sms", "mail_message", "esign_event", "esign_otp", "mail_mail"):
            self.env.cr.execute(f"SELECT count(*) FROM {table} t WHERE t::text ~ %s", [rf"\y{code}\y"])  # noqa: S608
            self.assertEqual(self.env.cr.fetchone()[0], 0, table)

    def test_statement_and_proof_say_which_way(self):
        for channel, code, words in (
            ("sms", "C1-SMS", "control of the phone"),
            ("both", "C1-BOTH", "control of the mailbox and of the phone"),
        ):
            with self.subTest(channel):
                request = self._send(channel, self.new_order())
                self.assertEqual(request.signer_ids.consents[0]["code"], code)
                self.assertIn("••• 78", request.signer_ids.consents[0]["text"])
                path = self.ask_for_code(request)
                if channel == "both":
                    self.post(f"{path}/verify", {"code": self.last_code()})
                self.post(f"{path}/verify", {"code": self.text_code()})
                self.read(request, path)
                self.assertEqual(self.submit(request, path).status_code, 303)
                request.invalidate_recordset()
                self.assertEqual(request.state, "signed")
                facts = json.loads(request.proof_ids.json)
                self.assertIn(words, facts["authentication"]["what_it_shows"])
                self.assertEqual(facts["signer"]["phone_masked"], "••• 78")
                self.assertNotIn("0612345678", request.proof_ids.json.replace("+33", "0"))
                self.assertIn("phone", pdf_text(request._document("proof")._bytes()))

    def _send(self, channel, order=None):
        request = self.send(order, esign_channel=channel)
        self.assertEqual(request.channel, channel)
        return request

    def _file(self, path, request):
        return f"{path}/file/{request._document('quote').uid}"


@tagged("post_install", "-at_install")
class TestSmsSending(SmsCommon, EsignCommon, TransactionCase):
    """What cannot work is refused when the quotation is sent."""

    def test_the_company_proposes_the_channel(self):
        self.company.esign_channel = "both"
        self.assertEqual(self.compose().esign_channel, "both")
        self.assertEqual(self.send().channel, "both")

    def test_a_contact_without_a_usable_number_is_refused_in_words(self):
        for phone, words in (
            (False, "has no phone number"),
            ("12", "is not a valid phone number"),
            ("01 42 68 53 00", "is not a mobile number"),
            ("+44 7400 123456", "not allowed by your company's settings"),
        ):
            with self.subTest(phone), self.assertRaises(UserError) as caught:
                self.customer.phone = phone
                self.compose(esign_channel="sms").action_send_mail()
            self.assertIn(words, str(caught.exception))
            self.assertFalse(self.order.esign_request_ids)

    def test_by_mail_no_number_is_needed_nor_kept(self):
        self.customer.phone = False
        self.assertFalse(self.send().signer_ids.phone)

    def test_the_countries_are_a_setting(self):
        self.company.esign_sms_country_ids = self.env.ref("base.uk") | self.env.ref("base.fr")
        self.customer.phone = "+44 7400 123456"
        self.assertEqual(self.send(esign_channel="sms").signer_ids.phone, "+447400123456")

    def test_the_number_is_frozen(self):
        request = self.send(esign_channel="sms")
        self.customer.phone = "07 99 99 99 99"
        self.assertEqual(request.signer_ids.phone, "+33612345678")

    def test_a_range_of_numbers_is_limited(self):
        requests = []
        for last in range(12):
            partner = self.customer.copy({"email": f"c{last}@customer.example", "phone": f"+336123456{last:02}"})
            requests.append(self.send(self.new_order(partner), esign_channel="sms"))
        for number, request in enumerate(requests):
            ticket = request.signer_ids.ticket_ids or self.env["esign.ticket"]._find_by_secret(
                self.last_secret(request.signer_ids.email)
            )
            origin = {**ORIGIN, "ip": f"192.0.2.{number}"}
            ticket._send_code(ticket._new_device(), origin)
        self.assertEqual(len(self.gateway.sent), 10)

    def test_the_double_stands_where_odoo_leaves_the_machine(self):
        """The double is worth something only as long as Odoo's provider really goes through it."""
        self.assertIs(self.company._get_sms_api_class(), SmsApi)
        self.assertTrue(self.env["esign.sms"]._send(self.company, "+33612345678", "x")["ok"])
        self.assertEqual(self.gateway.sent, [("+33612345678", "x")])
