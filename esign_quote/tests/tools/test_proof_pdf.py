import hashlib
import io
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree

import pdf_factory as make
import pypdf
import pytest
from PIL import ImageCms
from tools.proof_pdf import Attachment, ProofSection, draw_proof
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


# === PDF/A === #

RECORD = Attachment("proof.json", b'{"kind":"signature"}', description="Proof record")
CREATED = datetime(2026, 3, 12, 14, 5, 9, tzinfo=UTC)
XMP = {
    "dc": "http://purl.org/dc/elements/1.1/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "xmp": "http://ns.adobe.com/xap/1.0/",
}
JARS = ("preflight", "pdfbox2", "fontbox2", "xmpbox", "commons-logging", "commons-io", "javax.activation", "jaxb-api")


def archival(**more):
    values = {"author": "Ärger & <Söhne>", "language": "fr", "created": CREATED, "attachment": RECORD, **more}
    return proof(qr_url="https://example.com/esign/verify/B7KD-93QX-T2MC", **values)


def metadata_of(reader):
    return ElementTree.fromstring(reader.trailer["/Root"]["/Metadata"].get_data())  # noqa: S314 - our own file


@pytest.fixture(params=["drawn", "sealed"])
def archive(request, sealing):
    data = archival()
    return data if request.param == "drawn" else sealing(data)


def test_it_says_that_it_is_pdf_a_3b(archive):
    reader = pypdf.PdfReader(io.BytesIO(archive))
    root = reader.trailer["/Root"]
    metadata = metadata_of(reader)
    assert metadata.findtext(".//pdfaid:part", namespaces=XMP) == "3"
    assert metadata.findtext(".//pdfaid:conformance", namespaces=XMP) == "B"
    assert "/Filter" not in root["/Metadata"]
    assert len(reader.trailer["/ID"]) == 2
    (intent,) = root["/OutputIntents"]
    assert (intent["/S"], intent["/DestOutputProfile"]["/N"]) == ("/GTS_PDFA1", 3)
    profile = ImageCms.ImageCmsProfile(io.BytesIO(intent["/DestOutputProfile"].get_data()))
    assert profile.profile.xcolor_space.strip() == "RGB"


def test_metadata_and_info_agree_also_when_sealed(archive):
    reader = pypdf.PdfReader(io.BytesIO(archive))
    metadata, info = metadata_of(reader), reader.metadata
    assert metadata.findtext(".//dc:title//rdf:li", namespaces=XMP) == info.title == "Proof of signature"
    assert metadata.findtext(".//dc:creator//rdf:li", namespaces=XMP) == info.author == "Ärger & <Söhne>"
    assert metadata.findtext(".//dc:description//rdf:li", namespaces=XMP) == info.subject
    assert metadata.findtext(".//pdf:Producer", namespaces=XMP) == info.producer
    assert metadata.findtext(".//xmp:CreatorTool", namespaces=XMP) == info.creator
    assert info.creation_date == info.modification_date == CREATED
    for name in ("CreateDate", "ModifyDate"):
        assert datetime.fromisoformat(metadata.findtext(f".//xmp:{name}", namespaces=XMP)) == CREATED
    # Nothing in one that is not in the other.
    assert set(info) == {"/Title", "/Author", "/Subject", "/Creator", "/Producer", "/CreationDate", "/ModDate"}


def test_the_record_is_inside(archive, tmp_path):
    reader = pypdf.PdfReader(io.BytesIO(archive))
    assert reader.attachments == {"proof.json": [RECORD.content]}
    (file,) = reader.trailer["/Root"]["/AF"]
    embedded = file["/EF"]["/F"]
    assert (file["/AFRelationship"], embedded["/Subtype"]) == ("/Data", "/application/json")
    assert embedded["/Params"]["/Size"] == len(RECORD.content)
    assert embedded["/Params"]["/ModDate"] == "D:20260312140509Z"
    assert embedded["/Params"]["/CheckSum"].original_bytes == hashlib.md5(RECORD.content).digest()  # noqa: S324
    listed = make.run("pdfdetach", "-list", "@", data=archive, tmp_path=tmp_path).stdout.decode()
    assert "1: proof.json" in listed


def test_streams_end_on_a_line_of_their_own():
    data = archival()
    ends = [match.start() for match in re.finditer(rb"endstream", data)]
    assert len(ends) > 8
    assert all(data[end - 1 : end] == b"\n" for end in ends)


def test_nothing_is_transparent(archive):
    reader = pypdf.PdfReader(io.BytesIO(archive))
    for page in reader.pages:
        assert "/Group" not in page and "/ExtGState" not in page["/Resources"]


def test_control_characters_leave_metadata_readable():
    reader = pypdf.PdfReader(io.BytesIO(archival(author="Bad\x00 \x0b name\ud800")))
    assert metadata_of(reader).findtext(".//dc:creator//rdf:li", namespaces=XMP) == reader.metadata.author


def test_apache_preflight_finds_the_twin_valid(tmp_path):
    """The same as PDF/A-1b, without the attached file: the one part that a free validator knows."""
    jars = [f"/usr/share/java/{name}.jar" for name in JARS]
    missing = [path for path in jars if not Path(path).exists()]
    if missing or not shutil.which("java"):
        pytest.skip(f"no Apache Preflight (libpdfbox2-java, libfontbox2-java and what they need): {missing}")
    data = archival(attachment=None, part=1)
    command = ("java", "-cp", ":".join(jars), "org.apache.pdfbox.preflight.Validator_A1b", "@")
    said = make.run(*command, data=data, tmp_path=tmp_path)
    assert "is a valid PDF/A-1b file" in (said.stdout + said.stderr).decode()


def test_a_page_break_keeps_every_line(tmp_path):
    rows = [(f"Label {number}", f"Value {number} " + "word " * (number % 90)) for number in range(120)]
    text = " ".join(make.text(proof([ProofSection("S", rows)]), tmp_path).split())
    for number in range(120):
        assert f"Value {number} " in text
