"""Advance widths of PDF fonts, good enough to know how far a line of text reaches.

Sources: ISO 32000-1 9.2.4 (glyph space), 9.6.2 (simple fonts), 9.6.5 (Type 3), 9.7.4.3 (CID fonts).
"""

from dataclasses import dataclass, field

__all__ = ["FontWidths", "read_font_widths"]

DEFAULT_WIDTH = 0.75
"""For fonts without widths (the standard 14): more than the average letter, in units of the font size."""

_MAX_ENTRIES = 100_000


@dataclass(frozen=True)
class FontWidths:
    """Widths in units of the font size."""

    widths: dict[int, float] = field(default_factory=dict)
    default: float = DEFAULT_WIDTH
    code_bytes: int = 1
    """Two for composite fonts: nearly all producers write two-byte codes (Identity-H)."""
    ascent: float = 0.0
    descent: float = 0.0

    def measure(self, text: bytes) -> tuple[float, int, int]:
        """:return: (sum of widths, number of glyphs, number of spaces that /Tw stretches)"""
        if self.code_bytes == 1:
            total = sum(self.widths.get(code, self.default) for code in text)
            return total, len(text), text.count(b" ")
        codes = [text[i] << 8 | text[i + 1] for i in range(0, len(text) - 1, 2)]
        return sum(self.widths.get(code, self.default) for code in codes), len(codes), 0


def read_font_widths(font) -> FontWidths:
    """Read a font dictionary; whatever is missing or wrong falls back on an ample width.

    :param font: font dictionary (pypdf)
    """
    try:
        if font.get("/Subtype") == "/Type0":
            return _composite(font["/DescendantFonts"][0].get_object())
        return _simple(font)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError):
        return FontWidths(default=1.0, code_bytes=2 if font.get("/Subtype") == "/Type0" else 1)


def _simple(font) -> FontWidths:
    scale, ascent, descent = 0.001, 0.0, 0.0
    if font.get("/Subtype") == "/Type3":
        matrix = [float(value) for value in font["/FontMatrix"]]
        box = [float(value) for value in font["/FontBBox"]]
        scale = abs(matrix[0])
        ascent, descent = sorted((box[1] * matrix[3], box[3] * matrix[3]), reverse=True)
        # An all-zero box means "unknown" (9.6.5): then a full size each way.
        ascent, descent = (ascent, -descent) if ascent != descent else (1.0, 1.0)
    if "/Widths" not in font:
        return FontWidths()
    first = int(font.get("/FirstChar", 0))
    values = list(font["/Widths"])[:_MAX_ENTRIES]
    widths = {first + i: float(value.get_object()) * scale for i, value in enumerate(values)}
    return FontWidths(widths, DEFAULT_WIDTH, 1, ascent, descent)


def _composite(font) -> FontWidths:
    default = float(font.get("/DW", 1000)) / 1000
    widths: dict[int, float] = {}
    entries = [item.get_object() for item in list(font.get("/W", []))[:_MAX_ENTRIES]]
    i = 0
    while i + 1 < len(entries):
        first = int(entries[i])
        if isinstance(entries[i + 1], list):
            for offset, value in enumerate(entries[i + 1][:_MAX_ENTRIES]):
                widths[first + offset] = float(value.get_object()) / 1000
            i += 2
        else:
            last = min(int(entries[i + 1]), first + 65_535)
            widths.update(dict.fromkeys(range(first, last + 1), float(entries[i + 2]) / 1000))
            i += 3
        if len(widths) > _MAX_ENTRIES:
            break
    return FontWidths(widths, default, 2)
