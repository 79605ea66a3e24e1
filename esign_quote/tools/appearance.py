"""The visible stamp: who signed, when, how it looked, where to check it. A one-page PDF.

It claims nothing by itself; the seal and the proof do. It only has to be read by people: on paper, on a
phone, and by copying its text.
"""

import io
from dataclasses import dataclass

from reportlab.lib.colors import HexColor, white
from reportlab.pdfgen.canvas import Canvas

from .fonts import REGULAR, draw_text, font, printable, text_width
from .qr import draw_qr
from .signature import Drawing
from .text_layout import fit

__all__ = ["HEIGHT_PT", "WIDTH_PT", "StampContent", "draw_stamp"]

WIDTH_PT, HEIGHT_PT = 250.0, 100.0
"""Default size, about 88 by 35 mm."""

INK = HexColor("#1b2a4a")
TEXT = HexColor("#20242c")
MUTED = HexColor("#5a6270")
ACCENT = HexColor("#2f5d8a")
FRAME = HexColor("#c3ccd8")

QR_SIDE = 48.0
"""Points without quiet zone: 17 mm, readable from paper by any phone."""
PADDING = 8.0
_SLANT = 0.21
"""Tangent of 12 degrees, the slant of an oblique face."""


@dataclass(frozen=True)
class StampContent:
    """What a stamp says; already in the reader's language and time zone."""

    title: str
    """First line, e.g. "Electronically signed by"."""
    signer_name: str
    lines: tuple[str, ...]
    """At most four short lines: date and time, identifier, a seal line."""
    verify_url: str
    """Goes into the QR code, and as a link into nothing else."""
    signature: Drawing | str
    """Strokes, or the typed name."""


def draw_stamp(content: StampContent, width_pt: float = WIDTH_PT, height_pt: float = HEIGHT_PT) -> bytes:
    """Draw the stamp as vectors with embedded fonts.

    The same content gives the same bytes. The layout has a fixed size and is scaled as a whole, so it
    never leaves its frame.

    :param StampContent content: what to show
    :param float width_pt: page width in points
    :param float height_pt: page height in points
    :return: a one-page PDF with a transparent page around a white frame
    """
    buffer = io.BytesIO()
    canvas = Canvas(
        buffer, pagesize=(width_pt, height_pt), invariant=1, pageCompression=1, initialFontName=font(REGULAR)
    )
    scale = min(width_pt / WIDTH_PT, height_pt / HEIGHT_PT)
    canvas.translate((width_pt - scale * WIDTH_PT) / 2, (height_pt - scale * HEIGHT_PT) / 2)
    canvas.scale(scale, scale)
    _draw_frame(canvas)
    _draw_qr(canvas, content.verify_url)
    _draw_left(canvas, content)
    canvas.showPage()
    canvas.save()
    return buffer.getvalue()


def _draw_frame(canvas: Canvas) -> None:
    canvas.setFillColor(white)
    canvas.setStrokeColor(FRAME)
    canvas.setLineWidth(0.6)
    canvas.roundRect(0.5, 0.5, WIDTH_PT - 1, HEIGHT_PT - 1, 4, fill=1, stroke=1)
    canvas.setFillColor(ACCENT)
    canvas.roundRect(0.5, 4.5, 2.4, HEIGHT_PT - 9, 1.2, fill=1, stroke=0)


def _draw_qr(canvas: Canvas, url: str) -> None:
    left = WIDTH_PT - PADDING - QR_SIDE - 3
    draw_qr(canvas, url, left, (HEIGHT_PT - QR_SIDE) / 2, QR_SIDE, TEXT)


