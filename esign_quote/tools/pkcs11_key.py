"""Sealing keys that never leave a security module (PKCS#11): a card, a USB token, a network HSM.

The package ``python-pkcs11`` is optional; everything else works without it.
"""

import hashlib
import os
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from .exceptions import SealError
from .seal_key import SealKey

try:
    import pkcs11
    from pkcs11 import Attribute, Mechanism, ObjectClass, PKCS11Error
except ImportError:
    pkcs11 = None

__all__ = ["TokenSettings", "load_token_key", "read_token_certificate"]

_PROBE = b"esign_quote: does this key belong to the certificate?"
_lock = threading.RLock()
# One session for each token and process. After a fork a session belongs to the parent: its entries are kept, not
# closed, for closing would be a call into a library that this process has not initialised.
_sessions: dict[tuple[int, str, str], object] = {}
_initialised: set[tuple[int, str]] = set()
_wrong: set["TokenSettings"] = set()
"""Settings whose PIN was refused: trying again every minute would lock the token."""


@dataclass(frozen=True)
class TokenSettings:
    """Where a key is, and what opens it."""

    module: str
    """Path of the vendor's PKCS#11 library."""
    token: str
    """Label of the token."""
    key: str
    """Label of the private key, and of its certificate if the token holds it."""
    pin: str = field(repr=False)


def load_token_key(settings: TokenSettings, certificate_der: bytes, chain: tuple[bytes, ...] = ()) -> SealKey:
    """Return a key of a token, ready to seal; its first use in a process proves that it fits the certificate.

    :param TokenSettings settings: where it is
    :param bytes certificate_der: X.509
    :param chain: further certificates, DER, in any order
    :raises SealError: ``certificate_unreadable``, ``key_unsupported``, ``key_mismatch``, and what
        :func:`read_token_certificate` raises
    """
    signer = _TokenSigner(settings, certificate_der)
    loaded = SealKey.with_signer(certificate_der, chain, signer)
    signer.check()
    return loaded


def read_token_certificate(settings: TokenSettings) -> bytes | None:
    """Return the certificate that stands on the token under the key's label, as DER, or None.

    :raises SealError: ``token_incomplete`` (settings), ``token_package``, ``token_module``, ``token_missing``,
        ``token_pin``, ``token_key``, ``token_failed`` (``detail['cause']``)
    """
    with _lock, _translated():
        session = _session(settings)
        criteria = {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.LABEL: settings.key}
        found = [item[Attribute.VALUE] for item in session.get_objects(criteria)]
    return bytes(found[0]) if found else None


class _TokenSigner:
    """Signs data with SHA-256; opens the token when this process needs it."""

    def __init__(self, settings: TokenSettings, certificate_der: bytes):
        self._settings = settings
        self._public = x509.load_der_x509_certificate(certificate_der).public_key()
        self._is_rsa = isinstance(self._public, rsa.RSAPublicKey)
        self._checked_in = 0

    def __call__(self, data: bytes) -> bytes:
        self.check()
        try:
            return self._sign(data)
        except SealError as error:
            if error.reason != "token_failed":
                raise
        # The token was taken out, or its server was restarted: the session is gone, not the key.
        _close(self._settings)
        return self._sign(data)

    def check(self) -> None:
        """Let the certificate judge a first signature, once in each process."""
        if self._checked_in == os.getpid():
            return
        scheme = (padding.PKCS1v15(), hashes.SHA256()) if self._is_rsa else (ec.ECDSA(hashes.SHA256()),)
        try:
            self._public.verify(self._sign(_PROBE), _PROBE, *scheme)
        except InvalidSignature as error:
            raise SealError("key_mismatch") from error
        self._checked_in = os.getpid()

    def _sign(self, data: bytes) -> bytes:
        with _lock, _translated():
            session = _session(self._settings)
            key = session.get_key(object_class=ObjectClass.PRIVATE_KEY, label=self._settings.key)
            if self._is_rsa:
                return bytes(key.sign(data, mechanism=Mechanism.SHA256_RSA_PKCS))
            # Every module knows how to sign a digest; few hash by themselves.
            raw = bytes(key.sign(hashlib.sha256(data).digest(), mechanism=Mechanism.ECDSA))
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))


def _session(settings: TokenSettings):
    """Return this process's session on the token, logged in."""
    if not all((settings.module, settings.token, settings.key, settings.pin)):
        raise SealError("token_incomplete")
    if pkcs11 is None:
        raise SealError("token_package")
    where = os.getpid(), settings.module, settings.token
    if where not in _sessions:
        if settings in _wrong:
            raise SealError("token_pin", cause="remembered")
        try:
            library = _library(settings.module)
        except (PKCS11Error, RuntimeError, OSError) as error:
            raise SealError("token_module", cause=type(error).__name__) from error
        try:
            _sessions[where] = library.get_token(token_label=settings.token).open(user_pin=settings.pin)
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange):
            _wrong.add(settings)
            raise
    return _sessions[where]


def _close(settings: TokenSettings) -> None:
    with _lock, suppress(PKCS11Error, KeyError):
        _sessions.pop((os.getpid(), settings.module, settings.token)).close()


def _library(module: str):
    library = pkcs11.lib(module)
    process = os.getpid()
    if (process, module) not in _initialised:
        if any(known == module for _process, known in _initialised):
            # Initialised by the parent: after a fork each process has to do it for itself (PKCS#11 2.40, 2.5.2).
            with suppress(PKCS11Error):
                library.finalize()
            library.initialize()
        _initialised.add((process, module))
    return library


@contextmanager
def _translated():
    """Turn what the module reports into our words."""
    try:
        yield
    except SealError:
        raise
    except Exception as error:
        name = type(error).__name__
        raise SealError(_REASONS.get(name, "token_failed"), cause=name) from error


_REASONS = {
    "NoSuchToken": "token_missing",
    "TokenNotPresent": "token_missing",
    "MultipleTokensReturned": "token_missing",
    "PinIncorrect": "token_pin",
    "PinInvalid": "token_pin",
    "PinLenRange": "token_pin",
    "PinLocked": "token_pin",
    "NoSuchKey": "token_key",
    "MultipleObjectsReturned": "token_key",
}
