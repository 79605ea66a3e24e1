"""Parsed ASN.1 as the bytes it came in.

asn1crypto takes every length whose last octet is 80 for an indefinite one, and writes such a value anew when
it is dumped: one certificate in 256 is other bytes afterwards, with another hash, when its issuer did not keep
to DER everywhere (a default that is written out is frequent), and one with odd texts cannot be dumped at all.
"""

from asn1crypto import core, parser, x509

__all__ = ["ExactCertificate", "exact"]


def _original_der(value: core.Sequence) -> bytes:
    """Return the bytes a parsed value of definite length was read from (X.690 8.1.3, 10.1)."""
    return parser.emit(value.class_, value.method, value.tag, value.contents)


class ExactCertificate(x509.Certificate):
    """A certificate that never becomes other bytes than those it was read from."""

    def dump(self, force=False):
        return _original_der(self)


def exact(certificate: x509.Certificate) -> ExactCertificate:
    """Return a certificate that was parsed as a part of something as one on its own."""
    return ExactCertificate.load(_original_der(certificate))
