"""Throw-away authorities and the certificates they issue."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

NOW = datetime(2026, 3, 12, 14, 5, 9, tzinfo=UTC)
NO_USAGE = dict.fromkeys(
    (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    ),
    False,
)


class Issued:
    """A key with its certificate, which can issue further ones."""

    def __init__(self, name, issuer=None, *, days=(-1, 999), authority=False, usage=None, key=None, now=NOW):
        self.key = key or ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer.certificate.subject if issuer else subject)
            .public_key(self.key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + timedelta(days=days[0]))
            .not_valid_after(now + timedelta(days=days[1]))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if usage is not None:
            builder = builder.add_extension(x509.KeyUsage(**{**NO_USAGE, **dict.fromkeys(usage, True)}), critical=True)
        self.certificate = builder.sign(issuer.key if issuer else self.key, hashes.SHA256())

    @property
    def der(self):
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def key_der(self):
        return self.key.private_bytes(
            serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )


def company_chain(**leaf):
    """Return (leaf, intermediate, root) as a certification authority would deliver them."""
    root = Issued("Root", authority=True, usage=("key_cert_sign",))
    intermediate = Issued("Intermediate", root, authority=True, usage=("key_cert_sign",))
    return (
        Issued("Seal of Example Company", intermediate, **{"usage": ("content_commitment",), **leaf}),
        intermediate,
        root,
    )
