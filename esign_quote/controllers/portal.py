from odoo import http
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal
from odoo.addons.portal.controllers.portal import pager as portal_pager

from .common import answers_own_errors, send_file


class EsignPortal(CustomerPortal):
    """``/my/signatures``: results and proofs for customers with a log-in."""

    def _prepare_home_portal_values(self, counters):
        """Override of `portal`: the card's counter."""
        values = super()._prepare_home_portal_values(counters)
        if "esign_count" in counters:
            values["esign_count"] = request.env["esign.request"]._portal_count()
        return values

    @http.route(["/my/signatures", "/my/signatures/page/<int:page>"], type="http", auth="user", website=True)
    def portal_my_signatures(self, page=1, **_kwargs):
        requests = request.env["esign.request"]
        total = requests._portal_count()
        pager = portal_pager(url="/my/signatures", total=total, page=page, step=self._items_per_page)
        values = self._prepare_portal_layout_values()
        values.update(
            signatures=requests._portal_requests(limit=self._items_per_page, offset=pager["offset"]),
            page_name="esign_signatures",
            pager=pager,
            default_url="/my/signatures",
        )
        return request.render("esign_quote.portal_my_signatures", values)

    @http.route("/my/signatures/<string:reference>/<string:kind>", type="http", auth="user", methods=["GET"])
    @answers_own_errors
    def portal_signature_file(self, reference, kind, **_kwargs):
        document = request.env["esign.request"]._portal_document(reference, kind)
        if not document:
            raise request.not_found()
        return send_file(document._bytes(), document.name, document.mimetype, download=True)

    @http.route("/my/signatures/<string:reference>/pack", type="http", auth="user", methods=["GET"])
    @answers_own_errors
    def portal_signature_pack(self, reference, **_kwargs):
        found = request.env["esign.request"]._portal_pack(reference)
        if not found:
            raise request.not_found()
        name, content = found
        return send_file(content, name, "application/zip", download=True)
