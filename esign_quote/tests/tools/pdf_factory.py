"""PDFs for tests: drawn by reportlab, changed by pypdf, or written byte by byte where no library would."""

import io
import shutil
import subprocess

import pypdf
import pytest
from PIL import Image
from pypdf.generic import DictionaryObject, NameObject
from reportlab.pdfgen.canvas import Canvas

A4 = (595.0, 842.0)


def quote(pages=1, lines=12, size=A4, footer=False) -> bytes:
    """A plausible quotation: a title and lines of text on every page."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=size, invariant=1)
    for number in range(pages):
        canvas.setFont("Helvetica", 10)
        canvas.drawString(40, size[1] - 50, f"Quotation S00042, page {number + 1}")
        for line in range(lines):
            canvas.drawString(40, size[1] - 80 - 14 * line, f"Item {line}  1 234,50 EUR")
        if footer:
            canvas.line(40, 60, size[0] - 40, 60)
            canvas.drawString(40, 46, "Example Company SARL, Paris")
        canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def changed(data: bytes, change) -> bytes:
    """Rewrite a PDF after ``change(writer)``."""
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(data))
    change(writer)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def with_geometry(media=(0, 0, 595, 842), crop=None, rotate=None, unit=None, on_parent=False) -> bytes:
    """One page with a line of text, its geometry on the page itself or inherited from two levels up."""
    geometry = b"/MediaBox [%g %g %g %g]" % media
    geometry += b" /CropBox [%g %g %g %g]" % crop if crop else b""
    geometry += b" /Rotate %d" % rotate if rotate is not None else b""
    on_page = b"" if on_parent else geometry
    on_page += b" /UserUnit %g" % unit if unit else b""
    return raw(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids [6 0 R] /Count 1 %s >>" % (geometry if on_parent else b""),
            3: b"<< /Type /Page /Parent 6 0 R /Contents 5 0 R %s >>" % on_page,
            4: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
            5: stream(b"BT /F1 10 Tf 120 420 Td (Quotation) Tj ET"),
            6: b"<< /Type /Pages /Parent 2 0 R /Kids [3 0 R] /Count 1 /Resources << /Font << /F1 4 0 R >> >> >>",
        }
    )


def action(kind: str, **entries) -> DictionaryObject:
    values = {NameObject("/S"): NameObject(kind)}
    values.update({NameObject("/" + key): value for key, value in entries.items()})
    return DictionaryObject(values)


def raw(objects: dict[int, bytes], trailer: bytes = b"", size: int | None = None) -> bytes:
    """Write a classical file from object bodies; object 1 is the catalogue."""
    output = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    offsets = {}
    for number, body in sorted(objects.items()):
        offsets[number] = len(output)
        output += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(output)
    count = max(objects) + 1
    output += b"xref\n0 %d\n0000000000 65535 f \n" % count
    for number in range(1, count):
        output += b"%010d 00000 n \n" % offsets[number] if number in offsets else b"0000000000 00001 f \n"
    output += b"trailer\n<< /Root 1 0 R /Size %d %s >>\nstartxref\n%d\n%%%%EOF\n" % (size or count, trailer, start)
    return bytes(output)


def stream(data: bytes, entries: bytes = b"") -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(data), entries, data)


def with_content(*contents: bytes, page_entries: bytes = b"", objects: dict | None = None) -> bytes:
    """One A4 page with exactly these content streams."""
    objects = {
        **(objects or {}),
        1: b"<< /Type /Catalog /Pages 2 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        4: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    }
    for number, content in enumerate(contents):
        objects[5 + number] = stream(content)
    references = b" ".join(b"%d 0 R" % (5 + number) for number in range(len(contents)))
    entry = b"/Contents [" + references + b"]" if len(contents) > 1 else b"/Contents " + references if contents else b""
    objects[3] = (
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R >> >> %s %s >>"
        % (entry, page_entries)
    )
    return raw(objects)


def word(extra: bytes = b"<< /Type /StructTreeRoot >>", other_content: bytes | None = None) -> bytes:
    """Write what Microsoft Word saves: a table, then an empty one that names a cross-reference stream (7.5.8.4).

    :param extra: object 6, which only the stream knows; the table calls it free
    :param other_content: what the page shows to readers of the stream, instead of what the table leads to
    """
    objects = {
        1: b"<< /Type /Catalog /Pages 2 0 R /StructTreeRoot 6 0 R >>",
        2: b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        4: stream(b"BT /F1 12 Tf 60 700 Td (Total 1 234,50) Tj ET"),
        5: b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        7: stream(b"6 0 " + extra, b"/Type /ObjStm /N 1 /First 4"),
    }
    output = bytearray(b"%PDF-1.7\r\n%\xb5\xb5\xb5\xb5\r\n")
    table = {}
    for number, body in objects.items():
        table[number] = len(output)
        output += b"%d 0 obj\r\n%s\r\nendobj\r\n" % (number, body)
    known = dict(table)
    if other_content is not None:
        known[4] = len(output)
        output += b"4 0 obj\r\n%s\r\nendobj\r\n" % stream(other_content)
    known[8] = table[8] = len(output)
    rows = [b"\0\0\0\0\0\xff\xff"]
    for number in range(1, 9):
        rows.append(b"\2\0\0\0\7\0\0" if number == 6 else b"\1" + known[number].to_bytes(4, "big") + b"\0\0")
    references = stream(b"".join(rows), b"/Type /XRef /Size 9 /W [1 4 2] /Root 1 0 R")
    output += b"8 0 obj\r\n%s\r\nendobj\r\n" % references
    first = len(output)
    output += b"xref\r\n0 9\r\n0000000006 65535 f\r\n"
    for number in range(1, 9):
        output += b"0000000000 65535 f\r\n" if number == 6 else b"%010d 00000 n\r\n" % table[number]
    output += b"trailer\r\n<< /Size 9 /Root 1 0 R >>\r\nstartxref\r\n%d\r\n%%%%EOF\r\n" % first
    second = len(output)
    output += b"xref\r\n0 0\r\ntrailer\r\n<< /Size 9 /Root 1 0 R /Prev %d /XRefStm %d >>\r\n" % (first, known[8])
    output += b"startxref\r\n%d\r\n%%%%EOF" % second
    return bytes(output)


def mark_stamp() -> bytes:
    """A white stamp with a black block in its top left quarter: shows which way is up."""
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=(250, 100), invariant=1)
    canvas.setFillGray(1)
    canvas.rect(0, 0, 250, 100, stroke=0, fill=1)
    canvas.setFillGray(0)
    canvas.rect(0, 50, 125, 50, stroke=0, fill=1)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def run(*command, data: bytes, tmp_path, name="file.pdf") -> subprocess.CompletedProcess:
    """Run a tool on a PDF; ``@`` in the command stands for the file."""
    if not shutil.which(command[0]):
        pytest.skip(f"{command[0]} is not installed")
    path = tmp_path / name
    path.write_bytes(data)
    arguments = [str(path) if part == "@" else part for part in command]
    return subprocess.run(arguments, capture_output=True, timeout=60, check=False)  # noqa: S603 - fixed commands


def render(data: bytes, tmp_path, page=1, dpi=72) -> Image.Image:
    """Return a page as poppler shows it, in grey."""
    result = run(
        "pdftoppm",
        "-cropbox",
        "-gray",
        "-r",
        str(dpi),
        "-f",
        str(page),
        "-l",
        str(page),
        "@",
        data=data,
        tmp_path=tmp_path,
    )
    assert result.stdout, result.stderr
    return Image.open(io.BytesIO(result.stdout)).convert("L")


def text(data: bytes, tmp_path, *options) -> str:
    return run("pdftotext", *options, "@", "-", data=data, tmp_path=tmp_path).stdout.decode()
