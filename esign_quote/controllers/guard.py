"""Stands around Odoo's WSGI application for the paths under /esign.

What fails before an endpoint is chosen (no connection to the database left, a registry that is
being loaded) never reaches a model, and Odoo would answer with pages of its own. Installed once a
process, like the log filter; other paths pass untouched.
"""

import functools
import logging

from odoo.http import Application, RegistryError, Request
from werkzeug.datastructures import Headers

from .plain import has_our_policy, is_busy, is_ours, plain_page, security_headers

_logger = logging.getLogger(__name__)
# What an answer of Odoo's keeps when a page of ours takes its place.
KEPT = ("Allow", "Retry-After", "Set-Cookie")


def install():
    """Put the guard around the application; once a process."""
    if not hasattr(Application, "_esign_guard"):
        Application._esign_guard = True
        Application.__call__ = _guard_answers(Application.__call__)
        Request._serve_db = _guard_database(Request._serve_db)
        Request._post_init = _guard_session(Request._post_init)


def _guard_answers(call):
    @functools.wraps(call)
    def guarded(self, environ, start_response):
        if not is_ours(environ.get("PATH_INFO", "")):
            return call(self, environ, start_response)
        status, headers, body = _run(functools.partial(call, self), environ)
        # Read now: behind a proxy Odoo has corrected the environment meanwhile.
        https = environ.get("wsgi.url_scheme") == "https"
        code = int(status.split()[0])
        if code >= 400 and not has_our_policy(headers):
            status, headers, body = _replace(code, headers, body, environ, https)
        for name, value in security_headers(https).items():
            headers.setdefault(name, value)
        start_response(status, _harden_cookies(headers, https).to_wsgi_list())
        return body

    return guarded


def _run(application, environ):
    """Return status, headers and body of an answer; its body is not read.

    :rtype: tuple[str, werkzeug.datastructures.Headers, collections.abc.Iterable[bytes]]
    """
    started = []

    def start_response(status, headers, exc_info=None):
        started[:] = [status, Headers(headers)]

    try:
        body = application(environ, start_response)
    except Exception:
        _logger.exception("esign_quote: Odoo could not answer")
        body = plain_page(500)(environ, start_response)
    return *started, body


def _replace(code, headers, body, environ, https):
    if hasattr(body, "close"):
        body.close()
    status, ours, body = _run(plain_page(code, https), environ)
    for name in KEPT:
        for value in headers.getlist(name):
            ours.add(name, value)
    return status, ours, body


def _harden_cookies(headers, https):
    """Give each cookie what Odoo's own lack: ``HttpOnly``, ``SameSite``, and ``Secure`` over https."""
    cookies = headers.getlist("Set-Cookie")
    headers.remove("Set-Cookie")
    for cookie in cookies:
        given = {part.strip().partition("=")[0].lower() for part in cookie.split(";")[1:]}
        more = "" if "httponly" in given else "; HttpOnly"
        more += "" if "samesite" in given else "; SameSite=Lax"
        more += "; Secure" if https and "secure" not in given else ""
        headers.add("Set-Cookie", cookie + more)
    return headers


def _guard_database(serve):
    @functools.wraps(serve)
    def guarded(self):
        try:
            return serve(self)
        except Exception as error:
            if not is_ours(self.httprequest.path) or hasattr(error, "error_response"):
                raise
            # Without a registry Odoo would end the visitor's session and say "not found".
            if is_busy(error) or isinstance(error, RegistryError):
                return _busy(self, error)
            raise

    return guarded


def _guard_session(post_init):
    @functools.wraps(post_init)
    def guarded(self):
        try:
            post_init(self)
        except Exception as error:
            # Databases may have to be listed here; the application sends what it finds on the error.
            if is_ours(self.httprequest.path) and is_busy(error):
                error.error_response = _busy(self, error)
                error.loglevel = logging.INFO
            raise

    return guarded


def _busy(request, error):
    _logger.warning("esign_quote: no database for a visitor, asked to come again (%s)", type(error).__name__)
    return plain_page(503, request.httprequest.scheme == "https")
