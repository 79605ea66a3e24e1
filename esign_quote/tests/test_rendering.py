import logging

from lxml import html
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_actions_report import IrActionsReport
from odoo.addons.esign_quote.models.ir_actions_report import EMPTY_IMAGE
from odoo.addons.esign_quote.tools import verify

from .common import EsignCommon, pdf_text

PAGE = """<!DOCTYPE html>
<html><head>
  <base href="http://127.0.0.1:8069/"/>
  <link rel="stylesheet" href="/web/assets/abc/web.report_assets_common.min.css"/>
  <link rel="stylesheet" href="http://169.254.169.254/style.css"/>
  <script src="http://127.0.0.1:8069/web/assets/1/js"></script>
</head><body>
  <img id="ours" src="/web/static/img/logo.png"/>
  <img id="data" src="data:image/gif;base64,R0lGOD"/>
  <img id="metadata" src="http://169.254.169.254/latest"/>
  <img id="static" src="http://169.254.169.254/web/static/img/logo.png"/>
  <img id="file" src="file:///etc/passwd"/>
  <img id="up" src="/web/static/../../../../etc/passwd"/>
  <p id="styled" style="color: red; background: url(http://169.254.169.254/x.png)">Text</p>
</body></html>"""


@tagged("post_install", "-at_install")
class TestRealRendering(EsignCommon, TransactionCase):
    """Once with wkhtmltopdf itself: what Odoo renders can be frozen, stamped and sealed."""

    @classmethod
    def _fake_rendering(cls):
        rendering = IrActionsReport._render_qweb_pdf

        def _render_qweb_pdf(reports, report_ref, res_ids=None, data=None):
            cls.rendered.append(res_ids)
            return rendering(reports.with_context(force_report_rendering=True), report_ref, res_ids=res_ids, data=data)

        return _render_qweb_pdf

    def test_a_rendered_quotation_is_signed(self):
        image = f'<img src="{self.order.get_base_url()}/web/static/img/logo.png"/>'
        self.order.note = f"<p>Payable within 30 days {image}</p>"
        # Neither style sheets nor pictures are fetched from this server: one of two workers would wait for itself.
        with self.allow_pdf_render(), self.assertNoLogs("werkzeug", logging.INFO):
            request = self.send()
        quote = request._document("quote")
        self.assertEqual((quote.pages, len(self.rendered)), (1, 1))
        # Some builds of wkhtmltopdf draw letters as outlines: no words to look for, but many bytes.
        self.assertGreater(quote.size, 20_000)
        self.read_and_sign(request)
        signed = request._document("signed")._bytes()
        verdict = verify.verify_strict(signed, request.seal_id._load().certificate, quote.sha256, quote.size)
        self.assertTrue(verdict.ok, verdict.reason)
        self.assertIn(request.reference, pdf_text(signed))


@tagged("post_install", "-at_install")
class TestInlining(EsignCommon, TransactionCase):
    """What is handed to wkhtmltopdf refers to nothing outside itself."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        with mute_logger("odoo.addons.esign_quote.models.ir_actions_report"):
            cls.page = html.document_fromstring(cls.env["ir.actions.report"]._esign_inline(PAGE))

    def test_nothing_is_fetched(self):
        text = html.tostring(self.page, encoding="unicode")
        for address in ("169.254.169.254", "127.0.0.1", "etc/passwd", "/web/assets/"):
            self.assertNotIn(address, text)
        self.assertFalse(self.page.xpath("//script[@src] | //link | //base"))

    def test_our_style_sheets_are_in_the_page(self):
        self.assertIn(".o_company_", "".join(self.page.xpath("//style/text()")))

    def test_our_pictures_are_in_the_page(self):
        self.assertTrue(self._source("ours").startswith("data:image/png;base64,"))
        self.assertEqual(self._source("data"), "data:image/gif;base64,R0lGOD")

    def test_foreign_pictures_are_left_out(self):
        for name in ("metadata", "static", "file", "up"):
            self.assertEqual(self._source(name), EMPTY_IMAGE, name)

    def test_styles_keep_what_is_harmless(self):
        self.assertEqual(self.page.get_element_by_id("styled").get("style"), "color: red; background: url()")

    def test_an_attachment_is_shown_to_whom_may_read_it(self):
        attachment = self.env["ir.attachment"].create({"name": "a.gif", "raw": b"GIF89a", "public": False})
        reports = self.env["ir.actions.report"]
        self.assertTrue(reports._esign_image(f"/web/image/{attachment.id}").startswith("data:"))
        self.assertNotEqual(reports._esign_image(f"/web/image/{attachment.id}"), EMPTY_IMAGE)
        with mute_logger("odoo.addons.base.models.ir_model"):
            hidden = reports.with_user(self.env.ref("base.public_user"))._esign_image(f"/web/image/{attachment.id}")
        self.assertEqual(hidden, EMPTY_IMAGE)

    def _source(self, name):
        return self.page.get_element_by_id(name).get("src")
