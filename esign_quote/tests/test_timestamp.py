import base64
import json
from contextlib import contextmanager
from unittest.mock import patch

from cryptography import x509
from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.tests import Form, HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from odoo.addons.esign_quote.models.esign_proof import ProofDraft
from odoo.addons.esign_quote.tools import timestamp, verify
from odoo.addons.esign_quote.tools.exceptions import TimestampError
from odoo.addons.esign_quote.tools.hashing import canonical_json

from .common import ORIGIN, EsignCommon, EsignHttpCommon, text_of
from .tools.timestamp_authority import OTHER_POLICY, POLICY, TimestampAuthority

COMPLETION = "odoo.addons.esign_quote.models.esign_request_completion"
TIMESTAMP = "odoo.addons.esign_quote.models.esign_request_timestamp"
SEAL_CARE = "odoo.addons.esign_quote.models.esign_seal_care"
REVOCATION = "odoo.addons.esign_quote.models.esign_revocation"
DOWN = "http://127.0.0.1:9/"
PASSWORD = "correct horse 4711"
BAD = ("down", "garbage", "nonce", "imprint", "expired", "usage", "policy", "rejected", "untrusted", "signature")


class TimestampCommon(EsignCommon):
    """A company with a time-stamp authority that answers over real HTTP."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.authority = TimestampAuthority()
        cls.authority.__enter__()
        cls.addClassCleanup(cls.authority.__exit__)
        cls.company.write(
            {
                "esign_tsa_url": cls.authority.url,
                "esign_tsa_policy": POLICY,
                "esign_tsa_roots": base64.b64encode(cls.authority.roots_pem),
            }
        )
        cls.roots = (cls.authority.pki.root.der,)
        cls.system = cls.new_user("root2", "base.group_system")
        cls.esign_admin = cls.new_user("esign", "esign_quote.esign_quote_group_manager")

    def setUp(self):
        super().setUp()
        self.authority.asked.clear()
        self.addCleanup(self.authority.heal)

    def ready(self, order=None):
        """Send a quotation; return the request and the ticket of a customer who is about to sign."""
        request = self.send(order)
        ticket = self.prove(request)
        ticket._record_last_page(request._document("quote").sha256)
        self.env.flush_all()
        return request, ticket

    def sign(self, request, ticket):
        with mute_logger(COMPLETION):
            self.assertTrue(ticket._sign(self.answer_of(request), ORIGIN)["ok"])
        self.env.invalidate_all()
        return request

    def signed(self, order=None):
        return self.sign(*self.ready(order))

    def run_cron(self, name, minutes=0):
        """Run a scheduled action some minutes later."""
        if minutes:
            self.age("esign_authority", "retry_on", f"{minutes} minutes")
            self.age("esign_request", "lease_until", "3 minutes")
        with mute_logger(COMPLETION, TIMESTAMP, REVOCATION, SEAL_CARE):
            self.env.ref(f"esign_quote.{name}").method_direct_trigger()
        self.env.invalidate_all()

    @contextmanager
    def another_transaction(self, user=None):
        """Give an environment whose transaction may be committed, as that of an HTTP request or a cron."""
        self.env.flush_all()
        with self.registry.cursor() as cr:
            yield self.env(cr=cr, user=user or self.env.user)
        self.env.invalidate_all()

    def obtain(self, kind="anchor", **manifest):
        """Get a token over a manifest; return the record."""
        with self.another_transaction() as env:
            stamp = env["esign.timestamp"]._obtain(self.company.with_env(env), kind, {"format": "test", **manifest})
        return stamp.with_env(self.env)

    def press_test(self, **values):
        """Press the button of the settings page; return what is shown."""
        with self.another_transaction(self.system) as env:
            return env["res.config.settings"].create(values).action_esign_test_tsa()["params"]

    def payloads(self, request, kind):
        return [event.payload for event in request.event_ids.sorted("seq") if event.type == kind]

    def tokens_of(self, request, kind):
        """Return the time-stamps inside the signature of a file, checked again."""
        certificate = request.seal_id._certificate_der()
        token = verify.verify_strict(request._document(kind)._bytes(), certificate).timestamp
        return [timestamp.check_imprint(token.der, bytes.fromhex(token.imprint), self.roots)] if token else []

    def judge(self, request):
        """Both files are sealed with the company's key, and nothing follows."""
        certificate = request.seal_id._certificate_der()
        for kind in ("signed", "proof"):
            verdict = verify.verify_strict(request._document(kind)._bytes(), certificate)
            self.assertTrue(verdict.ok, (kind, verdict))


