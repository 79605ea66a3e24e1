"""The signature's place in a PDF: an invisible field whose value certifies the file (ISO 32000-1 12.7.4.5, 12.8).

pyHanko has the same, behind an import of its whole signing machinery (half a second in each process).
"""

from collections.abc import Iterator
from datetime import datetime

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.extensions import DeveloperExtension, DevExtensionMultivalued
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from .stamping import find_page

__all__ = ["CertificationValue", "add_certification", "is_signed"]

FIELD_NAME = "EsignSeal"
_PRINT_AND_LOCKED = 132
_APPEND_ONLY_WITH_SIGNATURES = 3
_BYTE_RANGE_ROOM = 64
_MAX_DEPTH = 60
# PAdES is part of PDF 2.0; earlier versions announce it (ETSI EN 319 142-1).
_PADES_EXTENSION = DeveloperExtension(
    pdf_name("/ESIC"),
    pdf_name("/1.7"),
    1,
    compare_by_level=True,
    multivalued=DevExtensionMultivalued.NEVER,
)


class Room(generic.PdfObject):
    """A place in the file that is filled once everything else is written; remembers where it is."""

    def __init__(self, blank: bytes):
        self._blank = blank
        self.start = self.end = 0

    def write_to_stream(self, stream, handler=None, container_ref=None):
        """Write it empty."""
        self.start = stream.tell()
        stream.write(self._blank)
        self.end = stream.tell()


class CertificationValue(generic.DictionaryObject):
    """The signature dictionary: PAdES, no change allowed (DocMDP P=1), contents and byte range still empty.

    :param int size: bytes to keep free for the CMS signature
    :param datetime moment: /M
    :param texts: by key of the dictionary, /Name for example; empty ones are left out
    """

    def __init__(self, size: int, moment: datetime, texts: dict[str, str | None]):
        super().__init__()
        # Hexadecimal: two digits a byte.
        self.contents = Room(b"<" + b"0" * (2 * size) + b">")
        self.byte_range = Room(b"[]".ljust(_BYTE_RANGE_ROOM))
        parameters = {
            "/Type": pdf_name("/TransformParams"),
            "/V": pdf_name("/1.2"),
            "/P": generic.NumberObject(1),
        }
        certification = {
            "/Type": pdf_name("/SigRef"),
            "/TransformMethod": pdf_name("/DocMDP"),
            "/TransformParams": _dictionary(parameters),
        }
        values = {
            "/Type": pdf_name("/Sig"),
            "/Filter": pdf_name("/Adobe.PPKLite"),
            "/SubFilter": pdf_name("/ETSI.CAdES.detached"),
            "/M": generic.pdf_date(moment),
            "/Reference": generic.ArrayObject([_dictionary(certification)]),
            "/ByteRange": self.byte_range,
            "/Contents": self.contents,
        }
        values |= {key: generic.pdf_string(text) for key, text in texts.items() if text}
        self.update({pdf_name(key): value for key, value in values.items()})


def _dictionary(values: dict) -> generic.DictionaryObject:
    return generic.DictionaryObject({pdf_name(key): value for key, value in values.items()})


def is_signed(writer: IncrementalPdfFileWriter) -> bool:
    """Tell whether a signature, a certification or usage rights are there already."""
    root = writer.root
    return "/Perms" in root or any(_filled_signatures(_entry(_entry(root, "/AcroForm"), "/Fields")))


def _filled_signatures(fields, inherited_type=None, depth: int = 0) -> Iterator[bool]:
    if not isinstance(fields, generic.ArrayObject) or depth > _MAX_DEPTH:
        return
    for reference in fields:
        node = reference.get_object()
        if isinstance(node, generic.DictionaryObject):
            kind = _entry(node, "/FT") or inherited_type
            if kind == "/Sig" and _entry(node, "/V") is not None:
                yield True
            yield from _filled_signatures(_entry(node, "/Kids"), kind, depth + 1)


def _entry(dictionary, key: str):
    """Return what a dictionary holds; None where there is none, or where it is null."""
    if not isinstance(dictionary, generic.DictionaryObject) or key not in dictionary:
        return None
    found = dictionary[key]  # not .get(): that one does not follow references
    return None if isinstance(found, generic.NullObject) else found


def add_certification(writer: IncrementalPdfFileWriter, value: CertificationValue) -> None:
    """Add the value with a field of its own, and enter it as the file's certification (12.8.4)."""
    if writer.output_version < (2, 0):
        writer.register_extension(_PADES_EXTENSION)
    form, fields = _form(writer)
    page = find_page(writer, 0)
    reference = writer.add_object(value)
    entries = {
        "/Type": pdf_name("/Annot"),
        "/Subtype": pdf_name("/Widget"),
        "/FT": pdf_name("/Sig"),
        "/T": generic.pdf_string(_free_name(fields)),
        "/F": generic.NumberObject(_PRINT_AND_LOCKED),
        "/Rect": generic.ArrayObject([generic.NumberObject(0)] * 4),
        "/P": page,
        "/V": reference,
    }
    field = writer.add_object(_dictionary(entries))
    fields.append(field)
    writer.update_container(fields)
    form[pdf_name("/SigFlags")] = generic.NumberObject(_APPEND_ONLY_WITH_SIGNATURES)
    # A viewer that draws fields anew would change what is sealed.
    if "/NeedAppearances" in form:
        del form["/NeedAppearances"]
    writer.update_container(form)
    writer.register_annotation(page, field)
    writer.root[pdf_name("/Perms")] = _dictionary({"/DocMDP": reference})
    writer.update_root()


def _form(writer: IncrementalPdfFileWriter) -> tuple[generic.DictionaryObject, generic.ArrayObject]:
    """Return the form and its list of fields, new ones where there are none."""
    form = _entry(writer.root, "/AcroForm")
    if form is None:
        form = generic.DictionaryObject()
        writer.root[pdf_name("/AcroForm")] = writer.add_object(form)
    fields = _entry(form, "/Fields")
    if fields is None:
        form[pdf_name("/Fields")] = fields = generic.ArrayObject()
    return form, fields


def _free_name(fields: generic.ArrayObject) -> str:
    taken = {str(_entry(field.get_object(), "/T")) for field in fields}
    names = (f"{FIELD_NAME}{number or ''}" for number in range(len(taken) + 1))
    return next(name for name in names if name not in taken)
