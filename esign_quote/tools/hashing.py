"""Hashes and the one canonical form in which evidence is written."""

import hashlib

import rfc8785


def sha256_hex(data: bytes) -> str:
    """Return the SHA-256 of ``data`` as 64 lower-case hexadecimal digits (FIPS 180-4)."""
    return hashlib.sha256(data).hexdigest()


def canonical_json(value) -> bytes:
    """Serialise ``value`` in the JSON Canonicalization Scheme (RFC 8785).

    Two programs that hold the same values get the same bytes, so the bytes can be hashed.

    :param value: dicts with text keys, lists, text, integers up to 2**53, booleans, None.
        Floats are refused: money and large numbers travel as text.
    :rtype: bytes
    :raise ValueError: a value that has no canonical form
    """
    _refuse_floats(value)
    return rfc8785.dumps(value)


def _refuse_floats(value):
    if isinstance(value, float):
        raise ValueError("evidence holds no floats")  # noqa: TRY004  the docstring promises one kind of error
    if isinstance(value, dict):
        for item in value.values():
            _refuse_floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_floats(item)
