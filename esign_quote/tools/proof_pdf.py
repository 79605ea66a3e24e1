"""The readable proof: an A4 document of titled sections with label/value rows and paragraphs."""

import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from reportlab.lib.colors import HexColor
from reportlab.lib.enums import TA_LEFT
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, CondPageBreak, Flowable, Frame, PageTemplate, Spacer, Table

from .fonts import BOLD, MONO, REGULAR, draw_text, font, printable, text_width
from .qr import draw_qr
from .text_layout import fit, wrap

__all__ = ["ProofSection", "draw_proof"]

TEXT = HexColor("#20242c")
MUTED = HexColor("#5a6270")
ACCENT = HexColor("#2f5d8a")
RULE = HexColor("#d5dbe3")

MARGIN = 20 * mm
LABEL_WIDTH = 46 * mm
QR_SIDE = 24 * mm
_DIGEST = re.compile(r"[0-9a-fA-F]{32,}")
_MAX_VALUE = 20_000
"""Characters of one value; the machine-readable record holds the whole."""


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
    :return: a PDF with embedded fonts
    """
    buffer = io.BytesIO()
    document = BaseDocTemplate(
        buffer,
        pagesize=A4,
        title=title,
        author=author,
        subject=subtitle,
        lang=language,
        invariant=1,
        # Without it a note "(anonymous)" would stand for an empty author.
        creator="esign_quote",
    )
    frame = Frame(MARGIN, MARGIN, A4[0] - 2 * MARGIN, A4[1] - 2 * MARGIN, 0, 0, 0, 0)
    document.addPageTemplates(PageTemplate(frames=[frame]))
    width = A4[0] - 2 * MARGIN
    story: list[Flowable] = [_Heading(title, subtitle, qr_url, width)]
    for section in sections:
        story.extend(_section(section, width))
    document.build(story, canvasmaker=_numbered_canvas(footer, page_label, created))
    return buffer.getvalue()


def _style(name: str, size: float, face: str = REGULAR, colour=TEXT, **more) -> ParagraphStyle:
    return ParagraphStyle(
        name, fontName=font(face), fontSize=size, leading=size * 1.45, textColor=colour, alignment=TA_LEFT, **more
    )


def _section(section: ProofSection, width: float) -> list[Flowable]:
    heading = _paragraph(section.title, width, _style("section", 11, BOLD, ACCENT, spaceBefore=14, spaceAfter=4))
    parts: list[Flowable] = []
    if section.rows:
        parts.append(_rows(section.rows, width))
    text = _style("text", 9, spaceBefore=4, spaceAfter=2)
    for paragraph in section.paragraphs:
        # Line breaks of the original text are kept: consent texts are quoted word for word.
        lines = paragraph[:_MAX_VALUE].splitlines() or [""]
        parts.extend(_paragraph(line, width, text) for line in lines)
    # A heading never stands alone at the foot of a page; a long table may still begin there.
    return [CondPageBreak(32 * mm), heading, *parts, Spacer(1, 4)]


def _rows(rows: Sequence[tuple[str, str]], width: float) -> Table:
    label_style, value_style = _style("label", 8.4, colour=MUTED), _style("value", 9)
    mono_style = _style("mono", 8, MONO)
    cells = []
    for label, value in rows:
        cells.append(_row_cells(str(label), str(value)[:_MAX_VALUE], width, label_style, value_style, mono_style))
    return Table(
        cells,
        colWidths=[LABEL_WIDTH, width - LABEL_WIDTH],
        style=[
            # Set for every cell before it is drawn, even though paragraphs bring their own.
            ("FONTNAME", (0, 0), (-1, -1), font(REGULAR)),
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("RIGHTPADDING", (0, 0), (0, -1), 8),
            ("TOPPADDING", (0, 0), (-1, -1), 2.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, RULE),
        ],
        # Long values run over several pages.
        splitInRow=1,
    )


def _row_cells(label: str, value: str, width: float, label_style, value_style, mono_style) -> list:
    lines = value.splitlines() or [""]
    body = [
        _paragraph(line, width - LABEL_WIDTH - 6, mono_style if _DIGEST.search(line) else value_style) for line in lines
    ]
    return [_paragraph(label, LABEL_WIDTH - 8, label_style), body]


def _paragraph(text: str, width: float, style: ParagraphStyle) -> "_Lines":
    """Set one logical line; it is broken here, since right-to-left text must be broken before it is ordered."""
    return _Lines(wrap(text, width, style.fontSize, style.fontName), style)


class _Lines(Flowable):
    """Printable lines below each other. reportlab's paragraphs know neither several faces nor shaping."""

    def __init__(self, lines: Sequence[str], style: ParagraphStyle):
        super().__init__()
        self.lines, self.style = lines, style
        self.spaceBefore, self.spaceAfter = style.spaceBefore, style.spaceAfter

    def wrap(self, available_width, _available_height):
        self.width, self.height = available_width, self.style.leading * len(self.lines)
        return self.width, self.height

    def split(self, _available_width, available_height):
        count = int(available_height / self.style.leading + 0.001)
        if count >= len(self.lines):
            return [self]
        return [_Lines(self.lines[:count], self.style), _Lines(self.lines[count:], self.style)] if count else []

    def draw(self):
        self.canv.setFillColor(self.style.textColor)
        for number, line in enumerate(self.lines):
            y = self.height - self.style.fontSize - number * self.style.leading
            draw_text(self.canv, 0, y, line, self.style.fontSize, self.style.fontName)


