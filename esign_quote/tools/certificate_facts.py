"""What a certificate says of a seal, for the proof."""

from functools import lru_cache
from hashlib import sha256

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa

__all__ = ["describe"]


@lru_cache(maxsize=64)
def _described(der: bytes) -> tuple:
    certificate = x509.load_der_x509_certificate(der)
    return tuple(
        {
            "subject": certificate.subject.rfc4514_string(),
            "issuer": certificate.issuer.rfc4514_string(),
            # In hexadecimal, as viewers show it; too large for a JSON number.
            "serial": f"{certificate.serial_number:X}",
            "key_id": _key_id(certificate),
            "algorithm": _algorithm(certificate.public_key()),
            "valid_from": _moment(certificate.not_valid_before_utc),
            "valid_to": _moment(certificate.not_valid_after_utc),
            "self_signed": certificate.issuer == certificate.subject,
            "sha256": sha256(der).hexdigest(),
        }.items()
    )


def describe(der: bytes) -> dict:
    """Return what a certificate (DER) says: ``subject``, ``issuer``, ``serial`` (hexadecimal), ``key_id``,
    ``algorithm`` of seals made with its key, ``valid_from``, ``valid_to``, ``self_signed`` and ``sha256``.

    :raise ValueError: not a certificate
    """
    return dict(_described(der))


def _key_id(certificate: x509.Certificate) -> str:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        found = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    return found.hex().upper()


def _algorithm(key) -> str:
    if isinstance(key, rsa.RSAPublicKey):
        return f"RSA of {key.key_size} bits (PKCS#1 v1.5) with SHA-256"
    if isinstance(key, ec.EllipticCurvePublicKey):
        return f"ECDSA on {key.curve.name} with SHA-256"
    return "unknown"


def _moment(moment) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
