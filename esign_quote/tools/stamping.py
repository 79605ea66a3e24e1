"""Drawing a stamp on a page inside an incremental update, touching only the page dictionary.

The old content is not rewritten. It is put between as many ``q`` and ``Q`` as it needs to leave the
graphics state as it found it, whatever its producer forgot; then the stamp is drawn as a form XObject.
"""

import io

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader

from .content import graphics_balance
from .exceptions import SealError
from .geometry import PageBox, Placement, inherited, read_page_box
from .pdf_limits import PYHANKO_LIMITS

__all__ = ["MAX_NEW_PAGES", "add_stamp", "count_pages", "find_page", "import_stamp"]

MAX_NEW_PAGES = 5
_MAX_DEPTH = 60


def count_pages(handler) -> int:
    """Return the number of pages a reader or writer of pyHanko works with (its /Count)."""
    return int(handler.root["/Pages"]["/Count"])


def find_page(handler, number: int) -> generic.IndirectObject:
    """Return the reference of a page, looking at as few others as the tree allows (ISO 32000-1 7.7.3).

    pyHanko reads every page before it, and stamps stand mostly on the last one.

    :raises SealError: ``placement_invalid`` when there is no such page
    """
    node = handler.root.raw_get("/Pages")
    for _depth in range(_MAX_DEPTH):
        tree = node.get_object()
        if tree["/Type"] != "/Pages":
            return node
        node, number = _child(tree, number)
    raise SealError("placement_invalid", cause="page_tree")


def _child(tree, number: int) -> tuple[generic.IndirectObject, int]:
    """Return the child that holds a page, and the page's number within it; searched from the nearer end."""
    kids, count = tree["/Kids"], int(tree["/Count"])
    backwards = number >= count // 2
    passed = 0
    for index in reversed(range(len(kids))) if backwards else range(len(kids)):
        kid = kids.raw_get(index)
        page_or_node = kid.get_object()
        size = int(page_or_node["/Count"]) if page_or_node["/Type"] == "/Pages" else 1
        before = count - passed - size if backwards else passed
        if before <= number < before + size:
            return kid, number - before
        passed += size
    raise SealError("placement_invalid", cause="page")


def add_stamp(writer: IncrementalPdfFileWriter, placement: Placement, stamp_pdf: bytes) -> None:
    """Draw the first page of ``stamp_pdf`` upright into a rectangle of a page.

    :param writer: the open incremental update; nothing is written yet
    :param Placement placement: where; a page number behind the last one adds blank pages of its size
    :param bytes stamp_pdf: one-page PDF, scaled in proportion and centred in the rectangle
    :raises SealError: ``placement_invalid``, ``stamp_invalid``, ``page_geometry``, ``content_broken``
    """
    draw_form(writer, placement, import_stamp(writer, stamp_pdf))


def import_stamp(writer: IncrementalPdfFileWriter, stamp_pdf: bytes) -> generic.IndirectObject:
    """Copy the first page of a PDF into the update as a form XObject (ISO 32000-1 8.10).

    :return: reference to the form, usable on several pages
    :raises SealError: ``stamp_invalid``
    """
    try:
        reader = PdfFileReader(io.BytesIO(stamp_pdf), decode_limits=PYHANKO_LIMITS)
        return writer.import_page_as_xobject(reader)
    except Exception as error:
        # Stamps are our own work, but they come back from a database.
        raise SealError("stamp_invalid", cause=type(error).__name__) from error


def draw_form(writer: IncrementalPdfFileWriter, placement: Placement, form: generic.IndirectObject) -> None:
    """Draw an imported form; see :func:`add_stamp`."""
    _add_pages(writer, placement.page + 1)
    page_ref = find_page(writer, placement.page)
    page = page_ref.get_object()
    box = read_page_box(page)
    name = _use_form(page, form)
    drawing = _drawing(box, placement, form.get_object()["/BBox"], name)
    _wrap_contents(writer, page, drawing)
    writer.mark_update(page_ref)


