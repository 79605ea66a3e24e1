from odoo import http
from odoo.http import request

from .common import answers_own_errors, page


class EsignVerify(http.Controller):
    """``/esign/verify``: is this the file that was sealed? The file stays in the visitor's browser."""

    @http.route(
        ["/esign/verify", "/esign/verify/<string:reference>"],
        type="http",
        auth="public",
        methods=["GET"],
        sitemap=False,
    )
    @answers_own_errors
    def esign_verify(self, reference=None, **_kwargs):
        facts = request.env["esign.request"]._public_facts(reference or "")
        return page(
            "esign_quote.page_verify",
            {"reference": reference, "facts": facts},
            status=200 if facts or not reference else 404,
        )
