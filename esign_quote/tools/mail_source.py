"""A mail as it was handed to the mail server, fit to be kept for years: no secret in it, no copy of its files."""

import hashlib
from email.message import EmailMessage
from email.policy import SMTP

from .links import mask_links

__all__ = ["archive_copy"]

NOTE = "X-Archive-Note"
# What a reader of the archive wants; whatever else the message carries is technique of the moment.
_HEADERS = ("Message-Id", "Date", "From", "To", "Cc", "Reply-To", "Subject", "References", "In-Reply-To")


def archive_copy(message: EmailMessage) -> bytes:
    """Return the source of a mail (RFC 5322) to keep as evidence of what was sent.

    The secrets of personal links are masked, and each attachment is replaced by its name, size and SHA-256: the
    files themselves are kept once, elsewhere.

    :param email.message.EmailMessage message: as handed to the mail server
    :return: bytes with CRLF; the same message gives the same bytes
    """
    copy = EmailMessage(policy=SMTP.clone(refold_source="all"))
    for name in _HEADERS:
        if message[name]:
            copy[name] = mask_links(" ".join(str(message[name]).split()))
    copy[NOTE] = "secrets of personal links are masked; attachments are replaced by their SHA-256"
    texts = {part.get_content_type(): part for part in message.walk() if _is_text(part)}
    plain = mask_links(_text(texts["text/plain"])) if "text/plain" in texts else ""
    copy.set_content(plain + _attachments(message), cte="base64")
    if "text/html" in texts:
        copy.add_alternative(mask_links(_text(texts["text/html"])), subtype="html", cte="base64")
    if copy.is_multipart():
        # The library would draw one by chance.
        copy.set_boundary("=_" + hashlib.sha256(repr(copy.items()).encode()).hexdigest()[:32])
    return copy.as_bytes()


def _is_text(part) -> bool:
    kind = part.get_content_type()
    return kind in ("text/plain", "text/html") and part.get_content_disposition() != "attachment"


def _text(part) -> str:
    content = part.get_payload(decode=True) or b""
    return content.decode(part.get_content_charset() or "utf-8", "replace")


def _attachments(message) -> str:
    lines = []
    for part in message.walk():
        if part.is_multipart() or _is_text(part):
            continue
        content = part.get_payload(decode=True) or b""
        digest = hashlib.sha256(content).hexdigest()
        lines.append(f"[{part.get_filename() or part.get_content_type()}: {len(content)} bytes, SHA-256 {digest}]")
    return "\n\n" + "\n".join(lines) + "\n" if lines else ""
