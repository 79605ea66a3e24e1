"""R-11: every flipped bit and every appended byte of a dispute pack is found.

``ESIGN_TAMPERING=10000`` takes the number of the security plan (about three minutes); by default fewer.
The seal alone need not see all of them (SECURITY 0.4): which ones it saw is printed beside.
"""

import functools
import hashlib
import os
import random
from collections import Counter

import pytest
import vectors
from test_check import check
from tools import verify

COUNT = int(os.environ.get("ESIGN_TAMPERING") or 600)
FILES = ("signed.pdf", "proof.pdf", "proof.json", "journal.json")
SEED = 20260312


@pytest.fixture(scope="module")
def remembered():
    """The checker, which judges a file that was not changed once only."""
    original = check.read_seal
    by_content = functools.lru_cache(maxsize=8)(original)
    check.read_seal = lambda data, known=(): by_content(data, tuple(known))
    yield check
    check.read_seal = original


def tampered(source, data):
    """Return other bytes: one bit flipped, or a few appended."""
    if source.random() < 0.9:
        return "flipped", vectors.flip(data, source.randrange(len(data)), source.randrange(8))
    return "appended", data + source.randbytes(source.choice((1, 1, 1, 2, 16, 4096)))


def test_all_of_it_is_found(key, original, remembered, record_property):
    files = vectors.signature_pack(key, original)
    assert remembered.check(files).word == "authentic"
    recorded = {hashlib.sha256(files[name]).hexdigest() for name in FILES}
    source, tried, by_seal, missed = random.Random(SEED), Counter(), Counter(), []
    for number in range(COUNT):
        name = FILES[number % len(FILES)]
        how, data = tampered(source, files[name])
        tried[name, how] += 1
        if remembered.check({**files, name: data}).word == "authentic":
            missed.append((number, name, how))
        # What the server does at /esign/verify: the bytes are looked up by their hash.
        assert hashlib.sha256(data).hexdigest() not in recorded
        if name.endswith(".pdf"):
            by_seal[name] += verify.judge(data, {key.fingerprint}).word != "authentic"
    for (name, how), count in sorted(tried.items()):
        print(f"{name}: {count} {how}, all found")  # noqa: T201  the numbers are asked for
    for name, count in by_seal.items():
        of = sum(found for (one, _how), found in tried.items() if one == name)
        print(f"{name}: {count} of {of} found by the seal alone")  # noqa: T201
        record_property(f"{name} by the seal alone", f"{count}/{of}")
    assert not missed
