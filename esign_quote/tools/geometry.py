"""Where things are on a page: page boxes, rotation and stored placements.

Terms follow ISO 32000-1: a page is *displayed* through its CropBox clipped to its MediaBox
(14.11.2), turned clockwise by /Rotate (table 30). A placement is measured on the page as displayed,
origin at the top left, y downwards, so that a browser and a server mean the same rectangle.
"""

import math
from dataclasses import dataclass

from .exceptions import SealError

__all__ = ["SCALE", "PageBox", "Placement", "inherited", "read_page_box"]

SCALE = 100_000
"""One whole page width or height in the units of :class:`Placement`."""

_MAX_TREE_DEPTH = 64
_DEFAULT_BOX = (0.0, 0.0, 612.0, 792.0)

# The linear part (a, b, c, d) of the matrix that keeps a stamp upright on a page turned by /Rotate.
_UPRIGHT = {
    0: (1.0, 0.0, 0.0, 1.0),
    90: (0.0, 1.0, -1.0, 0.0),
    180: (-1.0, 0.0, 0.0, -1.0),
    270: (0.0, -1.0, 1.0, 0.0),
}


@dataclass(frozen=True)
class Placement:
    """A rectangle on a page as displayed, in integers so that it can be stored and hashed."""

    page: int
    """Zero-based page number; the number of pages (or more) means a page that is still to be added."""
    nx: int
    """Distance of the left edge from the left of the page, in 1/100000 of the page width."""
    ny: int
    """Distance of the top edge from the top of the page, in 1/100000 of the page height."""
    nw: int
    """Width, in 1/100000 of the page width."""
    nh: int
    """Height, in 1/100000 of the page height."""

    def __post_init__(self):
        values = (self.page, self.nx, self.ny, self.nw, self.nh)
        # bool is an int for Python, never a coordinate for us.
        if any(type(value) is not int for value in values):
            raise SealError("placement_invalid", cause="not_integers")
        inside = (
            self.page >= 0
            and self.nx >= 0
            and self.ny >= 0
            and self.nw > 0
            and self.nh > 0
            and self.nx + self.nw <= SCALE
            and self.ny + self.nh <= SCALE
        )
        if not inside:
            raise SealError("placement_invalid", cause="outside_page")

    @classmethod
    def from_fractions(cls, page: int, x: float, y: float, width: float, height: float) -> "Placement":
        """Build a placement from fractions of the page (0..1), clamped into the page.

        :param int page: zero-based page number
        :param float x: left edge, fraction of the displayed width
        :param float y: top edge, fraction of the displayed height
        :param float width: fraction of the displayed width
        :param float height: fraction of the displayed height
        :return: the placement, rounded to 1/100000
        :raises SealError: ``placement_invalid`` when a value is not a finite number
        """
        if not all(math.isfinite(value) for value in (x, y, width, height)):
            raise SealError("placement_invalid", cause="not_finite")
        nw, nh = _clamp(width, 1, SCALE), _clamp(height, 1, SCALE)
        return cls(page, _clamp(x, 0, SCALE - nw), _clamp(y, 0, SCALE - nh), nw, nh)

    def to_dict(self) -> dict[str, int]:
        """:return: the five integers by name, ready for JSON"""
        return {"page": self.page, "nx": self.nx, "ny": self.ny, "nw": self.nw, "nh": self.nh}

    @classmethod
    def from_dict(cls, values: dict[str, int]) -> "Placement":
        """Inverse of :meth:`to_dict`.

        :param dict values: must hold exactly the five integers
        :raises SealError: ``placement_invalid``
        """
        if not isinstance(values, dict) or set(values) != {"page", "nx", "ny", "nw", "nh"}:
            raise SealError("placement_invalid", cause="keys")
        return cls(**values)


def _clamp(fraction: float, low: int, high: int) -> int:
    return max(low, min(high, round(fraction * SCALE)))


