"""Reading of delivery status notifications (RFC 3464): mails about mails that came back.

They come from strangers and are read as such: nothing in them is believed but which message
they speak of, and what is kept of their words is short.
"""

import re
from dataclasses import dataclass
from email.message import Message

from .smtp_answers import tidy

MAX_SCANNED = 64 * 1024  # characters of a text part that are searched for a Message-ID
MAX_IDS = 50
_MESSAGE_ID = re.compile(r"<[^<>\s]{3,250}>")
_ID_LINE = re.compile(r"^[>\s]*(?:message-id|x-original-message-id)\s*:\s*(<[^<>\s]{3,250}>)", re.I | re.M)
_ID_HEADERS = (
    "In-Reply-To",
    "References",
    "X-Original-Message-ID",
    "X-Microsoft-Original-Message-ID",
    "Original-Message-ID",
)
_DAEMONS = ("mailer-daemon", "postmaster")


@dataclass(frozen=True)
class DeliveryReport:
    """What a notification says."""

    message_ids: tuple  # of the messages that it may speak of, with their angle brackets
    recipients: tuple  # addresses that could not be reached, lower case
    status: str  # such as "5.1.1"
    diagnostic: str  # what the last server said

    @property
    def words(self):
        """The status and what the server said, as one line."""
        return self.diagnostic if self.status in self.diagnostic else tidy(f"{self.status} {self.diagnostic}")


def read(message):
    """Read a notification of a failure.

    A delay, a receipt of reading, an automatic reply of somebody on holiday are none.

    :param email.message.Message message: as it came in
    :return: None when this says of no message that it failed for good
    :rtype: DeliveryReport | None
    """
    groups = [group for part in _parts(message, "message/delivery-status") for group in _groups(part)]
    failed = [group for group in groups if _header(group, "Action").lower() == "failed"]
    if any(_header(group, "Action") for group in groups) and not failed:
        return None
    if not failed and not _comes_from_daemon(message):
        return None
    return DeliveryReport(
        message_ids=tuple(_message_ids(message))[:MAX_IDS],
        recipients=tuple(
            address for group in failed for address in (_address(group, name) for name in _RECIPIENTS) if address
        ),
        status=tidy(next((_header(group, "Status") for group in failed), ""))[:12],
        diagnostic=next((_typed(_header(group, "Diagnostic-Code")) for group in failed), "") or _subject(message),
    )


_RECIPIENTS = ("Original-Recipient", "Final-Recipient")


def _parts(message, *types):
    return [part for part in message.walk() if part.get_content_type() in types]


def _groups(part):
    payload = part.get_payload()
    return [item for item in payload if isinstance(item, Message)] if isinstance(payload, list) else []


def _header(part, name):
    try:
        return str(part.get(name) or "").strip()
    except Exception:  # noqa: BLE001  the standard library stumbles over some broken headers
        return ""


def _typed(value):
    """Return the value of a field such as ``smtp; 550 no such user``."""
    kind, separator, rest = value.partition(";")
    return tidy(rest if separator and kind.strip().isalnum() else value)


def _address(group, name):
    return tidy(_header(group, name).partition(";")[2]).strip("<>").lower()


def _subject(message):
    return tidy(_header(message, "Subject"))


def _comes_from_daemon(message):
    if message.get_content_type() == "multipart/report" and "delivery-status" in _header(message, "Content-Type"):
        return True
    sender = _header(message, "From").lower()
    found = re.search(r"([^\s<\"@]+)@", sender)
    return bool(found) and found[1] in _DAEMONS


def _message_ids(message):
    """Yield the Message-IDs that a notification may speak of, the surest first."""
    seen = set()
    for item in _candidates(message):
        if item not in seen:
            seen.add(item)
            yield item


def _candidates(message):
    for part in _parts(message, "message/rfc822"):
        for original in _groups(part)[:1]:
            yield from _MESSAGE_ID.findall(_header(original, "Message-ID"))
            yield from _MESSAGE_ID.findall(_header(original, "X-Microsoft-Original-Message-ID"))
    for part in _parts(message, "text/rfc822-headers", "message/rfc822-headers", "text/plain"):
        yield from _ID_LINE.findall(_text(part))
    for part in (message, *(group for item in _parts(message, "message/delivery-status") for group in _groups(item))):
        for name in _ID_HEADERS:
            yield from _MESSAGE_ID.findall(_header(part, name))


def _text(part):
    payload = part.get_payload(decode=True)
    if payload is None:
        payload = "".join(str(item) for item in part.get_payload())
        return payload[:MAX_SCANNED]
    return payload[: MAX_SCANNED * 4].decode("utf-8", "replace")[:MAX_SCANNED]
