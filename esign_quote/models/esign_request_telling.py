from markupsafe import escape
from odoo import api, fields, models

# What the customer's copy is called in `esign.delivery`.
COPIES = {"signed": "signed_copy", "declined": "refusal_copy", "expired": "expiry_notice"}


class EsignRequest(models.Model):
    """What comes of an answer is told: mails with the files to the signers and to the company, a note, an activity."""

    _inherit = "esign.request"

    staff_id = fields.Many2one(
        "res.users",
        "Salesperson today",
        compute="_compute_staff_id",
        compute_sudo=True,
        help="Who is told: who looks after the quotation now, not somebody who has left since it was sent.",
    )

    @api.depends("user_id.active", "order_id.user_id.active", "order_id.team_id.user_id.active")
    def _compute_staff_id(self):
        for request in self:
            order = request.order_id
            users = order.user_id, request.user_id, order.team_id.user_id
            request.staff_id = next((user for user in users if user.active), False)

    # === MAILS === #

    def _queue_mails(self, files, customer_files=None):
        """Queue one mail to each signer who was asked, and one to the company.

        The templates are rendered, the addresses are the frozen ones: a template's own rules for
        recipients would look them up among the contacts of today.

        :param list files: (name, bytes) to attach
        :param list customer_files: the same for the signers, when these are not to get all
        """
        outcome = self.state
        # The ids are cached; `env.ref` would ask the database whether the records are still there.
        identify = self.env["ir.model.data"]._xmlid_to_res_id
        to_customer, to_company = self.env["mail.template"].browse(
            identify(f"esign_quote.mail_template_{outcome}_{audience}", True) for audience in ("customer", "company")
        )
        signers = self._asked_signers()
        copies = [(to_customer, signer, signer.email, COPIES[outcome]) for signer in signers]
        copies.append((to_company, self._due_signer(), self._company_email(), "company_copy"))
        mails = self.env["mail.mail"].create([self._mail_values(*copy[:3]) for copy in copies])
        enclosed = [*([files if customer_files is None else customer_files] * len(signers)), files]
        attachments = self.env["ir.attachment"].create(
            [
                self._file_values(mail, name, content)
                for mail, own in zip(mails, enclosed, strict=True)
                for name, content in own
            ]
        )
        for mail, (_template, signer, address, kind) in zip(mails, copies, strict=True):
            self.env["esign.delivery"]._expect(signer, (kind, mail.message_id, address))
        for mail, own in zip(mails, enclosed, strict=True):
            if own:
                message_id = mail.mail_message_id.id
                mail.attachment_ids = attachments.filtered(lambda item, owner=message_id: item.res_id == owner)
        self.env["ir.cron"].browse(identify("esign_quote.ir_cron_mails", True))._esign_wake()

    @api.model
    def _cron_hand_over_mails(self):
        """Send the queued mails of signatures, each in a commit of its own.

        Not by waking the general queue: it would also take mails that another process is just
        sending after its commit, an invitation for example, whose second copy kills the first link.
        """
        mails = self.env["esign.delivery"]._mails_to_retry()
        mails |= mails._esign_waiting()
        self.env["ir.cron"]._commit_progress(remaining=len(mails))
        for mail in mails:
            mail[0].try_lock_for_update()._esign_send_again()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def _mail_values(self, template, signer, address):
        values = template._generate_template([signer.id], ("subject", "body_html", "email_from"))[signer.id]
        return {
            "subject": values["subject"],
            "body_html": values["body_html"],
            "body": values["body_html"],
            "email_from": values["email_from"],
            "reply_to": values["email_from"],
            "email_to": address,
            "auto_delete": template.auto_delete,
            "esign_request_id": self.id,
            "model": False,
            "message_type": "email_outgoing",
        }

    def _file_values(self, mail, name, content):
        # Owned by the message, so that they go with it once it is sent; the evidence stays.
        return {
            "name": name,
            "raw": content,
            "mimetype": "application/pdf",
            "res_model": "mail.message",
            "res_id": mail.mail_message_id.id,
        }

    def _copies_entries(self):
        company = self._company_email()
        return [("copies.queued", {"to": signer.email, "company": company}) for signer in self._asked_signers()]

    def _company_email(self):
        return self.staff_id.email_formatted or self.company_id.email_formatted or ""

    # === THE SALESPERSON === #

    def _for_staff(self):
        """Return ``self`` in the salesperson's language: the customer's request drives all this."""
        return self.with_context(lang=self.staff_id.lang or self.company_id.partner_id.lang)

    def _note_answer(self, signer):
        """Leave a note on the quotation and on the customer, and wake the salesperson."""
        if self.state == "signed":
            text = self.env._(
                "Quotation %(number)s signed electronically by %(name)s, signature identifier %(reference)s.",
                number=self.order_name,
                name=self._signed_by(),
                reference=self.reference,
            )
            summary = self.env._("Signed: %s", self.order_name)
        elif self.state == "expired":
            text = self.env._(
                "Quotation %(number)s expired without an answer of %(name)s. The proof of it is on the signing procedure, identifier %(reference)s.",
                number=self.order_name,
                name=signer.name,
                reference=self.reference,
            )
            summary = self.env._("Expired: %s", self.order_name)
        else:
            text = self.env._(
                "Quotation %(number)s declined by %(name)s. Reason given: %(comment)s",
                number=self.order_name,
                name=signer.name,
                comment=signer.comment or self.env._("none"),
            )
            summary = self.env._("Declined: %s", self.order_name)
        for record in (self.order_id, signer.partner_id):
            if record:
                record._message_log(body=text, author_id=signer.partner_id.id)
        self._remind(summary, text)

    def _remind(self, summary, note):
        # Without a mail of its own: the salesperson gets ours (law 7: one set of mails).
        self.order_id.with_context(mail_activity_quick_update=True).activity_schedule(
            "esign_quote.mail_activity_type_esign",
            summary=summary,
            note=escape(note),  # it quotes what the customer typed
            user_id=self.staff_id.id or self.env.uid,
        )

    def _remind_once(self, summary, note):
        """Leave the activity unless there is one of this summary: the cause may come again every minute."""
        if not self.order_id.activity_ids.filtered(lambda activity: activity.summary == summary):
            self._remind(summary, note)
