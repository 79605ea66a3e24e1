"""Where the run's own secrets must not be: link secrets, device secrets, codes (law 11).

A secret of 256 bits is looked for as a plain substring, in every form it could have been written in; it cannot be
met by chance. A code has six digits and can: in a clock's microseconds, a colour, a hash. So codes count only as a
*word* (no letter, digit, ``#``, ``.``, ``-`` or ``/`` beside them) in texts from which times of day were taken out, and
as base64, hexadecimal or a plain digest of the code; the caller leaves out codes that the place held already before
they were drawn (:func:`words`).
"""

import base64
import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

import quotations

TIME = re.compile(rb"\d\d:\d\d:\d\d[.,]\d{1,6}")
WORD = re.compile(rb"(?<![\w#./-])\d{6}(?![\w#/-]|\.\d)")
SECRET_PATH = re.compile("/esign/(t|unlock)/")  # of mailed links
# What a page or a mail of ours is written to, beside the addon's own tables.
TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename ~ '^(esign_|mail_mail|mail_message|bus_bus)'"


@dataclass(frozen=True)
class Secrets:
    """Of one run."""

    long: frozenset[str] = frozenset()  # of links and devices
    codes: frozenset[str] = frozenset()

    def __or__(self, other: "Secrets") -> "Secrets":
        return Secrets(self.long | other.long, self.codes | other.codes)

    def found_in(self, content: bytes) -> set[str]:
        """The secrets that ``content`` gives away, each as ``form of secret``."""
        found = {f"{form} of {secret}" for secret in self.long for form, text in forms(secret) if text in content}
        held = words(content)
        found |= {f"code {code}" for code in self.codes if code.encode() in held}
        return found | {
            f"{form} of code {code}" for code in self.codes for form, text in digests(code) if text in content
        }


def of_visitors(mails, visitors) -> Secrets:
    """What these customers were sent, and what their browsers hold or held."""
    long, codes = set(), set()
    for visitor in visitors:
        long |= visitor.devices
        number = quotations.sms_address(visitor.quotation)
        for mail in mails.messages:
            if visitor.quotation.email in mail.envelope_to:
                long |= {urlsplit(link).path.split("/")[3] for link in mail.links if SECRET_PATH.search(link)}
            if number in mail.envelope_to or (
                visitor.quotation.email in mail.envelope_to and quotations.is_code_mail(mail)
            ):
                codes.add(quotations.CODE.search(mail.text)[0])
    return Secrets(frozenset(long), frozenset(codes))


def forms(secret: str):
    """Ways of writing a long secret, with their names."""
    raw = secret.encode()
    yield "clear", raw
    yield "percent-encoded", quote(secret, safe="").encode()
    yield "hexadecimal", raw.hex().encode()
    yield "HEXADECIMAL", raw.hex().upper().encode()
    # Within a longer text its base64 depends on where it begins; the ends depend on the neighbours.
    for shift in range(3):
        shifted = base64.b64encode(b"\0" * shift + raw)
        yield f"base64 (+{shift})", shifted[4 : len(shifted) - 4]
    # The 256 bits themselves.
    yield "bytes", base64.urlsafe_b64decode(raw + b"=" * (-len(raw) % 4))


def digests(code: str):
    """Ways of keeping a code that are as good as keeping it: a million tries reverse them."""
    raw = code.encode()
    yield "base64", b'"' + base64.b64encode(raw) + b'"'
    yield "hexadecimal", raw.hex().encode()
    for algorithm in ("md5", "sha1", "sha256", "sha512"):
        yield algorithm, hashlib.new(algorithm, raw, usedforsecurity=False).hexdigest().encode()


def words(content: bytes) -> set[bytes]:
    """The words of six digits in a text, times of day left out."""
    return set(WORD.findall(TIME.sub(b"", content)))


def assert_not_in_tables(stand, secrets: Secrets) -> None:
    """The quick look, after each round: the addon's tables and the mails; a file may be as long as a code is high."""
    sizes = {str(size) for (size,) in stand.sql("SELECT size FROM esign_document")}
    secrets = Secrets(secrets.long, secrets.codes - sizes)
    for (table,) in stand.sql(TABLES):
        content = "\n".join(text for (text,) in stand.sql(f'SELECT t::text FROM "{table}" t')).encode()
        found = secrets.found_in(content)
        assert not found, f"I7: in the table {table}: {found}"
