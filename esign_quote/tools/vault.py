"""Private keys at rest: AES-256-GCM under a key derived from the server's configuration."""

import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .exceptions import VaultError

VERSION = b"\x01"
NONCE_BYTES = 12  # NIST SP 800-38D: 96 random bits


def _key(master: str, purpose: str) -> bytes:
    # HKDF (RFC 5869) suffices: the master secret is random, not a password.
    hkdf = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"esign_quote/{purpose}".encode())
    return hkdf.derive(master.encode())


def derive(master: str, purpose: str) -> bytes:
    """Return 32 bytes that depend on the server's secret and on ``purpose`` only."""
    return _key(master, purpose)


def encrypt(plain: bytes, master: str, context: str) -> bytes:
    """Encrypt ``plain``; ``context`` (which record it belongs to) is authenticated too."""
    nonce = os.urandom(NONCE_BYTES)
    sealed = AESGCM(_key(master, "vault")).encrypt(nonce, plain, context.encode())
    return VERSION + nonce + sealed


def decrypt(blob: bytes, master: str, context: str) -> bytes:
    """Return what :func:`encrypt` was given.

    :raise VaultError: ``wrong_secret`` (another server's secret, another record, or a
        changed blob: the cipher cannot tell which) or ``unknown_format``
    """
    if blob[:1] != VERSION or len(blob) <= 1 + NONCE_BYTES:
        raise VaultError("unknown_format")
    nonce, sealed = blob[1 : 1 + NONCE_BYTES], blob[1 + NONCE_BYTES :]
    try:
        return AESGCM(_key(master, "vault")).decrypt(nonce, sealed, context.encode())
    except InvalidTag as error:
        raise VaultError("wrong_secret") from error
