from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, TransactionCase, tagged

from .common import LINK, EsignCommon, EsignHttpCommon, text_of


@tagged("post_install", "-at_install")
class TestResend(EsignHttpCommon, HttpCase):
    """A link sent again, to a corrected address if need be: the old one is dead, its history stays."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.signer = cls.request.signer_ids
        cls.first = cls.last_secret()

    # === AGAIN === #

    def test_the_new_link_works_and_the_old_one_is_dead_at_once(self):
        path = self.enter(self.request)
        self._resend()
        # Before the mail is even out.
        self.assertEqual(self.get(path).status_code, 404)
        self.assertIn("no longer opens a document", text_of(self.get(f"/esign/t/{self.first}")))
        self.send_queue()
        new = self.last_secret()
        self.assertNotEqual(new, self.first)
        self.assertEqual(self.get(f"/esign/t/{new}").status_code, 200)
        self.assertEqual(len(self.signer.with_context(active_test=False).ticket_ids), 2)
        self.forget_limits()
        self.assertTrue(self.enter(self.request))

    def test_it_leaves_a_note_but_no_link(self):
        self._resend()
        self.send_queue()
        self.assertIn("sent again to jeanne.martin@customer.example", self.order.message_ids[0].body)
        for message in self.env["mail.message"].search([]):
            self.assertNotRegex(message.body or "", LINK)

    def test_the_first_mail_can_no_longer_make_a_link(self):
        """It may still wait in the queue after a failure."""
        mark = self.signer._link_mark()
        old = self.signer.message_id
        self._resend()
        mail = self.env["mail.mail"].create(
            {"mail_message_id": old.id, "body_html": mark, "email_to": self.signer.email}
        )
        mail.send()
        self.assertNotRegex(self.sent(self.customer.email)[-1].html, LINK)

    def test_the_general_queue_leaves_it_alone_and_sends_the_others(self):
        """Two servers must not take the same mail from two queues; everybody else's mails go on."""
        values = {"email_to": "other@customer.example", "subject": "Other", "body_html": "<p>Other</p>"}
        self.env["mail.mail"].create(values)
        self._resend()
        self.env["mail.mail"].process_email_queue()
        self.assertEqual(len(self.sent("other@customer.example")), 1)
        self.assertEqual(self.last_secret(), self.first)
        self.send_queue()
        self.assertNotEqual(self.last_secret(), self.first)

    def test_the_queues_leave_an_invitation_to_who_posts_it(self):
        """The general one always, ours for some minutes; when that process has died meanwhile, ours sends it."""
        before = len(self.sent(self.customer.email))
        self._queue_invitation()
        self.env["mail.mail"].process_email_queue()
        self._run_cron()
        self.assertEqual(len(self.sent(self.customer.email)), before)
        self.age("mail_mail", "create_date", "6 minutes")
        self.env["mail.mail"].process_email_queue()
        self.assertEqual(len(self.sent(self.customer.email)), before)
        self._run_cron()
        self.assertEqual(len(self.sent(self.customer.email)), before + 1)
        self.assertNotEqual(self.last_secret(), self.first)

    def test_an_invitation_that_the_server_has_is_not_sent_again(self):
        """Its process died, or lost the database, before Odoo noted it: a second copy would kill the first link."""
        before = len(self.sent(self.customer.email))
        mail = self._queue_invitation(self.signer.message_id.message_id)
        self.age("mail_mail", "create_date", "6 minutes")
        self._run_cron()
        self.assertEqual(len(self.sent(self.customer.email)), before)
        self.assertFalse(mail.exists(), "noted as sent, and deleted as Odoo does it")

    def _run_cron(self):
        self.env.flush_all()
        self.env.ref("esign_quote.ir_cron_mails").method_direct_trigger()
        self.env.invalidate_all()

    def _queue_invitation(self, message_id="<other@here.example>"):
        return self.env["mail.mail"].create(
            {
                "mail_message_id": self.signer.message_id.id,
                "message_id": message_id,
                "body_html": self.signer._link_mark(),
                "recipient_ids": self.customer.ids,
                "auto_delete": True,
            }
        )

    def test_what_was_read_stays_read(self):
        self.enter_and_read(self.request)
        self._resend()
        self.assertTrue(self.signer.last_page_on)

    def test_only_while_it_is_open(self):
        self.request._set_void("cancelled_by_company", "x")
        with self.assertRaises(UserError):
            self.request.with_user(self.sale_user).action_resend()
        with self.assertRaises(UserError):
            self._wizard().action_send()

    # === CORRECTED === #

    def test_a_corrected_address_gets_link_and_code(self):
        self._resend(email="Right@Customer.Example")
        self.send_queue()
        self.assertEqual(self.signer.email, "right@customer.example")
        self.assertRegex(self.sent("right@customer.example")[-1].html, LINK)
        self.enter(self.request)
        self.assertFalse([item for item in self.sent(self.customer.email) if "code" in item.subject])

    def test_the_former_address_is_told_and_gets_no_link(self):
        self._resend(email="right@customer.example")
        self.send_queue()
        notice = self.sent("jeanne.martin@customer.example")[-1]
        self.assertIn("moved", notice.subject)
        self.assertNotRegex(notice.html, LINK)
        self.assertNotIn("right@customer.example", notice.html)

    def test_the_correction_stands_in_journal_and_proof(self):
        self._resend(email="right@customer.example")
        event = self.request.event_ids.filtered(lambda item: item.type == "contact.corrected")
        self.assertEqual(event.payload["from"]["email"], "jeanne.martin@customer.example")
        self.assertEqual(event.payload["to"]["email"], "right@customer.example")
        self.assertEqual(event.actor, f"user:{self.sale_user.login}")
        self.send_queue()
        self.read_and_sign(self.request)
        self.assertIn("contact.corrected", self.request.proof_ids.json)

    def test_another_reader_has_to_read_for_himself(self):
        self.enter_and_read(self.request)
        self._resend(email="right@customer.example")
        self.assertFalse(self.signer.last_page_on)
        self.assertFalse(self.signer._may_sign())

    def test_the_statements_name_the_new_mailbox(self):
        self._resend(email="right@customer.example")
        self.assertIn("r•••@c•••.example", self.request.signer_ids.consents[0]["text"])

    def test_an_address_that_is_none_changes_nothing(self):
        with self.assertRaises(UserError):
            self._resend(email="right at customer")
        self.assertEqual(self.get(f"/esign/t/{self.first}").status_code, 200)

    def test_wrong_codes_stay_counted(self):
        self.env["esign.lock"]._take_try(self.signer._lock_scope(), 3, 60, self.signer)
        self._resend(email="right@customer.example")
        self.assertEqual(self.env["esign.lock"]._failures(self.signer._lock_scope()), 1)

    # === THE CONTACT === #

    def test_the_contact_is_corrected_on_wish(self):
        self.customer.user_id = self.sale_user
        self._resend(email="right@customer.example", update_contact=False)
        self.assertEqual(self.customer.email, "jeanne.martin@customer.example")

    # === RIGHTS === #

    def test_a_colleague_who_may_not_write_the_quotation_sends_nothing(self):
        colleague = self.new_user("colleague2", "sales_team.group_sale_salesman")
        with self.assertRaises(AccessError):
            self.request.with_user(colleague).action_resend()
        with self.assertRaises(AccessError):
            self._wizard(colleague).action_send()

    # === TOOLS === #

    def _wizard(self, user=None, **values):
        context = {"default_request_id": self.request.id}
        return self.env["esign.resend"].with_user(user or self.sale_user).with_context(**context).create(values)

    def _resend(self, **values):
        self._wizard(**{"update_contact": False, **values}).action_send()
        self.env.flush_all()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestContactCorrection(EsignCommon, TransactionCase):
    """Whoever may edit contacts corrects both at once."""

    def test_contact_and_procedure_get_the_address(self):
        request = self.send()
        user = self.new_user("both", "sales_team.group_sale_salesman_all_leads,base.group_partner_manager")
        wizard = self.env["esign.resend"].with_user(user).with_context(default_request_id=request.id)
        wizard.create({"email": "right@customer.example"}).action_send()
        self.assertEqual(self.customer.email, "right@customer.example")
        self.assertEqual(request.signer_ids.email, "right@customer.example")


