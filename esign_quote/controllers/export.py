from odoo import http
from odoo.http import Stream, request

from .common import answers_own_errors, with_headers


class EsignExport(http.Controller):
    """``/esign/export/<id>``: all dispute packs in one zip, for system administrators."""

    @http.route("/esign/export/<int:export_id>", type="http", auth="user", methods=["GET"])
    @answers_own_errors
    def esign_export(self, export_id, **_kwargs):
        exports = request.env["esign.export"]
        export = exports.has_access("read") and exports.search([("id", "=", export_id)], limit=1)
        if not export:
            raise request.not_found()
        # Streamed from the disk: it may have gigabytes.
        path = export._hand_out()
        stream = Stream(
            type="path",
            path=path,
            size=int(export.size),
            download_name=export.file_name,
            mimetype="application/zip",
        )
        return with_headers(stream.get_response(as_attachment=True))
