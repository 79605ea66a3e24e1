"""What the tests share: a quotation, the people around it, and the customer's way through the pages."""

import email
import email.policy
import io
import re
import smtplib
from contextlib import contextmanager
from dataclasses import dataclass, field
from unittest.mock import patch
from urllib.parse import urlsplit

import pypdf
from lxml import html
from odoo.fields import Command
from odoo.http import Request
from odoo.tests import HttpCase, new_test_user
from odoo.tools import SQL
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, NameObject, TextStringObject
from reportlab.pdfgen.canvas import Canvas

from odoo.addons.base.models.ir_actions_report import IrActionsReport
from odoo.addons.base.models.ir_mail_server import IrMail_Server
from odoo.addons.sale.tests.common import SaleCommon

ORIGIN = {"ip": "192.0.2.7", "user_agent": "Test browser"}
LINK = re.compile(r"/esign/t/(?!esign-link-)([\w-]{43})(?![\w-])")
TOKEN = re.compile(r'name="csrf_token" value="(\w+)"')
CODE = re.compile(r">(\d{6})<")
DRAWING = '{"w":300,"h":100,"strokes":[[[10,10],[150,80],[290,20]]]}'
OUR_TABLES = tuple(
    f"esign_{name}"
    for name in (
        "request",
        "signer",
        "ticket",
        "otp",
        "lock",
        "throttle",
        "link_wish",
        "event",
        "event_private",
        "anchor",
        "anchor_leaf",
        "anchor_copy",
        "document",
        "proof",
        "timestamp",
        "seal",
        "consent",
        "delivery",
        "mail_source",
    )
)


# === PDF === #


def make_pdf(*lines, pages=1):
    """Return a small PDF with ``lines`` on each page."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(595, 842), invariant=1)
    for page in range(pages):
        for row, line in enumerate((*lines, f"Page {page + 1}")):
            canvas.drawString(60, 780 - 20 * row, line)
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def rewrite_pdf(content, change):
    """Return a PDF after ``change(writer)``."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(content))
    change(writer)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def add_script(writer):
    """Put a script into a PDF, to be run when it is opened."""
    action = {NameObject("/S"): NameObject("/JavaScript"), NameObject("/JS"): TextStringObject("app.alert(1)")}
    writer.root_object[NameObject("/OpenAction")] = DictionaryObject(action)


def add_redrawn_field(writer):
    """Put a form into a PDF whose fields are to be drawn anew."""
    names = {"/FT": NameObject("/Tx"), "/T": TextStringObject("price"), "/V": TextStringObject("999")}
    field = writer._add_object(DictionaryObject({NameObject(key): value for key, value in names.items()}))
    form = {"/Fields": ArrayObject([field]), "/NeedAppearances": BooleanObject(True)}
    writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
        {NameObject(key): value for key, value in form.items()}
    )


def pdf_text(content):
    """Return the words of a PDF."""
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages).split())


# === MAIL === #


@dataclass
class Sent:
    """A message as it was handed to the mail server."""

    to: str
    subject: str
    html: str = field(repr=False)
    text: str = field(repr=False)
    files: dict = field(repr=False)

    @classmethod
    def parse(cls, content, recipients):
        message = email.message_from_bytes(content, policy=email.policy.default)

        def part(kind):
            found = message.get_body(preferencelist=(kind,))
            return found.get_content() if found else ""

        files = {item.get_filename(): item.get_payload(decode=True) for item in message.iter_attachments()}
        return cls(", ".join(recipients), message["Subject"], part("html"), part("plain"), files)


class MailServer:
    """Stands for a session with the mail server; keeps what it is given."""

    from_filter = smtp_from = False

    def __init__(self):
        self.sent = []
        self.broken = False
        self.answer = (250, b"2.0.0 Ok: queued as 4F1")  # to the text of a message
        self.refused = {}  # answers to recipients, by address

    def send_message(self, message, _smtp_from, recipients):
        if self.broken:
            raise OSError("no route to host")
        replies = {address: self.rcpt(address) for address in recipients}
        refused = {address: reply for address, reply in replies.items() if reply[0] != 250}
        if len(refused) == len(recipients):
            raise smtplib.SMTPRecipientsRefused(refused)
        code, text = self.data(message.as_bytes())
        if code != 250:
            raise smtplib.SMTPDataError(code, text)
        self.sent.append(Sent.parse(message.as_bytes(), [item for item in recipients if item not in refused]))
        return refused

    def rcpt(self, address):
        return self.refused.get(address, (250, b"2.1.5 Ok"))

    def data(self, _content):
        return self.answer

    def quit(self):
        pass


# === ODOO === #


