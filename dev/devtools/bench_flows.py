"""The two ways of getting one quote signed: stock Odoo's online signature, and esign_quote's.

Salespeople prepare (:func:`prepare_database`, :meth:`Flow.send_quote`), customers walk: one method a step, each
what a browser would request, without scripts, styles and pictures.
"""

import base64
import functools
import html
import io
import itertools
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from hashlib import sha256

import httpx
from PIL import Image, ImageDraw

from .mailcatcher import MailCatcher
from .rpc import RpcClient

TIMEOUT = 300
PAD = (600, 200)
# A drawn signature, the same for both: strokes of points on the pad.
STROKES = [
    [[40 + 5 * n, 100 + (-1) ** (n // 4) * (20 + 7 * (n % 4)) + 2 * stroke] for n in range(50)]
    + [[290 + 4 * n, 60 + 25 * stroke + (n * n) % 17] for n in range(60)]
    for stroke in range(4)
]
SIGNER = "Jane O'Neill"
SALESPERSON = "sales@company.example"
PRODUCT = "BENCH"
WORKS = (
    "Site survey and measurements",
    "Dismantling of the old terrace, removal of the rubble included",
    "Larch boards",
)
_numbers = itertools.count(1)


class StepFailed(Exception):
    """A customer did not get what the step promises."""


@dataclass(frozen=True)
class Quote:
    order_id: int
    partner_id: int
    email: str


# ------------------------------------------------------------------------------------------------- preparation


def prepare_database(rpc: RpcClient, *, print_delay: int) -> None:
    """One salesperson who gets mails, and something to sell."""
    rpc.write("res.users", rpc.uid, {"email": SALESPERSON, "notification_type": "email"})
    rpc.create(
        "product.product", {"name": "Terrace works", "default_code": PRODUCT, "type": "service", "taxes_id": [(5,)]}
    )
    rpc.call("ir.config_parameter", "set_param", "report.print_delay", str(print_delay))


def _create_quote(rpc: RpcClient, lines: int) -> Quote:
    email = f"customer{next(_numbers)}@client.example"
    partner_id = rpc.create("res.partner", {"name": SIGNER, "email": email})
    product_id = rpc.search_read("product.product", [("default_code", "=", PRODUCT)], ["id"])[0]["id"]
    sold = [
        {
            "product_id": product_id,
            "name": f"{number}. {WORKS[number % len(WORKS)]}",
            "product_uom_qty": 1 + number % 4,
            "price_unit": 100 + 37 * number,
        }
        for number in range(1, lines + 1)
    ]
    values = {
        "partner_id": partner_id,
        "require_signature": True,
        "require_payment": False,
        "order_line": [(0, 0, line) for line in sold],
    }
    return Quote(rpc.create("sale.order", values), partner_id, email)


COMPOSED = ("partner_ids", "attachment_ids", "subject", "body")


def _send(rpc: RpcClient, quote: Quote, button: str) -> None:
    """Press a button of the quotation, and "Send" in the composer that opens, as the web client does."""
    context = rpc.call("sale.order", button, [quote.order_id])["context"]
    # What the defaults are computed from has to be asked for, too.
    fields = {name: {} for name in (*COMPOSED, "template_id", "model", "res_ids", "composition_mode")}
    found = rpc.call("mail.compose.message", "onchange", [], {}, [], fields, context=context)["value"]
    values = {name: found[name] for name in COMPOSED}
    values["attachment_ids"] = [(6, 0, [command[1] for command in values["attachment_ids"]])]
    values["partner_ids"] = [(6, 0, [quote.partner_id])]
    composer = rpc.call("mail.compose.message", "create", [values], context=context)
    rpc.call("mail.compose.message", "action_send_mail", composer, context=context)


# --------------------------------------------------------------------------------------------------- customers


class Customer:
    """One person with a browser of their own. ``mails`` is where the codes arrive."""

    def __init__(self, url: str, quote: Quote, link: str, mails: MailCatcher):
        self.quote = quote
        # Creating it takes long, above all for https, which nobody uses here.
        self.http = httpx.Client(base_url=url, timeout=TIMEOUT, verify=False, follow_redirects=True)  # noqa: S501
        self._link = link
        self._mails = mails

    def close(self) -> None:
        self.http.close()

    def _get(self, path: str, expected: str) -> str:
        return _checked(self.http.get(path), expected)


class StockCustomer(Customer):
    def open(self) -> None:
        self._get(self._link, 'id="modalaccept"')

    def sign(self) -> None:
        path, _mark, token = self._link.partition("?access_token=")
        params = {"access_token": token, "name": SIGNER, "signature": _picture()}
        body = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        _checked(answer := self.http.post(f"{path}/accept", json=body), '"force_refresh": true')
        self._link = answer.json()["result"]["redirect_url"]

    def after(self) -> None:
        self._get(self._link, SIGNER.split()[0])


class EsignCustomer(Customer):
    _page = ""  # the last one seen
    _path = ""  # of the procedure

    def open(self) -> None:
        self._page = self._get(self._link, f'action="{self._link}/code"')

    def code(self) -> None:
        answer = self._post(f"{self._link}/code")
        self._page = _checked(answer, 'name="code"')
        self._path = answer.url.path

    def verify(self) -> None:
        mail = self._mails.wait_for(
            lambda mail: not mail.attachments and "/esign/t/" not in mail.html, to=self.quote.email
        )
        code = re.search(r"\b\d{6}\b", mail.text)[0]
        self._page = _checked(self._post(f"{self._path}/verify", code=code), "data-file=")

    def read(self) -> None:
        file = self._post(_attribute(self._page, "data-file"))
        _checked(self._post(f"{self._path}/read", sha256=sha256(file.content).hexdigest()), '"ok": true')
        self._page = self._get(f"{self._path}?step=sign", 'name="strokes"')

    def sign(self) -> None:
        strokes = json.dumps({"w": PAD[0], "h": PAD[1], "strokes": STROKES})
        consents = re.findall(r'name="consents" value="([^"]+)"', self._page)
        # The next page is a step of its own.
        answer = self._post(f"{self._path}/sign", False, name=SIGNER, kind="drawn", strokes=strokes, consents=consents)
        if answer.status_code != 303:
            raise StepFailed(f"answer {answer.status_code}: {_text(answer)}")

    def after(self) -> None:
        self._get(self._path, "/file/")

    def _post(self, path: str, follow: bool = True, **form) -> httpx.Response:
        form["csrf_token"] = re.search(r'name="csrf_token" value="([^"]+)"', self._page)[1]
        return self.http.post(path, data=form, follow_redirects=follow)


def _checked(answer: httpx.Response, expected: str) -> str:
    if answer.status_code != 200 or expected not in answer.text:
        raise StepFailed(f"answer {answer.status_code} without {expected}: {_text(answer)}")
    return answer.text


def _text(answer: httpx.Response) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", answer.text)).split())[-300:]


def _attribute(page: str, name: str) -> str:
    return html.unescape(re.search(rf'{name}="([^"]+)"', page)[1])


@functools.cache
def _picture() -> str:
    """The strokes as stock's signature pad sends them: base64 of a PNG, drawn with soft edges."""
    image = Image.new("RGBA", (2 * PAD[0], 2 * PAD[1]), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    for stroke in STROKES:
        pen.line([(2 * x, 2 * y) for x, y in stroke], fill=(27, 42, 74, 255), width=6, joint="curve")
    buffer = io.BytesIO()
    image.resize(PAD, Image.Resampling.LANCZOS).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode()


# ------------------------------------------------------------------------------------------------------- flows


def _portal_link(rpc: RpcClient, _mails: MailCatcher, quote: Quote) -> str:
    order = rpc.read("sale.order", quote.order_id, ["access_url", "access_token"])
    return f"{order['access_url']}?access_token={order['access_token']}"


def _personal_link(_rpc: RpcClient, mails: MailCatcher, quote: Quote) -> str:
    mail = mails.wait_for(lambda mail: "/esign/t/" in mail.html, to=quote.email, timeout=60)
    return httpx.URL(next(link for link in mail.links if "/esign/t/" in link)).path


@dataclass(frozen=True)
class Flow:
    """One way, from the salesperson's button to the page that says "signed"."""

    name: str
    button: str  # of the quotation
    link: Callable[[RpcClient, MailCatcher, Quote], str]  # path of what the customer opens
    customer: type[Customer]
    steps: tuple[str, ...]  # methods of the customer
    print_delay: int = 1000  # milliseconds that wkhtmltopdf waits; Odoo's default
    signing_mails: int = 2

    @property
    def database(self) -> str:
        return f"bench_{self.name}"

    def send_quote(self, rpc: RpcClient, mails: MailCatcher, lines: int) -> tuple[Quote, str]:
        """Create a quote and send it to its customer.

        :return: the quote and the path of the customer's link
        """
        quote = _create_quote(rpc, lines)
        _send(rpc, quote, self.button)
        return quote, self.link(rpc, mails, quote)


STOCK = Flow("stock", "action_quotation_send", _portal_link, StockCustomer, ("open", "sign", "after"))
STOCK_WITHOUT_DELAY = replace(STOCK, name="stock_0", print_delay=0)
ESIGN = Flow(
    "esign", "action_esign_send", _personal_link, EsignCustomer, ("open", "code", "verify", "read", "sign", "after")
)
FLOWS = (STOCK, STOCK_WITHOUT_DELAY, ESIGN)
