from odoo.tests import Form, TransactionCase, tagged

from .common import EsignCommon


@tagged("post_install", "-at_install")
class TestComposerBox(EsignCommon, TransactionCase):
    """When the box "Send the quote for signature" is offered, ticked, and obeyed."""

    def test_the_button_ticks_the_box(self):
        form = self._form(self.order.with_user(self.sale_user).action_esign_send())
        self.assertTrue(form.esign_send)
        self.assertFalse(form._get_modifier("esign_send", "invisible"))

    def test_sending_by_email_offers_the_box_without_a_tick(self):
        form = self._form(self.order.with_user(self.sale_user).action_quotation_send())
        self.assertFalse(form.esign_send)
        self.assertFalse(form._get_modifier("esign_send", "invisible"))

    def test_the_company_option_ticks_the_box(self):
        self.company.esign_always = True
        self.assertTrue(self._default(self.order))

    def test_the_company_option_leaves_confirmed_orders_alone(self):
        self.company.esign_always = True
        self.order.action_confirm()
        self.assertFalse(self._default(self.order))

    def test_the_company_option_leaves_an_open_procedure_alone(self):
        self.company.esign_always = True
        self.send()
        self.assertFalse(self._default(self.order))

    def test_without_a_tick_nothing_is_opened(self):
        self.compose(esign_send=False).action_send_mail()
        self.assertFalse(self.order.esign_request_ids)
        self.assertEqual(len(self.sent(self.customer.email)), 1)

    def test_a_note_hides_and_ignores_the_box(self):
        note = self.env.ref("mail.mt_note")
        action = self.order.with_user(self.sale_user).action_esign_send()
        action["context"]["default_subtype_id"] = note.id
        form = self._form(action)
        self.assertTrue(form._get_modifier("esign_send", "invisible"))
        composer = self.compose()
        composer.subtype_id = note
        composer.action_send_mail()
        self.assertFalse(self.order.esign_request_ids)

    def test_mass_mode_hides_and_ignores_the_box(self):
        orders = (self.order | self.new_order()).with_user(self.sale_user)
        action = orders.action_quotation_send()
        self.assertNotIn("default_esign_send", action["context"])
        form = self._form(action)
        self.assertTrue(form._get_modifier("esign_send", "invisible"))
        composer = (
            orders.env["mail.compose.message"]
            .with_context(**action["context"])
            .create({"esign_send": True, "subject": "Quotations", "body": "<p>Hello</p>"})
        )
        composer.action_send_mail()
        self.assertFalse(orders.esign_request_ids)

    def test_a_proforma_hides_the_box(self):
        self.company.esign_always = True
        action = self.order.with_user(self.sale_user).with_context(proforma=True).action_quotation_send()
        self.assertTrue(self._form(action)._get_modifier("esign_send", "invisible"))
        self.assertFalse(action["context"].get("default_esign_send"))

    def test_the_box_is_hidden_for_other_documents(self):
        composer = self.env["mail.compose.message"].with_context(
            default_model="res.partner", default_res_ids=self.customer.ids
        )
        self.assertTrue(Form(composer)._get_modifier("esign_send", "invisible"))

    def _form(self, action):
        return Form(self.env["mail.compose.message"].with_user(self.sale_user).with_context(**action["context"]))

    def _default(self, order):
        return order.with_user(self.sale_user).action_quotation_send()["context"]["default_esign_send"]
