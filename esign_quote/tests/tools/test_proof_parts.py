import io
from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from PIL import Image, ImageCms
from tools.certificate_facts import describe
from tools.icc import srgb_profile
from tools.proof_items import ITEMS, find


def test_all_eighteen_items_have_a_place():
    assert sorted(ITEMS) == list(range(1, 19))
    assert all(paths for paths in ITEMS.values())


def test_a_path_that_is_not_there_is_told():
    assert find({"a": {"b": None}}, "a.b") is None
    for record in ({}, {"a": None}, {"a": {"c": 1}}, {"a": []}):
        with pytest.raises(KeyError):
            find(record, "a.b")


def test_the_profile_is_srgb():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(srgb_profile()))
    assert profile.profile.version == pytest.approx(2.1)
    picture = Image.new("RGB", (64, 1))
    colours = [(step * 4, 255 - step * 4, step * 2) for step in range(64)]
    picture.putdata(colours)
    there = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    same = ImageCms.applyTransform(picture, there)
    found = [same.getpixel((step, 0)) for step in range(64)]
    assert all(abs(a - b) <= 2 for wanted, got in zip(colours, found, strict=True) for a, b in zip(wanted, got, strict=True))


def test_what_a_certificate_says(key):
    told = describe(key.certificate)
    assert told["subject"] == told["issuer"] and told["self_signed"]
    assert told["algorithm"] == "ECDSA on secp256r1 with SHA-256"
    assert told["sha256"] == key.fingerprint
    certificate = x509.load_der_x509_certificate(key.certificate)
    assert int(told["serial"], 16) == certificate.serial_number


def test_a_certificate_without_key_identifier():
    private = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Old")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    built = builder.serial_number(255).not_valid_before(start).not_valid_after(end).sign(private, hashes.SHA256())
    told = describe(built.public_bytes(serialization.Encoding.DER))
    assert told["serial"] == "FF"
    assert told["algorithm"].startswith("RSA of 2048 bits")
    assert len(told["key_id"]) == 40
