from unittest.mock import patch

from lxml import html
from odoo.tests import HttpCase, tagged
from odoo.tools import config, mute_logger

from odoo.addons.esign_quote.models.esign_ticket import EsignTicket

from .common import EsignHttpCommon, text_of

HEADERS = {
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}
# Every route of the customer's pages: method, path behind /esign, form.
ROUTES = (
    ("GET", "t/{secret}", None),
    ("POST", "t/{secret}/code", {}),
    ("POST", "t/{secret}/logout", {}),
    ("GET", "{uid}", None),
    ("POST", "{uid}/code", {}),
    ("POST", "{uid}/verify", {"code": "123456"}),
    ("GET", "{uid}/file/{document}", None),
    ("POST", "{uid}/show/{document}", {}),
    ("POST", "{uid}/download/{document}", {}),
    ("GET", "{uid}/proof.json", None),
    ("GET", "{uid}/pack", None),
    ("POST", "{uid}/read", {"sha256": "0" * 64}),
    ("POST", "{uid}/sign", {"name": "Jeanne Martin"}),
    ("POST", "{uid}/decline", {"comment": "no"}),
    ("POST", "{uid}/stay", {"name": "Jeanne"}),
    ("POST", "{uid}/leave", {}),
)
PUBLIC = (
    ("GET", "verify", None),
    ("GET", "verify/{reference}", None),
    ("POST", "verify/hash", {"sha256": "0" * 64}),
    ("POST", "verify/seal", {}),
    ("GET", "again", None),
    ("POST", "again", {"email": "jeanne"}),
    ("GET", "unlock/{secret}", None),
    ("POST", "unlock/{secret}", {}),
)


