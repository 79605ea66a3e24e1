from odoo import fields, models

from .esign_signer import LINK_MARK


class MailMail(models.Model):
    _inherit = "mail.mail"

    esign_request_id = fields.Many2one(
        "esign.request", "Signing procedure", readonly=True, index="btree_not_null", ondelete="set null"
    )

    def _prepare_outgoing_list(self, mail_server=False, doc_to_followers=None):
        """Override of `mail`: the personal link is made as the mail leaves, and stored nowhere.

        What is kept of the mail, in the queue or after a failure, only holds a mark.
        """
        emails = super()._prepare_outgoing_list(mail_server=mail_server, doc_to_followers=doc_to_followers)
        if LINK_MARK in (self.body_html or ""):
            signers = self.env["esign.signer"].sudo().search([("message_id", "=", self.mail_message_id.id)])
            for signer in signers:
                self._esign_personalise(emails, signer)
        return emails

    def _esign_personalise(self, emails, signer):
        mark = signer._link_mark()
        for email in emails:
            if mark in (email.get("body") or "") and signer._may_get_link(self, email):
                link = signer._new_link()
                for part in ("body", "body_alternative"):
                    if email.get(part):
                        email[part] = email[part].replace(mark, link)
