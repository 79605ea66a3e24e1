"""The CMS signature of a seal, written as plain DER (X.690): the few structures that PAdES wants.

General libraries build it in 10 ms; the signature itself takes a fraction of one. What stands here is
fixed: SHA-256, one signer, the attributes of PAdES baseline (ETSI EN 319 142-1 table 1): content-type,
message-digest and signing-certificate-v2; no signing-time, which PAdES puts into the PDF (/M).
"""

from collections.abc import Callable, Iterable
from hashlib import sha256

from .seal_key import SealKey

__all__ = ["TOKEN_ROOM", "signed_data", "signed_data_size"]

TOKEN_ROOM = 16_384
"""Bytes kept free for a time-stamp token: its length is not known before the seal is made."""

_SEQUENCE, _SET, _OCTETS = b"\x30", b"\x31", b"\x04"
# [0] holds, by the place where it stands, a content, certificates or signed attributes; [1] unsigned ones.
_CONTEXT_0, _CONTEXT_1, _DIRECTORY_NAME = b"\xa0", b"\xa1", b"\xa4"
_VERSION_1 = b"\x02\x01\x01"


def _tlv(tag: bytes, *parts: bytes) -> bytes:
    """Write one DER element; its length in the shortest form."""
    value = b"".join(parts)
    size = len(value)
    if size < 0x80:
        return tag + bytes((size,)) + value
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return tag + bytes((0x80 | len(octets),)) + octets + value


def _set_of(tag: bytes, elements: Iterable[bytes]) -> bytes:
    # DER sorts the elements of a SET OF by their encoding.
    return _tlv(tag, *sorted(elements))


_DATA = bytes.fromhex("06092a864886f70d010701")
_SIGNED_DATA = bytes.fromhex("06092a864886f70d010702")
_CONTENT_TYPE = bytes.fromhex("06092a864886f70d010903")
_MESSAGE_DIGEST = bytes.fromhex("06092a864886f70d010904")
_SIGNING_CERTIFICATE_V2 = bytes.fromhex("060b2a864886f70d010910022f")
_TIMESTAMP_TOKEN = bytes.fromhex("060b2a864886f70d010910020e")
_SHA256 = _tlv(_SEQUENCE, bytes.fromhex("0609608648016503040201"))
_ALGORITHMS = {
    # RFC 4055: with NULL; RFC 5758: without parameters.
    "rsa": _tlv(_SEQUENCE, bytes.fromhex("06092a864886f70d01010b0500")),
    "ecdsa": _tlv(_SEQUENCE, bytes.fromhex("06082a8648ce3d040302")),
}


def _attribute(kind: bytes, value: bytes) -> bytes:
    return _tlv(_SEQUENCE, kind, _tlv(_SET, value))


def signed_data(key: SealKey, digest: bytes, timestamp: Callable[[bytes], bytes] | None = None) -> bytes:
    """Sign the digest of a document: ContentInfo with SignedData (RFC 5652), detached.

    :param SealKey key: signs; its certificate and chain go into the signature
    :param bytes digest: SHA-256 of what is signed
    :param timestamp: gets the signature value, returns a time-stamp token (RFC 3161) as DER
    :raises SealError: what the key raises
    """
    attributes = _signed_attributes(key, digest)
    # Signed with the tag of a SET, stored with that of the field: RFC 5652 5.4.
    signature = key.sign(_set_of(_SET, attributes))
    token = timestamp(signature) if timestamp else None
    return _content_info(key, attributes, signature, token)


def signed_data_size(key: SealKey, with_timestamp: bool) -> int:
    """Return the bytes that :func:`signed_data` needs at most, a token of :data:`TOKEN_ROOM` included."""
    attributes = _signed_attributes(key, bytes(32))
    token = bytes(TOKEN_ROOM) if with_timestamp else None
    return len(_content_info(key, attributes, bytes(key.signature_size), token))


def _signed_attributes(key: SealKey, digest: bytes) -> list[bytes]:
    issuer, serial = key.issuer_and_serial
    issuer_serial = _tlv(_SEQUENCE, _tlv(_SEQUENCE, _tlv(_DIRECTORY_NAME, issuer)), serial)
    # ESSCertIDv2 (RFC 5035): SHA-256 is the default and is left out.
    certificate_id = _tlv(_SEQUENCE, _tlv(_OCTETS, sha256(key.certificate).digest()), issuer_serial)
    return [
        _attribute(_CONTENT_TYPE, _DATA),
        _attribute(_MESSAGE_DIGEST, _tlv(_OCTETS, digest)),
        _attribute(_SIGNING_CERTIFICATE_V2, _tlv(_SEQUENCE, _tlv(_SEQUENCE, certificate_id))),
    ]


def _content_info(key: SealKey, attributes: list[bytes], signature: bytes, token: bytes | None) -> bytes:
    issuer, serial = key.issuer_and_serial
    signer = [
        _VERSION_1,
        _tlv(_SEQUENCE, issuer, serial),
        _SHA256,
        _set_of(_CONTEXT_0, attributes),
        _ALGORITHMS[key.algorithm],
        _tlv(_OCTETS, signature),
    ]
    if token:
        signer.append(_tlv(_CONTEXT_1, _attribute(_TIMESTAMP_TOKEN, token)))
    content = _tlv(
        _SEQUENCE,
        _VERSION_1,
        _tlv(_SET, _SHA256),
        _tlv(_SEQUENCE, _DATA),
        _set_of(_CONTEXT_0, {key.certificate, *key.chain}),
        _tlv(_SET, _tlv(_SEQUENCE, *signer)),
    )
    return _tlv(_SEQUENCE, _SIGNED_DATA, _tlv(_CONTEXT_0, content))
