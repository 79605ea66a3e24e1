from datetime import timedelta
from unittest.mock import patch

from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.models.esign_otp import EsignOtp
from odoo.addons.esign_quote.models.esign_ticket import EsignTicket
from odoo.addons.esign_quote.models.esign_transaction import EsignTransaction

from .common import ORIGIN, EsignCommon, EsignHttpCommon, text_of


@tagged("post_install", "-at_install")
class TestCode(EsignHttpCommon, HttpCase):
    """One code, one browser, one signature; wrong ones are counted whatever happens (law 5)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.signer = cls.request.signer_ids

    def setUp(self):
        super().setUp()
        self.guesses = 0
        self.path = self.ask_for_code(self.request)
        self.code = self.last_code()

    # === THE MAIL === #

    def test_the_code_is_in_the_text_and_not_in_the_subject(self):
        message = self.sent(self.customer.email)[-1]
        self.assertIn(self.code, message.html)
        self.assertIn(self.code, message.text)
        self.assertNotIn(self.code, message.subject)
        self.assertIn(self.order.name, message.subject)

    def test_the_mail_with_the_code_holds_no_link(self):
        message = self.sent(self.customer.email)[-1]
        self.assertNotRegex(message.html + message.text, r"href|https?://|/esign/")

    # === RIGHT === #

    def test_the_right_code_opens_the_quotation(self):
        self.assertEqual(self._give(self.code).status_code, 303)
        self.assertIn(f"Quotation {self.order.name}", text_of(self.get(self.path)))
        self.assertTrue(self.request.identified_on)
        self.assertIn("code.validated", self.entries(self.request))

    def test_the_last_second_of_a_code_counts(self):
        """Odoo's domains compare whole seconds; a code lives to its end."""
        otp = self.env["esign.otp"].search([("state", "=", "pending")])
        self.env.cr.execute(
            "UPDATE esign_otp SET expires_on = date_trunc('second', expires_on) + interval '0.5 s'"
            " WHERE id = %s RETURNING expires_on",
            [otp.id],
        )
        ((end,),) = self.env.cr.fetchall()
        self.env.invalidate_all()
        found = []
        for before in (timedelta(seconds=0.2), timedelta(0)):
            with patch.object(EsignTransaction, "_now", lambda _self, before=before: end - before):
                found.append(otp._find_pending(otp.ticket_id, otp.device_hash))
        self.assertEqual(found, [otp, otp.browse()])

    def test_the_code_may_be_typed_with_blanks(self):
        self.assertEqual(self._give(f" {self.code[:3]} {self.code[3:]} ").status_code, 303)

    def test_the_browser_gets_a_new_secret_and_the_old_one_opens_nothing(self):
        old = self.opener.cookies[f"esign_{self.path.rpartition('/')[2]}"]
        self._give(self.code)
        new = self.opener.cookies[f"esign_{self.path.rpartition('/')[2]}"]
        self.assertNotEqual(old, new)
        with self.browser():
            self.opener.cookies[f"esign_{self.path.rpartition('/')[2]}"] = old
            self.assertEqual(self.get(self._file()).status_code, 404)
            self.assertNotIn("725.00", self.get(self.path).text)

    # === WRONG === #

    def test_a_wrong_code_is_refused_and_counted(self):
        response = self._give(self._wrong())
        self.assertEqual(response.status_code, 422)
        self.assertIn("That code does not match. Tries left: 2", text_of(response))
        self.assertEqual(self._failures(), 1)
        self.assertIn("code.refused", self.entries(self.request))

    def test_what_is_no_code_is_not_counted(self):
        for typed in ("", "12345", "1234567", "abcdef", "１２３４５６"):
            self.assertEqual(self._give(typed).status_code, 422)
        self.assertEqual(self._failures(), 0)
        self.assertEqual(self._give(self.code).status_code, 303)

    def test_the_right_code_clears_the_counter(self):
        self._give(self._wrong())
        self._give(self.code)
        self.assertEqual(self._failures(), 0)

    def test_three_wrong_codes_lock(self):
        for _try in range(3):
            response = self._give(self._wrong())
        self.assertIn("code entry is stopped until", text_of(response))
        self.assertIn("office@seller.example", text_of(response))
        self.assertIn("scope.locked", self.entries(self.request))

    def test_the_right_code_is_refused_while_it_is_locked(self):
        self._lock()
        response = self._give(self.code)
        self.assertEqual(response.status_code, 422)
        self.assertIn("code entry is stopped until", text_of(response))
        self.assertEqual(self.get(self._file()).status_code, 404)

    def test_no_code_is_sent_while_it_is_locked(self):
        self._lock()
        self.forget_limits()
        mails = len(self.sent())
        self.post(f"{self.path}/code")
        self.post(f"/esign/t/{self.last_secret()}/code")
        self.assertEqual(len(self.sent()), mails)

    def test_the_lock_ends_after_five_days(self):
        self._lock()
        self.age("esign_lock", "locked_until", "4 days 23 hours")
        self.assertIn("code entry is stopped", text_of(self._give(self.code)))
        self.age("esign_lock", "locked_until", "1 hour")
        self.forget_limits()
        self.post(f"{self.path}/code")
        self.assertEqual(self._give(self.last_code()).status_code, 303)

    def test_counting_starts_again_after_the_lock(self):
        self._lock()
        self.age("esign_lock", "locked_until", "6 days")
        self.assertIn("Tries left: 2", text_of(self._give(self._wrong())))

    def test_tries_and_days_are_settings(self):
        self.company.write({"esign_code_tries": 2, "esign_lock_for": "1440"})
        self._give(self._wrong())
        self.assertIn("code entry is stopped", text_of(self._give(self._wrong())))
        self.age("esign_lock", "locked_until", "1 day")
        self.assertIn("Tries left: 1", text_of(self._give(self._wrong())))

    def test_a_lock_holds_for_new_codes_of_the_same_signer(self):
        self._give(self._wrong())
        self.forget_limits()
        self.post(f"{self.path}/code")
        self._give(self._wrong())
        self.assertEqual(self._failures(), 2)

    def test_a_lock_of_one_quotation_leaves_the_others_alone(self):
        self._lock()
        other = self.send(self.new_order())
        self.assertTrue(self.enter(other))

    # === OVER === #

    def test_an_expired_code_is_refused(self):
        self.age("esign_otp", "expires_on", "5 minutes")
        response = self._give(self.code)
        self.assertIn("This code has run out", text_of(response))
        self.assertEqual(self._failures(), 0)

    def test_the_life_of_a_code_is_a_setting(self):
        self.company.esign_code_minutes = 10
        self.forget_limits()
        self.post(f"{self.path}/code")
        self.age("esign_otp", "expires_on", "9 minutes")
        self.assertEqual(self._give(self.last_code()).status_code, 303)

    def test_a_code_is_good_once(self):
        self._give(self.code)
        self.post(f"{self.path}/leave")
        with self.browser():
            self.forget_limits()
            self.ask_for_code(self.request)
            self.assertIn("does not match", text_of(self._give(self.code)))

    def test_a_replaced_code_is_refused(self):
        self.forget_limits()
        self.assertIn("A new code has been sent", text_of(self.post(f"{self.path}/code")))
        self.assertNotEqual(self.last_code(), self.code)
        self.assertIn("does not match", text_of(self._give(self.code)))
        self.assertEqual(self._give(self.last_code()).status_code, 303)

    def test_a_code_is_of_no_use_in_another_browser(self):
        with self.browser():
            response = self._give(self.code)
            self.assertEqual(response.status_code, 404)
        self.assertEqual(self._give(self.code).status_code, 303)

    def test_a_code_is_of_no_use_in_another_browser_that_asked_for_one(self):
        self.forget_limits()
        with self.browser():
            self.ask_for_code(self.request)
            theirs = self.last_code()
            self.assertIn("does not match", text_of(self._give(self.code)))
        # And the newest code is of no use here.
        self.assertIn("This code has run out", text_of(self._give(theirs)))

    def test_a_code_is_of_no_use_for_another_quotation(self):
        other = self.send(self.new_order())
        path = self.ask_for_code(other)
        self.assertNotEqual(self.last_code(), self.code)
        self.assertIn("does not match", text_of(self.post(f"{path}/verify", {"code": self.code})))
        self.assertEqual(self._give(self.code).status_code, 303)

    # === ASKING AGAIN === #

    def test_a_second_code_has_to_wait(self):
        mails = len(self.sent())
        self.assertIn("You can ask for another one in", text_of(self.post(f"{self.path}/code")))
        with self.browser():
            secret = self.last_secret()
            self.get(f"/esign/t/{secret}")
            self.assertEqual(self.post(f"/esign/t/{secret}/code").status_code, 429)
        self.assertEqual(len(self.sent()), mails)
        self.pass_time(31)
        self.assertIn("A new code has been sent", text_of(self.post(f"{self.path}/code")))

    def test_five_codes_an_hour(self):
        for _code in range(4):
            self.pass_time(300)
            self.post(f"{self.path}/code")
        mails = len(self.sent())
        self.pass_time(300)
        self.assertIn("You can ask for another one in", text_of(self.post(f"{self.path}/code")))
        self.assertEqual(len(self.sent()), mails)

    def test_going_back_to_the_link_keeps_the_code_good(self):
        response = self.post(f"/esign/t/{self.last_secret()}/code")
        self.assertEqual(response.status_code, 303)
        self.assertEqual(self._give(self.code).status_code, 303)

    def test_a_code_that_cannot_be_sent_uses_up_nothing(self):
        self.forget_limits()
        self.mail_server.broken = True
        with mute_logger("odoo.addons.esign_quote.models.esign_delivery"):
            response = self.post(f"{self.path}/code")
        self.assertIn("We cannot send the code right now", text_of(response))
        self.assertIn("code.send_failed", self.entries(self.request))
        self.mail_server.broken = False
        self.assertIn("A new code has been sent", text_of(self.post(f"{self.path}/code")))

    # === WITHOUT A PROVED CODE === #

    def test_files_are_not_found_without_a_code(self):
        for response in (
            self.get(self._file()),
            self.post(self._file().replace("/file/", "/download/")),
            self.get(f"{self.path}/proof.json"),
        ):
            self.assertEqual(response.status_code, 404)
        self.assertFalse(self.signer.downloaded_on)

    def test_nothing_is_read_signed_or_declined_without_a_code(self):
        before = self.snapshot()
        self.assertEqual(
            self.post(f"{self.path}/read", {"sha256": self.request._document("quote").sha256}).status_code, 404
        )
        self.assertEqual(self.submit(self.request, self.path).status_code, 403)
        self.assertEqual(self.post(f"{self.path}/decline", {"comment": "no"}).status_code, 403)
        self.assertEqual(self.snapshot(), before)

    def test_the_session_ends_after_an_hour(self):
        self._give(self.code)
        self.assertEqual(self.get(self._file()).status_code, 200)
        self.age("esign_ticket", "proved_on", "1 hour")
        self.assertEqual(self.get(self._file()).status_code, 404)

    def test_leaving_ends_the_session(self):
        self._give(self.code)
        kept = dict(self.opener.cookies)
        self.assertIn("You have left", text_of(self.post(f"{self.path}/leave")))
        self.opener.cookies.update(kept)
        self.assertEqual(self.get(self._file()).status_code, 404)
        self.assertIn("session.ended", self.entries(self.request))

    def test_the_files_of_another_quotation_are_not_found(self):
        other = self.send(self.new_order())
        self.enter(other)
        self._give(self.code)
        response = self.get(f"{self.path}/file/{other._document('quote').uid}")
        self.assertEqual(response.status_code, 404)
        self.assertEqual(self.post(f"{self.path}/download/{other._document('quote').uid}").status_code, 404)

    # === TOOLS === #

    def _give(self, code):
        return self.post(f"{self.path}/verify", {"code": code})

    def _wrong(self):
        """Return a wrong code, another one each time: the same one twice is no second guess."""
        self.guesses += 1
        return f"{(int(self.code) + self.guesses) % 10**6:06d}"

    def _lock(self):
        for _try in range(3):
            self._give(self._wrong())

    def _failures(self):
        self.env.cr.execute("SELECT failures FROM esign_lock WHERE scope = %s", [f"link:{self.signer.id}"])
        row = self.env.cr.fetchone()
        return row[0] if row else 0

    def _file(self):
        return f"{self.path}/file/{self.request._document('quote').uid}"


