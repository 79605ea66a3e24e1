from odoo.tests import TransactionCase, tagged

from .common import EsignCommon


@tagged("post_install", "-at_install")
class TestSending(EsignCommon, TransactionCase):
    def test_send(self):
        request = self.send()
        self.assertEqual(request.state, "sent")
        self.assertEqual(len(self.rendered), 1)
        print([ (m.to,m.subject,sorted(m.files)) for m in self.sent()])
        print(self.sent()[0].html)
        print(self.last_secret())
        self.read_and_sign(request)
        self.assertEqual(request.state, "signed")
        print(self.order.state)
