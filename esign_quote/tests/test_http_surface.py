import json
from contextlib import contextmanager
from unittest.mock import patch

import psycopg2
from odoo.exceptions import AccessError, MissingError, UserError
from odoo.http import Request
from odoo.sql_db import connection_info_for
from odoo.tests import HttpCase, tagged
from odoo.tools import SQL, config, mute_logger
from psycopg2.pool import PoolError

from odoo.addons.esign_quote.controllers import plain
from odoo.addons.esign_quote.models.esign_ticket import EsignTicket

from .common import OUR_TABLES, EsignHttpCommon, text_of

# One example for each route under /esign: a new route must come with its own.
# `secret`: of the personal link; `uid`: of the ticket; `document`: uid of the quote; `reference`: of the signature.
EXAMPLES = {
    "/esign/t/<string:secret>": "/esign/t/{secret}",
    "/esign/t/<string:secret>/code": "/esign/t/{secret}/code",
    "/esign/t/<string:secret>/logout": "/esign/t/{secret}/logout",
    "/esign/<string:uid>": "/esign/{uid}",
    "/esign/<string:uid>/code": "/esign/{uid}/code",
    "/esign/<string:uid>/verify": "/esign/{uid}/verify",
    "/esign/<string:uid>/file/<string:document_uid>": "/esign/{uid}/file/{document}",
    "/esign/<string:uid>/show/<string:document_uid>": "/esign/{uid}/show/{document}",
    "/esign/<string:uid>/download/<string:document_uid>": "/esign/{uid}/download/{document}",
    "/esign/<string:uid>/proof.json": "/esign/{uid}/proof.json",
    "/esign/<string:uid>/pack": "/esign/{uid}/pack",
    "/esign/<string:uid>/read": "/esign/{uid}/read",
    "/esign/<string:uid>/sign": "/esign/{uid}/sign",
    "/esign/<string:uid>/decline": "/esign/{uid}/decline",
    "/esign/<string:uid>/stay": "/esign/{uid}/stay",
    "/esign/<string:uid>/leave": "/esign/{uid}/leave",
    "/esign/again": "/esign/again",
    "/esign/unlock/<string:secret>": "/esign/unlock/{secret}",
    "/esign/verify": "/esign/verify",
    "/esign/verify/<string:reference>": "/esign/verify/{reference}",
    "/esign/verify/hash": "/esign/verify/hash",
    "/esign/verify/seal": "/esign/verify/seal",
    "/esign/keys": "/esign/keys",
    "/esign/keys/<string:fingerprint>.cer": "/esign/keys/{fingerprint}.cer",
    "/esign/document/<string:uid>": "/esign/document/{document}",
    "/esign/pack/<string:reference>": "/esign/pack/{reference}",
    "/esign/export/<int:export_id>": "/esign/export/1",
}
# What ends the session of the browser comes last.
LAST = ("/decline", "/leave", "/logout")
SCANNER = "Mozilla/5.0 (compatible; BarracudaCentral)"
BEHIND_HTTPS = {
    "X-Forwarded-Host": "sign.seller.example",
    "X-Forwarded-Proto": "https",
    "X-Forwarded-For": "192.0.2.9",
}
FORM = {"sha256": "0" * 64, "code": "123456", "name": "Jeanne Martin", "comment": "no"}
LEAKS = (
    "Traceback",
    "odoo.",
    "Odoo Server Error",
    "werkzeug",
    "psycopg2",
    'File "/',
    "Internal Server Error",
    "site-packages",
)
# What may move when a mail scanner opens a link: one kind of entry, and the chain that holds it.
JOURNAL = ("journal_seq", "journal_head", "write_date", "write_uid")


