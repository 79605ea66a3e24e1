"""What may be done to a sealed file, or passed off as one: with the verdict that each must get.

The families are those of the literature on PDF signatures: incremental saving (ISA), signature wrapping (SWA),
universal forgery (USF), shadow attacks, and attacks on certification (evil annotation, sneaky signature).
"""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import pdf_factory as make
import pypdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields
from pyhanko_signer import sign_otherwise, sign_without_perms
from token_maker import timestamp_authority
from tools.appearance import StampContent, draw_stamp
from tools.geometry import Placement
from tools.seal import SealKey, generate_certificate, seal_pdf
from tools.verify import signature_der

from .inputs import MOMENT, shadow_objects

Change = Callable[[IncrementalPdfFileWriter], None]
_CONTENTS = re.compile(rb"/Contents <([0-9a-fA-F]{1000,})>")
_BYTE_RANGE = re.compile(rb"/ByteRange \[[^\]]*\]")
OTHER_TOTAL = b"BT /F1 10 Tf 60 700 Td (Total 9 999 999) Tj ET"
STAMP_PLACE = Placement(0, 50_000, 60_000, 42_000, 11_900)


@dataclass(frozen=True)
class Attack:
    """A file, and what ``verify_strict`` must say of it: a key of ``verify.REASONS``."""

    name: str
    build: Callable[[], bytes]
    verdict: str
    original: Callable[[], bytes] | None = None
    """What was read, when the verdict depends on it."""


@cache
def our_key() -> SealKey:
    return SealKey.load(*generate_certificate("Example seal", "Example Company", "FR", MOMENT))


@cache
def other_key() -> SealKey:
    """Another certification, the same names."""
    return SealKey.load(*generate_certificate("Example seal", "Example Company", "FR", MOMENT))


@cache
def quote() -> bytes:
    """The quotation: its total stands in the file as plain text, for everybody to change."""
    objects = shadow_objects()
    objects[6] = b"<< >>"
    return make.raw(objects)


def seal(data: bytes, key: SealKey | None = None, **options) -> bytes:
    content = StampContent(
        "Accepted by", "Jeanne Martin", ("12 March 2026",), "https://example.com/v/B7KD", "J. Martin"
    )
    stamps = [(STAMP_PLACE, draw_stamp(content))]
    texts = {"signer_name": "Example Company", "reason": "Quotation signed"}
    return seal_pdf(data, stamps, key or our_key(), signing_time=MOMENT, **texts, **options)


@cache
def sealed() -> bytes:
    return seal(quote())


def time_stamp_of_another() -> bytes:
    """A sound token, over the signature of another file: only its imprint tells."""
    stamp, _certificate = timestamp_authority(MOMENT)
    return seal(quote(), timestamp=lambda _signature: stamp(b"the signature of another file"))


def update(data: bytes, change: Change) -> bytes:
    """Append an update, as any program that edits PDFs does."""
    writer = IncrementalPdfFileWriter(io.BytesIO(data), strict=False)
    change(writer)
    output = io.BytesIO()
    writer.write(output)
    return output.getvalue()


# === CHANGES IN THE SIGNED BYTES === #


def replaced(old: bytes, new: bytes) -> bytes:
    assert len(old) == len(new) and old in sealed()
    return sealed().replace(old, new, 1)


def contents_span() -> tuple[int, int]:
    return _CONTENTS.search(sealed()).span(1)


def with_contents(value: bytes) -> bytes:
    start, end = contents_span()
    assert len(value) == end - start
    return sealed()[:start] + value + sealed()[end:]


def with_byte_range(*numbers: int) -> bytes:
    return with_range_entry(b"/ByteRange [" + b" ".join(b"%d" % number for number in numbers) + b"]")


def with_range_entry(entry: bytes) -> bytes:
    """Put something else into the room of /ByteRange."""
    old = _BYTE_RANGE.search(sealed()).group()
    assert len(entry) <= len(old), (entry, old)
    return sealed().replace(old, entry.ljust(len(old)), 1)


def byte_range() -> list[int]:
    return [int(number) for number in re.findall(rb"\d+", _BYTE_RANGE.search(sealed()).group())]


def without_contents() -> bytes:
    """/Contents under another name: the signature dictionary has none any more."""
    return sealed().replace(b"/Contents <", b"/Kontents <", 1)


