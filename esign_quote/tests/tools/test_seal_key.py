import pickle
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, NoEncryption, pkcs12
from tools.exceptions import SealError
from tools.seal import SealKey, generate_certificate, read_pkcs12
from tools.verify import verify_strict

NOW = datetime(2026, 3, 12, tzinfo=UTC)
DER = serialization.Encoding.DER


def self_signed(key, name="Test"):
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    digest = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=999))
        .sign(key, digest)
    )


def der(key):
    return key.private_bytes(DER, serialization.PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def test_generated_certificate():
    key_der, certificate_der = generate_certificate("Seal of Ünïcode", "Example & Sons", "fr", NOW, years=10)
    certificate = x509.load_der_x509_certificate(certificate_der)
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    assert usage.digital_signature
    assert usage.content_commitment
    assert not usage.key_cert_sign
    assert not usage.key_encipherment
    assert isinstance(certificate.public_key().curve, ec.SECP256R1)
    assert certificate.not_valid_before_utc == NOW
    assert certificate.not_valid_after_utc.year == 2036
    certificate.verify_directly_issued_by(certificate)
    other = x509.load_der_x509_certificate(generate_certificate("x", "", "", NOW)[1])
    assert other.serial_number != certificate.serial_number
    loaded = SealKey.load(key_der, certificate_der)
    assert "Seal of Ünïcode" in loaded.subject
    assert loaded.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        (("", "Org", "FR"), "common_name"),
        ((" \t\n", "Org", "FR"), "common_name"),
        (("a", "Org", "FRA"), "country"),
        (("a", "O", "1!"), "country"),
    ],
)
def test_unusable_subjects(arguments, field):
    with pytest.raises(SealError) as caught:
        generate_certificate(*arguments, NOW)
    assert (caught.value.reason, caught.value.detail["field"]) == ("bad_subject", field)


def test_names_are_cut_and_cleaned():
    _key, certificate_der = generate_certificate("x" * 200, "a\r\nb\x00\u202ec", "", NOW)
    subject = x509.load_der_x509_certificate(certificate_der).subject
    assert len(subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)[0].value) == 64
    assert subject.get_attributes_for_oid(x509.NameOID.ORGANIZATION_NAME)[0].value == "a b c"


def test_naive_clock_is_refused():
    with pytest.raises(SealError):
        generate_certificate("a", "b", "FR", datetime(2026, 1, 1))


@pytest.mark.parametrize("password", ["sésame ouvre-toi", None])
def test_pkcs12_with_chain(password):
    key, authority = ec.generate_private_key(ec.SECP384R1()), ec.generate_private_key(ec.SECP256R1())
    encryption = BestAvailableEncryption(password.encode()) if password else NoEncryption()
    data = pkcs12.serialize_key_and_certificates(
        b"seal", key, self_signed(key), [self_signed(authority, "CA")], encryption
    )
    key_der, certificate_der, chain = read_pkcs12(data, password)
    assert key_der == der(key)
    assert len(chain) == 1
    assert SealKey.load(key_der, certificate_der, tuple(chain)).chain == tuple(chain)
    with pytest.raises(SealError) as caught:
        read_pkcs12(data, "wrong")
    assert caught.value.reason == "bad_password"


@pytest.mark.parametrize("data", [b"", b"garbage", b"0\x80\x00"])
def test_pkcs12_garbage(data):
    with pytest.raises(SealError) as caught:
        read_pkcs12(data, "x")
    assert caught.value.reason == "bad_password"


def test_pkcs12_without_key():
    certificate = self_signed(ec.generate_private_key(ec.SECP256R1()))
    data = pkcs12.serialize_key_and_certificates(None, None, None, [certificate], NoEncryption())
    with pytest.raises(SealError) as caught:
        read_pkcs12(data, None)
    assert caught.value.reason == "no_key"


def test_pkcs12_without_certificate():
    key = ec.generate_private_key(ec.SECP256R1())
    data = pkcs12.serialize_key_and_certificates(b"k", key, None, None, NoEncryption())
    with pytest.raises(SealError) as caught:
        read_pkcs12(data, None)
    assert caught.value.reason == "no_certificate"


@pytest.mark.parametrize(
    "key",
    [
        ed25519.Ed25519PrivateKey.generate(),
        ec.generate_private_key(ec.SECP521R1()),
        rsa.generate_private_key(65537, 1024),  # noqa: S505 - must be refused
    ],
    ids=["ed25519", "p521", "rsa1024"],
)
def test_unsupported_keys(key):
    data = pkcs12.serialize_key_and_certificates(b"k", key, self_signed(key), None, NoEncryption())
    with pytest.raises(SealError) as caught:
        read_pkcs12(data, None)
    assert caught.value.reason == "key_unsupported"


def test_key_and_certificate_must_belong_together():
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(SealError) as caught:
        SealKey.load(der(key), self_signed(other).public_bytes(DER))
    assert caught.value.reason == "key_mismatch"


@pytest.mark.parametrize(
    ("key_der", "certificate", "reason"), [(b"x", None, "key_unreadable"), (None, b"x", "certificate_unreadable")]
)
def test_unreadable(key_der, certificate, reason):
    good = generate_certificate("a", "", "", NOW)
    with pytest.raises(SealError) as caught:
        SealKey.load(key_der or good[0], certificate or good[1])
    assert caught.value.reason == reason


@pytest.mark.parametrize("curve", [ec.SECP256R1(), ec.SECP384R1(), None], ids=["p256", "p384", "rsa2048"])
def test_every_supported_key_seals(curve, original, sealing, rsa_key):
    private = ec.generate_private_key(curve) if curve else rsa_key
    authorities = tuple(
        self_signed(ec.generate_private_key(ec.SECP256R1()), f"CA {i}").public_bytes(DER) for i in range(3)
    )
    certificate = self_signed(private).public_bytes(DER)
    loaded = SealKey.load(der(private), certificate, authorities)
    assert verify_strict(sealing(original, with_key=loaded), certificate).ok
    assert len(loaded.sign(b"x")) <= loaded.signature_size


def test_key_is_parsed_once(rsa_key):
    arguments = der(rsa_key), self_signed(rsa_key).public_bytes(DER)
    assert SealKey.load(*arguments) is SealKey.load(*arguments)


def test_the_private_key_shows_nowhere(key):
    assert "key" not in repr(key).lower().replace("sealkey", "")
    with pytest.raises(TypeError):
        pickle.dumps(key)
