import logging
import re
from unittest.mock import patch

from markupsafe import Markup
from odoo.fields import Command
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.esign_quote.tools import codes
from odoo.addons.mail.models.mail_mail import MailMail

from .common import LINK, ORIGIN, EsignCommon, EsignHttpCommon, make_pdf


@tagged("post_install", "-at_install")
class TestPersonalLink(EsignCommon, TransactionCase):
    """The link reaches the signer's mailbox and no other place (laws 3 and 11)."""

    def test_the_signers_mail_has_the_link_as_its_button(self):
        self.send()
        (message,) = self.sent(self.customer.email)
        self.assertRegex(
            message.html,
            rf'<a href="{re.escape(self.order.get_base_url())}/esign/t/[\w-]{{43}}"[^>]*>\s*Read and sign the quotation',
        )
        self.assertTrue(LINK.search(message.text))

    def test_the_link_opens_the_signers_ticket(self):
        request = self.send()
        ticket = self.env["esign.ticket"]._find_by_secret(self.last_secret())
        self.assertEqual(ticket.signer_id, request.signer_ids)

    def test_other_recipients_get_no_link(self):
        colleague = self.env["res.partner"].create({"name": "Luc", "email": "luc@elsewhere.example"})
        self.send(partner_ids=[Command.set((self.customer | colleague).ids)])
        (message,) = self.sent(colleague.email)
        self.assertNotIn("/esign/t/", message.html + message.text)
        self.assertTrue(LINK.search(self.sent(self.customer.email)[0].html))

    def test_followers_get_no_link(self):
        self.order.message_subscribe(self.sale_manager.partner_id.ids)
        self.send()
        (message,) = self.sent(self.sale_manager.email)
        self.assertNotIn("/esign/t/", message.html + message.text)

    def test_the_database_holds_neither_link_nor_code(self):
        with (
            patch.object(MailMail, "unlink", lambda _mails: True),
            patch.object(codes, "new_code", lambda _digits: "493817"),
        ):
            request = self.send()
            self.prove(request)
        secret = self.last_secret()
        self.assertTrue(self._invitation(request), "the mail was kept")
        self.env.flush_all()
        for table, column in self._text_columns():
            self.env.cr.execute(
                SQL(
                    r"SELECT COUNT(*) FROM %s WHERE position(%s in %s::text) > 0 OR %s::text ~ '\y493817\y'",
                    *(SQL.identifier(table), secret, SQL.identifier(column), SQL.identifier(column)),
                )
            )
            self.assertEqual(self.env.cr.fetchone()[0], 0, f"{table}.{column}")

    def test_a_mail_that_failed_keeps_a_mark_only(self):
        self.mail_server.broken = True
        with mute_logger("odoo.addons.mail.models.mail_mail", "odoo.addons.base.models.ir_mail_server"):
            self.compose().action_send_mail()
        signer = self.order.esign_request_id.sudo().signer_ids
        mail = self._invitation(signer.request_id)
        self.assertEqual(mail.state, "exception")
        self.assertIn(signer._link_mark(), mail.body_html)
        self.assertFalse(LINK.search(mail.body_html))

    def test_a_mail_sent_again_has_a_new_link_and_the_old_one_dies(self):
        request = self._send_and_keep()
        old = self.last_secret()
        self._invitation(request).write({"state": "outgoing"})
        self._invitation(request).send()
        new = self.last_secret()
        self.assertNotEqual(old, new)
        self.assertFalse(self.env["esign.ticket"]._find_by_secret(old))
        self.assertEqual(self.env["esign.ticket"]._find_by_secret(new).signer_id, request.signer_ids)

    def test_a_mail_to_a_corrected_address_holds_no_link(self):
        request = self._send_and_keep()
        self.customer.email = "thief@evil.example"
        self._invitation(request).write({"state": "outgoing"})
        self._invitation(request).send()
        (message,) = self.sent("thief@evil.example")
        self.assertFalse(LINK.search(message.html + message.text))

    def test_a_mark_in_another_mail_stays_a_mark(self):
        request = self.send()
        tickets = self.env["esign.ticket"].search_count([])
        mark = request.signer_ids._link_mark()
        for recipient in (self.sale_manager.partner_id, self.customer):
            self.order.with_user(self.sale_user).message_post(
                body=f"Sign here: {mark}",
                partner_ids=recipient.ids,
                message_type="comment",
                subtype_xmlid="mail.mt_comment",
            )
            message = self.sent(recipient.email)[-1]
            self.assertIn(mark, message.html)
            self.assertFalse(LINK.search(message.html))
        self.assertEqual(self.env["esign.ticket"].search_count([]), tickets)

    def test_a_mark_in_the_invitations_text_stays_a_mark_for_others(self):
        colleague = self.env["res.partner"].create({"name": "Luc", "email": "luc@elsewhere.example"})
        composer = self.compose(partner_ids=[Command.set((self.customer | colleague).ids)])
        # A signer's identifier cannot be known beforehand: let it be, and see that it is of no use.
        with patch.object(codes, "new_uid", lambda: "0123456789abcdef0123456789abcdef"):
            composer.body = f"{self.order.get_base_url()}/esign/t/esign-link-0123456789abcdef0123456789abcdef"
            composer.action_send_mail()
        (message,) = self.sent(colleague.email)
        self.assertIn("esign-link-0123456789abcdef0123456789abcdef", message.html)
        self.assertFalse(LINK.search(message.html))

    def test_the_code_goes_to_the_frozen_address(self):
        request = self.send()
        self.customer.email = "thief@evil.example"
        self.prove(request)
        self.assertEqual({item.to for item in self.sent()}, {"jeanne.martin@customer.example"})

    def test_what_is_stored_of_the_secrets_are_hashes(self):
        request = self.send()
        ticket = self.env["esign.ticket"]._find_by_secret(self.last_secret())
        ticket._send_code(ticket._new_device(), ORIGIN)
        self.env.cr.execute("SELECT secret_hash FROM esign_ticket WHERE id = %s", [ticket.id])
        self.assertEqual(self.env.cr.fetchone()[0], codes.secret_hash(self.last_secret()))
        self.env.cr.execute(
            "SELECT length(digest), length(device_hash) FROM esign_otp WHERE ticket_id = %s", [ticket.id]
        )
        self.assertEqual(self.env.cr.fetchall(), [(64, 64)])
        self.assertTrue(request)

    def _send_and_keep(self):
        """Send, and have the mail stay in the queue's table."""
        with patch.object(MailMail, "unlink", lambda _mails: True):
            return self.send()

    def _invitation(self, request):
        return self.env["mail.mail"].search([("mail_message_id", "=", request.signer_ids.message_id.id)])

    def _text_columns(self):
        self.env.cr.execute(
            """SELECT table_name, column_name FROM information_schema.columns
               JOIN information_schema.tables USING (table_schema, table_name)
               WHERE table_schema = 'public' AND table_type = 'BASE TABLE'
                 AND data_type IN ('text', 'character varying', 'json', 'jsonb')
                 AND (table_name LIKE 'mail%%' OR table_name LIKE 'esign%%'
                      OR table_name IN ('ir_attachment', 'sale_order', 'bus_bus', 'ir_logging', 'ir_config_parameter'))"""
        )
        return self.env.cr.fetchall()