def hidden_behind_the_signature() -> bytes:
    start, end = contents_span()
    return sealed()[: end - 40] + b"41" * 20 + sealed()[end:]


def signature_of_another_file() -> bytes:
    other = seal(make.quote(2, lines=3))
    start, end = _CONTENTS.search(other).span(1)
    return with_contents(other[start:end])


def other_signature_value() -> bytes:
    start, end = contents_span()
    content = bytearray.fromhex(sealed()[start:end].decode())
    content[len(signature_der(bytes(content))) - 3] ^= 1
    return with_contents(content.hex().encode())


# === WRAPPING === #


def wrapped(gap_stays_hexadecimal: bool = False) -> bytes:
    """SWA: the second signed range moves back, and the attacker writes into the gap.

    The gap gets a table of references at the very offset that the signed ``startxref`` names, a copy of the
    signature dictionary with a byte range that fits the new place, and another content.
    """
    data = sealed()
    zero, first, second, length = byte_range()
    xref_at = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    table, trailer = data[xref_at:].split(b"trailer", 1)
    number = int(re.findall(rb"(\d+) 0 obj", data[:first])[-1])
    dictionary = data[data.rindex(b"%d 0 obj" % number, 0, first) : data.index(b"endobj", second) + 7]
    page = b"5 0 obj\n" + make.stream(OTHER_TOTAL) + b"\nendobj\n"
    trailer = b"trailer" + trailer[: trailer.index(b"startxref")]
    entries = re.findall(rb"(\d{10}) (\d{5}) n", table)
    # Lengths do not depend on the numbers, so the places are known before the table is written.
    size_of_table = len(table) + len(b"5 1\n") + 20 + len(trailer)
    range_room = len(_BYTE_RANGE.search(dictionary).group())
    fake_at = xref_at + size_of_table
    page_at = fake_at + len(dictionary)
    middle_size = page_at + len(page) - second
    entry = b"/ByteRange [%d %d %d %d]" % (zero, first, second + middle_size, length)
    fake = _BYTE_RANGE.sub(entry.ljust(range_room), dictionary, count=1)

    def moved(match) -> bytes:
        offset = int(match.group(1))
        if data.startswith(b"%d 0 obj" % number, offset):
            return b"%010d %s n" % (fake_at, match.group(2))
        return b"%010d %s n" % (offset + middle_size if offset >= second else offset, match.group(2))

    assert entries
    table = re.sub(rb"(\d{10}) (\d{5}) n", moved, table) + b"5 1\n%010d 00000 n \n" % page_at
    filler = (b"0" if gap_stays_hexadecimal else b" ") * (xref_at - second)
    middle = filler + table + trailer + fake + page
    assert len(middle) == middle_size, (len(middle), middle_size)
    return data[:second] + middle + data[second:]


# === INCREMENTAL SAVING === #


def replace_content(writer) -> None:
    page = writer.find_page_for_modification(0)[0].get_object()
    page[pdf_name("/Contents")] = writer.add_object(generic.StreamObject(stream_data=OTHER_TOTAL))
    writer.update_container(page)


def add_annotation(writer) -> None:
    """An evil annotation: a white box with another total over the true one."""
    box = [generic.NumberObject(number) for number in (50, 690, 300, 715)]
    appearance = generic.StreamObject(
        stream_data=b"1 g 0 0 250 25 re f 0 g BT /F1 10 Tf 10 10 Td (Total 9 999 999) Tj ET"
    )
    appearance[pdf_name("/Type")], appearance[pdf_name("/Subtype")] = pdf_name("/XObject"), pdf_name("/Form")
    appearance[pdf_name("/BBox")] = generic.ArrayObject([generic.NumberObject(n) for n in (0, 0, 250, 25)])
    font = generic.DictionaryObject({pdf_name("/F1"): generic.IndirectObject(4, 0, writer)})
    appearance[pdf_name("/Resources")] = generic.DictionaryObject({pdf_name("/Font"): font})
    note = generic.DictionaryObject(
        {
            pdf_name("/Type"): pdf_name("/Annot"),
            pdf_name("/Subtype"): pdf_name("/FreeText"),
            pdf_name("/Rect"): generic.ArrayObject(box),
            pdf_name("/AP"): generic.DictionaryObject({pdf_name("/N"): writer.add_object(appearance)}),
            pdf_name("/F"): generic.NumberObject(4),
        }
    )
    page = writer.find_page_for_modification(0)[0].get_object()
    present = page.get("/Annots") if "/Annots" in page else generic.ArrayObject()
    annotations = [present.raw_get(number) for number in range(len(present))]
    page[pdf_name("/Annots")] = generic.ArrayObject([*annotations, writer.add_object(note)])
    writer.update_container(page)