@dataclass(frozen=True)
class PageBox:
    """What is visible of a page, in its default user space units, and how it is turned."""

    x0: float
    y0: float
    x1: float
    y1: float
    rotation: int = 0
    """Clockwise turn when displayed: 0, 90, 180 or 270 degrees."""
    unit: float = 1.0
    """Size of a user space unit in points (/UserUnit, ISO 32000-1 table 30)."""

    @property
    def width(self) -> float:
        """Unrotated width in user space units."""
        return self.x1 - self.x0

    @property
    def height(self) -> float:
        """Unrotated height in user space units."""
        return self.y1 - self.y0

    @property
    def displayed_size(self) -> tuple[float, float]:
        """Width and height as displayed, in user space units."""
        if self.rotation in (90, 270):
            return self.height, self.width
        return self.width, self.height

    def rectangle(self, placement: Placement) -> tuple[float, float, float, float]:
        """Measure a placement on the displayed page.

        :return: (left, bottom, width, height) in user space units; origin bottom left *as displayed*
        """
        shown_width, shown_height = self.displayed_size
        width = placement.nw / SCALE * shown_width
        height = placement.nh / SCALE * shown_height
        left = placement.nx / SCALE * shown_width
        bottom = shown_height - placement.ny / SCALE * shown_height - height
        return left, bottom, width, height

    def upright(self, left: float, bottom: float) -> tuple[float, float, float, float, float, float]:
        """Give the matrix that draws upright at a point of the displayed page.

        :param float left: user space units from the left of the displayed page
        :param float bottom: user space units from the bottom of the displayed page
        :return: the six operands of ``cm`` (ISO 32000-1 8.3.3)
        """
        origin_x, origin_y = {
            0: (self.x0 + left, self.y0 + bottom),
            90: (self.x1 - bottom, self.y0 + left),
            180: (self.x1 - left, self.y1 - bottom),
            270: (self.x0 + bottom, self.y1 - left),
        }[self.rotation]
        return (*_UPRIGHT[self.rotation], origin_x, origin_y)

    def to_displayed(self, x: float, y: float) -> tuple[float, float]:
        """Map a point of user space to the displayed page (origin bottom left); undoes :meth:`upright`."""
        return {
            0: (x - self.x0, y - self.y0),
            90: (y - self.y0, self.x1 - x),
            180: (self.x1 - x, self.y1 - y),
            270: (self.y1 - y, x - self.x0),
        }[self.rotation]


def inherited(page, key: str):
    """Read an inheritable page attribute (ISO 32000-1 table 30) from a page or its ancestors.

    Works alike on the dictionaries of pypdf and of pyHanko.

    :param page: a page dictionary
    :param str key: name with its slash, e.g. ``/MediaBox``
    :return: the dereferenced value, or None
    """
    node = page
    for _depth in range(_MAX_TREE_DEPTH):
        if key in node:
            value = node[key]
            value = value.get_object() if hasattr(value, "get_object") else value
            # An explicit null counts as absent (ISO 32000-1 7.3.7).
            if value is not None and type(value).__name__ != "NullObject":
                return value
        if "/Parent" not in node:
            return None
        node = node["/Parent"].get_object()
    return None


def read_page_box(page) -> PageBox:
    """Find out how a page is displayed.

    :param page: page dictionary of pypdf or pyHanko
    :return: CropBox clipped to MediaBox with normalised corners, turn and unit
    :raises SealError: ``page_geometry`` when the boxes are unusable
    """
    try:
        media = _box(inherited(page, "/MediaBox")) or _DEFAULT_BOX
        crop = _box(inherited(page, "/CropBox")) or media
        turn = inherited(page, "/Rotate")
        rotation = 0 if turn is None else round(float(turn)) % 360
        unit = float(page["/UserUnit"]) if "/UserUnit" in page else 1.0
    except (TypeError, ValueError, KeyError, AttributeError, OverflowError) as error:
        raise SealError("page_geometry") from error
    x0, y0 = max(media[0], crop[0]), max(media[1], crop[1])
    x1, y1 = min(media[2], crop[2]), min(media[3], crop[3])
    if x1 <= x0 or y1 <= y0:
        # Viewers fall back on the MediaBox when the CropBox lies outside it.
        x0, y0, x1, y1 = media
    sizes_usable = x1 - x0 >= 1 and y1 - y0 >= 1 and 0 < unit <= 75_000
    if rotation not in _UPRIGHT or not sizes_usable:
        raise SealError("page_geometry")
    return PageBox(x0, y0, x1, y1, rotation, unit)


def _box(values) -> tuple[float, float, float, float] | None:
    """Normalise a rectangle: any two diagonally opposite corners (ISO 32000-1 7.9.5)."""
    if values is None:
        return None
    numbers = [float(value.get_object() if hasattr(value, "get_object") else value) for value in values]
    if len(numbers) != 4 or not all(math.isfinite(number) for number in numbers):
        raise ValueError("rectangle")
    left, right = sorted((numbers[0], numbers[2]))
    bottom, top = sorted((numbers[1], numbers[3]))
    return left, bottom, right, top
