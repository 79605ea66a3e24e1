"""``docs/conformance.md``: every file of the set with our verdict and those of others."""

import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.exceptions import PdfRefused
from tools.intake import inspect_pdf
from tools.verify import verify_strict

from .attacks import ATTACKS, Attack, our_key
from .inputs import ACCEPTED, VECTORS, Vector
from .judges import SEAL_JUDGES, judge_input, judge_seal, total_seen
from .sealing import places, read_code, seal_with

DOCUMENT = Path(__file__).resolve().parents[4] / "docs" / "conformance.md"

_HEAD = """# Conformance set

Written by `dev/conformance`, from the generators in `esign_quote/tests/tools/conformance`; checked by `dev/test tools`.
{count} files: what a company may send, what it may not, and what may be done to a sealed file.
"""
_ACCEPTED = """
## Accepted at sending

Sealed with one stamp. "stamp": the QR code is read back from the page that poppler renders, upright and within
2 pixels (at 150 dpi) of its place. The other columns say what each program finds in the sealed file.
"""
_REFUSED = """
## Refused at sending

Our reason (`REASONS` of `tools/intake.py`), and what other readers make of the file: pages found, or an error. Nothing
is repaired: what they repair silently is refused here.
"""
_ATTACKS = """
## Attacks on a sealed file

Our verdict (`REASONS` of `tools/verify.py`), the total that a reader sees (1 234,50 was sealed), and what other
validators say. "partial": the signature does not cover the whole file. Prepared shadow attacks are the sealed file
itself: nothing has changed yet. pyHanko: verdict, coverage, modification level.
"""


def our_verdict(vector: Vector, data: bytes) -> str:
    """Return ACCEPTED or the reason of the intake."""
    try:
        inspect_pdf(data)
    except PdfRefused as error:
        return error.reason
    return ACCEPTED


def our_judgement(attack: Attack, data: bytes) -> str:
    """Return the reason of ``verify_strict``."""
    original = attack.original() if attack.original else None
    known = (hashlib.sha256(original).hexdigest(), len(original)) if original else (None, None)
    return verify_strict(data, our_key().certificate, *known).reason


def committed(text: str) -> dict[str, list[str]]:
    """Read the tables of the document: name -> columns."""
    rows = {}
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        if len(cells) > 1 and set(line) - set("|- ") and cells[0] != "file":
            rows[cells[0]] = cells[1:]
    return rows


def write() -> str:
    """Judge everything and return the document."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "file.pdf")
        parts = [
            _HEAD.format(count=len(VECTORS) + len(ATTACKS)),
            _ACCEPTED,
            *_table(("file", "ours", "stamp", *SEAL_JUDGES), _accepted_rows(path)),
            _REFUSED,
            *_table(("file", "ours", "poppler", "mutool", "qpdf"), _refused_rows(path)),
            _ATTACKS,
            *_table(("file", "ours", "total seen", *SEAL_JUDGES), _attack_rows(path)),
        ]
    return "\n".join(parts) + "\n"


def _table(head: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> Iterator[str]:
    yield _row(head)
    yield _row(["---"] * len(head))
    for row in rows:
        yield _row(row)


def _row(cells) -> str:
    return f"| {' | '.join(cells)} |"


def _accepted_rows(path: Path) -> Iterator[tuple[str, ...]]:
    for vector in VECTORS:
        if vector.verdict != ACCEPTED:
            continue
        data = vector.build()
        placements = places(data, 1)
        path.write_bytes(seal_with(data, placements))
        code = read_code(path, placements[0])
        stamp = "read, upright" if code.off_place <= 2 and abs(code.turned) <= 1 else f"{code}"
        yield vector.name, our_verdict(vector, data), stamp, *judge_seal(path, our_key().certificate).values()


def _refused_rows(path: Path) -> Iterator[tuple[str, ...]]:
    for vector in VECTORS:
        if vector.verdict != ACCEPTED:
            data = vector.build()
            path.write_bytes(data)
            yield vector.name, our_verdict(vector, data), *judge_input(path).values()


def _attack_rows(path: Path) -> Iterator[tuple[str, ...]]:
    for attack in ATTACKS:
        data = attack.build()
        path.write_bytes(data)
        judged = judge_seal(path, our_key().certificate)
        yield attack.name, our_judgement(attack, data), total_seen(path), *judged.values()
