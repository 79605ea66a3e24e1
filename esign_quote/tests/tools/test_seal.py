"""The laws of sealing, judged by programs that are not ours: poppler, qpdf and pyHanko's validator."""

import io
import re
from dataclasses import replace
from datetime import datetime, timedelta

import pdf_factory as make
import pypdf
import pytest
from asn1crypto import pem, x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import signers
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_signer import PyhankoSigner
from pypdf.generic import ArrayObject, BooleanObject, DictionaryObject, NameObject, TextStringObject
from token_maker import timestamp_authority
from tools.appearance import draw_stamp
from tools.cms import TOKEN_ROOM
from tools.exceptions import SealError, TimestampError
from tools.geometry import SCALE, Placement
from tools.revocation import ValidationData
from tools.seal import stamp_pdf
from tools.verify import signature_der, verify_strict


def pyhanko_status(data, key, *more_roots):
    signature = PdfFileReader(io.BytesIO(data)).embedded_signatures[0]
    roots = [x509.Certificate.load(key.certificate), *more_roots]
    # The certificates of the tests are valid around one fixed moment.
    context = ValidationContext(trust_roots=roots, allow_fetching=False, moment=signature.self_reported_timestamp)
    return signature, validate_pdf_signature(signature, context)


def assert_judged_good(sealed, original, key, tmp_path, *more_roots):
    assert sealed.startswith(original)
    assert sealed.count(b"%%EOF") == original.count(b"%%EOF") + 1
    report = make.run("pdfsig", "@", data=sealed, tmp_path=tmp_path).stdout.decode()
    assert report.count("Signature is Valid") == report.count("Total document signed") == 1
    assert report.count("Signature #") == 1
    checked = make.run("qpdf", "--check", "@", data=sealed, tmp_path=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert b"WARNING" not in checked.stderr
    changed = make.run("mutool", "sign", "-v", "@", data=sealed, tmp_path=tmp_path).stdout.decode()
    assert "unchanged since signing" in changed
    assert_openssl_agrees(sealed, key, tmp_path)
    signature, status = pyhanko_status(sealed, key, *more_roots)
    assert status.bottom_line
    assert status.trusted
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.modification_level == ModificationLevel.NONE
    assert signature.docmdp_level == MDPPerm.NO_CHANGES
    assert status.docmdp_ok
    assert verify_strict(sealed, key.certificate).ok


def assert_openssl_agrees(sealed, key, tmp_path):
    signature = PdfFileReader(io.BytesIO(sealed)).embedded_signatures[0]
    _zero, first, second, length = map(int, signature.byte_range)
    files = {
        "content": sealed[:first] + sealed[second : second + length],
        "root": b"".join(pem.armor("CERTIFICATE", der) for der in (key.certificate, *key.chain)),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    options = ["-binary", "-inform", "DER", "-purpose", "any", "-no_check_time", "-out", tmp_path / "out"]
    named = ["-content", tmp_path / "content", "-CAfile", tmp_path / "root"]
    der = signature_der(signature.pkcs7_content)
    checked = make.run("openssl", "cms", "-verify", *options, *named, "-in", "@", data=der, tmp_path=tmp_path)
    assert checked.returncode == 0, checked.stderr


def test_sealed_file_is_judged_good_by_everybody(sealed, original, key, tmp_path):
    assert_judged_good(sealed, original, key, tmp_path)


def test_text_of_the_stamp_can_be_copied_and_old_text_stays(sealed, original, content, tmp_path):
    text = make.text(sealed, tmp_path)
    for expected in (content.title, content.signer_name, *content.lines, "Item 3 1 234,50 EUR"):
        assert expected in text
    assert content.title not in make.text(original, tmp_path)


def test_signature_dictionary_says_who_when_and_why(sealed, now):
    signature = PdfFileReader(io.BytesIO(sealed)).embedded_signatures[0]
    assert signature.sig_object["/SubFilter"] == "/ETSI.CAdES.detached"
    assert signature.sig_object["/Name"] == "Example Company"
    assert signature.sig_object["/Reason"] == "Quotation signed"
    assert signature.self_reported_timestamp == now
    types = {attribute["type"].native for attribute in signature.signer_info["signed_attrs"]}
    assert "signing_certificate_v2" in types
    # PAdES: the time stands in /M only (ETSI EN 319 142-1 table 1).
    assert "signing_time" not in types
    assert signature.md_algorithm == "sha256"


def test_what_the_document_says_of_itself_stays(sealed, original):
    before, after = (pypdf.PdfReader(io.BytesIO(data)).metadata for data in (original, sealed))
    assert dict(after) == dict(before)
    assert "pyHanko" not in str(after)


def test_without_stamps(original, sealing, key, tmp_path):
    assert_judged_good(sealing(original), original, key, tmp_path)


def test_preview_shows_the_stamps_without_any_signature(original, stamp, content, place, tmp_path):
    preview = stamp_pdf(original, [(place(), stamp), (place(0), make.mark_stamp())])
    assert preview.startswith(original)
    assert preview.count(b"%%EOF") == original.count(b"%%EOF") + 1
    assert content.signer_name in make.text(preview, tmp_path)
    assert make.run("qpdf", "--check", "@", data=preview, tmp_path=tmp_path).returncode == 0
    assert b"/Sig" not in preview[len(original) :]
    assert stamp_pdf(original, []) == original


@pytest.mark.parametrize("data", [b"", b"<html>", make.quote()[:-200]])
def test_preview_of_a_broken_file(data, stamp, place):
    with pytest.raises(SealError) as caught:
        stamp_pdf(data, [(place(0), stamp)])
    assert caught.value.reason == "stamping_failed"


def test_several_stamps_in_one_update(original, stamp, sealing, key, place, tmp_path):
    second = Placement(1, 1_000, 60_000, 42_000, 11_900)
    sealed = sealing(original, [(place(), stamp), (second, stamp), (place(0), make.mark_stamp())])
    assert_judged_good(sealed, original, key, tmp_path)
    assert make.text(sealed, tmp_path, "-f", "2").count("Electronically signed by") == 2
    # The same stamp is stored once.
    assert len(sealed) < len(original) + 60_000


@pytest.mark.parametrize("new_pages", [1, 2])
def test_new_pages_when_the_last_one_is_full(stamp, sealing, key, new_pages, tmp_path):
    original = make.with_geometry(media=(0, 0, 842, 595), crop=(10, 10, 800, 500), rotate=90, on_parent=True)
    placement = Placement(new_pages, 10_000, 10_000, 50_000, 15_000)
    sealed = sealing(original, [(placement, stamp)])
    assert_judged_good(sealed, original, key, tmp_path)
    reader = pypdf.PdfReader(io.BytesIO(sealed))
    assert len(reader.pages) == 1 + new_pages
    image = make.render(sealed, tmp_path, page=1 + new_pages)
    assert image.size == make.render(original, tmp_path).size == (490, 790)
    assert "Electronically" in make.text(sealed, tmp_path, "-f", str(1 + new_pages))


def test_pages_far_behind_the_end_are_refused(original, stamp, sealing):
    with pytest.raises(SealError) as caught:
        sealing(original, [(Placement(50, 0, 0, 1000, 1000), stamp)])
    assert caught.value.reason == "placement_invalid"


GEOMETRIES = {
    "plain": {},
    "r90": {"rotate": 90},
    "r180": {"rotate": 180},
    "r270": {"rotate": 270},
    "r-90": {"rotate": -90},
    "r inherited": {"rotate": 90, "on_parent": True},
    "crop": {"crop": (100, 200, 500, 700)},
    "crop r90": {"crop": (100, 200, 500, 700), "rotate": 90},
    "crop r180": {"crop": (100, 200, 500, 700), "rotate": 180},
    "crop r270": {"crop": (100, 200, 500, 700), "rotate": 270},
    "crop larger": {"crop": (-100, -100, 900, 900)},
    "offset": {"media": (-300, -400, 295, 442)},
    "offset r270": {"media": (1000, 400, 1595, 1242), "rotate": 270},
    "swapped": {"media": (595, 842, 0, 0)},
    "unit": {"media": (0, 0, 300, 400), "unit": 2},
    "landscape": {"media": (0, 0, 842, 595)},
    "huge": {"media": (0, 0, 14_400, 14_400)},
}


@pytest.mark.parametrize("name", GEOMETRIES)
def test_stamp_is_upright_and_in_its_place(name, sealing, key, tmp_path):
    original = make.with_geometry(**GEOMETRIES[name])
    dpi = 5 if name == "huge" else 72
    before = make.render(original, tmp_path, dpi=dpi)
    # A place in the lower half, proportioned like the stamp as displayed.
    width = 40_000
    height = round(width * before.width / before.height * 100 / 250)
    placement = Placement(0, 55_000, 70_000, width, height)
    sealed = sealing(original, [(placement, make.mark_stamp())])
    assert verify_strict(sealed, key.certificate).ok
    image = make.render(sealed, tmp_path, dpi=dpi)
    assert image.size == before.size

    def shade(x, y):
        return image.getpixel(
            (
                round((placement.nx + x * placement.nw) / SCALE * image.width),
                round((placement.ny + y * placement.nh) / SCALE * image.height),
            )
        )

    assert shade(0.25, 0.25) < 40
    assert shade(0.06, 0.12) < 40
    for x, y in ((0.75, 0.25), (0.25, 0.75), (0.75, 0.75)):
        assert shade(x, y) > 215, (x, y)
    # Just outside: nothing black.
    for x, y in ((-0.03, 0.25), (0.25, -0.06)):
        assert shade(x, y) > 215, (x, y)


NASTY_CONTENTS = {
    "none": (),
    "empty": (b"",),
    "moved and unclosed": (b"1 0 0 1 300 300 cm q 5 0 0 5 0 0 cm q",),
    "matrix left changed": (b"0.1 0 0 -0.1 50 50 cm",),
    "too many Q": (b"q Q Q Q Q",),
    "too many Q then q": (b"Q Q 2 0 0 2 0 0 cm q q",),
    "split in two": (b"q 3 0 0 3 0 0 cm", b"Q Q q q 1 0 0 rg"),
    "many streams": (b"q", b"", b"Q", b"q", b"10 0 0 10 0 0 cm"),
    "q in a string": (b"q BT /F1 10 Tf 9 9 Td (Q Q Q \\( q) Tj ET Q",),
    "clipped away": (b"0 0 1 1 re W n",),
    "q in inline image": (b"q BI /W 1 /H 1 /BPC 8 /CS /G ID Q EI 7 0 0 7 0 0 cm",),
}


@pytest.mark.parametrize("name", NASTY_CONTENTS)
def test_stamp_survives_what_the_old_content_left_behind(name, sealing, tmp_path):
    original = make.with_content(*NASTY_CONTENTS[name])
    placement = Placement(0, 10_000, 70_000, 42_000, 11_900)
    image = make.render(sealing(original, [(placement, make.mark_stamp())]), tmp_path)
    assert image.getpixel((120, 605)) < 40
    assert image.getpixel((240, 605)) > 215
    assert image.getpixel((120, 670)) > 215


@pytest.mark.parametrize("contents", [b"/Contents null", b"/Contents []", b"/Contents [null 5 0 R null]"])
def test_odd_contents(contents, sealing, key, tmp_path):
    objects = {5: make.stream(b"q")} if b"5 0 R" in contents else {}
    original = make.with_content(page_entries=contents, objects=objects)
    sealed = sealing(original, [(Placement(0, 10_000, 70_000, 42_000, 11_900), make.mark_stamp())])
    assert verify_strict(sealed, key.certificate).ok
    assert make.render(sealed, tmp_path).getpixel((120, 605)) < 40


@pytest.mark.parametrize("data", [b"BT (never closed", b"BI /W 1 ID x", b"q <41"])
def test_content_that_would_swallow_the_stamp_is_refused(data, sealing, stamp, place):
    with pytest.raises(SealError) as caught:
        sealing(make.with_content(data), [(place(0), stamp)])
    assert caught.value.reason == "content_broken"


def test_shared_resources_are_not_changed(sealing, stamp, place):
    """Pages that share one resource dictionary each get a copy, with their own stamp only."""

    def share(writer):
        shared = writer._add_object(writer.pages[0]["/Resources"])
        for page in writer.pages:
            page[make.NameObject("/Resources")] = shared

    original = make.changed(make.quote(3), share)
    reader = pypdf.PdfReader(io.BytesIO(sealing(original, [(place(0), stamp), (place(1), make.mark_stamp())])))
    counts = [len(page["/Resources"].get("/XObject", {})) for page in reader.pages]
    assert counts == [1, 1, 0]
    assert all("/Font" in page["/Resources"] for page in reader.pages)


def test_existing_names_are_respected(sealing, content, stamp, place, tmp_path):
    def unseal(writer):
        del writer.root_object["/AcroForm"], writer.root_object["/Perms"]

    once = make.changed(sealing(make.quote(1), [(place(0), stamp)]), unseal)
    second = draw_stamp(replace(content, signer_name="Second Person"))
    sealed = sealing(once, [(Placement(0, 1_000, 60_000, 42_000, 11_900), second)])
    text = make.text(sealed, tmp_path)
    assert text.count("Second Person") == 1
    assert content.signer_name in text


@pytest.mark.parametrize("size", [(100, 60_000), (10, 5 * 1024 * 1024)], ids=["100 pages", "5 MB"])
def test_large_files(size, stamp, sealing, key, place, tmp_path):
    pages, padding = size
    original = make.quote(pages)
    if padding > 100_000:
        import random

        noise = random.Random(1).randbytes(padding)
        original = make.changed(original, lambda writer: writer.add_attachment("noise.bin", noise))
    sealed = sealing(original, [(place(pages - 1), stamp)])
    assert_judged_good(sealed, original, key, tmp_path)


@pytest.mark.parametrize("entries", ["linearized", "objects", "pdf20", "attachment", "form"])
def test_other_producers_files(entries, stamp, sealing, key, place, tmp_path):
    original = make.quote(2)
    if entries in ("linearized", "objects"):
        option = "--linearize" if entries == "linearized" else "--object-streams=generate"
        original = make.run("qpdf", option, "@", "-", data=original, tmp_path=tmp_path).stdout
    elif entries == "attachment":
        original = make.changed(original, lambda writer: writer.add_attachment("order.xml", b"<Order/>"))
    elif entries == "pdf20":
        original = original.replace(b"%PDF-1.", b"%PDF-2.", 1)
        original = re.sub(rb"%PDF-2\.\d", b"%PDF-2.0", original, count=1)
    else:
        original = form_pdf()
    sealed = sealing(original, [(place(), stamp)])
    assert_judged_good(sealed, original, key, tmp_path)


def form_pdf() -> bytes:
    from reportlab.pdfgen.canvas import Canvas

    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=make.A4)
    canvas.showPage()
    canvas.acroForm.textfield(name="po", value="PO 42", x=50, y=700, width=200)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def test_expired_and_future_certificates_do_not_seal(original, sealing, key):
    for moment, reason in (
        (key.not_after + timedelta(seconds=1), "certificate_expired"),
        (key.not_before - timedelta(seconds=1), "certificate_not_yet_valid"),
    ):
        with pytest.raises(SealError) as caught:
            sealing(original, signing_time=moment)
        assert caught.value.reason == reason


def test_naive_time_is_refused(original, sealing):
    with pytest.raises(SealError) as caught:
        sealing(original, signing_time=datetime(2026, 5, 1))
    assert caught.value.reason == "bad_time"


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4\n%%EOF", b"<html>", make.quote()[:-200], make.quote()[100:]])
def test_broken_files_raise_only_seal_errors(data, sealing, stamp, place):
    with pytest.raises(SealError):
        sealing(data, [(place(0), stamp)])


def test_an_already_signed_file_is_not_certified_again(sealed, original, sealing, key, stamp, place):
    metadata = signers.PdfSignatureMetadata(field_name="Approval", md_algorithm="sha256")
    approved = signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(original)), metadata, PyhankoSigner(key))
    for data in (sealed, approved.getvalue()):
        for attempt in (lambda data=data: sealing(data), lambda data=data: stamp_pdf(data, [(place(), stamp)])):
            with pytest.raises(SealError) as caught:
                attempt()
            assert caught.value.detail == {"cause": "signed"}


