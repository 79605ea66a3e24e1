"""Certificates and revocation data that prove, later and without network, that a seal was valid."""

from dataclasses import dataclass

__all__ = ["ValidationData"]


@dataclass(frozen=True)
class ValidationData:
    """What goes into a document security store (ETSI EN 319 142-1 5.4.2), each item as DER."""

    certificates: tuple[bytes, ...] = ()
    ocsps: tuple[bytes, ...] = ()
    """OCSPResponse (RFC 6960)."""
    crls: tuple[bytes, ...] = ()
    """CertificateList (RFC 5280)."""