@tagged("post_install", "-at_install")
class TestForgedContext(EsignHttpCommon, HttpCase):
    """`/mail/message/post` takes its context from the caller: it opens nothing for those who may not."""

    def test_a_visitor_with_the_orders_token_opens_nothing(self):
        self.assertIn("result", self._post(), "the message itself is accepted")
        self.assertFalse(self.order.esign_request_ids)

    def test_a_portal_user_opens_nothing(self):
        user = self.new_user("jeanne", "base.group_portal")
        user.partner_id.email = "portal@customer.example"
        self.order.partner_id = user.partner_id
        self.authenticate("jeanne", "jeanne")
        self.assertIn("result", self._post(), "the message itself is accepted")
        self.assertFalse(self.order.esign_request_ids)

    def test_an_employee_who_may_not_write_the_order_opens_nothing(self):
        self.new_user("clerk", "base.group_user")
        self.authenticate("clerk", "clerk")
        with mute_logger("odoo.http"):
            answer = self._post()
        self.assertEqual(answer["error"]["data"]["name"], "odoo.exceptions.AccessError")
        self.assertFalse(self.order.esign_request_ids)

    def test_a_colleague_without_access_to_the_order_opens_nothing(self):
        self.new_user("colleague", "sales_team.group_sale_salesman")
        self.authenticate("colleague", "colleague")
        with mute_logger("odoo.http"):
            answer = self._post()
        self.assertEqual(answer["error"]["data"]["name"], "odoo.exceptions.AccessError")
        self.assertFalse(self.order.esign_request_ids)

    def _post(self):
        """Post on the order with its token, an attachment of one's own, and a forged context."""
        attachment = self.env["ir.attachment"].create(
            {"name": "forged.pdf", "raw": make_pdf("Forged"), "res_model": "mail.compose.message", "res_id": 0}
        )
        answer = self.opener.post(
            f"{self.base_url()}/mail/message/post",
            json={
                "params": {
                    "thread_model": "sale.order",
                    "thread_id": self.order.id,
                    "token": self.order._portal_ensure_token(),
                    "post_data": {
                        "body": "Hello",
                        "message_type": "comment",
                        "subtype_xmlid": "mail.mt_comment",
                        "partner_ids": self.order.partner_id.ids,
                        "attachment_ids": attachment.ids,
                        "attachment_tokens": [attachment._get_ownership_token()],
                    },
                    "context": {"esign_open": {"attachment_id": attachment.id, "fingerprint": None}},
                }
            },
        ).json()
        self.env.invalidate_all()
        return answer


@tagged("post_install", "-at_install")
class TestLinkIsMasked(EsignHttpCommon, HttpCase):
    """Where staff reads, a link is only readable as `/esign/t/…`."""

    def test_a_reply_that_quotes_the_mail(self):
        request = self.send()
        link = f"{self.order.get_base_url()}/esign/t/{self.last_secret()}"
        mark = request.signer_ids._link_mark()
        for body in (f'<a href="{link}">Sign</a> {link}', f"{link} and {mark}"):
            message = self.order.message_post(body=Markup(body), message_type="email", author_id=self.customer.id)  # noqa: S704
            self.assertFalse(LINK.search(message.body), body)
            self.assertIn("/esign/t/…", message.body)
        self.assertIn(mark, message.body)

    def test_the_servers_log(self):
        self.send()
        secret = self.last_secret()
        with self.assertLogs("werkzeug", logging.INFO) as log:
            self.get(f"/esign/t/{secret}")
            self.post(f"/esign/t/{secret}/code")
        self.assertNotIn(secret, " ".join(log.output))
        self.assertIn("/esign/t/…", " ".join(log.output))
