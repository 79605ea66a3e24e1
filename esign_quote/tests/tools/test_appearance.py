import io
import json
import math
from dataclasses import replace

import pdf_factory as make
import pypdf
import pytest
from tools.appearance import QR_SIDE, StampContent, draw_stamp
from tools.qr import qr_matrix
from tools.signature import parse_strokes

URL = "https://odoo.example-company.com/esign/verify/B7KD-93QX-T2MC"
LINES = ("12 March 2026, 14:05:09 UTC", "Signature B7KD-93QX-T2MC", "Sealed by Example Company")
DRAWING = parse_strokes(
    json.dumps(
        {
            "w": 320,
            "h": 140,
            "strokes": [
                [[20 + 3 * t, 60 + round(35 * math.sin(t / 7))] for t in range(90)],
                [[100, 20], [130, 120]],
                [[200, 100]],
            ],
        }
    )
)


def stamp(name="Éléonore Lefèvre", signature="Éléonore Lefèvre", lines=LINES, **more):
    return StampContent("Electronically signed by", name, lines, URL, signature, **more)


EXTREMES = {
    "usual": stamp(),
    "drawn": stamp(signature=DRAWING),
    "long name": stamp("Jean-Baptiste Emmanuel " * 4, "Jean-Baptiste Emmanuel " * 4),
    "one long word": stamp("W" * 100, "W" * 100),
    "short": stamp("Li", "Li"),
    "arabic": stamp("محمد العربي", "محمد العربي"),
    "chinese": stamp("王小明", "王小明"),
    "long lines": stamp(lines=("A very long line of small print, " * 9,) * 6),
    "no lines": stamp(lines=()),
    "empty": StampContent("", "", (), URL, ""),
    "wide drawing": stamp(signature=parse_strokes('{"w": 999, "h": 9, "strokes": [[[0, 0], [999, 9]]]}')),
    "flat drawing": stamp(signature=parse_strokes('{"w": 100, "h": 100, "strokes": [[[0, 50], [100, 50]]]}')),
    "high drawing": stamp(signature=parse_strokes('{"w": 9, "h": 999, "strokes": [[[5, 0], [5, 999]]]}')),
    "markup": stamp("<b>Ann & Co</b> (x)\\", "<i>"),
    "surrogate": stamp("A\ud800nn", "A\ud800nn"),
}


@pytest.mark.parametrize("name", EXTREMES)
def test_nothing_leaves_the_frame(name, tmp_path):
    """Only the frame itself may touch the border; inside it there is always a white rim."""
    data = draw_stamp(EXTREMES[name])
    page = pypdf.PdfReader(io.BytesIO(data)).pages[0]
    assert page.mediabox[2:] == [250, 100]
    image = make.render(data, tmp_path, dpi=288)
    assert image.size == (1000, 400)
    # Between the frame (with its accent bar at the left) and the padding: the rim.
    for box in ((14, 8, 990, 16), (14, 385, 990, 393), (984, 16, 992, 385), (16, 16, 30, 385)):
        assert image.crop(box).getextrema()[0] > 250, (name, box)
    # Nothing runs into the quiet zone of the code.
    left = 1000 - round((8 + QR_SIDE + 3 + 4) * 4)
    assert image.crop((left - 10, 16, left, 385)).getextrema()[0] > 250


def test_text_can_be_copied(tmp_path):
    text = make.text(draw_stamp(stamp(signature=DRAWING)), tmp_path)
    for expected in ("Electronically signed by", "Éléonore Lefèvre", *LINES):
        assert expected in text


def test_a_long_name_is_complete(tmp_path):
    name = "Jean-Baptiste Emmanuel de la Rochefoucauld-Montbazon de Saint-Exupéry"
    assert name in " ".join(make.text(draw_stamp(stamp(name)), tmp_path).split())


def test_the_same_content_gives_the_same_bytes():
    assert draw_stamp(stamp()) == draw_stamp(stamp())
    assert draw_stamp(stamp()) != draw_stamp(replace(stamp(), signer_name="Eve"))


def test_fonts_are_embedded(tmp_path):
    table = make.run("pdffonts", "@", data=draw_stamp(stamp()), tmp_path=tmp_path).stdout.decode()
    rows = table.splitlines()[2:]
    assert rows
    assert all(row.split()[-5] == "yes" for row in rows)


def test_code_is_large_enough_for_a_phone():
    assert QR_SIDE / 72 * 25.4 >= 15
    # One module on paper: phones resolve a third of a millimetre easily.
    assert QR_SIDE / len(qr_matrix(URL)) / 72 * 25.4 > 0.33


@pytest.mark.parametrize("dpi", [120, 300])
def test_code_can_be_read_back(dpi, tmp_path):
    make.render(draw_stamp(stamp()), tmp_path, dpi=dpi).save(tmp_path / "stamp.png")
    found = make.run("zbarimg", "-q", "--raw", tmp_path / "stamp.png", data=b"", tmp_path=tmp_path)
    assert found.stdout.decode().strip() == URL


def test_the_drawn_code_is_the_matrix(tmp_path):
    """Holds without zbar: every module is dark or light as it must be."""
    matrix = qr_matrix(URL)
    image = make.render(draw_stamp(stamp()), tmp_path, dpi=720)
    module = QR_SIDE * 10 / len(matrix)
    left, top = (250 - 8 - QR_SIDE - 3) * 10, (100 - QR_SIDE) / 2 * 10
    for row, modules in enumerate(matrix):
        for column, dark in enumerate(modules):
            shade = image.getpixel((int(left + (column + 0.5) * module), int(top + (row + 0.5) * module)))
            assert (shade < 128) == dark


@pytest.mark.parametrize("size", [(250, 100), (500, 200), (125, 50), (300, 100), (250, 300)])
def test_other_sizes(size, tmp_path):
    data = draw_stamp(stamp(), *size)
    assert [float(side) for side in pypdf.PdfReader(io.BytesIO(data)).pages[0].mediabox[2:]] == list(size)
    assert "Éléonore" in make.text(data, tmp_path)


def test_strokes_keep_their_shape(tmp_path):
    """A square drawn on a wide pad stays a square."""
    square = parse_strokes('{"w": 400, "h": 100, "strokes": [[[10,10],[90,10],[90,90],[10,90],[10,10]]]}')
    image = make.render(draw_stamp(stamp(signature=square, lines=())), tmp_path, dpi=288)
    ink = image.crop((44, 62, 700, 318)).point(lambda shade: 255 if shade < 80 else 0)
    left, top, right, bottom = ink.getbbox()
    assert right - left == pytest.approx(bottom - top, abs=12)
