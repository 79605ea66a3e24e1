"""Parts of PDFs that want something: scripts, programs, forms, layers, broken trees, bombs."""

import io
import zlib

import pdf_factory as make
import pypdf
from pypdf.generic import (
    ArrayObject,
    BooleanObject,
    DecodedStreamObject,
    DictionaryObject,
    NameObject,
    NumberObject,
    StreamObject,
    TextStringObject,
)


def in_catalogue(key, value):
    def change(writer):
        writer.root_object[NameObject(key)] = value

    return make.changed(make.quote(), change)


def on_page(key, value):
    def change(writer):
        writer.pages[0][NameObject(key)] = value

    return make.changed(make.quote(), change)


def annotation(**entries):
    values = {
        NameObject("/Subtype"): NameObject("/Link"),
        NameObject("/Rect"): ArrayObject(NumberObject(n) for n in (0, 0, 9, 9)),
    }
    values.update({NameObject("/" + key): value for key, value in entries.items()})
    return on_page("/Annots", ArrayObject([DictionaryObject(values)]))


def script():
    return make.action("/JavaScript", JS=TextStringObject("app.alert(1)"))


def launch():
    return make.action("/Launch", F=TextStringObject("calc.exe"))


def link(address):
    return lambda: annotation(A=make.action("/URI", URI=TextStringObject(address)))


def attached(name, content):
    return make.changed(make.quote(), lambda writer: writer.add_attachment(name, content))


RECORD = b'{"format":"esign_quote/proof/2","kind":"signature"}'


def record(compressed=False, listed=True):
    """A file with a proof record inside, as the checkers look for it."""

    def change(writer):
        stream = DecodedStreamObject()
        stream.set_data(RECORD)
        stream = stream.flate_encode() if compressed else stream
        stream[NameObject("/Type")] = NameObject("/EmbeddedFile")
        reference = writer._add_object(stream)
        if not listed:
            writer.root_object[NameObject("/X")] = reference  # the writer leaves out what nothing refers to
            return
        files = DictionaryObject({NameObject("/F"): reference})
        entry = {"/Type": NameObject("/Filespec"), "/F": TextStringObject("a.json"), "/EF": files}
        specification = DictionaryObject({NameObject(key): value for key, value in entry.items()})
        writer.root_object[NameObject("/AF")] = ArrayObject([writer._add_object(specification)])

    return make.changed(make.quote(), change)


def layers(**configuration):
    values = DictionaryObject({NameObject("/" + key): value for key, value in configuration.items()})
    return in_catalogue(
        "/OCProperties", DictionaryObject({NameObject("/OCGs"): ArrayObject(), NameObject("/D"): values})
    )


def form(**entries):
    return in_catalogue("/AcroForm", DictionaryObject({NameObject("/" + key): value for key, value in entries.items()}))


def field(**entries):
    def change(writer):
        # pyHanko wants fields to be indirect objects, as every producer writes them.
        reference = writer._add_object(
            DictionaryObject({NameObject("/" + key): value for key, value in entries.items()})
        )
        writer.root_object[NameObject("/AcroForm")] = DictionaryObject(
            {NameObject("/Fields"): ArrayObject([reference])}
        )

    return make.changed(make.quote(), change)


def filled_form(redraw=True, listed=True, fields=True):
    """A form whose field is drawn as one price and holds another (12.7.2: NeedAppearances)."""
    widget = {
        "Type": NameObject("/Annot"),
        "Subtype": NameObject("/Widget"),
        "FT": NameObject("/Tx"),
        "T": TextStringObject("price"),
        "V": TextStringObject("999,00"),
        "F": NumberObject(4),
        "Rect": ArrayObject(NumberObject(n) for n in (150, 690, 350, 712)),
    }

    def change(writer):
        look = StreamObject()
        look.set_data(b"/Tx BMC BT /F1 12 Tf 2 4 Td (100,00) Tj ET EMC")
        look[NameObject("/Subtype")] = NameObject("/Form")
        look[NameObject("/BBox")] = ArrayObject(NumberObject(n) for n in (0, 0, 200, 22))
        entries = DictionaryObject({NameObject("/" + key): value for key, value in widget.items()})
        entries[NameObject("/AP")] = DictionaryObject({NameObject("/N"): writer._add_object(look)})
        reference = writer._add_object(entries)
        if fields:
            writer.pages[0][NameObject("/Annots")] = ArrayObject([reference])
        form = {NameObject("/Fields"): ArrayObject([reference] if fields and listed else [])}
        form[NameObject("/NeedAppearances")] = BooleanObject(redraw)
        writer.root_object[NameObject("/AcroForm")] = DictionaryObject(form)

    return make.changed(make.quote(), change)


def note(flags, subtype="/FreeText", drawn=True):
    """An annotation with flags (12.5.3): 2 hidden, 4 printed, 32 not shown, 256 not shown while pointed at."""

    def change(writer):
        look = StreamObject()
        look.set_data(b"1 0 0 rg 0 0 200 20 re f")
        look[NameObject("/Subtype")] = NameObject("/Form")
        look[NameObject("/BBox")] = ArrayObject(NumberObject(n) for n in (0, 0, 200, 20))
        entries = {
            "Subtype": NameObject(subtype),
            "Contents": TextStringObject("plus fees"),
            "F": NumberObject(flags),
            "Rect": ArrayObject(NumberObject(n) for n in (60, 600, 260, 620)),
        }
        if drawn:
            entries["AP"] = DictionaryObject({NameObject("/N"): writer._add_object(look)})
        values = DictionaryObject({NameObject("/" + key): value for key, value in entries.items()})
        writer.pages[0][NameObject("/Annots")] = ArrayObject([writer._add_object(values)])

    return make.changed(make.quote(), change)


def encrypted(**options):
    writer = pypdf.PdfWriter(clone_from=io.BytesIO(make.quote()))
    writer.encrypt(**options)
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def tree(kids=b"[3 0 R]", count=1, more=None):
    return make.raw(
        {
            1: b"<< /Type /Catalog /Pages 2 0 R >>",
            2: b"<< /Type /Pages /Kids %s /Count %d >>" % (kids, count),
            3: b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] >>",
            **(more or {}),
        }
    )


def nested_tree(depth):
    nodes = {
        4 + i: b"<< /Type /Pages /Parent %d 0 R /Kids [%d 0 R] /Count 1 >>"
        % (3 + i if i else 2, 5 + i if i < depth - 1 else 3)
        for i in range(depth)
    }
    return tree(b"[4 0 R]", 1, nodes)


def bomb(size):
    packed = zlib.compress(b"\0" * size, 9)
    content = make.stream(packed, b"/Filter /FlateDecode")
    return make.with_content(page_entries=b"/Contents 9 0 R", objects={9: content})


def long_chain():
    """A bookmark with more actions than anybody needs."""
    first = make.action("/GoTo")
    first[NameObject("/Next")] = ArrayObject([make.action("/GoTo") for _ in range(200)])
    return DictionaryObject({NameObject("/A"): first})
