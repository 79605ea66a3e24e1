from odoo import api, fields, models


class EsignConsent(models.Model):
    _name = "esign.consent"
    _description = "E-signature: sentence the signer agrees to"
    _order = "sequence, id"
    _rec_name = "code"

    code = fields.Char(required=True, help="Identifies the sentence in the proof file.")
    sequence = fields.Integer(default=10)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one("res.company", help="Empty: for every company.")
    audience = fields.Selection(
        [("all", "Everybody"), ("consumer", "Consumers"), ("business", "Businesses")], default="all", required=True
    )
    condition = fields.Selection(
        [
            ("always", "Always"),
            ("mail", "When the code comes by e-mail"),
            ("sms", "When the code comes by text message"),
            ("both", "When codes come by e-mail and by text message"),
            ("terms", "When terms of sale are attached"),
        ],
        default="always",
        required=True,
    )
    required = fields.Boolean(default=True, help="The quotation cannot be signed without this box.")
    text = fields.Text(
        required=True,
        translate=True,
        help="May hold {name}, {email}, {phone}, {number}, {pages}, {total}, {annexes}, {company}, {customer}, {registration} and {terms_date}.",
    )
    version = fields.Integer(default=1, readonly=True, copy=False)

    def write(self, vals):
        """Count a version up whenever a wording or a translation of it changes; proofs name it."""
        vals = {name: value for name, value in vals.items() if name != "version"}
        if "text" in vals:
            for consent in self:
                super(EsignConsent, consent).write({"version": consent.version + 1})
        return super().write(vals)

    @api.model
    def _for_request(self, company, audience, conditions):
        """Return the sentences that a signer of this kind has to be shown, in order.

        :param list conditions: the keys of ``condition`` that are met
        """
        return self.sudo().search(
            [
                ("company_id", "in", [company.id, False]),
                ("audience", "in", ["all", audience]),
                ("condition", "in", conditions),
            ]
        )

    def _render_text(self, values):
        """Return the sentence with its placeholders filled; unknown ones stay as typed."""
        text = self.text
        for name, value in values.items():
            text = text.replace("{%s}" % name, str(value))
        return text
