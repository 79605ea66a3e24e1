import json

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import HttpCase, TransactionCase, tagged

from odoo.addons.esign_quote.models.sale_order import LINE_FIELDS, ORDER_FIELDS

from .common import ORIGIN, EsignCommon, EsignHttpCommon, text_of


@tagged("post_install", "-at_install")
class TestQuoteChanged(EsignCommon, TransactionCase):
    """Law 1: a change of what was sent voids the request."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        cls.other = cls.env["res.partner"].create({"name": "Somebody Else"})

    def test_every_field_of_the_quotation(self):
        values = self._order_values()
        self.assertEqual(set(values), set(ORDER_FIELDS), "a value for each field")
        for name, value in values.items():
            with self.subTest(name):
                self._assert_void_or_refused(self.order, {name: value})

    def test_every_field_of_a_line(self):
        values = self._line_values()
        self.assertEqual(set(values), set(LINE_FIELDS), "a value for each field")
        for name, value in values.items():
            with self.subTest(name):
                self._assert_void_or_refused(self.order.order_line[0], {name: value})

    def test_a_new_line(self):
        self._assert_void_or_refused(
            self.order, {"order_line": [Command.create({"product_id": self.product.id})]}, refused=False
        )

    def test_a_note_among_the_lines(self):
        self.env["sale.order.line"].with_user(self.sale_user).create(
            {"order_id": self.order.id, "display_type": "line_note", "name": "Without delivery"}
        )
        self.assertEqual(self.request.state, "void")

    def test_a_line_less(self):
        self.order.order_line[0].with_user(self.sale_user).unlink()
        self.assertEqual(self.request.state, "void")

    def test_a_cancelled_quotation(self):
        self.order.with_user(self.sale_user)._action_cancel()
        self.assertEqual(self.request.state, "void")

    def test_an_order_confirmed_by_hand(self):
        self.order.with_user(self.sale_user).action_confirm()
        self.assertEqual((self.request.state, self.order.state), ("void", "sale"))

    def test_who_changed_it_is_journalled(self):
        self.order.with_user(self.sale_user).client_order_ref = "other"
        event = self.request.event_ids[-1]
        self.assertEqual((event.type, event.actor), ("request.voided", "user:salesman"))
        self.assertEqual(event.payload["reason"], "quote_changed")

    def test_what_the_customer_does_not_read_may_change(self):
        self.order.with_user(self.sale_user).write({"origin": "call", "tag_ids": [Command.create({"name": "hot"})]})
        self.order.with_user(self.sale_user).message_post(body="a note")
        self.order.user_id = self.sale_manager
        self.assertEqual(self.request.state, "sent")

    def test_merged_contacts_are_no_change(self):
        """Odoo changes the numbers of contacts in SQL, past `sale.order`."""
        twice = self.customer.copy({"name": "Jeanne Martin"})
        number = self.request.fingerprint
        self.env["base.partner.merge.automatic.wizard"]._merge([self.customer.id, twice.id], twice)
        self.assertEqual(self.order.partner_id, twice)
        self.assertEqual(self.request.state, "sent")
        self.assertNotEqual(self.request.fingerprint, number)
        self.assertEqual(self.request.fingerprint, self.order._esign_fingerprint())
        event = self.request.event_ids[-1]
        self.assertEqual(event.type, "order.contact_merged")
        self.assertEqual(event.payload, {"before": number, "after": self.request.fingerprint})
        self.order.with_user(self.sale_user).client_order_ref = "other"
        self.assertEqual(self.request.state, "void", "what it says is still watched")

    def test_merged_contacts_do_not_hide_a_change(self):
        twice = self.customer.copy({"name": "Jeanne Martin"})
        self.env.cr.execute("UPDATE sale_order SET client_order_ref = 'other' WHERE id = %s", [self.order.id])
        self.env.invalidate_all()
        self.env["base.partner.merge.automatic.wizard"]._merge([self.customer.id, twice.id], twice)
        self.assertNotEqual(self.request.fingerprint, self.order._esign_fingerprint())

    def test_an_accepted_quotation_cannot_be_changed_while_it_is_being_sealed(self):
        self.request._move("consented")
        with self.assertRaisesRegex(UserError, "has just accepted this quotation"):
            self.order.order_line[0].with_user(self.sale_user).price_unit = 1

    def test_a_change_behind_the_back_of_the_orm_is_noticed_when_signing(self):
        ticket = self.prove(self.request)
        ticket._record_last_page(self.request._document("quote").sha256)
        self.env.cr.execute("UPDATE sale_order_line SET price_unit = 1 WHERE order_id = %s", [self.order.id])
        self.env.invalidate_all()
        self.assertEqual(ticket._sign(self.answer_of(self.request), ORIGIN), {"ok": False, "reason": "changed"})
        self.env.invalidate_all()
        self.assertEqual(self.request.state, "void")
        self.assertFalse(self.request._document("signed"))

    def _assert_void_or_refused(self, record, values, refused=True):
        """Write as the salesperson would, look, and undo it."""
        savepoint = self.env.cr.savepoint()
        try:
            record.with_user(self.sale_user).write(values)
        except UserError:  # an access error is one, too
            self.assertTrue(refused)
        else:
            self.assertEqual(self.request.state, "void")
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()
        self.assertEqual(self.request.state, "sent")

    def _order_values(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        return {
            "name": "S-other",
            "partner_id": self.other.id,
            "partner_invoice_id": self.other.id,
            "partner_shipping_id": self.other.id,
            "company_id": company.id,
            "currency_id": self.env.ref("base.EUR").id,
            "date_order": "2020-01-01",
            "validity_date": "2099-01-01",
            "commitment_date": "2099-01-01",
            "client_order_ref": "other",
            "note": "Payable at once",
            "payment_term_id": self.env["account.payment.term"].create({"name": "other"}).id,
            "fiscal_position_id": self.env["account.fiscal.position"].create({"name": "other"}).id,
            "pricelist_id": self.env["product.pricelist"].create({"name": "other"}).id,
            "require_payment": True,
            "prepayment_percent": 0.5,
            "amount_untaxed": 1.0,
            "amount_tax": 1.0,
            "amount_total": 1.0,
        }

    def _line_values(self):
        return {
            "sequence": 99,
            "display_type": "line_note",
            "product_id": self.service_product.id,
            "name": "Something else",
            "product_uom_qty": 99,
            "product_uom_id": self.env.ref("uom.product_uom_dozen").id,
            "price_unit": 0.01,
            "discount": 50,
            "tax_ids": [Command.create({"name": "other", "amount": 33})],
            "price_subtotal": 1.0,
            "price_total": 1.0,
        }


@tagged("post_install", "-at_install")
class TestQuoteChangedPages(EsignHttpCommon, HttpCase):
    """The same, as the customer sees it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()

    def test_the_page_tells_that_the_quotation_was_changed(self):
        path = self.enter_and_read(self.request)
        self.order.order_line[0].price_unit += 1
        self.assertIn("The quotation was changed by Atelier Nord No contract was concluded", text_of(self.get(path)))

    def test_a_changed_quotation_is_not_signed(self):
        path = self.enter_and_read(self.request)
        self.order.order_line[0].price_unit += 1
        self.assertEqual(self.submit(self.request, path).status_code, 303)
        self.assertIn("The quotation was changed", text_of(self.get(path)))
        self.assertEqual(self.request.state, "void")
        self.assertFalse(self.request._document("signed"))
        self.assertEqual(self.order.state, "sent")

    def test_the_link_of_a_changed_quotation_is_dead(self):
        self.order.order_line[0].price_unit += 1
        self.assertEqual(self.get(f"/esign/t/{self.last_secret()}").status_code, 404)

    def test_a_changed_quotation_can_be_sent_again(self):
        self.order.order_line[0].price_unit += 1
        second = self.send()
        self.assertEqual(second.state, "sent")
        path = self.enter_and_read(second)
        self.assertEqual(self.submit(second, path).status_code, 303)
        second.invalidate_recordset()
        self.assertEqual((second.state, self.request.state), ("signed", "void"))

    def test_another_file_than_the_frozen_one_is_noticed(self):
        path = self.enter(self.request)
        for reported in ("0" * 64, "", "x"):
            self.assertEqual(self.post(f"{path}/read", {"sha256": reported}).status_code, 409)
        self.assertFalse(self.request.signer_ids.last_page_on)
        self.assertEqual(self.entries(self.request).count("document.mismatch"), 3)

    def test_signing_before_reading_is_refused(self):
        path = self.enter(self.request)
        self.assertIn("Please read to the last page", text_of(self.get(f"{path}?step=sign")))
        response = self.submit(self.request, path)
        self.assertEqual(response.status_code, 422)
        self.assertIn("You can go on once the last page was shown", text_of(response))
        self.request.invalidate_recordset()
        self.assertEqual(self.request.state, "sent")

    def test_a_download_counts_as_reading(self):
        path = self.enter(self.request)
        quote = self.request._document("quote")
        response = self.post(f"{path}/download/{quote.uid}")
        self.assertEqual(response.content, quote._bytes())
        self.assertIn("attachment", response.headers["Content-Disposition"])
        self.assertIn("Sign quotation", text_of(self.get(f"{path}?step=sign")))
        self.assertIn("document.downloaded", self.entries(self.request))

    def test_looking_at_the_file_does_not_count_as_reading(self):
        path = self.enter(self.request)
        quote = self.request._document("quote")
        response = self.get(f"{path}/file/{quote.uid}")
        self.assertEqual((response.content, response.headers["Content-Type"]), (quote._bytes(), "application/pdf"))
        self.assertEqual(self.submit(self.request, path).status_code, 422)

    def test_what_the_viewer_gets_is_in_the_journal_and_in_the_proof(self):
        path = self.enter(self.request)
        quote = self.request._document("quote")
        for _number in range(2):  # the page was loaded twice
            response = self.post(f"{path}/show/{quote.uid}")
            self.assertEqual((response.content, response.headers["Content-Type"]), (quote._bytes(), "application/pdf"))
        (served,) = self.request.event_ids.filtered(lambda entry: entry.type == "document.served")
        self.assertEqual((served.payload["sha256"], served.payload["bytes"]), (quote.sha256, quote.size))
        self.read(self.request, path)
        self.submit(self.request, path)
        self.env.invalidate_all()
        (told,) = json.loads(self.request.proof_ids.json)["reading"]["served"]
        self.assertEqual((told["at"], told["sha256"]), (served.at, quote.sha256))

    def test_the_quotation_in_words(self):
        words = text_of(self.get(self.enter(self.request)))
        for part in ("Test Product", "Test Service Product", "$ 725.00", "Total $ 725.00 incl. taxes, 2 page"):
            self.assertIn(part, words.replace("\xa0", " "))

    def test_an_annex_is_a_download(self):
        composer = self.compose(self.new_order())
        self.attach(composer, "page.html", b"<script>alert(1)</script>")
        composer.action_send_mail()
        request = self.env["esign.request"].search([], limit=1)
        path = self.enter(request)
        annex = request._document("annex")
        response = self.get(f"{path}/file/{annex.uid}")
        self.assertIn("attachment", response.headers["Content-Disposition"])
        self.assertEqual(self.post(f"{path}/show/{annex.uid}").status_code, 404)
        self.assertEqual(self.post(f"{path}/download/{annex.uid}").content, b"<script>alert(1)</script>")
        self.assertIn("annex.downloaded", self.entries(request))
        self.assertFalse(request.signer_ids.downloaded_on, "reading the annex is not reading the quotation")
