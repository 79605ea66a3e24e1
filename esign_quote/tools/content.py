"""Reading of PDF content streams (ISO 32000-1 7.8.2), in linear time whatever the bytes are.

Two readers share the rules for strings, comments and inline images: :func:`graphics_balance`, which
looks only for ``q`` and ``Q``, and :func:`operations`, which yields every operator with its operands.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Balance", "graphics_balance", "operations"]

_WHITE = rb"\x00\t\n\x0c\r "
_DELIMITERS = rb"()<>\[\]{}/%"
_REGULAR = rb"[^" + _WHITE + _DELIMITERS + rb"]"

# What may hide a q or Q (string, comment, name, inline image), or is one. A plain set of bytes: pages drawn as
# outlines have megabytes between two of them, which the engine then skips at the speed of memory.
_CANDIDATE = re.compile(rb"[(<%/qQB]")
_BOUNDARY = frozenset(b"\x00\t\n\x0c\r ()<>[]{}/%")
_TOKEN = re.compile(rb"<<|>>|[()<>\[\]{}]|%[^\r\n]*|/?" + _REGULAR + rb"*")
_SKIP_WHITE = re.compile(rb"[" + _WHITE + rb"]*")
_STRING_PART = re.compile(rb"\\.|[()]", re.DOTALL)
_END_OF_LINE = re.compile(rb"[\r\n]")
_NAME_END = re.compile(_REGULAR + rb"*")
_IMAGE_DATA = re.compile(rb"(?<=[" + _WHITE + _DELIMITERS + rb"])ID[" + _WHITE + rb"]")
_IMAGE_END = re.compile(rb"[" + _WHITE + rb"]EI(?=[" + _WHITE + rb"]|\Z)")

_MAX_OPERANDS = 4096
_MAX_NUMBER_LENGTH = 40


@dataclass(frozen=True)
class Balance:
    """How far a content stream leaves the graphics state stack from where it found it."""

    unopened: int
    """Number of ``Q`` without a ``q`` before."""
    unclosed: int
    """Number of ``q`` without a ``Q`` after."""
    truncated: bool
    """True when a string or inline image never ends: whatever follows would be swallowed."""


def graphics_balance(data: bytes) -> Balance:
    """Count unmatched ``q`` and ``Q`` operators (ISO 32000-1 8.4.2).

    :param bytes data: decoded content of a page, its streams joined by white space
    """
    depth = unopened = position = 0
    truncated = False
    while match := _CANDIDATE.search(data, position):
        token, start, position = match.group(), match.start(), match.end()
        if token in b"qQB":
            token = _operator_at(data, start)
        if token == b"q":
            depth += 1
        elif token == b"Q":
            unopened += depth == 0
            depth = max(0, depth - 1)
        elif token:
            position = _skip(data, token, start + len(token))
            if position < 0:
                truncated = True
                break
    return Balance(unopened, depth, truncated)


def _operator_at(data: bytes, start: int) -> bytes:
    """Return the ``q``, ``Q`` or ``BI`` that stands at ``start``, or nothing where it is part of a longer word."""
    token = b"BI" if data.startswith(b"BI", start) else data[start : start + 1]
    end = start + len(token)
    free_before = start == 0 or data[start - 1] in _BOUNDARY
    free_behind = end >= len(data) or data[end] in _BOUNDARY
    return token if token != b"B" and free_before and free_behind else b""


def _skip(data: bytes, token: bytes, position: int) -> int:
    """Go past what ``token`` opened; -1 when it never ends."""
    if token == b"(":
        return _string_end(data, position)
    if token == b"%":
        match = _END_OF_LINE.search(data, position)
        return match.end() if match else len(data)
    if token == b"/":
        return _NAME_END.match(data, position).end()
    if token == b"BI":
        return _inline_image_end(data, position)
    # "<<" opens a dictionary whose contents are read like anything else.
    return position + 1 if data.startswith(b"<", position) else _hex_end(data, position)


def _string_end(data: bytes, position: int) -> int:
    depth = 1
    while match := _STRING_PART.search(data, position):
        position = match.end()
        depth += {b"(": 1, b")": -1}.get(match.group(), 0)
        if not depth:
            return position
    return -1


def _hex_end(data: bytes, position: int) -> int:
    return data.find(b">", position) + 1 or -1


def _inline_image_end(data: bytes, position: int) -> int:
    start = _IMAGE_DATA.search(data, position)
    # One byte back: the white space before EI may be the one behind ID.
    end = _IMAGE_END.search(data, start.end() - 1) if start else None
    return end.end() if end else -1


def operations(data: bytes) -> Iterator[tuple[bytes, list]]:
    """Yield ``(operator, operands)`` in order; an inline image is one operator ``BI``.

    Operands are float, bytes (strings: decoded length is enough for measuring, names keep their slash),
    list (arrays) or None (dictionaries). Reading stops silently where the syntax breaks off.

    :param bytes data: decoded content
    """
    stack: list = []
    arrays: list[list] = []
    dictionaries = position = 0
    end = len(data)
    while position < end:
        match = _TOKEN.match(data, _SKIP_WHITE.match(data, position).end())
        token, position = match.group(), match.end()
        if not token:
            # Only at the very end: every other byte begins a token.
            return
        if token in _STRUCTURE:
            dictionaries = _structure(token, stack, arrays, dictionaries)
            continue
        if token in (b"(", b"<"):
            start, position = position, _skip(data, token, position)
            if position < 0:
                return
            value: object = _string_value(data[start : position - 1], token)
        elif token[:1] in (b"%", b"{", b"}", b")"):
            continue
        else:
            value = _number_or_name(token)
            if value is None and not dictionaries and not arrays:
                if token == b"BI":
                    position = _inline_image_end(data, position)
                yield token, stack
                stack = []
                if position < 0:
                    return
                continue
        if not dictionaries:
            target = arrays[-1] if arrays else stack
            if len(target) < _MAX_OPERANDS:
                target.append(value)


_STRUCTURE = frozenset((b"<<", b">>", b"[", b"]"))


def _structure(token: bytes, stack: list, arrays: list[list], dictionaries: int) -> int:
    """Open or close an array or dictionary; returns the new depth of dictionaries."""
    if token == b"<<":
        return dictionaries + 1
    if token == b">>":
        if dictionaries == 1 and not arrays:
            stack.append(None)
        return max(0, dictionaries - 1)
    if dictionaries:
        return dictionaries
    if token == b"[" and len(arrays) < 8:
        arrays.append([])
    elif token == b"]" and arrays:
        closed = arrays.pop()
        (arrays[-1] if arrays else stack).append(closed)
    return dictionaries


def _string_value(raw: bytes, opened_by: bytes) -> bytes:
    if opened_by == b"<":
        digits = bytes(byte for byte in raw if byte in b"0123456789abcdefABCDEF")
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode())
    if b"\\" not in raw:
        return raw
    return _ESCAPE.sub(_unescape, raw)


_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|.))", re.DOTALL)
_ESCAPES = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b"", b"\r": b"", b"\r\n": b""}


def _unescape(match: re.Match) -> bytes:
    octal, other = match.groups()
    if octal:
        return bytes((int(octal, 8) & 255,))
    return _ESCAPES.get(other, other)


def _number_or_name(token: bytes) -> float | bytes | None:
    """Return the operand a regular token stands for, or None for an operator."""
    first = token[:1]
    if first == b"/":
        return token
    if first in b"+-.0123456789" and len(token) <= _MAX_NUMBER_LENGTH:
        try:
            return float(token)
        except ValueError:
            return None
    return {b"true": 1.0, b"false": 0.0, b"null": 0.0}.get(token)
