"""Every reason to refuse a PDF, with a file that has it; and what must never be refused."""

import io
import re

import pdf_factory as make
import pytest
from hostile import (
    annotation,
    attached,
    bomb,
    encrypted,
    field,
    filled_form,
    form,
    in_catalogue,
    launch,
    layers,
    link,
    long_chain,
    nested_tree,
    note,
    on_page,
    record,
    script,
    tree,
)
from pypdf.generic import ArrayObject, DictionaryObject, NameObject, NumberObject, TextStringObject
from tools import intake
from tools.exceptions import PdfRefused
from tools.intake import REASONS, IntakeLimits, inspect_annex, inspect_pdf


def refused(data, limits=None):
    with pytest.raises(PdfRefused) as caught:
        inspect_pdf(data, limits)
    assert caught.value.reason in REASONS
    return caught.value.reason


CASES = {
    "too_large": [lambda: make.quote() + b" " * (26 * 1024 * 1024)],
    "too_many_pages": [lambda: make.quote(301)],
    "not_pdf": [
        lambda: b"",
        lambda: b"<html></html>",
        lambda: b"\n" + make.quote(),
        lambda: b"PK\x03\x04" + make.quote(),
        lambda: make.quote().replace(b"%PDF-1.", b"%PDF-9.", 1),
    ],
    "trailing_data": [
        lambda: make.quote() + b"x" * 20,
        lambda: make.quote() + b"\n" * 9,
        lambda: make.quote()[:-40],
        lambda: make.quote() + b"<html>" * 500,
    ],
    "broken": [
        lambda: re.sub(rb"startxref\s+\d+", b"startxref\n7", make.quote()),
        lambda: re.sub(rb"startxref\s+\d+", b"startxref\n99999999", make.quote()),
        lambda: make.quote().replace(b"0000000", b"0000001"),
        lambda: make.raw({1: b"<< /Type /Catalog /Pages 2 0 R >>"}, b"/Prev 9"),
        lambda: make.quote().replace(b"/Type /Catalog", b"/Type (Catalog"),
    ],
    "hybrid": [
        make.word,
        lambda: make.word(other_content=b"BT /F1 12 Tf 60 700 Td (Total 9 999 999) Tj ET"),
    ],
    "encrypted": [
        lambda: encrypted(user_password="", owner_password="owner", algorithm="RC4-128"),
        lambda: encrypted(user_password="secret", owner_password="owner", algorithm="RC4-128"),
    ],
    "signed": [
        lambda: field(
            FT=NameObject("/Sig"),
            T=TextStringObject("S"),
            V=DictionaryObject({NameObject("/Type"): NameObject("/Sig")}),
        ),
        lambda: form(
            Fields=ArrayObject(
                [
                    DictionaryObject(
                        {
                            NameObject("/FT"): NameObject("/Sig"),
                            NameObject("/Kids"): ArrayObject(
                                [DictionaryObject({NameObject("/V"): DictionaryObject()})]
                            ),
                        }
                    )
                ]
            )
        ),
        lambda: in_catalogue("/Perms", DictionaryObject({NameObject("/UR3"): DictionaryObject()})),
    ],
    "certified": [
        lambda: in_catalogue("/Perms", DictionaryObject({NameObject("/DocMDP"): DictionaryObject()})),
    ],
    "signature_field": [lambda: field(FT=NameObject("/Sig"), T=TextStringObject("empty"))],
    "redrawn_fields": [
        filled_form,
        # Some programs show fields that the form does not list.
        lambda: filled_form(listed=False),
    ],
    "proof_record": [record, lambda: record(compressed=True), lambda: record(listed=False)],
    "javascript": [
        lambda: in_catalogue("/OpenAction", script()),
        lambda: in_catalogue("/AA", DictionaryObject({NameObject("/WC"): script()})),
        lambda: in_catalogue("/Names", DictionaryObject({NameObject("/JavaScript"): DictionaryObject()})),
        lambda: in_catalogue(
            "/OpenAction", make.action("/GoTo", Next=ArrayObject([make.action("/GoTo", Next=script())]))
        ),
        lambda: in_catalogue("/OpenAction", make.action("/Rendition", JS=TextStringObject("x"))),
        lambda: on_page("/AA", DictionaryObject({NameObject("/O"): script()})),
        lambda: annotation(A=script()),
        lambda: annotation(AA=DictionaryObject({NameObject("/E"): script()})),
        *(link(address) for address in ("javascript:alert(1)", " JavaScript:x", "data:text/html,x")),
        lambda: field(FT=NameObject("/Tx"), AA=DictionaryObject({NameObject("/K"): script()})),
        lambda: in_catalogue(
            "/Outlines", DictionaryObject({NameObject("/First"): DictionaryObject({NameObject("/A"): script()})})
        ),
    ],
    "launch": [
        lambda: in_catalogue("/OpenAction", launch()),
        lambda: annotation(A=launch()),
        lambda: annotation(A=make.action("/GoToR", F=TextStringObject("//host/share"))),
        lambda: annotation(A=make.action("/GoToE")),
        *(link(address) for address in ("file:///etc/passwd", "\\\\host\\share", "//host/share", "ms-word:ofe|u|x")),
    ],
    "xfa": [
        lambda: form(XFA=ArrayObject([TextStringObject("template")]), Fields=ArrayObject()),
    ],
    "active_content": [
        lambda: annotation(A=make.action("/SubmitForm")),
        lambda: annotation(A=make.action("/ImportData")),
        lambda: annotation(A=make.action("/Hide")),
        lambda: annotation(A=make.action("/SetOCGState")),
        lambda: annotation(Subtype=NameObject("/RichMedia")),
        lambda: annotation(Subtype=NameObject("/Screen")),
        # A web page that opens by itself tells its owner who reads the quotation.
        lambda: in_catalogue("/OpenAction", make.action("/URI", URI=TextStringObject("https://example.com"))),
        lambda: on_page("/AA", DictionaryObject({NameObject("/O"): make.action("/URI")})),
    ],
    "attachment": [
        lambda: attached("update.exe", b"<x/>"),
        lambda: attached("order.xml", b"MZ\x90\0"),
        lambda: attached("noname", b"x"),
        lambda: in_catalogue("/Collection", DictionaryObject({NameObject("/View"): NameObject("/D")})),
    ],
    "layers": [
        lambda: layers(OFF=ArrayObject([DictionaryObject()])),
        lambda: layers(AS=ArrayObject([DictionaryObject({NameObject("/Event"): NameObject("/Print")})])),
        lambda: layers(BaseState=NameObject("/OFF")),
        *(lambda flags=flags: note(flags) for flags in (36, 260, 292)),
        lambda: note(36, "/Text", drawn=False),
        lambda: note(36, "/Widget"),
        lambda: note(36, "/Link"),
    ],
    "no_pages": [lambda: tree(b"[]", 0)],
    "page_tree": [
        lambda: tree(b"[3 0 R 3 0 R]", 2),
        lambda: tree(b"[2 0 R]", 1),
        lambda: tree(b"[4 0 R]", 1, {4: b"<< /Type /Pages /Kids [2 0 R] /Count 1 >>"}),
        lambda: tree(count=2),
        lambda: tree(b"3", 1),
        lambda: nested_tree(70),
        lambda: make.raw({1: b"<< /Type /Catalog >>"}),
    ],
    "bad_size": [
        lambda: make.with_geometry(media=(0, 0, 100, 842)),
        lambda: make.with_geometry(media=(0, 0, 595, 50)),
        lambda: make.with_geometry(rotate=45),
        lambda: make.raw({1: b"<< /Type /Catalog /Pages 2 0 R >>"}, size=2147483000),
    ],
    "too_complex": [
        lambda: make.quote().replace(b"%%EOF", b"% " + b" obj" * 200_001 + b"\nstartxref\n1\n%%EOF"),
        lambda: bomb(200_000_000),
        lambda: on_page("/Annots", ArrayObject([NumberObject(1)] * 20_001)),
        lambda: in_catalogue("/Outlines", DictionaryObject({NameObject("/First"): long_chain()})),
    ],
    "cannot_seal": [
        lambda: make.with_content(b"BT (never closed"),
        lambda: make.with_content(page_entries=b"/Contents 99 0 R"),
    ],
}