def test_a_field_with_our_name_is_left_alone(original, sealing, key, tmp_path):
    def add_field(writer):
        values = {NameObject("/FT"): NameObject("/Sig"), NameObject("/T"): TextStringObject("EsignSeal")}
        form = {NameObject("/Fields"): ArrayObject([writer._add_object(DictionaryObject(values))])}
        writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
            form | {NameObject("/NeedAppearances"): BooleanObject(True)}
        )

    sealed = sealing(make.changed(original, add_field))
    form = pypdf.PdfReader(io.BytesIO(sealed)).trailer["/Root"]["/AcroForm"]
    assert [field.get_object()["/T"] for field in form["/Fields"]] == ["EsignSeal", "EsignSeal1"]
    assert form["/SigFlags"] == 3
    assert "/NeedAppearances" not in form
    assert verify_strict(sealed, key.certificate).ok


@pytest.mark.parametrize("number", [0, 1, 6, 7, 8, 13, 14])
def test_pages_are_found_in_every_tree(number, tmp_path, sealing):
    """From both ends, in nested, uneven and empty nodes."""
    from tools.stamping import find_page

    tree = [[0, [1, 2], []], [3], 4, [5, [[6], 7, 8], [], 9], 10, [[11, 12, 13], 14], []]
    handler = PdfFileReader(io.BytesIO(make.raw(page_tree(tree))))
    page = find_page(handler, number).get_object()
    assert page["/MediaBox"][2] == 100 + number
    assert page.raw_get("/MediaBox") == handler.find_page_for_modification(number)[0].get_object().raw_get("/MediaBox")
    for beyond in (-1, 15):
        with pytest.raises(SealError):
            find_page(handler, beyond)


