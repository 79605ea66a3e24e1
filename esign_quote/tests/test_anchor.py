"""The common hash of a day's journals: made at night, chained, mailed, and what it finds."""

import base64
import json
from datetime import timedelta
from unittest.mock import patch

import psycopg2
from odoo.exceptions import AccessError
from odoo.tests import TransactionCase, tagged
from odoo.tools import SQL, mute_logger

from odoo.addons.esign_quote.tools import chain, merkle
from odoo.addons.esign_quote.tools.exceptions import TimestampError
from odoo.addons.esign_quote.tools.hashing import canonical_json, sha256_hex

from .common import ORIGIN, EsignCommon


@tagged("post_install", "-at_install")
class TestAnchor(EsignCommon, TransactionCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env.user.email = "admin@seller.example"
        cls.other = cls.send(cls.new_order())
        cls.request = cls.send()  # the newest link is this one's
        cls.first = cls.env["esign.anchor"]._make(cls.today(cls) - timedelta(days=1))

    def today(self):
        return self.env["esign.request"]._now().date()

    def run_cron(self):
        self.env.flush_all()
        self.env.ref("esign_quote.ir_cron_anchor").method_direct_trigger()
        self.env.invalidate_all()

    def tamper(self, query, *arguments):
        """Do to the journal what only the owner of the tables can."""
        self._as_owner("esign_event", query, *arguments)

    def _as_owner(self, table, query, *arguments):
        self.env.flush_all()
        self.env.cr.execute(SQL("ALTER TABLE %s DISABLE TRIGGER USER", SQL.identifier(table)))
        self.env.cr.execute(SQL(query, *arguments))
        self.env.cr.execute(SQL("ALTER TABLE %s ENABLE TRIGGER USER", SQL.identifier(table)))
        self.env.invalidate_all()

    # === MAKING === #

    def test_it_is_the_tree_of_the_heads(self):
        leaves = self.first.leaves
        day = (self.today() - timedelta(days=1)).isoformat()
        self.assertEqual(leaves[0], {"day": day, "previous": ""})
        heads = [
            {"journal": request.reference, "seq": request.journal_seq, "head": request.journal_head}
            for request in (self.request + self.other).sorted("id")
        ]
        self.assertEqual(leaves[1:], heads)
        hashes = [merkle.leaf_hash(canonical_json(leaf)) for leaf in leaves]
        self.assertEqual((self.first.root, self.first.count), (merkle.root(hashes).hex(), 3))
        self.assertEqual(self.first._problems(), [])

    def test_only_what_moved_comes_under_the_next_and_days_are_chained(self):
        self.prove(self.request)
        second = self.env["esign.anchor"]._make()
        self.assertEqual(second.previous, self.first.root)
        self.assertEqual(second.leaves[0]["previous"], self.first.root)
        self.assertEqual([leaf["journal"] for leaf in second.leaves[1:]], [self.request.reference])
        self.assertEqual(second._problems(), [])
        self.assertFalse(self.env["esign.anchor"]._make(self.today() + timedelta(days=1)), "nothing moved")

    def test_there_is_one_a_day_whoever_is_faster(self):
        self.prove(self.request)
        anchors = self.env["esign.anchor"]
        self.assertTrue(anchors._make())
        self.other._log([("admin.override", {})])
        self.assertFalse(anchors._make())
        error = psycopg2.errors.UniqueViolation("duplicate key")
        with patch.object(type(anchors), "_make_now", side_effect=error):
            self.assertFalse(anchors._make(self.today() + timedelta(days=1)))

    def test_a_root_has_one_successor(self):
        values = {"root": "00", "previous": "", "count": 1}
        with mute_logger("odoo.sql_db"), self.assertRaises(psycopg2.errors.UniqueViolation), self.env.cr.savepoint():
            self.env["esign.anchor"].create({**values, "day": "2020-01-01"})

    def test_nobody_changes_it(self):
        with self.assertRaises(AccessError):
            self.first.write({"root": "0"})
        with self.assertRaises(AccessError):
            self.first.unlink()
        for statement in (
            "UPDATE esign_anchor SET root = '0'",
            "DELETE FROM esign_anchor",
            "UPDATE esign_anchor_leaf SET head = '0'",
            "DELETE FROM esign_anchor_leaf",
            "TRUNCATE esign_anchor_leaf",
        ):
            with (
                self.subTest(statement),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.RestrictViolation),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(statement)

    # === FACTS FOR OTHERS === #

    def test_the_facts_of_a_request_lead_to_the_root(self):
        self.read_and_sign(self.request)
        self.env["esign.anchor"]._make()
        facts = self.request._anchor_facts()
        self.assertEqual(len(facts), 2)
        journal = {entry["seq"]: entry["hash"] for entry in self.env["esign.event"]._journal(self.request)}
        for fact in facts:
            leaf = fact["leaf"]
            self.assertEqual(leaf["journal"], self.request.reference)
            self.assertEqual(journal[leaf["seq"]], leaf["head"])
            way = [bytes.fromhex(item) for item in fact["path"]]
            hashed = merkle.leaf_hash(canonical_json(leaf))
            self.assertEqual(merkle.root_from_path(fact["index"], fact["count"], hashed, way).hex(), fact["root"])
            manifest = json.loads(fact["manifest"])
            self.assertEqual(
                manifest,
                {
                    "format": "esign_quote/anchor/1",
                    "day": fact["day"],
                    "root": fact["root"],
                    "count": fact["count"],
                },
            )
            self.assertEqual(canonical_json(manifest).decode(), fact["manifest"])
            self.assertEqual(fact["token"], "")

    # === WHAT IT FINDS === #

    def test_an_entry_that_was_rewritten_with_its_whole_chain_is_named(self):
        """The database administrator's edit: a chain that verifies, and another history."""
        head = chain.start(self.request.reference)
        for entry in self.env["esign.event"]._journal(self.request):
            if entry["type"] == "recipient.frozen":
                entry["payload"]["email"] = "thief@evil.example"
                entry["payload_sha256"] = chain.payload_hash(entry["payload"])
            head = chain.link(head, entry)
            self.tamper(
                "UPDATE esign_event SET payload = %s::jsonb, payload_sha256 = %s, hash = %s WHERE request_id = %s AND seq = %s",
                json.dumps(entry["payload"]),
                entry["payload_sha256"],
                head,
                self.request.id,
                entry["seq"],
            )
        self.env.cr.execute("UPDATE esign_request SET journal_head = %s WHERE id = %s", [head, self.request.id])
        self.env.invalidate_all()
        chain.verify(self.request.reference, self.env["esign.event"]._journal(self.request), head)
        self.assertEqual(self.first._problems(), [("head", self.request.reference)])
        seq = str(self.first.leaf_ids.filtered(lambda leaf: leaf.request_id == self.request.id).seq)
        self.assertIn({"what": "journal", "name": seq}, self.request._integrity_found(), "the night's check sees it")

    def test_a_tail_that_was_cut_off_is_named(self):
        self.tamper("DELETE FROM esign_event WHERE request_id = %s AND seq = %s", self.other.id, self.other.journal_seq)
        self.assertEqual(self.first._problems(), [("head", self.other.reference)])
        action = self.first.with_user(self.env.ref("base.user_admin")).action_check()
        self.assertIn(self.other.reference, action["params"]["message"])
        self.assertEqual(action["params"]["type"], "danger")

    def test_leaves_or_roots_that_were_rewritten_are_named(self):
        self._as_owner("esign_anchor_leaf", "UPDATE esign_anchor_leaf SET head = %s WHERE position = 1", "00" * 32)
        self.assertEqual({kind for kind, _name in self.first._problems()}, {"root", "head"})

    def test_the_nights_check_computes_each_root_once(self):
        """Who rewrote a journal, its head and its leaf is still found by the root; who rewrote that, by the next."""
        self.request._log([("link.opened", {})])
        second = self.env["esign.anchor"]._make()
        led = {request: request._led_anchors() for request in self.request | self.other}
        self.assertEqual(sorted(anchor.id for anchors in led.values() for anchor in anchors), [self.first.id, second.id])
        finding = {"what": "root", "name": self.first.day.isoformat()}
        first = next(request for request, anchors in led.items() if self.first in anchors)
        others = (self.request | self.other) - first
        self.assertNotIn(finding, first._integrity_found())
        self.tamper("UPDATE esign_event SET hash = %s WHERE request_id = %s AND seq = 1", "00" * 32, others.id)
        leaf = "UPDATE esign_anchor_leaf SET head = %s WHERE request_id = %s"
        self._as_owner("esign_anchor_leaf", leaf, "00" * 32, others.id)
        self.assertIn(finding, first._integrity_found())
        self.assertNotIn(finding, others._integrity_found(), "one alarm, not one for each journal")

    def test_a_root_is_checked_when_its_first_journal_is_purged(self):
        leader = next(request for request in self.request | self.other if request._led_anchors())
        self._as_owner("esign_request", "UPDATE esign_request SET purged_on = now() WHERE id = %s", leader.id)
        self.assertEqual(((self.request | self.other) - leader)._led_anchors(), self.first)

    def test_one_of_many_is_named_and_it_is_fast(self):
        """Two thousand journals: the statement that reads them, the tree, and the comparison."""
        self.env.cr.execute(
            """INSERT INTO esign_request (reference, order_id, company_id, state, after_signature, audience, channel,
                                          journal_seq, journal_head)
               SELECT 'ES-MANY-' || n, %s, %s, 'void', 'check', 'consumer', 'mail', 1, repeat('0', 64)
                 FROM generate_series(1, 2000) n""",
            [self.order.id, self.company.id],
        )
        self.env.cr.execute(
            """INSERT INTO esign_event (request_id, seq, type, at, actor, payload_sha256, hash)
               SELECT id, 1, 'request.created', '2026-11-28T00:00:00.000Z', 'system', repeat('0', 64), md5(reference)
                 FROM esign_request WHERE reference LIKE 'ES-MANY-%%'"""
        )
        anchor = self.env["esign.anchor"]._make()
        self.assertEqual(anchor.count, 2001)
        self.assertEqual(anchor._problems(), [])
        self.tamper("UPDATE esign_event SET hash = md5('x') WHERE hash = md5('ES-MANY-1234')")
        self.assertEqual(anchor._problems(), [("head", "ES-MANY-1234")])

    # === MAIL AND TIME-STAMP === #

    def test_the_company_gets_it_by_mail_once(self):
        company = self.env["res.company"].create({"name": "Elsewhere", "email": "hello@elsewhere.example"})
        manager = self.new_user("esign", "esign_quote.esign_quote_group_manager")
        self.run_cron()
        self.run_cron()
        self.send_queue()
        (mail,) = [item for item in self.sent() if item.subject.startswith("Signature journals of")]
        self.assertIn("office@seller.example", mail.to)
        self.assertIn(manager.email, mail.to)
        self.assertIn(self.first.root, mail.html)
        self.assertIn("keep this message", mail.html)
        name = f"anchor-{self.first.day.isoformat()}.json"
        copy = json.loads(mail.files[name])
        self.assertEqual(copy["manifest"], self.first._manifest())
        self.assertEqual(
            [item["journal"] for item in copy["journals"]], (self.request + self.other).sorted("id").mapped("reference")
        )
        self.assertEqual(self.first.copy_ids.company_id, self.company)
        self.assertFalse(company & self.first.copy_ids.company_id, "nothing of theirs is in it")

    def test_without_an_authority_there_is_no_token(self):
        self.env["esign.anchor"]._stamp_missing()
        self.assertFalse(self.first._token())

    def test_the_token_comes_when_the_authority_answers(self):
        stamps = self.env["esign.timestamp"]
        self.company.esign_tsa_url = "https://stamp.example/tsa"

        def obtain(_model, company, kind, manifest, request=None, anchor=None):
            self.assertEqual((company, kind, request), (self.company, "anchor", None))
            content = canonical_json(manifest)
            return stamps.sudo().create(
                {
                    "company_id": company.id,
                    "anchor_id": anchor.id,
                    "kind": kind,
                    "manifest": content.decode(),
                    "imprint": sha256_hex(content),
                    "token": base64.b64encode(b"token"),
                    "gen_time": "2026-11-28 02:10:00",
                    "serial": "1",
                    "policy": "1.2.3",
                    "authority": "Stamp",
                    "certificate_until": "2030-01-01",
                }
            )

        with (
            patch.object(type(stamps), "_obtain", side_effect=TimestampError("connection")),
            mute_logger("odoo.addons.esign_quote.models.esign_anchor"),
        ):
            self.run_cron()
        self.assertFalse(self.first._token() or self.first.copy_ids, "the mail waits for the token")
        with patch.object(type(stamps), "_obtain", obtain):
            self.run_cron()
            self.run_cron()
        self.assertEqual(len(self.first.timestamp_ids), 1)
        fact = self.request._anchor_facts()[0]
        self.assertEqual(base64.b64decode(fact["token"]), b"token")
        self.assertEqual(self.first._root_problems(), [("timestamp", self.first.day.isoformat())], "no token at all")
        self.assertEqual(self.first._token().imprint, sha256_hex(fact["manifest"].encode()))
        self.send_queue()
        (mail,) = [item for item in self.sent() if item.subject.startswith("Signature journals of")]
        self.assertEqual(mail.files[f"anchor-{self.first.day.isoformat()}.tsr"], b"token")
        self.assertIn("Stamp, 2026-11-28T02:10:00Z", mail.html)


@tagged("post_install", "-at_install")
class TestPromisedEvents(EsignCommon, TransactionCase):
    """Events of the list that are easy to forget."""

    def test_a_change_of_address_shortly_before_is_told(self):
        self.flush_tracking()
        self.customer.write({"email": "j.martin@elsewhere.example", "phone": "+33 6 12 34 56 78"})
        self.flush_tracking()
        self.customer.phone = "+33 6 12 34 56 79"
        self.flush_tracking()
        request = self.send()
        changes = request.event_ids.filtered(lambda item: item.type == "contact.changed_recently").sorted("seq")
        told = {(item.payload["field"], item.payload["before"]) for item in changes}
        self.assertEqual(told, {("email", "jeanne.martin@customer.example"), ("phone", ""), ("phone", "••• 78")})

    def flush_tracking(self):
        self.env.flush_all()
        self.cr.precommit.run()

    def test_what_was_shown_and_what_was_not_ticked(self):
        request = self.send()
        consents = [{**item, "required": item["code"] != "C2"} for item in request.signer_ids.consents]
        request.signer_ids.consents = consents
        self.read_and_sign(request, consents=[item["code"] for item in consents if item["required"]])
        entries = {(item.type, item.payload.get("code")) for item in request.event_ids}
        self.assertIn(("consent.unticked", "C2"), entries)
        self.assertNotIn(("consent.ticked", "C2"), entries)
        (shown,) = request.event_ids.filtered(lambda item: item.type == "recap.shown")
        self.assertEqual(shown.payload["sha256"], sha256_hex(canonical_json(request.signer_ids.recap)))

    def test_staff_that_opens_the_proof_leaves_an_entry(self):
        request = self.read_and_sign(self.send())
        request._document("signed").with_user(self.sale_user).action_download()
        self.assertNotIn("proof.viewed", self.entries(request))
        request._document("proof").with_user(self.sale_user).action_download()
        (viewed,) = request.event_ids.filtered(lambda item: item.type == "proof.viewed")
        self.assertEqual(viewed.actor, "user:salesman")

    def test_the_session_and_the_order(self):
        request = self.read_and_sign(self.send())
        types = self.entries(request)
        self.assertEqual(types[types.index("code.validated") + 1], "session.started")
        self.assertEqual(types[-1], "order.confirmed")
        declined = self.send(self.new_order())
        self.prove(declined)._decline("", ORIGIN)
        self.assertNotIn("order.confirmed", self.entries(declined))
