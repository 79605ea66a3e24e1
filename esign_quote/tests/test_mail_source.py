"""What was mailed is kept, without the secrets that were in it."""

import email
import email.policy
import re
from unittest.mock import patch

from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.models import esign_delivery
from odoo.addons.esign_quote.tools.hashing import sha256_hex

from .common import LINK, EsignCommon


@tagged("post_install", "-at_install")
class TestMailSource(EsignCommon, TransactionCase):
    def sources(self, request):
        request.invalidate_recordset()
        return {item.name.rsplit("-", 1)[0]: item for item in request.mail_ids}

    def read(self, document):
        return email.message_from_bytes(document._bytes(), policy=email.policy.default)

    def test_the_invitation_is_kept_as_it_was_sent(self):
        request = self.send()
        source = self.sources(request)["invitation"]
        message = self.read(source)
        self.assertIn(self.customer.email, message["To"])
        self.assertIn(self.order.name, message["Subject"])
        entry = request.event_ids.filtered(lambda item: item.type == "mail.sent")
        self.assertEqual(entry.payload["source_sha256"], source.sha256 or sha256_hex(source._bytes()))

    def test_the_personal_link_is_not_in_it(self):
        request = self.send()
        secret = LINK.search(self.sent(self.customer.email)[-1].html)[1]
        message = self.read(self.sources(request)["invitation"])
        for part in message.walk():
            if not part.is_multipart():
                self.assertNotIn(secret[:20], part.get_content())
        self.assertIn("/esign/t/…", message.get_body(("html",)).get_content())

    def test_copies_are_kept_and_name_their_files(self):
        request = self.read_and_sign(self.send())
        self.send_queue()
        sources = self.sources(request)
        self.assertEqual(set(sources), {"invitation", "signed_copy", "company_copy"})
        text = self.read(sources["signed_copy"]).get_body(("plain",)).get_content()
        for kind in ("signed", "proof"):
            document = request._document(kind)
            self.assertIn(document.sha256, text)
            self.assertIn(f"{document.size} bytes", text)

    def test_codes_are_not_kept(self):
        request = self.send()
        self.prove(request)
        self.assertEqual(set(self.sources(request)), {"invitation"})
        code = re.compile(r"\b\d{6}\b")
        self.assertFalse(code.search(self.read(self.sources(request)["invitation"])["Subject"]))

    def test_customers_do_not_see_them(self):
        request = self.send()
        ticket = self.prove(request)
        self.assertFalse(ticket._visible_document(self.sources(request)["invitation"].uid))

    def test_a_source_that_cannot_be_kept_holds_up_nothing(self):
        logger = "odoo.addons.esign_quote.models.esign_delivery"
        with patch.object(esign_delivery.mail_source, "archive_copy", side_effect=ValueError), mute_logger(logger):
            request = self.send()
        self.assertEqual(request.delivery_ids.state, "handed_over")
        self.assertFalse(self.sources(request))
