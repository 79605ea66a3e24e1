"""A stamp hides nothing: poppler renders the page, and what is under the stamp must be blank paper."""

import io
import random
import shutil
import subprocess
import time

import pdf_factory as make
import pytest
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas
from tools.exceptions import PdfRefused
from tools.geometry import SCALE, Placement
from tools.paint import PaintLimits
from tools.placement import find_placement

WIDTH, HEIGHT = 250, 100


def assert_blank(data, placement, tmp_path, page=1, white=250):
    """Check the pixels under the placement, with a few points around it."""
    image = make.render(data, tmp_path, page=page, dpi=72)
    left, top = placement.nx / SCALE * image.width, placement.ny / SCALE * image.height
    width, height = placement.nw / SCALE * image.width, placement.nh / SCALE * image.height
    area = image.crop((int(left) - 2, int(top) - 2, int(left + width) + 3, int(top + height) + 3))
    assert area.getextrema()[0] >= white, f"{placement} hides something"


def drawn(draw, size=make.A4):
    buffer = io.BytesIO()
    canvas = Canvas(buffer, pagesize=size, invariant=1)
    draw(canvas)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


@pytest.mark.parametrize("lines", [0, 5, 20, 35])
def test_directly_below_the_content(lines, tmp_path):
    data = make.quote(lines=lines)
    placement = find_placement(data, WIDTH, HEIGHT)
    assert placement.page == 0
    assert_blank(data, placement, tmp_path)
    last_baseline = 80 + 14 * (lines - 1) if lines else 50
    gap = placement.ny / SCALE * 842 - last_baseline
    assert 8 < gap < 25
    # Right aligned, in the margin.
    assert 20 <= 595 - (placement.nx + placement.nw) / SCALE * 595 <= 36


def test_size_is_kept():
    placement = find_placement(make.quote(), WIDTH, HEIGHT)
    assert placement.nw / SCALE * 595 == pytest.approx(WIDTH, abs=0.02)
    assert placement.nh / SCALE * 842 == pytest.approx(HEIGHT, abs=0.02)


@pytest.mark.parametrize("lines", [5, 25, 38])
def test_above_a_footer(lines, tmp_path):
    data = make.quote(lines=lines, footer=True)
    placement = find_placement(data, WIDTH, HEIGHT)
    assert placement.page == 0
    assert_blank(data, placement, tmp_path)
    assert (placement.ny + placement.nh) / SCALE * 842 < 842 - 60


@pytest.mark.parametrize("lines", [48, 53])
def test_full_page_gets_a_place_beside_or_a_new_page(lines, tmp_path):
    """Short lines leave room at their right, in the lower half."""
    data = make.quote(lines=lines)
    placement = find_placement(data, WIDTH, HEIGHT)
    assert placement.page == 0
    assert placement.ny >= SCALE * 49 // 100
    assert_blank(data, placement, tmp_path)


def test_full_width_text_gets_a_new_page():
    data = drawn(lambda canvas: [canvas.drawString(40, 800 - 14 * i, "word " * 22) for i in range(54)])
    assert find_placement(data, WIDTH, HEIGHT).page == 1


def test_the_last_page_counts(tmp_path):
    placement = find_placement(make.quote(3), WIDTH, HEIGHT)
    assert placement.page == 2


def random_layout(seed):
    """Boxes, lines, text, images, curves and rotated things at random places, plus a footer."""
    source = random.Random(seed)
    size = source.choice([make.A4, (612, 792), (842, 595), (420, 595)])

    def draw(canvas):
        width, height = size
        bottom = source.uniform(0.1, 0.75) * height
        canvas.setFillGray(1)
        canvas.rect(0, 0, width, height, stroke=0, fill=1)
        for _number in range(source.randint(3, 40)):
            x, y = source.uniform(0, width * 0.8), source.uniform(bottom, height - 30)
            item(canvas, source, x, y)
        if source.random() < 0.6:
            canvas.setFillGray(0)
            canvas.drawCentredString(width / 2, 30, "Company, street, town, registration")
        if source.random() < 0.4:
            canvas.setStrokeGray(0)
            canvas.rect(10, 10, width - 20, height - 20, stroke=1, fill=0)
        if source.random() < 0.5:
            item(canvas, source, source.uniform(0, width / 2), source.uniform(60, height / 2))

    return drawn(draw, size)


