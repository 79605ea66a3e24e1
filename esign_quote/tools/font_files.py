"""Which TrueType files of this server can draw what DejaVu lacks, and where they are.

Known names in the usual places, each with the ranges of characters it is good for: a file is opened only when a
text needs it. Every TrueType file of the folders in ``ESIGN_QUOTE_FONTS`` is a candidate too. Fonts with PostScript
outlines (Noto CJK) cannot be embedded by reportlab and are not looked for.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["VARIABLE", "FontFile", "candidates"]

VARIABLE = "ESIGN_QUOTE_FONTS"
"""Environment variable: folders separated as in PATH."""

_PLACES = (
    "/usr/share/fonts/truetype",
    "/usr/share/fonts-droid-fallback/truetype",
    "/usr/share/fonts/google-noto",
    "/usr/local/share/fonts",
)
_MAX_FILES = 20_000

_HAN = ((0x2E80, 0x30FF), (0x3100, 0x312F), (0x31A0, 0x31FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF))
_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7FF))
_WIDE = ((0x3000, 0x303F), (0xFF00, 0xFFEF))

# Debian packages: fonts-noto-core, fonts-droid-fallback, fonts-nanum, fonts-unfonts-core, fonts-ipafont.
_KNOWN: tuple[tuple[str, tuple[tuple[int, int], ...]], ...] = (
    *(
        (f"NotoSans{script}-Regular.ttf", ((first, last),))
        for script, first, last in (
            ("Devanagari", 0x0900, 0x097F),
            ("Bengali", 0x0980, 0x09FF),
            ("Gurmukhi", 0x0A00, 0x0A7F),
            ("Gujarati", 0x0A80, 0x0AFF),
            ("Oriya", 0x0B00, 0x0B7F),
            ("Tamil", 0x0B80, 0x0BFF),
            ("Telugu", 0x0C00, 0x0C7F),
            ("Kannada", 0x0C80, 0x0CFF),
            ("Malayalam", 0x0D00, 0x0D7F),
            ("Sinhala", 0x0D80, 0x0DFF),
            ("Thai", 0x0E00, 0x0E7F),
            ("Lao", 0x0E80, 0x0EFF),
            ("Myanmar", 0x1000, 0x109F),
            ("Georgian", 0x10A0, 0x10FF),
            ("Ethiopic", 0x1200, 0x139F),
            ("Cherokee", 0x13A0, 0x13FF),
            ("Khmer", 0x1780, 0x17FF),
        )
    ),
    (
        "NotoSans-Regular.ttf",
        ((0x0000, 0x058F), (0x1C80, 0x1FFF), (0x2000, 0x20FF), (0x2C60, 0x2C7F), (0xA640, 0xA7FF)),
    ),
    ("NanumGothic.ttf", _HANGUL),
    ("UnDotum.ttf", _HANGUL),
    ("DroidSansFallbackFull.ttf", (*_HAN, *_WIDE)),
    ("DroidSansFallback.ttf", (*_HAN, *_HANGUL, *_WIDE)),
    ("ipag.ttf", (*_HAN, *_WIDE)),
    ("fonts-japanese-gothic.ttf", (*_HAN, *_WIDE)),
)


@dataclass(frozen=True)
class FontFile:
    """A TrueType file that may help."""

    path: Path
    ranges: tuple[tuple[int, int], ...]
    """Characters to use it for; nothing: whatever it has."""

    def may_have(self, code: int) -> bool:
        """Tell whether it is worth opening for a character."""
        return not self.ranges or any(first <= code <= last for first, last in self.ranges)


@cache
def candidates() -> tuple[FontFile, ...]:
    """Return what this server has, in order of preference; looked for once a process."""
    own = [FontFile(path, ()) for folder in _own_folders() for path in sorted(_files(folder))]
    present: dict[str, Path] = {}
    for folder in (*_own_folders(), *_PLACES):
        for path in _files(folder):
            present.setdefault(path.name, path)
    known = [FontFile(present[name], ranges) for name, ranges in _KNOWN if name in present]
    return (*known, *own)


def _own_folders() -> list[str]:
    return [folder for folder in os.environ.get(VARIABLE, "").split(os.pathsep) if folder]


def _files(folder: str) -> Iterator[Path]:
    count = 0
    for parent, _folders, names in os.walk(folder):
        for name in sorted(names):
            count += 1
            if count > _MAX_FILES:
                return
            if name.lower().endswith(".ttf"):
                yield Path(parent, name)
