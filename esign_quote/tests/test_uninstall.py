"""Evidence in retention is not uninstalled by the way: export everything, then confirm."""

import io
import zipfile
from pathlib import Path
from unittest.mock import patch

import psycopg2
from odoo.exceptions import AccessError, UserError
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.models.esign_request_pack import EsignRequest

from .common import EsignCommon, EsignHttpCommon

LOGS = ("odoo.addons.esign_quote.wizard.esign_uninstall", "odoo.addons.base.models.ir_module")


class UninstallCommon(EsignCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.read_and_sign(cls.send())
        cls.addon = cls.env["ir.module.module"].search([("name", "=", "esign_quote")])
        cls.admin = cls.env.ref("base.user_admin")

    def wizard(self, **values):
        return self.env["esign.uninstall"].with_user(self.admin).create(values)

    def export(self):
        """Make and finish an export as the administrator does; its file goes with the test."""
        self.wizard().action_export()
        export = self.env["esign.export"].search([], limit=1)
        self.addCleanup(Path(export._path()).unlink, missing_ok=True)
        self.env.ref("esign_quote.ir_cron_export").method_direct_trigger()
        self.env.invalidate_all()
        return export


@tagged("post_install", "-at_install")
class TestUninstall(UninstallCommon, TransactionCase):
    def test_it_is_refused_with_the_way_out(self):
        for modules in (self.addon, self.env["ir.module.module"].search([("name", "=", "sale_management")])):
            with self.subTest(module=modules.name), mute_logger(*LOGS), self.assertRaises(UserError) as caught:
                modules.with_user(self.admin).button_uninstall()
            self.assertIn("Leave with the evidence", str(caught.exception))
        with self.assertRaises(UserError):
            self.addon.state = "to remove"
        self.assertEqual(self.addon.state, "installed")

    def test_a_term_that_was_moved_counts(self):
        """The proof names the end that was known when it was written; a hold or a later delivery moved it."""
        self.env.flush_all()
        self.env.cr.execute("ALTER TABLE esign_proof DISABLE TRIGGER USER")
        self.env.cr.execute("UPDATE esign_proof SET retention_until = '2020-01-01'")
        self.env.cr.execute("ALTER TABLE esign_proof ENABLE TRIGGER USER")
        self.env.invalidate_all()
        with self.assertRaises(UserError) as caught:
            self.env["esign.uninstall"]._check_allowed()
        self.assertIn(str(self.request.retention_until), str(caught.exception))

    def test_other_modules_are_free(self):
        other = self.env["ir.module.module"].search([("name", "=", "portal")])
        other.write({"state": other.state})

    def test_confirming_wants_a_downloaded_export(self):
        wizard = self.wizard(database=self.env.cr.dbname)
        with self.assertRaisesRegex(UserError, "First export"):
            wizard.action_confirm()
        self.export()
        with self.assertRaisesRegex(UserError, "First export"):
            wizard.action_confirm()

    def test_confirming_wants_the_name_of_the_database(self):
        self.export()._hand_out()
        with self.assertRaisesRegex(UserError, "type the name of the database"):
            self.wizard(database="another").action_confirm()

    def test_a_later_signature_wants_another_export(self):
        self.export()._hand_out()
        self.read_and_sign(self.send(self.new_order()))
        with self.assertRaisesRegex(UserError, "signatures may have come"):
            self.wizard(database=self.env.cr.dbname).action_confirm()

    def test_after_export_and_confirmation_it_goes(self):
        self.export()._hand_out()
        with mute_logger(*LOGS):
            self.wizard(database=self.env.cr.dbname).action_confirm()
            self.addon.with_user(self.admin).button_uninstall()
        self.assertEqual(self.addon.state, "to remove")

    def test_the_permission_ends_after_an_hour(self):
        self.export()._hand_out()
        with mute_logger(*LOGS):
            self.wizard(database=self.env.cr.dbname).action_confirm()
        self.env["esign.uninstall"]._check_allowed()
        self.age("esign_export", "allowed_on", "61 minutes")
        with self.assertRaises(UserError):
            self.env["esign.uninstall"]._check_allowed()

    def test_the_export_holds_a_pack_of_each_request(self):
        other = self.read_and_sign(self.send(self.new_order()))
        export = self.export()
        self.assertEqual((export.state, export.count, export.total), ("done", export.total, export.total))
        with zipfile.ZipFile(export._path()) as archive:
            names = archive.namelist()
            self.assertEqual(len(names), len(set(names)))
            for request in (self.request, other):
                name, content = request._dispute_pack()
                self.assertIn(name, names)
                with zipfile.ZipFile(io.BytesIO(content)) as pack:
                    self.assertIn("proof.json", pack.namelist())

    def test_a_damaged_one_stops_nothing(self):
        domain = [("res_model", "=", "esign.document"), ("res_id", "=", self.request._document("signed").id)]
        attachment = self.env["ir.attachment"].sudo().search([*domain, ("res_field", "=", "content")])
        path = Path(attachment._full_path(attachment.store_fname))
        original = path.read_bytes()
        self.addCleanup(path.write_bytes, original)
        path.write_bytes(original[:-1])
        export = self.export()
        with zipfile.ZipFile(export._path()) as archive:
            self.assertIn(f"{self.request.reference}-FAILED.txt", archive.namelist())

    def test_a_connection_that_is_lost_calls_nothing_damaged(self):
        export = self.env["esign.export"]._start()
        self.addCleanup(Path(export._path()).unlink, missing_ok=True)
        lost = psycopg2.InterfaceError("cursor already closed")
        with (
            patch.object(EsignRequest, "_dispute_pack", side_effect=lost),
            self.assertRaises(psycopg2.InterfaceError),
        ):
            export._append(self.request)
        self.assertFalse(Path(export._path()).exists())

    def test_only_system_administrators(self):
        with self.assertRaises(AccessError):
            self.env["esign.uninstall"].with_user(self.sale_user).create({})
        with self.assertRaises(AccessError):
            self.wizard().with_user(self.sale_user).action_export()
        with self.assertRaises(AccessError):
            self.export().with_user(self.sale_user)._hand_out()


@tagged("post_install", "-at_install")
class TestExportPage(UninstallCommon, EsignHttpCommon, HttpCase):
    def test_who_may_download(self):
        export = self.export()
        with self.browser("admin"):
            response = self.get(f"/esign/export/{export.id}")
            self.assertEqual((response.status_code, response.headers["Content-Type"]), (200, "application/zip"))
            self.assertEqual(response.content[:2], b"PK")
        with self.browser(self.sale_user.login):
            self.assertEqual(self.get(f"/esign/export/{export.id}").status_code, 404)
