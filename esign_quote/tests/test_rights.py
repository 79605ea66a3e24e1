import re

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.service.model import get_public_method
from odoo.tests import HttpCase, TransactionCase, tagged
from odoo.tools import mute_logger

from .common import EsignCommon, EsignHttpCommon

# Who may do what: r(ead) by rights on the model. Nobody writes but where it says so.
READERS = ("own", "lead", "manager", "esign", "system")
MATRIX = {
    "esign.request": dict.fromkeys(READERS, "r"),
    "esign.signer": dict.fromkeys(READERS, "r"),
    "esign.delivery": dict.fromkeys(READERS, "r"),
    "esign.mail.source": dict.fromkeys(READERS, "r"),
    "esign.document": dict.fromkeys(READERS, "r"),
    "esign.event": dict.fromkeys(READERS, "r"),
    "esign.event.private": dict.fromkeys(("esign", "system"), "r"),
    "esign.anchor": {"esign": "r", "system": "r"},
    "esign.anchor.leaf": {},
    "esign.anchor.copy": {"esign": "r", "system": "r"},
    "esign.proof": dict.fromkeys(READERS, "r"),
    "esign.timestamp": dict.fromkeys(READERS, "r"),
    "esign.authority": {"esign": "r", "system": "r"},
    "esign.revocation": {"esign": "r", "system": "r"},
    # The certificate is public; salespeople see that there is one.
    "esign.seal": dict.fromkeys((*READERS, "other"), "r"),
    "esign.consent": {"own": "r", "other": "r", "lead": "r", "manager": "r", "esign": "rwcd", "system": "rwcd"},
    "esign.ticket": {},
    "esign.otp": {},
    "esign.lock": {},
    "esign.throttle": {},
    "esign.link.wish": {},
    # Windows: a record is its user's own, and what it does is checked when it does it.
    "esign.resend": dict.fromkeys((*READERS, "other"), "rwc"),
    "esign.next.signer": dict.fromkeys((*READERS, "other"), "rwcd"),
    "esign.unlock": {"esign": "rwc", "system": "rwc"},
    "esign.uninstall": {"system": "rwc"},
    "esign.export": {"system": "r"},
    "esign.hold": {"esign": "rwc", "system": "rwc"},
    "esign.performed": dict.fromkeys((*READERS, "other"), "rwc"),
    "esign.seal.import": {"esign": "rwcd", "system": "rwcd"},
    "esign.seal.token": {"esign": "rwcd", "system": "rwcd"},
    "esign.seal.revoke": {"esign": "rwc", "system": "rwc"},
}
# "own" is the salesperson of the quotation, "other" a colleague who sees own documents only.
ROLES = ("public", "portal", "employee", "accountant", "own", "other", "lead", "manager", "esign", "system")
OPERATIONS = {"r": "read", "w": "write", "c": "create", "d": "unlink"}
SECRETS = (
    *(("esign.ticket", name) for name in ("secret_hash", "device_hash", "half_hash")),
    *(("esign.otp", name) for name in ("digest", "salt", "device_hash", "wrong")),
    ("esign.lock", "unlock_hash"),
    ("esign.signer", "draft"),
    ("esign.seal", "key_vault"),
    ("res.company", "esign_tsa_password_vault"),
)
VALUES = {
    "esign.request": {"closing_reason": "x"},
    "esign.signer": {"comment": "x"},
    "esign.delivery": {"state": "handed_over"},
    "esign.mail.source": {"source": "x"},
    "esign.document": {"name": "x"},
    "esign.event": {"type": "x"},
    "esign.event.private": {"salt": "00"},
    "esign.anchor": {"root": "00"},
    "esign.anchor.leaf": {"head": "00"},
    "esign.anchor.copy": {"addresses": "x"},
    "esign.proof": {"sha256": "x"},
    "esign.timestamp": {"serial": "x"},
    "esign.authority": {"reason": "x"},
    "esign.revocation": {"reason": "x"},
    "esign.seal": {"subject": "x"},
    "esign.consent": {"code": "X1", "text": "text"},
    "esign.ticket": {"uid": "x"},
    "esign.otp": {"state": "used"},
    "esign.lock": {"failures": 0},
    "esign.throttle": {"moments": []},
    "esign.link.wish": {"email": "x@customer.example"},
    "esign.resend": {"email": "x@customer.example"},
    "esign.next.signer": {"sequence": 2},
    "esign.unlock": {"reason": "x"},
    "esign.uninstall": {"database": "x"},
    "esign.export": {"file_name": "x"},
    "esign.hold": {"reason": "x"},
    "esign.performed": {"day": "2026-01-31"},
    "esign.seal.import": {"password": "x"},
    "esign.seal.token": {"certificate": False},
    "esign.seal.revoke": {"reason": "x"},
}


