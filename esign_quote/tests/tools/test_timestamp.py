"""Time-stamps: every fault of an authority has its reason, and OpenSSL judges the good tokens too."""

import copy
from datetime import UTC, datetime, timedelta

import pdf_factory as make
import pytest
from asn1crypto import cms as asn1_cms
from odd_certificates import with_written_default
from timestamp_authority import FAULTS, OTHER_POLICY, POLICY, TimestampAuthority
from tools import cms, timestamp
from tools.der import ExactCertificate
from tools.exceptions import TimestampError

DATA = b"what is stamped"
REASON_OF = {
    "down": "unreachable",
    "slow": "timeout",
    "drip": "timeout",
    "500": "http_status",
    "redirect": "http_status",
    "garbage": "unreadable",
    "truncated": "unreadable",
    "huge": "too_large",
    "nonce": "nonce",
    "no_nonce": "nonce",
    "imprint": "imprint",
    "digest": "imprint",
    "broken_digest": "digest",
    "expired": "expired",
    "usage": "usage",
    "usage_not_critical": "usage",
    "usage_not_only": "usage",
    "policy": "policy",
    "rejected": "rejected",
    "untrusted": "untrusted",
    "signature": "signature",
    "content": "signature",
    "certificate_missing": "certificate_missing",
    "certificate_id": "certificate_id",
    "no_certificate_id": "certificate_id",
}


@pytest.fixture(scope="module")
def server():
    with TimestampAuthority() as authority:
        yield authority


@pytest.fixture
def authority(server):
    server.heal()
    server.asked.clear()
    server.credentials = None
    yield server
    server.heal()


def service(authority, *urls, **options):
    addresses = tuple(timestamp.Authority(url) for url in urls or (authority.url,))
    options.setdefault("roots", (authority.pki.root.der,))
    return timestamp.Service(addresses, policy=POLICY, seconds=options.pop("seconds", 5), **options)


def refused(authority, *urls, **options):
    with pytest.raises(TimestampError) as caught:
        service(authority, *urls, **options).stamp(DATA)
    assert caught.value.reason in timestamp.REASONS
    return caught.value


def test_a_good_token(authority):
    before = datetime.now(UTC)
    token = service(authority).stamp(DATA)
    assert before <= token.gen_time <= datetime.now(UTC)
    assert (token.authority, token.policy, token.trusted) == ("Test Time-Stamp Authority", POLICY, True)
    assert token.certificate == authority.pki.stamping.der
    assert (token.drift_ms, token.drifts) == (0, False)
    assert token.certificate_until.date() == authority.pki.stamping.certificate.not_valid_after_utc.date()


def test_openssl_agrees(authority, tmp_path):
    token = service(authority).stamp(DATA)
    (tmp_path / "root.pem").write_bytes(authority.roots_pem)
    (tmp_path / "data").write_bytes(DATA)
    command = ("openssl", "ts", "-verify", "-token_in", "-in", "@", "-CAfile", str(tmp_path / "root.pem"))
    good = make.run(*command, "-data", str(tmp_path / "data"), data=token.der, tmp_path=tmp_path)
    assert b"Verification: OK" in good.stdout, good.stderr
    (tmp_path / "data").write_bytes(DATA + b"!")
    bad = make.run(*command, "-data", str(tmp_path / "data"), data=token.der, tmp_path=tmp_path)
    assert b"Verification: FAILED" in bad.stdout


def test_every_fault_is_covered():
    assert set(REASON_OF) == set(FAULTS)
    assert set(REASON_OF.values()) < set(timestamp.REASONS)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_reason(authority, fault):
    authority.fault = fault
    assert refused(authority, seconds=0.5 if REASON_OF[fault] == "timeout" else 30).reason == REASON_OF[fault]


def test_nobody_listens(authority):
    assert refused(authority, "http://127.0.0.1:9/").reason == "unreachable"


@pytest.mark.parametrize("url", ["", "ftp://example.com", "http://", "file:///etc/passwd", "http://u:p@127.0.0.1/"])
def test_addresses_that_are_none(authority, url):
    assert refused(authority, url).reason == "bad_address"


def test_the_second_address_helps_out(authority):
    authority.fault = "down"
    assert service(authority, authority.url, authority.second_url).stamp(DATA)
    assert authority.asked == ["/tsa", "/second"]


def test_a_bad_token_of_the_first_is_replaced_by_a_good_one_of_the_second(authority):
    authority.fault = "imprint"
    assert service(authority, authority.url, authority.second_url).stamp(DATA).trusted


def test_the_second_address_is_left_alone_while_the_first_answers(authority):
    service(authority, authority.url, authority.second_url).stamp(DATA)
    assert authority.asked == ["/tsa"]


def test_both_reasons_are_told(authority):
    authority.fault = "nonce"
    error = refused(authority, authority.url, "http://127.0.0.1:9/")
    assert (error.reason, error.detail["first"]) == ("unreachable", "nonce")


def test_user_and_password(authority):
    authority.credentials = ("anna", "pass word")
    assert refused(authority).detail["status"] == 401
    right = timestamp.Authority(authority.url, "anna", "pass word")
    assert timestamp.Service((right,)).stamp(DATA)
    assert "pass word" not in repr(right)


def test_a_password_does_not_travel_unencrypted():
    with pytest.raises(TimestampError) as caught:
        timestamp.Authority("http://tsa.example.com/", "anna", "pass word").ask(b"", 1)
    assert caught.value.reason == "insecure_password"


# === TIME === #


