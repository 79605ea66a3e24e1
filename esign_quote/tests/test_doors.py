from odoo import SUPERUSER_ID
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, JsonRpcException, tagged
from odoo.tools import mute_logger

from odoo.addons.payment.tests.common import PaymentCommon

from .common import EsignHttpCommon, text_of

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class DoorsCommon(EsignHttpCommon, PaymentCommon):
    """Knock at the real routes of `sale` and `payment`, with the order's own token (ODOO19.md 1.1)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.order.state = "sent"
        cls.token_of_order = cls.order._portal_ensure_token()
        cls.url = f"/my/orders/{cls.order.id}"

    def accept(self):
        return self.make_jsonrpc_request(
            f"{self.url}/accept", {"access_token": self.token_of_order, "name": "Anybody", "signature": PICTURE}
        )

    def decline(self):
        with self.browser():
            self.post(f"{self.url}/decline", {"access_token": self.token_of_order, "decline_message": "no"})
        self.env.invalidate_all()

    def order_page(self, **parameters):
        return self.get(self.url, params={"access_token": self.token_of_order, **parameters})

    def start_payment(self):
        return self.make_jsonrpc_request(
            f"{self.url}/transaction",
            {
                "access_token": self.token_of_order,
                "provider_id": self.provider.id,
                "payment_method_id": self.payment_method_id,
                "token_id": None,
                "amount": self.order.amount_total,
                "flow": "redirect",
                "tokenization_requested": False,
                "landing_route": self.url,
            },
        )

    def update_line(self, line, quantity):
        self.make_jsonrpc_request(
            f"{self.url}/update_line_dict",
            {"access_token": self.token_of_order, "line_id": line.id, "input_quantity": quantity},
        )
        self.env.invalidate_all()

    def pay(self, amount):
        """Have a payment of the order come in and be processed."""
        transaction = self._create_transaction(
            "direct",
            amount=amount,
            currency_id=self.order.currency_id.id,
            partner_id=self.customer.id,
            sale_order_ids=[Command.set(self.order.ids)],
            state="done",
            reference=f"{self.order.name}-{amount}",
        )
        with mute_logger("odoo.addons.sale.models.payment_transaction"):
            transaction._post_process()
        return transaction

    def payment_link(self):
        wizard = (
            self.env["payment.link.wizard"].with_context(active_model="sale.order", active_id=self.order.id).create({})
        )
        wizard.amount = 0.01
        return wizard.link.removeprefix(self.order.get_base_url())

    def has_payment_form(self, response):
        self.assertEqual(response.status_code, 200)
        return "o_payment_form" in response.text

    @classmethod
    def optional_line(cls):
        cls.env["sale.order.line"].create(
            {
                "order_id": cls.order.id,
                "display_type": "line_section",
                "name": "Options",
                "is_optional": True,
                "sequence": 90,
            }
        )
        return cls.env["sale.order.line"].create(
            {"order_id": cls.order.id, "product_id": cls.product.id, "product_uom_qty": 1, "sequence": 91}
        )


@tagged("post_install", "-at_install")
class TestDoorsClosed(DoorsCommon, HttpCase):
    """Law 2: while a request is open, nothing but the personal link moves the order."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.option = cls.optional_line()
        cls.request = cls.send()
        cls.env.flush_all()

    def test_accept(self):
        self.assertIn("not in a state requiring customer signature", self.accept()["error"])
        self._assert_untouched()

    def test_decline(self):
        self.decline()
        self._assert_untouched()

    def test_the_order_page_has_no_door(self):
        response = self.order_page()
        self.assertFalse(self.has_payment_form(response))
        self.assertNotIn('data-bs-target="#modalaccept"', response.text)
        self.assertNotIn('data-bs-target="#modaldecline"', response.text)
        self.assertIn("This quotation waits for an electronic signature", text_of(response))
        self.assertIn("j•••@c•••.example", text_of(response))
        self.assertNotIn("/esign/t/", response.text)

    def test_the_order_page_with_an_amount_has_no_payment_form(self):
        for parameters in (
            {"payment_amount": "0.01"},
            {"payment_amount": "725"},
            {"payment_amount": "1", "amount_selection": "down_payment"},
        ):
            self.assertFalse(self.has_payment_form(self.order_page(**parameters)), parameters)

    def test_the_order_page_with_prepayment_has_no_payment_form(self):
        # By SQL: a change by the ORM would void the request.
        self.env.cr.execute("UPDATE sale_order SET require_payment = TRUE WHERE id = %s", [self.order.id])
        self.env.invalidate_all()
        self.assertFalse(self.has_payment_form(self.order_page()))

    def test_a_transaction_cannot_be_started(self):
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException) as caught:
            self.start_payment()
        self.assertIn("ValidationError", str(caught.exception))
        self.assertFalse(self.order.transaction_ids)
        self._assert_untouched()

    def test_an_optional_line_cannot_be_changed(self):
        self.update_line(self.option, 7)
        self.assertEqual(self.option.product_uom_qty, 1)
        self._assert_untouched()

    def test_a_payment_of_a_cent_does_not_confirm(self):
        self.pay(0.01)
        self._assert_untouched()

    def test_a_payment_of_everything_does_not_confirm(self):
        self.pay(self.order.amount_total)
        self._assert_untouched()

    def test_a_payment_link_leads_to_no_payment_form(self):
        self.assertFalse(self.has_payment_form(self.get(self.payment_link())))

    def test_the_token_of_the_quotation_opens_none_of_our_files(self):
        for path in (
            f"/esign/document/{self.request._document('quote').uid}",
            f"/my/signatures/{self.request.reference}/quote",
        ):
            self.assertNotIn(b"%PDF", self.get(path, params={"access_token": self.token_of_order}).content)

    def test_the_last_gate(self):
        """Whoever finds another way to `action_confirm` from outside meets this."""
        portal = self.new_user("jeanne", "base.group_portal")
        for user in (self.env.ref("base.public_user"), portal):
            order = self.order.with_user(user).sudo()
            with self.assertRaisesRegex(UserError, "waits for its electronic signature"):
                order.action_confirm()
            with self.assertRaisesRegex(UserError, "waits for its electronic signature"):
                order._validate_order()
        self._assert_untouched()

    def test_a_portal_user_by_rpc(self):
        portal = self.new_user("jeanne", "base.group_portal")
        self.order.message_subscribe(portal.partner_id.ids)
        order = self.order.with_user(portal)
        for knock in (
            order.action_confirm,
            lambda: order.write({"state": "sale"}),
            order.action_cancel,
            order.action_esign_cancel,
        ):
            with self.assertRaises(UserError):  # an access error is one, too
                knock()
        self._assert_untouched()

    def test_staff_may_confirm_and_it_is_journalled(self):
        self.order.with_user(self.sale_user).action_confirm()
        self.assertEqual((self.order.state, self.request.state), ("sale", "void"))
        self.assertEqual(self.request.event_ids[-1].payload, {"reason": "order_confirmed", "by": "salesman"})

    def test_a_payment_that_came_meanwhile_counts_after_the_signature(self):
        self.env.cr.execute(
            "UPDATE sale_order SET require_payment = TRUE, prepayment_percent = 1 WHERE id = %s", [self.order.id]
        )
        self.env.invalidate_all()
        self.env.cr.execute(
            "UPDATE esign_request SET fingerprint = %s WHERE id = %s",
            [self.order._esign_fingerprint(), self.request.id],
        )
        self.pay(self.order.amount_total)
        self._assert_untouched()
        self.read_and_sign(self.request)
        self.assertEqual((self.request.state, self.order.state), ("signed", "sale"))

    def _assert_untouched(self):
        self.env.invalidate_all()
        self.assertEqual((self.order.state, self.request.state), ("sent", "sent"))
        self.assertFalse(self.order.signature or self.order.signed_by)
        self.assertEqual(self.order._esign_fingerprint(), self.request.fingerprint)