class EsignPagesCommon(EsignHttpCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.secret = cls.last_secret()

    def places(self, routes=ROUTES):
        """Return the routes with the addresses of this request."""
        self.request.invalidate_recordset()
        names = {
            "secret": self.secret,
            "uid": self.request.signer_ids.ticket_ids[:1].uid,
            "document": self.request._document("quote").uid,
            "reference": self.request.reference,
        }
        return [(method, "/esign/" + path.format(**names), form) for method, path, form in routes]

    def call(self, method, path, form):
        response = self.get(path) if method == "GET" else self.post(path, form)
        self.assertLess(response.status_code, 500, path)
        return response


@tagged("post_install", "-at_install")
class TestEveryRoute(EsignPagesCommon, HttpCase):
    def test_the_list_of_routes_is_complete(self):
        rules = {
            rule.rule for rule in self.env["ir.http"].routing_map().iter_rules() if rule.rule.startswith("/esign/")
        }
        placeholders = {
            "secret": "<string:secret>",
            "uid": "<string:uid>",
            "document": "<string:document_uid>",
            "reference": "<string:reference>",
        }
        listed = {"/esign/" + path.format(**placeholders) for _method, path, _form in ROUTES + PUBLIC}
        self.assertEqual(rules, listed | {"/esign/document/<string:uid>", "/esign/pack/<string:reference>", "/esign/export/<int:export_id>", "/esign/keys", "/esign/keys/<string:fingerprint>.cer"})

    def test_headers_on_every_answer(self):
        path = self.enter_and_read(self.request)
        self.assertTrue(path)
        for method, path, form in self.places(PUBLIC + ROUTES[:2] + ROUTES[3:]):
            with self.subTest(f"{method} {path}"):
                self._assert_headers(self.call(method, path, form))

    def test_headers_on_refusals(self):
        for method, path, form in self.places():
            with self.subTest(f"{method} {path}"):
                self._assert_headers(self.call(method, path, form))

    def test_a_get_changes_nothing_without_a_proved_code(self):
        self.ask_for_code(self.request)
        before = self._all()
        for method, path, form in self.places(ROUTES + PUBLIC):
            if method == "GET":
                self.call(method, path, form)
                self.assertEqual(self._all(), before, path)

    def test_a_get_changes_nothing_behind_the_code(self):
        path = self.enter_and_read(self.request)
        before = self._all()
        places = self.places(ROUTES + PUBLIC) + [
            ("GET", f"{path}?step=sign", None),
            ("GET", f"{path}?step=decline", None),
        ]
        for method, path, form in places:
            if method == "GET":
                self.call(method, path, form)
                self.assertEqual(self._all(), before, path)

    def test_a_get_changes_nothing_once_it_is_signed(self):
        path = self.enter_and_read(self.request)
        self.submit(self.request, path)
        before = self._all()
        for method, path, form in self.places(ROUTES + PUBLIC):
            if method == "GET":
                self.call(method, path, form)
                self.assertEqual(self._all(), before, path)

    def test_a_post_by_get_is_no_route(self):
        path = self.enter_and_read(self.request)
        self.assertTrue(path)
        for method, path, _form in self.places():
            if method == "POST":
                self.assertEqual(self.get(path).status_code, 405, path)

    @mute_logger("odoo.http")
    def test_a_post_without_the_forms_token_is_refused(self):
        path = self.enter_and_read(self.request)
        before = self._all()
        for method, path, form in self.places():
            if method == "POST":
                self.assertEqual(self.post(path, form, csrf=False).status_code, 400, path)
                self.assertEqual(
                    self.post(path, {**form, "csrf_token": "0" * 40 + "o9999999999"}, csrf=False).status_code, 400, path
                )
        self.assertEqual(self._all(), before)

    @mute_logger("odoo.http")
    def test_a_large_body_is_refused(self):
        path = self.enter_and_read(self.request)
        response = self.post(f"{path}/sign", {"name": "x" * (1024 * 1024 + 1)})
        self.assertEqual(response.status_code, 413)

    def test_a_failure_is_answered_without_a_traceback(self):
        def fail(*_args, **_kwargs):
            raise RuntimeError("the inside of the server")

        with (
            patch.object(EsignTicket, "_find_by_secret", fail),
            mute_logger("odoo.addons.esign_quote.controllers.common"),
        ):
            response = self.get(f"/esign/t/{self.secret}")
        self.assertEqual(response.status_code, 500)
        self.assertIn("Something failed on our side", response.text)
        self.assertNotIn("inside of the server", response.text)
        self._assert_headers(response)

    def test_staff_is_refused_on_every_route(self):
        self.ask_for_code(self.request)
        before = self.snapshot()
        with self.browser("salesman"):
            for method, path, form in self.places():
                if path.endswith(("/logout", "/leave")):
                    continue  # nothing to refuse: they only end a session
                with self.subTest(f"{method} {path}"):
                    response = self.call(method, path, form)
                    self.assertEqual(response.status_code, 404 if path.endswith("/read") else 403)
        self.assertEqual(self.snapshot(), before)

    def test_staff_is_refused_in_the_browser_of_a_customer(self):
        path = self.enter_and_read(self.request)
        cookies = {name: value for name, value in self.opener.cookies.items() if name.startswith("esign_")}
        self.assertTrue(cookies)
        before = self.snapshot()
        with self.browser("salesman"):
            self.opener.cookies.update(cookies)
            for method, place, form in self.places(ROUTES[3:-1]):
                response = self.call(method, place, form)
                self.assertEqual(response.status_code, 404 if place.endswith("/read") else 403, place)
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.get(path).status_code, 200)

    def _assert_headers(self, response):
        for name, value in HEADERS.items():
            self.assertEqual(response.headers.get(name), value, name)
        policy = response.headers["Content-Security-Policy"]
        for part in (
            "default-src 'none'",
            "script-src 'self';",
            "frame-ancestors 'none'",
            "base-uri 'none'",
            "form-action 'self'",
        ):
            self.assertIn(part, policy)

    def _all(self):
        return self.snapshot(
            *(f"esign_{name}" for name in ("request", "signer", "ticket", "otp", "lock", "event", "document", "proof")),
            "mail_message",
            "mail_mail",
            "sale_order",
        )


