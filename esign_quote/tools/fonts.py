"""Fonts of the PDFs we draw: registered once, with an answer for every character.

DejaVu ships with the addon (Latin, Greek, Cyrillic, Vietnamese, Hebrew, Arabic and more). What it lacks
(Chinese, Japanese, Korean, Indic, emoji) is drawn as a box; the exact name stays in the evidence.
"""

import importlib
import unicodedata
from functools import cache, lru_cache
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

__all__ = ["BOLD", "MISSING", "MONO", "REGULAR", "covers", "font", "printable", "text_width"]

REGULAR, BOLD, MONO = "EsignSans", "EsignSansBold", "EsignMono"
"""Names of the faces; always obtained through :func:`font`, which registers them."""
MISSING = "\u25a1"
"""Drawn in the place of a character that the font lacks."""

_FILES = {REGULAR: "DejaVuSans.ttf", BOLD: "DejaVuSans-Bold.ttf", MONO: "DejaVuSansMono.ttf"}
_FOLDER = Path(__file__).resolve().parent.parent / "static" / "fonts"
_RIGHT_TO_LEFT = frozenset(("R", "AL"))


@cache
def font(name: str) -> str:
    """Register a face with reportlab at its first use and return its name.

    :param str name: REGULAR, BOLD or MONO
    :raises KeyError: another name
    """
    # reportlab keeps one registry a process; registering the same file twice would do no harm.
    pdfmetrics.registerFont(TTFont(name, str(_FOLDER / _FILES[name])))
    return name


def covers(text: str, name: str = REGULAR) -> bool:
    """Tell whether a face has every character of a text."""
    glyphs = pdfmetrics.getFont(font(name)).face.charToGlyph
    return all(ord(character) in glyphs for character in text)


@lru_cache(maxsize=1024)
def printable(text: str, name: str = REGULAR) -> str:
    """Return what to draw for a text: one line, in visual order, boxes for missing characters.

    :param str text: any text, even with lone surrogates
    :param str name: the face it will be drawn with
    """
    line = "".join(_visible(character) for character in unicodedata.normalize("NFC", text))
    line = _visual_order(line)
    glyphs = pdfmetrics.getFont(font(name)).face.charToGlyph
    return "".join(character if ord(character) in glyphs else MISSING for character in line)


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


def text_width(text: str, size: float, name: str = REGULAR) -> float:
    """Return the width of a printable text in points."""
    return pdfmetrics.stringWidth(text, font(name), size)
