"""The zip: the same bytes for the same content, readable by anybody, in plain words."""

import io
import zipfile

import pytest
from tools import pack
from tools.hashing import sha256_hex

FACTS = {
    "identifier": "ES-B7KD-93QX-T2MC",
    "quotation": "S00042",
    "company": "Example {Company}",
    "signed_sha256": "a" * 64,
    "original_bytes": 2038,
    "original_sha256": "b" * 64,
    "certificate_sha256": "c" * 64,
    "verify_at": "https://odoo.example-company.com/esign/verify/ES-B7KD-93QX-T2MC",
}
NEVER = ("présumée fiable", "incontestable", "empêche toute", "manuscrite", "presumed", "indisputable", "handwritten")


def test_the_same_content_gives_the_same_bytes():
    one = pack.build({"b": b"2", "a": b"1"})
    assert one == pack.build({"a": b"1", "b": b"2"})
    archive = zipfile.ZipFile(io.BytesIO(one))
    assert archive.namelist() == ["SHA256SUMS", "a", "b"] and archive.testzip() is None
    assert archive.read("SHA256SUMS").decode() == f"{sha256_hex(b'1')}  a\n{sha256_hex(b'2')}  b\n"


@pytest.mark.parametrize("lang", pack.LANGUAGES)
@pytest.mark.parametrize("kind", ["signature", "refusal", "expiry"])
def test_the_readme_tells_how_to_check(lang, kind):
    names = ["signed.pdf" if kind == "signature" else "quotation.pdf", "proof.json", "mails/1.eml"]
    text = pack.readmes(kind, names, FACTS)[f"README-{lang}.txt"].decode()
    assert "Example {Company}" in text and FACTS["certificate_sha256"] in text and "python3 check.py" in text
    assert "[" not in text and "{identifier}" not in text
    assert ("head -c 2038 signed.pdf | sha256sum" in text) == (kind == "signature")
    assert ("openssl ts" in text) is False
    assert "openssl ts -verify" in pack.readmes(kind, ["tokens/1.tsr"], FACTS)[f"README-{lang}.txt"].decode()
    for word in NEVER:
        assert word not in text.lower()
    for name in names:
        (line,) = [line for line in text.splitlines() if line.startswith(f"  {name} ")]
        assert len(line.split(maxsplit=1)[1]) > 5, "each file is explained"


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("Plan d'étage (été)/1.pdf", "Plan-d-etage-ete-1.pdf"),
        ("../../etc/passwd", "etc-passwd.bin"),
        ("条件.pdf", "file.pdf"),
        ("", "file.bin"),
        ("a" * 300 + ".pdf", "a" * 60 + ".pdf"),
        ("CON\x00\n.PDF", "CON.PDF"),
    ],
)
def test_names_that_no_system_stumbles_over(name, safe):
    assert pack.safe_name(name) == safe