class SurfaceCommon(EsignHttpCommon):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.secret = cls.last_secret()

    def rules(self):
        """Return the rules under /esign, straight from Odoo's map of routes."""
        routes = self.env["ir.http"].routing_map().iter_rules()
        return [rule for rule in routes if rule.rule == "/esign" or rule.rule.startswith("/esign/")]

    def places(self, method=None):
        """Return the paths of all routes with the addresses of this request."""
        names = {
            "secret": self.secret,
            "uid": self.request.signer_ids.ticket_ids[:1].uid,
            "document": self.request._document("quote").uid,
            "reference": self.request.reference,
            "fingerprint": self.request.seal_id.fingerprint,
        }
        found = []
        for rule in self.rules():
            self.assertIn(rule.rule, EXAMPLES, "A new route needs an example path in EXAMPLES.")
            if method is None or method in rule.methods:
                found.append(EXAMPLES[rule.rule].format(**names))
        return sorted(set(found), key=lambda path: (path.endswith(LAST), path))

    def call(self, method, path, **options):
        return self.url_open(path, method=method, allow_redirects=False, **options)

    def form(self, **values):
        return {**FORM, "csrf_token": self.token or Request.csrf_token(self), **values}

    def assert_ours(self, response, https=False):
        """Check what holds for every answer, whatever it says."""
        for name, value in plain.security_headers(https).items():
            self.assertEqual(response.headers.get(name), value, name)
        for cookie in response.raw.headers.getlist("Set-Cookie"):
            parts = {part.strip().lower() for part in cookie.split(";")[1:]}
            self.assertLessEqual({"httponly", "samesite=lax", "path=/"}, parts, cookie)
            self.assertEqual("secure" in parts, https, cookie)
            if cookie.startswith(("esign", "__Host-")):
                self.assertEqual(cookie.startswith("__Host-"), https, cookie)
        if response.headers.get("Content-Type", "").startswith("text/"):
            for leak in LEAKS:
                self.assertNotIn(leak, response.text)
        if response.status_code >= 400 and response.request.method != "HEAD":
            self.assertTrue(
                response.content.startswith((b"<!DOCTYPE html>", b'{"ok"', b'{"idle"')), response.content[:60]
            )