class _Heading(Flowable):
    """Title, subtitle and code, over a rule."""

    def __init__(self, title: str, subtitle: str, qr_url: str | None, width: float):
        super().__init__()
        self.qr_url = qr_url
        text_width_pt = width - (QR_SIDE + 8 * mm if qr_url else 0)
        self.title_size, self.title_lines = fit(title, text_width_pt, (20, 18, 16, 14), 2, BOLD)
        self.subtitle_size, self.subtitle_lines = fit(subtitle, text_width_pt, (10.5, 9.5, 8.5), 2)
        self.width = width
        text_height = len(self.title_lines) * self.title_size * 1.25 + len(self.subtitle_lines) * 15 + 8
        self.height = max(text_height, QR_SIDE if qr_url else 0) + 10

    def wrap(self, _available_width, _available_height):
        return self.width, self.height

    def draw(self):
        canvas = self.canv
        y = self.height
        canvas.setFillColor(TEXT)
        for line in self.title_lines:
            y -= self.title_size * 1.2
            draw_text(canvas, 0, y, line, self.title_size, BOLD)
        y -= 4
        canvas.setFillColor(MUTED)
        for line in self.subtitle_lines:
            y -= 15
            draw_text(canvas, 0, y, line, self.subtitle_size)
        if self.qr_url:
            draw_qr(canvas, self.qr_url, self.width - QR_SIDE, self.height - QR_SIDE, QR_SIDE, TEXT)
        canvas.setStrokeColor(ACCENT)
        canvas.setLineWidth(1.2)
        canvas.line(0, 0, self.width, 0)


def _numbered_canvas(footer: str, page_label: str, created: datetime | None) -> type[Canvas]:
    """Return a canvas class that draws the footer at the end, when the number of pages is known."""

    class NumberedCanvas(Canvas):
        def __init__(self, *args, **options):
            # reportlab's own default is Helvetica, not embedded.
            super().__init__(*args, **{**options, "initialFontName": font(REGULAR)})
            self._pages: list[dict] = []
            if created:
                date = created.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ")
                self.setDateFormatter(lambda *_parts: date)

        def showPage(self):
            self._pages.append(dict(self.__dict__))
            self._startPage()

        def save(self):
            for number, state in enumerate(self._pages, 1):
                self.__dict__.update(state)
                _draw_footer(self, footer, page_label.format(page=number, pages=len(self._pages)))
                super().showPage()
            super().save()

    return NumberedCanvas


def _draw_footer(canvas: Canvas, footer: str, page_text: str) -> None:
    y = MARGIN - 9 * mm
    right = A4[0] - MARGIN
    number = printable(page_text)
    room = right - MARGIN - text_width(number, 7.5) - 12
    size, lines = fit(footer, room, (7.5, 7.0, 6.5), 2)
    canvas.saveState()
    canvas.setStrokeColor(RULE)
    canvas.setLineWidth(0.5)
    canvas.line(MARGIN, y + 10, right, y + 10)
    canvas.setFillColor(MUTED)
    draw_text(canvas, right - text_width(number, 7.5), y, number, 7.5)
    for position, line in enumerate(lines):
        draw_text(canvas, MARGIN, y - position * size * 1.3, line, size)
    canvas.restoreState()
