"""What a page shows and where: boxes of everything painted, from its content streams.

An interpreter of the painting operators of ISO 32000-1 (annex A) that knows positions only, not
colours or shapes. It errs on the side of "painted": boxes are never smaller than the ink, apart from
the approximations of :data:`ASCENT` and of ``text_widths``.
"""

from dataclasses import dataclass, field, replace

from .content import operations
from .text_widths import FontWidths, read_font_widths

__all__ = ["Box", "Matrix", "PaintLimits", "TooComplex", "painted_boxes"]

Box = tuple[float, float, float, float]
"""left, bottom, right, top"""
Matrix = tuple[float, float, float, float, float, float]

IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
ASCENT, DESCENT = 0.95, 0.25
"""Extent of text above and below its base line, in units of the font size."""


class TooComplex(Exception):
    """The content goes beyond the limits; treat the page as full."""


@dataclass(frozen=True)
class PaintLimits:
    """Bounds of the work done for one page."""

    max_bytes: int = 2 * 1024 * 1024
    """Decoded content, forms counted each time they are drawn."""
    max_operations: int = 200_000
    max_boxes: int = 100_000
    max_form_depth: int = 3
    """A form nested deeper counts as painted all over its /BBox."""


def multiply(first: Matrix, second: Matrix) -> Matrix:
    """Apply ``first``, then ``second`` (row vectors, ISO 32000-1 8.3.4)."""
    a, b, c, d, e, f = first
    a2, b2, c2, d2, e2, f2 = second
    return (
        a * a2 + b * c2,
        a * b2 + b * d2,
        c * a2 + d * c2,
        c * b2 + d * d2,
        e * a2 + f * c2 + e2,
        e * b2 + f * d2 + f2,
    )


def transform(matrix: Matrix, x: float, y: float) -> tuple[float, float]:
    """Map a point through a matrix."""
    a, b, c, d, e, f = matrix
    return a * x + c * y + e, b * x + d * y + f


