import logging

from odoo import api, fields, models

from ..tools.hashing import sha256_hex
from ..tools.mail_source import masked_source

_logger = logging.getLogger(__name__)


class EsignMailSource(models.Model):
    """What was really mailed, as the mail server got it; codes are never kept."""

    _name = "esign.mail.source"
    _description = "E-signature: mail as it was handed over"
    _inherit = ["esign.immutable"]
    _order = "id"
    _rec_name = "message_id"
    _esign_may_go = "esign_term_is_over(OLD.request_id)"

    request_id = fields.Many2one("esign.request", required=True, readonly=True, index=True, ondelete="restrict")
    delivery_id = fields.Many2one("esign.delivery", required=True, readonly=True, index=True, ondelete="restrict")
    message_id = fields.Char("Message-ID", readonly=True)
    source = fields.Text(
        required=True, readonly=True, help="Without secrets of links; attachments by name and SHA-256."
    )
    sha256 = fields.Char("SHA-256", required=True, readonly=True)

    @api.model
    def _prepare(self, message):
        """Return what is kept of a message; never raise.

        :param email.message.EmailMessage message: as it was handed to the mail server
        :rtype: str | None
        """
        try:
            return masked_source(message).decode("ascii", "replace").replace("\0", "?")
        except Exception:  # the mail is out, whether its source is kept or not
            _logger.exception("esign_quote: the source of a mail could not be kept")
            return None

    @api.model
    def _keep(self, delivery, source):
        """Keep the source of what was handed over.

        :param str source: of :meth:`_prepare`
        """
        if source:
            self.sudo().create(
                {
                    "request_id": delivery.request_id.id,
                    "delivery_id": delivery.id,
                    "message_id": delivery.message_id,
                    "source": source,
                    "sha256": sha256_hex(source.encode()),
                }
            )
