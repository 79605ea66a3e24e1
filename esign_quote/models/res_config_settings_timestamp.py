import secrets

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import format_datetime

from ..tools.exceptions import TimestampError
from ..tools.revocation import is_self_signed


class ResConfigSettings(models.TransientModel):
    """Settings: the time-stamp authority."""

    _inherit = "res.config.settings"

    esign_tsa_url = fields.Char(related="company_id.esign_tsa_url", readonly=False)
    esign_tsa_second_url = fields.Char(related="company_id.esign_tsa_second_url", readonly=False)
    esign_tsa_user = fields.Char(related="company_id.esign_tsa_user", readonly=False)
    # Never stored here, and never shown: it is written into the company's vault.
    esign_tsa_password = fields.Char(
        "Password", compute="_compute_esign_tsa_password", inverse="_inverse_esign_tsa_password"
    )
    esign_tsa_password_state = fields.Selection(
        [("none", "No password is kept."), ("kept", "A password is kept."), ("lost", "Type the password again.")],
        compute="_compute_esign_tsa_password",
    )
    esign_tsa_policy = fields.Char(related="company_id.esign_tsa_policy", readonly=False)
    esign_tsa_roots = fields.Binary(related="company_id.esign_tsa_roots", readonly=False)
    esign_tsa_roots_name = fields.Char(related="company_id.esign_tsa_roots_name", readonly=False)
    esign_tsa_when_unavailable = fields.Selection(related="company_id.esign_tsa_when_unavailable", readonly=False)
    esign_tsa_state = fields.Char(compute="_compute_esign_tsa_state")
    esign_tsa_level = fields.Char(compute="_compute_esign_tsa_state")

    @api.depends("company_id")
    def _compute_esign_tsa_password(self):
        for settings in self:
            settings.esign_tsa_password = False
            settings.esign_tsa_password_state = settings.company_id._esign_tsa_password_state()

    def _inverse_esign_tsa_password(self):
        for settings in self:
            # Empty means unchanged: the field never shows what is kept.
            if settings.esign_tsa_password:
                settings.company_id._esign_keep_tsa_password(settings.esign_tsa_password)

    @api.depends("company_id")
    def _compute_esign_tsa_state(self):
        for settings in self:
            settings.esign_tsa_state = settings._esign_tsa_state_text()
            settings.esign_tsa_level = settings._esign_tsa_level_text()

    def _esign_tsa_state_text(self):
        state = self.env["esign.authority"]._of(self.company_id)
        if not state or not self.company_id._esign_has_tsa():
            return False
        if state.failures:
            return self.env._(
                "Last failure on %(moment)s: %(reason)s",
                moment=format_datetime(self.env, state.failed_on),
                reason=self.company_id._esign_explain_timestamp(state.reason),
            )
        return self.env._(
            "Last time-stamp on %(moment)s; the clocks differed by %(seconds)s s.",
            moment=format_datetime(self.env, state.worked_on),
            seconds=state.drift_ms / 1000,
        )

    def _esign_tsa_level_text(self):
        seal = self.company_id.sudo().esign_seal_ids.filtered("active")[:1]
        if not seal or not self.company_id._esign_has_tsa():
            return False
        data, _covered = self.env["esign.revocation"]._validation_data(seal)
        if data:
            return self.env._(
                "New files reach the level PAdES B-LT: they hold everything that is needed to check them in many years."
            )
        if is_self_signed(seal._certificate_der()):
            return self.env._(
                "New files reach the level PAdES B-T. For B-LT the sealing key must come from a certification authority."
            )
        return self.env._(
            "New files reach the level PAdES B-T. For B-LT the issuers must have said that the certificates are not revoked; Odoo asks them every hour, once a time-stamp was got."
        )

    def action_esign_test_tsa(self):
        """Get a time-stamp of random bytes, and say from whom it is, its time and how far the clocks are apart."""
        self.ensure_one()
        self._esign_check_administrator()
        company = self.company_id
        try:
            token = self.env["esign.timestamp"]._ask(company, secrets.token_bytes(32))
        except TimestampError as error:
            raise UserError(company._esign_explain_timestamp(error.reason)) from error
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "title": self.env._("The time-stamp authority works"),
                "message": self._esign_tsa_answer_text(token),
                "type": "warning" if token.drifts or not token.trusted else "success",
                "sticky": True,
            },
        }

    def _esign_tsa_answer_text(self, token):
        _ = self.env._
        texts = [
            _(
                "%(authority)s says it is %(moment)s (UTC); this server's clock differs by %(seconds)s s.",
                authority=token.authority,
                moment=f"{token.gen_time:%Y-%m-%d %H:%M:%S}",
                seconds=token.drift_ms / 1000,
            ),
            _("Its certificate ends on %s.", token.certificate_until.date()),
        ]
        if token.drifts:
            texts.append(_("More than 5 seconds: let this server's and the authority's clock be looked after."))
        if not token.trusted:
            texts.append(_("No trusted root certificates are set: whoever answers at this address is believed."))
        return " ".join(texts)

    def action_esign_forget_tsa_password(self):
        """Forget the authority's password."""
        self.ensure_one()
        self._esign_check_administrator()
        self.company_id._esign_keep_tsa_password("")
        return {"type": "ir.actions.client", "tag": "soft_reload"}
