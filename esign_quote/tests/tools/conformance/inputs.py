"""What reaches the intake: files of every kind, with the verdict that each must get."""

import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

import hostile
import pdf_factory as make
import pypdf
from pyhanko.pdf_utils.generic import TextStringObject as PyhankoText
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers
from pyhanko_signer import PyhankoSigner
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, NameObject, NumberObject, TextStringObject
from reportlab.pdfgen.canvas import Canvas
from tools import fonts
from tools.seal import SealKey, generate_certificate, seal_pdf

ACCEPTED = "accepted"
MOMENT = datetime(2026, 3, 12, 14, 5, 9, tzinfo=UTC)
KIB, MIB = 1024, 1024 * 1024


@dataclass(frozen=True)
class Vector:
    """A file and its verdict."""

    name: str
    build: Callable[[], bytes]
    verdict: str
    """ACCEPTED, or a reason of ``intake.REASONS``."""


@cache
def foreign_key() -> SealKey:
    """The key of somebody else."""
    return SealKey.load(*generate_certificate("Somebody else", "Other Company", "FR", MOMENT - timedelta(days=1)))


def signed(**options) -> bytes:
    """A quotation that somebody else signed already."""
    values = {"field_name": "Theirs", "md_algorithm": "sha256", "subfilter": fields.SigSeedSubFilter.PADES, **options}
    signer = signers.PdfSigner(signers.PdfSignatureMetadata(**values), PyhankoSigner(foreign_key()))
    return signer.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(make.quote(2)))).getvalue()


def certified_by_us() -> bytes:
    return seal_pdf(
        make.quote(2), [], foreign_key(), signing_time=MOMENT, signer_name="Other Company", reason="Quotation"
    )


def updated() -> bytes:
    """A file with a second revision: its author saved it again."""
    writer = IncrementalPdfFileWriter(io.BytesIO(make.quote()))
    writer.root["/Lang"] = PyhankoText("fr")
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


def object_stream_file(packed_filler=b"") -> bytes:
    """A PDF 1.5 file whose catalogue, tree, page and font live in an object stream."""
    inside = {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
        4: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    head, body = [], b""
    for number, value in inside.items():
        head.append(b"%d %d" % (number, len(body)))
        body += value + b"\n"
    first = b" ".join(head) + b" "
    packed = zlib.compress(first + body + packed_filler, 9)
    output = bytearray(b"%PDF-1.5\n%\xe2\xe3\xcf\xd3\n")
    offsets = {5: len(output)}
    output += b"5 0 obj\n" + make.stream(b"BT /F1 10 Tf 60 700 Td (Quotation 1 234,50) Tj ET") + b"\nendobj\n"
    offsets[6] = len(output)
    entries = b"/Type /ObjStm /N %d /First %d /Filter /FlateDecode" % (len(inside), len(first))
    output += b"6 0 obj\n" + make.stream(packed, entries) + b"\nendobj\n"
    start = offsets[7] = len(output)
    rows = [b"\0\0\0\0\0"]
    for number in range(1, 8):
        if number in inside:
            rows.append(b"\2" + (6).to_bytes(3, "big") + bytes([number - 1]))
        else:
            rows.append(b"\1" + offsets[number].to_bytes(3, "big") + b"\0")
    entries = b"/Type /XRef /W [1 3 1] /Size 8 /Root 1 0 R"
    output += b"7 0 obj\n" + make.stream(b"".join(rows), entries) + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % start
    return bytes(output)


def prev_loop() -> bytes:
    data = make.quote()
    start = int(re.search(rb"startxref\s+(\d+)", data).group(1))
    return re.sub(rb"trailer\s*<<", b"trailer\n<< /Prev %d" % start, data, count=1)


def direct(value: bytes) -> bytes:
    """One page; the catalogue holds a value as it stands."""
    return make.raw(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R /Extra " + value + b" >>",
            2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
        }
    )


