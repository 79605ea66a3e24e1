"""Our own judgement of a sealed file: stricter and simpler than a general validator.

A general validator may accept a file with changes after the signature, of kinds it holds to be
harmless. We sealed the file and know exactly what it must look like, so anything else is refused.
"""

import hashlib
import io
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime

from asn1crypto import cms as asn1_cms
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation.generic_cms import extract_signer_info, validate_sig_integrity

from .der import ExactCertificate, exact
from .exceptions import TimestampError
from .pdf_limits import PYHANKO_LIMITS
from .timestamp import Token, check_signature_token

__all__ = ["REASONS", "WORDS", "Judgement", "Verdict", "judge", "verify_strict"]

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

WORDS = {
    "authentic": "sealed with one of our certificates, whole, alone, nothing changed",
    "altered": "a signature is there, and it does not belong to these bytes",
    "changed": "sealed once, something was added behind it",
    "unknown": "sealed and whole, with a certificate that is none of ours",
    "not_ours": "no signature, or not one that our seals look like",
}
"""What :attr:`Judgement.word` can be."""

_DIGESTS = ("sha256", "sha384", "sha512")
_BYTE_RANGE = re.compile(rb"/ByteRange\s{0,99}\[\s{0,99}" + rb"\s{1,99}".join([rb"(\d{1,10})"] * 4) + rb"\s{0,99}\]")
_MAX_SIGNATURES = 8
_MAX_CMS = 500_000  # bytes


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
        _check_unsigned_fields(signature)
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
    certificate = ExactCertificate.load(certificate_der, strict=True)
    _require(exact(signature.signer_cert).dump() == certificate_der, "other_certificate")
    _require(signature.md_algorithm in _DIGESTS, "signature_invalid")
    # The pinned certificate verifies, not the one that came with the file.
    intact, valid = validate_sig_integrity(
        signature.signer_info, certificate, "data", actual_digest=signature.compute_digest()
    )
    _require(intact, "digest_mismatch")
    _require(valid, "signature_invalid")


def _check_unsigned_fields(signature) -> None:
    """Require what stands beside the signed attributes to say what they say (RFC 5652 5.1, 5.3).

    Versions, the list of digests and the signer's identifier are covered by no signature; of one that
    is valid a bit could be flipped there, and general validators do not look.
    """
    signed_data, signer, certificate = signature.signed_data, signature.signer_info, signature.signer_cert
    versions = [item["version"].dump() for item in (signed_data, signer)]
    digests = [item.dump() for item in signed_data["digest_algorithms"]]
    named = signer["sid"].chosen
    same = (
        versions == [b"\x02\x01\x01"] * 2
        and digests == [signer["digest_algorithm"].dump()]
        and named["issuer"].dump() == certificate.issuer.dump()
        and named["serial_number"].native == certificate.serial_number
    )
    _require(same, "signature_invalid")


def _check_original(data: bytes, sha256: str, size: int) -> None:
    matches = 0 < size < len(data) and hashlib.sha256(data[:size]).hexdigest() == sha256
    _require(matches, "original_mismatch")


def _check_timestamp(signature) -> Token | None:
    try:
        return check_signature_token(signature.signer_info)
    except TimestampError as error:
        raise _Failed("timestamp_invalid") from error


@dataclass(frozen=True)
class Judgement:
    """Answer of :func:`judge`."""

    word: str
    """A key of :data:`WORDS`."""
    reason: str = ""
    """A key of :data:`REASONS` where there is more to say."""
    fingerprint: str | None = None
    """SHA-256 of the certificate (DER), hexadecimal."""
    subject: str | None = None
    """Its name, "?" where it cannot be read."""
    signing_time: datetime | None = None
    """Time claimed in the signature, when it is authentic."""
    timestamped: bool = False


@dataclass(frozen=True)
class _Found:
    end: int
    certificate: ExactCertificate | None

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.certificate.dump()).hexdigest()