@tagged("post_install", "-at_install")
class TestRights(EsignCommon, TransactionCase):
    """Law 3: what each kind of user may do with each of our models."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.set_up_people_and_records(cls)

    @staticmethod
    def set_up_people_and_records(cls):  # noqa: PLW0211  for another class
        """Give a test class one user of each role, and one record of each model."""
        cls.users = {
            "public": cls.env.ref("base.public_user"),
            "portal": cls.new_user("jeanne", "base.group_portal"),
            "employee": cls.new_user("clerk", "base.group_user"),
            "own": cls.sale_user,
            "other": cls.new_user("colleague", "sales_team.group_sale_salesman"),
            "accountant": cls.new_user("accountant", "account.group_account_invoice"),
            "lead": cls.new_user("lead", "sales_team.group_sale_salesman_all_leads"),
            "manager": cls.sale_manager,
            "esign": cls.new_user("esign", "esign_quote.esign_quote_group_manager"),
            "system": cls.new_user("root2", "base.group_system"),
        }
        # The portal user is the customer who signed.
        cls.order.partner_id = cls.users["portal"].partner_id
        cls.users["portal"].partner_id.write({"email": "jeanne.martin@customer.example", "name": "Jeanne Martin"})
        cls.request = cls.read_and_sign(cls.send())
        cls.env["esign.lock"]._take_try("link:0", 3, 60)
        anchor = cls.env["esign.anchor"]._make()
        cls.records = {
            "esign.request": cls.request,
            "esign.signer": cls.request.signer_ids,
            "esign.delivery": cls.request.delivery_ids,
            "esign.mail.source": cls.env["esign.mail.source"].search([("request_id", "=", cls.request.id)]),
            "esign.document": cls.request.document_ids,
            "esign.event": cls.request.event_ids,
            "esign.event.private": cls.request.event_ids.private_ids,
            "esign.anchor": anchor,
            "esign.anchor.leaf": anchor.leaf_ids,
            "esign.anchor.copy": cls.env["esign.anchor.copy"].create(
                {"anchor_id": anchor.id, "company_id": cls.company.id, "addresses": "x"}
            ),
            "esign.proof": cls.request.proof_ids,
            "esign.timestamp": cls.env["esign.timestamp"].create(
                {
                    **dict.fromkeys(("manifest", "imprint", "token", "serial", "policy", "authority"), "eA=="),
                    **dict.fromkeys(("gen_time", "certificate_until"), cls.request.sealed_on),
                    "company_id": cls.company.id,
                    "request_id": cls.request.id,
                    "kind": "late",
                }
            ),
            "esign.authority": cls.env["esign.authority"].create({"company_id": cls.company.id}),
            "esign.revocation": cls.env["esign.revocation"].create(
                {"company_id": cls.company.id, "purpose": "seal", "fingerprint": "x"}
            ),
            "res.company": cls.company,
            "esign.seal": cls.request.seal_id,
            "esign.consent": cls.env.ref("esign_quote.esign_consent_electronic"),
            "esign.ticket": cls.request.signer_ids.ticket_ids,
            "esign.otp": cls.env["esign.otp"].search([("ticket_id", "in", cls.request.signer_ids.ticket_ids.ids)]),
            "esign.lock": cls.env["esign.lock"].search([], limit=1),
            "esign.seal.import": cls.env["esign.seal.import"].create({}),
            "esign.seal.token": cls.env["esign.seal.token"].create({}),
            "esign.seal.revoke": cls.env["esign.seal.revoke"].create(
                {"seal_id": cls.request.seal_id.id, "reason": "x"}
            ),
            "esign.throttle": cls.env["esign.throttle"].search([], limit=1),
            "esign.link.wish": cls.env["esign.link.wish"].create({"email": "x@customer.example"}),
            "esign.resend": cls.env["esign.resend"].create({"request_id": cls.request.id}),
            "esign.next.signer": cls.env["esign.next.signer"].create(
                {"composer_id": cls.compose(cls.new_order(), cls.env.user).id, "partner_id": cls.customer.id}
            ),
            "esign.unlock": cls.env["esign.unlock"].create({"request_id": cls.request.id, "reason": "x"}),
            "esign.uninstall": cls.env["esign.uninstall"].create({}),
            "esign.export": cls.env["esign.export"]._start(),
            "esign.hold": cls.env["esign.hold"].create({"request_id": cls.request.id, "reason": "x"}),
            "esign.performed": cls.env["esign.performed"].create({"request_id": cls.request.id}),
        }

    def test_the_matrix_names_every_model(self):
        ours = {name for name, model in self.env.items() if name.startswith("esign.") and not model._abstract}
        self.assertEqual(ours, set(MATRIX))
        self.assertTrue(all(self.records.values()))

    @mute_logger("odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models.unlink")
    def test_the_matrix(self):
        for model, rights in MATRIX.items():
            for role in ROLES:
                for letter, operation in OPERATIONS.items():
                    with self.subTest(f"{role} {operation} {model}"):
                        allowed = letter in rights.get(role, "")
                        self.assertEqual(self._can(model, role, operation), allowed)

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_no_user_reads_a_secret(self):
        for model, name in SECRETS:
            for role, user in self.users.items():
                with self.subTest(f"{role} {model}.{name}"):
                    record = self.records[model].with_user(user)
                    self.assertIsInstance(self._attempt(lambda: record.read([name])), AccessError)  # noqa: B023

    @mute_logger("odoo.addons.base.models.ir_model")
    def test_the_administrator_finds_no_way_round(self):
        for model, name in SECRETS:
            record = self.records[model].with_user(self.users["system"])
            ways = {
                "mapped": lambda record=record, name=name: record.mapped(name),
                "search": lambda record=record, name=name: record.search([(name, "!=", False)]),
                "order": lambda record=record, name=name: record.search([], order=name),
                "group": lambda record=record, name=name: record.formatted_read_group([], [name], ["__count"]),
                "export": lambda record=record, name=name: record.export_data([name]),
                "web": lambda record=record, name=name: record.web_read({name: {}}),
            }
            for way, attempt in ways.items():
                with self.subTest(f"{way} {model}.{name}"):
                    self.assertIsInstance(self._attempt(attempt), Exception)

    def test_a_secret_is_not_among_the_fields_of_the_administrator(self):
        admin = self.users["system"]
        self.assertNotIn("key_vault", self.env["esign.seal"].with_user(admin).fields_get())
        self.assertNotIn("key_vault", self.request.seal_id.with_user(admin).read()[0])

    def test_a_colleague_searches_in_vain(self):
        colleague = self.users["other"]
        for model in (
            "esign.request",
            "esign.signer",
            "esign.delivery",
            "esign.mail.source",
            "esign.document",
            "esign.event",
            "esign.proof",
        ):
            self.assertFalse(
                self.env[model].with_user(colleague).search([]) & self.records[model].with_user(colleague), model
            )

    def test_a_salesperson_may_not_move_the_state(self):
        request = self.send(self.new_order()).with_user(self.sale_user)
        for values in ({"state": "signed"}, {"state": "declined"}, {"expires_on": "2099-01-01"}, {"fingerprint": "0"}):
            with self.assertRaises(AccessError):
                request.write(values)

    def test_a_salesperson_may_not_answer_for_the_customer(self):
        request = self.send(self.new_order())
        signer = request.signer_ids.with_user(self.sale_user)
        for values in ({"answer": "signed"}, {"email": "me@seller.example"}, {"last_page_on": "2026-01-01"}):
            with self.assertRaises(AccessError):
                signer.write(values)

    def test_private_methods_are_not_called_by_rpc(self):
        methods = {
            "esign.request": (
                "_sign",
                "_decline",
                "_move",
                "_set_void",
                "_log",
                "_complete",
                "_open",
                "_finish_signed",
                "_record_delivery",
                "_set_hold",
                "_lift_hold",
                "_purge",
                "_remove_signed",
            ),
            "esign.signer": ("_new_link", "_link_mark", "_record_last_page", "_correct", "_unlock", "_keep_draft"),
            "esign.ticket": ("_issue", "_send_code", "_check_code", "_let_in", "_sign", "_find_by_secret", "_stay"),
            "esign.otp": ("_issue", "_use"),
            "esign.lock": ("_clear", "_take_try", "_give_back", "_open_by_mailbox", "_tell"),
            "esign.throttle": ("_take", "_give_back"),
            "esign.link.wish": ("_wish", "_fulfil"),
            "esign.sms": ("_send",),
            "esign.delivery": ("_advance", "_expect", "_note", "_send_now", "_receive_report"),
            "esign.seal": ("_load", "_generate", "_install", "_import_pkcs12"),
            "esign.vault": ("_master", "_derive"),
            "esign.proof": ("_draft", "_keep"),
            "esign.timestamp": ("_obtain", "_ask"),
            "esign.authority": ("_note_failure", "_note_success", "_forget_pause"),
            "esign.revocation": ("_watch", "_refresh", "_keep_answers"),
            "esign.document": ("_freeze",),
            "esign.anchor": ("_make", "_cron_anchor", "_leaves", "_problems", "_mail"),
            "esign.event.private": ("_kept",),
        }
        for model, names in methods.items():
            for name in names:
                self.assertTrue(hasattr(self.env[model], name), f"{model}.{name}")
                with self.assertRaises(AccessError):
                    get_public_method(self.env[model], name)

    def test_our_public_methods_are_few(self):
        """Whatever can be called by RPC is listed here, so that a new one is thought about."""
        inherited = set(dir(type(self.env["base"])))
        found = {
            f"{model}.{name}"
            for model in (*MATRIX, "esign.vault", "esign.immutable", "esign.transaction", "esign.sms")
            for name in dir(type(self.env[model]))
            if not name.startswith("_")
            and name not in inherited
            and callable(getattr(type(self.env[model]), name))
            and name not in self.env[model]._fields
        }
        self.assertEqual(
            found,
            {
                "esign.anchor.action_check",
                "esign.document.action_download",
                "esign.export.action_download",
                "esign.hold.action_confirm",
                "esign.performed.action_confirm",
                "esign.request.action_cancel",
                "esign.request.action_dispute_pack",
                "esign.request.action_hold",
                "esign.request.action_open_order",
                "esign.request.action_performed",
                "esign.request.action_resend",
                "esign.request.action_unlock",
                "esign.resend.action_send",
                "esign.seal.import.action_import",
                "esign.seal.revoke.action_revoke",
                "esign.seal.token.action_use",
                "esign.uninstall.action_confirm",
                "esign.uninstall.action_download",
                "esign.uninstall.action_export",
                "esign.uninstall.action_refresh",
                "esign.unlock.action_unlock",
            },
        )

    def test_the_salesperson_of_the_order_cancels_and_a_colleague_does_not(self):
        request = self.send(self.new_order())
        with self.assertRaises(AccessError):
            request.with_user(self.users["other"]).action_cancel()
        request.with_user(self.sale_user).action_cancel()
        self.assertEqual(request.state, "void")

    def test_settings_and_keys_are_for_administrators(self):
        for role in ("own", "manager"):
            with self.assertRaises(AccessError):
                self.env["res.config.settings"].with_user(self.users[role]).create({}).action_esign_generate_seal()
            with self.assertRaises(AccessError):
                self.env["esign.seal.import"].with_user(self.users[role]).create({})
            with self.assertRaises(AccessError):
                self.env["esign.seal.token"].with_user(self.users[role]).create({})
            with self.assertRaises(AccessError):
                self.env["esign.seal.revoke"].with_user(self.users[role]).create(
                    {"seal_id": self.request.seal_id.id, "reason": "x"}
                )

    # === COMPANIES === #

    def test_another_company_sees_nothing(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        stranger = self.new_user(
            "stranger", "base.group_system", company_id=company.id, company_ids=[Command.set(company.ids)]
        )
        for model in (
            "esign.request",
            "esign.signer",
            "esign.delivery",
            "esign.mail.source",
            "esign.document",
            "esign.event",
            "esign.proof",
            "esign.seal",
        ):
            records = self.env[model].with_user(stranger).with_company(company)
            self.assertFalse(records.browse(self.records[model].ids).has_access("read"), model)
            self.assertFalse(records.search([]) & records.browse(self.records[model].ids), model)

    def test_consents_of_another_company_are_not_used_nor_seen(self):
        company = self.env["res.company"].create({"name": "Elsewhere"})
        consent = self.env["esign.consent"].create({"code": "X1", "text": "Elsewhere", "company_id": company.id})
        self.assertNotIn("X1", [item["code"] for item in self.send(self.new_order()).signer_ids.consents])
        self.assertFalse(consent.with_user(self.users["esign"]).has_access("read"))

    # === TOOLS === #

    def _can(self, model, role, operation):
        """Really try it, and undo it."""
        record = self.records[model].with_user(self.users[role])
        actions = {
            "read": lambda: record.read(["display_name"]),
            "write": lambda: record.write(VALUES[model]),
            "create": lambda: record.browse().create(self._values(model)),
            "unlink": record.unlink,
        }
        return not isinstance(self._attempt(actions[operation]), AccessError)

    def _values(self, model):
        on_a_request = ("esign.resend", "esign.unlock", "esign.hold", "esign.performed")
        windows = dict.fromkeys(on_a_request, {"request_id": self.request.id})
        windows["esign.seal.revoke"] = {"seal_id": self.request.seal_id.id}
        line = self.records["esign.next.signer"]
        windows["esign.next.signer"] = {"composer_id": line.composer_id.id, "partner_id": line.partner_id.id}
        return {**VALUES[model], **windows.get(model, {})}

    def _attempt(self, action):
        """Return what an action gives or raises; nothing of it stays."""
        savepoint = self.env.cr.savepoint()
        try:
            return action()
        except (UserError, ValueError) as error:
            return error
        finally:
            savepoint.close(rollback=True)
            self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestRightsByRpc(EsignHttpCommon, HttpCase):
    """The same table, asked over the network as any user could."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        TestRights.set_up_people_and_records(cls)
        cls.env.flush_all()

    @mute_logger(
        "odoo.http", "odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule", "odoo.models.unlink"
    )
    def test_the_matrix_by_rpc(self):
        for role in ROLES:
            self.authenticate(*[None if role == "public" else self.users[role].login] * 2)
            for model, rights in MATRIX.items():
                for letter, operation in OPERATIONS.items():
                    with self.subTest(f"{role} {operation} {model}"):
                        allowed = letter in rights.get(role, "")
                        self.assertEqual(self._call(model, operation), allowed)

    @mute_logger("odoo.http")
    def test_no_secret_by_rpc(self):
        for role in ("own", "esign", "system"):
            self.authenticate(*[self.users[role].login] * 2)
            for model, name in SECRETS:
                with self.subTest(f"{role} {model}.{name}"):
                    answer = self._rpc(model, "read", [self.records[model].ids, [name]])
                    self.assertEqual(answer["error"]["data"]["name"], "odoo.exceptions.AccessError")

    def _call(self, model, operation):
        """Really do it; tell whether it was allowed, and undo what it did."""
        record, values = self.records[model], VALUES[model]
        arguments = {
            "read": [record.ids, ["display_name"]],
            "write": [record.ids, values],
            "create": [TestRights._values(self, model)],
            "unlink": [record.ids],
        }
        savepoint = self.env.cr.savepoint()
        answer = self._rpc(model, operation, arguments[operation])
        savepoint.close(rollback=True)
        self.env.invalidate_all()
        refused = ("odoo.exceptions.AccessError", "odoo.http.SessionExpiredException")
        return answer.get("error", {}).get("data", {}).get("name") not in refused

    def _rpc(self, model, method, arguments):
        parameters = {"model": model, "method": method, "args": arguments, "kwargs": {}}
        return self.url_open(f"/web/dataset/call_kw/{model}/{method}", json={"params": parameters}).json()


