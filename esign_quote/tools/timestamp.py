"""Time-stamps of an authority (RFC 3161): asked for, and checked completely before they count.

A token proves that some bytes existed at a time which is not ours to set. What is not checked here is nobody's
proof: the same check runs when a token arrives and whenever it is verified later.
"""

import asyncio
import hashlib
import re
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from asn1crypto import algos, cms, core, tsp, x509
from pyhanko.sign.general import check_ess_certid
from pyhanko.sign.validation.generic_cms import get_signing_cert_attr, validate_sig_integrity
from pyhanko_certvalidator import CertificateValidator, ValidationContext

from . import download
from .der import exact
from .exceptions import DownloadError, TimestampError

__all__ = [
    "REASONS",
    "Authority",
    "Service",
    "Token",
    "check_imprint",
    "check_signature_token",
    "check_token",
    "is_policy",
    "running_clock",
]

REASONS = {
    # The authority cannot be asked.
    "bad_address": "not an address of http or https",
    "insecure_password": "a password would travel unencrypted: https is needed",
    "unreachable": "no connection",
    "timeout": "no complete answer in time",
    "http_status": "HTTP status other than 200",
    "too_large": "an answer too large for a token",
    # It answers, but not with a token.
    "unreadable": "not a time-stamp answer or token",
    "rejected": "the authority refused (PKIStatus)",
    # The token is not the one asked for.
    "imprint": "stamps other bytes",
    "nonce": "answers another request",
    "policy": "issued under another policy",
    # The token is not to be relied on.
    "digest": "uses a broken hash algorithm",
    "certificate_missing": "its signer's certificate is not in it",
    "certificate_id": "signed attributes name another certificate, or none",
    "usage": "the certificate is not for time-stamping, critically and only (RFC 3161 2.3)",
    "expired": "the certificate was not valid at that time",
    "signature": "the signature is wrong",
    "untrusted": "not issued under one of the trusted roots",
    "revoked": "the certificate is revoked",
    "clock": "its time and our clock are more than a minute apart",
}
"""What :attr:`TimestampError.reason` can be, for developers."""

SECONDS = 5
"""For one address (SECURITY 2.3)."""
MAX_BYTES = 65_536
DRIFT_REFUSED = timedelta(seconds=60)
DRIFT_REPORTED = timedelta(seconds=5)
_DIGESTS = ("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")


@dataclass(frozen=True)
class Token:
    """A token that passed :func:`check_token`."""

    der: bytes = field(repr=False)
    gen_time: datetime
    """The time it states, aware."""
    serial: str
    """Decimal: larger than JSON's numbers."""
    policy: str
    """Dotted number."""
    authority: str
    """Name in the signer's certificate."""
    imprint: str
    """SHA-256 of what was stamped, 64 hexadecimal digits."""
    certificate: bytes = field(repr=False)
    """The signer's, DER."""
    certificates: tuple[bytes, ...] = field(repr=False)
    """All that came with it, DER."""
    certificate_until: datetime
    trusted: bool
    """Issued under one of the roots; False when none was given."""
    drift: timedelta = timedelta(0)
    """How far its time lies behind (-) or ahead (+) of the span in which our clock saw it being made."""

    address: str = ""
    """Where it was got, when it was not checked only."""

    @property
    def drift_ms(self) -> int:
        return round(self.drift / timedelta(milliseconds=1))

    @property
    def drifts(self) -> bool:
        """True when the clocks are too far apart not to say so."""
        return abs(self.drift) > DRIFT_REPORTED


@dataclass(frozen=True)
class Authority:
    """One address of a time-stamp authority."""

    url: str
    user: str = ""
    password: str = field(default="", repr=False)

    def ask(self, query: bytes, seconds: float) -> bytes:
        """Send a TimeStampReq, return what comes back (RFC 3161 3.4).

        :raises TimestampError: see :data:`REASONS`
        """
        credentials = (self.user, self.password) if self.user or self.password else None
        if credentials and self.url.startswith("http:") and not download.is_loopback(self.url):
            raise TimestampError("insecure_password")
        try:
            return download.fetch(
                self.url,
                query,
                content_type="application/timestamp-query",
                credentials=credentials,
                seconds=seconds,
                max_bytes=MAX_BYTES,
            )
        except DownloadError as error:
            raise TimestampError(error.reason, **error.detail) from error