def double_deflate(size: int) -> bytes:
    packed = zlib.compress(b"\0" * size, 9)
    return packed_content(zlib.compress(packed, 9), b"/Filter [/FlateDecode /FlateDecode]")


def packed_content(data: bytes, entries: bytes) -> bytes:
    return make.with_content(page_entries=b"/Contents 9 0 R", objects={9: make.stream(data, entries)})


def form() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=make.A4, invariant=1)
    canvas.acroForm.textfield(name="po", value="PO 42", x=50, y=700, width=200)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def embedded_font() -> bytes:
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=make.A4, invariant=1, initialFontName=fonts.font(fonts.REGULAR))
    canvas.setFont(fonts.font(fonts.REGULAR), 11)
    canvas.drawString(60, 760, "Devis n° 42, Ελένη, Иван: 1 234,50 €")
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def with_version(version: bytes) -> bytes:
    return re.sub(rb"%PDF-\d\.\d", b"%PDF-" + version, make.quote(2), count=1)


def indirect_annotations() -> bytes:
    link = b"<< /Type /Annot /Subtype /Link /Rect [50 700 120 720] /A << /S /URI /URI (https://example.com/) >> >>"
    return make.with_content(b"", page_entries=b"/Annots 8 0 R", objects={8: b"[9 0 R]", 9: link})


def unlisted_signature() -> bytes:
    """A signature as a page's annotation only; the form does not list it."""
    return hostile.annotation(
        Subtype=NameObject("/Widget"),
        FT=NameObject("/Sig"),
        V=DictionaryObject({NameObject("/Type"): NameObject("/Sig")}),
    )


def needs_rendering() -> bytes:
    def change(writer):
        writer.root_object[NameObject("/NeedsRendering")] = BooleanObject(True)
        writer.root_object[NameObject("/AcroForm")] = DictionaryObject({NameObject("/Fields"): ArrayObject()})

    return make.changed(make.quote(), change)


def many_objects() -> bytes:
    return make.quote().replace(b"%%EOF", b"% " + b" obj" * 200_001 + b"\nstartxref\n1\n%%EOF")


def shadow_prepared() -> bytes:
    """A second version of the page's content, hidden behind another object until an update points to it."""
    return make.raw(shadow_objects())


def shadow_objects() -> dict[int, bytes]:
    seen = make.stream(b"BT /F1 10 Tf 60 700 Td (Total 1 234,50) Tj ET")
    other = make.stream(b"BT /F1 10 Tf 60 700 Td (Total 9 999 999) Tj ET")
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R /Resources << /Font << /F1 4 0 R >> >> >>",
        4: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        5: seen,
        6: b"<< >>\nendobj\n5 0 obj\n" + other,
    }


def geometry(**values) -> Callable[[], bytes]:
    return lambda: make.with_geometry(**values)


def content(*streams: bytes, **values) -> Callable[[], bytes]:
    return lambda: make.with_content(*streams, **values)


def owner_only(algorithm: str) -> Callable[[], bytes]:
    return lambda: hostile.encrypted(user_password="", owner_password="owner", algorithm=algorithm)


def with_user_password(algorithm: str) -> Callable[[], bytes]:
    return lambda: hostile.encrypted(user_password="secret", owner_password="owner", algorithm=algorithm)


def rewritten() -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make.quote(3)))
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def sig_flags() -> bytes:
    """An empty field that waits for a signature: nothing is signed yet."""
    return hostile.field(FT=NameObject("/Sig"), T=TextStringObject("empty"))