class EsignCommon(SaleCommon):
    """A quotation of a salesperson for a consumer; mails are caught, PDFs are drawn by reportlab."""

    @classmethod
    def default_env_context(cls):
        # As in real life, but for the invitations to new users.
        return {"no_reset_password": True}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if not issubclass(cls, HttpCase):  # which does it anyway
            # What is committed on its own (`_own_transaction`) sees the data of the test.
            cls.registry_enter_test_mode_cls()
        cls.rendered = []
        cls.mail_server = MailServer()
        cls.startClassPatcher(patch.object(IrActionsReport, "_render_qweb_pdf", cls._fake_rendering()))
        cls.startClassPatcher(patch.object(IrMail_Server, "_disable_send", lambda *_args: False))
        cls.startClassPatcher(patch.object(IrMail_Server, "_connect__", lambda *_args, **_kwargs: cls.mail_server))
        cls.company.write({"name": "Atelier Nord", "email": "office@seller.example", "phone": "+33 1 23 45 67 89"})
        cls.customer = cls.env["res.partner"].create(
            {"name": "Jeanne Martin", "email": "jeanne.martin@customer.example", "lang": "en_US", "tz": "Europe/Paris"}
        )
        cls.order = cls.sale_order
        cls.order.write(
            {
                "partner_id": cls.customer.id,
                "user_id": cls.sale_user.id,
                "require_signature": True,
                "require_payment": False,
            }
        )
        cls.mail_server.sent.clear()  # "You have been assigned"

    @classmethod
    def _fake_rendering(cls):
        def _render_qweb_pdf(reports, report_ref, res_ids=None, data=None):
            cls.rendered.append(res_ids)
            order = reports.env["sale.order"].browse(res_ids)
            return make_pdf(f"Quotation {order.name}", f"Total {order.amount_total}", pages=2), "pdf"

        return _render_qweb_pdf

    def setUp(self):
        super().setUp()
        kept = list(self.mail_server.sent)
        healthy = {"broken": False, "answer": self.mail_server.answer, "refused": {}}
        self.addCleanup(self.mail_server.__dict__.update, sent=kept, **healthy)
        self.mail_server.sent = list(kept)
        self.rendered.clear()

    # === PEOPLE AND QUOTATIONS === #

    @classmethod
    def new_order(cls, partner=None, **values):
        """Return another quotation of the salesperson."""
        return cls.env["sale.order"].create(
            {
                "partner_id": (partner or cls.customer).id,
                "user_id": cls.sale_user.id,
                "require_payment": False,
                "order_line": [Command.create({"product_id": cls.product.id, "product_uom_qty": 2})],
                **values,
            }
        )

    @classmethod
    def new_business_contact(cls):
        """Return a contact of a customer that is a company."""
        house = cls.env["res.partner"].create(
            {
                "name": "Brasserie du Port",
                "is_company": True,
                "company_registry": "552 100 554",
                "email": "info@brasserie.example",
            }
        )
        return cls.env["res.partner"].create(
            {
                "name": "Paul Durand",
                "parent_id": house.id,
                "email": "paul@brasserie.example",
                "function": "Director",
                "lang": "en_US",
            }
        )

    @classmethod
    def new_user(cls, login, groups, **values):
        """Return a user; ``groups`` as in `new_test_user`."""
        return new_test_user(cls.env, login=login, groups=groups, **{"email": f"{login}@seller.example", **values})

    # === SENDING === #

    @classmethod
    def compose(cls, order=None, user=None, **values):
        """Return the mail window as "Send for signature" opens it."""
        order = (order or cls.order).with_user(user or cls.sale_user)
        action = order.action_esign_send()
        return order.env["mail.compose.message"].with_context(**action["context"]).create(values)

    @classmethod
    def send(cls, order=None, user=None, **values):
        """Send a quotation for signature; return its request (superuser)."""
        order = order or cls.order
        cls.compose(order, user, **values).action_send_mail()
        cls.env.flush_all()  # the end of an HTTP request
        return order.sudo().esign_request_id

    @classmethod
    def attach(cls, composer, name, content, **values):
        """Add a file to a mail window, as its user would."""
        attachments = composer.env["ir.attachment"].with_context(image_no_postprocess=True)
        composer.attachment_ids += attachments.create(
            {"name": name, "raw": content, "res_model": "mail.compose.message", "res_id": 0, **values}
        )

    # === MAILS === #

    @classmethod
    def sent(cls, to=None):
        """Return the messages handed to the mail server, optionally those to one address."""
        return [item for item in cls.mail_server.sent if to is None or item.to == to]

    @classmethod
    def send_queue(cls):
        """Do what the cron of the mail queue does."""
        cls.env["mail.mail"].search([("state", "=", "outgoing")]).send()

    @classmethod
    def last_secret(cls, to=None):
        """Return the secret of the newest personal link in an outgoing mail."""
        return [found[1] for item in cls.sent(to) for found in [LINK.search(item.html)] if found][-1]

    @classmethod
    def last_code(cls, to=None):
        """Return the newest code in an outgoing mail."""
        return [found[1] for item in cls.sent(to) for found in [CODE.search(item.html)] if found][-1]

    # === THE CUSTOMER'S WAY, WITHOUT PAGES === #

    @classmethod
    def prove(cls, request):
        """Open the newest link, ask for a code, give it; return the ticket."""
        cls.env.flush_all()
        address = request._due_signer().email
        ticket = cls.env["esign.ticket"]._find_by_secret(cls.last_secret(address))
        device = ticket._new_device()
        assert ticket._send_code(device, ORIGIN)["ok"]
        assert ticket._check_code(device, cls.last_code(address), ORIGIN)["ok"]
        return ticket

    @classmethod
    def answer_of(cls, request, **values):
        """Return what a signer fills in; all boxes ticked."""
        return {
            "name": request._due_signer().name,
            "capacity": "Director" if request.audience == "business" else "",
            "kind": "typed",
            "strokes": "",
            "consents": [item["code"] for item in request._due_signer().consents],
            **values,
        }

    @classmethod
    def read_and_sign(cls, request, **values):
        """Take the whole way of a customer who signs; return the request."""
        ticket = cls.prove(request)
        assert ticket._record_last_page(request._due_signer()._shown_document().sha256)
        outcome = ticket._sign(cls.answer_of(request, **values), ORIGIN)
        assert outcome["ok"], outcome
        cls.env.invalidate_all()
        return request

    # === MEASURES === #

    def snapshot(self, *tables):
        """Return a digest of every row of some tables; ours by default."""
        self.env.flush_all()
        digests = {}
        for name in tables or OUR_TABLES:
            rows = SQL(
                "SELECT COUNT(*), md5(COALESCE(string_agg(t::text, '|' ORDER BY id), '')) FROM %s t",
                SQL.identifier(name),
            )
            self.env.cr.execute(rows)
            digests[name] = self.env.cr.fetchone()
        return digests

    def age(self, table, column, interval):
        """Move a moment of all rows into the past: time goes by."""
        self.env.flush_all()
        names = SQL.identifier(table), SQL.identifier(column), SQL.identifier(column)
        self.env.cr.execute(SQL("UPDATE %s SET %s = %s - %s::interval", *names, interval))
        self.env.invalidate_all()

    def forget_limits(self):
        """As if nothing had been asked for lately."""
        self.env.cr.execute("DELETE FROM esign_throttle")

    def pass_time(self, seconds):
        """Move everything that limits look at into the past."""
        self.env.cr.execute(
            "UPDATE esign_throttle SET moments ="
            " (SELECT COALESCE(jsonb_agg(m::float8 - %s), '[]') FROM jsonb_array_elements_text(moments) m)",
            [seconds],
        )

    def entries(self, request):
        """Return the types of a request's journal entries, oldest first."""
        request.invalidate_recordset()
        return request.event_ids.sorted("seq").mapped("type")


