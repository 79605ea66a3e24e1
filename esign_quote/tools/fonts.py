"""Fonts of the PDFs we draw: a face for every character that this server has one for.

DejaVu ships with the addon (Latin, Greek, Cyrillic, Vietnamese, Hebrew, Arabic and more). What it lacks is drawn with
another TrueType font of the server (``font_files``), shaped by HarfBuzz where the script needs it. What none has, or
cannot be drawn right, is a box: :func:`can_draw` tells beforehand, so that a signer is asked for Latin letters.
"""

import importlib
import logging
import unicodedata
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics, ttfonts
from reportlab.pdfgen.canvas import Canvas

from .font_files import candidates

__all__ = [
    "BOLD",
    "MISSING",
    "MONO",
    "REGULAR",
    "can_draw",
    "covers",
    "draw_text",
    "font",
    "printable",
    "text_width",
]

_logger = logging.getLogger(__name__)

REGULAR, BOLD, MONO = "EsignSans", "EsignSansBold", "EsignMono"
"""Names of the faces; always obtained through :func:`font`, which registers them."""
MISSING = "\u25a1"
"""Drawn in the place of a character that no font has."""

_FILES = {REGULAR: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf", MONO: "DejaVuSansMono.ttf"}
_FOLDER = Path(__file__).resolve().parent.parent / "static" / "fonts"
_RIGHT_TO_LEFT = frozenset(("R", "AL"))
# Hebrew and Arabic with their presentation forms; other right-to-left scripts need joining that nothing here does.
_KNOWN_RIGHT_TO_LEFT = ((0x0590, 0x06FF), (0x0750, 0x077F), (0xFB1D, 0xFDFF), (0xFE70, 0xFEFF))
# Scripts whose letters combine, change places or stack: Indic, Thai, Lao, Tibetan, Myanmar, Khmer.
_SHAPED_SCRIPTS = ((0x0900, 0x0FFF), (0x1000, 0x109F), (0x1780, 0x17FF), (0x1A20, 0x1AAF), (0xA8E0, 0xA8FF))
# Mongolian, Phags-pa: written downwards.
_VERTICAL_SCRIPTS = ((0x1800, 0x18AF), (0xA840, 0xA87F))
_PICTOGRAPHS = ((0x1F000, 0x1FAFF), (0x2600, 0x27BF), (0xE0000, 0xE007F))
_PRIVATE = 0xE000


class _Face(ttfonts.TTFont):
    """A font whose glyphs without a character of their own (ligatures, conjuncts) always get the same private code.

    reportlab numbers them in the order in which a process meets them: the same stamp would not give the same bytes.
    """

    def hbFont(self, fontSize=10):
        shaper = super().hbFont(fontSize)
        self.hbAddPrivate = self._private_code
        return shaper

    def _private_code(self, _name, glyph: int, advance: int) -> int:
        face = self.face
        code = _PRIVATE + glyph
        while face.charToGlyph.get(code, glyph) != glyph:
            code += face.numGlyphs
        face.charToGlyph[code] = glyph
        face.glyphToChar[glyph] = [code]
        face.charWidths[code] = self.pdfScale(advance)
        return code


@cache
def font(name: str) -> str:
    """Register a face with reportlab at its first use and return its name.

    :param str name: REGULAR, BOLD or MONO
    :raises KeyError: another name
    """
    # reportlab keeps one registry a process; registering the same file twice would do no harm.
    pdfmetrics.registerFont(_Face(name, str(_FOLDER / _FILES[name])))
    return name


@cache
def _load(path: Path) -> str | None:
    """Register a font of the server; None when it cannot be used."""
    name = f"EsignFont{path.stem}"
    try:
        pdfmetrics.registerFont(_Face(name, str(path)))
    except Exception as error:  # noqa: BLE001 - reportlab raises anything over a font it does not understand
        _logger.warning("esign_quote: the font %s cannot be used: %s", path, error)
        return None
    return name


def covers(text: str, name: str = REGULAR) -> bool:
    """Tell whether a face has every character of a text."""
    glyphs = _glyphs(font(name))
    return all(ord(character) in glyphs for character in text)


def can_draw(text: str) -> bool:
    """Tell whether a text is drawn right on this server: every character, joined and ordered as its script wants.

    :param str text: any text, such as a name
    """
    line = _one_line(text)
    if any(_is_in(character, (*_PICTOGRAPHS, *_VERTICAL_SCRIPTS)) for character in line):
        return False
    return _can_order(line) and MISSING not in printable(line) and (_shapes() or not _needs_shaping(line))


def _can_order(line: str) -> bool:
    """Tell whether right-to-left text can be joined and ordered here."""
    turned = [character for character in line if unicodedata.bidirectional(character) in _RIGHT_TO_LEFT]
    if not turned:
        return True
    reshape, reorder = _shapers()
    if not reorder or not all(_is_in(character, _KNOWN_RIGHT_TO_LEFT) for character in turned):
        return False
    if not any(unicodedata.bidirectional(character) == "AL" for character in turned):
        return True
    # Letters that have no joined forms (of Pashto, Sindhi and others) come back as they were.
    return bool(reshape) and not any(
        unicodedata.bidirectional(character) == "AL" and ord(character) < 0xFB00 and character.isalpha()
        for character in reshape(line)
    )


@lru_cache(maxsize=1024)
def printable(text: str, name: str = REGULAR) -> str:
    """Return what to draw for a text: one line, in visual order, boxes for missing characters.

    :param str text: any text, even with lone surrogates
    :param str name: the face it will be drawn with; other faces stand in for what it lacks
    """
    line = _visual_order(_one_line(text))
    return "".join(character if _face_of(ord(character), name) else MISSING for character in line)


def _one_line(text: str) -> str:
    return "".join(_visible(character) for character in unicodedata.normalize("NFC", text))


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":
        # Direction marks and joiners draw nothing by themselves.
        return ""
    return " " if category in ("Cc", "Zl", "Zp", "Zs") else character


def _visual_order(line: str) -> str:
    """Join Arabic letters and put right-to-left text in drawing order (UAX 9), if the libraries are there."""
    if not any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in line):
        return line
    reshape, reorder = _shapers()
    if reshape and any(unicodedata.bidirectional(character) == "AL" for character in line):
        line = reshape(line)
    return reorder(line) if reorder else line


