"""What was accepted, sealed: in its place, upright, and found good by everybody."""

import io
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pypdf
import zxingcpp
from PIL import Image
from tools.appearance import HEIGHT_PT, PADDING, QR_SIDE, WIDTH_PT, StampContent, draw_stamp
from tools.geometry import SCALE, Placement, read_page_box
from tools.placement import find_placement
from tools.seal import seal_pdf

from .attacks import our_key
from .inputs import MOMENT

DPI = 150
_RIM = 24
"""Pixels shown around the stamp."""


@dataclass(frozen=True)
class Code:
    """A QR code as found on the rendered page, against where it must be."""

    text: str
    off_place: float
    """Distance of its centre from the right one, in pixels."""
    turned: float
    """Degrees."""


def stamp_of(number: int) -> bytes:
    """Return the stamp of one of several signers."""
    lines = ("12 March 2026, 14:05:09 UTC", f"Signer {number}")
    return draw_stamp(StampContent("Accepted by", "Jeanne Martin", lines, address(number), "Jeanne Martin"))


def address(number: int) -> str:
    return f"https://odoo.example-company.com/esign/verify/B7KD-93QX-{number:04}"


def places(data: bytes, count: int) -> list[Placement]:
    """Return places for several stamps, none over another."""
    taken: list[Placement] = []
    for _number in range(count):
        taken.append(find_placement(data, WIDTH_PT, HEIGHT_PT, taken))
    return taken


def seal_with(data: bytes, placements: list[Placement]) -> bytes:
    stamps = [(place, stamp_of(number)) for number, place in enumerate(placements)]
    return seal_pdf(
        data, stamps, our_key(), signing_time=MOMENT, signer_name="Example Company", reason="Quotation signed"
    )


def read_code(path: Path, placement: Placement) -> Code:
    """Render the surroundings of a stamp with poppler and read its code."""
    page = pypdf.PdfReader(io.BytesIO(path.read_bytes())).pages[placement.page]
    box = read_page_box(page)
    # poppler ignores /UserUnit: so do these pixels.
    across, down = (side * DPI / 72 for side in box.displayed_size)
    left, top = placement.nx / SCALE * across, placement.ny / SCALE * down
    width, height = placement.nw / SCALE * across, placement.nh / SCALE * down
    x, y = max(0, int(left) - _RIM), max(0, int(top) - _RIM)
    number = str(placement.page + 1)
    region = ("-x", x, "-y", y, "-W", int(width) + 2 * _RIM, "-H", int(height) + 2 * _RIM)
    command = ("pdftoppm", "-cropbox", "-gray", "-r", DPI, "-f", number, "-l", number, *region, path)
    result = subprocess.run([str(part) for part in command], capture_output=True, timeout=60, check=True)  # noqa: S603
    image = Image.open(io.BytesIO(result.stdout)).convert("L")
    found = zxingcpp.read_barcodes(image)
    assert len(found) == 1, f"{len(found)} codes in {image.size}"
    corners = found[0].position
    points = (corners.top_left, corners.top_right, corners.bottom_right, corners.bottom_left)
    centre = sum(point.x for point in points) / 4, sum(point.y for point in points) / 4
    scale = min(width / WIDTH_PT, height / HEIGHT_PT)
    wanted = (
        left - x + width / 2 + scale * (WIDTH_PT / 2 - PADDING - 3 - QR_SIDE / 2),
        top - y + height / 2,
    )
    off = max(abs(centre[0] - wanted[0]), abs(centre[1] - wanted[1]))
    return Code(found[0].text, off, found[0].orientation)
