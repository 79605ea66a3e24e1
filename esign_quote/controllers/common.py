"""What all pages of /esign share: headers, own errors, own cookie, the visitor's origin."""

import functools
import logging
import secrets
from http import HTTPStatus
from urllib.parse import quote, urlsplit

import psycopg2.errors
from odoo.exceptions import ConcurrencyError, UserError
from odoo.http import SAFE_HTTP_METHODS, content_disposition, request
from odoo.service.model import PG_CONCURRENCY_EXCEPTIONS_TO_RETRY
from odoo.tools.misc import get_lang
from werkzeug.exceptions import BadRequest, Forbidden, HTTPException, MethodNotAllowed, NotFound

from .plain import RETRY_AFTER, is_busy, plain_page, security_headers

_logger = logging.getLogger(__name__)

DEVICE_SECONDS = 365 * 86400  # how long a browser keeps its secret; what it is good for, the server knows
MAX_USER_AGENT = 300
# Odoo repeats the request after these, see `retrying` and `_serve_db`.
REPEATED = (*PG_CONCURRENCY_EXCEPTIONS_TO_RETRY, ConcurrencyError, psycopg2.errors.ReadOnlySqlTransaction)


def answers_own_errors(endpoint):
    """Decorate a route: no traceback reaches a visitor, whatever fails."""

    @functools.wraps(endpoint)
    def guarded(self, *args, **kwargs):
        try:
            return endpoint(self, *args, **kwargs)
        except HTTPException:
            raise
        except REPEATED:
            raise
        except Exception as error:  # noqa: BLE001  whatever it is, the visitor gets a page
            return answer_error(error)

    return guarded


class ForeignOrigin(Forbidden):
    """A form of another site was sent to us."""


def answer_error(error):
    """Return the page for what went wrong, in the visitor's language; its status is kept.

    :param Exception error: whatever was raised, inside or outside an endpoint
    :rtype: odoo.http.Response | werkzeug.wrappers.Response
    """
    status = _status(error)
    reference = secrets.token_hex(4)
    if _is_unexpected(error, status):
        _logger.error("esign_quote: request %s failed", reference, exc_info=error)
    try:
        _recover()
        response = _error_page(error, status, reference)
    except Exception:  # the database may be what failed
        _logger.warning("esign_quote: a plain page stands for the one of status %s", status, exc_info=True)
        response = plain_page(status, request.httprequest.scheme == "https")
    if isinstance(error, MethodNotAllowed) and error.valid_methods:
        response.headers["Allow"] = ", ".join(sorted(error.valid_methods))
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        response.headers["Retry-After"] = RETRY_AFTER
    return response


def _status(error):
    if isinstance(error, HTTPException):
        return error.code or HTTPStatus.INTERNAL_SERVER_ERROR
    if isinstance(error, UserError):
        return error.http_status
    # Also when Odoo has repeated the request in vain.
    busy = is_busy(error) or isinstance(error, REPEATED)
    return HTTPStatus.SERVICE_UNAVAILABLE if busy else HTTPStatus.INTERNAL_SERVER_ERROR


def _is_unexpected(error, status):
    # A business error may come after a signature was recorded: its page must not deny that.
    refusals = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
    return status == HTTPStatus.INTERNAL_SERVER_ERROR or (isinstance(error, UserError) and status not in refusals)


def _recover():
    """Make the request fit to render a page, at whatever moment it failed."""
    request.env.cr.rollback()
    request.is_frontend = request.is_frontend_multilang = False
    if not hasattr(request, "params"):
        request.params = {}
    if not request.env.uid:
        request.registry["ir.http"]._auth_method_public()
    request.update_context(lang=_visitor_lang())


def _visitor_lang():
    """Return the installed language that the browser likes best."""
    installed = [code for code, _name in request.env["res.lang"].get_installed()]
    for wanted in request.httprequest.accept_languages.values():
        code = wanted.replace("-", "_").lower()
        near = [known for known in installed if known.lower() == code]
        near += [known for known in installed if known.lower().partition("_")[0] == code.partition("_")[0]]
        if near:
            return near[0]
    return get_lang(request.env(context={})).code


