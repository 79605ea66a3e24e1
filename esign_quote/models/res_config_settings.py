from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    esign_always = fields.Boolean(related="company_id.esign_always", readonly=False)
    esign_after_signature = fields.Selection(related="company_id.esign_after_signature", readonly=False)
    esign_customer_kind = fields.Selection(related="company_id.esign_customer_kind", readonly=False)
    esign_code_minutes = fields.Integer(related="company_id.esign_code_minutes", readonly=False)
    esign_code_tries = fields.Integer(related="company_id.esign_code_tries", readonly=False)
    esign_lock_for = fields.Selection(related="company_id.esign_lock_for", readonly=False)
    esign_codes_per_hour = fields.Integer(related="company_id.esign_codes_per_hour", readonly=False)
    esign_codes_per_network = fields.Integer(related="company_id.esign_codes_per_network", readonly=False)
    esign_channel = fields.Selection(related="company_id.esign_channel", readonly=False)
    esign_sms_country_ids = fields.Many2many(related="company_id.esign_sms_country_ids", readonly=False)
    esign_sms_budget = fields.Integer(related="company_id.esign_sms_budget", readonly=False)
    esign_link_days = fields.Integer(related="company_id.esign_link_days", readonly=False)
    esign_private_months = fields.Integer(related="company_id.esign_private_months", readonly=False)
    esign_archive_signed = fields.Boolean(related="company_id.esign_archive_signed", readonly=False)
    esign_pdf_megabytes = fields.Integer(related="company_id.esign_pdf_megabytes", readonly=False)
    esign_pdf_pages = fields.Integer(related="company_id.esign_pdf_pages", readonly=False)
    esign_pdf_seconds = fields.Integer(related="company_id.esign_pdf_seconds", readonly=False)
    esign_terms = fields.Binary(related="company_id.esign_terms", readonly=False)
    esign_terms_name = fields.Char(related="company_id.esign_terms_name", readonly=False)
    esign_terms_date = fields.Date(related="company_id.esign_terms_date", readonly=False)
    esign_seal_summary = fields.Char("Sealing key", compute="_compute_esign_seal_summary")
    esign_secret_origin = fields.Selection(
        [
            ("variable", "the server's environment"),
            ("configuration", "the configuration file"),
            ("folder", "a file in Odoo's data folder"),
        ],
        compute="_compute_esign_secret_origin",
    )
    esign_token_configured = fields.Boolean(compute="_compute_esign_token_configured")
    esign_wkhtmltopdf_limited = fields.Boolean(compute="_compute_esign_wkhtmltopdf_limited")

    @api.depends("company_id")
    def _compute_esign_seal_summary(self):
        for settings in self:
            active = settings.company_id.sudo().esign_seal_ids[:1]
            if active.state == "expired":
                settings.esign_seal_summary = self.env._(
                    "%(subject)s, out of date since %(date)s: quotations cannot be sent for signature",
                    subject=active.subject,
                    date=active.valid_to.date(),
                )
                continue
            settings.esign_seal_summary = (
                self.env._(
                    "%(subject)s, until %(date)s, SHA-256 %(fingerprint)s…",
                    subject=active.subject,
                    date=active.valid_to.date(),
                    fingerprint=active.fingerprint[:16],
                )
                if active
                else self.env._("none: quotations cannot be sent for signature")
            )

    def _compute_esign_secret_origin(self):
        self.esign_secret_origin = self.env["esign.vault"]._origin()

    def _compute_esign_token_configured(self):
        self.esign_token_configured = bool(self.env["esign.seal"]._token_settings().module)

    def _compute_esign_wkhtmltopdf_limited(self):
        # The unpatched build prints without header and footer, and without saying so.
        self.esign_wkhtmltopdf_limited = not self.env["ir.actions.report"]._esign_wkhtmltopdf_is_patched()

    def action_esign_generate_seal(self):
        """Replace the company's sealing key by a new generated one."""
        self.ensure_one()
        self._esign_check_administrator()
        self.env["esign.seal"]._generate(self.company_id)
        return {"type": "ir.actions.client", "tag": "soft_reload"}

    def action_esign_import_seal(self):
        """Open the upload of a PKCS#12 file."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("esign_quote.esign_seal_import_action")
        action["context"] = {"default_company_id": self.company_id.id}
        return action

    def action_esign_use_token(self):
        """Open the use of the key in the security module."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("esign_quote.esign_seal_token_action")
        action["context"] = {"default_company_id": self.company_id.id}
        return action

    def _esign_check_administrator(self):
        self.check_access("write")