def _add_pages(writer: IncrementalPdfFileWriter, wanted: int) -> None:
    """Append blank pages, as large as the last one is displayed, until there are ``wanted``."""
    present = count_pages(writer)
    if wanted > present + MAX_NEW_PAGES:
        raise SealError("placement_invalid", cause="page")
    for _number in range(present, wanted):
        last = writer.find_page_for_modification(-1)[0].get_object()
        box = read_page_box(last)
        width, height = box.displayed_size
        size = generic.ArrayObject(generic.FloatObject(f"{value:.4f}") for value in (0, 0, width, height))
        # Everything inheritable is spelt out: the new page may hang under a rotated or cropped node.
        page = generic.DictionaryObject(
            {
                pdf_name("/Type"): pdf_name("/Page"),
                pdf_name("/MediaBox"): size,
                pdf_name("/CropBox"): generic.ArrayObject(size),
                pdf_name("/Rotate"): generic.NumberObject(0),
                pdf_name("/Resources"): generic.DictionaryObject(),
            }
        )
        if box.unit != 1.0:
            page[pdf_name("/UserUnit")] = generic.FloatObject(f"{box.unit:.4f}")
        writer.insert_page(page)


def _use_form(page, form: generic.IndirectObject) -> str:
    """Register the form in the page's own copy of its resources; returns the name given to it."""
    # Resources are often shared by all pages, or inherited: never change them in place.
    own = _shallow_copy(inherited(page, "/Resources"))
    objects = _shallow_copy(own.get("/XObject"))
    number = 0
    while f"/EsignStamp{number}" in objects:
        number += 1
    name = f"/EsignStamp{number}"
    objects[pdf_name(name)] = form
    own[pdf_name("/XObject")] = objects
    page[pdf_name("/Resources")] = own
    return name


def _shallow_copy(dictionary) -> generic.DictionaryObject:
    copy = generic.DictionaryObject()
    if isinstance(dictionary, generic.DictionaryObject):
        for key in dictionary:
            # raw_get keeps references as references.
            copy[key] = dictionary.raw_get(key)
    return copy


def _drawing(box: PageBox, placement: Placement, form_box, name: str) -> bytes:
    """Write the operators that draw the form in its rectangle."""
    left, bottom, width, height = box.rectangle(placement)
    x0, y0, x1, y1 = (float(value) for value in form_box)
    if x1 <= x0 or y1 <= y0:
        raise SealError("stamp_invalid", cause="empty")
    scale = min(width / (x1 - x0), height / (y1 - y0))
    left += (width - scale * (x1 - x0)) / 2
    bottom += (height - scale * (y1 - y0)) / 2
    upright = _numbers(box.upright(left, bottom))
    scaled = _numbers((scale, 0, 0, scale, -x0 * scale, -y0 * scale))
    return f"q {upright} cm {scaled} cm {name} Do Q".encode("ascii")


def _numbers(values) -> str:
    # PDF knows no exponents (ISO 32000-1 7.3.3).
    return " ".join(f"{value:.5f}".rstrip("0").rstrip(".") for value in values)


def _wrap_contents(writer: IncrementalPdfFileWriter, page, drawing: bytes) -> None:
    """Make /Contents: opening ``q``, the old streams, closing ``Q``, the stamp."""
    streams, data = _old_contents(writer, page)
    balance = graphics_balance(data)
    if balance.truncated:
        raise SealError("content_broken")
    before = b"q\n" * (1 + balance.unopened)
    after = b"\nQ" * (1 + balance.unclosed) + b"\n" + drawing
    wrapped = [writer.add_object(generic.StreamObject(stream_data=before)), *streams]
    wrapped.append(writer.add_object(generic.StreamObject(stream_data=after)))
    page[pdf_name("/Contents")] = generic.ArrayObject(wrapped)


def _old_contents(writer: IncrementalPdfFileWriter, page) -> tuple[list[generic.IndirectObject], bytes]:
    """Return references to the content streams of a page and what they hold together."""
    if "/Contents" not in page:
        return [], b""
    raw = page.raw_get("/Contents")
    value = raw.get_object()
    # pyHanko wants a list item by item, so that references stay references.
    entries = [value.raw_get(i) for i in range(len(value))] if isinstance(value, generic.ArrayObject) else [raw]
    streams, parts = [], []
    for entry in entries:
        stream = entry.get_object()
        if not isinstance(stream, generic.StreamObject):
            # null, or a reference to an object that does not exist: nothing is drawn for it.
            continue
        if not isinstance(entry, generic.IndirectObject):
            raise SealError("content_broken", cause="direct_stream")
        streams.append(entry)
        parts.append(stream.data)
    return streams, b"\n".join(parts)
