"""The journal's hash chain.

``h_0 = SHA256(journal id)``;
``h_n = SHA256(0x00 || h_{n-1} || JCS({seq, type, at, actor, payload_sha256}))``.
The leading zero octet keeps entries apart from the nodes of a Merkle tree (RFC 6962 2.1).

Personal data that is destroyed sooner is not in the payload but apart; the payload holds
``private_sha256 = SHA256(salt || JCS(private))``. Salt and data gone, nobody can tell or guess them, and
the chain stands.
"""

import hashlib
import secrets

from .exceptions import ChainBroken
from .hashing import canonical_json, sha256_hex

FIELDS = ("seq", "type", "at", "actor", "payload_sha256")
SALT_BYTES = 32


def start(journal_id: str) -> str:
    """Return the hash that the first entry follows, in hexadecimal."""
    return sha256_hex(journal_id.encode())


def payload_hash(payload: dict) -> str:
    """Return the SHA-256 of the canonical form of an entry's payload."""
    return sha256_hex(canonical_json(payload))


def link(previous: str, entry: dict) -> str:
    """Return the hash of ``entry`` (a dict with :data:`FIELDS`) behind ``previous``."""
    body = canonical_json({name: entry[name] for name in FIELDS})
    return hashlib.sha256(b"\x00" + bytes.fromhex(previous) + body).hexdigest()


def new_salt() -> str:
    """Return 256 random bits in hexadecimal."""
    return secrets.token_hex(SALT_BYTES)


def commitment(salt: str, private: dict) -> str:
    """Return what stands in the payload for private data: its salted SHA-256.

    :param salt: hexadecimal, from :func:`new_salt`; secret as long as the data is
    """
    return hashlib.sha256(bytes.fromhex(salt) + canonical_json(private)).hexdigest()


def verify(journal_id: str, entries: list[dict], head: str | None = None, *, purged: bool = False) -> str:
    """Check a whole journal, oldest entry first.

    :param entries: dicts with :data:`FIELDS`, ``payload`` and ``hash``
    :param head: the hash that the last entry must have, when it is known from elsewhere
    :param purged: the term is over: a ``payload`` may be None, its hash stands for it
    :return: the hash of the last entry
    :raise ChainBroken: ``gap``, ``payload``, ``hash`` or ``head``; ``seq`` tells where
    """
    previous = start(journal_id)
    for position, entry in enumerate(entries, start=1):
        if entry["seq"] != position:
            raise ChainBroken("gap", seq=position)
        gone = purged and entry["payload"] is None
        if not gone and payload_hash(entry["payload"]) != entry["payload_sha256"]:
            raise ChainBroken("payload", seq=position)
        previous = link(previous, entry)
        if previous != entry["hash"]:
            raise ChainBroken("hash", seq=position)
    if head is not None and previous != head:
        raise ChainBroken("head", seq=len(entries))
    return previous
