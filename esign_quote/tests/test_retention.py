"""What is kept and for how long: terms, holds, the purge, and that the database lets nothing go before."""

import importlib.util
from datetime import datetime, timedelta
from unittest.mock import patch

import psycopg2
from dateutil.relativedelta import relativedelta
from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL, file_path, mute_logger

from odoo.addons.esign_quote.models.esign_immutable import AT_ITS_TERM
from odoo.addons.esign_quote.tools import chain
from odoo.addons.esign_quote.tools.exceptions import ChainBroken

from .common import ORIGIN, EsignCommon

AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:133.0) Gecko/20100101 Firefox/133.0"


class RetentionCommon(EsignCommon):
    def sql(self, query, *arguments):
        self.env.flush_all()
        self.env.cr.execute(SQL(query, *arguments))
        self.env.invalidate_all()

    def refused(self, query, *arguments):
        """Check that the database refuses a statement."""
        self.env.flush_all()
        with (
            self.subTest(query=query),
            mute_logger("odoo.sql_db"),
            self.assertRaises(psycopg2.errors.RestrictViolation),
            self.env.cr.savepoint(),
        ):
            self.env.cr.execute(SQL(query, *arguments))
        self.env.invalidate_all()

    def years_ago(self, request, **delta):
        """Move a request and its journal into the past, as only the owner of the tables can."""
        self.env.flush_all()
        shift = relativedelta(**delta)
        tables = ("esign_request", "esign_event", "esign_event_private")
        for table in tables:
            self.env.cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER USER", SQL.identifier(table)))
        head = chain.start(request.reference)
        for entry in self.env["esign.event"]._journal(request):
            moment = datetime.fromisoformat(entry["at"].removesuffix("Z")) - shift
            entry["at"] = moment.isoformat(timespec="milliseconds") + "Z"
            head = chain.link(head, entry)
            self.env.cr.execute(
                "UPDATE esign_event SET at = %s, hash = %s WHERE request_id = %s AND seq = %s",
                [entry["at"], head, request.id, entry["seq"]],
            )
        moments = {
            name: request[name] - shift for name in ("answered_on", "retention_until", "delivered_on") if request[name]
        }
        columns = SQL(", ").join(SQL("%s = %s", SQL.identifier(name), value) for name, value in moments.items())
        self.env.cr.execute(
            SQL("UPDATE esign_request SET %s, journal_head = %s WHERE id = %s", columns, head, request.id)
        )
        self.env.cr.execute(
            "UPDATE esign_event_private SET keep_until = keep_until - %s WHERE request_id = %s",
            [datetime(2026, 3, 1) - (datetime(2026, 3, 1) - shift), request.id],
        )
        for signer in request.signer_ids.filtered("answered_on"):
            signer.answered_on -= shift
        self.env.flush_all()
        for table in tables:
            self.env.cr.execute(SQL("ALTER TABLE %s ENABLE TRIGGER USER", SQL.identifier(table)))
        self.env.invalidate_all()

    def to_the_last_day(self, request):
        """Move a request back until today is the last day of its term."""
        request.invalidate_recordset()
        self.years_ago(request, days=(request.retention_until - self.today()).days)

    def today(self):
        return self.env["esign.request"]._now().date()

    def files(self, request):
        domain = [("res_model", "=", "esign.document"), ("res_field", "=", "content")]
        return self.env["ir.attachment"].sudo().search([*domain, ("res_id", "in", request.document_ids.ids)])

    def run_cron(self, name):
        self.env.flush_all()
        self.env.ref(f"esign_quote.ir_cron_{name}").method_direct_trigger()
        self.env.invalidate_all()

    def verify(self, request, **options):
        journal = self.env["esign.event"]._journal(request)
        return chain.verify(request.reference, journal, request.journal_head, **options)