@tagged("post_install", "-at_install")
class TestTimestamp(TimestampCommon, TransactionCase):
    """With an authority, both files carry its time; without its answer the policy decides."""

    def test_both_files_are_stamped(self):
        request = self.signed()
        self.assertEqual((request.state, request.seal_level), ("signed", "PAdES B-T"))
        self.judge(request)
        (signed,), (proof,) = self.tokens_of(request, "signed"), self.tokens_of(request, "proof")
        self.assertLess(signed.gen_time, proof.gen_time)
        # I8: the consent, then the seal, then the time-stamp.
        moments = (request.answered_on, request.sealed_on, signed.gen_time.replace(tzinfo=None))
        self.assertEqual(list(moments), sorted(moments))

    def test_the_journal_and_the_proof_say_so(self):
        request = self.signed()
        obtained = self.payloads(request, "timestamp.obtained")
        self.assertEqual([item["of"] for item in obtained], ["signed", "proof"])
        (token,) = self.tokens_of(request, "signed")
        self.assertEqual((obtained[0]["serial"], obtained[0]["policy"]), (token.serial, POLICY))
        self.assertEqual(self.payloads(request, "document.sealed")[0]["level"], "PAdES B-T")
        facts = request._timestamp_facts()
        self.assertEqual((facts["level"], facts["when_unavailable"]), ("PAdES B-T", "wait"))
        self.assertEqual(facts["timestamp"]["authority"], "Test Time-Stamp Authority")
        self.assertEqual(facts["timestamp"]["drift_ms"], 0)
        proof = json.loads(request.proof_ids.json)
        self.assertIn(token.serial, request.proof_ids.json)
        self.assertIn("request.signed", [entry["type"] for entry in proof["journal"]["entries"]])

    def test_without_an_authority_nothing_is_claimed(self):
        self.company.esign_tsa_url = False
        request = self.signed()
        facts = {"level": "PAdES B-B", "when_unavailable": "", "timestamp": None}
        self.assertEqual((request._timestamp_facts(), request.timestamp_wanted), (facts, False))
        self.assertNotIn("timestamp.pending", self.entries(request))
        self.assertEqual(self.authority.asked, [])

    def test_the_second_address(self):
        self.company.write({"esign_tsa_url": DOWN, "esign_tsa_second_url": self.authority.second_url})
        self.assertEqual(self.signed().seal_level, "PAdES B-T")
        self.assertEqual(self.authority.asked, ["/second", "/second"])

    def test_nobody_waits_for_the_first_address_each_time(self):
        self.company.esign_tsa_second_url = self.authority.second_url
        self.authority.fault = "down"
        self.signed()
        self.assertEqual(self.authority.asked, ["/tsa", "/second", "/second"])
        self.authority.asked.clear()
        self.signed(self.new_order())
        self.assertEqual(self.authority.asked, ["/second", "/second"])
        self.age("esign_authority", "detour_until", "11 minutes")
        self.authority.heal()
        self.authority.asked.clear()
        self.signed(self.new_order())
        self.assertEqual(self.authority.asked, ["/tsa", "/tsa"])

    def test_a_drift_is_recorded(self):
        self.authority.offset = 10
        request = self.signed()
        self.assertAlmostEqual(request._timestamp_facts()["timestamp"]["drift_ms"], 10_000, delta=900)

    # === WAIT === #

    def test_every_bad_answer_is_waited_out(self):
        """Nothing but a good token is ever kept (R-16)."""
        self.authority.fault = BAD[0]
        request = self.signed()
        for fault in BAD[1:]:
            with self.subTest(fault):
                self.authority.fault = fault
                self.run_cron("ir_cron_complete", minutes=60)
                reason = self.env["esign.authority"]._of(self.company).reason
                self.assertEqual(reason, {"garbage": "unreadable"}.get(fault, fault))
                self.assertEqual((request.state, request.signer_ids.answer), ("consented", "signed"))
                self.assertFalse(request.document_ids.filtered(lambda item: item.kind in ("signed", "proof")))
        self.authority.heal()
        self.run_cron("ir_cron_complete", minutes=60)
        self.assertEqual((request.state, request.seal_level), ("signed", "PAdES B-T"))
        self.judge(request)

    def test_a_clock_that_is_far_off_is_waited_out(self):
        self.authority.offset = 120
        request = self.signed()
        self.assertEqual(request.state, "consented")
        self.assertEqual(self.payloads(request, "timestamp.pending")[0]["reason"], "clock")

    def test_one_entry_and_one_activity_however_long_it_lasts(self):
        self.authority.fault = "500"
        request = self.signed()
        for _minute in range(3):
            self.run_cron("ir_cron_complete", minutes=40)
        self.assertEqual(self.entries(request).count("timestamp.pending"), 1)
        self.assertEqual(self.order.activity_ids.mapped("summary"), ["Accepted, waiting for the time-stamp"])
        self.assertIn("refuses the connection", self.order.activity_ids.note)
        self.assertNotIn("seal.failed", self.entries(request))

    def test_nothing_is_mailed_while_it_lasts(self):
        self.authority.fault = "down"
        request, ticket = self.ready()
        mails = self.env["mail.mail"].search_count([])
        self.sign(request, ticket)
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)
        self.assertEqual(self.order.state, "sent")

    def test_the_authority_is_not_hammered(self):
        self.authority.fault = "down"
        requests = [self.signed(), self.signed(self.new_order()), self.signed(self.new_order())]
        self.assertEqual(len(self.authority.asked), 1, "the others know from the first")
        self.run_cron("ir_cron_complete")
        self.assertEqual(len(self.authority.asked), 1)
        pauses = []
        for _time in range(7):
            self.run_cron("ir_cron_complete", minutes=60)
            state = self.env["esign.authority"]._of(self.company)
            pauses.append(round((state.retry_on - state.failed_on).total_seconds() / 60))
        self.assertEqual(pauses, [2, 4, 8, 15, 30, 30, 30])
        told = self.env["mail.activity"].search([("summary", "=", "Time-stamp authority: it fails")])
        self.assertIn(self.esign_admin, told.user_id)
        self.assertEqual(len(told), len(told.user_id), "once")
        self.assertEqual(len(self.authority.asked), 8)
        self.authority.heal()
        self.run_cron("ir_cron_complete", minutes=60)
        self.assertEqual({request.state for request in requests}, {"signed"})

    def test_new_settings_are_tried_at_once(self):
        self.authority.fault = "down"
        request = self.signed()
        self.company.esign_tsa_url = self.authority.second_url
        self.run_cron("ir_cron_complete")
        self.assertEqual(request.state, "signed")

    def test_an_authority_that_fails_between_the_two_files(self):
        request, ticket = self.ready()
        intact = ProofDraft.seal

        def seal(draft, *args):
            self.authority.fault = "down"
            return intact(draft, *args)

        with patch.object(ProofDraft, "seal", seal):
            self.sign(request, ticket)
        self.assertEqual((request.state, request.proof_ids.ids), ("consented", []))
        sealed = request._document("signed").sha256
        self.authority.heal()
        self.run_cron("ir_cron_complete", minutes=2)
        self.assertEqual((request.state, request._document("signed").sha256), ("signed", sealed))
        self.assertEqual(self.entries(request).count("document.sealed"), 1)
        self.judge(request)

    # === WITHOUT === #

    def test_sealed_without_and_stamped_later(self):
        self.company.esign_tsa_when_unavailable = "without"
        self.authority.fault = "imprint"
        request = self.signed()
        self.assertEqual((request.state, request.seal_level), ("signed", "PAdES B-B"))
        self.assertEqual(self.authority.asked, ["/tsa"], "not a second time for the proof")
        facts = {"level": "PAdES B-B", "when_unavailable": "without", "timestamp": None}
        self.assertEqual(request._timestamp_facts(), facts)
        self.assertEqual((self.tokens_of(request, "signed"), self.tokens_of(request, "proof")), ([], []))
        self.assertEqual(len(self.payloads(request, "timestamp.pending")), 1)
        self.run_cron("ir_cron_timestamps", minutes=40)
        self.assertFalse(request.timestamp_ids)
        self.authority.heal()
        self.run_cron("ir_cron_timestamps", minutes=40)
        self.assertEqual((request.timestamp_ids.kind, request.timestamp_wanted), ("late", False))
        self.assertEqual(self.payloads(request, "timestamp.obtained")[0]["of"], "late")
        manifest = json.loads(request.timestamp_ids.manifest)
        hashes = {item["kind"]: item["sha256"] for item in manifest["files"]}
        self.assertEqual(hashes["signed"], request._document("signed").sha256)
        self.assertEqual(hashes["proof"], request._document("proof").sha256)
        self.assertEqual(hashes["proof_json"], request.proof_ids.sha256)
        self.assertEqual(request.timestamp_ids._check().imprint, request.timestamp_ids.imprint)
        self.assertEqual(canonical_json(manifest).decode(), request.timestamp_ids.manifest)
        self.run_cron("ir_cron_timestamps")
        self.assertEqual(len(request.timestamp_ids), 1)

    def test_a_known_failure_costs_the_customer_nothing(self):
        self.company.esign_tsa_when_unavailable = "without"
        self.authority.fault = "down"
        self.signed()
        asked = len(self.authority.asked)
        self.assertEqual(self.signed(self.new_order()).seal_level, "PAdES B-B")
        self.assertEqual(len(self.authority.asked), asked)

    # === LONG TERM === #

    def test_a_time_stamp_is_renewed_before_it_ends(self):
        request, other = self.signed(), self.signed(self.new_order())
        self.run_cron("ir_cron_renew_timestamps")
        self.assertFalse(request.timestamp_ids)
        self.age("esign_request", "timestamp_until", f"{3650 - 89} days")
        other.timestamp_until = False  # without time-stamps: nothing to renew
        self.run_cron("ir_cron_renew_timestamps")
        self.assertEqual((request.timestamp_ids.kind, other.timestamp_ids.ids), ("renewal", []))
        self.assertEqual(self.entries(request)[-1], "lta.renewed")
        self.assertEqual(request.timestamp_until, request.timestamp_ids.certificate_until)
        self.age("esign_request", "timestamp_until", f"{3650 - 89} days")
        self.run_cron("ir_cron_renew_timestamps")
        first, second = request.timestamp_ids
        self.assertEqual(json.loads(second.manifest)["previous"], [verify.hashlib.sha256(first._der()).hexdigest()])

    def test_a_failing_authority_stops_the_renewal_kindly(self):
        request, other = self.signed(), self.signed(self.new_order())
        self.age("esign_request", "timestamp_until", f"{3650 - 89} days")
        self.authority.fault = "500"
        self.authority.asked.clear()
        self.run_cron("ir_cron_renew_timestamps")
        self.assertFalse((request | other).timestamp_ids)
        self.assertEqual(len(self.authority.asked), 1)

    def test_tokens_are_evidence(self):
        stamp = self.obtain(day="2026-05-01")
        self.assertEqual((stamp.kind, stamp.authority), ("anchor", "Test Time-Stamp Authority"))
        with self.assertRaises(AccessError):
            stamp.sudo().write({"serial": "1"})
        with self.assertRaises(AccessError):
            stamp.sudo().unlink()

    def test_the_nights_check_knows_a_roots_token_from_another_ones(self):
        request = self.send()
        self.run_cron("ir_cron_anchor")
        first = self.env["esign.anchor"].search([])
        self.assertTrue(first._token())
        self.assertEqual(first._root_problems(), [])
        self.assertEqual(request._integrity_found(), [])
        request._log([("link.opened", {})])
        second = self.env["esign.anchor"]._make(fields.Date.add(first.day, days=1))
        with self.another_transaction() as env:
            stamps, company = env["esign.timestamp"], self.company.with_env(env)
            stamps._obtain(company, "anchor", first._manifest(), anchor=second.with_env(env))
        self.assertEqual(second._root_problems(), [("timestamp", second.day.isoformat())])
        self.assertEqual(request._integrity_found(), [{"what": "root", "name": second.day.isoformat()}])

    def test_a_bad_token_is_never_kept(self):
        self.authority.fault = "policy"
        with self.assertRaises(TimestampError) as caught:
            self.obtain()
        self.assertEqual(caught.exception.reason, "policy")
        self.assertFalse(self.env["esign.timestamp"].search([]))

    def test_a_company_without_an_authority(self):
        self.company.esign_tsa_url = False
        self.assertFalse(self.company._esign_has_tsa())
        with self.assertRaises(TimestampError):
            self.obtain()