# Every address of a procedure, and who gets an answer other than "not found", "not yours" or the log-in.
# "signer" is the customer's browser behind the code; the others come with the link's address, without its cookie.
PLACES = {
    "/esign/t/{secret}": ("public", "portal", "signer"),
    "/esign/{uid}": ("signer",),
    "/esign/{uid}?step=sign": ("signer",),
    "/esign/{uid}/file/{quote}": ("signer",),
    "/esign/{uid}/file/{signed}": ("signer",),
    "/esign/{uid}/proof.json": ("signer",),
    "/esign/{uid}/pack": ("signer",),
    "/esign/verify/{reference}": (*ROLES, "signer"),
    "/esign/verify": (*ROLES, "signer"),
    "/esign/keys": (*ROLES, "signer"),
    "/esign/keys/{fingerprint}.cer": (*ROLES, "signer"),
    "/esign/again": (*ROLES, "signer"),
    "/esign/unlock/{secret}": (),
    "/esign/document/{signed}": READERS,
    "/my/signatures/{reference}/signed": ("portal", "accountant", *READERS),
    "/my/signatures/{reference}/proof": ("portal", "accountant", *READERS),
    "/my/signatures/{reference}/quote": (),
    "/my/signatures/{reference}/pack": ("portal", "accountant", *READERS),
    "/esign/pack/{reference}": READERS,
    # There is none yet; who gets one that is there: `TestExportPage`.
    "/esign/export/{export}": (),
}