@tagged("post_install", "-at_install")
class TestTerm(RetentionCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.read_and_sign(cls.send())

    # === FROM WHEN IT IS COUNTED === #

    def test_ten_years_from_the_answer(self):
        self.assertEqual(self.request.retention_until, self.request.answered_on.date() + relativedelta(years=10))
        facts = self.request._retention_facts()
        self.assertEqual(facts, {"years": 10, "counted_from": "the later of signature and delivery", "until": None})

    def test_a_refusal_an_expiry_and_a_void_one_have_a_term_too(self):
        declined = self.send(self.new_order())
        ticket = self.prove(declined)
        ticket._decline("too dear", ORIGIN)
        expired = self.send(self.new_order())
        expired._set_expired()
        void = self.send(self.new_order())
        void.action_cancel()
        for request, since in ((declined, "the refusal"), (expired, "the expiry"), (void, "the end of the procedure")):
            request.invalidate_recordset()
            until = request.answered_on.date() + relativedelta(years=10)
            self.assertEqual(request.retention_until, until)
            facts = {"years": 10, "counted_from": since, "until": until.isoformat()}
            self.assertEqual(request._retention_facts(), facts)
        self.assertFalse(self.send(self.new_order()).retention_until, "an open one has none")

    def test_delivered_later_is_kept_longer(self):
        self.assertEqual(self.order.state, "sale")
        self.run_cron("deliveries")
        self.assertFalse(self.request.delivered_on)
        self.years_ago(self.request, years=3)
        self.order.order_line.filtered("product_id")[0].qty_delivered = 100
        self.run_cron("deliveries")
        self.assertFalse(self.request.delivered_on, "not all lines")
        for line in self.order.order_line.filtered("product_id"):
            line.qty_delivered = line.product_uom_qty
        self.run_cron("deliveries")
        self.assertEqual(self.request.delivered_on, self.today())
        self.assertEqual(self.request.retention_until, self.today() + relativedelta(years=10))
        self.assertEqual(self.request._retention_facts()["until"], self.request.retention_until.isoformat())
        self.assertEqual(self.entries(self.request)[-1], "delivery.recorded")
        self.run_cron("deliveries")
        self.assertEqual(self.entries(self.request).count("delivery.recorded"), 1)

    def test_a_salesperson_says_when_it_was_performed(self):
        self.years_ago(self.request, years=1)
        window = self.env["esign.performed"].with_user(self.sale_user)
        window.create({"request_id": self.request.id, "day": self.today() - timedelta(days=30)}).action_confirm()
        self.env.invalidate_all()
        self.assertEqual(self.request.delivered_on, self.today() - timedelta(days=30))
        self.assertEqual(self.request.retention_until, self.request.delivered_on + relativedelta(years=10))
        with self.assertRaisesRegex(UserError, "only moves forward"):
            window.create({"request_id": self.request.id, "day": self.today() - timedelta(days=31)}).action_confirm()
        with self.assertRaisesRegex(UserError, "in the future"):
            window.create({"request_id": self.request.id, "day": self.today() + timedelta(days=2)}).action_confirm()
        other = self.new_user("colleague", "sales_team.group_sale_salesman")
        with self.assertRaises(AccessError):
            window.with_user(other).create({"request_id": self.request.id}).action_confirm()

    def test_requests_of_earlier_versions_get_their_term(self):
        open_one = self.send(self.new_order())
        until = self.request.retention_until
        self.sql("ALTER TABLE esign_request DISABLE TRIGGER USER")
        self.sql("UPDATE esign_request SET retention_until = NULL")
        self.sql("ALTER TABLE esign_request ENABLE TRIGGER USER")
        script = file_path("esign_quote/migrations/19.0.2.0.0/pre-retention.py")
        spec = importlib.util.spec_from_file_location("pre_retention", script)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.migrate(self.env.cr, "19.0.1.1.0")
        self.env.invalidate_all()
        self.assertEqual((self.request.retention_until, open_one.retention_until), (until, False))

    # === NOTHING SHORTENS IT === #

    def test_the_term_cannot_be_shortened_by_sql(self):
        self.request._record_delivery(self.today(), "order")
        table = "UPDATE esign_request SET "
        for change in (
            "retention_until = retention_until - 1",
            "retention_until = NULL",
            "answered_on = answered_on - interval '10 years'",
            "answered_on = NULL",
            "delivered_on = delivered_on - 1",
            "delivered_on = NULL",
            "delivered_on = delivered_on + 1000",
            "purged_on = now()",
            "legal_hold = TRUE",
            "archive_signed = FALSE",
            "signed_removed_on = now()",
            "reference = 'ES-0'",
        ):
            self.refused(table + change + " WHERE id = %s", self.request.id)
        self.refused("DELETE FROM esign_request WHERE id = %s", self.request.id)
        self.refused("TRUNCATE esign_request CASCADE")
        self.refused("TRUNCATE ir_attachment CASCADE")

    def test_an_open_request_does_not_get_a_term_in_the_past(self):
        request = self.send(self.new_order())
        table = "UPDATE esign_request SET state = 'expired', "
        self.refused(table + "retention_until = '2020-01-01' WHERE id = %s", request.id)
        self.refused(
            table + "retention_until = '2020-01-01', answered_on = '2010-01-01' WHERE id = %s",
            request.id,
        )

    def test_nothing_goes_before_the_last_day_is_over(self):
        self.order._action_cancel()
        self.to_the_last_day(self.request)
        self.assertEqual(self.request.retention_until, self.today(), "9 years and 364 days, and the last")
        self.run_cron("purge")
        self.assertFalse(self.request.purged_on)
        self.request._log([("retention.purged", {})])
        self.refused("UPDATE esign_request SET purged_on = now() WHERE id = %s", self.request.id)
        for table in ("esign_document", "esign_proof", "esign_event"):  # the technical log has another term
            self.refused("DELETE FROM %s WHERE request_id = %s", SQL.identifier(table), self.request.id)
        self.refused("UPDATE esign_event SET payload = NULL WHERE request_id = %s", self.request.id)
        self.refused("DELETE FROM ir_attachment WHERE id IN %s", tuple(self.files(self.request).ids))

    def test_the_mark_of_the_purge_alone_opens_nothing(self):
        """Not even with triggers switched off for the mark: those of the rows ask for the term themselves."""
        self.sql("ALTER TABLE esign_request DISABLE TRIGGER USER")
        self.sql("UPDATE esign_request SET purged_on = now() WHERE id = %s", self.request.id)
        self.sql("ALTER TABLE esign_request ENABLE TRIGGER USER")
        for table in ("esign_proof", "esign_document", "esign_event_private"):
            self.refused("DELETE FROM %s WHERE request_id = %s", SQL.identifier(table), self.request.id)
        self.refused("DELETE FROM ir_attachment WHERE id IN %s", tuple(self.files(self.request).ids))
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.RestrictViolation), self.env.cr.savepoint():
            self.request.proof_ids.with_context(esign_purge=AT_ITS_TERM).unlink()

    def test_a_table_of_the_same_name_deceives_nobody(self):
        self.sql(
            "CREATE TEMPORARY TABLE esign_request ON COMMIT DROP AS"
            " SELECT id, now() AS purged_on, date '2020-01-01' AS retention_until, FALSE AS legal_hold"
            " FROM public.esign_request"
        )
        self.refused("DELETE FROM esign_proof WHERE request_id = %s", self.request.id)
        self.sql("DROP TABLE pg_temp.esign_request")

    def test_the_orm_refuses_whoever_has_not_the_key(self):
        for context in ({}, {"esign_purge": True}, {"esign_purge": "AT_ITS_TERM"}):
            with self.assertRaises(AccessError):
                self.request.proof_ids.sudo().with_context(**context).unlink()
            with self.assertRaises(AccessError):
                self.files(self.request).with_context(**context).unlink()

    # === LEGAL HOLD === #

    def test_a_hold_stops_the_purge_and_leaves_entries(self):
        manager = self.new_user("esign", "esign_quote.esign_quote_group_manager")
        window = self.env["esign.hold"].with_user(manager)
        with self.assertRaises(AccessError):
            window.with_user(self.sale_manager).create({"request_id": self.request.id, "reason": "x"})
        with self.assertRaisesRegex(UserError, "Please give the reason"):
            window.create({"request_id": self.request.id, "reason": " "}).action_confirm()
        window.create({"request_id": self.request.id, "reason": "claim of 3 March"}).action_confirm()
        self.env.invalidate_all()
        entry = self.request.event_ids.sorted("seq")[-1]
        self.assertEqual((entry.type, entry.actor), ("hold.set", "user:esign"))
        self.assertEqual(entry.payload, {"reason": "claim of 3 March", "by": "esign"})
        self.assertEqual((self.request.legal_hold, self.request.legal_hold_reason), (True, "claim of 3 March"))
        self.order._action_cancel()
        self.years_ago(self.request, years=11)
        self.run_cron("purge")
        self.run_cron("private")
        self.assertTrue(self.request.proof_ids and self.request.event_ids.private_ids)
        self.refused("UPDATE esign_request SET legal_hold = FALSE WHERE id = %s", self.request.id)
        self.refused("DELETE FROM esign_event_private WHERE request_id = %s", self.request.id)
        window.create({"request_id": self.request.id, "reason": "settled"}).action_confirm()
        self.env.invalidate_all()
        self.assertEqual(self.entries(self.request)[-1], "hold.lifted")
        self.run_cron("purge")
        self.assertTrue(self.request.purged_on)
        with self.assertRaisesRegex(UserError, "were destroyed"):
            window.create({"request_id": self.request.id, "reason": "late"}).action_confirm()

    # === PURGE === #

    def test_the_day_after_everything_goes_but_the_skeleton(self):
        self.order._action_cancel()
        self.to_the_last_day(self.request)
        self.years_ago(self.request, days=1)
        request, signer = self.request, self.request.signer_ids
        hashes = request.event_ids.sorted("seq").mapped("hash")
        files = {document.sha256 for document in request.document_ids}
        attachments = self.files(request)
        self.run_cron("purge")
        self.assertTrue(request.purged_on)
        self.assertFalse(request.document_ids or request.proof_ids or request.delivery_ids or attachments.exists())
        self.assertFalse(
            self.env["esign.ticket"].with_context(active_test=False).search([("signer_id", "=", signer.id)])
        )
        # Of all models that there are: a new one that holds something of a request has to go, too.
        self.assertLessEqual(self.left_of(request), {"esign.event", "esign.signer", "esign.timestamp"})
        journal = self.env["esign.event"]._journal(request)
        self.assertEqual([entry["hash"] for entry in journal[:-1]], hashes)
        self.assertEqual({entry["payload"] is None for entry in journal[:-1]}, {True})
        self.assertEqual(self.verify(request, purged=True), request.journal_head)
        self.assertEqual(journal[-1]["type"], "retention.purged")
        self.assertEqual({item["sha256"] for item in journal[-1]["payload"]["files"]}, files)
        self.assertEqual(len(journal[-1]["payload"]["proofs"]), 1)
        self.env.cr.execute(
            "SELECT s::text || r::text || COALESCE((SELECT string_agg(e::text, '') FROM esign_event e WHERE e.request_id = r.id), '')"
            " FROM esign_request r JOIN esign_signer s ON s.request_id = r.id WHERE r.id = %s",
            [request.id],
        )
        (left,) = self.env.cr.fetchone()
        for personal in ("Jeanne", "Martin", "customer.example", ORIGIN["ip"], ORIGIN["user_agent"]):
            self.assertNotIn(personal, left)
        self.assertFalse(self.env["esign.request"]._public_facts(request.reference))
        self.run_cron("purge")
        self.assertEqual(self.entries(request).count("retention.purged"), 1)
        self.refused("UPDATE esign_request SET purged_on = NULL WHERE id = %s", request.id)
        self.refused("DELETE FROM esign_event WHERE request_id = %s", request.id)
        self.refused("UPDATE esign_event SET payload = '{}' WHERE request_id = %s", request.id)

    def left_of(self, request):
        """Return the models, of all that there are, that still have rows of a request."""
        return {
            name
            for name, model in self.env.items()
            if not model._abstract and not model._transient
            for field in model._fields.values()
            if field.type == "many2one" and field.store and field.comodel_name == "esign.request"
            if model.sudo().with_context(active_test=False).search_count([(field.name, "=", request.id)])
        }

    def test_what_is_not_delivered_is_not_purged_but_asked_for(self):
        self.years_ago(self.request, years=11)
        self.run_cron("purge")
        self.run_cron("purge")
        self.assertFalse(self.request.purged_on)
        asked = self.order.activity_ids.filtered(lambda item: item.summary == f"Was {self.order.name} performed?")
        self.assertEqual(len(asked), 1)
        self.request._log([("retention.purged", {})])
        self.refused("UPDATE esign_request SET purged_on = now() WHERE id = %s", self.request.id)

    def test_one_that_fails_holds_up_no_others(self):
        other = self.read_and_sign(self.send(self.new_order()))
        for request in (self.request, other):
            request.order_id._action_cancel()
            self.years_ago(request, years=11)
        original = type(self.request)._purge_facts

        def facts(request):
            if request == self.request:
                raise ValueError("broken")
            return original(request)

        with (
            mute_logger("odoo.addons.esign_quote.models.esign_request_purge"),
            patch.object(type(self.request), "_purge_facts", facts),
        ):
            self.run_cron("purge")
        self.assertEqual((bool(self.request.purged_on), bool(other.purged_on)), (False, True))
        self.assertNotIn("retention.purged", self.entries(self.request))