@tagged("post_install", "-at_install")
class TestTimestampSettings(TimestampCommon, TransactionCase):
    """What an administrator sets, tests, and never sees again."""

    def settings(self, **values):
        return self.env["res.config.settings"].with_user(self.system).create(values)

    @mute_logger("odoo.tests.form.onchange")
    def test_the_page_opens_and_keeps(self):
        form = Form(self.env["res.config.settings"].with_user(self.system))
        self.assertEqual((form.esign_tsa_url, form.esign_tsa_password), (self.authority.url, False))
        form.esign_tsa_password = PASSWORD
        form.esign_tsa_when_unavailable = "without"
        form.save().execute()
        self.assertEqual(self.company.esign_tsa_when_unavailable, "without")
        self.assertEqual(self.company._esign_tsa_password(), PASSWORD)
        form = Form(self.env["res.config.settings"].with_user(self.system))
        self.assertEqual((form.esign_tsa_password, form.esign_tsa_password_state), (False, "kept"))
        form.save().execute()
        self.assertEqual(self.company._esign_tsa_password(), PASSWORD, "left as it is")

    def test_the_password_is_used_and_nowhere_to_be_read(self):
        self.authority.credentials = ("anna", PASSWORD)
        self.addCleanup(setattr, self.authority, "credentials", None)
        self.assertIn("works", self.press_test(esign_tsa_user="anna", esign_tsa_password=PASSWORD)["title"])
        settings = self.env["res.config.settings"].search([], limit=1, order="id desc")
        for table in ("res_company", "res_config_settings"):
            self.env.cr.execute(f"SELECT t::text FROM {table} t")  # noqa: S608
            dump = " ".join(row[0] for row in self.env.cr.fetchall())
            self.assertNotIn(PASSWORD, dump)
            self.assertNotIn(base64.b64encode(PASSWORD.encode()).decode(), dump)
        self.assertFalse(settings.read(["esign_tsa_password"])[0]["esign_tsa_password"])
        with self.assertRaises(AccessError):
            self.company.with_user(self.system).read(["esign_tsa_password_vault"])

    def test_a_password_is_not_sent_to_another_address(self):
        self.settings(esign_tsa_user="anna", esign_tsa_password=PASSWORD)
        self.company.esign_tsa_url = "https://attacker.example/"
        self.assertEqual(self.settings().esign_tsa_password_state, "lost")
        with self.assertRaises(TimestampError) as caught:
            self.company._esign_timestamp_service()
        self.assertEqual(caught.exception.reason, "password_lost")

    def test_a_password_can_be_forgotten(self):
        settings = self.settings(esign_tsa_password=PASSWORD)
        settings.action_esign_forget_tsa_password()
        self.assertEqual(self.settings().esign_tsa_password_state, "none")

    def test_the_test_button(self):
        params = self.press_test()
        self.assertEqual(params["type"], "success")
        self.assertIn("Test Time-Stamp Authority says it is", params["message"])
        self.assertIn("Last time-stamp", self.settings().esign_tsa_state)

    def test_the_test_button_warns(self):
        self.company.esign_tsa_roots = False
        self.authority.offset = -10
        params = self.press_test()
        self.assertEqual(params["type"], "warning")
        self.assertIn("whoever answers at this address is believed", params["message"])
        self.assertIn("More than 5 seconds", params["message"])

    def test_the_test_button_says_what_is_wrong(self):
        for fault, words in (("down", "cannot be reached"), ("policy", "another policy"), ("nonce", "reason for")):
            with self.subTest(fault):
                self.authority.fault = fault
                with self.assertRaisesRegex(UserError, words):
                    self.press_test()

    def test_only_administrators_test(self):
        settings = self.settings()
        with self.assertRaises(AccessError):
            settings.with_user(self.sale_user).action_esign_test_tsa()

    def test_what_cannot_be_is_refused(self):
        for values in (
            {"esign_tsa_url": "ftp://tsa.example"},
            {"esign_tsa_second_url": "tsa.example"},
            {"esign_tsa_policy": "1.2.x"},
            {"esign_tsa_roots": base64.b64encode(b"nonsense")},
        ):
            with self.subTest(values), self.assertRaises(ValidationError), self.env.cr.savepoint():
                self.company.write(values)
        self.company.esign_tsa_policy = OTHER_POLICY


