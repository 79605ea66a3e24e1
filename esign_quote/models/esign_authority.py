from datetime import timedelta

from markupsafe import escape
from odoo import api, fields, models

# Minutes to leave an authority alone after the first failure in a row, the second, …
PAUSES = (1, 2, 4, 8, 15, 30)
# Failures in a row until administrators are told: after seven minutes it is no hiccup.
TELL_AFTER = 4
DETOUR = timedelta(minutes=10)


class EsignAuthority(models.Model):
    _name = "esign.authority"
    _description = "E-signature: how a company's time-stamp authority is doing"
    _inherit = ["esign.transaction"]
    _rec_name = "company_id"

    company_id = fields.Many2one("res.company", required=True, readonly=True, ondelete="cascade")
    failures = fields.Integer("Failures in a row", readonly=True)
    reason = fields.Char(readonly=True)
    failed_on = fields.Datetime(readonly=True)
    retry_on = fields.Datetime(readonly=True, help="Until then nobody asks it: it is down for all requests alike.")
    worked_on = fields.Datetime(readonly=True)
    detour_until = fields.Datetime(readonly=True, help="The first address failed lately: the second is asked first.")
    drift_ms = fields.Integer("Difference of the clocks (ms)", readonly=True)

    _company_unique = models.Constraint("UNIQUE(company_id)", "One row a company.")

    @api.model
    def _of(self, company):
        return self.sudo().search([("company_id", "=", company.id)], limit=1)

    @api.model
    def _pause_reason(self, company):
        """Return why the company's authority is left alone at present, or False.

        :return: a key of `tools.timestamp.REASONS`
        """
        state = self._of(company)
        return state.reason if state.retry_on and state.retry_on > self._now() else False

    @api.model
    def _note_failure(self, company, reason):
        """Remember that the authority failed, and leave it alone for a while, longer each time.

        Many who fail at the same time count once.
        """
        now = self._now()
        self.env.cr.execute(
            """INSERT INTO esign_authority AS a (company_id, failures, reason, failed_on, retry_on)
                VALUES (%(company)s, 1, %(reason)s, %(now)s, %(now)s + interval '1 minute' * %(first)s)
                ON CONFLICT (company_id) DO UPDATE SET
                    failures = a.failures + 1, reason = EXCLUDED.reason, failed_on = EXCLUDED.failed_on,
                    retry_on = EXCLUDED.failed_on + interval '1 minute' * (%(pauses)s)[LEAST(a.failures + 1, %(last)s)]
                WHERE a.retry_on IS NULL OR a.retry_on <= EXCLUDED.failed_on
                RETURNING failures""",
            {
                "company": company.id,
                "reason": reason,
                "now": now,
                "first": PAUSES[0],
                "pauses": list(PAUSES),
                "last": len(PAUSES),
            },
        )
        if self.env.cr.fetchone() == (TELL_AFTER,):
            self._tell_administrators(company, reason)
        self.invalidate_model()

    def _tell_administrators(self, company, reason):
        for user in self.env["esign.seal"]._administrators(company):
            this = self.sudo().with_context(lang=user.lang)
            this.env["mail.activity"].create(
                {
                    "activity_type_id": this.env.ref("mail.mail_activity_data_todo").id,
                    "summary": this.env._("Time-stamp authority: it fails"),
                    "note": escape(company.with_env(this.env)._esign_explain_timestamp(reason)),
                    "user_id": user.id,
                }
            )

    @api.model
    def _takes_detour(self, company):
        """Tell whether the second address is asked first: nobody should wait for the first one each time."""
        until = self._of(company).detour_until
        return bool(until and until > self._now())

    @api.model
    def _note_success(self, company, token):
        """Remember that the authority answered; seldom while all is well, for the row is everybody's."""
        now = self._now()
        detour = token.address != (company.sudo().esign_tsa_url or "").strip()
        self.env.cr.execute(
            """INSERT INTO esign_authority AS a (company_id, failures, worked_on, drift_ms, detour_until)
               VALUES (%(company)s, 0, %(now)s, %(drift)s, %(detour)s)
               ON CONFLICT (company_id) DO UPDATE SET
                   failures = 0, retry_on = NULL, worked_on = EXCLUDED.worked_on, drift_ms = EXCLUDED.drift_ms,
                   detour_until = CASE WHEN a.detour_until > EXCLUDED.worked_on AND EXCLUDED.detour_until IS NOT NULL
                       THEN a.detour_until ELSE EXCLUDED.detour_until END
               WHERE a.failures > 0 OR a.worked_on IS NULL OR a.worked_on < EXCLUDED.worked_on - interval '10 minutes'
                  OR EXCLUDED.detour_until IS NOT NULL AND COALESCE(a.detour_until < EXCLUDED.worked_on, TRUE)""",
            {
                "company": company.id,
                "now": now,
                "drift": token.drift_ms,
                "detour": now + DETOUR if detour else None,
            },
        )
        self.invalidate_model()

    @api.model
    def _forget_pause(self, company):
        """Ask the authority again at once: its settings were changed, or somebody tests it."""
        self._of(company).write({"failures": 0, "retry_on": False, "detour_until": False})