def change_font(writer) -> None:
    font = generic.IndirectObject(4, 0, writer).get_object()
    font[pdf_name("/BaseFont")] = pdf_name("/Symbol")
    writer.update_container(font)


def drop_permissions(writer) -> None:
    del writer.root["/Perms"]
    writer.update_root()


def drop_value(writer) -> None:
    """Take the signature out of its field."""
    field = writer.root["/AcroForm"]["/Fields"][0]
    del field["/V"]
    writer.update_container(field)


def move_fields(writer) -> None:
    field = writer.root["/AcroForm"]["/Fields"][0]
    field[pdf_name("/Rect")] = generic.ArrayObject([generic.NumberObject(n) for n in (50, 600, 300, 700)])
    writer.update_container(field)


def turn_page(writer) -> None:
    page = writer.find_page_for_modification(0)[0].get_object()
    page[pdf_name("/Rotate")] = generic.NumberObject(180)
    writer.update_container(page)


def add_page(writer) -> None:
    size = generic.ArrayObject([generic.NumberObject(n) for n in (0, 0, 595, 842)])
    page = {"/Type": pdf_name("/Page"), "/MediaBox": size, "/Resources": generic.DictionaryObject()}
    writer.insert_page(generic.DictionaryObject({pdf_name(key): value for key, value in page.items()}))


def add_store(writer) -> None:
    """A security store behind the seal: what other signatures are completed with."""
    writer.root[pdf_name("/DSS")] = writer.add_object(generic.DictionaryObject({pdf_name("/Type"): pdf_name("/DSS")}))
    writer.update_root()


def nothing(writer) -> None:
    writer.update_root()


def fill_field(writer) -> None:
    field = writer.root["/AcroForm"]["/Fields"][0]
    assert field["/FT"] == "/Tx"
    field[pdf_name("/V")] = generic.TextStringObject("PO 999")
    writer.update_container(field)


def xref_only(data: bytes, number: int, offset: int) -> bytes:
    """Append a table that points an object elsewhere in the file: not one new object."""
    previous = int(re.findall(rb"startxref\s+(\d+)", data)[-1])
    size = max(int(value) for value in re.findall(rb"/Size (\d+)", data))
    tail = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Root 1 0 R /Size %d /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    return data + tail % (number, offset, size, previous, len(data))


# === SHADOW ATTACKS: prepared before the seal, activated behind it === #


def overlay_objects() -> dict[int, bytes]:
    """Hide: a white form with the agreed total lies over the attacker's."""
    overlay = make.stream(
        b"1 g 0 0 300 30 re f 0 g BT /F1 10 Tf 10 10 Td (Total 1 234,50) Tj ET",
        b"/Type /XObject /Subtype /Form /BBox [0 0 300 30] /Resources << /Font << /F1 4 0 R >> >>",
    )
    return {
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R"
        b" /Resources << /Font << /F1 4 0 R >> /XObject << /X 6 0 R >> >> >>",
        4: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        5: make.stream(b"BT /F1 10 Tf 60 700 Td (Total 9 999 999) Tj ET q 1 0 0 1 50 690 cm /X Do Q"),
        6: overlay,
    }


@cache
def shadow_hide() -> bytes:
    return seal(make.raw(overlay_objects()))


def empty_overlay(writer) -> None:
    reference = generic.IndirectObject(6, 0, writer)
    form = reference.get_object()
    form._data = b""
    form._encoded_data = None
    form[pdf_name("/BBox")] = generic.ArrayObject([generic.NumberObject(0)] * 4)
    writer.mark_update(reference)


@cache
def shadow_replace() -> bytes:
    """Replace: the font can be redefined without touching what is written."""
    return seal(quote())


@cache
def shadow_both() -> bytes:
    return seal(make.raw(shadow_objects()))


def activated() -> bytes:
    data = shadow_both()
    return xref_only(data, 5, data.index(b"5 0 obj", data.index(b"5 0 obj") + 1))


# === OTHER CERTIFICATIONS === #