CROP = (100, 200, 500, 700)
GEOMETRIES = {
    "A4": {},
    "turned 90": {"rotate": 90},
    "turned 180": {"rotate": 180},
    "turned 270": {"rotate": 270},
    "turned -90": {"rotate": -90},
    "turned 450": {"rotate": 450},
    "turned 90, inherited": {"rotate": 90, "on_parent": True},
    "cropped": {"crop": CROP},
    "cropped, turned 90": {"crop": CROP, "rotate": 90},
    "cropped, turned 180": {"crop": CROP, "rotate": 180},
    "cropped, turned 270": {"crop": CROP, "rotate": 270},
    "crop box larger than the media box": {"crop": (-100, -100, 900, 900)},
    "media box not at 0,0": {"media": (-300, -400, 295, 442)},
    "media box not at 0,0, turned 270": {"media": (1000, 400, 1595, 1242), "rotate": 270},
    "swapped corners": {"media": (595, 842, 0, 0)},
    "user unit 2": {"media": (0, 0, 300, 400), "unit": 2},
    "landscape": {"media": (0, 0, 842, 595)},
    "14,400 points": {"media": (0, 0, 14_400, 14_400)},
}

VECTORS = (
    *(Vector(f"geometry: {name}", geometry(**values), ACCEPTED) for name, values in GEOMETRIES.items()),
    # -- structure
    Vector("rewritten by pypdf", rewritten, ACCEPTED),
    Vector("object streams, cross-reference stream", object_stream_file, ACCEPTED),
    Vector("PDF 1.0", lambda: with_version(b"1.0"), ACCEPTED),
    Vector("PDF 2.0", lambda: with_version(b"2.0"), ACCEPTED),
    Vector("two revisions", updated, ACCEPTED),
    Vector("form with a text field", form, ACCEPTED),
    Vector("form without fields, to be drawn anew", lambda: hostile.filled_form(fields=False), ACCEPTED),
    Vector("note that is hidden", lambda: hostile.note(38), ACCEPTED),
    Vector("note that is not printed", lambda: hostile.note(0), ACCEPTED),
    Vector("empty signature field", sig_flags, "signature_field"),
    Vector("attached XML", lambda: hostile.attached("order.xml", b"<Order/>"), ACCEPTED),
    Vector("indirect annotations", indirect_annotations, ACCEPTED),
    Vector("link to a web page", hostile.link("https://example.com/"), ACCEPTED),
    Vector("layers, all shown", hostile.layers, ACCEPTED),
    Vector("embedded TrueType font", embedded_font, ACCEPTED),
    Vector("100 pages", lambda: make.quote(100), ACCEPTED),
    Vector("300 pages", lambda: make.quote(300, lines=1), ACCEPTED),
    Vector("hidden second content (shadow attack, prepared)", shadow_prepared, ACCEPTED),
    # -- contents
    Vector("no /Contents", content(), ACCEPTED),
    Vector("/Contents null", content(page_entries=b"/Contents null"), ACCEPTED),
    Vector("empty content", content(b""), ACCEPTED),
    Vector("content in two streams", content(b"q 3 0 0 3 0 0 cm", b"Q Q q q 1 0 0 rg"), ACCEPTED),
    Vector("coordinates left changed", content(b"0.1 0 0 -0.1 50 50 cm"), ACCEPTED),
    Vector("one q too many", content(b"q"), ACCEPTED),
    Vector("cm before unbalanced q", content(b"1 0 0 1 300 300 cm q 5 0 0 5 0 0 cm q"), ACCEPTED),
    Vector("Q in excess", content(b"q Q Q Q Q"), ACCEPTED),
    Vector("clipped away", content(b"0 0 1 1 re W n"), ACCEPTED),
    # -- no PDF, or more than one
    Vector("empty file", lambda: b"", "not_pdf"),
    Vector("web page", lambda: b"<html></html>", "not_pdf"),
    Vector("zip archive before the header", lambda: b"PK\x03\x04" + make.quote(), "not_pdf"),
    Vector("line feed before the header", lambda: b"\n" + make.quote(), "not_pdf"),
    Vector("PDF 9.9", lambda: with_version(b"9.9"), "not_pdf"),
    Vector("8 KB of junk behind the end", lambda: make.quote() + b"junk" * 2 * KIB, "trailing_data"),
    Vector("web page behind the end", lambda: make.quote() + b"<html>" * 50, "trailing_data"),
    Vector("cut in the middle", lambda: make.quote(3)[:2000], "trailing_data"),
    Vector("cut before startxref", lambda: make.quote()[: make.quote().rindex(b"startxref")], "trailing_data"),
    # -- damaged
    Vector("startxref points nowhere", lambda: re.sub(rb"startxref\s+\d+", b"startxref\n7", make.quote()), "broken"),
    Vector(
        "startxref beyond the end", lambda: re.sub(rb"startxref\s+\d+", b"startxref\n99999999", make.quote()), "broken"
    ),
    Vector("wrong offsets", lambda: make.quote().replace(b"0000000", b"0000001"), "broken"),
    Vector("/Prev loop", prev_loop, "broken"),
    Vector("hybrid cross-references, as Word saves them", make.word, "hybrid"),
    Vector(
        "hybrid cross-references that contradict each other",
        lambda: make.word(other_content=b"BT /F1 12 Tf 60 700 Td (Total 9 999 999) Tj ET"),
        "hybrid",
    ),
    Vector("catalogue cannot be read", lambda: make.quote().replace(b"/Type /Catalog", b"/Type (Catalog"), "broken"),
    # -- pages
    Vector("no pages", lambda: hostile.tree(b"[]", 0), "no_pages"),
    Vector("no page tree", lambda: make.raw({1: b"<< /Type /Catalog >>"}), "page_tree"),
    Vector("page tree loops", lambda: hostile.tree(b"[2 0 R]", 1), "page_tree"),
    Vector("the same page twice", lambda: hostile.tree(b"[3 0 R 3 0 R]", 2), "page_tree"),
    Vector("/Count lies", lambda: hostile.tree(count=2), "page_tree"),
    Vector("page tree 3,000 deep", lambda: hostile.nested_tree(3000), "page_tree"),
    Vector("301 pages", lambda: make.quote(301, lines=1), "too_many_pages"),
    Vector("page of 3 cm", geometry(media=(0, 0, 100, 842)), "bad_size"),
    Vector("turned by 45 degrees", geometry(rotate=45), "bad_size"),
    # -- size
    Vector("26 MB", lambda: make.quote() + b" " * (26 * MIB), "too_large"),
    Vector(
        "/Size 2147483000", lambda: make.raw({1: b"<< /Type /Catalog /Pages 2 0 R >>"}, size=2147483000), "bad_size"
    ),
    Vector("200,001 objects", many_objects, "too_complex"),
    Vector(
        "20,001 annotations",
        lambda: hostile.on_page("/Annots", ArrayObject([NumberObject(1)] * 20_001)),
        "too_complex",
    ),
    Vector("content of 200 MB", lambda: hostile.bomb(200_000_000), "too_complex"),
    Vector("deflated twice, 200 MB", lambda: double_deflate(200_000_000), "too_complex"),
    Vector("object stream of 200 MB", lambda: object_stream_file(packed_filler=b" " * 200_000_000), "too_complex"),
    Vector("20,000 nested arrays", lambda: direct(b"[" * 20_000 + b"]" * 20_000), "broken"),
    Vector("5,000 nested dictionaries", lambda: direct(b"<</A" * 5_000 + b" 1" + b">>" * 5_000), "broken"),
    # -- locked or signed
    Vector("owner password, RC4", owner_only("RC4-128"), "encrypted"),
    Vector("owner password, AES-128", owner_only("AES-128"), "encrypted"),
    Vector("owner password, AES-256", owner_only("AES-256"), "encrypted"),
    Vector("user password, RC4", with_user_password("RC4-128"), "encrypted"),
    Vector("user password, AES-256", with_user_password("AES-256"), "encrypted"),
    Vector("approval signature", signed, "signed"),
    Vector("signature that the form does not list", unlisted_signature, "signed"),
    Vector(
        "usage rights",
        lambda: hostile.in_catalogue("/Perms", DictionaryObject({NameObject("/UR3"): DictionaryObject()})),
        "signed",
    ),
    Vector("certified, P=1", certified_by_us, "certified"),
    Vector(
        "certified, P=2",
        lambda: signed(certify=True, docmdp_permissions=fields.MDPPerm.FILL_FORMS),
        "certified",
    ),
    # -- active
    Vector("script at opening", lambda: hostile.in_catalogue("/OpenAction", hostile.script()), "javascript"),
    Vector(
        "script in the names",
        lambda: hostile.in_catalogue("/Names", DictionaryObject({NameObject("/JavaScript"): DictionaryObject()})),
        "javascript",
    ),
    Vector("script of a link", lambda: hostile.annotation(A=hostile.script()), "javascript"),
    Vector(
        "script of a field",
        lambda: hostile.field(FT=NameObject("/Tx"), AA=DictionaryObject({NameObject("/K"): hostile.script()})),
        "javascript",
    ),
    Vector("javascript: address", hostile.link("javascript:app.alert(1)"), "javascript"),
    Vector("program at opening", lambda: hostile.in_catalogue("/OpenAction", hostile.launch()), "launch"),
    Vector("program of a link", lambda: hostile.annotation(A=hostile.launch()), "launch"),
    Vector("file: address", hostile.link("file:///etc/passwd"), "launch"),
    Vector(
        "another file on a share",
        lambda: hostile.annotation(A=make.action("/GoToR", F=TextStringObject("//host/share"))),
        "launch",
    ),
    Vector(
        "XFA form", lambda: hostile.form(XFA=ArrayObject([TextStringObject("template")]), Fields=ArrayObject()), "xfa"
    ),
    Vector("dynamic XFA form", needs_rendering, "xfa"),
    Vector("form that is sent away", lambda: hostile.annotation(A=make.action("/SubmitForm")), "active_content"),
    Vector("multimedia", lambda: hostile.annotation(Subtype=NameObject("/RichMedia")), "active_content"),
    Vector("film", lambda: hostile.annotation(Subtype=NameObject("/Movie")), "active_content"),
    Vector(
        "web page at opening",
        lambda: hostile.in_catalogue(
            "/OpenAction", make.action("/URI", URI=TextStringObject("https://example.com/seen"))
        ),
        "active_content",
    ),
    Vector("attached program", lambda: hostile.attached("update.exe", b"MZ\x90\0"), "attachment"),
    Vector("program attached as XML", lambda: hostile.attached("order.xml", b"MZ\x90\0"), "attachment"),
    Vector(
        "portfolio",
        lambda: hostile.in_catalogue("/Collection", DictionaryObject({NameObject("/View"): NameObject("/D")})),
        "attachment",
    ),
    Vector("proof record attached", hostile.record, "proof_record"),
    Vector("proof record attached, compressed", lambda: hostile.record(compressed=True), "proof_record"),
    Vector("proof record that is not listed", lambda: hostile.record(listed=False), "proof_record"),
    Vector("form whose fields are drawn anew", hostile.filled_form, "redrawn_fields"),
    Vector(
        "fields drawn anew that the form does not list", lambda: hostile.filled_form(listed=False), "redrawn_fields"
    ),
    Vector("note that shows only when printed", lambda: hostile.note(36), "layers"),
    Vector("field that shows only when printed", lambda: hostile.note(36, "/Widget"), "layers"),
    Vector("note that a pointer hides", lambda: hostile.note(260), "layers"),
    Vector("hidden layer", lambda: hostile.layers(OFF=ArrayObject([DictionaryObject()])), "layers"),
    Vector(
        "layer that shows when printed",
        lambda: hostile.layers(AS=ArrayObject([DictionaryObject({NameObject("/Event"): NameObject("/Print")})])),
        "layers",
    ),
    # -- what would swallow the stamp
    Vector("string never closed", content(b"BT (never closed"), "cannot_seal"),
    Vector("content that is not there", content(page_entries=b"/Contents 99 0 R"), "cannot_seal"),
)
