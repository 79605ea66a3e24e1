"""One place for the limits under which untrusted PDFs are decoded (figures: measured hostile files)."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

import pypdf
from pyhanko.pdf_utils.decode_limits import DecodeLimits, DocumentDecodeBudget, StreamDecodeLimits
from pyhanko.pdf_utils.misc import PdfDecodeLimitError
from pypdf.errors import LimitReachedError

from .exceptions import PdfRefused

__all__ = ["PYHANKO_LIMITS", "pypdf_limits", "refused_when_unreadable"]

_MIB = 1024 * 1024

PYHANKO_LIMITS = DecodeLimits(
    # 1100: just above what one layer of Deflate can expand (1032), so stacked filters are refused.
    per_stream=StreamDecodeLimits(max_ratio=1100, max_output_size=32 * _MIB),
    document_budget=DocumentDecodeBudget(base_allowance=128 * _MIB, max_ratio=20),
)
"""For every pyHanko reader and writer."""


def pypdf_limits() -> AbstractContextManager:
    """Return a context manager under which pypdf decodes at most 32 MB a stream."""
    limit = 32 * _MIB
    return pypdf.apply_configuration(
        zlib_maximum_output_length=limit,
        lzw_maximum_output_length=limit,
        run_length_maximum_output_length=limit,
        array_based_stream_maximum_output_length=limit,
        brotli_maximum_output_length=limit,
        stream_decoding_work_maximum_length=100_000_000,
        page_tree_maximum_depth=60,
    )


@contextmanager
def refused_when_unreadable() -> Iterator[None]:
    """Turn whatever a library raises over a bad file into a refusal.

    :raises PdfRefused: ``too_complex`` beyond a limit, ``broken`` for everything else
    """
    try:
        yield
    except PdfRefused:
        raise
    except (PdfDecodeLimitError, LimitReachedError, MemoryError, RecursionError) as error:
        raise PdfRefused("too_complex", cause=type(error).__name__) from error
    except Exception as error:
        # KeyError, TypeError, ValueError, AssertionError and others were all seen.
        raise PdfRefused("broken", cause=type(error).__name__) from error
