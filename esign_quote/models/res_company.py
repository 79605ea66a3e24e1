import base64
import logging
from datetime import timedelta

from dateutil.relativedelta import relativedelta
from odoo import api, fields, models

from ..tools.exceptions import SealError
from ..tools.intake import IntakeLimits
from .esign_request_contact import CHANNELS

_logger = logging.getLogger(__name__)


class ResCompany(models.Model):
    _inherit = "res.company"

    esign_always = fields.Boolean("Send quotations for signature by default")
    esign_after_signature = fields.Selection(
        [("confirm", "Confirm the order"), ("check", "Leave the order for a check")], default="confirm", required=True
    )
    esign_customer_kind = fields.Selection(
        [
            ("auto", "By contact: companies are businesses, persons are consumers"),
            ("consumer", "Always consumers"),
            ("business", "Always businesses"),
        ],
        default="auto",
        required=True,
    )
    esign_code_minutes = fields.Integer("Life of a code (minutes)", default=5)
    esign_code_tries = fields.Integer("Wrong codes until the lock", default=3)
    esign_lock_for = fields.Selection(
        [
            ("15", "15 minutes"),
            ("60", "1 hour"),
            ("240", "4 hours"),
            ("1440", "1 day"),
            ("2880", "2 days"),
            ("7200", "5 days"),
        ],
        "Length of the lock",
        default="7200",
        required=True,
    )
    esign_codes_per_hour = fields.Integer(
        "Codes per address and hour", default=5, help="Twice as many a day. Asking for a code never locks."
    )
    esign_codes_per_network = fields.Integer(
        "Code requests per IP address and hour", default=20, help="IPv6 addresses count by their /64 network."
    )
    esign_channel = fields.Selection(CHANNELS, "Codes by", default="mail", required=True)
    esign_sms_country_ids = fields.Many2many(
        "res.country", string="Text messages to", help="Countries of the numbers; empty: the company's own country."
    )
    esign_sms_budget = fields.Integer("Text messages a day", default=50)
    esign_link_days = fields.Integer("Life of a link (days)", default=30)
    esign_pdf_megabytes = fields.Integer("Largest file (MB)", default=25)
    esign_pdf_pages = fields.Integer("Most pages", default=300)
    esign_pdf_seconds = fields.Integer("Longest check of a file (seconds)", default=30)
    esign_terms = fields.Binary("Terms of sale (PDF)", attachment=True)
    esign_terms_name = fields.Char()
    esign_terms_date = fields.Date("Date of the terms of sale")
    esign_private_months = fields.Integer(
        "Technical log (months)",
        default=12,
        required=True,
        help="How long full browser names, and addresses of other acts than the answer, are kept.",
    )
    esign_archive_signed = fields.Boolean(
        "Archive the signed file",
        default=True,
        help="Keep the signed PDF with its proof for ten years. Otherwise it is removed 30 days after customer and company got it by mail; the proof and its hash stay.",
    )
    esign_seal_ids = fields.One2many("esign.seal", "company_id", "Sealing keys")
    esign_key_alert_on = fields.Datetime(
        readonly=True, groups=fields.NO_ACCESS, help="When administrators were told that signatures wait for a key."
    )

    _esign_code_minutes_bounds = models.Constraint(
        "CHECK(esign_code_minutes BETWEEN 1 AND 10)", "A code lives between 1 and 10 minutes."
    )
    _esign_code_tries_bounds = models.Constraint(
        "CHECK(esign_code_tries BETWEEN 1 AND 10)", "Between 1 and 10 wrong codes are allowed."
    )
    _esign_codes_per_hour_bounds = models.Constraint(
        "CHECK(esign_codes_per_hour BETWEEN 2 AND 20)", "Between 2 and 20 codes are sent to an address an hour."
    )
    _esign_codes_per_network_bounds = models.Constraint(
        "CHECK(esign_codes_per_network BETWEEN 5 AND 1000)",
        "Between 5 and 1,000 codes can be asked for from an IP address an hour.",
    )
    _esign_sms_budget_bounds = models.Constraint(
        "CHECK(esign_sms_budget BETWEEN 1 AND 10000)", "Between 1 and 10,000 text messages are sent a day."
    )
    # CNIL on logs: six months to one year, up to three years with a reason (SECURITY 1.5).
    _esign_private_months_bounds = models.Constraint(
        "CHECK(esign_private_months BETWEEN 6 AND 36)", "The technical log is kept between 6 and 36 months."
    )
    _esign_link_days_bounds = models.Constraint(
        "CHECK(esign_link_days BETWEEN 1 AND 60)", "A link lives between 1 and 60 days."
    )

    # Above, mails do not arrive, and phones cannot show the file.
    _esign_pdf_megabytes_bounds = models.Constraint(
        "CHECK(esign_pdf_megabytes BETWEEN 1 AND 50)", "A file to sign has at most 1 to 50 MB."
    )
    _esign_pdf_pages_bounds = models.Constraint(
        "CHECK(esign_pdf_pages BETWEEN 1 AND 1000)", "A file to sign has at most 1 to 1,000 pages."
    )
    _esign_pdf_seconds_bounds = models.Constraint(
        "CHECK(esign_pdf_seconds BETWEEN 5 AND 120)", "The check of a file takes at most 5 to 120 seconds."
    )

    @api.model_create_multi
    def create(self, vals_list):
        """Give new companies a sealing key."""
        companies = super().create(vals_list)
        companies._esign_ensure_seal()
        return companies

    def _esign_ensure_seal(self):
        """Generate a sealing key for each company that has none."""
        for company in self:
            if company.sudo().esign_seal_ids:
                continue
            try:
                self.env["esign.seal"]._generate(company)
            except SealError as error:
                # A company without a usable name: it is created, but cannot send for signature yet.
                _logger.warning("esign_quote: no sealing key for company %s: %s", company.id, error)

    def _esign_audience(self, partner):
        """Tell whether ``partner`` is addressed as a ``consumer`` or as a ``business``."""
        self.ensure_one()
        if self.esign_customer_kind != "auto":
            return self.esign_customer_kind
        return "business" if partner.commercial_partner_id.is_company else "consumer"

    def _esign_lock_minutes(self):
        self.ensure_one()
        return int(self.esign_lock_for)

    def _esign_sms_countries(self):
        """Return the countries that text messages may go to: more opens the door to SMS pumping."""
        self.ensure_one()
        return self.esign_sms_country_ids or self.country_id or self.env.ref("base.fr")

    def _esign_link_life(self):
        self.ensure_one()
        return timedelta(days=self.esign_link_days)

    def _esign_private_life(self):
        self.ensure_one()
        return relativedelta(months=self.esign_private_months)

    def _esign_intake_limits(self):
        """Return the bounds of what may be sent for signature.

        :rtype: esign_quote.tools.intake.IntakeLimits
        """
        return IntakeLimits(
            max_bytes=self.esign_pdf_megabytes * 1024 * 1024,
            max_pages=self.esign_pdf_pages,
            max_seconds=self.esign_pdf_seconds,
        )

    def _esign_terms_bytes(self):
        self.ensure_one()
        return base64.b64decode(self.sudo().with_context(bin_size=False).esign_terms or b"")