@tagged("post_install", "-at_install")
class TestRevocation(TimestampCommon, TransactionCase):
    """Revocation data is fetched beforehand, and goes into the file (B-LT)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.pkcs12 = cls.authority.seal_pkcs12("secret")
        cls.seal = cls.env["esign.seal"]._import_pkcs12(cls.company, cls.pkcs12, "secret")

    def prepare(self):
        self.press_test()
        self.run_cron("ir_cron_revocation")
        return self.env["esign.revocation"].search([("company_id", "=", self.company.id)])

    def settings_level(self):
        return self.env["res.config.settings"].with_user(self.system).create({}).esign_tsa_level

    def test_both_chains_are_asked_about(self):
        rows = self.prepare()
        self.assertEqual(sorted(rows.mapped("purpose")), ["seal", "timestamp"])
        self.assertEqual(set(rows.mapped("state")), {"good"})
        self.authority.asked.clear()
        self.run_cron("ir_cron_revocation")
        self.assertEqual(self.authority.asked, [], "the answers are fresh")
        self.age("esign_revocation", "this_update", "4 days")
        self.age("esign_revocation", "next_update", "4 days")
        self.run_cron("ir_cron_revocation")
        self.assertEqual(self.authority.asked, ["/ocsp", "/ocsp"])

    def test_level_lt(self):
        self.assertIn("B-T", self.settings_level())
        self.prepare()
        self.assertIn("B-LT: they hold everything", self.settings_level())
        request, ticket = self.ready()
        self.authority.asked.clear()
        self.sign(request, ticket)
        self.assertEqual((request.state, request.seal_level), ("signed", "PAdES B-LT"))
        self.judge(request)
        self.assertEqual(self.authority.asked, ["/tsa", "/tsa"], "nobody else while sealing")
        self.assertIn(b"/DSS", request._document("signed")._bytes())
        self.assertIn(b"/DSS", request._document("proof")._bytes())

    def test_answers_that_ended_are_not_used(self):
        self.prepare()
        self.age("esign_revocation", "next_update", "8 days")
        self.assertEqual(self.signed().seal_level, "PAdES B-T")

    def test_bad_answers_are_not_kept(self):
        for fault in ("garbage", "stranger", "stale", "down"):
            self.authority.revocation_fault = fault
            self.assertFalse(self.prepare().filtered(lambda row: row.state != "unknown" or row.ocsps or row.crls))
        self.assertEqual(self.signed().seal_level, "PAdES B-T")

    def test_a_revoked_seal_seals_no_more(self):
        certificate = x509.load_der_x509_certificate(self.seal._certificate_der())
        request, ticket = self.ready()
        self.authority.revoke(certificate.serial_number)
        self.prepare()
        self.assertTrue(self.seal.revoked_on)
        self.sign(request, ticket)
        self.assertEqual(request.state, "consented")
        self.assertEqual(self.order.activity_ids.mapped("summary"), ["Accepted, not sealed yet"])
        self.env["esign.seal"]._generate(self.company)
        self.run_cron("ir_cron_complete", minutes=2)
        self.assertEqual((request.state, request.seal_level), ("signed", "PAdES B-T"))

    def test_a_revoked_authority_is_not_believed(self):
        self.prepare()
        self.authority.revoke(self.authority.pki.stamping.certificate.serial_number)
        self.age("esign_revocation", "this_update", "4 days")
        self.age("esign_revocation", "next_update", "4 days")
        self.run_cron("ir_cron_revocation")
        with self.assertRaises(TimestampError) as caught:
            self.obtain()
        self.assertEqual(caught.exception.reason, "revoked")

    def test_generated_keys_cannot_be_revoked(self):
        self.env["esign.seal"]._generate(self.company)
        self.prepare()
        self.assertEqual(self.signed().seal_level, "PAdES B-T")


@tagged("post_install", "-at_install")
class TestTimestampPage(TimestampCommon, EsignHttpCommon, HttpCase):
    def test_the_customer_is_told_and_gets_the_file_later(self):
        request = self.send()
        path = self.enter_and_read(request)
        self.authority.fault = "down"
        with mute_logger(COMPLETION):
            self.assertEqual(self.submit(request, path).status_code, 303)
        page = text_of(self.get(path))
        self.assertIn("Your acceptance is recorded", page)
        self.assertIn(request.reference, page)
        self.authority.heal()
        self.run_cron("ir_cron_complete", minutes=2)
        self.assertEqual(request.state, "signed")
        self.assertNotIn("Your acceptance is recorded", text_of(self.get(path)))
