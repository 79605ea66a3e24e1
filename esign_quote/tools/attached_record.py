"""Does a PDF carry a record that could be taken for a proof of ours?

The stand-alone checkers believe a proof record that is attached inside a PDF sealed by the company. Only the
proof may be such a PDF: a quotation with a record inside would become one by its own seal.
"""

import re
import zlib

__all__ = ["carries_record"]

_MARK = b'"esign_quote/proof/'
_STREAM = re.compile(rb"stream\r?\n")
_DICTIONARY_BYTES = 2000
"""Where the dictionary of a stream is looked for: before it. The checkers look less far."""
_MAX_BYTES = 20_000_000


def carries_record(data: bytes) -> bool:
    """Look for attached proof records, listed or not, compressed or not, as `static/check` does, but wider."""
    for match in _STREAM.finditer(data):
        if b"/EmbeddedFile" not in data[max(0, match.start() - _DICTIONARY_BYTES) : match.start()]:
            continue
        raw = data[match.end() : data.find(b"endstream", match.end())]
        if _MARK in raw or _MARK in _decompressed(raw):
            return True
    return False


def _decompressed(raw: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(raw, _MAX_BYTES)
    except zlib.error:
        return b""