@tagged("post_install", "-at_install")
class TestCounting(EsignCommon, TransactionCase):
    """Law 5: a try is counted and committed first, compared afterwards."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.send()
        cls.ticket = cls.env["esign.ticket"]._find_by_secret(cls.last_secret())
        cls.device = cls.ticket._new_device()
        cls.ticket._send_code(cls.device, ORIGIN)

    def test_a_try_is_counted_before_it_is_compared(self):
        seen = []

        def matches(otp, _code):
            seen.append(self._failures())
            return False

        with patch.object(EsignOtp, "_matches", matches):
            self.ticket._check_code(self.device, "000000", ORIGIN)
        self.assertEqual(seen, [1])

    def test_a_try_stays_counted_when_everything_else_fails(self):
        with patch.object(EsignOtp, "_matches", side_effect=ZeroDivisionError):
            # Not `assertRaises`: it would undo the count.
            try:
                self.ticket._check_code(self.device, "000000", ORIGIN)
            except ZeroDivisionError:
                self.env.invalidate_all()
        self.assertEqual(self._failures(), 1)

    def test_a_second_click_on_the_right_code_is_no_wrong_code(self):
        """Between counting and comparing, the first click has used the code up."""
        code = self.last_code()

        def used_meanwhile(ticket):
            ticket.env["esign.otp"].search([("ticket_id", "=", ticket.id)])._end("used")
            ticket.env.flush_all()

        with patch.object(EsignTransaction, "_commit_and_go_on", used_meanwhile):
            outcome = self.ticket._check_code(self.device, code, ORIGIN)
        self.assertEqual(outcome["reason"], "expired")
        self.assertEqual(self._failures(), 0)
        self.assertNotIn("code.refused", self.entries(self.ticket.signer_id.request_id))

    def test_a_code_matches_in_its_own_place_only(self):
        """The digest binds a code to ticket, browser, and what is signed."""
        other = self.send(self.new_order()).signer_ids.ticket_ids
        otp = self.env["esign.otp"].search([], limit=1)
        places = [
            {"ticket_id": ticket.id, "device_hash": device, "channel": channel}
            for ticket in (self.ticket, other)
            for device in ("one", "two", "three")
            for channel in ("mail", "sms")
        ]
        digests = set()
        for place in places:
            otp.write(place)
            digests.add(otp._digest("123456"))
        self.assertEqual(len(digests), len(places))
        with patch.object(EsignTicket, "_purpose", lambda _ticket: "something else"):
            self.assertNotIn(otp._digest("123456"), digests)

    def test_nothing_is_compared_once_it_is_locked(self):
        compared = []
        with patch.object(EsignOtp, "_matches", lambda _otp, code: compared.append(code)):
            for number in range(5):
                self.ticket._check_code(self.device, f"00000{number}", ORIGIN)
        self.assertEqual(len(compared), 3)

    def test_the_same_wrong_code_again_is_not_counted(self):
        wrong = "000000" if self.last_code() != "000000" else "000001"
        for _click in range(3):
            outcome = self.ticket._check_code(self.device, wrong, ORIGIN)
            self.assertEqual((outcome["reason"], outcome["left"]), ("wrong", 2))
        self.assertEqual(self._failures(), 1)

    def _failures(self):
        self.env.cr.execute(
            "SELECT COALESCE(SUM(failures), 0) FROM esign_lock WHERE scope = %s", [self.ticket._scope()]
        )
        return self.env.cr.fetchone()[0]
