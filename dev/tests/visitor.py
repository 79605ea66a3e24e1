"""A customer without a browser: the same requests, at the very moment that a test wants."""

import functools
import hashlib
import itertools
import re
import ssl
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode, urlsplit

import httpx
import quotations

from devtools import wire
from devtools.mailcatcher import MailCatcher

TOKEN = re.compile(r'name="csrf_token" value="(\w+)"')
FORM = "application/x-www-form-urlencoded"
_numbers = itertools.count(1)


def new_address() -> str:
    """An IP address that nobody had before."""
    number = next(_numbers)
    return f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"


def proxy_headers(url: str, address: str) -> dict[str, str]:
    """What a proxy in front of ``url`` would say of a visitor; servers with ``proxy_mode`` believe it."""
    return {"X-Forwarded-For": address, "X-Forwarded-Host": urlsplit(url).netloc, "X-Forwarded-Proto": "http"}


class Visitor:
    """One browser on the pages of one quotation, with an IP address of its own.

    Each request makes a connection of its own: behind a load balancer it meets another server.
    """

    def __init__(self, server, mails: MailCatcher, quotation: quotations.Quotation, address: str = ""):
        self.url = server.url
        self.forwarded = proxy_headers(server.url, address or new_address())
        self.http = httpx.Client(
            base_url=server.url,
            timeout=60,
            follow_redirects=False,
            headers=self.forwarded,
            limits=httpx.Limits(max_keepalive_connections=0),
            verify=_no_certificates(),
        )
        self.mails = mails
        self.quotation = quotation
        self.token = ""
        self.page = ""
        self.document = ""  # uid of the quotation's file, once it was read
        self.devices: set[str] = set()  # secrets that this browser held

    def get(self, path: str) -> httpx.Response:
        return self._remember(self.http.get(path))

    def post(self, path: str, **form) -> httpx.Response:
        return self._remember(self.http.post(path, data={"csrf_token": self.token, **form}))

    def insist(self, path: str, **form) -> httpx.Response:
        """Post until it is answered: Odoo listens with a short queue, and the kernel resets whoever finds it full."""
        while True:
            try:
                return self.post(path, **form)
            except (httpx.ConnectError, httpx.ReadError, httpx.RemoteProtocolError):
                continue

    def raw(self, path: str, body: bytes | None = None, headers: dict[str, str] | None = None, **form) -> bytes:
        """A POST of this browser as bytes for :mod:`devtools.wire`: the form, or ``body`` as it is."""
        if body is None:
            body = urlencode({"csrf_token": self.token, **form}, doseq=True).encode()
        cookies = "; ".join(f"{cookie.name}={cookie.value}" for cookie in self.http.cookies.jar)
        known = {"Host": urlsplit(self.url).netloc, "Cookie": cookies, "Content-Type": FORM, **self.forwarded}
        return wire.compose("POST", path, {**known, **(headers or {})}, body)

    @property
    def link(self) -> str:
        """Path of the personal link, as soon as the mail has come."""
        return urlsplit(quotations.personal_link(self.mails, self.quotation.email)).path

    def ask_for_code(self) -> str:
        """Open the link and press the button; return the code of the mail."""
        path = self.link
        self.get(path)
        answer = self.post(f"{path}/code")
        assert answer.status_code == 303, answer.text
        self.page = httpx.URL(answer.headers["Location"]).path
        self.get(self.page)
        return quotations.latest_code(self.mails, self.quotation.email)

    def enter(self) -> None:
        self.give_code(self.ask_for_code())

    def give_code(self, code: str) -> None:
        """Give the right code, the last one that is asked for."""
        answer = self.post(f"{self.page}/verify", code=code)
        assert answer.status_code == 303, answer.text

    def lock_out(self, right: str) -> None:
        """Give wrong codes until the entry of codes is locked."""
        for number in (1, 2, 3):
            answer = self.post(f"{self.page}/verify", code=quotations.another_code(right, number))
            assert answer.status_code == 422, answer.text
        assert "stopped until" in answer.text

    def read_to_the_end(self) -> None:
        file = re.search(r'data-file="([^"]+)"', self.get(self.page).text)[1]
        self.document = file.rpartition("/")[2]
        # Versions before journaled nothing of it, and gave it to whoever asked in this browser.
        shown = self.http.post(file, data={"csrf_token": self.token}) if "/show/" in file else self.http.get(file)
        digest = hashlib.sha256(shown.content).hexdigest()
        assert self.post(f"{self.page}/read", sha256=digest).json() == {"ok": True}

    def sign(self, **changes) -> httpx.Response:
        return self.post(f"{self.page}/sign", **{**self.signature(), **changes})

    def signature(self) -> dict:
        """The form that signs."""
        return {"name": self.quotation.signer, "kind": "typed", "consents": ["C1", "C2"]}

    def decline(self) -> httpx.Response:
        return self.post(f"{self.page}/decline", comment="no")

    def _remember(self, answer: httpx.Response) -> httpx.Response:
        found = TOKEN.search(answer.text)
        self.token = found[1] if found else self.token
        self.devices |= {value for name, value in answer.cookies.items() if "esign_" in name and value}
        return answer


@functools.cache
def _no_certificates() -> ssl.SSLContext:
    # Reading the machine's certificates takes longer than most requests, and nobody uses https here.
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def at_once(*acts: Callable) -> list:
    """Do all acts at the same instant, each in a thread; return what they returned, in their order."""
    gate = threading.Barrier(len(acts))

    def wait_and(act):
        gate.wait()
        return act()

    with ThreadPoolExecutor(max_workers=len(acts)) as pool:
        return [future.result() for future in [pool.submit(wait_and, act) for act in acts]]
