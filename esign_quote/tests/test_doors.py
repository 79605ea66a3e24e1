"""Law 2: while a request is open, nobody outside the company gets past it by stock's doors."""

from odoo.exceptions import UserError
from odoo.tests import HttpCase, JsonRpcException, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.payment.tests.common import PaymentCommon

from .common import EsignCommon, EsignHttpCommon

PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@tagged("post_install", "-at_install")
class TestStockRoutes(EsignHttpCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.token_of_order = cls.order._portal_ensure_token()
        cls.page = f"/my/orders/{cls.order.id}"

    def accept(self):
        values = {"access_token": self.token_of_order, "name": "Mallory", "signature": PICTURE}
        return self.make_jsonrpc_request(f"{self.page}/accept", values)

    def open_page(self, **query):
        response = self.url_open(self.page, params={"access_token": self.token_of_order, **query})
        self.assertEqual(response.status_code, 200)
        return response.text

    def test_accept_is_closed(self):
        request = self.send()
        self.assertIn("error", self.accept())
        self.assertEqual(self.order.state, "sent")
        self.assertFalse(self.order.signed_by)
        self.assertEqual(request.state, "sent")

    def test_accept_is_stocks_own_without_a_request(self):
        self.assertTrue(self.accept().get("force_refresh"))
        self.assertEqual(self.order.state, "sale")

    def test_decline_is_closed(self):
        request = self.send()
        self.get(self.page + f"?access_token={self.token_of_order}")
        self.post(f"{self.page}/decline", {"access_token": self.token_of_order, "decline_message": "No, thanks"})
        self.assertEqual(self.order.state, "sent")
        self.assertEqual(request.state, "sent")

    def test_decline_is_stocks_own_without_a_request(self):
        self.get(self.page + f"?access_token={self.token_of_order}")
        self.post(f"{self.page}/decline", {"access_token": self.token_of_order, "decline_message": "No, thanks"})
        self.assertEqual(self.order.state, "cancel")

    def test_the_page_shows_neither_accept_nor_pay(self):
        self.assertIn("modalaccept", self.open_page())
        self.send()
        page = self.open_page(payment_amount="0.01")
        self.assertNotIn("#modalaccept", page)
        self.assertNotIn("o_sale_portal_paynow", page)
        self.assertNotIn('id="o_payment_form"', page)
        self.assertIn("waits for an electronic signature", page)

    def test_no_payment_transaction_is_made(self):
        self.send()
        values = {
            "access_token": self.token_of_order,
            "provider_id": 1,
            "payment_method_id": 1,
            "token_id": None,
            "amount": 0.01,
            "flow": "direct",
            "tokenization_requested": False,
            "landing_route": self.page,
        }
        with self.assertRaises(JsonRpcException) as caught, mute_logger("odoo.http"):
            self.make_jsonrpc_request(f"{self.page}/transaction", values)
        self.assertIn("ValidationError", str(caught.exception))
        self.assertFalse(self.order.transaction_ids)

    def test_the_token_of_the_quotation_opens_none_of_our_files(self):
        request = self.send()
        document = request._document("quote")
        for path in (f"/esign/document/{document.uid}", f"/my/signatures/{request.reference}/signed"):
            response = self.get(f"{path}?access_token={self.token_of_order}")
            self.assertNotIn(b"%PDF", response.content)


@tagged("post_install", "-at_install")
class TestStockDoors(EsignCommon, PaymentCommon, TransactionCase):
    def pay(self, amount):
        self.order.require_payment = False
        return self._create_transaction(
            flow="redirect",
            amount=amount,
            currency_id=self.order.currency_id.id,
            sale_order_ids=[self.order.id],
            state="done",
        )

    def test_a_cent_does_not_replace_the_signature(self):
        request = self.send()
        transaction = self.pay(0.01)
        with mute_logger("odoo.addons.sale.models.payment_transaction"):
            transaction._post_process()
        self.assertEqual(self.order.state, "sent")
        self.assertEqual(request.state, "sent")

    def test_a_payment_confirms_as_stock_does_without_a_request(self):
        transaction = self.pay(self.order.amount_total)
        with mute_logger("odoo.addons.sale.models.payment_transaction"):
            transaction._check_amount_and_confirm_order()
        self.assertEqual(self.order.state, "sale")

    def test_the_predicates_of_the_portal_say_no(self):
        self.assertTrue(self.order._has_to_be_signed())
        request = self.send()
        self.order.require_payment = True  # voids: the customer reads something else
        self.assertEqual(request.state, "void")
        self.assertTrue(self.order._has_to_be_paid())
        self.send()
        self.assertFalse(self.order._has_to_be_signed())
        self.assertFalse(self.order._has_to_be_paid())
        self.assertFalse(self.order._can_be_edited_on_portal())

    def test_nobody_outside_the_company_confirms(self):
        self.send()
        for user in (self.env.ref("base.public_user"), self._create_portal_user()):
            # As stock's controllers do: the visitor's user, in sudo.
            with self.subTest(user=user.login), self.assertRaises(UserError):
                self.order.with_user(user).sudo().action_confirm()
        self.assertEqual(self.order.state, "sent")

    def test_staff_may_confirm_and_the_request_is_void(self):
        request = self.send()
        self.order.with_user(self.sale_user).action_confirm()
        self.assertEqual((self.order.state, request.state), ("sale", "void"))
        self.assertIn("request.voided", self.entries(request))

    def test_staff_may_cancel_and_the_request_is_void(self):
        request = self.send()
        self.order.with_user(self.sale_user)._action_cancel()
        self.assertEqual((self.order.state, request.state), ("cancel", "void"))

    def test_a_signed_quotation_cannot_be_signed_again_by_stock(self):
        self.company.esign_after_signature = "check"
        self.read_and_sign(self.send())
        self.assertEqual(self.order.state, "sent")
        self.assertFalse(self.order._has_to_be_signed())

    def _create_portal_user(self):
        return self.new_user("portal_of_doors", "base.group_portal")
