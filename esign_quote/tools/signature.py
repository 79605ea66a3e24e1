"""What the signer drew or typed: checked, bounded, in one canonical form that can be hashed.

Strokes are numbers, never an image: no decoder, no markup, nothing that could hide anything.
"""

import json
import re
import unicodedata
from dataclasses import dataclass

from .exceptions import SignatureRefused
from .fonts import covers
from .hashing import canonical_json

__all__ = ["Drawing", "REASONS", "clean_latin_name", "clean_typed_name", "parse_strokes"]

REASONS = {
    "too_long": "more text, points, strokes or letters than allowed",
    "malformed": "not the agreed JSON",
    "empty": "nothing, or only a dot, was drawn; or no name was typed",
    "too_short": "a typed name needs two characters",
    "forbidden_character": "control, invisible, direction-changing or unassigned character",
    "no_letter": "a typed name needs a letter",
}
"""Reasons of :class:`SignatureRefused`, for developers."""

MAX_TEXT_BYTES = 64 * 1024
MAX_POINTS = 5000
MAX_STROKES = 200
MAX_SIDE = 10_000
MIN_EXTENT = 8
"""Smallest extent of a drawing, in hundredths of the longer side of the pad."""
NAME_LENGTH = (2, 100)
MAX_MARKS = 4
"""Most combining marks in a row; Vietnamese or Yoruba need two, stacked jokes more."""

Point = tuple[int, int]


@dataclass(frozen=True)
class Drawing:
    """Pen strokes on a pad, y downwards, all integers within the pad."""

    width: int
    height: int
    strokes: tuple[tuple[Point, ...], ...]

    def canonical(self) -> bytes:
        """Return the drawing as RFC 8785 JSON, the form that is hashed and stored."""
        strokes = [[list(point) for point in stroke] for stroke in self.strokes]
        return canonical_json({"h": self.height, "strokes": strokes, "w": self.width})

    def to_svg(self) -> str:
        """Return a stand-alone SVG picture; it holds numbers only, so nothing needs escaping."""
        lines = "".join(f'<path d="{_svg_path(stroke)}"/>' for stroke in self.strokes)
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {self.width} {self.height}" fill="none" '
            f'stroke="#1b2a4a" stroke-width="{max(1, self.width // 160)}" stroke-linecap="round" '
            f'stroke-linejoin="round">{lines}</svg>'
        )

    def bounds(self) -> tuple[int, int, int, int]:
        """Return the smallest box around all points: left, top, right, bottom."""
        points = [point for stroke in self.strokes for point in stroke]
        xs, ys = [x for x, _y in points], [y for _x, y in points]
        return min(xs), min(ys), max(xs), max(ys)


def _svg_path(stroke: tuple[Point, ...]) -> str:
    # A line of no length with round caps is how SVG draws a dot.
    points = stroke if len(stroke) > 1 else stroke * 2
    return "M" + "L".join(f"{x} {y}" for x, y in points)


def parse_strokes(text: str) -> Drawing:
    """Read what the signature pad sent: ``{"w": int, "h": int, "strokes": [[[x, y], ...], ...]}``.

    Points outside the pad are moved to its edge, repeated points and empty strokes dropped.

    :param str text: JSON, at most 64 KiB
    :raises SignatureRefused: ``too_long``, ``malformed``, ``empty``
    """
    if not isinstance(text, str):
        raise SignatureRefused("malformed")
    # Four bytes a character at most: whatever passes the first test is cheap to encode.
    if len(text) > MAX_TEXT_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_TEXT_BYTES:
        raise SignatureRefused("too_long", bytes=len(text))
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise SignatureRefused("malformed") from error
    if not isinstance(value, dict) or set(value) != {"w", "h", "strokes"} or not isinstance(value["strokes"], list):
        raise SignatureRefused("malformed")
    width, height = _side(value["w"]), _side(value["h"])
    if len(value["strokes"]) > MAX_STROKES:
        raise SignatureRefused("too_long", strokes=len(value["strokes"]))
    if not all(isinstance(stroke, list) for stroke in value["strokes"]):
        raise SignatureRefused("malformed")
    if sum(len(stroke) for stroke in value["strokes"]) > MAX_POINTS:
        raise SignatureRefused("too_long", points=sum(len(stroke) for stroke in value["strokes"]))
    strokes = tuple(_stroke(stroke, width, height) for stroke in value["strokes"] if stroke)
    if not strokes:
        raise SignatureRefused("empty")
    drawing = Drawing(width, height, strokes)
    _require_visible(drawing)
    return drawing