FLAT = [(reason, number) for reason, builders in CASES.items() for number in range(len(builders))]


@pytest.mark.parametrize(("reason", "number"), FLAT)
def test_refused(reason, number):
    assert refused(CASES[reason][number]()) == reason


def test_every_reason_has_a_file():
    assert set(CASES) == set(REASONS)


def test_accepted_quote():
    data = make.quote(3)
    report = inspect_pdf(data)
    assert (report.pages, report.size, report.revisions) == (3, len(data), 1)
    assert len(report.sha256) == 64
    assert report.placement.page == 2
    assert not (report.has_forms or report.has_attachments or report.has_links or report.has_layers)


@pytest.mark.parametrize(
    ("data", "flag"),
    [
        (
            make.changed(make.quote(), lambda writer: writer.add_attachment("S00042.xml", b"<Order/>")),
            "has_attachments",
        ),
        (annotation(A=make.action("/URI", URI=TextStringObject("https://example.com"))), "has_links"),
        *((link(address)(), "has_links") for address in ("mailto:a@b.fr", "tel:+33", "www.x.fr/a", "#top", "x.fr:80/")),
        (field(FT=NameObject("/Tx"), T=TextStringObject("po"), V=TextStringObject("42")), "has_forms"),
        (layers(), "has_layers"),
        (filled_form(redraw=False), "has_forms"),
        (filled_form(fields=False), None),
        # Hidden everywhere; on the screen only, as widgets and notes often are; a link's frame.
        (note(38), None),
        (note(0), None),
        (note(32), None),
        (note(4), None),
        (note(36, "/Popup"), None),
        (note(36, "/Link", drawn=False), "has_links"),
        (in_catalogue("/OpenAction", make.action("/GoTo", D=ArrayObject())), None),
        (in_catalogue("/OpenAction", ArrayObject()), None),
    ],
    ids=[
        "attachment",
        "link",
        "mail",
        "phone",
        "bare address",
        "anchor",
        "port",
        "field",
        "layers",
        "form as it is drawn",
        "fields to draw anew, none there",
        "note, hidden",
        "note, screen only",
        "note, shown nowhere",
        "note, printed",
        "pop-up",
        "frame of a link",
        "open at page",
        "open destination",
    ],
)
def test_harmless_things_are_accepted_and_named(data, flag):
    report = inspect_pdf(data)
    flags = {name for name in ("has_attachments", "has_links", "has_forms", "has_layers") if getattr(report, name)}
    assert flags == ({flag} if flag else set())