def _error_page(error, status, reference):
    if status == HTTPStatus.NOT_FOUND:
        return page("esign_quote.page_bad_link", {}, status)
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        return page("esign_quote.page_busy", {}, status)
    if _is_unexpected(error, status):
        return page("esign_quote.page_error", {"error_reference": reference}, status)
    if isinstance(error, BadRequest) and _lacks_token():
        return page("esign_quote.page_stale", {"back": _page_of_form()}, status)
    kind = "foreign" if isinstance(error, ForeignOrigin) else None
    return page("esign_quote.page_refused", {"status": int(status), "kind": kind}, status)


def _lacks_token():
    if request.httprequest.method in SAFE_HTTP_METHODS:
        return False
    token = request.get_http_params().get("csrf_token")
    return not isinstance(token, str) or not request.validate_csrf(token)  # a file is no token


def _page_of_form():
    """Return the address of the page that a form was on: the nearest one above that can be opened."""
    router = request.env["ir.http"].routing_map().bind_to_environ(request.httprequest.environ)
    path = request.httprequest.path
    while path.startswith("/esign/"):
        if router.test(path, "GET"):
            return quote(path)
        path = path.rpartition("/")[0]
    return None


def check_origin():
    """Refuse a form that another site sent; browsers say so in headers that no script can set.

    Our pages forbid referrers, therefore browsers send ``Origin: null`` with their forms (Fetch
    standard, "append a request Origin header"), and only ``Sec-Fetch-Site`` tells ours from
    others'. Browsers leave that one out on plain http, and Safari before 16.4 everywhere: there
    the form's token is all there is, and customers with an older phone can sign.

    :raise ForeignOrigin: when it is not ours
    """
    headers = request.httprequest.headers
    site = headers.get("Sec-Fetch-Site")
    sender = headers.get("Origin")
    if site not in (None, "same-origin", "none"):
        raise ForeignOrigin
    if sender not in (None, "null") and not _is_this_host(sender):
        raise ForeignOrigin


def check_form(file_field=None):
    """Refuse what no form of ours sends and what Odoo or PostgreSQL would stumble over.

    That is a NUL character, a file in a text's place, and a field with the name of a parameter of Python's.

    :param str file_field: the one field that may hold one file, if the route takes any

    :raise NotFound: when it is in the path
    :raise BadRequest: when it is in the form
    """
    sent = request.httprequest
    if "\0" in sent.path:
        raise NotFound
    fields = [item for form in (sent.args, sent.form) for item in form.items(multi=True)]
    files = [name for name, _file in sent.files.items(multi=True)]
    if files not in ([], [file_field]) or any("\0" in value or name == "self" for name, value in fields):
        raise BadRequest


def _is_this_host(sender):
    # A proxy may hand over another host, or one without its port: what is configured counts too.
    base = request.env["ir.config_parameter"].sudo().get_param("web.base.url") or ""
    try:
        sender, *known = (
            (parts.hostname, parts.port)
            for parts in (urlsplit(address) for address in (sender, request.httprequest.host_url, base))
        )
    except ValueError:  # not an address at all
        return False
    return any(sender[0] and sender[0] == host and port in (None, sender[1]) for host, port in known)


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
    for name, value in security_headers(request.httprequest.scheme == "https").items():
        response.headers[name] = value
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
    # A span, no date: by the date of a server whose clock is a year slow, browsers would forget it at once. (Odoo adds
    # one unless told not to.)
    attributes = {"httponly": True, "secure": secure, "samesite": "Lax", "path": "/"}
    response.set_cookie(cookie_name(uid), secret, max_age=DEVICE_SECONDS, expires=None, **attributes)
    return response


def drop_device(response, uid):
    """Make this browser forget its secret."""
    # With the same attributes: browsers ignore a `__Host-` cookie without Secure.
    secure = request.httprequest.scheme == "https"
    response.set_cookie(cookie_name(uid), "", max_age=0, httponly=True, secure=secure, samesite="Lax", path="/")
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
