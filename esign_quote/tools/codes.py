"""One-time codes and link or device secrets: made, stored as digests, compared.

Rules: NIST SP 800-63B-4 3.1.2.2 and 3.1.3 (short codes are salted and stretched, at least
20 bits, single use), OWASP ASVS 5.0 6.5 and 7.2.3 (secrets of at least 128 bits).
"""

import hashlib
import hmac
import re
import secrets

# scrypt: 2 MiB and a few milliseconds, a fifth of what a guess costs the server. The code lives
# five minutes and three tries, and a pepper stands before it; the stretch only has to make a
# stolen table useless within that time, even with the pepper.
SCRYPT = {"n": 2**12, "r": 4, "p": 1, "dklen": 32}
SALT_BYTES = 16
SECRET_BYTES = 32
# An identifier that is read over the phone: no vowels (no words), no 0/O, 1/I/L.
REFERENCE_ALPHABET = "23456789BCDFGHJKMNPQRSTVWXZ"
SEPARATORS = re.compile(r"[\s\-.\u00a0\u2009\u202f]")


def new_code(digits: int = 6) -> str:
    """Return a uniformly random code of ``digits`` decimal digits (CSPRNG)."""
    return f"{secrets.randbelow(10**digits):0{digits}d}"


def clean_code(typed: str, digits: int = 6) -> str | None:
    """Return what the person typed without blanks and dashes, or None when it is no code.

    Text of another length or with other characters is neither compared nor counted.
    """
    code = SEPARATORS.sub("", typed or "")
    return code if len(code) == digits and code.isascii() and code.isdigit() else None


def new_salt() -> str:
    """Return 128 random bits in hexadecimal."""
    return secrets.token_hex(SALT_BYTES)


def code_digest(code: str, salt: str, pepper: bytes, binding: str) -> str:
    """Digest a code so that it only matches in the place it was made for.

    :param str code: the digits
    :param str salt: hexadecimal, from :func:`new_salt`
    :param bytes pepper: a secret of the server that the table does not hold
    :param str binding: what the code is good for: ticket, device and purpose
    :return: hexadecimal digest of 32 bytes
    :rtype: str
    """
    bound = hmac.new(pepper, f"{binding}\0{code}".encode(), hashlib.sha256).digest()
    return hashlib.scrypt(bound, salt=bytes.fromhex(salt), **SCRYPT).hex()


def new_secret() -> str:
    """Return 256 random bits, safe in a URL or a cookie (43 characters)."""
    return secrets.token_urlsafe(SECRET_BYTES)


def secret_hash(secret: str) -> str:
    """Return what is stored of a secret of 256 bits: its SHA-256 (no stretch needed)."""
    return hashlib.sha256((secret or "").encode()).hexdigest()


def same(one: str | None, other: str | None) -> bool:
    """Compare two digests in constant time; nothing equals nothing only by mistake."""
    # As bytes: texts may hold letters that compare_digest refuses.
    return bool(one) and bool(other) and hmac.compare_digest(one.encode(), other.encode())


def new_reference() -> str:
    """Return a signature identifier such as ``ES-7K3M-9QPX-2D4F`` (57 random bits)."""
    groups = ("".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(4)) for _ in range(3))
    return "ES-" + "-".join(groups)


def new_uid() -> str:
    """Return a public, unguessable and meaningless id for a URL (128 bits)."""
    return secrets.token_hex(16)