def bounds(points) -> Box:
    """Return the smallest upright box around points (at least one)."""
    xs, ys = zip(*points, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def transform_box(matrix: Matrix, box: Box) -> Box:
    """Return the upright box around a transformed box."""
    left, bottom, right, top = box
    corners = ((left, bottom), (right, bottom), (left, top), (right, top))
    return bounds([transform(matrix, x, y) for x, y in corners])


def intersect(first: Box, second: Box) -> Box | None:
    """Return what two boxes share, or None. Lines (boxes without extent) count."""
    left, bottom = max(first[0], second[0]), max(first[1], second[1])
    right, top = min(first[2], second[2]), min(first[3], second[3])
    return (left, bottom, right, top) if left <= right and bottom <= top else None


@dataclass(frozen=True)
class _State:
    """The part of the graphics state that decides where ink goes (8.4.1, 9.3.1)."""

    ctm: Matrix
    clip: Box
    fill_space: str = "additive"
    stroke_space: str = "additive"
    fill_white: bool = False
    stroke_white: bool = False
    line_width: float = 1.0
    font: FontWidths | None = None
    font_size: float = 1.0
    char_spacing: float = 0.0
    word_spacing: float = 0.0
    horizontal: float = 1.0
    leading: float = 0.0
    rise: float = 0.0


@dataclass
class _Path:
    """The current path: its sub-paths' boxes for filling, its segments' boxes for stroking."""

    fills: list[Box] = field(default_factory=list)
    segments: list[Box] = field(default_factory=list)
    points: list[tuple[float, float]] = field(default_factory=list)

    def close_subpath(self):
        if self.points:
            self.fills.append(bounds(self.points))
            self.points = []


class _Interpreter:
    def __init__(self, page_box: Box, limits: PaintLimits):
        self.boxes: list[Box] = []
        self.page_box = page_box
        self.limits = limits
        self.bytes_left = limits.max_bytes
        self.operations_left = limits.max_operations
        # By identity; the font itself is kept so that its id stays its own.
        self.fonts: dict[int, tuple[object, FontWidths]] = {}
        self.state = _State(IDENTITY, page_box)
        self.path = _Path()
        self.pending_clip = False
        self.text_matrix = self.line_matrix = IDENTITY
        self.resources: dict = {}
        self.depth = 0

    # -- running ----------------------------------------------------------------------------------

    def run(self, data: bytes, resources: dict):
        self.bytes_left -= len(data)
        if self.bytes_left < 0:
            raise TooComplex
        outer, self.resources = self.resources, resources
        stack: list[_State] = []
        for operator, operands in operations(data):
            self.operations_left -= 1
            if self.operations_left < 0:
                raise TooComplex
            if operator == b"q":
                # A real page nests a few levels; a hostile one must not fill the memory.
                if len(stack) >= 10_000:
                    raise TooComplex
                stack.append(self.state)
            elif operator == b"Q":
                if stack:
                    self.state = stack.pop()
            elif handler := _HANDLERS.get(operator):
                try:
                    handler(self, *operands)
                except (TypeError, ValueError, IndexError, KeyError, AttributeError, OverflowError):
                    # Wrong operands: viewers skip the operator, so do we.
                    continue
        self.resources = outer

    def paint(self, box: Box, *, background: bool = False):
        """Note ink in ``box`` (user space of the page), as far as clip and page let it show."""
        shown = intersect(box, self.state.clip)
        if shown is None or any(value != value for value in shown):
            return
        if background and _area(shown) > 0.8 * _area(self.page_box):
            return
        if len(self.boxes) >= self.limits.max_boxes:
            raise TooComplex
        self.boxes.append(shown)

    def resource(self, kind: str, name: bytes):
        return self.resources["/" + kind][name.decode("latin-1")].get_object()

    def change(self, **values):
        self.state = replace(self.state, **values)

    # -- graphics state ---------------------------------------------------------------------------

    def concatenate(self, *matrix):
        if len(matrix) == 6:
            self.change(ctm=multiply(tuple(map(float, matrix)), self.state.ctm))

    def set_line_width(self, width):
        self.change(line_width=abs(width))

    def fill_colour(self, *components):
        self.change(fill_white=_is_white(self.state.fill_space, components))

    def stroke_colour(self, *components):
        self.change(stroke_white=_is_white(self.state.stroke_space, components))

    def fill_device(self, *components):
        space = _device_space(components)
        self.change(fill_space=space, fill_white=_is_white(space, components))

    def stroke_device(self, *components):
        space = _device_space(components)
        self.change(stroke_space=space, stroke_white=_is_white(space, components))

    def fill_colour_space(self, name):
        self.change(fill_space=self._space(name), fill_white=False)

    def stroke_colour_space(self, name):
        self.change(stroke_space=self._space(name), stroke_white=False)

    def _space(self, name: bytes) -> str:
        direct = _SPACES.get(name.decode("latin-1"))
        if direct:
            return direct
        try:
            space = self.resource("ColorSpace", name)
            family = space if isinstance(space, str) else space[0]
            if family == "/ICCBased":
                return "subtractive" if space[1].get_object()["/N"] == 4 else "additive"
            return _SPACES.get(family, "other")
        except (KeyError, TypeError, IndexError, AttributeError):
            return "other"

    # -- paths ------------------------------------------------------------------------------------

    def move_to(self, x, y):
        self.path.close_subpath()
        self.path.points.append(transform(self.state.ctm, x, y))

    def line_to(self, *coordinates):
        """Also curves: a Bézier curve stays within the box of its control points."""
        points = [transform(self.state.ctm, coordinates[i], coordinates[i + 1]) for i in range(0, len(coordinates), 2)]
        if not self.path.points:
            self.path.points.append(points[0])
        self.path.segments.append(bounds([self.path.points[-1], *points]))
        self.path.points.extend(points)

    def rectangle(self, x, y, width, height):
        corners = ((x, y), (x + width, y), (x + width, y + height), (x, y + height), (x, y))
        self.path.close_subpath()
        points = [transform(self.state.ctm, *corner) for corner in corners]
        self.path.segments.extend(bounds(points[i : i + 2]) for i in range(4))
        self.path.fills.append(bounds(points))

    def close_path(self):
        if len(self.path.points) > 1:
            self.path.segments.append(bounds([self.path.points[0], self.path.points[-1]]))

    def close_and_stroke(self):
        self.close_path()
        self.stroke()

    def stroke(self):
        self._paint_path(fill=False, stroke=True)

    def fill(self):
        self._paint_path(fill=True, stroke=False)

    def fill_and_stroke(self):
        self._paint_path(fill=True, stroke=True)

    def end_path(self):
        self._paint_path(fill=False, stroke=False)

    def _paint_path(self, *, fill: bool, stroke: bool):
        path, self.path = self.path, _Path()
        path.close_subpath()
        if fill and not self.state.fill_white:
            for box in path.fills:
                self.paint(box, background=True)
        if stroke and not self.state.stroke_white:
            reach = self.state.line_width * _scale(self.state.ctm) / 2
            for left, bottom, right, top in path.segments:
                self.paint((left - reach, bottom - reach, right + reach, top + reach))
        if self.pending_clip:
            self._clip(bounds([point for box in path.fills for point in (box[:2], box[2:])]) if path.fills else None)
        self.pending_clip = False

    def mark_clip(self):
        self.pending_clip = True

    def _clip(self, box: Box | None):
        shown = intersect(self.state.clip, box) if box else None
        # An empty clip lets nothing through: a box outside every page.
        self.change(clip=shown or (float("inf"), float("inf"), float("-inf"), float("-inf")))

    def shade(self, _name):
        self.paint(self.state.clip, background=True)

    # -- images and forms -------------------------------------------------------------------------

    def paint_image(self, *_operands):
        self.paint(transform_box(self.state.ctm, (0.0, 0.0, 1.0, 1.0)))

    def paint_object(self, name):
        item = self.resource("XObject", name)
        if item.get("/Subtype") == "/Image":
            self.paint_image()
        elif item.get("/Subtype") == "/Form":
            self._paint_form(item)

    def _paint_form(self, form):
        saved = self.state, self.path, self.text_matrix, self.line_matrix
        if "/Matrix" in form:
            self.concatenate(*map(float, form["/Matrix"]))
        box = transform_box(self.state.ctm, tuple(map(float, form["/BBox"])))
        self._clip(box)
        if self.depth >= self.limits.max_form_depth:
            self.paint(box)
        else:
            resources = form["/Resources"].get_object() if "/Resources" in form else self.resources
            self.depth += 1
            self.run(form.get_data(), resources)
            self.depth -= 1
        self.state, self.path, self.text_matrix, self.line_matrix = saved

    # -- text -------------------------------------------------------------------------------------

    def begin_text(self):
        self.text_matrix = self.line_matrix = IDENTITY

    def set_font(self, name, size):
        font = self.resource("Font", name)
        key = id(font)
        if key not in self.fonts:
            self.fonts[key] = (font, read_font_widths(font))
        self.change(font=self.fonts[key][1], font_size=size)

    def set_text_matrix(self, *matrix):
        if len(matrix) == 6:
            self.text_matrix = self.line_matrix = tuple(map(float, matrix))

    def next_line(self, x, y):
        self.text_matrix = self.line_matrix = multiply((1.0, 0.0, 0.0, 1.0, x, y), self.line_matrix)

    def next_line_leading(self, x, y):
        self.change(leading=-y)
        self.next_line(x, y)

    def next_line_default(self):
        self.next_line(0.0, -self.state.leading)

    def show(self, text):
        self.show_array([text])

    def show_next_line(self, text):
        self.next_line_default()
        self.show(text)

    def show_spaced(self, word_spacing, char_spacing, text):
        self.change(word_spacing=word_spacing, char_spacing=char_spacing)
        self.show_next_line(text)

    def show_array(self, parts):
        """One box for the run, from the pen's first to its furthest position."""
        state = self.state
        font = state.font or FontWidths()
        pen = low = high = 0.0
        for part in parts:
            if isinstance(part, bytes):
                em, glyphs, spaces = font.measure(part)
                step = em * state.font_size + glyphs * state.char_spacing + spaces * state.word_spacing
            else:
                step = -float(part) / 1000 * state.font_size
            pen += step * state.horizontal
            low, high = min(low, pen), max(high, pen)
        if high > low:
            ascent = max(ASCENT, font.ascent) * state.font_size + state.rise
            descent = -max(DESCENT, font.descent) * state.font_size + state.rise
            matrix = multiply(self.text_matrix, state.ctm)
            self.paint(transform_box(matrix, (low, min(ascent, descent), high, max(ascent, descent))))
        self.text_matrix = multiply((1.0, 0.0, 0.0, 1.0, pen, 0.0), self.text_matrix)


def _setter(attribute: str, factor: float = 1.0):
    def handle(interpreter: _Interpreter, value):
        interpreter.change(**{attribute: value * factor})

    return handle


def _area(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _scale(matrix: Matrix) -> float:
    """Return the largest stretch of a matrix, bounded from above."""
    a, b, c, d, _e, _f = matrix
    return max(abs(a) + abs(c), abs(b) + abs(d))


_SPACES = {
    "/DeviceGray": "additive",
    "/DeviceRGB": "additive",
    "/CalGray": "additive",
    "/CalRGB": "additive",
    "/G": "additive",
    "/RGB": "additive",
    "/DeviceCMYK": "subtractive",
}


def _device_space(components) -> str:
    return "subtractive" if len(components) == 4 else "additive"


def _is_white(space: str, components) -> bool:
    if not components or not all(isinstance(value, float) for value in components):
        return False
    if space == "additive":
        return all(value >= 0.999 for value in components)
    return space == "subtractive" and all(value <= 0.001 for value in components)


_HANDLERS = {
    b"cm": _Interpreter.concatenate,
    b"w": _Interpreter.set_line_width,
    b"g": _Interpreter.fill_device,
    b"rg": _Interpreter.fill_device,
    b"k": _Interpreter.fill_device,
    b"G": _Interpreter.stroke_device,
    b"RG": _Interpreter.stroke_device,
    b"K": _Interpreter.stroke_device,
    b"cs": _Interpreter.fill_colour_space,
    b"CS": _Interpreter.stroke_colour_space,
    b"sc": _Interpreter.fill_colour,
    b"scn": _Interpreter.fill_colour,
    b"SC": _Interpreter.stroke_colour,
    b"SCN": _Interpreter.stroke_colour,
    b"m": _Interpreter.move_to,
    b"l": _Interpreter.line_to,
    b"c": _Interpreter.line_to,
    b"v": _Interpreter.line_to,
    b"y": _Interpreter.line_to,
    b"h": _Interpreter.close_path,
    b"re": _Interpreter.rectangle,
    b"S": _Interpreter.stroke,
    b"s": _Interpreter.close_and_stroke,
    b"f": _Interpreter.fill,
    b"F": _Interpreter.fill,
    b"f*": _Interpreter.fill,
    b"B": _Interpreter.fill_and_stroke,
    b"B*": _Interpreter.fill_and_stroke,
    b"b": _Interpreter.fill_and_stroke,
    b"b*": _Interpreter.fill_and_stroke,
    b"n": _Interpreter.end_path,
    b"W": _Interpreter.mark_clip,
    b"W*": _Interpreter.mark_clip,
    b"sh": _Interpreter.shade,
    b"Do": _Interpreter.paint_object,
    b"BI": _Interpreter.paint_image,
    b"BT": _Interpreter.begin_text,
    b"Tf": _Interpreter.set_font,
    b"Tm": _Interpreter.set_text_matrix,
    b"Td": _Interpreter.next_line,
    b"TD": _Interpreter.next_line_leading,
    b"T*": _Interpreter.next_line_default,
    b"Tc": _setter("char_spacing"),
    b"Tw": _setter("word_spacing"),
    b"Tz": _setter("horizontal", 0.01),
    b"TL": _setter("leading"),
    b"Ts": _setter("rise"),
    b"Tj": _Interpreter.show,
    b"TJ": _Interpreter.show_array,
    b"'": _Interpreter.show_next_line,
    b'"': _Interpreter.show_spaced,
}


def painted_boxes(data: bytes, resources: dict, page_box: Box, limits: PaintLimits | None = None) -> list[Box]:
    """List the boxes of everything a page shows.

    Left out: clipping paths, white fills and strokes, fills of more than 80 % of the page (a
    background), whatever lies outside the page.

    :param bytes data: decoded content of the page
    :param dict resources: the page's resources, as pypdf objects
    :param Box page_box: visible part of the page, in user space
    :param PaintLimits limits: bounds of the work
    :return: boxes in the user space of the page (before /Rotate)
    :raises TooComplex: beyond the limits
    """
    interpreter = _Interpreter(page_box, limits or PaintLimits())
    interpreter.run(data, resources)
    return interpreter.boxes