def page_tree(tree):
    """Write a page tree as nested lists say; a leaf's number is told by its width."""
    objects = {1: b"<< /Type /Catalog /Pages 2 0 R >>"}

    def add(node, parent):
        number = len(objects) + 1
        objects[number] = b""
        if isinstance(node, int):
            objects[number] = b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 %d 100] >>" % (parent, 100 + node)
            return number, 1
        kids = [add(kid, number) for kid in node]
        references = b" ".join(b"%d 0 R" % kid for kid, _count in kids)
        count = sum(count for _kid, count in kids)
        up = b"/Parent %d 0 R" % parent if parent > 1 else b""
        objects[number] = b"<< /Type /Pages %s /Kids [%s] /Count %d >>" % (up, references, count)
        return number, count

    add(tree, 1)
    return objects


@pytest.mark.parametrize("stamp_pdf", [b"", b"%PDF-1.4", make.quote()[:-100]])
def test_bad_stamps(stamp_pdf, original, sealing, place):
    with pytest.raises(SealError) as caught:
        sealing(original, [(place(), stamp_pdf)])
    assert caught.value.reason == "stamp_invalid"


def test_time_stamp_in_the_same_update(original, sealing, key, now, tmp_path):
    timestamp, tsa_certificate = timestamp_authority(now)
    sealed = sealing(original, timestamp=timestamp)
    assert_judged_good(sealed, original, key, tmp_path, tsa_certificate)
    assert verify_strict(sealed, key.certificate).timestamped


def test_validation_data_in_the_same_update(original, sealing, key, tmp_path):
    data = ValidationData(certificates=(key.certificate, key.certificate))
    sealed = sealing(original, validation_data=data)
    assert_judged_good(sealed, original, key, tmp_path)
    store = pypdf.PdfReader(io.BytesIO(sealed)).trailer["/Root"]["/DSS"]
    assert [item.get_object().get_data() for item in store["/Certs"]] == [key.certificate]
    assert "/OCSPs" not in store


def test_time_stamp_authority_down(original, sealing):
    def refuse(_signature):
        raise TimestampError("no_answer")

    with pytest.raises(SealError) as caught:
        sealing(original, timestamp=refuse)
    assert (caught.value.reason, caught.value.detail) == ("timestamp_failed", {"cause": "no_answer"})


def test_a_token_that_does_not_fit_is_refused_not_cut(original, sealing):
    with pytest.raises(SealError) as caught:
        sealing(original, timestamp=lambda _signature: bytes(TOKEN_ROOM + 1_000))
    assert (caught.value.reason, caught.value.detail) == ("signing_failed", {"cause": "size"})
