"""Certificates and revocation data that prove, later and without network, that a seal was valid.

They are fetched beforehand, so that sealing asks nobody but the time-stamp authority.
"""

import asyncio
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtensionOID
from pyhanko_certvalidator import CertificateValidator, ValidationContext
from pyhanko_certvalidator.errors import RevokedError

from . import download
from .certificate_chain import issuers
from .exceptions import DownloadError, RevocationError, SealError

__all__ = ["REASONS", "Answer", "ValidationData", "ask", "check", "fetch_issuer", "fingerprint", "is_self_signed"]

REASONS = {
    "no_address": "the certificate names no place to ask about its revocation",
    "private_address": "the place it names is inside a network of ours",
    "unreachable": "nobody answers there",
    "too_large": "the list is too large to be put into every file",
    "unverified": "what came is not signed by the issuer, out of date, or about another certificate",
    "revoked": "the issuer has revoked the certificate (``detail['on']``)",
}
"""What :attr:`RevocationError.reason` can be, for developers."""

SECONDS = 10
MAX_BYTES = 262_144
"""It goes into every sealed file."""
UNDATED_LIFE = timedelta(days=1)
"""For answers that do not say when there will be a new one."""


@dataclass(frozen=True)
class ValidationData:
    """What goes into a document security store (ETSI EN 319 142-1 5.4.2), each item as DER."""

    certificates: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    """OCSPResponse (RFC 6960)."""
    crls: tuple[bytes, ...] = ()
    """CertificateList (RFC 5280)."""


@dataclass(frozen=True)
class Answer:
    """A checked word of an issuer that a certificate of his is good."""

    kind: str
    """``ocsp`` or ``crl``."""
    der: bytes
    this_update: datetime
    next_update: datetime


# === CHAINS === #


def is_self_signed(certificate: bytes) -> bool:
    """Tell whether a certificate is signed with its own key: nobody could revoke it."""
    parsed = x509.load_der_x509_certificate(certificate)
    try:
        parsed.verify_directly_issued_by(parsed)
    except Exception:  # noqa: BLE001  another name, another key, an unknown kind of key: all mean no
        return False
    return True


def fetch_issuer(certificate: bytes, private_hosts: Iterable[str] = ()) -> bytes | None:
    """Get the issuer's certificate from where ``certificate`` says it is, or None."""
    for url in _locations(certificate, AuthorityInformationAccessOID.CA_ISSUERS):
        try:
            found = issuers(certificate, [_fetch(url, private_hosts)])
        except (DownloadError, SealError):
            continue
        if found:
            return found[0]
    return None


# === ASKING === #


def ask(certificate: bytes, issuer: bytes, now: datetime, private_hosts: Iterable[str] = ()) -> Answer:
    """Ask whether a certificate is revoked: by OCSP (RFC 6960), else by its list (RFC 5280).

    :param bytes certificate: DER
    :param bytes issuer: DER
    :param datetime now: aware
    :param private_hosts: names that may lead into an internal network; nothing else may (the addresses come
        out of certificates)
    :raises RevocationError: see :data:`REASONS`
    """
    error = RevocationError("no_address")
    for kind, url, body in _questions(certificate, issuer):
        try:
            answer = _read(kind, _fetch(url, private_hosts, body))
            check(certificate, issuer, answer, now)
        except DownloadError as failure:
            known = failure.reason in REASONS
            error = RevocationError(failure.reason if known else "unreachable", url=url)
        except RevocationError as failure:
            error = failure
            if failure.reason == "revoked":
                break
        else:
            return answer
    raise error


def check(certificate: bytes, issuer: bytes, answer: Answer, now: datetime) -> None:
    """Check an answer as its later judges will: signature, responder, dates, which certificate, and that it is good.

    :raises RevocationError: ``unverified`` or ``revoked``
    """
    word = {"ocsps": [answer.der]} if answer.kind == "ocsp" else {"crls": [answer.der]}
    context = ValidationContext(
        trust_roots=[asn1_x509.Certificate.load(issuer)],
        moment=now,
        allow_fetching=False,
        revocation_mode="hard-fail",
        **word,
    )
    validator = CertificateValidator(asn1_x509.Certificate.load(certificate), validation_context=context)
    try:
        asyncio.run(validator.async_validate_usage(set()))
    except RevokedError as error:
        raise RevocationError("revoked", on=error.revocation_dt) from error
    except Exception as error:
        raise RevocationError("unverified", cause=type(error).__name__) from error


def _questions(certificate: bytes, issuer: bytes) -> Iterator[tuple[str, str, bytes | None]]:
    parsed = x509.load_der_x509_certificate(certificate)
    for url in _locations(certificate, AuthorityInformationAccessOID.OCSP):
        # SHA-1 only names the certificate here, and is what every responder knows (RFC 5019 2.1.1).
        builder = ocsp.OCSPRequestBuilder().add_certificate(
            parsed,
            x509.load_der_x509_certificate(issuer),
            SHA1(),  # noqa: S303
        )
        yield "ocsp", url, builder.build().public_bytes(Encoding.DER)
    for url in _list_locations(parsed):
        yield "crl", url, None


def _locations(certificate: bytes, method) -> list[str]:
    extensions = x509.load_der_x509_certificate(certificate).extensions
    try:
        access = extensions.get_extension_for_oid(ExtensionOID.AUTHORITY_INFORMATION_ACCESS).value
    except x509.ExtensionNotFound:
        return []
    return [item.access_location.value for item in access if item.access_method == method and _is_url(item)]


def _is_url(item) -> bool:
    return isinstance(item.access_location, x509.UniformResourceIdentifier)


def _list_locations(certificate: x509.Certificate) -> list[str]:
    try:
        points = certificate.extensions.get_extension_for_oid(ExtensionOID.CRL_DISTRIBUTION_POINTS).value
    except x509.ExtensionNotFound:
        return []
    names = [name for point in points for name in point.full_name or ()]
    return [name.value for name in names if isinstance(name, x509.UniformResourceIdentifier)]


def _fetch(url: str, private_hosts: Iterable[str], body: bytes | None = None) -> bytes:
    download.check_address(url)
    return download.fetch(
        url,
        body,
        content_type="application/ocsp-request" if body else None,
        seconds=SECONDS,
        max_bytes=MAX_BYTES,
        public_only=urlsplit(url).hostname not in set(private_hosts),
    )


def _read(kind: str, der: bytes) -> Answer:
    try:
        if kind == "ocsp":
            parsed = ocsp.load_der_ocsp_response(der)
            this, following = parsed.this_update_utc, parsed.next_update_utc
        else:
            parsed = x509.load_der_x509_crl(der)
            this, following = parsed.last_update_utc, parsed.next_update_utc
    except Exception as error:
        raise RevocationError("unverified", cause=type(error).__name__) from error
    return Answer(kind, der, this, following or this + UNDATED_LIFE)


def fingerprint(certificate: bytes) -> str:
    """Return the SHA-256 of a certificate, in hexadecimal digits."""
    return hashlib.sha256(certificate).hexdigest()