@tagged("post_install", "-at_install")
class TestHttpSurface(SurfaceCommon, HttpCase):
    # === EVERY ROUTE === #

    def test_every_route_is_plain_http(self):
        # A jsonrpc route would answer an error with a traceback.
        self.places()
        self.assertEqual({rule.endpoint.routing["type"] for rule in self.rules()}, {"http"})
        self.assertTrue(all(rule.endpoint.routing.get("csrf", True) for rule in self.rules()))
        self.assertFalse([rule.rule for rule in self.rules() if rule.methods is None], "A route must name its methods.")

    @mute_logger("odoo.http")
    def test_headers_of_every_route_for_a_stranger(self):
        self._assert_every_route()

    @mute_logger("odoo.http")
    def test_headers_of_every_route_behind_the_code(self):
        self.enter_and_read(self.request)
        self._assert_every_route()

    @mute_logger("odoo.http")
    def test_headers_of_every_route_for_staff(self):
        with self.browser("salesman"):
            self._assert_every_route()

    def _assert_every_route(self):
        for path in self.places():
            for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE"):
                with self.subTest(f"{method} {path}"):
                    response = self.call(method, path)
                    self.assert_ours(response)
                    self.assertLess(response.status_code, 500)
                    if response.status_code == 405:
                        self.assertIn("OPTIONS", response.headers["Allow"])
            for sub in (f"{path}/unknown/place", f"{path}?debug=1"):
                with self.subTest(sub):
                    response = self.get(sub)
                    self.assert_ours(response)
                    self.assertLess(response.status_code, 500)
        for path in self.places("POST"):
            for name, data in (("no token", FORM), ("token", self.form())):
                with self.subTest(f"POST {path}, {name}"):
                    response = self.call("POST", path, data=data)
                    self.assert_ours(response)
                    self.assertLess(response.status_code, 500)

    def test_cookies_over_https(self):
        with patch.dict(config.options, {"proxy_mode": True}):
            for path in self.places():
                for method in ("GET", "OPTIONS", "DELETE"):
                    with self.subTest(f"{method} {path}"):
                        self.assert_ours(self.call(method, path, headers=BEHIND_HTTPS), https=True)
            self.assert_ours(self.get("/esign/unknown/place", headers=BEHIND_HTTPS), https=True)
            self.get(f"/esign/t/{self.secret}", headers=BEHIND_HTTPS)
            for path in self.places("POST"):
                with self.subTest(f"POST {path}"):
                    self.assert_ours(self.call("POST", path, data=self.form(), headers=BEHIND_HTTPS), https=True)

    # === WHAT IS NO ROUTE === #

    def test_what_is_no_route_is_answered_by_us(self):
        for path in ("/esign", "/esign/", "/esign/a/b/c/d", "/esign/t", "/esign/%00", "/esign/x'\"><script>/y"):
            for agent in ("Browser", "Googlebot/2.1"):
                with self.subTest(f"{path} {agent}"):
                    response = self.get(path, headers={"User-Agent": agent, "Accept-Language": "fr"})
                    self.assertEqual(response.status_code, 404)
                    self.assert_ours(response)
                    # In French where it is installed.
                    self.assertRegex(text_of(response), "no longer opens a document|n'ouvre plus de document")

    def test_a_language_before_the_path_is_ours_too(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        for path in (
            f"/fr/esign/t/{self.secret}",
            "/fr/esign/unknown/place",
            f"//esign/t/{self.secret}",
            "/xx/esign/a",
        ):
            with self.subTest(path):
                self.assert_ours(self.get(path, headers={"Accept-Language": "fr"}))

    def test_nothing_else_is_touched(self):
        for path in ("/esignature", "/my/esign", "/web/login", "/web/esign"):
            self.assertNotIn("Referrer-Policy", self.get(path).headers, path)

    def test_a_refusal_is_in_the_visitors_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        for wanted, page in (("fr-CA,fr;q=0.9,en;q=0.5", "fr-FR"), ("en-GB", "en-US"), ("tlh", "en-US")):
            for method, path in (("GET", "/esign/a/b/c/d"), ("DELETE", f"/esign/t/{self.secret}")):
                response = self.call(method, path, headers={"Accept-Language": wanted})
                self.assertIn(f'<html lang="{page}"', response.text)

    def test_the_wrong_method_says_which_one_is_right(self):
        response = self.get(f"/esign/t/{self.secret}/code")
        self.assertEqual(response.status_code, 405)
        self.assertEqual(response.headers["Allow"], "OPTIONS, POST")
        self.assertIn("This page cannot be opened like this", text_of(response))

    def test_a_question_for_methods_reaches_no_endpoint(self):
        self.enter_and_read(self.request)
        before = self.snapshot()
        for path in self.places():
            response = self.call("OPTIONS", path)
            self.assertEqual((response.status_code, response.content), (204, b""), path)
            self.assertIn("OPTIONS", response.headers["Allow"])
            self.assertNotIn("Access-Control-Allow-Origin", response.headers)
        self.assertEqual(self.snapshot(), before)

    @mute_logger("odoo.http")
    def test_a_large_body_is_refused_everywhere(self):
        for path in [*self.places("POST"), "/esign/a/b/c/d"]:
            # The one that takes files takes what may be sent for signature.
            size = 26 * 1024 * 1024 if path == "/esign/verify/seal" else 1024 * 1024 + 1
            response = self.call("POST", path, data={"name": "x" * size})
            self.assertEqual(response.status_code, 413, path)
            self.assert_ours(response)
            self.assertIn("This is too large", text_of(response))

    # === FORMS === #

    @mute_logger("odoo.http")
    def test_a_form_without_its_token_or_from_elsewhere_changes_nothing(self):
        path = self.enter_and_read(self.request)
        self.get(path)  # a page with a token
        before = self.snapshot()
        own = self.base_url()
        json_type = {"Content-Type": "application/json"}
        call = json.dumps({"jsonrpc": "2.0", "method": "call", "params": FORM})
        attempts = {
            "no token": (400, FORM, {}),
            "a forged token": (400, self.form(csrf_token="0" * 40 + "o9999999999"), {}),
            "a token that is none": (400, self.form(csrf_token="é" * 9), {}),
            "text": (400, "name=Jeanne", {"Content-Type": "text/plain"}),
            "json": (400, json.dumps(self.form()), json_type),
            "jsonrpc": (400, call, json_type),
            "another site": (403, self.form(), {"Origin": "https://evil.example"}),
            "our name within another": (403, self.form(), {"Origin": f"{own}.evil.example"}),
            "no site, no token": (400, FORM, {"Origin": "null"}),
            "no address": (403, self.form(), {"Origin": "http://[x"}),
            "the browser says cross-site": (403, self.form(), {"Sec-Fetch-Site": "cross-site"}),
            "the browser says same-site": (403, self.form(), {"Origin": "null", "Sec-Fetch-Site": "same-site"}),
        }
        for place in self.places("POST"):
            for name, (status, data, headers) in attempts.items():
                with self.subTest(f"{place}: {name}"):
                    response = self.call("POST", place, data=data, headers=headers)
                    self.assertEqual(response.status_code, status)
                    self.assert_ours(response)
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.get(path).status_code, 200, "the session must have survived")

    def test_our_own_forms_are_accepted(self):
        path = self.enter(self.request)
        sha256 = self.request._document("quote").sha256
        own = self.base_url()
        self.env["ir.config_parameter"].set_param("web.base.url", "https://sign.seller.example")
        for headers in (
            {"Origin": own, "Sec-Fetch-Site": "same-origin"},
            {"Origin": own},
            # What browsers send with forms of pages that forbid referrers.
            {"Origin": "null", "Sec-Fetch-Site": "same-origin"},
            # Safari before 16.4 knows no Sec-Fetch-Site.
            {"Origin": "null"},
            # Behind a proxy that hands over another host.
            {"Origin": "https://sign.seller.example"},
        ):
            response = self.post(f"{path}/read", {"sha256": sha256}, headers=headers)
            self.assertEqual(response.status_code, 200, headers)

    def test_a_character_that_cannot_be_stored_is_refused(self):
        path = self.enter_and_read(self.request)
        before = self.snapshot()
        for place in self.places():
            # 303: to the log-in, for staff's route
            self.assertIn(self.get(f"{place}?step=%00").status_code, (303, 400, 405), place)
            self.assertIn(self.get(f"{place}%00").status_code, (303, 404, 405), place)
        for place in self.places("POST"):
            self.assertEqual(self.post(place, self.form(name="a\0b")).status_code, 400, place)
        self.assertEqual(self.snapshot(), before)
        self.assertEqual(self.get(path).status_code, 200)

    @mute_logger("odoo.http")
    def test_a_form_that_got_old_shows_the_way_back(self):
        path = self.enter(self.request)
        document = self.request._document("quote").uid
        for place, back in (
            (f"{path}/sign", path),
            (f"{path}/download/{document}", path),
            (f"/esign/t/{self.secret}/code", f"/esign/t/{self.secret}"),
        ):
            response = self.post(place, FORM, csrf=False)
            self.assertEqual(response.status_code, 400)
            self.assertIn("This page had been open for too long", text_of(response))
            self.assertIn("nothing was signed", text_of(response))
            self.assertIn(f'href="{back}"', response.text)
        response = self.post(f"{path}/sign", self.form(), headers={"Origin": "https://evil.example"})
        self.assertIn("This was sent from another site", text_of(response))
        self.assertNotIn(f'href="{path}"', response.text)

    # === MAIL SCANNERS AND ADDRESSES === #

    def test_a_mail_scanner_changes_nothing(self):
        self._assert_scanner_changes_nothing()
        self.enter_and_read(self.request)
        self._assert_scanner_changes_nothing()

    def _assert_scanner_changes_nothing(self):
        self.env.flush_all()
        self.env.cr.precommit.run()  # notes of what the test itself changed
        before = self._rows()
        for path in self.places("GET"):
            for _time in range(3):
                response = self.get(path, headers={"User-Agent": SCANNER})
                self.assertLess(response.status_code, 500, path)
                self.assertEqual(self._rows(), before, path)

    def _rows(self):
        """Return our rows, without the note that a link was opened."""
        tables = [name for name in OUR_TABLES if name not in ("esign_event", "esign_event_private", "esign_request")]
        rows = {"others": self.snapshot(*tables, "mail_message", "mail_mail", "sale_order")}
        self.env.cr.execute("SELECT to_jsonb(t) FROM esign_event t WHERE type != 'link.opened' ORDER BY id")
        rows["events"] = self.env.cr.fetchall()
        self.env.cr.execute(SQL("SELECT to_jsonb(t) - %s FROM esign_request t ORDER BY id", list(JOURNAL)))
        rows["requests"] = self.env.cr.fetchall()
        return rows

    def test_an_address_that_the_visitor_made_up_is_not_recorded(self):
        made_up = dict.fromkeys(("X-Forwarded-For", "X-Real-IP"), "203.0.113.99")
        made_up["Forwarded"] = "for=203.0.113.99"
        for proxy_mode in (False, True):  # Odoo believes nobody who gives no X-Forwarded-Host
            with patch.dict(config.options, {"proxy_mode": proxy_mode}):
                self.get(f"/esign/t/{self.secret}", headers=made_up)
                response = self.post(f"/esign/t/{self.secret}/code", headers=made_up)
                self.assertIn(response.status_code, (303, 429))
        self.env.cr.execute("SELECT payload->>'ip' FROM esign_event_private WHERE payload ? 'ip'")
        self.assertEqual({ip for (ip,) in self.env.cr.fetchall()}, {"127.0.0.1"})
        for table in OUR_TABLES:
            self.env.cr.execute(SQL("SELECT 1 FROM %s t WHERE t::text LIKE '%%203.0.113.99%%'", SQL.identifier(table)))
            self.assertFalse(self.env.cr.fetchall(), table)


