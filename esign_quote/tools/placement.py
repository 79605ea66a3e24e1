"""Where a stamp may stand: on the last page without hiding anything, else on a page of its own.

The eye expects a signature under the text, at the right. So the free band between the last content and
the foot of the page comes first, then any free place in the lower half, then a new page.
"""

import io
import logging
from collections.abc import Iterable, Sequence

import pypdf

from .exceptions import PdfRefused
from .geometry import SCALE, PageBox, Placement, inherited, read_page_box
from .paint import Box, PaintLimits, TooComplex, intersect, painted_boxes
from .pdf_limits import pypdf_limits, refused_when_unreadable

__all__ = ["find_placement", "find_placements"]

_logger = logging.getLogger(__name__)

MARGIN = 28.0
"""Points that printers may cut off at each edge (1 cm)."""
CLEARANCE = 9.0
"""Points left free around the stamp."""
FOOTER_ZONE = 0.2
"""Content that begins in this lowest part of the page is a footer."""
LOWER_PART = 0.5
"""Beside other content a stamp stands only below this part of the page, never in the letterhead."""
MAX_NEW_PAGES = 5

_CELL = 2.0
_MAX_CELLS = 1000


def find_placement(
    data: bytes,
    width_pt: float,
    height_pt: float,
    taken: Sequence[Placement] = (),
    limits: PaintLimits | None = None,
) -> Placement:
    """Choose where a stamp hides nothing; see :func:`find_placements`.

    :param taken: placements of other stamps of the same file
    """
    return find_placements(data, width_pt, height_pt, 1, taken, limits)[0]


def find_placements(
    data: bytes,
    width_pt: float,
    height_pt: float,
    count: int,
    taken: Sequence[Placement] = (),
    limits: PaintLimits | None = None,
) -> list[Placement]:
    """Choose where stamps of one size hide nothing, nor each other.

    :param bytes data: the PDF
    :param float width_pt: wanted width in points; made smaller (in proportion) on a narrower page
    :param float height_pt: wanted height in points
    :param int count: how many stamps
    :param taken: placements of other stamps of the same file
    :param PaintLimits limits: bounds of the work; a page beyond them counts as full
    :return: for each stamp a place on the last page, or one whose ``page`` is the number of pages (or
        more): a page that ``seal_pdf`` adds
    :raises PdfRefused: ``broken`` or ``too_complex`` when the last page cannot be read
    """
    with refused_when_unreadable(), pypdf_limits():
        reader = pypdf.PdfReader(io.BytesIO(data))
        pages = len(reader.pages)
        page = reader.pages[pages - 1]
        box = read_page_box(page)
        boxes = _content_boxes(page, box, limits or PaintLimits())
    size = (width_pt / box.unit, height_pt / box.unit)
    found: list[Placement] = []
    for _number in range(count):
        found.append(_choose(box, boxes, pages, size, [*taken, *found]))
    return found


def _choose(box: PageBox, boxes, count: int, size: tuple[float, float], taken: Sequence[Placement]) -> Placement:
    shown_width, shown_height = box.displayed_size
    margin = min(MARGIN / box.unit, shown_width / 10, shown_height / 10)
    shrink = min(1.0, (shown_width - 2 * margin) / size[0], (shown_height - 2 * margin) / size[1])
    width, height = size[0] * shrink, size[1] * shrink
    for page in range(count - 1, count + MAX_NEW_PAGES):
        if page >= count:
            boxes = []
        if boxes is None:
            continue
        grid = _Grid(shown_width, shown_height, margin, CLEARANCE / box.unit)
        grid.mark_all(boxes)
        grid.mark_all(_stamp_box(placement, shown_width, shown_height) for placement in taken if placement.page == page)
        corner = grid.find(width, height)
        if corner:
            left, top = corner
            return Placement.from_fractions(
                page, left / shown_width, top / shown_height, width / shown_width, height / shown_height
            )
    raise PdfRefused("too_complex", cause="no_place")


def _stamp_box(placement: Placement, width: float, height: float) -> Box:
    left, top = placement.nx / SCALE * width, placement.ny / SCALE * height
    return left, top, left + placement.nw / SCALE * width, top + placement.nh / SCALE * height


def _content_boxes(page, box: PageBox, limits: PaintLimits) -> list[Box] | None:
    """Return what the page shows in displayed coordinates, y down; None when that is too much to read."""
    resources = inherited(page, "/Resources") or {}
    visible = (box.x0, box.y0, box.x1, box.y1)
    try:
        painted = painted_boxes(_content(page, limits), resources, visible, limits)
    except TooComplex:
        _logger.debug("page too complex to look for a free place")
        return None
    annotated = (intersect(rectangle, visible) for rectangle in _annotation_boxes(page, limits))
    painted.extend(rectangle for rectangle in annotated if rectangle)
    height = box.displayed_size[1]
    shown = []
    for left, bottom, right, top in painted:
        (x1, y1), (x2, y2) = box.to_displayed(left, bottom), box.to_displayed(right, top)
        shown.append((min(x1, x2), height - max(y1, y2), max(x1, x2), height - min(y1, y2)))
    return shown


