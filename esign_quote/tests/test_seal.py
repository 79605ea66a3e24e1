import base64
import os
from datetime import UTC, datetime, timedelta
from unittest.mock import patch

import psycopg2
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, load_der_private_key, pkcs12
from cryptography.x509.oid import NameOID
from odoo.exceptions import UserError
from odoo.fields import Datetime
from odoo.tests import Form, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.tools import vault, verify

from .common import EsignCommon

SECRET = {"ESIGN_QUOTE_SEAL_SECRET": "a secret of this test, long enough to be one"}


def certificate_of(seal):
    return base64.b64decode(seal.with_context(bin_size=False).certificate)


def make_p12(password="secret", days=(-1, 365), name="Atelier Nord SARL"):
    """Return a PKCS#12 file with a new P-256 key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .sign(key, hashes.SHA256())
    )
    return pkcs12.serialize_key_and_certificates(
        b"seal", key, certificate, None, BestAvailableEncryption(password.encode())
    )


@tagged("post_install", "-at_install")
class TestSeal(EsignCommon, TransactionCase):
    """The company's sealing key."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.new_user("esign", "esign_quote.esign_quote_group_manager")
        cls.system = cls.new_user("root2", "base.group_system")
        cls.seal = cls.env["esign.seal"].search([("company_id", "=", cls.company.id)])

    def test_every_company_has_one(self):
        for company in self.env["res.company"].search([]):
            self.assertEqual(len(company.esign_seal_ids), 1, company.name)

    def test_a_new_company_gets_its_own(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        seal = company.esign_seal_ids
        self.assertEqual((seal.origin, seal.active), ("generated", True))
        self.assertIn("Elsewhere", seal.subject)
        self.assertNotEqual(seal.fingerprint, self.seal.fingerprint)

    def test_a_generated_key_is_good_for_ten_years(self):
        seal = self.env["esign.seal"]._generate(self.company)
        self.assertAlmostEqual((seal.valid_to - Datetime.now()).days, 3652, delta=3)
        key = x509.load_der_x509_certificate(certificate_of(seal)).public_key()
        self.assertEqual(key.curve.name, "secp256r1")

    def test_the_table_holds_no_usable_key(self):
        key_der = self._private_der(self.seal)
        self.env.flush_all()
        self.env.cr.execute("SELECT t::text FROM esign_seal t")
        dump = " ".join(row[0] for row in self.env.cr.fetchall())
        self.env.cr.execute("SELECT key_vault FROM esign_seal WHERE id = %s", [self.seal.id])
        stored = base64.b64decode(bytes(self.env.cr.fetchone()[0]))
        self.assertGreater(len(stored), 32)
        scalar = load_der_private_key(key_der, None).private_numbers().private_value.to_bytes(32, "big")
        for needle in (key_der, scalar):
            self.assertNotIn(needle, stored)
            self.assertNotIn(needle.hex(), dump)
            self.assertNotIn(base64.b64encode(needle).decode(), dump)
        self.assertNotIn("PRIVATE KEY", dump)

    def test_the_key_opens_with_the_servers_secret_only(self):
        with patch.dict(os.environ, SECRET):
            seal = self.env["esign.seal"]._generate(self.company)
            self.assertEqual(seal._load().fingerprint, seal.fingerprint)
        with self.assertRaisesRegex(UserError, "cannot be read with this server's secret"):
            seal._load()

    def test_the_secret_comes_from_the_server(self):
        with patch.dict(os.environ, SECRET):
            self.assertEqual(self.env["esign.vault"]._origin(), "variable")
            self.assertEqual(self.env["esign.vault"]._master(), SECRET["ESIGN_QUOTE_SEAL_SECRET"])

    def test_derived_secrets_differ_by_purpose(self):
        derive = self.env["esign.vault"]._derive
        self.assertNotEqual(derive("otp"), derive("other"))
        self.assertEqual(derive("otp"), derive("otp"))

    # === REPLACING IT === #

    def test_a_new_key_seals_and_the_old_one_stays_to_verify(self):
        first = self.read_and_sign(self.send())
        new = self.env["esign.seal"]._generate(self.company)
        second = self.read_and_sign(self.send(self.new_order()))
        self.assertEqual((first.seal_id, second.seal_id), (self.seal, new))
        self.assertEqual((self.seal.active, new.active), (False, True))
        for request in (first, second):
            signed, certificate = request._document("signed")._bytes(), certificate_of(request.seal_id)
            self.assertTrue(verify.verify_strict(signed, certificate).ok)

    def test_a_request_sent_before_is_sealed_with_the_key_of_its_sending(self):
        request = self.send()
        self.env["esign.seal"]._generate(self.company)
        self.read_and_sign(request)
        self.assertTrue(verify.verify_strict(request._document("signed")._bytes(), certificate_of(self.seal)).ok)

    def test_an_administrator_generates_a_new_key(self):
        settings = self.env["res.config.settings"].with_user(self.system).create({})
        settings.action_esign_generate_seal()
        self.assertFalse(self.seal.active)

    def test_a_pkcs12_file_is_imported(self):
        self._import(make_p12())
        seal = self.env["esign.seal"].search([("company_id", "=", self.company.id)])
        self.assertEqual((seal.origin, self.seal.active), ("pkcs12", False))
        self.assertIn("Atelier Nord SARL", seal.subject)
        request = self.read_and_sign(self.send())
        self.assertTrue(verify.verify_strict(request._document("signed")._bytes(), certificate_of(seal)).ok)

    def test_a_wrong_password_is_refused(self):
        self._assert_refused("password does not open this file", make_p12("other"))

    def test_an_expired_certificate_is_refused(self):
        self._assert_refused("not valid today: it ended on", make_p12(days=(-20, -10)))

    def test_a_certificate_of_tomorrow_is_refused(self):
        self._assert_refused("not valid today", make_p12(days=(5, 10)))

    def test_what_is_no_pkcs12_is_refused(self):
        # Indistinguishable from a wrong password.
        self._assert_refused("password does not open this file", b"nonsense")

    def test_nothing_of_an_upload_stays(self):
        wizard = self._import(make_p12())
        self.assertEqual((wizard.file, wizard.password), (False, False))

    def test_nothing_of_a_refused_upload_stays(self):
        wizard = self._wizard(make_p12(days=(-20, -10)))
        # Not `assertRaises`: it would undo the wiping.
        try:
            wizard.action_import()
        except UserError:
            wizard.invalidate_recordset()
        self.assertEqual((wizard.file, wizard.password), (False, False))

    # === SETTINGS === #

    @mute_logger("odoo.tests.form.onchange")  # stock's warning about pricelists, which these tests switch on
    def test_the_settings_page_opens(self):
        form = Form(self.env["res.config.settings"].with_user(self.system))
        self.assertIn(self.seal.fingerprint[:16], form.esign_seal_summary)
        self.assertIn(form.esign_secret_origin, ("variable", "configuration", "folder"))

    @mute_logger("odoo.tests.form.onchange")
    def test_the_settings_are_those_of_the_company(self):
        form = Form(self.env["res.config.settings"].with_user(self.system))
        form.esign_code_tries = 5
        form.esign_after_signature = "check"
        form.save().execute()
        self.assertEqual((self.company.esign_code_tries, self.company.esign_after_signature), (5, "check"))

    def test_a_company_without_a_key_is_told(self):
        self.seal.active = False
        settings = self.env["res.config.settings"].with_user(self.system).create({})
        self.assertIn("cannot be sent for signature", settings.esign_seal_summary)

    def test_settings_have_bounds(self):
        for name, value in (
            ("esign_code_minutes", 11),
            ("esign_code_tries", 0),
            ("esign_codes_per_hour", 1),
            ("esign_codes_per_network", 0),
            ("esign_sms_budget", 0),
            ("esign_link_days", 61),
        ):
            with (
                self.subTest(name),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.CheckViolation) as caught,
            ):
                self.company[name] = value
                self.env.flush_all()
            self.assertIn(f"{name}_bounds", str(caught.exception))

    # === TOOLS === #

    def _wizard(self, content):
        wizard = self.env["esign.seal.import"].with_user(self.admin)
        wizard = wizard.create({"company_id": self.company.id, "file": base64.b64encode(content), "password": "secret"})
        self.env.flush_all()
        return wizard

    def _import(self, content):
        wizard = self._wizard(content)
        wizard.action_import()
        wizard.invalidate_recordset()
        return wizard

    def _assert_refused(self, words, content):
        with self.assertRaisesRegex(UserError, words):
            self._import(content)
        self.assertTrue(self.seal.active)

    def _private_der(self, seal):
        return vault.decrypt(
            base64.b64decode(seal.with_context(bin_size=False).key_vault),
            self.env["esign.vault"]._master(),
            seal.fingerprint,
        )
