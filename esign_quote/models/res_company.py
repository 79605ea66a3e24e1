import base64
import logging
from datetime import timedelta

from odoo import api, fields, models

from ..tools.exceptions import SealError

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
    esign_lock_days = fields.Integer("Length of the lock (days)", default=5)
    esign_link_days = fields.Integer("Life of a link (days)", default=30)
    esign_terms = fields.Binary("Terms of sale (PDF)", attachment=True)
    esign_terms_name = fields.Char()
    esign_terms_date = fields.Date("Date of the terms of sale")
    esign_seal_ids = fields.One2many("esign.seal", "company_id", "Sealing keys")

    _esign_code_minutes_bounds = models.Constraint(
        "CHECK(esign_code_minutes BETWEEN 1 AND 10)", "A code lives between 1 and 10 minutes."
    )
    _esign_code_tries_bounds = models.Constraint(
        "CHECK(esign_code_tries BETWEEN 1 AND 10)", "Between 1 and 10 wrong codes are allowed."
    )
    _esign_lock_days_bounds = models.Constraint(
        "CHECK(esign_lock_days BETWEEN 1 AND 5)", "A lock lasts between 1 and 5 days."
    )
    _esign_link_days_bounds = models.Constraint(
        "CHECK(esign_link_days BETWEEN 1 AND 60)", "A link lives between 1 and 60 days."
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

    def _esign_link_life(self):
        self.ensure_one()
        return timedelta(days=self.esign_link_days)

    def _esign_terms_bytes(self):
        self.ensure_one()
        return base64.b64decode(self.sudo().with_context(bin_size=False).esign_terms or b"")
