from odoo import http
from odoo.http import request

from .common import answers_own_errors, send_file


class EsignDocument(http.Controller):
    """``/esign/document/<uid>``: files of a procedure for staff who may read it."""

    @http.route("/esign/document/<string:uid>", type="http", auth="user", methods=["GET"])
    @answers_own_errors
    def esign_document(self, uid, **_kwargs):
        # With the user's own rights: record rules decide, what is not theirs is not found.
        documents = request.env["esign.document"]
        document = documents.has_access("read") and documents.search([("uid", "=", uid)], limit=1)
        if not document:
            raise request.not_found()
        return send_file(document._bytes(), document.name, document.mimetype, download=True)
