from odoo import http
from odoo.http import request

from .common import answers_own_errors, send_file


class EsignPack(http.Controller):
    """``/esign/pack/<identifier>``: the dispute pack, for staff who may read the procedure."""

    @http.route("/esign/pack/<string:reference>", type="http", auth="user", methods=["GET"])
    @answers_own_errors
    def esign_pack(self, reference, **_kwargs):
        # With the user's own rights: record rules decide, what is not theirs is not found.
        found = request.env["esign.request"]._staff_pack(reference)
        if not found:
            raise request.not_found()
        name, content = found
        return send_file(content, name, "application/zip", download=True)