@tagged("post_install", "-at_install")
class TestFailures(SurfaceCommon, HttpCase):
    @contextmanager
    def failing(self, error, owner=EsignTicket, name="_find_by_secret"):
        def fail(*_args, **_kwargs):
            raise error

        with (
            patch.object(owner, name, fail),
            mute_logger(
                "odoo.http", "odoo.addons.esign_quote.controllers.common", "odoo.addons.esign_quote.controllers.guard"
            ),
        ):
            yield

    def assert_busy(self, response):
        self.assertEqual(response.status_code, 503)
        self.assertEqual(response.headers["Retry-After"], "60")
        self.assert_ours(response)
        self.assertIn("Too many visitors at this moment", text_of(response))
        self.assertIn("no try was used", text_of(response))

    def test_an_error_of_ours(self):
        for debug in ("", "?debug=1"):
            with self.failing(RuntimeError("the inside of the server")):
                response = self.get(f"/esign/t/{self.secret}{debug}")
            self.assertEqual(response.status_code, 500)
            self.assert_ours(response)
            self.assertIn("Something failed on our side", text_of(response))
            self.assertNotIn("inside of the server", response.text)
            self.assertNotIn("RuntimeError", response.text)

    def test_an_error_of_business_denies_no_signature(self):
        path = self.enter_and_read(self.request)
        for error, status, words in (
            (UserError("a word for the staff"), 422, "If you had just signed, your acceptance is kept"),
            (AccessError("a word for the staff"), 403, "You may not open this page"),
            (MissingError("a word for the staff"), 404, "This link no longer opens a document"),
        ):
            with self.failing(error, self.env.registry["esign.ticket"], "_decline"):
                response = self.post(f"{path}/decline", {"comment": "no"})
            self.assertEqual(response.status_code, status)
            self.assert_ours(response)
            self.assertIn(words, text_of(response))
            self.assertNotIn("a word for the staff", response.text)
            self.assertNotIn("Nothing was signed", response.text)

    def test_an_error_before_the_endpoint(self):
        for name in ("_authenticate", "_pre_dispatch", "_match"):
            with self.subTest(name), self.failing(RuntimeError("the inside"), self.env.registry["ir.http"], name):
                for headers in ({}, {"Content-Type": "application/json"}):
                    response = self.call("POST", f"/esign/t/{self.secret}/code?debug=1", data="{}", headers=headers)
                    self.assertEqual(response.status_code, 500)
                    self.assert_ours(response)
                    self.assertIn("Something failed on our side", text_of(response))

    def test_an_error_while_the_page_of_an_error_is_made(self):
        with self.failing(RuntimeError("the inside"), self.env.registry["ir.qweb"], "_render"):
            for method, path, status in (
                ("GET", f"/esign/t/{self.secret}", 500),
                ("GET", "/esign/a/b/c/d", 404),
                ("GET", f"/esign/t/{self.secret}/code", 405),
                ("POST", f"/esign/t/{self.secret}/code", 400),
            ):
                response = self.call(method, path, data=FORM if method == "POST" else None)
                self.assertEqual(response.status_code, status)
                self.assert_ours(response)
                self.assertIn('lang="fr"', response.text)
                self.assertEqual("Allow" in response.headers, status == 405)

    def test_no_connection_left_within_an_endpoint(self):
        with self.failing(PoolError("The Connection Pool Is Full")):
            self.assert_busy(self.get(f"/esign/t/{self.secret}"))

    def test_no_connection_left_for_what_is_committed_on_its_own(self):
        self.get(f"/esign/t/{self.secret}")
        before = self.snapshot()
        with self.failing(
            PoolError("The Connection Pool Is Full"), self.env.registry["esign.ticket"], "_own_transaction"
        ):
            self.assert_busy(self.post(f"/esign/t/{self.secret}/code"))
        self.assertEqual(self.snapshot(), before)

    def test_no_connection_left_before_any_endpoint(self):
        refused = psycopg2.OperationalError("FATAL:  sorry, too many clients already")
        dead = psycopg2.DatabaseError("server closed the connection unexpectedly")
        for error in (PoolError("The Connection Pool Is Full"), refused, dead):
            with self.subTest(type(error).__name__), self.failing(error, self.env.registry, "cursor"):
                for path in (f"/esign/t/{self.secret}", "/esign/verify", "/esign/a/b/c/d"):
                    response = self.get(path)
                    self.assert_busy(response)
                    self.assertIn("aucun essai n'a été décompté", text_of(response))
                self.assertNotEqual(self.get("/web/login").status_code, 503, "other paths are Odoo's")

    def test_no_connection_left_while_the_session_is_read(self):
        with self.failing(PoolError("The Connection Pool Is Full"), Request, "_get_session_and_dbname"):
            self.assert_busy(self.get(f"/esign/t/{self.secret}"))

    def test_a_refused_connection_is_told_by_postgresql_itself(self):
        # Not a class of our making: what psycopg2 raises when nobody may connect any more.
        _name, info = connection_info_for("no such database")
        with self.assertRaises(psycopg2.OperationalError) as refused:
            psycopg2.connect(**info)
        self.assertTrue(plain.is_busy(refused.exception))
        with self.assertRaises(psycopg2.OperationalError) as late, self.env.cr.savepoint():
            self.env.cr.execute("SET LOCAL statement_timeout = 1")
            with mute_logger("odoo.sql_db"):
                self.env.cr.execute("SELECT pg_sleep(5)")
        self.assertFalse(plain.is_busy(late.exception))

    def test_odoo_still_repeats_what_it_can(self):
        tries = []
        real = EsignTicket._find_by_secret

        def collide_once(tickets, secret):
            tries.append(secret)
            if len(tries) == 1:
                raise psycopg2.errors.SerializationFailure("could not serialize access")
            return real(tickets, secret)

        with (
            patch.object(EsignTicket, "_find_by_secret", collide_once),
            patch("odoo.service.model.errorcodes.lookup", lambda _code: "SERIALIZATION_FAILURE"),
            patch("odoo.service.model.time.sleep"),
            mute_logger("odoo.service.model"),
        ):
            self.assertEqual(self.get(f"/esign/t/{self.secret}").status_code, 200)
        self.assertEqual(len(tries), 2)


