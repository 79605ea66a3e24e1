import base64
import os
import shutil
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest import skipIf
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, pkcs12
from odoo.exceptions import AccessError, UserError
from odoo.fields import Datetime
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.tools import verify

from .common import EsignCommon, EsignHttpCommon, text_of
from .tools import soft_token
from .tools.certificates import Issued, company_chain

COMPLETION = "odoo.addons.esign_quote.models.esign_request_completion"
CARE = "odoo.addons.esign_quote.models.esign_seal_care"


class SealCommon(EsignCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.admin = cls.new_user("esign", "esign_quote.esign_quote_group_manager")
        cls.seal = cls.env["esign.seal"].search([("company_id", "=", cls.company.id)])

    def end_in(self, days, seal=None):
        (seal or self.seal).valid_to = Datetime.now() + timedelta(days=days, minutes=1)
        self.env.flush_all()

    def revoke(self, seal=None, reason="The server was broken into", **values):
        wizard = self.env["esign.seal.revoke"].with_user(self.admin)
        wizard = wizard.create({"seal_id": (seal or self.seal).id, "reason": reason, **values})
        with mute_logger(CARE):
            wizard.action_revoke()
        self.env.invalidate_all()

    def mails_to_admin(self):
        return self.env["mail.mail"].sudo().search([("email_to", "like", self.admin.email)])

    def activities(self):
        return self.env["mail.activity"].sudo().search([("user_id", "=", self.admin.id)])

    def consent_only(self, request):
        """Let the customer accept at a moment when the key cannot seal."""
        ticket = self.prove(request)
        ticket._record_last_page(request._document("quote").sha256)
        return ticket

    def assert_sealed_by(self, request, seal):
        verdict = verify.verify_strict(request._document("signed")._bytes(), seal._certificate_der())
        self.assertEqual((request.state, verdict.reason, request.seal_id), ("signed", "ok", seal))


@tagged("post_install", "-at_install")
class TestSealWarnings(SealCommon, TransactionCase):
    def warn(self):
        self.env.ref("esign_quote.ir_cron_seal_warn").method_direct_trigger()

    def test_each_threshold_is_told_once(self):
        told = []
        for days in (90, 61, 60, 45, 30, 29, 8, 7, 3, -1):
            self.end_in(days - 0.01)
            before = len(self.mails_to_admin())
            for _day in range(2):
                self.warn()
            told.append((days, len(self.mails_to_admin()) - before))
        self.assertEqual([days for days, number in told if number], [60, 30, 7])
        self.assertEqual({number for _days, number in told}, {0, 1})

    def test_mail_and_activity_say_what_to_do(self):
        self.end_in(29)
        self.warn()
        mail = self.mails_to_admin()
        self.assertIn(self.company.name, mail.subject)
        for words in ("29", "Settings, Sales, Electronic signature", self.seal.fingerprint):
            self.assertIn(words, mail.body_html)
        self.assertEqual(self.activities().mapped("summary"), ["Sealing key: replace it before it ends"])

    def test_everyone_reads_it_in_their_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.admin.lang = "fr_FR"
        self.end_in(5)
        self.warn()
        self.assertEqual(len(self.mails_to_admin()), 1)

    def test_nobody_but_administrators_of_the_company_is_told(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = self.new_user(
            "stranger",
            "esign_quote.esign_quote_group_manager",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        told = self.env["esign.seal"]._administrators(self.company)
        self.assertIn(self.admin, told)
        self.assertNotIn(stranger, told)
        self.assertNotIn(self.sale_user, told)
        self.assertNotIn(self.env.ref("base.user_root"), told)

    def test_a_retired_key_ends_in_silence(self):
        self.env["esign.seal"]._generate(self.company)
        self.end_in(5)
        self.warn()
        self.assertFalse(self.mails_to_admin())


@tagged("post_install", "-at_install")
class TestSealReplacement(SealCommon, TransactionCase):
    """A key that ends or is revoked between sending and signing."""

    def sign_without_key(self, request, spoil):
        ticket = self.consent_only(request)
        spoil()
        with mute_logger(COMPLETION):
            self.assertTrue(ticket._sign(self.answer_of(request), {"ip": "192.0.2.7", "user_agent": "x"})["ok"])
        self.env.invalidate_all()
        self.assertEqual((request.state, request.signer_ids.answer), ("consented", "signed"))

    def finish(self, request):
        request.lease_until = False
        self.env.ref("esign_quote.ir_cron_complete").method_direct_trigger()
        self.env.invalidate_all()

    def test_an_expired_key_keeps_the_consent_and_the_next_one_seals(self):
        request = self.send()
        self.sign_without_key(request, lambda: self.end_in(-1))
        self.assertEqual(len(self.mails_to_admin()), 1)
        self.assertIn("out of date", self.mails_to_admin().body_html)
        self.assertEqual(self.activities().mapped("summary"), ["Sealing key: signatures wait for one"])
        new = self.env["esign.seal"]._generate(self.company)
        self.finish(request)
        self.assert_sealed_by(request, new)
        (entry,) = request.event_ids.filtered(lambda event: event.type == "seal.replaced")
        self.assertEqual(
            entry.payload, {"reason": "expired", "before": self.seal.fingerprint, "after": new.fingerprint}
        )
        self.assertIn(new.fingerprint, request.proof_ids.json)

    def test_a_revoked_key_keeps_the_consent_and_the_next_one_seals(self):
        request = self.send()
        self.sign_without_key(request, self.revoke)
        new = self.env["esign.seal"]._generate(self.company)
        self.finish(request)
        self.assert_sealed_by(request, new)
        self.assertIn("seal.revoked", request.event_ids.mapped("type"))

    def test_many_waiting_signatures_make_one_mail_a_day(self):
        requests, tickets = [], []
        for order in (self.order, self.new_order()):
            self.forget_limits()
            requests.append(self.send(order))
            tickets.append(self.consent_only(requests[-1]))
        self.revoke()
        with mute_logger(COMPLETION):
            for ticket, request in zip(tickets, requests, strict=True):
                ticket._sign(self.answer_of(request), {"ip": "192.0.2.7", "user_agent": "x"})
            for request in requests:
                self.finish(request)
        self.assertEqual(len(self.mails_to_admin()), 1)
        self.company.sudo().esign_key_alert_on -= timedelta(days=1)
        with mute_logger(COMPLETION):
            self.finish(requests[0])
        self.assertEqual(len(self.mails_to_admin()), 2)

    def test_a_retired_key_that_is_good_still_seals_what_it_was_sent_with(self):
        request = self.send()
        self.env["esign.seal"]._generate(self.company)
        self.read_and_sign(request)
        self.assert_sealed_by(request, self.seal)
        self.assertNotIn("seal.replaced", request.event_ids.mapped("type"))


@tagged("post_install", "-at_install")
class TestSealRevocation(SealCommon, TransactionCase):
    def test_it_seals_no_more(self):
        self.revoke()
        with self.assertRaisesRegex(UserError, "was revoked"):
            self.seal._load()
        with self.assertRaisesRegex(UserError, "has no sealing key"):
            self.send()
        self.assertEqual((self.seal.active, self.seal.state), (False, "revoked"))

    def test_who_when_and_why_are_kept(self):
        since = Datetime.now().replace(microsecond=0) - timedelta(seconds=1)
        self.seal.valid_from = since - timedelta(days=9)
        self.revoke(since=since, reason="  laptop\n stolen ")
        self.assertEqual((self.seal.revoked_by_id, self.seal.revoked_since), (self.admin, since))
        self.assertEqual(self.seal.revoked_reason, "laptop stolen")
        self.assertAlmostEqual(self.seal.revoked_on, Datetime.now(), delta=timedelta(minutes=1))

    def test_open_procedures_note_it(self):
        request = self.send()
        self.revoke()
        (entry,) = request.event_ids.filtered(lambda event: event.type == "seal.revoked")
        self.assertEqual(entry.actor, f"user:{self.admin.login}")
        self.assertEqual(entry.payload["certificate_sha256"], self.seal.fingerprint)

    def test_it_cannot_be_undone(self):
        self.revoke()
        for values in ({"active": True}, {"revoked_on": False}, {"revoked_reason": "nothing happened"}):
            with self.assertRaisesRegex(AccessError, "stays revoked"):
                self.seal.sudo().write(values)
        with self.assertRaisesRegex(UserError, "revoked already"):
            self.revoke()

    @mute_logger("odoo.models.unlink")
    def test_keys_are_not_deleted(self):
        with self.assertRaisesRegex(AccessError, "must stay verifiable"):
            self.env["esign.seal"]._generate(self.company) and self.seal.sudo().unlink()

    def test_it_needs_a_reason_and_a_possible_moment(self):
        with self.assertRaisesRegex(UserError, "give the reason"):
            self.revoke(reason="  ")
        for since in (Datetime.now() + timedelta(days=1), self.seal.valid_from - timedelta(days=1)):
            with self.assertRaisesRegex(UserError, "give a moment"):
                self.revoke(since=since)

    def test_a_revoked_key_is_not_installed_again(self):
        leaf = Issued("Seal", now=datetime.now(UTC))
        content = p12(leaf)
        self.env["esign.seal"]._import_pkcs12(self.company, content, "secret")
        self.revoke(self.env["esign.seal"].search([("company_id", "=", self.company.id)]))
        with self.assertRaisesRegex(UserError, "cannot be used again"):
            self.env["esign.seal"]._import_pkcs12(self.company, content, "secret")

    def test_what_it_sealed_stays_verifiable(self):
        request = self.read_and_sign(self.send())
        self.revoke()
        self.assert_sealed_by(request, self.seal)

    def test_another_company_cannot_revoke_it(self):
        elsewhere = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = self.new_user(
            "stranger",
            "esign_quote.esign_quote_group_manager",
            company_id=elsewhere.id,
            company_ids=[(6, 0, elsewhere.ids)],
        )
        wizard = self.env["esign.seal.revoke"].with_user(stranger)
        with self.assertRaises(AccessError), mute_logger("odoo.addons.base.models.ir_rule"):
            wizard.create({"seal_id": self.seal.id, "reason": "x"}).action_revoke()
        self.assertFalse(self.seal.revoked_on)
        # Nor replace it, by a request that no form makes.
        content = base64.b64encode(p12(Issued("Seal", now=datetime.now(UTC))))
        values = {"company_id": self.company.id, "file": content, "password": "secret"}
        upload = self.env["esign.seal.import"].with_user(stranger).create(values)
        with self.assertRaisesRegex(AccessError, "may not replace the sealing key"):
            upload.action_import()
        self.assertTrue(self.seal.active)


def p12(leaf, *others):
    """Return a PKCS#12 file with the password "secret"."""
    certificates = [item.certificate for item in others]
    return pkcs12.serialize_key_and_certificates(
        b"seal", leaf.key, leaf.certificate, certificates, BestAvailableEncryption(b"secret")
    )


@tagged("post_install", "-at_install")
class TestSealChain(SealCommon, TransactionCase):
    """Certificates of an authority, as PKCS#12 files bring them."""

    def chain(self, **leaf):
        return company_chain(now=datetime.now(UTC), **leaf)

    def test_the_chain_goes_into_the_signature_in_order(self):
        leaf, intermediate, root = self.chain()
        self.env["esign.seal"]._import_pkcs12(self.company, p12(leaf, root, intermediate), "secret")
        seal = self.env["esign.seal"].search([("company_id", "=", self.company.id)])
        self.assertEqual([base64.b64decode(item) for item in seal.chain], [intermediate.der, root.der])
        self.assert_sealed_by(self.read_and_sign(self.send()), seal)

    def test_what_is_not_to_seal_with_is_refused_with_a_sentence(self):
        leaf, _intermediate, _root = self.chain(usage=("key_encipherment",))
        self.assert_refused("may not be used for signatures", leaf)
        leaf, _intermediate, _root = self.chain()
        self.assert_refused("None of the other certificates", leaf, Issued("Stranger", authority=True))
        now = datetime.now(UTC)
        root = Issued("Root", authority=True, now=now)
        old = Issued("Old issuer", root, authority=True, days=(-20, -10), now=now)
        self.assert_refused("CN=Old issuer is not valid today", Issued("Seal", old, now=now), old, root)
        self.assert_refused("certificate of a certification authority", root)

    def assert_refused(self, words, *issued):
        with self.assertRaisesRegex(UserError, words):
            self.env["esign.seal"]._import_pkcs12(self.company, p12(*issued), "secret")
        self.assertTrue(self.seal.active)


@tagged("post_install", "-at_install")
@skipIf(soft_token.reason_to_skip(), soft_token.reason_to_skip() or "-")
class TestSealToken(SealCommon, TransactionCase):
    """A key in a security module (SoftHSM)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        folder = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, folder)
        cls.enterClassContext(patch.dict(os.environ))
        soft_token.make_token(folder)
        cls.issued = Issued("Seal in a token", key=ec.generate_private_key(ec.SECP256R1()), now=datetime.now(UTC))
        soft_token.import_key(folder, cls.issued.key, "odoo")
        values = {"MODULE": soft_token.module_path(), "TOKEN": soft_token.LABEL, "KEY": "odoo", "PIN": soft_token.PIN}
        os.environ.update({f"ESIGN_QUOTE_PKCS11_{name}": value for name, value in values.items()})

    def use(self, content=b""):
        wizard = self.env["esign.seal.token"].with_user(self.admin)
        certificate = base64.b64encode(content) if content else False
        wizard.create({"company_id": self.company.id, "certificate": certificate}).action_use()
        self.env.invalidate_all()
        return self.env["esign.seal"].search([("company_id", "=", self.company.id)])

    def test_it_seals_and_the_database_holds_no_key(self):
        seal = self.use(self.issued.der)
        self.assertEqual((seal.origin, seal.subject), ("pkcs11", "CN=Seal in a token"))
        self.assert_sealed_by(self.read_and_sign(self.send()), seal)
        self.env.flush_all()
        self.env.cr.execute("SELECT key_vault, t::text FROM esign_seal t WHERE id = %s", [seal.id])
        stored, row = self.env.cr.fetchone()
        self.assertIsNone(stored)
        self.assertNotIn(soft_token.PIN, row)

    def test_a_certificate_is_asked_for_when_the_token_has_none(self):
        with self.assertRaisesRegex(UserError, "please upload it here"):
            self.use()

    def test_a_certificate_of_another_key_is_refused(self):
        with self.assertRaisesRegex(UserError, "do not belong together"):
            self.use(Issued("Other", now=datetime.now(UTC)).der)
        self.assertTrue(self.seal.active)

    def test_a_token_that_is_away_stops_the_sending_with_a_sentence(self):
        self.use(self.issued.der)
        with (
            patch.dict(os.environ, {"ESIGN_QUOTE_PKCS11_TOKEN": "unplugged"}),
            self.assertRaisesRegex(UserError, "no token with the configured label"),
        ):
            self.send()

    def test_the_configuration_is_needed(self):
        with (
            patch.dict(os.environ, {"ESIGN_QUOTE_PKCS11_MODULE": ""}),
            self.assertRaisesRegex(UserError, "pkcs11_module"),
        ):
            self.use(self.issued.der)


@tagged("post_install", "-at_install")
class TestKeysPage(SealCommon, EsignHttpCommon, HttpCase):
    def test_it_lists_keys_of_every_state(self):
        retired = self.seal
        revoked = self.env["esign.seal"]._generate(self.company)
        self.revoke(revoked, reason="Laptop <stolen>")
        used = self.env["esign.seal"]._generate(self.company)
        response = self.get("/esign/keys")
        self.assertEqual(response.status_code, 200)
        for seal in (retired, revoked, used):
            self.assertIn(seal.fingerprint, response.text)
        text = text_of(response)
        for words in ("In use", "Retired", "do not rely on what it sealed from", "Laptop <stolen>", self.company.name):
            self.assertIn(words, text)
        self.assertNotIn("<stolen>", response.text)
        self.assertNotIn(self.admin.name, text)

    def test_the_certificate_can_be_had(self):
        response = self.get(f"/esign/keys/{self.seal.fingerprint}.cer")
        self.assertEqual(response.headers["Content-Type"], "application/pkix-cert")
        self.assertEqual(response.content, self.seal._certificate_der())
        self.assertIn("attachment", response.headers["Content-Disposition"])

    @mute_logger("odoo.http")
    def test_an_unknown_certificate(self):
        self.assertEqual(self.get(f"/esign/keys/{'0' * 64}.cer").status_code, 404)

    def test_companies_without_a_key_are_left_out(self):
        self.env.flush_all()
        self.env.cr.execute("DELETE FROM esign_seal")
        self.env.invalidate_all()
        self.assertIn("No company seals documents here", text_of(self.get("/esign/keys")))

    def test_looking_changes_nothing(self):
        before = self.snapshot()
        self.get("/esign/keys")
        self.get(f"/esign/keys/{self.seal.fingerprint}.cer")
        self.assertEqual(self.snapshot(), before)
