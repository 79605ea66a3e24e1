from unittest.mock import patch

import psycopg2
from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged
from odoo.tools import mute_logger

from ..tools import sandbox
from .common import EsignCommon, add_script, make_pdf, rewrite_pdf


@tagged("post_install", "-at_install")
class TestPdfLimits(EsignCommon, TransactionCase):
    """What may be sent: bounds from the settings, checked in a process of its own, refused in plain words."""

    def refuse(self, words, content=None, annex=None):
        composer = self.compose()
        if content:
            composer.attachment_ids.raw = content
        if annex:
            self.attach(composer, "plan.pdf", annex)
        with self.assertRaisesRegex(UserError, words):
            composer.action_send_mail()
        self.assertEqual(self.sent(), [])
        self.assertFalse(self.order.esign_request_ids)

    def test_the_bounds_are_the_companys(self):
        company = self.order.company_id
        self.assertEqual(
            (company.esign_pdf_megabytes, company.esign_pdf_pages, company.esign_pdf_seconds), (25, 300, 30)
        )
        company.write({"esign_pdf_megabytes": 1, "esign_pdf_pages": 2, "esign_pdf_seconds": 5})
        self.refuse(r"has too many pages \(2 at most\)", make_pdf("Quotation", pages=3))
        self.refuse(r"too large \(1 MB at most\)", make_pdf("Quotation") + b" " * 1024 * 1024)
        self.refuse(r"The annex “plan.pdf” is refused. .*too many pages \(2 at most\)", annex=make_pdf("Plan", pages=3))
        self.assertEqual(company._esign_intake_limits().max_seconds, 5)

    @mute_logger("odoo.sql_db")
    def test_absurd_bounds_are_refused(self):
        for name, values in {
            "esign_pdf_megabytes": (0, 51, -1),
            "esign_pdf_pages": (0, 1001),
            "esign_pdf_seconds": (4, 121),
        }.items():
            for value in values:
                with self.assertRaises(psycopg2.errors.CheckViolation), self.env.cr.savepoint():
                    self.order.company_id[name] = value
                    self.env.flush_all()

    def test_settings_show_them(self):
        settings = self.env["res.config.settings"].create({})
        settings.esign_pdf_pages = 12
        settings.execute()
        self.assertEqual(self.env.company.esign_pdf_pages, 12)

    def test_a_check_that_takes_too_long(self):
        with self._ended_by(-24):  # SIGXCPU
            self.refuse("its check takes longer than 30 seconds. Nothing was sent")

    def test_a_check_that_dies(self):
        with self._ended_by(-11):
            self.refuse("it is too complex to be checked. Nothing was sent")

    def test_a_server_that_cannot_check(self):
        with patch.object(sandbox.sys, "executable", "/nonexistent"):
            self.refuse("could not be checked on this server .*Nothing was sent")

    def test_an_annex_under_a_wrong_type_is_checked_too(self):
        composer = self.compose()
        self.attach(composer, "plan.txt", rewrite_pdf(make_pdf("Plan"), add_script), mimetype="text/plain")
        with self.assertRaisesRegex(UserError, "The annex “plan.txt” is refused. .*script"):
            composer.action_send_mail()

    def test_an_attached_program_is_named(self):
        content = rewrite_pdf(make_pdf("Quotation"), lambda writer: writer.add_attachment("setup.exe", b"MZ"))
        self.refuse("a file is attached inside it that is no plain data", content)

    def test_one_process_for_all_files(self):
        composer = self.compose()
        self.attach(composer, "plan.pdf", make_pdf("Plan"))
        started = []
        real = sandbox._run

        def run(*arguments):
            started.append(arguments)
            return real(*arguments)

        with patch.object(sandbox, "_run", run):
            composer.action_send_mail()
        self.assertEqual(len(started), 1)
        self.assertEqual(self.order.esign_request_id.state, "sent")

    def _ended_by(self, code):
        return patch.object(sandbox, "_run", lambda _request, _seconds: (code, [{"ready": True}]))
