from odoo import fields, models
from odoo.exceptions import UserError
from odoo.tools.safe_eval import safe_eval, time

from .esign_request_contact import CHANNELS


class MailComposeMessage(models.TransientModel):
    _inherit = "mail.compose.message"

    esign_send = fields.Boolean("Send the quote for signature")
    esign_channel = fields.Selection(CHANNELS, "Codes by", default=lambda self: self.env.company.esign_channel)
    esign_next_ids = fields.One2many(
        "esign.next.signer",
        "composer_id",
        "Then signed by",
        help="Asked one after the other, once the first has signed.",
    )
    esign_fingerprint = fields.Char(help="What the quotation said when its PDF was made.")

    def _action_send_mail_comment(self, res_ids):
        """Override of `mail`: the message that is posted opens the signing procedure."""
        return super(MailComposeMessage, self._esign_prepare())._action_send_mail_comment(res_ids)

    def _action_schedule_message(self):
        """Override of `mail`: "Send later" keeps the wish in the scheduled message's context."""
        scheduled = self.env["mail.scheduled.message"]
        for composer in self:
            scheduled += super(MailComposeMessage, composer._esign_prepare())._action_schedule_message()
        return scheduled

    def _esign_prepare(self):
        """Check what can be checked before anything is written; return ``self`` with the wish.

        The quotation's own hook does the work once the message exists (`_message_post_after_hook`).
        """
        self.ensure_one()
        if not (
            self.esign_send
            and self.model == "sale.order"
            and self.composition_mode == "comment"
            and not self.composition_batch
            and not self.subtype_is_log
        ):
            return self
        order = self.env["sale.order"].browse(self._evaluate_res_ids())
        if len(order) != 1:
            raise UserError(self.env._("Quotations are sent for signature one by one."))
        order._esign_check_sendable()
        others = self.esign_next_ids.sorted().mapped("partner_id")
        if len(others) < len(self.esign_next_ids):
            raise UserError(self.env._("Somebody is twice among those who sign."))
        channel = self.esign_channel or order.company_id.esign_channel
        for partner in order._esign_signer_partners(self.partner_ids, others):
            order._esign_signer_phone(partner, channel)
        self.env["esign.seal"]._active_for(order.company_id)
        attachment = self._esign_quote_attachment(order)
        wish = {
            "attachment_id": attachment.id,
            "fingerprint": self.esign_fingerprint,
            "channel": channel,
            "others": others.ids,
        }
        return self.with_context(esign_open=wish)

    def _esign_quote_attachment(self, order):
        """Return the quotation's PDF among the attachments; make it when the template has none.

        :rtype: recordset of `ir.attachment`, one
        :raise UserError: no PDF
        """
        reports = self.template_id.report_template_ids or self.env.ref("sale.action_report_saleorder")
        names = {f"{self._esign_report_name(report, order)}.pdf" for report in reports}
        found = self.attachment_ids.filtered(lambda item: item.mimetype == "application/pdf" and item.name in names)[:1]
        if found:
            return found
        attachment = self._esign_render(reports[0], order)
        self.attachment_ids += attachment
        # It was made now, from what the quotation says now.
        self.esign_fingerprint = order._esign_fingerprint()
        return attachment

    def _esign_render(self, report, order):
        lang = order.partner_id.lang or self.env.lang
        rendering = self.env["ir.actions.report"].with_context(esign_offline_assets=True, lang=lang)
        content, kind = rendering.with_company(order.company_id)._render_qweb_pdf(report, order.ids)
        if kind != "pdf" or not content.startswith(b"%PDF"):
            raise UserError(
                self.env._(
                    "The PDF of the quotation could not be made. Is wkhtmltopdf installed on the server? Nothing was sent."
                )
            )
        return self.env["ir.attachment"].create(
            {
                "name": f"{self._esign_report_name(report, order)}.pdf",
                "raw": content,
                "mimetype": "application/pdf",
                "res_model": "mail.compose.message",
                "res_id": 0,
            }
        )

    def _esign_report_name(self, report, order):
        if self.template_id:
            # As `mail.template` names it: in the customer's language (the expression itself is translated).
            lang = self.template_id._render_lang(order.ids)[order.id] or self.env.lang
            report, order = report.with_context(lang=lang), order.with_context(lang=lang)
        if not report.print_report_name:
            return order.name
        return safe_eval(report.print_report_name, {"object": order, "time": time})
