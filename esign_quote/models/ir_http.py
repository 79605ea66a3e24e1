from odoo import models
from odoo.http import request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import BadRequest


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    @classmethod
    def _pre_dispatch(cls, rule, args):
        """Override of `base`: refuse what no form of ours sends, before Odoo stumbles over it.

        A file in a text's place (the CSRF token, too) and a field named ``self`` would be an
        internal error.
        """
        super()._pre_dispatch(rule, args)
        if request.httprequest.path.startswith("/esign/") and request.dispatcher.routing_type == "http":
            params = request.get_http_params()
            if "self" in params or any(isinstance(value, FileStorage) for value in params.values()):
                raise BadRequest
