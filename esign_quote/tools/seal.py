"""The seal: all stamps and one PAdES certification signature in a single incremental update.

Nothing may follow a certification that allows no change (DocMDP P=1, ISO 32000-1 12.8.2.2), so
everything is inside this one update and the original stays a prefix of the result, byte for byte.
"""

import io
from collections.abc import Callable, Sequence
from datetime import datetime
from hashlib import sha256

from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.generic import pdf_name
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

from .cms import signed_data, signed_data_size
from .exceptions import SealError, TimestampError
from .geometry import Placement
from .pdf_limits import PYHANKO_LIMITS
from .revocation import ValidationData
from .seal_key import SealKey, generate_certificate, read_pkcs12
from .signature_field import CertificationValue, add_certification, is_signed
from .stamping import draw_form, import_stamp

__all__ = ["SealKey", "generate_certificate", "read_pkcs12", "seal_pdf", "stamp_pdf"]


class _Writer(IncrementalPdfFileWriter):
    """An incremental update that is written apart from the file it continues, which is never copied."""

    def __init__(self, original: bytes):
        super().__init__(io.BytesIO(original), strict=True, decode_limits=PYHANKO_LIMITS)
        self._original_size = len(original)

    def _update_meta(self):
        """Leave what the document says of itself, /Info and XMP, to its author; /M says when it was sealed.

        Both would have to agree for PDF/A, and the number of the program that sealed is nobody's business.
        """

    def write_update(self) -> "_Tail":
        """Write the update alone; positions count from the start of the whole file."""
        tail = _Tail(self._original_size)
        self._prep_dom_for_writing()
        self._write_updated_section(tail)
        return tail


class _Tail(io.BytesIO):
    """The end of a file, written as if the ``base`` bytes before it were there too."""

    def __init__(self, base: int):
        super().__init__()
        self.base = base

    def tell(self) -> int:
        return self.base + super().tell()

    def seek(self, position: int, whence: int = io.SEEK_SET) -> int:
        return self.base + super().seek(position - self.base if whence == io.SEEK_SET else position, whence)


def stamp_pdf(original: bytes, stamps: Sequence[tuple[Placement, bytes]]) -> bytes:
    """Draw stamps without sealing: the preview that the next signer sees.

    :param bytes original: what was read and agreed to; the result begins with these bytes
    :param stamps: (where, one-page PDF) in drawing order; without any the original comes back
    :raises SealError: ``placement_invalid``, ``stamp_invalid``, ``page_geometry``, ``content_broken``,
        ``stamping_failed`` (``detail['cause']`` names the exception)
    """
    if not stamps:
        return original
    try:
        writer = _Writer(original)
        _refuse_unsealable(writer)
        _draw_all(writer, stamps)
        return original + writer.write_update().getvalue()
    except SealError:
        raise
    except Exception as error:
        raise SealError("stamping_failed", cause=type(error).__name__) from error