@tagged("post_install", "-at_install")
class TestWelcome(EsignPagesCommon, HttpCase):
    def test_it_tells_who_asks_and_what_will_happen(self):
        words = text_of(self.get(f"/esign/t/{self.secret}"))
        self.assertIn(f"Atelier Nord has sent you quotation {self.order.name}", words)
        self.assertIn("We send a code to j", words)
        self.assertIn("Send me the code", words)

    def test_it_shows_no_amount_no_client_no_file(self):
        response = self.get(f"/esign/t/{self.secret}")
        for secret in (
            "725.00",
            "Jeanne",
            "Martin",
            "jeanne.martin@",
            self.request._document("quote").uid,
            "/file/",
            "Test Product",
        ):
            self.assertNotIn(secret, response.text)

    def test_a_wrong_a_void_and_an_old_link_look_the_same(self):
        old = self.secret
        self.request.signer_ids._new_link()
        other = self.send(self.new_order())
        void = self.last_secret()
        other.action_cancel()
        answers = {self.get(f"/esign/t/{secret}").content for secret in ("x" * 43, old, void)}
        self.assertEqual(len(answers), 1)
        self.assertEqual(self.get(f"/esign/t/{old}").status_code, 404)
        self.assertEqual(self.post(f"/esign/t/{old}/code").status_code, 404)
        self.assertIn("This link no longer opens a document", text_of(self.get(f"/esign/t/{void}")))

    def test_staff_is_told_why_and_can_log_out(self):
        with self.browser("salesman"):
            response = self.get(f"/esign/t/{self.secret}")
            self.assertEqual(response.status_code, 403)
            self.assertIn("You are logged in as Test Salesman", text_of(response))
            self.assertIn("Only the customer can read and sign here", text_of(response))
            (form,) = html.fromstring(response.content).forms
            response = self.post(form.action)
            self.assertEqual(response.status_code, 303)
            self.assertEqual(self.get(response.headers["Location"]).status_code, 200)

    def test_a_portal_user_is_a_customer(self):
        self.new_user("jeanne", "base.group_portal")
        with self.browser("jeanne"):
            self.assertEqual(self.get(f"/esign/t/{self.secret}").status_code, 200)

    def test_the_cookie_of_the_browser(self):
        self.get(f"/esign/t/{self.secret}")
        response = self.post(f"/esign/t/{self.secret}/code")
        uid = self.request.signer_ids.ticket_ids.uid
        cookie = self._cookie(response)
        self.assertTrue(cookie.startswith(f"esign_{uid}="))
        self.assertIn("; HttpOnly", cookie)
        self.assertIn("; SameSite=Lax", cookie)
        self.assertIn("; Path=/", cookie)
        self.assertNotIn("Secure", cookie)

    def test_the_cookie_is_bound_to_the_host_over_https(self):
        self.get(f"/esign/t/{self.secret}")
        with patch.dict(config.options, {"proxy_mode": True}):
            headers = {
                "X-Forwarded-Host": "sign.seller.example",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-For": "192.0.2.9",
            }
            response = self.post(f"/esign/t/{self.secret}/code", headers=headers)
        cookie = self._cookie(response)
        self.assertTrue(cookie.startswith("__Host-esign_"))
        self.assertIn("; Secure", cookie)
        self.assertIn("Strict-Transport-Security", response.headers)

    def test_the_address_behind_the_button_holds_no_secret(self):
        self.get(f"/esign/t/{self.secret}")
        response = self.post(f"/esign/t/{self.secret}/code")
        self.assertEqual(response.status_code, 303)
        self.assertTrue(response.headers["Location"].endswith(f"/esign/{self.request.signer_ids.ticket_ids.uid}"))
        self.assertNotIn(self.secret, self.get(response.headers["Location"]).text)

    def _cookie(self, response):
        (cookie,) = [value for value in response.raw.headers.getlist("Set-Cookie") if "esign_" in value]
        return cookie
