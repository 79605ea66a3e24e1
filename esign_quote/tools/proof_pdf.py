"""The readable proof: an A4 document of titled sections with label/value rows and paragraphs, as PDF/A.

Set by hand, not by reportlab's platypus, whose tables took two thirds of the time of a signature.
"""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfgen.canvas import Canvas

from .fonts import BOLD, MONO, REGULAR, draw_text, font, printable, text_width
from .pdf_a import Attachment, Description, make_archival
from .qr import draw_qr
from .text_layout import fit, is_plain, wrap

__all__ = ["Attachment", "ProofSection", "draw_proof"]

TEXT = HexColor("#20242c")
MUTED = HexColor("#5a6270")
ACCENT = HexColor("#2f5d8a")
RULE = HexColor("#d5dbe3")

WIDTH, HEIGHT = A4
MARGIN = 20 * mm
ROOM = WIDTH - 2 * MARGIN
LABEL_WIDTH = 46 * mm
QR_SIDE = 24 * mm
_ROW_PADDING = 2.5
_KEEP_TOGETHER = 60 * mm
"""Rows and headings up to this height are not broken over two pages."""
_DIGEST = re.compile(r"[0-9a-fA-F]{32,}")
_MAX_VALUE = 20_000
"""Characters of one value; the machine-readable record holds the whole."""
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ProofSection:
    """One titled part of the proof."""

    title: str
    rows: Sequence[tuple[str, str]] = ()
    """(label, value); hexadecimal digests are set in a fixed-width face."""
    paragraphs: Sequence[str] = ()
    """Plain text, after the rows."""


def draw_proof(
    title: str,
    subtitle: str,
    sections: Sequence[ProofSection],
    footer: str,
    qr_url: str | None = None,
    *,
    author: str = "",
    language: str = "en",
    page_label: str = "Page {page}/{pages}",
    created: datetime | None = None,
    attachment: Attachment | None = None,
    part: int = 3,
) -> bytes:
    """Draw the proof document. The same arguments give the same bytes.

    :param str title: also the document's title in its metadata
    :param str subtitle: e.g. the signature identifier
    :param sections: in order
    :param str footer: one line at the foot of every page
    :param str qr_url: address of the verification page, drawn as a code beside the title
    :param str author: for the metadata
    :param str language: BCP 47 tag for the metadata
    :param str page_label: with ``{page}`` and ``{pages}``
    :param datetime created: aware; date of the document in its metadata, else a fixed one
    :param Attachment attachment: the record for computers, embedded
    :param int part: of PDF/A, see ``pdf_a.make_archival``
    :return: a PDF/A with embedded fonts
    """
    pages = _Pages()
    _lay_heading(pages, title, subtitle, qr_url)
    for section in sections:
        _lay_section(pages, section)
    buffer = io.BytesIO()
    canvas = Canvas(
        buffer,
        pagesize=A4,
        invariant=1,
        lang=language,
        pageCompression=1,
        # reportlab's own default is Helvetica, not embedded.
        initialFontName=font(REGULAR),
        pdfVersion=(1, 7) if part == 3 else (1, 4),
    )
    for number, page in enumerate(pages.all, 1):
        if number == 1 and qr_url:
            draw_qr(canvas, qr_url, WIDTH - MARGIN - QR_SIDE, HEIGHT - MARGIN - QR_SIDE, QR_SIDE, TEXT)
        _draw_page(canvas, page)
        _draw_footer(canvas, footer, page_label.format(page=number, pages=len(pages.all)))
        canvas.showPage()
    # reportlab's document has no public name.
    make_archival(canvas._doc, Description(title, author, subtitle, created or _EPOCH), attachment, part)
    canvas.save()
    return buffer.getvalue()


# === LAYOUT: what stands where, before anything is drawn === #


@dataclass(frozen=True)
class _Style:
    size: float
    face: str = REGULAR
    colour: object = TEXT

    @property
    def leading(self) -> float:
        return self.size * 1.45


_SECTION = _Style(11, BOLD, ACCENT)
_LABEL = _Style(8.4, colour=MUTED)
_VALUE = _Style(9)
_CODE = _Style(8, MONO)


@dataclass
class _Page:
    lines: dict[_Style, list[tuple[float, float, str]]] = field(default_factory=dict)
    """(left, base line, printable text)"""
    rules: list[float] = field(default_factory=list)
    heading_rule: float | None = None


class _Pages:
    """Pages that fill from the top."""

    def __init__(self):
        self.all = [_Page()]
        self.y = HEIGHT - MARGIN

    @property
    def left(self) -> float:
        return self.y - MARGIN

    def turn(self) -> None:
        self.all.append(_Page())
        self.y = HEIGHT - MARGIN

    def need(self, height: float) -> None:
        """Begin a page unless this much is left on the present one."""
        if height > self.left + 0.01:
            self.turn()

    def put(self, x: float, y: float, line: str, style: _Style) -> None:
        if line:
            self.all[-1].lines.setdefault(style, []).append((x, y, line))

    def rule(self) -> None:
        self.all[-1].rules.append(self.y)


def _lay_heading(pages: _Pages, title: str, subtitle: str, qr_url: str | None) -> None:
    """Title and subtitle beside the code, over a rule."""
    width = ROOM - (QR_SIDE + 8 * mm if qr_url else 0)
    size, lines = fit(title, width, (20, 18, 16, 14), 2, BOLD)
    top = pages.y
    for line in lines:
        pages.y -= size * 1.2
        pages.put(MARGIN, pages.y, line, _Style(size, BOLD))
    pages.y -= 4
    size, lines = fit(subtitle, width, (10.5, 9.5, 8.5), 2)
    for line in lines:
        pages.y -= 15
        pages.put(MARGIN, pages.y, line, _Style(size, colour=MUTED))
    pages.y = min(pages.y - 8, top - QR_SIDE if qr_url else top) - 10
    pages.all[-1].heading_rule = pages.y


