"""What all pages of /esign share: headers, own errors, own cookie, the visitor's origin."""

import functools
import logging
import secrets

import psycopg2
from odoo.http import content_disposition, request
from psycopg2.pool import PoolError
from werkzeug.exceptions import HTTPException

_logger = logging.getLogger(__name__)

SECURITY_HEADERS = {
    # Everything from this server, no script or style in the page itself, no frame around it.
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; font-src 'self' data:; "
        "connect-src 'self'; worker-src 'self' blob:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}
MAX_USER_AGENT = 300


def answers_own_errors(endpoint):
    """Decorate a route: no traceback reaches a visitor, whatever fails."""

    @functools.wraps(endpoint)
    def guarded(self, *args, **kwargs):
        # PostgreSQL stores no NUL character, and nobody types one.
        kwargs = {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in kwargs.items()}
        try:
            return endpoint(self, *args, **kwargs)
        except HTTPException:
            raise
        except PoolError:
            return page("esign_quote.page_busy", {}, status=503)
        except psycopg2.OperationalError:
            raise  # a serialization failure: Odoo repeats the request
        except Exception:
            reference = secrets.token_hex(4)
            _logger.exception("esign_quote: request %s failed", reference)
            request.env.cr.rollback()
            return page("esign_quote.page_error", {"error_reference": reference}, status=500)

    return guarded


def page(template, values, status=200):
    """Render one of our pages, with its headers.

    :rtype: odoo.http.Response
    """
    values = {
        "csrf_token": request.csrf_token(),
        "lang": request.env.lang or "en_US",
        "company": None,
        "assets": _assets(),
        **values,
    }
    html = request.env["ir.qweb"]._render(template, values)
    response = request.make_response(f"<!DOCTYPE html>\n{html}", status=status)
    return with_headers(response)


def _assets():
    """Return the addresses of our style sheets and scripts, by kind.

    ``t-call-assets`` would write an ``onerror`` attribute, which our policy forbids, and no ``defer``.
    """
    nodes = request.env["ir.qweb"]._get_asset_nodes("esign_quote.assets_sign")
    return {
        "styles": [attributes["href"] for tag, attributes in nodes if tag == "link"],
        "scripts": [attributes["src"] for tag, attributes in nodes if tag == "script" and attributes.get("src")],
    }


def with_headers(response):
    """Put the security headers on an answer.

    :rtype: odoo.http.Response
    """
    for name, value in SECURITY_HEADERS.items():
        response.headers[name] = value
    if request.httprequest.scheme == "https":
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    return response


def redirect(path):
    """Answer a POST with the page to show next.

    :rtype: odoo.http.Response
    """
    return with_headers(request.redirect(path, code=303))


def origin():
    """Return the visitor's address and browser as this server sees them.

    Behind a proxy, Odoo's ``proxy_mode`` decides whom to believe; nothing else is read.
    """
    agent = request.httprequest.user_agent.string or ""
    return {"ip": request.httprequest.remote_addr or "", "user_agent": agent[:MAX_USER_AGENT]}


def cookie_name(uid):
    # The prefix binds the cookie to this host and to https; browsers refuse it without https.
    prefix = "__Host-" if request.httprequest.scheme == "https" else ""
    return f"{prefix}esign_{uid}"


def get_device(uid):
    """Return the secret that this browser holds for a ticket, or an empty text."""
    return request.httprequest.cookies.get(cookie_name(uid), "")


def set_device(response, uid, secret):
    """Give this browser a new secret for a ticket."""
    secure = request.httprequest.scheme == "https"
    response.set_cookie(cookie_name(uid), secret, httponly=True, secure=secure, samesite="Lax", path="/")
    return response


def drop_device(response, uid):
    """Make this browser forget its secret."""
    response.set_cookie(cookie_name(uid), "", max_age=0, path="/")
    return response


def send_file(content, name, mimetype, download):
    """Stream a frozen file; never sniffed, never cached, named by us.

    :rtype: odoo.http.Response
    """
    headers = [
        ("Content-Type", mimetype),
        ("Content-Length", str(len(content))),
        # Not by werkzeug: browsers cut its header off at the first accent of a name.
        ("Content-Disposition", content_disposition(name, "attachment" if download else "inline")),
    ]
    return with_headers(request.make_response(content, headers=headers))
