import io
from datetime import UTC, datetime

import pdf_factory as make
import pypdf
import pytest
from tools.proof_pdf import ProofSection, draw_proof
from tools.verify import verify_strict

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
SECTIONS = [
    ProofSection(
        "Document",
        [("File", "S00042 <é> & co.pdf"), ("SHA-256", DIGEST), ("User agent", "x" * 400), ("Empty", "")],
        ["I have read the quotation\nand agree to it.", "Second paragraph & <b>no markup</b>"],
    ),
    ProofSection("Journal", [(f"14:0{i % 10}", f"event {i}\n{DIGEST}") for i in range(80)]),
    ProofSection("Nothing"),
]


def proof(sections=tuple(SECTIONS), **more):
    return draw_proof("Proof of signature", "Signature B7KD-93QX-T2MC", sections, "Example Company", **more)


def test_everything_is_in_the_text(tmp_path):
    text = make.text(proof(), tmp_path)
    for expected in (
        "Proof of signature",
        "B7KD-93QX-T2MC",
        "S00042 <é> & co.pdf",
        DIGEST,
        "<b>no markup</b>",
        "event 79",
        "Nothing",
    ):
        assert expected in text
    assert "".join(text.split()).count("x" * 400) == 1
    assert "and agree to it." in text.splitlines()


def test_pages_are_numbered(tmp_path):
    data = proof(page_label="Seite {page} von {pages}")
    count = len(pypdf.PdfReader(io.BytesIO(data)).pages)
    assert count > 2
    for number in range(1, count + 1):
        text = make.text(data, tmp_path, "-f", str(number), "-l", str(number))
        assert f"Seite {number} von {count}" in text
        assert "Example Company" in text


def test_metadata():
    created = datetime(2026, 3, 12, 14, 5, 9, tzinfo=UTC)
    reader = pypdf.PdfReader(io.BytesIO(proof(author="Example", language="fr", created=created)))
    assert reader.metadata.title == "Proof of signature"
    assert reader.metadata.author == "Example"
    assert reader.metadata.creation_date == created
    assert reader.trailer["/Root"]["/Lang"] == "fr"


def test_fonts_are_embedded(tmp_path):
    rows = (
        make.run("pdffonts", "@", data=proof(qr_url="https://example.com"), tmp_path=tmp_path)
        .stdout.decode()
        .splitlines()[2:]
    )
    assert len(rows) == 3
    assert all(row.split()[-5] == "yes" for row in rows)


def test_same_input_same_bytes():
    assert proof() == proof()


@pytest.mark.parametrize(
    "value", ["W" * 5000, "word " * 4000, "\n" * 500, "محمد " * 300, "王" * 900, "\ud800", DIGEST * 40, "a\x00b"]
)
def test_values_of_any_kind_stay_on_the_page(value, tmp_path):
    data = proof([ProofSection("Section", [("Label " * 20, value)], [value])])
    image = make.render(data, tmp_path)
    # Margins of 20 mm at the left and right stay white.
    assert image.crop((0, 0, 54, 842)).getextrema()[0] == 255
    assert image.crop((541, 0, 595, 842)).getextrema()[0] == 255


def test_long_titles(tmp_path):
    data = draw_proof("Proof " * 60, "Identifier " * 60, [], "Footer " * 90, "https://example.com/verify")
    assert make.render(data, tmp_path).crop((541, 0, 595, 842)).getextrema()[0] == 255


def test_the_proof_can_be_sealed(sealing, key, tmp_path):
    data = proof()
    sealed = sealing(data)
    assert sealed.startswith(data)
    assert verify_strict(sealed, key.certificate).ok
    assert make.run("qpdf", "--check", "@", data=sealed, tmp_path=tmp_path).returncode == 0
    report = make.run("pdfsig", "@", data=sealed, tmp_path=tmp_path).stdout.decode()
    assert "Signature is Valid" in report
    assert "Total document signed" in report


def test_right_to_left_values_are_broken_in_reading_order(tmp_path):
    pytest.importorskip("bidi")
    words = [first + second + "אבג" for first in "דהוזחט" for second in "יכלמנסעפ"]
    sections = [ProofSection("S", [("L", " ".join(words))]), ProofSection("S", (), [" ".join(words)])]
    for section in sections:
        text = make.text(proof([section]), tmp_path)
        assert 0 < text.find(words[0]) < text.find(words[20]) < text.find(words[-1])
