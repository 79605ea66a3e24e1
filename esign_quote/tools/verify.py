"""Our own judgement of a sealed file: stricter and simpler than a general validator.

A general validator may accept a file with changes after the signature, of kinds it holds to be
harmless. We sealed the file and know exactly what it must look like, so anything else is refused.
"""

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import x509 as asn1_x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation.generic_cms import validate_sig_integrity

from .exceptions import TimestampError
from .pdf_limits import PYHANKO_LIMITS
from .timestamp import Token, check_signature_token

__all__ = ["REASONS", "Verdict", "verify_strict"]

REASONS = {
    "ok": "sealed with this certificate, whole file covered, nothing changed",
    "unreadable": "not a PDF that can be read strictly",
    "signature_count": "not exactly one signature",
    "coverage": "the signature does not cover the whole file: something was added or wrapped",
    "subfilter": "not a PAdES signature",
    "permissions": "not a certification that forbids every change (DocMDP P=1)",
    "other_certificate": "signed with another certificate",
    "digest_mismatch": "a byte was changed after sealing",
    "signature_invalid": "the signature value does not belong to the signed attributes",
    "timestamp_invalid": "the time-stamp is not a good one over this signature",
    "original_mismatch": "the sealed file does not begin with the original that was read",
}
"""What :attr:`Verdict.reason` can be, for developers."""

_DIGESTS = ("sha256", "sha384", "sha512")


@dataclass(frozen=True)
class Verdict:
    """Answer of :func:`verify_strict`."""

    ok: bool
    reason: str
    """A key of :data:`REASONS`."""
    signing_time: datetime | None = None
    """Time claimed in the signature dictionary (/M), once the signature proved valid."""
    signer_name: str | None = None
    """/Name of the signature dictionary, once the signature proved valid."""
    timestamp: Token | None = None
    """The signature's time-stamp, when it has one: checked, but for who issued its certificate."""

    @property
    def timestamped(self) -> bool:
        return self.timestamp is not None


class _Failed(Exception):
    pass


def verify_strict(
    data: bytes,
    certificate_der: bytes,
    original_sha256: str | None = None,
    original_size: int | None = None,
) -> Verdict:
    """Check that a PDF is a file sealed by us and untouched since.

    Never raises for bad input. The order of the checks is fixed: the first failure is the reason.

    :param bytes data: the file
    :param bytes certificate_der: the only certificate accepted
    :param str original_sha256: hexadecimal SHA-256 of the original; given together with ``original_size``
    :param int original_size: its length in bytes
    :raises ValueError: when only one of the two is given
    """
    if (original_sha256 is None) != (original_size is None):
        raise ValueError("original_sha256 and original_size belong together")
    try:
        signature = _only_signature(data)
        _check_coverage(data, signature)
        _check_permissions(signature)
        _check_cryptography(signature, certificate_der)
        timestamp = _check_timestamp(signature)
        if original_sha256 is not None:
            _check_original(data, original_sha256, original_size)
        return Verdict(
            True,
            "ok",
            signing_time=signature.self_reported_timestamp,
            signer_name=_text(signature.sig_object, "/Name"),
            timestamp=timestamp,
        )
    except _Failed as failure:
        return Verdict(False, str(failure))
    except Exception:  # noqa: BLE001
        # Whatever a hostile file makes the parsers raise, the answer is "not ours".
        return Verdict(False, "unreadable")


def _require(condition: bool, reason: str) -> None:
    if not condition:
        raise _Failed(reason)


def _only_signature(data: bytes):
    reader = PdfFileReader(io.BytesIO(data), strict=True, decode_limits=PYHANKO_LIMITS)
    _require(not reader.encrypted and not reader.xrefs.hybrid_xrefs_present, "unreadable")
    signatures = reader.embedded_signatures
    _require(len(signatures) == 1, "signature_count")
    return signatures[0]


def _check_coverage(data: bytes, signature) -> None:
    """Require [0 a b c] with b+c the file's end and nothing but /Contents in between (12.8.1)."""
    numbers = [int(number) for number in signature.byte_range]
    _require(len(numbers) == 4, "coverage")
    start, first, second, length = numbers
    _require(start == 0 and 0 < first < second and second + length == len(data) and length > 0, "coverage")
    gap = data[first:second]
    _require(gap[:1] == b"<" and gap[-1:] == b">", "coverage")
    try:
        content = bytes.fromhex(gap[1:-1].decode("ascii"))
    except ValueError:
        raise _Failed("coverage") from None
    _require(content == signature.pkcs7_content, "coverage")
    # Behind the DER only zeros: the gap is the one place where bytes could hide unsigned.
    der_length = len(signature_der(content))
    _require(not content[der_length:].strip(b"\0"), "coverage")


def signature_der(content: bytes) -> bytes:
    """Cut the zero padding off a /Contents string: the DER object at its start (X.690 8.1.3).

    :raises ValueError: no definite-length DER object
    """
    if len(content) < 2 or content[0] != 0x30:
        raise ValueError("not a DER sequence")
    first = content[1]
    if first < 0x80:
        end = 2 + first
    else:
        octets = first & 0x7F
        if not 1 <= octets <= 4:
            raise ValueError("indefinite or absurd length")
        end = 2 + octets + int.from_bytes(content[2 : 2 + octets], "big")
    if end > len(content):
        raise ValueError("truncated")
    return content[:end]


def _check_permissions(signature) -> None:
    _require(signature.sig_object.get("/SubFilter") == "/ETSI.CAdES.detached", "subfilter")
    root = signature.reader.root
    certified = root["/Perms"].raw_get("/DocMDP") if "/Perms" in root and "/DocMDP" in root["/Perms"] else None
    field_value = signature.sig_field.raw_get("/V")
    same = certified is not None and getattr(certified, "reference", certified) == field_value.reference
    _require(same and signature.docmdp_level == MDPPerm.NO_CHANGES, "permissions")


def _check_cryptography(signature, certificate_der: bytes) -> None:
    certificate = asn1_x509.Certificate.load(certificate_der, strict=True)
    _require(signature.signer_cert.dump() == certificate_der, "other_certificate")
    _require(signature.md_algorithm in _DIGESTS, "signature_invalid")
    # The pinned certificate verifies, not the one that came with the file.
    intact, valid = validate_sig_integrity(
        signature.signer_info, certificate, "data", actual_digest=signature.compute_digest()
    )
    _require(intact, "digest_mismatch")
    _require(valid, "signature_invalid")


def _check_original(data: bytes, sha256: str, size: int) -> None:
    matches = 0 < size < len(data) and hashlib.sha256(data[:size]).hexdigest() == sha256
    _require(matches, "original_mismatch")


def _check_timestamp(signature) -> Token | None:
    try:
        return check_signature_token(signature.signer_info)
    except TimestampError as error:
        raise _Failed("timestamp_invalid") from error


def _text(dictionary, key: str) -> str | None:
    return str(dictionary[key]) if key in dictionary else None
