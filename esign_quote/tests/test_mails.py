"""How the mails about an answer leave: by a queue of their own."""

from odoo.tests import TransactionCase, tagged

from .common import EsignCommon


@tagged("post_install", "-at_install")
class TestMails(EsignCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cron = cls.env.ref("esign_quote.ir_cron_mails")
        cls.request = cls.read_and_sign(cls.send())
        cls.queued = cls.env["mail.mail"].search([("esign_request_id", "=", cls.request.id)])

    def test_two_mails_wait_and_their_cron_is_woken(self):
        self.assertEqual(len(self.queued), 2)
        self.assertEqual(set(self.queued.mapped("state")), {"outgoing"})
        self.assertTrue(self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)]))

    def test_the_cron_sends_them_and_no_others(self):
        other = self.env["mail.mail"].create(
            {"email_to": "somebody@else.example", "subject": "Other", "body_html": "<p>Other</p>"}
        )
        self.cron.method_direct_trigger()
        self.assertEqual(other.state, "outgoing", "somebody else may be about to send it")
        self.assertEqual(len(self.sent(self.customer.email)), 3, "invitation, code, signed")
        self.assertFalse(self.sent("somebody@else.example"))
        self.assertFalse(self.queued.exists())

    def test_a_broken_mail_server_loses_nothing(self):
        self.mail_server.broken = True
        with self.assertLogs("odoo.addons.mail.models.mail_mail", "ERROR"):
            self.cron.method_direct_trigger()
        self.assertEqual(set(self.queued.mapped("state")), {"exception"})
        self.assertEqual(self.request.state, "signed")