def judge(data: bytes, known: Collection[str]) -> Judgement:
    """Say what a file is that anybody may have brought: one of five words.

    Signatures are looked for in the raw bytes, as `static/check/check.py` explains: the structure of a
    hostile file may lie, the bytes that a signature covers cannot. Only a file that is covered as a
    whole, by one of our certificates, is parsed as a PDF: what strangers wrote never is, so this needs
    no process of its own. Never raises for bad input.

    :param data: the file
    :param known: fingerprints (SHA-256, hexadecimal) of all certificates that ever were ours
    """
    found = list(_signatures(data))
    valid = [item for item in found if item.certificate]
    if not valid:
        signed = found or b"/ByteRange" in data or b"ETSI.CAdES" in data
        return Judgement("altered", "digest_mismatch") if signed else Judgement("not_ours", "signature_count")
    ours = [item for item in valid if item.fingerprint in known]
    chosen = (ours or valid)[-1]
    facts = {"fingerprint": chosen.fingerprint, "subject": _subject(chosen.certificate)}
    if chosen.end < len(data) or len(found) > 1:
        return Judgement("changed", "coverage" if chosen.end < len(data) else "signature_count", **facts)
    if not ours:
        return Judgement("unknown", "other_certificate", **facts)
    verdict = verify_strict(data, chosen.certificate.dump())
    if verdict.ok:
        return Judgement("authentic", "ok", **facts, signing_time=verdict.signing_time, timestamped=verdict.timestamped)
    altered = verdict.reason in ("digest_mismatch", "signature_invalid", "timestamp_invalid", "coverage")
    return Judgement("altered" if altered else "not_ours", verdict.reason, **facts)


def _signatures(data: bytes) -> Iterator[_Found]:
    """Yield what can be a signature of this file, by the place where its signed bytes end."""
    places = set()
    for match in _BYTE_RANGE.finditer(data):
        start, first, second, length = (int(number) for number in match.groups())
        end = second + length
        sound = start == 0 and 0 < first < second < end <= len(data) and second - first <= 2 * _MAX_CMS
        if sound and data[first] == ord("<") and data[second - 1] == ord(">"):
            places.add((end, first, second))
        if len(places) == _MAX_SIGNATURES:
            break
    for end, first, second in sorted(places):
        try:
            certificate = _certificate_of_valid(data, first, second, end)
        except Exception:  # noqa: BLE001  whatever a hostile signature makes the parsers raise
            certificate = None
        yield _Found(end, certificate)


def _certificate_of_valid(data: bytes, first: int, second: int, end: int):
    """Return the certificate of the signature between two offsets, None when it does not hold."""
    content = bytes.fromhex(data[first + 1 : second - 1].decode("ascii"))
    der = signature_der(content)
    if content[len(der) :].strip(b"\0"):
        return None
    signed_data = asn1_cms.ContentInfo.load(der, strict=True)["content"]
    signer_info = extract_signer_info(signed_data)
    named = signer_info["sid"].chosen
    certificates = [exact(item.chosen) for item in signed_data["certificates"] if item.name == "certificate"]
    (certificate,) = [item for item in certificates if _is_named(item, named)]
    algorithm = signer_info["digest_algorithm"]["algorithm"].native
    if algorithm not in _DIGESTS:
        return None
    digest = hashlib.new(algorithm, data[:first])
    digest.update(memoryview(data)[second:end])
    intact, valid = validate_sig_integrity(signer_info, certificate, "data", actual_digest=digest.digest())
    return certificate if intact and valid else None


def _is_named(certificate, named) -> bool:
    if isinstance(named, asn1_cms.IssuerAndSerialNumber):
        same_number = certificate.serial_number == named["serial_number"].native
        return same_number and certificate.issuer.dump() == named["issuer"].dump()
    return certificate.key_identifier == named.native


def _subject(certificate: ExactCertificate) -> str:
    try:
        return certificate.subject.human_friendly
    except Exception:  # noqa: BLE001  a self-made certificate may hold anything for a name
        return "?"


def _text(dictionary, key: str) -> str | None:
    return str(dictionary[key]) if key in dictionary else None