@tagged("post_install", "-at_install")
class TestDoorsOpen(DoorsCommon, HttpCase):
    """The same doors, as Odoo made them, once no request is open."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.option = cls.optional_line()
        cls.send().with_user(cls.sale_user).action_cancel()
        cls.env.flush_all()

    def test_accept(self):
        self.assertTrue(self.accept()["force_refresh"])
        self.env.invalidate_all()
        self.assertEqual((self.order.state, self.order.signed_by), ("sale", "Anybody"))

    def test_decline(self):
        self.decline()
        self.assertEqual(self.order.state, "cancel")

    def test_the_order_page_has_its_doors(self):
        response = self.order_page()
        self.assertIn('data-bs-target="#modalaccept"', response.text)
        self.assertIn('data-bs-target="#modaldecline"', response.text)
        self.assertNotIn("waits for an electronic signature", response.text)

    def test_the_order_page_with_an_amount_has_a_payment_form(self):
        self.assertTrue(self.has_payment_form(self.order_page(payment_amount="725")))

    def test_a_transaction_can_be_started(self):
        self.assertTrue(self.start_payment()["reference"])

    def test_an_optional_line_can_be_changed(self):
        self.update_line(self.option, 7)
        self.assertEqual(self.option.product_uom_qty, 7)

    def test_a_payment_confirms(self):
        self.pay(self.order.amount_total)
        self.assertEqual(self.order.state, "sale")

    def test_a_payment_link_leads_to_a_payment_form(self):
        self.assertTrue(self.has_payment_form(self.get(self.payment_link())))

    def test_the_last_gate_is_open(self):
        self.order.with_user(self.env.ref("base.public_user")).sudo().action_confirm()
        self.assertEqual(self.order.state, "sale")

    def test_after_the_signature_only_payment_is_open(self):
        self.company.esign_after_signature = "check"
        request = self.send()
        self.read_and_sign(request)
        self.assertIn("not in a state requiring customer signature", self.accept()["error"])
        self.decline()
        self.assertEqual(self.order.state, "sent")
        self.assertTrue(self.has_payment_form(self.order_page(payment_amount="725")))

    def test_a_quotation_changed_after_its_signature_can_be_signed_again(self):
        self.read_and_sign(self.send())
        self.order.with_user(SUPERUSER_ID)._action_cancel()
        self.order.action_draft()
        self.order.order_line[0].price_unit += 1
        self.assertTrue(self.accept().get("force_refresh"))
