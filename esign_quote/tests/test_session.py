from odoo.tests import HttpCase, tagged

from .common import EsignHttpCommon, text_of


@tagged("post_install", "-at_install")
class TestSession(EsignHttpCommon, HttpCase):
    """A session ends when nothing happens, and in any case; nothing that was filled in is lost."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.signer = cls.request.signer_ids

    def setUp(self):
        super().setUp()
        self.path = self.enter_and_read(self.request)
        self.file = f"{self.path}/file/{self.request._document('quote').uid}"

    # === IDLE, ABSOLUTE === #

    def test_it_ends_after_a_quarter_of_an_hour_without_a_sign_of_life(self):
        self.age("esign_ticket", "seen_on", "14 minutes")
        self.assertEqual(self.get(self.file).status_code, 200)
        self.age("esign_ticket", "seen_on", "2 minutes")
        self.assertEqual(self.get(self.file).status_code, 404)

    def test_a_sign_of_life_prolongs_it(self):
        self.age("esign_ticket", "seen_on", "14 minutes")
        self.get(self.path)
        answer = self.post(f"{self.path}/stay")
        self.assertEqual(answer.status_code, 200)
        self.assertGreater(answer.json()["idle"], 890)
        self.age("esign_ticket", "seen_on", "14 minutes")
        self.assertEqual(self.get(self.file).status_code, 200)

    def test_an_hour_is_all_there_is(self):
        self.age("esign_ticket", "proved_on", "59 minutes")
        answer = self.post(f"{self.path}/stay").json()
        self.assertLessEqual(answer["absolute"], 60)
        self.age("esign_ticket", "proved_on", "1 minutes")
        self.assertEqual(self.post(f"{self.path}/stay").status_code, 403)
        self.assertEqual(self.get(self.file).status_code, 404)

    def test_looking_at_a_page_changes_nothing(self):
        before = self.snapshot()
        for path in (self.path, f"{self.path}?step=sign", f"{self.path}?step=decline", self.file):
            self.assertEqual(self.get(path).status_code, 200)
        self.assertEqual(self.snapshot(), before)

    def test_the_page_knows_when_it_ends(self):
        page = self.get(self.path).text
        self.assertRegex(page, r'data-idle="(8[89]\d|900)"')
        self.assertRegex(page, r'data-absolute="3[56]\d\d"')

    def test_a_stranger_prolongs_nothing(self):
        seen = self._column("seen_on")
        with self.browser():
            self.assertEqual(self.post(f"{self.path}/stay").status_code, 403)
        self.assertEqual(self._column("seen_on"), seen)

    # === AFTERWARDS === #

    def test_the_same_browser_is_asked_for_a_new_code(self):
        self.age("esign_ticket", "seen_on", "16 minutes")
        words = text_of(self.get(self.path))
        self.assertIn("Your session has ended", words)
        self.assertIn("Send me a new code", words)
        self.assertNotIn(self.request.recap["total"], words)
        self.forget_limits()
        self.assertIn("A new code has been sent", text_of(self.post(f"{self.path}/code")))
        self.assertIn("session.timeout", self.entries(self.request))
        self.assertEqual(self.post(f"{self.path}/verify", {"code": self.last_code()}).status_code, 303)
        self.assertIn("Continue to the signature", text_of(self.get(self.path)))

    def test_another_browser_is_not(self):
        self.age("esign_ticket", "seen_on", "16 minutes")
        with self.browser():
            self.assertEqual(self.get(self.path).status_code, 404)

    # === WHAT WAS FILLED IN === #

    def test_a_late_signature_signs_nothing_and_is_kept(self):
        self.get(f"{self.path}?step=sign")
        self.age("esign_ticket", "seen_on", "16 minutes")
        response = self.submit(self.request, self.path, name="Jeanne M.", consents=["C2"])
        self.assertEqual(response.status_code, 403)
        self.assertIn("What you had filled in is kept", text_of(response))
        self.assertEqual(self.request.state, "sent")
        self._enter_again()
        page = self.get(f"{self.path}?step=sign").text
        self.assertIn('value="Jeanne M."', page)
        self.assertRegex(page, r'value="C2"[^>]*checked')
        self.assertNotRegex(page, r'value="C1"[^>]*checked')

    def test_a_sign_of_life_keeps_it_too(self):
        self.get(f"{self.path}?step=decline")
        self.post(f"{self.path}/stay", {"comment": "We <chose> another one"})
        self.age("esign_ticket", "proved_on", "1 hour")
        self._enter_again()
        self.assertIn("We &lt;chose&gt; another one", self.get(f"{self.path}?step=decline").text)

    def test_who_only_knows_the_link_fills_in_nothing(self):
        """Otherwise a stranger could tick the boxes that the signer finds ticked."""
        self.forget_limits()
        with self.browser():
            path = self.ask_for_code(self.request)
            self.assertEqual(self.submit(self.request, path, name="Mallory").status_code, 403)
            self.assertEqual(self.post(f"{path}/stay", {"name": "Mallory"}).status_code, 403)
        self.assertFalse(self.signer.sudo().draft)

    def test_it_is_gone_once_it_is_signed(self):
        self.post(f"{self.path}/stay", {"name": "Jeanne"})
        self.assertTrue(self._column("draft", "esign_signer"))
        self.submit(self.request, self.path)
        self.assertFalse(self._column("draft", "esign_signer"))

    def test_too_much_is_cut(self):
        self.post(f"{self.path}/stay", {"strokes": "x" * 200_000})
        self.assertLess(len(str(self._column("draft", "esign_signer"))), 70_000)

    # === TOOLS === #

    def _enter_again(self):
        self.forget_limits()
        self.post(f"{self.path}/code")
        self.assertEqual(self.post(f"{self.path}/verify", {"code": self.last_code()}).status_code, 303)

    def _column(self, name, table="esign_ticket"):
        self.env.flush_all()
        record = self.signer if table == "esign_signer" else self.signer.ticket_ids
        self.env.cr.execute(f"SELECT {name} FROM {table} WHERE id = %s", [record.id])  # noqa: S608  our own names
        return self.env.cr.fetchone()[0]
