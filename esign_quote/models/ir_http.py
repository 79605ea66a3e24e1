import werkzeug.exceptions
from odoo import api, models
from odoo.http import SAFE_HTTP_METHODS, Response, SessionExpiredException, request

from ..controllers.common import answer_error, check_form, check_origin
from ..controllers.plain import is_ours

MAX_BODY = 1024 * 1024  # bytes, where a route says nothing


class IrHttp(models.AbstractModel):
    """What holds for every path under ``/esign``, whichever endpoint it leads to, if any."""

    _inherit = "ir.http"

    @classmethod
    def _match(cls, path):
        """Override of `http_routing`: own answers for what is no route; OPTIONS reaches no endpoint."""
        if cls._esign_is_ours():
            request.httprequest.max_content_length = MAX_BODY
            if path.startswith("/esign"):
                # No website, and no redirection to another language's address.
                request.is_frontend = request.is_frontend_multilang = False
        try:
            rule, args = super()._match(path)
        except (werkzeug.exceptions.NotFound, werkzeug.routing.RequestRedirect):
            raise
        except werkzeug.exceptions.HTTPException as refusal:
            if not cls._esign_is_ours() or refusal.code is None:
                raise
            # As "not found", it is answered by `_serve_fallback`, with a usable environment.
            request.esign_refusal = refusal
            raise werkzeug.exceptions.NotFound from refusal
        if request.httprequest.method == "OPTIONS" and cls._esign_is_ours():
            # Odoo adds this method to every route and asks it for no token.
            werkzeug.exceptions.abort(Response(status=204, headers=[("Allow", cls._esign_allowed_methods())]))
        return rule, args

    @classmethod
    def _serve_fallback(cls):
        """Override of `website` and others: under /esign there are no pages but ours."""
        if not cls._esign_is_ours():
            return super()._serve_fallback()
        return answer_error(getattr(request, "esign_refusal", None) or werkzeug.exceptions.NotFound())

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """Override of `base`: size and origin of what is sent, for every route."""
        super()._pre_dispatch(rule, args)
        if cls._esign_is_ours():
            if "max_content_length" not in rule.endpoint.routing:
                request.httprequest.max_content_length = MAX_BODY
            if request.httprequest.method not in SAFE_HTTP_METHODS:
                check_origin()
            check_form(rule.endpoint.routing.get("esign_file"))

    @classmethod
    def _handle_error(cls, exception):
        """Override of `http_routing`: one of our own pages, never a traceback, in debug mode either."""
        if not cls._esign_is_ours() or isinstance(exception, SessionExpiredException):
            return super()._handle_error(exception)  # a session that ended leads to the log-in
        return answer_error(exception)

    @classmethod
    def _esign_is_ours(cls):
        return is_ours(request.httprequest.path)

    @classmethod
    def _esign_allowed_methods(cls):
        router = request.env["ir.http"].routing_map().bind_to_environ(request.httprequest.environ)
        return ", ".join(sorted(router.allowed_methods(request.httprequest.path)))

    @api.model
    def _esign_seen_request(self):
        """Return how this server sees the current request, for the settings page.

        :return: ``address``, ``scheme``, ``host`` as the server believes them, and the names of
            the ``forwarded`` headers that a proxy sent; empty without a request
        :rtype: dict
        """
        if not request:
            return {}
        seen = request.httprequest
        # The proxy's headers, before Odoo applied them.
        names = ("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-IP", "Forwarded")
        return {
            "address": seen.remote_addr or "",
            "scheme": seen.scheme,
            "host": seen.host,
            "forwarded": [name for name in names if name in seen.headers],
        }