@cache
def form_quote() -> bytes:
    objects = shadow_objects()
    objects[1] = b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [7 0 R] /DA (/Helv 0 Tf) >> >>"
    objects[3] = objects[3].replace(b"/Contents", b"/Annots [7 0 R] /Contents")
    objects[6] = b"<< >>"
    objects[7] = (
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (po) /V (PO 42) /DA (/Helv 0 Tf) /F 4"
        b" /Rect [50 600 200 620] /P 3 0 R >>"
    )
    return make.raw(objects)


@cache
def certified(level: fields.MDPPerm) -> bytes:
    return sign_otherwise(form_quote(), our_key(), docmdp_permissions=level)


P2, P3 = fields.MDPPerm.FILL_FORMS, fields.MDPPerm.ANNOTATE


def sneaky_signature() -> bytes:
    """A second signature whose field shows another total (allowed by P=2 in some viewers)."""

    def change(writer):
        field = fields.SigFieldSpec("Sneaky", on_page=0, box=(50, 690, 300, 715))
        fields.append_signature_field(writer, field)

    return sign_otherwise(update(certified(P2), change), other_key(), field_name="Sneaky", certify=False)


def without_permissions() -> bytes:
    """A DocMDP transform that the catalogue does not name."""
    return sign_without_perms(quote(), our_key())


def second_signature() -> bytes:
    return sign_otherwise(sealed(), other_key(), field_name="Second", certify=False)


# === THE WHOLE FILE === #


def rewritten() -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(sealed()))
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def encrypted() -> bytes:
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(sealed()))
    writer.encrypt(user_password="", owner_password="owner", algorithm="AES-128")
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def enclosed() -> bytes:
    """The sealed file as an attachment of another one."""
    return make.changed(make.quote(), lambda writer: writer.add_attachment("signed.pdf", sealed()))


def followed_by(other: bytes) -> bytes:
    """Another file behind the sealed one, its references counted from the new start."""
    base = len(sealed())
    other = re.sub(rb"(\d{10}) (\d{5}) n", lambda match: b"%010d %s n" % (int(match[1]) + base, match[2]), other)
    return sealed() + re.sub(rb"startxref\s+(\d+)", lambda match: b"startxref\n%d" % (int(match[1]) + base), other)


def back_to_the_original() -> bytes:
    """An update that points behind the seal: its /Prev leads to the unsealed revision."""
    data = sealed()
    first = int(re.findall(rb"startxref\s+(\d+)", quote())[-1])
    tail = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Root 1 0 R /Size 7 /Prev %d >>\nstartxref\n%d\n%%%%EOF\n"
    return data + tail % (first, len(data))


