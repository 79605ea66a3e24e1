"""Is this certificate one to seal with, and who issued it? Asked when a key is installed."""

from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from .exceptions import SealError

__all__ = ["issuers", "read_certificates", "sealing_chain"]

_MAX_LENGTH = 10


def read_certificates(data: bytes) -> list[bytes]:
    """Read a certificate file: DER, or PEM with one or several certificates.

    :return: each as DER, in the order of the file
    :raises SealError: ``certificate_unreadable``
    """
    try:
        if b"-----BEGIN" in data:
            found = x509.load_pem_x509_certificates(data)
        else:
            found = [x509.load_der_x509_certificate(data)]
    except ValueError as error:
        raise SealError("certificate_unreadable") from error
    return [item.public_bytes(Encoding.DER) for item in found]


def sealing_chain(certificate_der: bytes, others: list[bytes], moment: datetime) -> list[bytes]:
    """Check a certificate for sealing and order those that came with it.

    :param bytes certificate_der: of the key that is to seal
    :param others: further certificates, DER, in any order; those that belong to another chain are left out
    :param datetime moment: aware; when all must be valid
    :return: the issuer, its issuer and so on, as far as ``others`` go; each as DER
    :raises SealError: ``certificate_unreadable``, ``certificate_expired``, ``certificate_not_yet_valid``,
        ``key_usage`` (it may not sign), ``is_authority``, ``chain_foreign`` (none of ``others`` issued it),
        ``chain_expired`` (``detail['subject']``: an issuer is not valid at that moment)
    """
    try:
        certificate = x509.load_der_x509_certificate(certificate_der)
        rest = [x509.load_der_x509_certificate(der) for der in dict.fromkeys(others) if der != certificate_der]
        _check_purpose(certificate)
    except ValueError as error:
        raise SealError("certificate_unreadable") from error
    if moment > certificate.not_valid_after_utc:
        raise SealError("certificate_expired", not_after=certificate.not_valid_after_utc.isoformat())
    if moment < certificate.not_valid_before_utc:
        raise SealError("certificate_not_yet_valid", not_before=certificate.not_valid_before_utc.isoformat())
    chain = _issuers(certificate, rest)
    if rest and not chain and certificate.issuer != certificate.subject:
        raise SealError("chain_foreign")
    for issuer in chain:
        if not issuer.not_valid_before_utc <= moment <= issuer.not_valid_after_utc:
            raise SealError("chain_expired", subject=issuer.subject.rfc4514_string())
    return [item.public_bytes(Encoding.DER) for item in chain]


def issuers(certificate_der: bytes, others: list[bytes]) -> list[bytes]:
    """Return the issuer of a certificate, its issuer and so on, as far as ``others`` go; each as DER.

    :raises SealError: ``certificate_unreadable``
    """
    try:
        rest = [x509.load_der_x509_certificate(der) for der in dict.fromkeys(others) if der != certificate_der]
        chain = _issuers(x509.load_der_x509_certificate(certificate_der), rest)
    except ValueError as error:
        raise SealError("certificate_unreadable") from error
    return [item.public_bytes(Encoding.DER) for item in chain]


def _check_purpose(certificate: x509.Certificate) -> None:
    """Refuse what forbids signing; a certificate without these extensions forbids nothing (RFC 5280 4.2.1)."""
    usage = _extension(certificate, x509.KeyUsage)
    # content_commitment is the present name of nonRepudiation.
    if usage and not (usage.digital_signature or usage.content_commitment):
        raise SealError("key_usage")
    constraints = _extension(certificate, x509.BasicConstraints)
    if constraints and constraints.ca:
        raise SealError("is_authority")


def _issuers(certificate: x509.Certificate, rest: list[x509.Certificate]) -> list[x509.Certificate]:
    chain: list[x509.Certificate] = []
    current = certificate
    while current.issuer != current.subject and len(chain) < _MAX_LENGTH:
        current = next((item for item in rest if item not in chain and _issued(item, current)), None)
        if current is None:
            break
        chain.append(current)
    return chain


def _issued(issuer: x509.Certificate, certificate: x509.Certificate) -> bool:
    if issuer.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(issuer)
        constraints = _extension(issuer, x509.BasicConstraints)
    except Exception:  # noqa: BLE001  InvalidSignature, or an algorithm that cryptography does not know
        return False
    return bool(constraints and constraints.ca)


def _extension(certificate: x509.Certificate, kind):
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
