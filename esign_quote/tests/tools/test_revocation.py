"""Revocation data: fetched, checked as a stranger would, and enough for a judge without network."""

import hashlib
import io
from datetime import UTC, datetime, timedelta

import pdf_factory as make
import pytest
from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.dss import DocumentSecurityStore
from pyhanko.sign.validation.errors import NoDSSFoundError
from test_seal import assert_judged_good
from timestamp_authority import TimestampAuthority
from tools import revocation, seal, timestamp
from tools.certificate_chain import issuers
from tools.exceptions import DownloadError, RevocationError
from tools.verify import verify_strict

HOSTS = ("127.0.0.1",)


@pytest.fixture
def authority():
    with TimestampAuthority() as authority:
        yield authority


@pytest.fixture
def pair(authority):
    return authority.pki.stamping.der, authority.pki.root.der


def ask(pair, hosts=HOSTS):
    return revocation.ask(*pair, datetime.now(UTC), hosts)


def refused(pair, hosts=HOSTS):
    with pytest.raises(RevocationError) as caught:
        ask(pair, hosts)
    assert caught.value.reason in revocation.REASONS
    return caught.value


def test_a_good_certificate(authority, pair):
    answer = ask(pair)
    assert answer.kind == "ocsp"
    assert answer.this_update < datetime.now(UTC) < answer.next_update
    assert authority.asked == ["/ocsp"]


def test_a_revoked_certificate(authority, pair):
    authority.revoke(authority.pki.stamping.certificate.serial_number)
    error = refused(pair)
    assert error.reason == "revoked"
    assert abs(error.detail["on"] - datetime.now(UTC)) < timedelta(seconds=30)


@pytest.mark.parametrize("fault", ["garbage", "stale", "stranger"])
def test_answers_that_prove_nothing(authority, pair, fault):
    authority.revocation_fault = fault
    assert refused(pair).reason == "unverified"
    assert authority.asked == ["/ocsp", "/root.crl"]


def test_nobody_answers(authority, pair):
    authority.revocation_fault = "down"
    assert refused(pair).reason == "unreachable"


def test_the_list_helps_out(authority, pair, monkeypatch):
    monkeypatch.setattr(authority.pki, "ocsp", lambda *_args: b"\x30\x03\x0a\x01\x06")  # RFC 6960: unauthorized
    assert ask(pair).kind == "crl"
    authority.revoke(authority.pki.stamping.certificate.serial_number)
    assert refused(pair).reason == "revoked"


def test_an_answer_about_another_certificate(authority, pair):
    other = authority.pki.seal().der
    answer = ask((other, pair[1]))
    with pytest.raises(RevocationError):
        revocation.check(*pair, answer, datetime.now(UTC))


def test_addresses_inside_a_network_are_refused(authority, pair):
    assert refused(pair, hosts=()).reason == "private_address"
    assert authority.asked == []


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ldap://x/", "https://127.0.0.1/", "http://[::1]/", "http://localhost/", "http://0/"]
)
def test_other_ways_inside_are_refused_too(url):
    with pytest.raises(DownloadError) as caught:
        revocation._fetch(url, ())
    assert caught.value.reason in ("bad_address", "private_address")


def test_self_signed_certificates_cannot_be_revoked(authority, key):
    assert revocation.is_self_signed(key.certificate)
    assert revocation.is_self_signed(authority.pki.root.der)
    assert not revocation.is_self_signed(authority.pki.stamping.der)
    with pytest.raises(RevocationError) as caught:
        revocation.ask(key.certificate, key.certificate, datetime.now(UTC))
    assert caught.value.reason == "no_address"


def test_chains(authority, key):
    pki = authority.pki
    others = [key.certificate, pki.root.der, pki.responder.der]
    assert issuers(pki.stamping.der, others) == [pki.root.der]
    assert issuers(pki.stamping.der, []) == issuers(key.certificate, others) == []
    assert revocation.fetch_issuer(pki.stamping.der, HOSTS) == pki.root.der


# === WHAT THE FILES SAY === #


@pytest.fixture
def company_key(authority):
    return seal.SealKey.load(*_der(authority.seal_pkcs12("secret")))


def _der(pkcs12):
    key, certificate, chain = seal.read_pkcs12(pkcs12, "secret")
    return key, certificate, tuple(chain)


@pytest.fixture
def level_t(authority, company_key, sealing, original):
    def function(**options):
        service = timestamp.Service((timestamp.Authority(authority.url),))
        moment = datetime.now(UTC)
        return sealing(
            original, with_key=company_key, signing_time=moment, timestamp=lambda v: service.stamp(v).der, **options
        )

    return function


@pytest.fixture
def data(authority, company_key):
    pairs = [(item, authority.pki.root.der) for item in (company_key.certificate, authority.pki.stamping.der)]
    answers = tuple(ask(pair).der for pair in pairs)
    return revocation.ValidationData((company_key.certificate, *pairs[1], authority.pki.responder.der), answers)


def judge_alone(sealed, authority):
    """pyHanko with nothing but the file and the root: hard fail, no network."""
    reader = PdfFileReader(io.BytesIO(sealed))
    (signature,) = reader.embedded_signatures
    trust = {"trust_roots": [x509.Certificate.load(authority.pki.root.der)], "revocation_mode": "hard-fail"}
    context = DocumentSecurityStore.read_dss(reader).as_validation_context({**trust, "allow_fetching": False})
    return validate_pdf_signature(signature, signer_validation_context=context, ts_validation_context=context)


def test_level_t(authority, level_t, original, company_key, tmp_path):
    sealed = level_t()
    root = x509.Certificate.load(authority.pki.root.der)
    assert_judged_good(sealed, original, company_key, tmp_path, root)
    found = verify_strict(sealed, company_key.certificate).timestamp
    assert found.authority == "Test Time-Stamp Authority"
    assert timestamp.check_imprint(found.der, bytes.fromhex(found.imprint), (authority.pki.root.der,)).trusted
    with pytest.raises(NoDSSFoundError):
        judge_alone(sealed, authority)


@pytest.mark.parametrize("fault", ["imprint", "usage", "signature", "expired"])
def test_a_bad_time_stamp_in_a_file_is_found(authority, sealing, original, company_key, fault):
    def unchecked(value):
        query = timestamp._request(hashlib.sha256(value).digest(), 7, None)
        return timestamp._token_of(authority.answer(query, fault))

    moment = datetime.now(UTC)
    sealed = sealing(original, with_key=company_key, signing_time=moment, timestamp=unchecked)
    assert verify_strict(sealed, company_key.certificate).reason == "timestamp_invalid"


def test_level_lt_is_judged_from_the_file_alone(authority, level_t, data, original, company_key, tmp_path):
    sealed = level_t(validation_data=data)
    assert_judged_good(sealed, original, company_key, tmp_path, x509.Certificate.load(authority.pki.root.der))
    asked = list(authority.asked)
    status = judge_alone(sealed, authority)
    assert status.bottom_line
    assert status.trusted
    assert status.timestamp_validity.trusted
    assert authority.asked == asked, "nobody was asked"
    report = make.run("pdfsig", "@", data=sealed, tmp_path=tmp_path).stdout.decode()
    assert "Total document signed" in report


def test_level_lt_without_the_data_of_one_certificate_is_none(authority, level_t, data):
    one = revocation.ValidationData(data.certificates, data.ocsps[:1])
    status = judge_alone(level_t(validation_data=one), authority)
    assert not status.bottom_line
    assert status.intact
