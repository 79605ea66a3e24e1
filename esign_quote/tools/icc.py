"""The sRGB colour space as a small ICC profile, version 2 (ICC.1:2001-04): what PDF/A wants to know of our colours.

Made here from the figures of IEC 61966-2-1, so that it belongs to nobody and is the same in every file.
"""

import struct
from functools import cache

__all__ = ["srgb_profile"]

_WHITE = (0.9642, 1.0, 0.8249)
"""D50, the white of the profile connection space."""
_PRIMARIES = {
    b"rXYZ": (0.4360747, 0.2225045, 0.0139322),
    b"gXYZ": (0.3850649, 0.7168786, 0.0971045),
    b"bXYZ": (0.1430804, 0.0606169, 0.7141733),
}
"""Of sRGB, adapted to D50 (Bradford)."""
_STEPS = 256


@cache
def srgb_profile() -> bytes:
    """Return the profile; the same bytes each time."""
    curve = b"curv" + bytes(4) + struct.pack(f">I{_STEPS}H", _STEPS, *map(_linear, range(_STEPS)))
    tags = {
        b"desc": _description("sRGB IEC61966-2.1"),
        b"cprt": b"text" + bytes(4) + b"No copyright\0",
        b"wtpt": _xyz(_WHITE),
        **{name: _xyz(values) for name, values in _PRIMARIES.items()},
        **dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve),
    }
    start = 128 + 4 + 12 * len(tags)
    table, body, places = struct.pack(">I", len(tags)), b"", {}
    for name, data in tags.items():
        if data not in places:  # the three curves are one
            places[data] = start + len(body)
            body += data + bytes(-len(data) % 4)
        table += struct.pack(">4sII", name, places[data], len(data))
    return _header(start + len(body)) + table + body


def _linear(step: int) -> int:
    value = step / (_STEPS - 1)
    light = value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
    return round(light * 65535)


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, float, float]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(map(_fixed, values))


def _description(text: str) -> bytes:
    ascii_text = text.encode("ascii") + b"\0"
    # Behind it: no Unicode text, no Macintosh text.
    return b"desc" + bytes(4) + struct.pack(">I", len(ascii_text)) + ascii_text + bytes(4 + 4 + 2 + 1 + 67)


def _header(size: int) -> bytes:
    """Return the first 128 bytes: a display's profile, RGB to XYZ."""
    return b"".join(
        (
            struct.pack(">I4sI4s4s4s", size, bytes(4), 0x02100000, b"mntr", b"RGB ", b"XYZ "),
            struct.pack(">6H", 2026, 1, 1, 0, 0, 0),
            b"acsp",
            bytes(4 + 4 + 4 + 4 + 8 + 4),
            b"".join(map(_fixed, _WHITE)),
            bytes(4 + 44),
        )
    )