@tagged("post_install", "-at_install")
class TestTechnicalLog(RetentionCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.request = cls.send()
        origin = {"ip": "192.0.2.9", "user_agent": AGENT}
        ticket = cls.env["esign.ticket"]._find_by_secret(cls.last_secret())
        ticket._record_opening(origin)
        device = ticket._new_device()
        assert ticket._send_code(device, origin)["ok"]
        assert ticket._check_code(device, cls.last_code(), origin)["ok"]
        ticket._record_last_page(cls.request._document("quote").sha256)
        assert ticket._sign(cls.answer_of(cls.request), origin)["ok"]
        cls.env.invalidate_all()

    def test_an_unknown_event_is_refused(self):
        with self.assertRaisesRegex(ValueError, "unknown event"):
            self.request._log([("sign.cofirmed", {})])

    def test_addresses_and_full_browser_names_are_beside_the_journal(self):
        self.env.cr.execute(
            "SELECT string_agg(payload::text, '') FROM esign_event WHERE request_id = %s", [self.request.id]
        )
        (public,) = self.env.cr.fetchone()
        self.assertNotIn("Mozilla", public)
        by_type = {entry["type"]: entry["payload"] for entry in self.env["esign.event"]._journal(self.request)}
        for kind in ("link.opened", "code.requested", "code.validated", "sign.confirmed"):
            self.assertEqual((by_type[kind]["browser"], by_type[kind]["system"]), ("Firefox", "Linux"))
            self.assertEqual("ip" in by_type[kind], kind in ("code.validated", "sign.confirmed"))
            self.assertRegex(by_type[kind]["private_sha256"], "^[0-9a-f]{64}$")

    def test_each_part_that_is_kept_opens_its_commitment(self):
        kept = self.env["esign.event.private"]._kept(self.request)
        journal = {entry["seq"]: entry for entry in self.env["esign.event"]._journal(self.request)}
        committed = [seq for seq, entry in journal.items() if "private_sha256" in entry["payload"]]
        self.assertEqual([item["seq"] for item in kept], committed)
        for item in kept:
            wanted = journal[item["seq"]]["payload"]["private_sha256"]
            self.assertEqual(chain.commitment(item["salt"], item["private"]), wanted)
            self.assertEqual(item["private"]["user_agent"], AGENT)
        self.assertEqual(len({item["salt"] for item in kept}), len(kept))

    def test_who_may_read_them(self):
        manager = self.new_user("esign", "esign_quote.esign_quote_group_manager")
        event = self.request.event_ids.filtered(lambda item: item.type == "code.requested")
        self.assertIn("192.0.2.9", event.with_user(manager).private_detail)
        self.assertNotIn("192.0.2.9", event.with_user(manager).detail)
        with self.assertRaises(AccessError):
            event.with_user(self.sale_user).read(["private_detail"])

    def test_they_go_at_their_term_and_the_chain_stands(self):
        self.run_cron("private")
        self.refused("DELETE FROM esign_event_private WHERE request_id = %s", self.request.id)
        self.refused("UPDATE esign_event_private SET keep_until = now() WHERE request_id = %s", self.request.id)
        self.assertEqual(self.request.signer_ids.user_agent, AGENT)
        self.years_ago(self.request, months=12, days=1)
        self.run_cron("private")
        self.assertFalse(self.env["esign.event.private"]._kept(self.request))
        self.assertFalse(self.request.signer_ids.user_agent)
        self.assertEqual(self.request.signer_ids.ip, "192.0.2.9", "of the consent: as long as the proof")
        self.assertEqual(self.verify(self.request), self.request.journal_head)
        self.assertEqual(self.entries(self.request).count("private.erased"), 1)
        self.run_cron("private")
        self.assertEqual(self.entries(self.request).count("private.erased"), 1)
        with self.assertRaises(ChainBroken):
            journal = self.env["esign.event"]._journal(self.request)
            journal[3]["payload"] = None
            chain.verify(self.request.reference, journal)

    def test_the_term_is_the_companys_within_bounds(self):
        self.company.esign_private_months = 6
        self.request._log([("link.opened", {"private": {"ip": "192.0.2.9"}})])
        newest = self.env["esign.event.private"].search([], order="id desc", limit=1)
        self.assertEqual(newest.keep_until.date(), self.today() + relativedelta(months=6))
        for months in (5, 37):
            with self.assertRaises(psycopg2.errors.CheckViolation), mute_logger("odoo.sql_db"), self.env.cr.savepoint():
                self.company.esign_private_months = months
                self.env.flush_all()


@tagged("post_install", "-at_install")
class TestSignedFileNotArchived(RetentionCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.esign_archive_signed = False
        cls.request = cls.read_and_sign(cls.send())
        cls.company.esign_archive_signed = True  # what was said at sending counts

    def hand_over(self, days):
        self.run_cron("mails")
        copies = self.request.delivery_ids.filtered(lambda item: item.kind in ("signed_copy", "company_copy"))
        self.assertEqual(set(copies.mapped("state")), {"handed_over"})
        copies.handed_over_on = fields.Datetime.now() - timedelta(days=days)
        self.env.flush_all()

    def signed_file(self):
        domain = [("res_model", "=", "esign.document"), ("res_id", "=", self.request._document("signed").id)]
        return self.env["ir.attachment"].sudo().search([*domain, ("res_field", "=", "content")])

    def test_it_goes_when_both_have_had_it_for_thirty_days(self):
        document = self.request._document("signed")
        digest = document.sha256
        self.run_cron("signed_files")
        self.assertTrue(self.signed_file(), "not handed over yet")
        self.hand_over(29)
        self.run_cron("signed_files")
        self.assertTrue(self.signed_file())
        self.hand_over(31)
        self.run_cron("signed_files")
        self.assertFalse(self.signed_file())
        self.assertEqual((document.sha256, document._is_kept()), (digest, False))
        with self.assertRaisesRegex(UserError, "is not kept here"):
            document._bytes()
        self.assertTrue(self.request._document("quote")._bytes() and self.request._document("proof")._bytes())
        entry = self.request.event_ids.sorted("seq")[-1]
        self.assertEqual((entry.type, entry.payload), ("document.removed", {"kind": "signed", "sha256": digest}))
        self.assertIn(
            digest,
            [item["sha256"] for item in self.env["esign.request"]._public_facts(self.request.reference)["files"]],
        )

    def test_neither_before_nor_other_files_nor_on_hold(self):
        self.hand_over(31)
        self.refused("DELETE FROM ir_attachment WHERE id = %s", self.signed_file().id)
        self.request._set_hold("dispute")
        self.run_cron("signed_files")
        self.assertTrue(self.signed_file())
        self.request._lift_hold("over")
        self.request.delivery_ids.filtered(lambda item: item.kind == "signed_copy").state = "bounced"
        self.run_cron("signed_files")
        self.assertTrue(self.signed_file(), "it came back")
        self.refused("DELETE FROM esign_document WHERE id = %s", self.request._document("signed").id)
        for attachment in self.files(self.request):
            self.refused("DELETE FROM ir_attachment WHERE id = %s", attachment.id)

    def test_an_archived_one_stays(self):
        request = self.read_and_sign(self.send(self.new_order()))
        self.assertTrue(request.archive_signed)
        request.delivery_ids.write(
            {"state": "handed_over", "handed_over_on": fields.Datetime.now() - timedelta(days=99)}
        )
        self.run_cron("signed_files")
        self.assertFalse(request.signed_removed_on)
        self.refused("UPDATE esign_request SET archive_signed = FALSE WHERE id = %s", request.id)