@dataclass(frozen=True)
class Service:
    """The addresses of a company's authority and what is demanded of its tokens; plain values, no database."""

    authorities: tuple[Authority, ...]
    roots: tuple[bytes, ...] = field(default=(), repr=False)
    """Trusted certificates, DER; none: whoever answers at the address is believed."""
    policy: str | None = None
    """Dotted number of the only policy accepted."""
    revoked: frozenset[str] = field(default=frozenset(), repr=False)
    """SHA-256 of certificates known to be revoked."""
    clock: Callable[[], datetime] = field(default=lambda: datetime.now(UTC), repr=False)
    """Our own time, aware."""
    seconds: float = SECONDS

    def stamp(self, data: bytes) -> Token:
        """Get a token over the SHA-256 of ``data`` from the first address that gives a good one.

        :raises TimestampError: of the last address, see :data:`REASONS`; ``detail['first']`` is the first one's reason
        """
        reasons = []
        for authority in self.authorities:
            try:
                return self._stamp_at(authority, data)
            except TimestampError as error:
                reasons.append(error)
        if not reasons:
            raise TimestampError("bad_address")
        last = reasons[-1]
        if len(reasons) == 1:
            raise last
        raise TimestampError(last.reason, **last.detail, first=reasons[0].reason) from last

    def starting_at(self, address: str) -> "Service":
        """Return the same service, that asks ``address`` first if it is one of its own."""
        return replace(self, authorities=tuple(sorted(self.authorities, key=lambda item: item.url != address)))

    def _stamp_at(self, authority: Authority, data: bytes) -> Token:
        nonce = secrets.randbits(127) | 1 << 127  # always of the same length, and positive
        query = _request(hashlib.sha256(data).digest(), nonce, self.policy)
        asked = self.clock()
        answer = authority.ask(query, self.seconds)
        span = (asked, self.clock())
        token = check_token(_token_of(answer), data, self.roots, nonce=nonce, policy=self.policy, span=span)
        _require(hashlib.sha256(token.certificate).hexdigest() not in self.revoked, "revoked")
        return replace(token, address=authority.url)


def running_clock(moment: datetime) -> Callable[[], datetime]:
    """Return a clock that shows ``moment`` now and goes on from there, whatever happens to the computer's clock."""
    start = time.monotonic()
    return lambda: moment + timedelta(seconds=time.monotonic() - start)


def is_policy(text: str) -> bool:
    """Tell whether ``text`` is an object identifier in dotted form."""
    try:
        return bool(re.fullmatch(r"[0-2](\.\d{1,20})+", text)) and bool(core.ObjectIdentifier(text).dump())
    except ValueError:
        return False


# === ASKING === #


def _request(imprint: bytes, nonce: int, policy: str | None) -> bytes:
    query = {
        "version": "v1",
        "message_imprint": {
            "hash_algorithm": algos.DigestAlgorithm({"algorithm": "sha256"}),
            "hashed_message": imprint,
        },
        "nonce": nonce,
        "cert_req": True,
    }
    if policy:
        query["req_policy"] = policy
    return tsp.TimeStampReq(query).dump()


def _token_of(answer: bytes) -> bytes:
    """Return the token of a TimeStampResp, as it came.

    :raises TimestampError: ``unreadable``, ``rejected``
    """
    try:
        # Not asn1crypto's TimeStampResp: there the token is not optional, as it is (RFC 3161 2.4.2).
        parts = core.SequenceOf.load(answer, strict=True, spec=core.Any)
        info = parts[0].parse(tsp.PKIStatusInfo)
        status, failure = info["status"].native, info["fail_info"].native
        token = parts[1].dump() if status.startswith("granted") else b""
    except Exception as error:
        raise TimestampError("unreadable") from error
    if not token:
        raise TimestampError("rejected", status=status, failure=", ".join(sorted(failure or ())))
    return token