@tagged("post_install", "-at_install")
class TestLostLink(EsignHttpCommon, HttpCase):
    """Whoever lost a link types an address; nothing tells whether it is known."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.first = cls.last_secret()

    def test_a_known_address_gets_a_new_link(self):
        self._ask("Jeanne.Martin@customer.example")
        self.assertEqual(self.get(f"/esign/t/{self.first}").status_code, 200, "nothing happens in the request itself")
        self._cron()
        self.assertNotEqual(self.last_secret(), self.first)
        self.assertEqual(self.get(f"/esign/t/{self.first}").status_code, 404)

    def test_an_unknown_address_gets_nothing(self):
        self._ask("nobody@customer.example")
        self._cron()
        self.assertFalse(self.sent("nobody@customer.example"))
        self.assertEqual(self.last_secret(), self.first)

    def test_the_answer_is_the_same(self):
        known = text_of(self._ask("jeanne.martin@customer.example"))
        unknown = text_of(self._ask("jeanne.nobody@customer.example"))
        self.assertEqual(known.replace("martin", "nobody"), unknown)

    def test_a_running_session_is_not_disturbed(self):
        path = self.enter(self.request)
        self._ask("jeanne.martin@customer.example")
        self._cron()
        self.assertEqual(self.get(path).status_code, 200)

    def test_nothing_to_sign_any_more(self):
        self.request._set_void("cancelled_by_company", "x")
        self._ask("jeanne.martin@customer.example")
        self._cron()
        self.assertEqual(self.last_secret(), self.first)

    def test_what_is_no_address_is_told(self):
        response = self._ask("jeanne")
        self.assertEqual(response.status_code, 422)
        self.assertIn("Please type an e-mail address", text_of(response))
        self.assertIn('value="jeanne"', response.text)
        self.assertFalse(self.env["esign.link.wish"].search_count([]))

    def test_thousands_of_characters_are_no_address(self):
        for typed in (":" * 5000, "@" * 5000, f"{'a' * 300}@customer.example"):
            response = self._ask(typed)
            self.assertEqual(response.status_code, 422)
            self.assertIn("Please type an e-mail address", text_of(response))

    def test_known_and_unknown_have_to_wait_alike(self):
        answers = {}
        for address in ("jeanne.martin@customer.example", "nobody@customer.example"):
            for _time in range(3):
                self.assertEqual(self._ask(address).status_code, 200)
            answers[address] = text_of(self._ask(address))
        self.assertEqual(len(set(answers.values())), 1)
        self.assertIn("Please try again in 60 min", answers["nobody@customer.example"])

    def test_the_list_of_wishes_is_emptied(self):
        self._ask("jeanne.martin@customer.example")
        self._ask("nobody@customer.example")
        self._cron()
        self.assertFalse(self.env["esign.link.wish"].search_count([]))

    def _ask(self, address):
        self.get("/esign/again")
        return self.post("/esign/again", {"email": address})

    def _cron(self):
        for wish in self.env["esign.link.wish"].search([]):
            wish._fulfil()
        self.send_queue()