def seal_pdf(
    original: bytes,
    stamps: Sequence[tuple[Placement, bytes]],
    key: SealKey,
    *,
    signing_time: datetime,
    signer_name: str,
    reason: str,
    location: str | None = None,
    contact: str | None = None,
    timestamp: Callable[[bytes], bytes] | None = None,
    validation_data: ValidationData | None = None,
) -> bytes:
    """Stamp and seal a PDF: PAdES baseline B-B (ETSI EN 319 142-1), certification with P=1.

    :param bytes original: what was read and agreed to; the result begins with these bytes
    :param stamps: (where, one-page PDF) in drawing order; may be empty
    :param SealKey key: whose seal
    :param datetime signing_time: aware; goes into /M
    :param str signer_name: /Name of the signature dictionary
    :param str reason: /Reason
    :param str location: /Location
    :param str contact: /ContactInfo
    :param timestamp: gets the signature value and returns a checked time-stamp token (RFC 3161, DER) over
        its SHA-256, or raises TimestampError; makes it B-T
    :param ValidationData validation_data: goes into the same update, which makes it B-LT
    :return: the sealed PDF
    :raises SealError: ``bad_time``, ``certificate_expired``, ``certificate_not_yet_valid``,
        ``placement_invalid``, ``stamp_invalid``, ``page_geometry``, ``content_broken``, ``timestamp_failed``
        (``detail['cause']`` is the reason), ``signing_failed`` (``detail['cause']`` names the exception)
    """
    if signing_time.tzinfo is None:
        raise SealError("bad_time")
    key.check_valid_at(signing_time)
    try:
        writer = _Writer(original)
        _refuse_unsealable(writer)
        _draw_all(writer, stamps)
        if validation_data:
            # Revocation data behind the signature would be a change: it goes into the same update.
            _add_validation_data(writer, validation_data)
        texts = {"/Name": signer_name, "/Reason": reason, "/Location": location, "/ContactInfo": contact}
        value = CertificationValue(signed_data_size(key, timestamp is not None), signing_time, texts)
        add_certification(writer, value)
        tail = writer.write_update()
        digest = _fill_byte_range(value, tail, original)
        _fill_contents(value, tail, signed_data(key, digest, timestamp))
        return original + tail.getvalue()
    except SealError:
        raise
    except TimestampError as error:
        raise SealError("timestamp_failed", cause=error.reason) from error
    except Exception as error:
        # pyHanko lets KeyError, TypeError, RecursionError and others out of broken files.
        raise SealError("signing_failed", cause=type(error).__name__) from error


def _refuse_unsealable(writer: _Writer) -> None:
    """Refuse what the intake refuses, too: here it would come out broken."""
    reader = writer.prev
    if reader.encrypted:
        raise SealError("signing_failed", cause="encrypted")
    if reader.xrefs.hybrid_xrefs_present:
        raise SealError("signing_failed", cause="hybrid")
    # A certification must be the first signature (ISO 32000-1 12.8.1).
    if is_signed(writer):
        raise SealError("signing_failed", cause="signed")


def _draw_all(writer: _Writer, stamps: Sequence[tuple[Placement, bytes]]) -> None:
    forms = {}
    for placement, stamp in stamps:
        if stamp not in forms:
            forms[stamp] = import_stamp(writer, stamp)
        draw_form(writer, placement, forms[stamp])


def _add_validation_data(writer: _Writer, data: ValidationData) -> None:
    """Add a document security store (ISO 32000-2 12.8.4.3)."""
    store = generic.DictionaryObject({pdf_name("/Type"): pdf_name("/DSS")})
    for name, items in (("/Certs", data.certificates), ("/OCSPs", data.ocsps), ("/CRLs", data.crls)):
        if items:
            streams = (generic.StreamObject(stream_data=der) for der in dict.fromkeys(items))
            store[pdf_name(name)] = generic.ArrayObject(writer.add_object(stream) for stream in streams)
    writer.root[pdf_name("/DSS")] = writer.add_object(store)
    writer.update_root()


def _fill_byte_range(value: CertificationValue, tail: _Tail, original: bytes) -> bytes:
    """Write which bytes are signed, everything but /Contents, and return their SHA-256."""
    room, (start, end) = value.byte_range, (value.contents.start, value.contents.end)
    size = tail.tell()
    numbers = b"[0 %d %d %d]" % (start, end, size - end)
    _fill(tail, room.start, numbers.ljust(room.end - room.start), room.end)
    digest = sha256(original)
    with tail.getbuffer() as update:
        digest.update(update[: start - tail.base])
        digest.update(update[end - tail.base :])
    return digest.digest()


def _fill_contents(value: CertificationValue, tail: _Tail, der: bytes) -> None:
    # Behind the opening "<"; what is left of the zeros stays behind the DER.
    _fill(tail, value.contents.start + 1, der.hex().encode("ascii"), value.contents.end - 1)


def _fill(tail: _Tail, start: int, data: bytes, end: int) -> None:
    if len(data) > end - start:
        raise SealError("signing_failed", cause="size")
    tail.seek(start)
    tail.write(data)
