"""A customer without a browser: the same requests, at the very moment that a test wants."""

import hashlib
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import quotations

from devtools.mailcatcher import MailCatcher

TOKEN = re.compile(r'name="csrf_token" value="(\w+)"')


class Visitor:
    """One browser on the pages of one quotation."""

    def __init__(self, server, mails: MailCatcher, quotation: quotations.Quotation):
        self.http = httpx.Client(base_url=server.url, timeout=60, follow_redirects=False)
        self.mails = mails
        self.quotation = quotation
        self.token = ""
        self.page = ""

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

    def ask_for_code(self) -> str:
        """Open the link and press the button; return the code of the mail."""
        path = httpx.URL(quotations.personal_link(self.mails, self.quotation.email)).path
        self.get(path)
        answer = self.post(f"{path}/code")
        assert answer.status_code == 303, answer.text
        self.page = httpx.URL(answer.headers["Location"]).path
        self.get(self.page)
        return quotations.latest_code(self.mails, self.quotation.email)

    def enter(self) -> None:
        code = self.ask_for_code()
        answer = self.post(f"{self.page}/verify", code=code)
        assert answer.status_code == 303, answer.text

    def read_to_the_end(self) -> None:
        file = re.search(r'data-file="([^"]+)"', self.get(self.page).text)[1]
        digest = hashlib.sha256(self.http.get(file).content).hexdigest()
        assert self.post(f"{self.page}/read", sha256=digest).json() == {"ok": True}

    def sign(self) -> httpx.Response:
        return self.post(f"{self.page}/sign", name=self.quotation.signer, kind="typed", consents=["C1", "C2"])

    def decline(self) -> httpx.Response:
        return self.post(f"{self.page}/decline", comment="no")

    def _remember(self, answer: httpx.Response) -> httpx.Response:
        found = TOKEN.search(answer.text)
        self.token = found[1] if found else self.token
        return answer


def at_once(*acts: Callable) -> list:
    """Do all acts at the same instant, each in a thread; return what they returned, in their order."""
    gate = threading.Barrier(len(acts))

    def wait_and(act):
        gate.wait()
        return act()

    with ThreadPoolExecutor(max_workers=len(acts)) as pool:
        return [future.result() for future in [pool.submit(wait_and, act) for act in acts]]