def item(canvas, source, x, y):
    from PIL import Image

    canvas.saveState()
    canvas.setFillGray(source.uniform(0, 0.9))
    canvas.setStrokeGray(source.uniform(0, 0.9))
    kind = source.randrange(7)
    if kind == 0:
        canvas.setFont(source.choice(["Helvetica", "Times-Roman", "Courier"]), source.uniform(6, 22))
        canvas.drawString(x, y, "Grand total 1 234,50 €"[: source.randint(1, 22)])
    elif kind == 1:
        canvas.rect(x, y, source.uniform(1, 200), source.uniform(1, 60), stroke=source.randrange(2), fill=1)
    elif kind == 2:
        canvas.drawImage(ImageReader(Image.new("L", (9, 9), 90)), x, y, source.uniform(5, 150), source.uniform(5, 80))
    elif kind == 3:
        canvas.setLineWidth(source.uniform(0.1, 8))
        canvas.bezier(x, y, x + 30, y + 90, x + 80, y - 50, x + 120, y + 20)
    elif kind == 4:
        canvas.translate(x, y)
        canvas.rotate(source.choice([30, 45, 90, -60, 180]))
        canvas.scale(source.uniform(0.5, 1.5), source.uniform(0.5, 1.5))
        canvas.drawString(0, 0, "Turned text")
    elif kind == 5:
        text = canvas.beginText(x, y)
        text.setCharSpace(source.uniform(0, 6))
        text.setWordSpace(source.uniform(0, 20))
        text.setHorizScale(source.uniform(60, 180))
        text.setRise(source.uniform(-9, 9))
        for _line in range(3):
            text.textLine("spaced out words")
        canvas.drawText(text)
    else:
        path = canvas.beginPath()
        path.circle(x + 20, y + 20, source.uniform(3, 40))
        canvas.clipPath(path, stroke=0)
        canvas.rect(x - 400, y - 400, 800, 800, stroke=0, fill=1)
    canvas.restoreState()


@pytest.mark.parametrize("seed", range(25))
def test_random_layouts_are_never_covered(seed, tmp_path):
    data = random_layout(seed)
    placement = find_placement(data, WIDTH, HEIGHT)
    if placement.page == 0:
        assert_blank(data, placement, tmp_path)


def test_random_layouts_often_have_a_place():
    places = [find_placement(random_layout(seed), WIDTH, HEIGHT).page for seed in range(25)]
    assert places.count(0) >= 15


@pytest.mark.parametrize("rotate", [0, 90, 180, 270])
@pytest.mark.parametrize("crop", [None, (100, 100, 580, 800)])
def test_turned_and_cropped_pages(rotate, crop, tmp_path):
    data = make.with_geometry(crop=crop, rotate=rotate)
    placement = find_placement(data, WIDTH, HEIGHT)
    assert placement.page == 0
    assert_blank(data, placement, tmp_path)


BLOCK = b"0.5 g 0 300 595 542 re f "
HIDDEN = {
    "form": (b"/Fm Do", b"/Fm 9 0 R", make.stream(BLOCK, b"/Type /XObject /Subtype /Form /BBox [0 0 595 842]")),
    "form with matrix": (
        b"q 10 0 0 10 0 0 cm /Fm Do Q",
        b"/Fm 9 0 R",
        make.stream(b"0 g 0 30 59 54 re f", b"/Type /XObject /Subtype /Form /BBox [0 0 60 85] /Matrix [1 0 0 1 0 0]"),
    ),
    "image": (
        b"q 595 0 0 542 0 300 cm /Fm Do Q",
        b"/Fm 9 0 R",
        make.stream(
            b"\x80", b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
        ),
    ),
    "inline image": (b"q 595 0 0 542 0 300 cm BI /W 1 /H 1 /BPC 8 /CS /G ID \x80 EI Q", b"", b"null"),
}


@pytest.mark.parametrize("name", HIDDEN)
def test_what_is_drawn_indirectly_counts(name, tmp_path):
    content, entry, item_object = HIDDEN[name]
    resources = b"/Resources << /XObject << %s >> /Font << /F1 4 0 R >> >>" % entry
    data = make.with_content(content, objects={9: item_object})
    data = data.replace(b"/Resources << /Font << /F1 4 0 R >> >>", resources)
    # Offsets have moved; let poppler and pypdf read a repaired file.
    data = make.run("qpdf", "@", "-", data=data, tmp_path=tmp_path).stdout
    placement = find_placement(data, WIDTH, HEIGHT)
    assert placement.page == 0
    assert placement.ny / SCALE * 842 > 542
    assert_blank(data, placement, tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        b"1 g 0 0 595 842 re f",
        b"0.9 g 0 0 595 842 re f",
        b"1 1 1 rg 0 100 595 600 re f",
        b"0 0 0 0 k 0 100 595 600 re f",
        b"/DeviceRGB cs 1 1 1 sc 0 100 595 600 re f",
        b"0 100 595 600 re W n",
        b"0 g 600 900 50 50 re f",
        b"q 0 0 10 10 re W n 0 g 0 0 595 842 re f Q",
        b"0 G 5 5 585 832 re S",
    ],
    ids=["white", "background", "white block", "white cmyk", "white space", "clip", "outside", "clipped", "frame"],
)
def test_what_hides_nothing_does_not_count(content):
    assert find_placement(make.with_content(content), WIDTH, HEIGHT).page == 0


@pytest.mark.parametrize(
    "content", [b"0 g 0 0 595 600 re f", b"0 0 0 0.5 k 0 100 595 550 re f", b"/Sep cs 1 scn 0 0 595 600 re f"]
)
def test_what_is_no_background_counts(content):
    """The free part at the top is the letterhead's: never a signature there."""
    assert find_placement(make.with_content(content), WIDTH, HEIGHT).page == 1


