"""Keys and certificates of the company seal: made, imported, parsed once per process."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from .exceptions import SealError

__all__ = ["SealKey", "generate_certificate", "read_pkcs12"]

MIN_RSA_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1)
_NAME_LENGTH = 64
"""Upper bound of X.520 ub-common-name and ub-organization-name (RFC 5280 appendix A.1)."""


def generate_certificate(
    common_name: str, organisation: str, country: str, now: datetime, years: int = 10
) -> tuple[bytes, bytes]:
    """Make a P-256 key and a self-signed certificate for sealing.

    :param str common_name: cut to 64 characters
    :param str organisation: cut to 64 characters; may be empty
    :param str country: ISO 3166-1 alpha-2, or empty
    :param datetime now: aware; the certificate is valid from this second
    :param int years: of 365.25 days
    :return: (private key as unencrypted PKCS#8 DER, certificate as DER)
    :raises SealError: ``bad_subject`` when the names are unusable, ``bad_time`` when ``now`` is naive
    """
    if now.tzinfo is None:
        raise SealError("bad_time")
    start = now.astimezone(UTC).replace(microsecond=0)
    subject = _subject(common_name, organisation, country)
    key = ec.generate_private_key(ec.SECP256R1())
    usage = dict.fromkeys(
        ("key_encipherment", "data_encipherment", "key_agreement", "key_cert_sign", "crl_sign"), False
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=years * 1461 // 4))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            # content_commitment is the present name of nonRepudiation (RFC 5280 4.2.1.3).
            x509.KeyUsage(
                digital_signature=True, content_commitment=True, encipher_only=False, decipher_only=False, **usage
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    return _key_der(key), certificate.public_bytes(serialization.Encoding.DER)


def _subject(common_name: str, organisation: str, country: str) -> x509.Name:
    texts = {NameOID.COMMON_NAME: common_name, NameOID.ORGANIZATION_NAME: organisation}
    if country and not re.fullmatch(r"[A-Za-z]{2}", country):
        raise SealError("bad_subject", field="country")
    attributes = [x509.NameAttribute(NameOID.COUNTRY_NAME, country.upper())] if country else []
    try:
        for oid, text in texts.items():
            # Control characters would be shown by certificate viewers, or hide the rest.
            cleaned = "".join(character if character.isprintable() else " " for character in text)
            cleaned = " ".join(cleaned.split())[:_NAME_LENGTH].strip()
            if cleaned:
                attributes.append(x509.NameAttribute(oid, cleaned))
            elif oid is NameOID.COMMON_NAME:
                raise SealError("bad_subject", field="common_name")
        return x509.Name(attributes)
    except ValueError as error:
        raise SealError("bad_subject") from error


def read_pkcs12(data: bytes, password: str | None) -> tuple[bytes, bytes, list[bytes]]:
    """Open a PKCS#12 file (.p12, .pfx; RFC 7292) with a key for sealing.

    :param bytes data: the file
    :param str password: or None for a file without
    :return: (private key as unencrypted PKCS#8 DER, certificate DER, further certificates DER)
    :raises SealError: ``bad_password`` (or a damaged file: both look alike), ``no_key``,
        ``no_certificate``, ``key_unsupported``, ``key_mismatch``
    """
    secret = password.encode() if password else None
    try:
        key, certificate, others = pkcs12.load_key_and_certificates(data, secret)
    except Exception as error:
        # ValueError for a wrong password, others (UnsupportedAlgorithm, TypeError) for odd files.
        raise SealError("bad_password") from error
    if key is None:
        raise SealError("no_key")
    if certificate is None:
        raise SealError("no_certificate")
    _check_key(key, certificate)
    encoding = serialization.Encoding.DER
    return _key_der(key), certificate.public_bytes(encoding), [other.public_bytes(encoding) for other in others]


def _key_der(key) -> bytes:
    return key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _check_supported(key) -> None:
    if isinstance(key, (rsa.RSAPrivateKey, rsa.RSAPublicKey)):
        supported = key.key_size >= MIN_RSA_BITS
    else:
        elliptic = isinstance(key, (ec.EllipticCurvePrivateKey, ec.EllipticCurvePublicKey))
        supported = elliptic and isinstance(key.curve, _CURVES)
    if not supported:
        raise SealError("key_unsupported")


def _check_key(key, certificate: x509.Certificate) -> None:
    _check_supported(key)
    spki = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*spki) != certificate.public_key().public_bytes(*spki):
        raise SealError("key_mismatch")


@dataclass(frozen=True, eq=False)
class SealKey:
    """A private key with its certificate, ready to sign. Made by :meth:`load` or by ``pkcs11_key``."""

    fingerprint: str
    """SHA-256 of the certificate, 64 hexadecimal digits."""
    subject: str
    """RFC 4514 text of the certificate's subject."""
    not_before: datetime
    not_after: datetime
    certificate: bytes = field(repr=False)
    """DER."""
    chain: tuple[bytes, ...] = field(repr=False)
    """Further certificates for the signature, DER."""
    issuer_and_serial: tuple[bytes, bytes] = field(repr=False)
    """Issuer and serial number as they stand in the certificate, each as DER."""
    algorithm: str
    """``rsa`` (RSASSA-PKCS1-v1_5) or ``ecdsa``, always with SHA-256."""
    signature_size: int
    """Upper bound of the length of a signature, in bytes."""
    _sign: Callable[[bytes], bytes] = field(repr=False)

    @classmethod
    def load(cls, private_key_der: bytes, certificate_der: bytes, chain: tuple[bytes, ...] = ()) -> "SealKey":
        """Parse and check a key; the last ones used stay parsed (checking an RSA key takes 30 ms and more).

        :param bytes private_key_der: unencrypted PKCS#8
        :param bytes certificate_der: X.509
        :param chain: further certificates, DER, in any order
        :raises SealError: ``key_unreadable``, ``certificate_unreadable``, ``key_unsupported``, ``key_mismatch``
        """
        return _load(bytes(private_key_der), bytes(certificate_der), tuple(bytes(item) for item in chain))

    @classmethod
    def with_signer(cls, certificate_der: bytes, chain: tuple[bytes, ...], sign: Callable[[bytes], bytes]) -> "SealKey":
        """Make a key of a certificate and whatever signs for it.

        :param bytes certificate_der: X.509
        :param chain: further certificates, DER, in any order
        :param sign: data to its signature with SHA-256: ECDSA as DER, or RSASSA-PKCS1-v1_5
        :raises SealError: ``certificate_unreadable``, ``key_unsupported``
        """
        try:
            certificate = x509.load_der_x509_certificate(certificate_der)
            for item in chain:
                x509.load_der_x509_certificate(item)
            subject = certificate.subject.rfc4514_string()
            period = certificate.not_valid_before_utc, certificate.not_valid_after_utc
            public = certificate.public_key()
            parsed = asn1_x509.Certificate.load(certificate_der)["tbs_certificate"]
            issuer_and_serial = parsed["issuer"].dump(), parsed["serial_number"].dump()
        except Exception as error:
            raise SealError("certificate_unreadable") from error
        _check_supported(public)
        is_rsa = isinstance(public, rsa.RSAPublicKey)
        size = (public.key_size + 7) // 8
        return cls(
            hashlib.sha256(certificate_der).hexdigest(),
            subject,
            *period,
            certificate_der,
            chain,
            issuer_and_serial,
            "rsa" if is_rsa else "ecdsa",
            # DER: two integers of the curve's size and at most nine bytes around them.
            size if is_rsa else 2 * size + 9,
            sign,
        )

    def sign(self, data: bytes) -> bytes:
        """Sign with SHA-256: ECDSA (DER encoded) or RSASSA-PKCS1-v1_5, by the kind of key."""
        return self._sign(data)

    def __reduce__(self):
        raise TypeError("a sealing key is not pickled")

    def check_valid_at(self, moment: datetime) -> None:
        """:raises SealError: ``certificate_not_yet_valid`` or ``certificate_expired``"""
        if moment < self.not_before:
            raise SealError("certificate_not_yet_valid", not_before=self.not_before.isoformat())
        if moment > self.not_after:
            raise SealError("certificate_expired", not_after=self.not_after.isoformat())


@lru_cache(maxsize=16)
def _load(private_key_der: bytes, certificate_der: bytes, chain: tuple[bytes, ...]) -> SealKey:
    try:
        key = serialization.load_der_private_key(private_key_der, password=None)
    except Exception as error:
        raise SealError("key_unreadable") from error
    if isinstance(key, rsa.RSAPrivateKey):
        scheme = (padding.PKCS1v15(), hashes.SHA256())
    else:
        scheme = (ec.ECDSA(hashes.SHA256()),)
    loaded = SealKey.with_signer(certificate_der, chain, lambda data: key.sign(data, *scheme))
    _check_key(key, x509.load_der_x509_certificate(certificate_der))
    return loaded
