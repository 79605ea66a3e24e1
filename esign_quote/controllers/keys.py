from odoo import http
from odoo.http import request
from werkzeug.exceptions import NotFound

from .common import answers_own_errors, page, send_file


class EsignKeys(http.Controller):
    """``/esign/keys``: with which keys the companies seal, and since when one is not to be relied on."""

    @http.route("/esign/keys", type="http", auth="public", methods=["GET"], sitemap=False)
    @answers_own_errors
    def esign_keys(self, **_kwargs):
        return page("esign_quote.page_keys", {"companies": request.env["esign.seal"]._public_keys()})

    @http.route("/esign/keys/<string:fingerprint>.cer", type="http", auth="public", methods=["GET"], sitemap=False)
    @answers_own_errors
    def esign_certificate(self, fingerprint, **_kwargs):
        certificate = request.env["esign.seal"]._public_certificate(fingerprint)
        if not certificate:
            raise NotFound
        return send_file(certificate, f"{fingerprint[:16].lower()}.cer", "application/pkix-cert", download=True)