def _lay_section(pages: _Pages, section: ProofSection) -> None:
    title = wrap(section.title, ROOM, _SECTION.size, BOLD)
    # A heading never stands alone at the foot of a page; a long table may still begin there.
    pages.need(32 * mm)
    pages.y -= 14
    for line in title:
        _lay_line(pages, MARGIN, line, _SECTION)
    pages.y -= 4
    for label, value in section.rows:
        _lay_row(pages, str(label), str(value)[:_MAX_VALUE])
    for paragraph in section.paragraphs:
        pages.y -= 4
        # Line breaks of the original text are kept: consent texts are quoted word for word.
        lines = [line for part in _parts(paragraph[:_MAX_VALUE]) for line in wrap(part, ROOM, _VALUE.size)]
        height = len(lines) * _VALUE.leading
        if height <= _KEEP_TOGETHER:
            pages.need(height)
        for line in lines:
            pages.need(_VALUE.leading)
            _lay_line(pages, MARGIN, line, _VALUE)
        pages.y -= 2
    pages.y -= 4


def _lay_row(pages: _Pages, label: str, value: str) -> None:
    """Label and value side by side; a long value runs over several pages."""
    labels = [(line, _LABEL) for line in wrap(label, LABEL_WIDTH - 8, _LABEL.size)]
    values = list(_value_lines(value))
    height = max(sum(style.leading for _line, style in column) for column in (labels, values)) + 2 * _ROW_PADDING
    if height <= _KEEP_TOGETHER:
        pages.need(height)
    pages.y -= _ROW_PADDING
    while labels or values:
        labels, label_end = _lay_column(pages, MARGIN, labels)
        values, value_end = _lay_column(pages, MARGIN + LABEL_WIDTH, values)
        pages.y = min(label_end, value_end)
        if labels or values:
            pages.turn()
    pages.y -= _ROW_PADDING
    pages.rule()


def _value_lines(value: str) -> Iterator[tuple[str, _Style]]:
    for part in _parts(value):
        style = _CODE if _DIGEST.search(part) else _VALUE
        for line in wrap(part, ROOM - LABEL_WIDTH - 6, style.size, style.face):
            yield line, style


def _lay_column(pages: _Pages, x: float, lines: list) -> tuple[list, float]:
    """Set as many lines as the page takes; return the others, and where the column ends."""
    y = pages.y
    for position, (line, style) in enumerate(lines):
        if y - style.leading < MARGIN - 0.01:
            return lines[position:], y
        pages.put(x, y - style.size, line, style)
        y -= style.leading
    return [], y


def _lay_line(pages: _Pages, x: float, line: str, style: _Style) -> None:
    pages.put(x, pages.y - style.size, line, style)
    pages.y -= style.leading


def _parts(text: str) -> list[str]:
    return text.splitlines() or [""]


# === DRAWING === #


def _draw_page(canvas: Canvas, page: _Page) -> None:
    for style, lines in page.lines.items():
        _draw_lines(canvas, style, lines)
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.4)
    canvas.lines([(MARGIN, y, WIDTH - MARGIN, y) for y in page.rules])
    if page.heading_rule is not None:
        canvas.setStrokeColor(ACCENT)
        canvas.setLineWidth(1.2)
        canvas.line(MARGIN, page.heading_rule, WIDTH - MARGIN, page.heading_rule)


def _draw_lines(canvas: Canvas, style: _Style, lines: list[tuple[float, float, str]]) -> None:
    """Names in any script take their time; nearly all lines are plain and are written at once."""
    canvas.setFillColor(style.colour)
    _write_plain(canvas, style, [item for item in lines if is_plain(item[2])])
    for x, y, line in lines:
        if not is_plain(line):
            draw_text(canvas, x, y, line, style.size, style.face)


def _write_plain(canvas: Canvas, style: _Style, lines: list[tuple[float, float, str]]) -> None:
    """Write the operators by ourselves: reportlab measures each text again, and has a slow way with numbers."""
    face, document = pdfmetrics.getFont(font(style.face)), canvas._doc
    code, current = ["BT"], None
    for x, y, line in lines:
        code.append(f"1 0 0 1 {x:.2f} {y:.2f} Tm")
        for subset, characters in face.splitString(line, document):
            if subset != current:
                code.append(f"{face.getSubsetInternalName(subset, document)} {style.size:g} Tf")
                current = subset
            code.append(f"<{characters.hex()}> Tj")
    canvas.addLiteral("\n".join([*code, "ET"]))


def _draw_footer(canvas: Canvas, footer: str, page_text: str) -> None:
    y = MARGIN - 9 * mm
    right = WIDTH - MARGIN
    number = printable(page_text)
    room = right - MARGIN - text_width(number, 7.5) - 12
    size, lines = fit(footer, room, (7.5, 7.0, 6.5), 2)
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, y + 10, right, y + 10)
    style = _Style(size, colour=MUTED)
    _draw_lines(canvas, _Style(7.5, colour=MUTED), [(right - text_width(number, 7.5), y, number)])
    placed = [(MARGIN, y - position * size * 1.3, line) for position, line in enumerate(lines)]
    _draw_lines(canvas, style, placed)
