"""Certificates as some authorities write them, of a length that can be chosen.

Their own signature is filled up with anything: nobody checks it here, and whoever makes a certificate can make that, too.
"""

from asn1crypto import parser, x509

_ECDSA_SHA256 = bytes.fromhex("300a06082a8648ce3d040302")


def tlv(tag, *parts):
    """Return a DER value; ``tag`` is its first octet."""
    return parser.emit(tag >> 6, tag >> 5 & 1, tag & 31, b"".join(parts))


def padded(tbs, length):
    """Return a certificate with ``length`` bytes behind its header; 100 are needed for the signature's algorithm and bits."""
    inside = tbs + _ECDSA_SHA256
    for header in (2, 3, 4):
        bits = tlv(0x03, b"\0".ljust(length - len(inside) - header, b"x"))
        if len(inside) + len(bits) == length:
            return tlv(0x30, inside, bits)
    raise ValueError(length)


def with_written_default(certificate, length=None):
    """Return a certificate with another extension, whose "critical FALSE" is written out: DER forbids it (X.690 11.5).

    :param length: of what is behind its header; by default as long as it takes
    """
    fields = x509.Certificate.load(certificate)["tbs_certificate"]
    parts = [fields[name].dump() for name in fields if name != "extensions"]
    extension = tlv(0x30, bytes.fromhex("06032a0304"), b"\1\1\0", tlv(0x04, b"any"))
    extensions = b"".join(item.dump() for item in fields["extensions"]) + extension
    tbs = tlv(0x30, *parts, tlv(0xA3, tlv(0x30, extensions)))
    return padded(tbs, length or len(tbs) + 100)