@tagged("post_install", "-at_install")
class TestRightsByHttp(EsignHttpCommon, HttpCase):
    """Who gets what at each address."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        TestRights.set_up_people_and_records(cls)
        cls.env.flush_all()

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model", "odoo.addons.base.models.ir_rule")
    def test_every_address_for_everybody(self):
        self.forget_limits()
        self.enter(self.request)
        names = {
            "secret": self.last_secret(),
            "uid": self.request.signer_ids.ticket_ids[:1].uid,
            "quote": self.request._document("quote").uid,
            "signed": self.request._document("signed").uid,
            "reference": self.request.reference,
            "fingerprint": self.request.seal_id.fingerprint,
            "export": 0,
        }
        for place, allowed in PLACES.items():
            path = place.format(**names)
            with self.subTest(f"signer {place}"):
                self.assertEqual(self.get(path).status_code == 200, "signer" in allowed)
            for role in ROLES:
                with (
                    self.subTest(f"{role} {place}"),
                    self.browser(None if role == "public" else self.users[role].login),
                ):
                    response = self.get(path)
                    self.assertIn(response.status_code, (200, 303, 403, 404))
                    self.assertEqual(response.status_code == 200, role in allowed)

    def test_every_address_is_in_the_table(self):
        rules = [rule for rule in self.env["ir.http"].routing_map().iter_rules() if "GET" in (rule.methods or ("GET",))]
        ours = {rule.rule for rule in rules if rule.rule.startswith(("/esign/", "/my/signatures/<"))}
        patterns = {re.sub(r"<[^>]*>", "*", rule) for rule in ours}
        listed = {re.sub(r"{[^}]*}", "*", place.partition("?")[0]) for place in PLACES}
        listed = {re.sub(r"/(signed|proof|quote)$", "/*", place) for place in listed}
        self.assertEqual(patterns, listed)


@tagged("post_install", "-at_install")
class TestRightsOnFiles(EsignHttpCommon, HttpCase):
    """Files of a procedure, by their addresses."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.portal = cls.new_user("jeanne", "base.group_portal")
        cls.portal.partner_id.write({"email": "jeanne.martin@customer.example", "name": "Jeanne Martin"})
        cls.order.partner_id = cls.portal.partner_id
        cls.request = cls.read_and_sign(cls.send())
        cls.new_user("paul", "base.group_portal")
        cls.new_user("colleague", "sales_team.group_sale_salesman")
        cls.new_user("clerk", "base.group_user")
        cls.signed = cls.request._document("signed")
        cls.env.flush_all()

    def test_the_salesperson_downloads(self):
        self.authenticate("salesman", "salesman")
        response = self.get(f"/esign/document/{self.signed.uid}")
        self.assertEqual((response.status_code, response.content), (200, self.signed._bytes()))
        self.assertIn("attachment", response.headers["Content-Disposition"])
        self.assertEqual(response.headers["X-Content-Type-Options"], "nosniff")

    def test_a_colleague_does_not_find_it(self):
        self.authenticate("colleague", "colleague")
        self.assertEqual(self.get(f"/esign/document/{self.signed.uid}").status_code, 404)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model")
    def test_employee_customer_and_visitor_do_not_get_it_there(self):
        for login in ("clerk", "jeanne", "paul", None):
            with self.browser(login):
                response = self.get(f"/esign/document/{self.signed.uid}")
                self.assertNotEqual(response.status_code, 200, login)
                self.assertNotIn(b"%PDF", response.content)

    @mute_logger("odoo.http", "odoo.addons.base.models.ir_model")
    def test_the_stored_file_is_not_reached_by_web_content(self):
        address = f"/web/content/esign.document/{self.signed.id}/content"
        attachment = self.env["ir.attachment"].search(
            [("res_model", "=", "esign.document"), ("res_id", "=", self.signed.id), ("res_field", "=", "content")]
        )
        self.assertTrue(attachment)
        for login in ("colleague", "clerk", "jeanne", "paul", None):
            with self.browser(login):
                for path in (address, f"/web/content/{attachment.id}"):
                    self.assertNotIn(b"%PDF", self.get(path).content, f"{login} {path}")

    # === THE CUSTOMER'S OWN PAGE === #

    def test_the_customer_sees_the_signature(self):
        self.authenticate("jeanne", "jeanne")
        response = self.get("/my/signatures")
        self.assertIn(self.order.name, response.text)
        for kind in ("signed", "proof"):
            address = f"/my/signatures/{self.request.reference}/{kind}"
            self.assertIn(address, response.text)
            self.assertEqual(self.get(address).content, self.request._document(kind)._bytes())

    def test_other_files_are_not_offered(self):
        self.authenticate("jeanne", "jeanne")
        for kind in ("quote", "annex", "nonsense"):
            self.assertEqual(self.get(f"/my/signatures/{self.request.reference}/{kind}").status_code, 404)

    def test_another_customer_sees_nothing(self):
        self.authenticate("paul", "paul")
        self.assertNotIn(self.order.name, self.get("/my/signatures").text)
        self.assertEqual(self.get(f"/my/signatures/{self.request.reference}/signed").status_code, 404)
        self.assertEqual(self.get("/my/signatures/ES-2222-2222-2222/signed").status_code, 404)

    def test_a_visitor_has_to_log_in(self):
        for address in ("/my/signatures", f"/my/signatures/{self.request.reference}/signed"):
            response = self.get(address)
            self.assertEqual(response.status_code, 303)
            self.assertIn("/web/login", response.headers["Location"])

    def test_an_unsigned_procedure_shows_no_link_and_no_file(self):
        order = self.new_order(self.portal.partner_id)
        other = self.send(order)
        self.authenticate("jeanne", "jeanne")
        response = self.get("/my/signatures")
        self.assertIn(order.name, response.text)
        self.assertIn("Waiting: use the link in our e-mail", response.text)
        self.assertNotIn("/esign/t/", response.text)
        self.assertEqual(self.get(f"/my/signatures/{other.reference}/signed").status_code, 404)

    def test_the_counter_of_the_home_page(self):
        for login, count in (("jeanne", 1), ("paul", 0), ("clerk", 0)):
            with self.browser(login):
                answer = self.make_jsonrpc_request("/my/counters", {"counters": ["esign_count"]})
                self.assertEqual(answer["esign_count"], count, login)

    def test_an_employee_without_sales_has_a_home_page(self):
        self.authenticate("clerk", "clerk")
        self.assertEqual(self.get("/my/home").status_code, 200)
        self.assertEqual(self.get("/my/signatures").status_code, 200)

    def test_the_customer_reads_nothing_by_rpc(self):
        self.authenticate("jeanne", "jeanne")
        for model in MATRIX:
            parameters = {"model": model, "method": "search_read", "args": [[]], "kwargs": {}}
            with mute_logger("odoo.http"):
                answer = self.url_open("/web/dataset/call_kw", json={"params": parameters}).json()
            self.assertIn("error", answer, model)
            self.assertEqual(answer["error"]["data"]["name"], "odoo.exceptions.AccessError", model)