# === CHECKING === #


def check_token(
    der: bytes,
    data: bytes,
    roots: Sequence[bytes] = (),
    *,
    nonce: int | None = None,
    policy: str | None = None,
    span: tuple[datetime, datetime] | None = None,
) -> Token:
    """Check a time-stamp token completely; nothing of the caller is trusted but ``roots``.

    :param bytes der: the token (ContentInfo of CMS)
    :param bytes data: what it stamps
    :param roots: DER certificates; the signer's must lead to one of them. None: its issuer is not judged
    :param int nonce: of the request
    :param str policy: the only one accepted
    :param span: aware times of our clock before and after; None for a token of the past
    :raises TimestampError: see :data:`REASONS`
    """
    return check_imprint(der, hashlib.sha256(data).digest(), roots, nonce=nonce, policy=policy, span=span)


def check_imprint(
    der: bytes, imprint: bytes, roots: Sequence[bytes] = (), *, nonce=None, policy=None, span=None
) -> Token:
    """The same as :func:`check_token` for who holds only the SHA-256 (32 bytes) of what was stamped."""
    try:
        return _check(der, imprint, roots, nonce, policy, span)
    except TimestampError:
        raise
    except Exception as error:
        # asn1crypto parses late, and lets ValueError, TypeError and KeyError out.
        raise TimestampError("unreadable") from error


def check_signature_token(signer: cms.SignerInfo, roots: Sequence[bytes] = ()) -> Token | None:
    """Check the time-stamp of a signature (RFC 3161 appendix A: over the signature's value).

    :param signer: of the signature, whose unsigned attributes are looked at
    :return: None when there are no unsigned attributes at all
    :raises TimestampError: see :data:`REASONS`; ``unreadable`` for anything but exactly one time-stamp
    """
    attributes = signer["unsigned_attrs"]
    if not attributes:
        return None
    attribute = _only(attributes)
    _require(attribute["type"].native == "signature_time_stamp_token", "unreadable")
    _only(attribute["values"])
    # The set's bytes, not its only value written anew: see tools/der.py.
    der = attribute["values"].contents
    return check_imprint(der, hashlib.sha256(signer["signature"].native).digest(), roots)


def _check(der, imprint, roots, nonce, policy, span) -> Token:
    signed, info, content = _parse(der)
    signer = _only(signed["signer_infos"])
    certificates = tuple(exact(item.chosen) for item in signed["certificates"] or () if item.name == "certificate")
    moment = info["gen_time"].native
    _check_answer(info, imprint, nonce, policy)
    certificate = _signer_certificate(signer, certificates)
    _check_certificate(certificate, moment)
    _check_signature(signer, certificate, content)
    if roots:
        _check_trust(certificate, certificates, roots, moment)
    return Token(
        der=der,
        gen_time=moment,
        serial=str(info["serial_number"].native),
        policy=info["policy"].dotted,
        authority=_name(certificate),
        imprint=imprint.hex(),
        certificate=certificate.dump(),
        certificates=tuple(item.dump() for item in certificates),
        certificate_until=certificate.not_valid_after,
        trusted=bool(roots),
        drift=_drift(moment, span) if span else timedelta(0),
    )


def _parse(der: bytes):
    message = cms.ContentInfo.load(der, strict=True)
    _require(message["content_type"].native == "signed_data", "unreadable")
    signed = message["content"]
    encapsulated = signed["encap_content_info"]
    _require(encapsulated["content_type"].native == "tst_info", "unreadable")
    content = bytes(encapsulated["content"])
    info = tsp.TSTInfo.load(content, strict=True)
    _require(info["version"].native == "v1" and info["gen_time"].native.tzinfo, "unreadable")
    return signed, info, content