@pytest.mark.parametrize("rotate", [0, 90, 270])
def test_turned_pages_are_accepted(rotate):
    assert inspect_pdf(make.with_geometry(rotate=rotate, crop=(50, 50, 500, 700))).pages == 1


@pytest.mark.parametrize("option", ["--linearize", "--object-streams=generate"])
def test_qpdf_output_is_accepted(option, tmp_path):
    data = make.run("qpdf", option, "@", "-", data=make.quote(4), tmp_path=tmp_path).stdout
    assert inspect_pdf(data).pages == 4


def test_our_own_sealed_file_is_not_signed_again(sealed):
    assert refused(sealed) == "certified"


def test_updated_files_are_counted():
    from pyhanko.pdf_utils.generic import TextStringObject as Text
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    writer = IncrementalPdfFileWriter(io.BytesIO(make.quote()))
    writer.root["/Lang"] = Text("fr")
    writer.update_root()
    output = io.BytesIO()
    writer.write(output)
    assert inspect_pdf(output.getvalue()).revisions == 2


def test_limits_are_the_callers():
    data = make.quote(3)
    assert refused(data, IntakeLimits(max_pages=2)) == "too_many_pages"
    assert refused(data, IntakeLimits(max_bytes=100)) == "too_large"
    assert refused(data, IntakeLimits(max_objects=2)) == "too_complex"
    assert refused(data, IntakeLimits(max_size_entry=3)) == "bad_size"


def test_dry_run_can_be_left_out():
    assert inspect_pdf(make.with_content(b"BT (never closed"), dry_run=False).pages == 1


def test_the_dry_run_seals_every_page(monkeypatch):
    seen = []
    real = intake.seal_pdf

    def spy(data, stamps, *arguments, **options):
        seen.extend(placement.page for placement, _stamp in stamps)
        return real(data, stamps, *arguments, **options)

    monkeypatch.setattr(intake, "seal_pdf", spy)
    inspect_pdf(make.quote(4))
    assert set(seen) == {0, 1, 2, 3}


def test_annex_may_be_signed_but_not_active(sealed):
    assert inspect_annex(sealed).has_signatures
    assert inspect_annex(make.with_content(b"BT (never closed")).placement is None
    with pytest.raises(PdfRefused) as caught:
        inspect_annex(in_catalogue("/OpenAction", script()))
    assert caught.value.reason == "javascript"


@pytest.mark.parametrize("flags", [36, 260])
def test_annex_may_not_show_on_paper_only(flags):
    with pytest.raises(PdfRefused) as caught:
        inspect_annex(note(flags))
    assert caught.value.reason == "layers"


def test_annex_may_be_saved_by_word():
    assert inspect_annex(make.word()).pages == 1
    assert inspect_annex(filled_form()).has_forms


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (make.word(other_content=b"BT /F1 12 Tf 60 700 Td (Total 9 999 999) Tj ET"), "hybrid"),
        # What only the stream knows is looked at as well.
        (make.word(b"<< /S /JavaScript /JS (x) >>").replace(b"/StructTreeRoot 6", b"/OpenAction     6"), "javascript"),
    ],
    ids=["stream contradicts the table", "script in the stream"],
)
def test_annex_with_two_lists_of_objects_must_not_lie(data, reason):
    with pytest.raises(PdfRefused) as caught:
        inspect_annex(data)
    assert caught.value.reason == reason


def test_random_damage_is_only_ever_refused():
    import random

    source = random.Random(5)
    data = make.quote(2)
    for _round in range(60):
        damaged = bytearray(data)
        for _hit in range(source.randint(1, 6)):
            damaged[source.randrange(len(damaged))] = source.randrange(256)
        try:
            inspect_pdf(bytes(damaged))
        except PdfRefused as error:
            assert error.reason in REASONS