@cache
def _shapers():
    """Return (joining of Arabic letters, reordering), None for what is not installed."""
    found = []
    for module, function in (("arabic_reshaper", "reshape"), ("bidi", "get_display")):
        try:
            found.append(getattr(importlib.import_module(module), function))
        except (ImportError, AttributeError):
            found.append(None)
    return tuple(found)


# === RUNS: parts of a line that are drawn with one face === #


@dataclass(frozen=True)
class _Run:
    face: str
    text: str
    drawn: str
    """The text, or what HarfBuzz made of it."""
    width: float
    """For a size of one point."""

    @property
    def spelt(self) -> bool:
        """Whether readers must be told the letters.

        Conjuncts have no character of their own, and reportlab cannot name characters beyond U+FFFF.
        """
        return isinstance(self.drawn, ttfonts.ShapedStr) or max(self.text, default="") > "\uffff"


@lru_cache(maxsize=1024)
def _runs(line: str, name: str) -> tuple[_Run, ...]:
    """Cut a printable line into runs."""
    runs: list[tuple[str, list[str]]] = []
    for character in line:
        face = _next_face(character, runs[-1][0] if runs else None, name)
        if not runs or runs[-1][0] != face:
            runs.append((face, []))
        runs[-1][1].append(character)
    return tuple(_run(face, "".join(characters)) for face, characters in runs)


def _next_face(character: str, before: str | None, name: str) -> str:
    """Return the face of a character; signs that belong to what stands before them stay in its face."""
    category = unicodedata.category(character)
    if before and (category in ("Mn", "Mc", "Me") or category == "Zs") and ord(character) in _glyphs(before):
        return before
    return _face_of(ord(character), name) or font(name)


def _run(face: str, text: str) -> _Run:
    if not (_shapes() and _needs_shaping(text)):
        return _Run(face, text, text, pdfmetrics.stringWidth(text, face, 1))
    # Positions are in thousandths of the size, whatever the size.
    drawn = ttfonts.shapeStr(text, face, 10, force=True)
    return _Run(face, text, drawn, sum(item.x_advance for item in drawn.__shapeData__) / 1000)


@lru_cache(maxsize=4096)
def _face_of(code: int, name: str) -> str | None:
    """Return the face that draws a character: the wanted one, else the first of the server's that has it."""
    if code in _glyphs(font(name)):
        return font(name)
    for file in candidates():
        if file.may_have(code):
            face = _load(file.path)
            if face and code in _glyphs(face) and not _PRIVATE <= code < _PRIVATE + 0x1900:
                return face
    return None


def _glyphs(face: str) -> dict[int, int]:
    return pdfmetrics.getFont(face).face.charToGlyph


def _shapes() -> bool:
    return ttfonts.uharfbuzz is not None


def _needs_shaping(text: str) -> bool:
    """Tell whether letters combine; right-to-left text is joined before, and ordered for drawing already."""
    if any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text):
        return False
    return any(unicodedata.category(character) == "Mn" or _is_in(character, _SHAPED_SCRIPTS) for character in text)


def _is_in(character: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    code = ord(character)
    return any(first <= code <= last for first, last in ranges)


def text_width(text: str, size: float, name: str = REGULAR) -> float:
    """Return the width of a printable text in points."""
    return size * sum(run.width for run in _runs(text, font(name)))


def draw_text(canvas: Canvas, x: float, y: float, text: str, size: float, name: str = REGULAR, mode: int = 0) -> None:
    """Draw a printable text; embeds what it uses of each font, and what it says for copying and searching.

    :param Canvas canvas: with the colours wanted
    :param float x: left end of the base line
    :param float y: base line
    :param int mode: text rendering mode (ISO 32000-1 9.3.6): 0 fills, 2 fills and outlines
    """
    for run in _runs(text, font(name)):
        if run.spelt:  # ISO 32000-1 14.9.4
            canvas.addLiteral(f"/Span<</ActualText<FEFF{run.text.encode('utf-16-be').hex().upper()}>>>BDC")
        writer = canvas.beginText(x, y)
        writer.setFont(run.face, size)
        writer.setTextRenderMode(mode)
        writer.textOut(run.drawn)
        writer.setTextRenderMode(0)
        canvas.drawText(writer)
        if run.spelt:
            canvas.addLiteral("EMC")
        x += run.width * size