def _check_answer(info: tsp.TSTInfo, imprint: bytes, nonce: int | None, policy: str | None) -> None:
    stamped = info["message_imprint"]
    # Only ever SHA-256: a token over another digest was not asked for, however strong it is.
    _require(stamped["hash_algorithm"]["algorithm"].native == "sha256", "imprint")
    _require(stamped["hashed_message"].native == imprint, "imprint")
    _require(nonce is None or info["nonce"].native == nonce, "nonce")
    _require(not policy or info["policy"].dotted == policy, "policy")


def _signer_certificate(signer: cms.SignerInfo, certificates: Sequence[x509.Certificate]) -> x509.Certificate:
    try:
        wanted = signer["sid"]
        if wanted.name == "issuer_and_serial_number":
            issuer, serial = wanted.chosen["issuer"].dump(), wanted.chosen["serial_number"].native
            found = [item for item in certificates if (item.issuer.dump(), item.serial_number) == (issuer, serial)]
        else:
            found = [item for item in certificates if item.key_identifier == wanted.chosen.native]
        attribute = get_signing_cert_attr(signer["signed_attrs"])
        named = bool(found and attribute and check_ess_certid(found[0], attribute["certs"][0]))
    except Exception as error:
        raise TimestampError("certificate_id") from error
    _require(found, "certificate_missing")
    _require(named, "certificate_id")
    return found[0]


def _check_certificate(certificate: x509.Certificate, moment: datetime) -> None:
    usage = certificate.extended_key_usage_value
    only = usage is not None and usage.native == ["time_stamping"]
    _require(only and "extended_key_usage" in certificate.critical_extensions, "usage")
    _require(certificate.not_valid_before <= moment <= certificate.not_valid_after, "expired")


def _check_signature(signer: cms.SignerInfo, certificate: x509.Certificate, content: bytes) -> None:
    digest = signer["digest_algorithm"]["algorithm"].native
    _require(digest in _DIGESTS, "digest")
    algorithm = signer["signature_algorithm"]["algorithm"].native
    _require(not any(weak in algorithm for weak in ("md5", "sha1", "md2")), "digest")
    try:
        actual = hashlib.new(digest, content).digest()
        intact, valid = validate_sig_integrity(signer, certificate, "tst_info", actual_digest=actual)
    except Exception as error:
        raise TimestampError("signature") from error
    _require(intact and valid, "signature")


def _check_trust(certificate, certificates, roots: Sequence[bytes], moment: datetime) -> None:
    """Build and check the path to a trusted root, as of the time of the stamp; nothing is fetched."""
    try:
        context = ValidationContext(
            trust_roots=[x509.Certificate.load(der) for der in roots],
            other_certs=certificates,
            moment=moment,
            allow_fetching=False,
            revocation_mode="soft-fail",
        )
        validator = CertificateValidator(certificate, validation_context=context)
        asyncio.run(validator.async_validate_usage(set(), {"time_stamping"}))
    except Exception as error:
        raise TimestampError("untrusted", cause=type(error).__name__) from error


def _drift(moment: datetime, span: tuple[datetime, datetime]) -> timedelta:
    asked, answered = span
    # Many authorities state whole seconds, cut off.
    earliest = asked if moment.microsecond else asked - timedelta(seconds=1)
    if earliest <= moment <= answered:
        return timedelta(0)
    drift = moment - (asked if moment < asked else answered)
    if abs(drift) > DRIFT_REFUSED:
        raise TimestampError("clock", seconds=round(drift.total_seconds()))
    return drift


def _name(certificate: x509.Certificate) -> str:
    name = certificate.subject.native.get("common_name")
    return name if isinstance(name, str) else certificate.subject.human_friendly


def _only(items):
    _require(len(items) == 1, "unreadable")
    return items[0]


def _require(condition, reason: str) -> None:
    if not condition:
        raise TimestampError(reason)
