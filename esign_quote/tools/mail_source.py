"""A mail as it was handed to the mail server, fit to be kept: without secrets, without its attachments."""

import email
import email.policy
import re

from .hashing import sha256_hex
from .links import mask_links

# What opens something without a log-in: Odoo's own links into its portal and out of its mailings.
_TOKEN = re.compile(r"((?:[?&]|&amp;)(?:access_token|signup_token|auth_signup_token|token|hash)=)[^&\"'\s<>]+")
_POLICY = email.policy.SMTP.clone(cte_type="7bit", refold_source="none")


def masked_source(message) -> bytes:
    """Return the source of a mail (RFC 5322) in ASCII, as it may be kept and shown.

    Links with a secret lose it; each attachment is replaced by its name, size and SHA-256.

    :param email.message.EmailMessage message: not changed
    """
    copy = email.message_from_bytes(message.as_bytes(policy=_POLICY), policy=_POLICY)
    del copy["Bcc"]
    for part in copy.walk():
        _mask_headers(part)
        if not part.is_multipart():
            _mask_part(part)
    return copy.as_bytes()


def _mask_headers(part):
    for name in set(part.keys()):
        values = [str(value) for value in part.get_all(name)]
        masked = [_mask(value) for value in values]
        if masked != values:
            del part[name]
            for value in masked:
                part[name] = value


def _mask_part(part):
    name = part.get_filename()
    if part.get_content_maintype() == "text" and not name and part.get_content_disposition() != "attachment":
        part.set_content(_mask(part.get_content()), subtype=part.get_content_subtype(), cte="quoted-printable")
        return
    content = part.get_payload(decode=True) or b""
    text = f"[{name or part.get_content_type()}: {len(content)} bytes, SHA-256 {sha256_hex(content)}]\n"
    part.set_content(text, cte="quoted-printable")


def _mask(text):
    return _TOKEN.sub(r"\1…", mask_links(text))