ATTACKS = (
    Attack("none", sealed, "ok", quote),
    # -- signed bytes changed
    Attack("one digit of the total", lambda: replaced(b"(Total 1 234,50)", b"(Total 9 234,50)"), "digest_mismatch"),
    Attack(
        "one letter of the reason", lambda: replaced(b"/Reason (Quotation", b"/Reason (quotation"), "digest_mismatch"
    ),
    Attack("signature of another file", signature_of_another_file, "digest_mismatch"),
    Attack("signature value changed", other_signature_value, "signature_invalid"),
    Attack("bytes behind the signature, inside /Contents", hidden_behind_the_signature, "coverage"),
    # -- incremental saving
    Attack("ISA: content replaced", lambda: update(sealed(), replace_content), "coverage"),
    Attack("ISA: annotation", lambda: update(sealed(), add_annotation), "coverage"),
    Attack("ISA: font redefined", lambda: update(sealed(), change_font), "coverage"),
    Attack("ISA: /Perms dropped", lambda: update(sealed(), drop_permissions), "coverage"),
    Attack("ISA: page turned", lambda: update(sealed(), turn_page), "coverage"),
    Attack("ISA: page added", lambda: update(sealed(), add_page), "coverage"),
    Attack("ISA: security store added", lambda: update(sealed(), add_store), "coverage"),
    Attack("ISA: empty update", lambda: update(sealed(), nothing), "coverage"),
    Attack("ISA: cross-references only", lambda: xref_only(sealed(), 6, 15), "coverage"),
    Attack("ISA: back to the unsealed revision", back_to_the_original, "signature_count"),
    Attack("ISA: line feed", lambda: sealed() + b"\n", "coverage"),
    Attack("ISA: objects without cross-references", lambda: sealed() + b"5 0 obj\n<< >>\nendobj\n", "coverage"),
    Attack("ISA: 4 KB of comment", lambda: sealed() + b"%" + b"x" * 4096 + b"\n", "unreadable"),
    # -- signature taken away, or another file put behind it
    Attack("whole other PDF behind it", lambda: followed_by(make.quote()), "signature_count"),
    Attack("cut back to the original", quote, "signature_count"),
    Attack("signature taken out of its field", lambda: update(sealed(), drop_value), "signature_count"),
    Attack("cut by one byte", lambda: sealed()[:-1], "coverage"),
    Attack("cut 5,000 bytes short", lambda: sealed()[:-5000], "unreadable"),
    Attack("written again by another program", rewritten, "coverage"),
    Attack("encrypted afterwards", encrypted, "unreadable"),
    Attack("attached to another file", enclosed, "signature_count"),
    # -- universal forgery
    Attack("USF: /ByteRange absent", lambda: with_range_entry(b"/ByteRangE [0 0]"), "unreadable"),
    Attack("USF: /ByteRange null", lambda: with_range_entry(b"/ByteRange null"), "unreadable"),
    Attack("USF: /ByteRange empty", lambda: with_range_entry(b"/ByteRange []"), "coverage"),
    Attack("USF: /ByteRange 0 0 0 0", lambda: with_byte_range(0, 0, 0, 0), "coverage"),
    Attack("USF: /ByteRange negative", lambda: with_byte_range(0, -1, 1, 1), "coverage"),
    Attack("USF: /ByteRange of the first half", lambda: with_byte_range(*byte_range()[:2]), "coverage"),
    Attack("USF: /Contents absent", without_contents, "unreadable"),
    Attack(
        "USF: /Contents all zero", lambda: with_contents(b"0" * (contents_span()[1] - contents_span()[0])), "unreadable"
    ),
    # -- wrapping
    Attack("SWA: second range moved", wrapped, "coverage"),
    Attack("SWA: second range moved, padded", lambda: wrapped(gap_stays_hexadecimal=True), "coverage"),
    Attack(
        "SWA: gap wider than the signature",
        lambda: with_byte_range(0, byte_range()[1] - 40, *byte_range()[2:]),
        "coverage",
    ),
    # -- shadow attacks
    Attack("shadow hide: prepared", shadow_hide, "ok", lambda: make.raw(overlay_objects())),
    Attack("shadow hide: activated", lambda: update(shadow_hide(), empty_overlay), "coverage"),
    Attack("shadow replace: prepared", shadow_replace, "ok", quote),
    Attack("shadow replace: activated", lambda: update(shadow_replace(), change_font), "coverage"),
    Attack("shadow hide-and-replace: prepared", shadow_both, "ok", lambda: make.raw(shadow_objects())),
    Attack("shadow hide-and-replace: activated", activated, "coverage"),
    # -- others' seals, other seals of ours
    Attack("other certification, same names", lambda: seal(quote(), other_key()), "other_certificate"),
    Attack("our seal, another document", lambda: seal(make.quote(2)), "original_mismatch", quote),
    Attack("time-stamp of another signature", time_stamp_of_another, "timestamp_invalid"),
    Attack("our key, approval only", lambda: sign_otherwise(quote(), our_key(), certify=False), "permissions"),
    Attack("our key, /Perms does not name it", without_permissions, "permissions"),
    Attack(
        "our key, no PAdES",
        lambda: sign_otherwise(quote(), our_key(), subfilter=fields.SigSeedSubFilter.ADOBE_PKCS7_DETACHED),
        "subfilter",
    ),
    Attack("P=2", lambda: certified(P2), "permissions"),
    Attack("P=3", lambda: certified(P3), "permissions"),
    # -- after a certification
    Attack("second signature after P=1", second_signature, "signature_count"),
    Attack("P=2: field filled", lambda: update(certified(P2), fill_field), "coverage"),
    Attack("P=2: field moved", lambda: update(certified(P2), move_fields), "coverage"),
    Attack("P=2: annotation", lambda: update(certified(P2), add_annotation), "coverage"),
    Attack("P=2: content replaced", lambda: update(certified(P2), replace_content), "coverage"),
    Attack(
        "P=2: second signature",
        lambda: sign_otherwise(certified(P2), other_key(), field_name="Second", certify=False),
        "signature_count",
    ),
    Attack("P=2: sneaky signature", sneaky_signature, "signature_count"),
    Attack("P=3: evil annotation", lambda: update(certified(P3), add_annotation), "coverage"),
)