@pytest.mark.parametrize("seconds", [-50, -10, 10, 50])
def test_a_clock_that_is_off_is_reported(authority, seconds):
    authority.offset = seconds
    token = service(authority).stamp(DATA)
    assert token.drifts
    assert abs(token.drift_ms - 1000 * seconds) < 900


def test_a_clock_that_is_a_little_off_is_not_worth_a_word(authority):
    authority.offset = 4
    assert not service(authority).stamp(DATA).drifts


@pytest.mark.parametrize("seconds", [-120, 120])
def test_a_clock_that_is_far_off_is_refused(authority, seconds):
    authority.offset = seconds
    error = refused(authority)
    assert (error.reason, error.detail["seconds"] > 0) == ("clock", seconds > 0)


def test_a_slow_answer_is_no_drift(authority):
    moments = iter([authority.now - timedelta(seconds=20), authority.now + timedelta(seconds=20)])
    assert service(authority, clock=lambda: next(moments)).stamp(DATA).drift_ms == 0


def test_whole_seconds_are_no_drift():
    with TimestampAuthority(now=datetime(2026, 5, 1, 12, tzinfo=UTC)) as authority:
        clock = authority.now + timedelta(milliseconds=900)
        assert timestamp.Service((timestamp.Authority(authority.url),), clock=lambda: clock).stamp(DATA).drift_ms == 0


def test_a_running_clock_starts_where_it_is_told():
    moment = datetime(2020, 1, 1, tzinfo=UTC)
    clock = timestamp.running_clock(moment)
    assert moment <= clock() < moment + timedelta(seconds=5)


# === CHECKING LATER === #


@pytest.fixture(scope="module")
def token(server):
    return service(server).stamp(DATA)


def reason_of(*args, **options):
    with pytest.raises(TimestampError) as caught:
        timestamp.check_token(*args, **options)
    return caught.value.reason


def test_a_token_is_checked_again(server, token):
    again = timestamp.check_token(token.der, DATA, (server.pki.root.der,))
    assert (again.gen_time, again.serial) == (token.gen_time, token.serial)
    assert timestamp.check_imprint(token.der, bytes.fromhex(token.imprint)).trusted is False
    assert reason_of(token.der, DATA + b"!") == "imprint"
    assert reason_of(token.der, DATA, policy=OTHER_POLICY) == "policy"
    assert reason_of(token.der, DATA, nonce=1) == "nonce"
    assert reason_of(token.der, DATA, (server.pki.other_root.der,)) == "untrusted"
    assert reason_of(token.der + b"\0", DATA) == "unreadable"


def test_every_flipped_bit_is_found_or_harmless(server, token):
    """What the signature does not cover (versions, algorithm lists) may change, what the token says may not."""
    facts = (token.gen_time, token.serial, token.policy, token.imprint, token.certificate)
    survived = 0
    for position in range(len(token.der)):
        flipped = bytearray(token.der)
        flipped[position] ^= 1 << position % 8
        try:
            again = timestamp.check_token(bytes(flipped), DATA, (server.pki.root.der,))
        except TimestampError:
            continue
        survived += 1
        assert (again.gen_time, again.serial, again.policy, again.imprint, again.certificate) == facts
    assert survived < len(token.der) / 2


@pytest.mark.parametrize("der", [b"", b"0", b"0\x80\0\0", b"\x30\x03\x02\x01\x01", bytes(99)])
def test_what_is_no_token(der):
    assert reason_of(der, DATA) == "unreadable"


@pytest.mark.parametrize("text", ["1.2", "1.3.6.1.4.1.4146.2.3", "2.16.840"])
def test_policies(text):
    assert timestamp.is_policy(text)


@pytest.mark.parametrize("text", ["", "1", "1.2.x", "3.1.2", "1.2.", "1.2.3\n", "1..2"])
def test_what_is_no_policy(text):
    assert not timestamp.is_policy(text)


# === CERTIFICATES THAT ARE NOT IN DER === #


@pytest.fixture
def odd(authority, monkeypatch):
    """Give the authority a certificate that writes a default out, of a length: ``odd(length)``."""

    good = authority.pki.stamping

    def function(length):
        stamping = copy.copy(good)
        stamping.der = with_written_default(good.der, length)
        stamping.asn1 = ExactCertificate.load(stamping.der)
        monkeypatch.setitem(vars(authority.pki), "stamping", stamping)
        return stamping.der

    return function


@pytest.mark.parametrize("length", [0x380, 0x37F])
def test_a_certificate_that_writes_a_default_out(authority, odd, length):
    certificate = odd(length)
    assert service(authority, roots=()).stamp(DATA).certificate == certificate


@pytest.mark.parametrize("last", [0x80, 0x7F])
def test_a_token_in_a_signature_keeps_its_bytes(authority, odd, last, key):
    """asn1crypto takes a length whose last octet is 80 for an indefinite one: see tools/der.py."""

    def stamp(signature):
        length = 0x381
        # Serial and signature of a token are not always of one length: more than one try.
        while not tokens or tokens[-1][3] != last:
            odd(length)
            tokens.append(service(authority, roots=()).stamp(signature).der)
            length = 0x381 + (length - 0x381 + last - tokens[-1][3]) % 256
        return tokens[-1]

    tokens = []
    signed = cms.signed_data(key, bytes(32), stamp)
    (signer,) = asn1_cms.ContentInfo.load(signed)["content"]["signer_infos"]
    assert timestamp.check_signature_token(signer).der == tokens[-1]
