"""An SMTP server that keeps every mail in memory instead of delivering it, and can misbehave on demand.

In a test::

    with MailCatcher() as mails:
        ...                                   # let Odoo send to mails.host, mails.port
        mail = mails.wait_for(to="ann@example.com")
        mail.subject, mail.text, mail.links, mail.attachments[0].content
        mails.fault = "451"                   # or "550", "stall", "hangup", "refuse"; None heals it
"""

import asyncio
import itertools
import re
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import unescape

from aiosmtpd.smtp import SMTP

from .loop_thread import LoopThread

ADDRESS = "127.0.0.1"
FAULTS = {
    "refuse": "nobody listens on the port",
    "451": "a temporary error after the text of the mail",
    "550": "every recipient is refused for good",
    "hangup": "the connection ends after the text of the mail",
    "stall": "no answer to the text of the mail until the fault is healed",
}
MAX_MESSAGES = 1000  # the oldest are forgotten
MAX_SIZE = 64 * 1024 * 1024


@dataclass(frozen=True)
class Attachment:
    name: str
    type: str
    content: bytes = field(repr=False)
    content_id: str = ""  # by which the HTML refers to a picture


@dataclass(frozen=True)
class Message:
    """One caught mail, decoded."""

    id: int
    received: datetime
    envelope_from: str
    envelope_to: tuple[str, ...]
    raw: bytes = field(repr=False)
    subject: str
    sender: str
    to: str
    cc: str
    reply_to: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    attachments: tuple[Attachment, ...]

    @property
    def links(self) -> list[str]:
        """Addresses that the mail links to, in the order of the HTML (of the text, if there is no HTML)."""
        if self.html:
            return [unescape(link) for link in re.findall(r"""<a\b[^>]*?\bhref=["']([^"']+)""", self.html)]
        return re.findall(r"https?://[^\s<>\"]+", self.text)

    @classmethod
    def parse(cls, number: int, envelope_from: str, envelope_to: list[str], raw: bytes) -> "Message":
        mail: EmailMessage = message_from_bytes(raw, policy=policy.default)
        text, html = (mail.get_body([kind]) for kind in ("plain", "html"))
        attachments = []
        for part in mail.walk():
            if part.is_multipart() or part is text or part is html:
                continue
            content = part.get_payload(decode=True) or b""
            content_id = str(part.get("Content-ID", "")).strip("<>")
            attachments.append(
                Attachment(part.get_filename() or "unnamed", part.get_content_type(), content, content_id)
            )
        return cls(
            id=number,
            received=datetime.now(UTC),
            envelope_from=envelope_from,
            envelope_to=tuple(envelope_to),
            raw=raw,
            subject=str(mail.get("Subject", "")),
            sender=str(mail.get("From", "")),
            to=str(mail.get("To", "")),
            cc=str(mail.get("Cc", "")),
            reply_to=str(mail.get("Reply-To", "")),
            text=text.get_content() if text else "",
            html=html.get_content() if html else "",
            attachments=tuple(attachments),
        )


class MailCatcher(LoopThread):
    """The server, running in a thread of its own. Usable as a context manager."""

    def __init__(self, port: int = 0):
        super().__init__("mailcatcher")
        self.host = ADDRESS
        self.port = port
        self._messages: list[Message] = []
        self._numbers = itertools.count(1)
        self._arrived = threading.Condition()
        self._fault: str | None = None
        self._listener: asyncio.Server | None = None

    # ------------------------------------------------------------------------------------------------ the mails

    @property
    def messages(self) -> list[Message]:
        """The mails caught so far, oldest first."""
        with self._arrived:
            return list(self._messages)

    def clear(self) -> None:
        with self._arrived:
            self._messages.clear()

    def add(self, envelope_from: str, envelope_to: list[str], raw: bytes) -> None:
        """Keep a message, as if it had come by SMTP."""
        mail = Message.parse(next(self._numbers), envelope_from, envelope_to, raw)
        with self._arrived:
            self._messages.append(mail)
            del self._messages[:-MAX_MESSAGES]
            self._arrived.notify_all()

    def wait_for(
        self,
        predicate: Callable[[Message], bool] | None = None,
        *,
        to: str = "",
        subject: str = "",
        timeout: float = 180,
    ) -> Message:
        """The newest mail that fits all that is given, waiting for it if need be."""

        def fits(mail: Message) -> bool:
            return (
                (not to or any(to.lower() in recipient.lower() for recipient in mail.envelope_to))
                and subject.lower() in mail.subject.lower()
                and (predicate is None or predicate(mail))
            )

        deadline = time.monotonic() + timeout
        with self._arrived:
            while True:
                for mail in reversed(self._messages):
                    if fits(mail):
                        return mail
                if not self._arrived.wait(deadline - time.monotonic()):
                    caught = [f"{mail.subject!r} to {', '.join(mail.envelope_to)}" for mail in self._messages]
                    raise TimeoutError(f"no such mail within {timeout} s; caught: {'; '.join(caught) or 'nothing'}")

    # --------------------------------------------------------------------------------------------------- faults

    @property
    def fault(self) -> str | None:
        return self._fault

    @fault.setter
    def fault(self, name: str | None) -> None:
        if name not in (None, *FAULTS):
            raise ValueError(f"unknown fault {name!r}, choose among {', '.join(FAULTS)}")
        self._fault = name
        self._call(self._close() if name == "refuse" else self._listen())

    # aiosmtpd calls the next two methods by these names.
    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if self._fault == "550":
            return f"550 5.1.1 <{address}>: recipient refused (fault of the mail catcher)"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, _session, envelope):
        while self._fault == "stall":
            await asyncio.sleep(0.05)
        if self._fault == "451":
            return "451 4.3.0 try again later (fault of the mail catcher)"
        if self._fault == "hangup":
            server.transport.abort()
            return "421 4.4.2 nobody hears this (fault of the mail catcher)"
        self.add(envelope.mail_from, envelope.rcpt_tos, envelope.content)
        return "250 OK"

    # -------------------------------------------------------------------------------------------------- details

    async def _listen(self) -> None:
        if self._listener:
            return

        def session() -> SMTP:
            return SMTP(self, data_size_limit=MAX_SIZE, enable_SMTPUTF8=True, hostname="mailcatcher", loop=self._loop)

        self._listener = await self._loop.create_server(session, self.host, self.port)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._listener:
            self._listener.close()
            self._listener = None