def _content(page, limits: PaintLimits) -> bytes:
    contents = page.get("/Contents")
    contents = contents.get_object() if contents is not None else None
    if contents is None:
        return b""
    streams = contents if isinstance(contents, list) else [contents]
    parts: list[bytes] = []
    size = 0
    for stream in streams:
        # An entry may be null: nothing is drawn for it.
        item = stream.get_object()
        if hasattr(item, "get_data"):
            parts.append(item.get_data())
            size += len(parts[-1])
        if size > limits.max_bytes:
            raise TooComplex
    return b"\n".join(parts)


def _annotation_boxes(page, limits: PaintLimits) -> list[Box]:
    """Return the rectangles of annotations: they are drawn over the page, links must stay clickable."""
    annotations = page.get("/Annots")
    annotations = annotations.get_object() if annotations is not None else None
    boxes = []
    for reference in (annotations or [])[: limits.max_boxes]:
        annotation = reference.get_object()
        if annotation and annotation.get("/Subtype") != "/Popup" and "/Rect" in annotation:
            x1, y1, x2, y2 = (float(value) for value in annotation["/Rect"])
            boxes.append((min(x1, x2), min(y1, y2), max(x1, x2), max(y1, y2)))
    return boxes


class _Grid:
    """Occupied cells of a page, one integer a row, bit x set when cell x holds something."""

    def __init__(self, width: float, height: float, margin: float, clearance: float):
        self.cell = max(_CELL, width / _MAX_CELLS, height / _MAX_CELLS)
        self.columns, self.count = int(width / self.cell), int(height / self.cell)
        self.rows = [0] * self.count
        self.margin, self.clearance = self._up(margin), self._up(clearance)

    def _up(self, length: float) -> int:
        return -int(-length // self.cell)

    def mark_all(self, boxes: Iterable[Box]):
        for left, top, right, bottom in boxes:
            first, last = self._column(left), self._column(right)
            mask = (1 << (last + 1)) - (1 << first)
            for row in range(max(0, int(top / self.cell)), min(self.count - 1, int(bottom / self.cell)) + 1):
                self.rows[row] |= mask

    def _column(self, x: float) -> int:
        return max(0, min(self.columns - 1, int(x / self.cell)))

    def find(self, width: float, height: float) -> tuple[float, float] | None:
        """Return (left, top) of the place, y down, or None."""
        across, down = self._up(width), self._up(height)
        found = self._under_content(across, down) or self._beside_content(across, down)
        return (found[0] * self.cell, found[1] * self.cell) if found else None

    def _under_content(self, across: int, down: int) -> tuple[int, int] | None:
        """Return a place in the lowest empty band of full width, with nothing but a footer below."""
        for top, bottom in reversed(self._bands()):
            is_foot = bottom >= self.count - 1 or bottom >= (1 - FOOTER_ZONE) * self.count
            if not is_foot:
                return None
            first = max(self.margin, top + (self.clearance if top else 0))
            last = min(self.count - self.margin, bottom - (self.clearance if bottom < self.count else 0)) - down
            if first <= last:
                left = self._right_edge() - across
                return max(self.margin, left), first
        return None

    def _bands(self) -> list[tuple[int, int]]:
        """Return runs of empty rows: (first, past the last)."""
        bands, start = [], None
        for number, row in enumerate([*self.rows, 1]):
            if row and start is not None:
                bands.append((start, number))
                start = None
            elif not row and start is None:
                start = number
        return bands

    def _right_edge(self) -> int:
        """Align with the right edge of the content when it has one that looks like a margin."""
        limit = self.columns - self.margin
        right = max((row.bit_length() for row in self.rows), default=0)
        return right if self.columns * 3 // 4 <= right < limit else limit

    def _beside_content(self, across: int, down: int) -> tuple[int, int] | None:
        """Return the highest free place of the lower part; as far to the right as possible."""
        need_across, need_down = across + 2 * self.clearance, down + 2 * self.clearance
        first = max(self.margin, int(self.count * LOWER_PART))
        for top in range(first, self.count - self.margin - down + 1):
            rows = self.rows[max(0, top - self.clearance) : top - self.clearance + need_down]
            occupied = 0
            for row in rows:
                occupied |= row
            left = self._free_run(occupied, across, need_across)
            if left is not None:
                return left, top
        return None

    def _free_run(self, occupied: int, across: int, need: int) -> int | None:
        """Return the rightmost column with room for ``across`` cells and clearance in a merged row."""
        # Everything beyond the margin is free for clearance, never for the stamp.
        for left in range(self.columns - self.margin - across, self.margin - 1, -1):
            start = left - self.clearance
            window = ((1 << need) - 1) << start if start >= 0 else (1 << (need + start)) - 1
            if not occupied & window:
                return left
        return None
