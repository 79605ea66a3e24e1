from http import HTTPStatus

from odoo import http
from odoo.http import request
from werkzeug.exceptions import RequestEntityTooLarge

from .common import answers_own_errors, origin, page, with_headers

ROUTE = {"type": "http", "auth": "public", "sitemap": False}
GET = {**ROUTE, "methods": ["GET"]}
POST = {**ROUTE, "methods": ["POST"]}
MAX_FILE = 25 * 1024 * 1024


class EsignVerify(http.Controller):
    """``/esign/verify``: is this the file that was sealed?

    The file stays in the visitor's browser, which sends its fingerprint, unless the visitor asks for
    the seal to be checked here.
    """

    @http.route(["/esign/verify", "/esign/verify/<string:reference>"], **GET)
    @answers_own_errors
    def esign_verify(self, reference=None, **_kwargs):
        facts = request.env["esign.request"]._public_facts(reference or "")
        return self._page(reference, facts, 200 if facts or not reference else HTTPStatus.NOT_FOUND)

    @http.route("/esign/verify/hash", **POST, max_content_length=4096)
    @answers_own_errors
    def esign_verify_hash(self, sha256="", reference="", **_kwargs):
        """Answer with a piece of the page; only the fingerprint was sent."""
        requests = request.env["esign.request"]
        values = {"outcome": requests._verify_hash(sha256, reference) if requests._may_verify("hash", origin()) else None}
        html = request.env["ir.qweb"]._render("esign_quote.verify_outcome", values)
        status = HTTPStatus.OK if values["outcome"] else HTTPStatus.TOO_MANY_REQUESTS
        word = values["outcome"] and values["outcome"]["word"]
        return with_headers(request.make_json_response({"word": word, "html": str(html)}, status=status))

    @http.route("/esign/verify/seal", **POST, max_content_length=MAX_FILE + 64 * 1024, esign_file="file")
    @answers_own_errors
    def esign_verify_seal(self, reference="", **_kwargs):
        """Judge a file that the visitor sent on purpose; it is not stored."""
        requests = request.env["esign.request"]
        sent = request.httprequest.files.get("file")
        content = sent.read(MAX_FILE + 1) if sent else b""
        if len(content) > MAX_FILE:
            raise RequestEntityTooLarge
        facts = requests._public_facts(reference)
        if not content:
            return self._page(reference, facts, HTTPStatus.UNPROCESSABLE_ENTITY, empty=True)
        if not requests._may_verify("seal", origin()):
            return self._page(reference, facts, HTTPStatus.TOO_MANY_REQUESTS, busy=True)
        return self._page(reference, facts, outcome=requests._verify_file(content, reference))

    def _page(self, reference, facts, status=200, **values):
        given = {"reference": reference, "facts": facts, "outcome": None, "busy": False, "empty": False}
        return page("esign_quote.page_verify", {**given, **values}, status=status)