def _side(value) -> int:
    if type(value) is not int or not 1 <= value <= MAX_SIDE:
        raise SignatureRefused("malformed")
    return value


def _stroke(points: list, width: int, height: int) -> tuple[Point, ...]:
    kept: list[Point] = []
    for point in points:
        # bool is an int for Python; json gives no other subclass.
        if not isinstance(point, list) or len(point) != 2 or any(type(number) is not int for number in point):
            raise SignatureRefused("malformed")
        clamped = (max(0, min(width, point[0])), max(0, min(height, point[1])))
        if not kept or kept[-1] != clamped:
            kept.append(clamped)
    return tuple(kept)


def _require_visible(drawing: Drawing) -> None:
    left, top, right, bottom = drawing.bounds()
    if max(right - left, bottom - top) * 100 < MIN_EXTENT * max(drawing.width, drawing.height):
        raise SignatureRefused("empty")


# Letters and signs that show nothing, outside the categories refused below.
_INVISIBLE = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0") | frozenset(
    map(chr, (*range(0x180B, 0x1810), *range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)))
)
# Control, format (zero width, bidirectional), surrogate, private use, unassigned, line and paragraph separator.
_REFUSED_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_SPACES = re.compile(r"\s+")


def clean_typed_name(text: str) -> str:
    """Normalise a typed name: NFC, trimmed, single spaces; refuse what could deceive a reader.

    :param str text: as typed
    :return: 2 to 100 characters with at least one letter
    :raises SignatureRefused: ``malformed``, ``empty``, ``too_short``, ``too_long``, ``forbidden_character``, ``no_letter``
    """
    if not isinstance(text, str):
        raise SignatureRefused("malformed")
    trimmed = text.strip()
    # Normalising may lengthen or shorten a text a little, so a generous bound first.
    if len(trimmed) > 4 * NAME_LENGTH[1]:
        raise SignatureRefused("too_long", length=len(trimmed))
    for character in trimmed:
        if character in _INVISIBLE or unicodedata.category(character) in _REFUSED_CATEGORIES:
            raise SignatureRefused("forbidden_character", code=f"U+{ord(character):04X}")
    name = _SPACES.sub(" ", unicodedata.normalize("NFC", trimmed)).strip()
    if not name:
        raise SignatureRefused("empty")
    if len(name) < NAME_LENGTH[0]:
        raise SignatureRefused("too_short", length=len(name))
    if len(name) > NAME_LENGTH[1]:
        raise SignatureRefused("too_long", length=len(name))
    if not any(unicodedata.category(character).startswith("L") for character in name):
        raise SignatureRefused("no_letter")
    _refuse_piled_marks(name)
    return name


def clean_latin_name(text: str) -> str:
    """Normalise a name that its owner transliterated: what every server can draw.

    :param str text: as typed
    :return: as :func:`clean_typed_name`, all letters Latin
    :raises SignatureRefused: as :func:`clean_typed_name`; ``forbidden_character`` also for other scripts
    """
    name = clean_typed_name(text)
    for character in name:
        foreign = character.isalpha() and not unicodedata.name(character, "").startswith("LATIN")
        if foreign or not covers(character):
            raise SignatureRefused("forbidden_character", code=f"U+{ord(character):04X}")
    return name


def _refuse_piled_marks(name: str) -> None:
    marks = 0
    for character in name:
        marks = marks + 1 if unicodedata.category(character) in ("Mn", "Me") else 0
        if marks > MAX_MARKS:
            raise SignatureRefused("forbidden_character", code=f"U+{ord(character):04X}")