def _draw_left(canvas: Canvas, content: StampContent) -> None:
    """From top to bottom: title, signature over a thin rule, name, small lines."""
    left = PADDING + 3
    width = WIDTH_PT - 2 * PADDING - QR_SIDE - 17
    _draw_lines(canvas, left, HEIGHT_PT - 12.5, MUTED, *fit(content.title, width, (6.6, 6.0, 5.4)))

    name_size, name = fit(content.signer_name, width, (9.4, 8.6, 7.8, 7.0), name=REGULAR)
    if name[-1].endswith("…"):
        name_size, name = fit(content.signer_name, width, (7.0, 6.4, 5.6), max_lines=2)
    small = content.lines[:4]
    # Built from the bottom, so that the signature gets all the room that is left.
    baseline = 9.0
    for line in reversed(small):
        _draw_lines(canvas, left, baseline, MUTED, *fit(line, width, (6.2, 5.8, 5.3, 4.8)))
        baseline += 7.9
    baseline += 1.2 + (len(name) - 1) * name_size * 1.15
    _draw_lines(canvas, left, baseline, TEXT, name_size, name, heavy=True)
    rule = baseline + name_size * 0.92 + 1.8
    canvas.setStrokeColor(FRAME)
    canvas.setLineWidth(0.5)
    canvas.line(left, rule, left + width, rule)
    box = (left + 1, rule + 2.0, left + width - 1, HEIGHT_PT - 16.5)
    if isinstance(content.signature, Drawing):
        _draw_strokes(canvas, content.signature, box)
    else:
        _draw_typed(canvas, content.signature, box)


def _draw_lines(canvas: Canvas, left: float, baseline: float, colour, size: float, lines, *, heavy=False) -> None:
    canvas.setFillColor(colour)
    canvas.setStrokeColor(colour)
    # A hair of outline stands in for a bold face: no second font in every stamp.
    canvas.setLineWidth(size * 0.035)
    for number, line in enumerate(lines):
        draw_text(canvas, left, baseline - number * size * 1.15, line, size, mode=2 if heavy else 0)


def _draw_typed(canvas: Canvas, name: str, box) -> None:
    """Draw a typed name as large as the box allows, slanted so that it reads as a signature."""
    left, bottom, right, top = box
    text = printable(" ".join(name.split()))
    room = right - left - (top - bottom) * _SLANT
    size = min((top - bottom) * 0.72, 20.0, room / max(text_width(text, 1.0), 0.001))
    canvas.saveState()
    canvas.setFillColor(INK)
    canvas.transform(1, 0, _SLANT, 1, left, bottom + (top - bottom - size * 0.72) / 2 + size * 0.02)
    draw_text(canvas, 0, 0, text, size)
    canvas.restoreState()


def _draw_strokes(canvas: Canvas, drawing: Drawing, box) -> None:
    """Draw pen strokes, cropped to their own bounds, in proportion, as smooth lines."""
    left, bottom, right, top = box
    x0, y0, x1, y1 = drawing.bounds()
    pen = 1.1
    room_x, room_y = right - left - pen, top - bottom - pen
    scale = min(room_x / max(x1 - x0, 1), room_y / max(y1 - y0, 1))
    shift_y = bottom + pen / 2 + (room_y - scale * (y1 - y0)) / 2
    canvas.saveState()
    canvas.setStrokeColor(INK)
    canvas.setLineWidth(pen)
    canvas.setLineCap(1)
    canvas.setLineJoin(1)
    path = canvas.beginPath()
    for stroke in drawing.strokes:
        # The pad's y points down, the page's up.
        _smooth(path, [(left + pen / 2 + (x - x0) * scale, shift_y + (y1 - y) * scale) for x, y in stroke])
    canvas.drawPath(path, stroke=1, fill=0)
    canvas.restoreState()


def _smooth(path, points) -> None:
    """Join points by quadratic curves through the middles of the segments: they stay in the points' hull."""
    path.moveTo(*points[0])
    if len(points) == 1:
        # A line of no length with a round cap is a dot (ISO 32000-1 8.5.3.2).
        path.lineTo(*points[0])
        return
    here = points[0]
    for control, following in zip(points[1:-1], points[2:], strict=True):
        end = ((control[0] + following[0]) / 2, (control[1] + following[1]) / 2)
        path.curveTo(*_towards(here, control), *_towards(end, control), *end)
        here = end
    path.lineTo(*points[-1])


def _towards(end, control):
    """Return the cubic control point that is equal to a quadratic one: two thirds of the way."""
    return end[0] + (control[0] - end[0]) * 2 / 3, end[1] + (control[1] - end[1]) * 2 / 3