class EsignHttpCommon(HttpCase, EsignCommon):
    """The same, with the customer's browser."""

    def setUp(self):
        super().setUp()
        self.token = None
        self.authenticate(None, None)

    # === BROWSER === #

    def get(self, path, **options):
        """Open a page without following a redirection."""
        return self._remember_token(self.url_open(path, allow_redirects=False, **options))

    def post(self, path, data=None, csrf=True, **options):
        """Send a form, with the token of the last page that had one."""
        values = dict(data or {})
        if csrf:
            values["csrf_token"] = self.token or Request.csrf_token(self)
        return self._remember_token(self.url_open(path, data=values, method="POST", allow_redirects=False, **options))

    def _remember_token(self, response):
        found = (
            TOKEN.search(response.text) if response.headers.get("Content-Type", "").startswith("text/html") else None
        )
        self.token = found[1] if found else self.token
        return response

    @contextmanager
    def browser(self, login=None):
        """Use another browser, optionally logged in, and come back to this one."""
        kept = self.opener, self.session, self.token
        self.session = self.token = None
        self.authenticate(login, login)
        try:
            yield
        finally:
            self.opener, self.session, self.token = kept

    # === THE CUSTOMER'S WAY === #

    def ask_for_code(self, request):
        """Open the newest link and press the button; return the path of the page behind it."""
        secret = self.last_secret(request._due_signer().email)
        self.assertEqual(self.get(f"/esign/t/{secret}").status_code, 200)
        response = self.post(f"/esign/t/{secret}/code")
        self.assertEqual(response.status_code, 303, response.text)
        return urlsplit(response.headers["Location"]).path

    def enter(self, request):
        """Open the newest link, ask for a code, give it; return the path of the page."""
        path = self.ask_for_code(request)
        response = self.post(f"{path}/verify", {"code": self.last_code(request._due_signer().email)})
        self.assertEqual(response.status_code, 303, response.text)
        return path

    def read(self, request, path):  # pylint: disable=method-required-super
        """Report, as the viewer does, that the last page was shown."""
        response = self.post(f"{path}/read", {"sha256": request._due_signer()._shown_document().sha256})
        self.assertEqual((response.status_code, response.json()), (200, {"ok": True}))

    def enter_and_read(self, request):
        """Come as far as the signature; return the path of the page."""
        path = self.enter(request)
        self.read(request, path)
        return path

    def submit(self, request, path, **values):
        """Press "Sign"; return the server's answer."""
        return self.post(f"{path}/sign", self.answer_of(request, **values))


def text_of(response):
    """Return the words of a page, as a reader sees them."""
    document = html.fromstring(response.content)
    for node in document.xpath("//script | //style"):
        node.drop_tree()
    return " ".join(document.text_content().split())