def test_annotations_count():
    annotation = b"/Annots [<< /Type /Annot /Subtype /Square /Rect [0 0 595 780] /C [0] >>]"
    assert find_placement(make.with_content(b"", page_entries=annotation), WIDTH, HEIGHT).page == 1


def test_stamps_do_not_cover_each_other():
    data = make.quote(lines=30)
    taken = []
    for _number in range(12):
        taken.append(find_placement(data, WIDTH, HEIGHT, taken))
    for i, first in enumerate(taken):
        for second in taken[:i]:
            apart = (
                first.page != second.page
                or first.nx >= second.nx + second.nw
                or second.nx >= first.nx + first.nw
                or first.ny >= second.ny + second.nh
                or second.ny >= first.ny + first.nh
            )
            assert apart, (first, second)
    assert {placement.page for placement in taken} == {0, 1}


@pytest.mark.parametrize("size", [(200, 300), (150, 80), (80, 400)])
def test_small_pages_get_a_smaller_stamp(size):
    data = make.quote(lines=0, size=size)
    placement = find_placement(data, WIDTH, HEIGHT)
    width, height = placement.nw / SCALE * size[0], placement.nh / SCALE * size[1]
    assert width / height == pytest.approx(2.5, rel=0.02)


def test_user_unit_is_taken_into_account():
    placement = find_placement(make.with_geometry(media=(0, 0, 300, 421), unit=2), WIDTH, HEIGHT)
    assert placement.nw / SCALE * 300 * 2 == pytest.approx(WIDTH, abs=0.1)


@pytest.mark.parametrize(
    "limits", [PaintLimits(max_bytes=100), PaintLimits(max_operations=10), PaintLimits(max_boxes=3)]
)
def test_beyond_the_limits_a_new_page_is_used(limits):
    assert find_placement(make.quote(), WIDTH, HEIGHT, limits=limits).page == 1


def test_deep_and_recursive_forms_end():
    form = make.stream(
        b"/Fm Do /Fm Do", b"/Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /Fm 9 0 R >> >>"
    )
    data = make.with_content(b"/Fm Do", objects={9: form})
    data = data.replace(b"/Font << /F1 4 0 R >>", b"/XObject<</Fm 9 0 R>>")
    start = time.process_time()
    assert find_placement(data, WIDTH, HEIGHT).page == 1
    assert time.process_time() - start < 2


def test_heavy_content_is_bounded():
    def cost(rectangles):
        data = make.with_content(b"0 0 1 1 re f " * rectangles)
        start = time.process_time()
        find_placement(data, WIDTH, HEIGHT)
        return time.process_time() - start

    # Twice as much costs no more: the rest is not looked at.
    assert min(cost(160_000), cost(160_000)) < 1.7 * cost(80_000)


@pytest.mark.parametrize("data", [b"", b"%PDF-1.4", make.quote()[:200], b"x" * 5000])
def test_unreadable(data):
    with pytest.raises(PdfRefused) as caught:
        find_placement(data, WIDTH, HEIGHT)
    assert caught.value.reason in ("broken", "too_complex")


HTML = """<html><head><meta charset="utf-8"></head><body style="font: 11pt sans-serif">
<div style="text-align:right">My Company<br/>12 rue de la Paix</div><h1>Quotation S00042</h1>
<table width="100%" border="1"><tr style="background:#eee"><td>Item</td><td>Price</td></tr>{rows}</table>
<p>Terms apply. <a href="https://example.com/terms">Read them</a></p></body></html>"""


@pytest.fixture(scope="module", params=["wkhtmltopdf", "chromium"])
def printed(request, tmp_path_factory):
    """A quotation of one page and one of several, as a real program prints them."""
    program = shutil.which(request.param)
    if not program:
        pytest.skip(f"{request.param} is not installed")
    folder = tmp_path_factory.mktemp("printed")
    files = []
    for count in (4, 90):
        rows = "".join(f"<tr><td>Chair {i}</td><td>{i}2.00</td></tr>" for i in range(count))
        (folder / "in.html").write_text(HTML.format(rows=rows))
        command = {
            "wkhtmltopdf": [program, "-q", "in.html", "out.pdf"],
            "chromium": [program, "--headless", "--no-sandbox", "--disable-gpu", "--print-to-pdf=out.pdf", "in.html"],
        }[request.param]
        environment = {"QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin", "HOME": str(folder)}
        subprocess.run(command, cwd=folder, env=environment, capture_output=True, timeout=60, check=False)  # noqa: S603 - fixed commands
        if not (folder / "out.pdf").exists():
            pytest.skip(f"{request.param} cannot run here")
        files.append((folder / "out.pdf").read_bytes())
    return files


def test_files_of_real_programs(printed, tmp_path, sealing, key, stamp):
    from tools.intake import inspect_pdf
    from tools.verify import verify_strict

    for data in printed:
        report = inspect_pdf(data)
        assert report.placement.page == report.pages - 1
        assert_blank(data, report.placement, tmp_path, page=report.pages)
        assert verify_strict(sealing(data, [(report.placement, stamp)]), key.certificate).ok


def test_a_placement_is_returned():
    assert isinstance(find_placement(make.quote(), WIDTH, HEIGHT), Placement)