@tagged("post_install", "-at_install")
class TestProxySetting(EsignHttpCommon, HttpCase):
    NAMES = ("esign_seen_address", "esign_seen_url", "esign_proxy_warning")

    def setUp(self):
        super().setUp()
        self.env["ir.config_parameter"].set_param("web.base.url", "http://127.0.0.1")
        self.env["ir.config_parameter"].set_param("web.base.url.freeze", "True")
        self.authenticate("admin", "admin")

    def _settings(self, proxy_mode=False, **headers):
        """Return what an administrator's settings page shows."""
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        call = {
            "model": "res.config.settings",
            "method": "onchange",
            "args": [[], {}, [], {name: {} for name in self.NAMES}],
            "kwargs": {},
        }
        with patch.dict(config.options, {"proxy_mode": proxy_mode}):
            response = self.url_open(
                "/web/dataset/call_kw",
                json={"jsonrpc": "2.0", "method": "call", "params": call},
                headers=headers,
            )
        answer = response.json()
        self.assertNotIn("error", answer, answer)
        return [answer["result"]["value"].get(name) or "" for name in self.NAMES]

    def test_without_a_request_it_is_empty(self):
        settings = self.env["res.config.settings"].create({})
        self.assertEqual([settings[name] for name in self.NAMES], [False] * 3)

    def test_without_a_proxy_nothing_is_wrong(self):
        address, url, warning = self._settings()
        self.assertEqual((address, warning), ("127.0.0.1", ""))
        self.assertTrue(url.startswith("http://127.0.0.1:"), url)

    def test_a_proxy_that_nobody_told_odoo_about(self):
        for headers in (
            {"X_Forwarded_For": "198.51.100.7"},
            {"X_Real_IP": "198.51.100.7"},
            {"Forwarded": "for=198.51.100.7"},
        ):
            address, _url, warning = self._settings(**headers)
            self.assertEqual(address, "127.0.0.1")
            self.assertIn("proxy_mode is off", warning)

    def test_a_proxy_that_odoo_does_not_believe(self):
        address, _url, warning = self._settings(proxy_mode=True, X_Forwarded_For="8.8.8.8")
        self.assertEqual(address, "127.0.0.1")
        self.assertIn("no X-Forwarded-Host arrived", warning)

    def test_a_proxy_that_is_set_up_well(self):
        self.env["ir.config_parameter"].set_param("web.base.url", "https://sign.seller.example")
        good = {"X_Forwarded_Host": "sign.seller.example", "X_Forwarded_Proto": "https", "X_Forwarded_For": "8.8.8.8"}
        self.assertEqual(self._settings(proxy_mode=True, **good), ["8.8.8.8", "https://sign.seller.example", ""])
        _address, url, warning = self._settings(proxy_mode=True, **{**good, "X_Forwarded_Proto": "http"})
        self.assertEqual(url, "http://sign.seller.example")
        self.assertIn("cookies are sent without Secure", warning)
        _address, _url, warning = self._settings(proxy_mode=True, **{**good, "X_Forwarded_For": "10.0.0.3"})
        self.assertIn("takes you for 10.0.0.3", warning)
