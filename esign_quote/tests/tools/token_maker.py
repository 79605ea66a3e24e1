"""Tokens of a throw-away authority, without a server."""

import asyncio
from datetime import UTC, timedelta
from hashlib import sha256

from asn1crypto import x509
from asn1crypto.keys import PrivateKeyInfo
from cryptography import x509 as crypto_x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from pyhanko.sign.timestamps.dummy_client import DummyTimeStamper


def timestamp_authority(now):
    """Return a callable that gives tokens of a throw-away authority, and the authority's certificate."""
    key = rsa.generate_private_key(65537, 2048)
    name = crypto_x509.Name([crypto_x509.NameAttribute(crypto_x509.NameOID.COMMON_NAME, "Test TSA")])
    usage = crypto_x509.ExtendedKeyUsage([crypto_x509.ExtendedKeyUsageOID.TIME_STAMPING])
    certificate = (
        crypto_x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(now.astimezone(UTC))
        .not_valid_after(now + timedelta(days=9))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    der = key.private_bytes(serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate = x509.Certificate.load(certificate.public_bytes(serialization.Encoding.DER))
    authority = DummyTimeStamper(certificate, PrivateKeyInfo.load(der), fixed_dt=now)

    def timestamp(signature):
        token = authority.async_timestamp(sha256(signature).digest(), "sha256")
        return asyncio.run(token).dump()

    return timestamp, certificate
