"""Runs inside the attacked Odoo, as a server-wide module: counts comparisons of codes where they happen.

Where a test wants faults, it also lets them come true (:mod:`devtools.fault_points`).

The journal's entries say how many guesses the addon *believes* it compared; this says how many it did. The method
itself stays as it is: it is called from a wrapper that appends one line to a file, before it answers.
"""

import functools
import os
import time
from dataclasses import dataclass
from pathlib import Path

from . import false_clock, fault_points

MODULE = "fault_probe"  # its name as an addon
# Seconds between a right comparison and what follows: a race that is lost once in a thousand times is lost here.
WINDOW = 0.05


def write_addon(folder: Path, record: Path, faults: Path | None = None) -> None:
    """Write the addon that makes a server import this module and record comparisons in ``record``.

    :param faults: folder of the faults that come true in the server; without it there are none, and nothing is slower
    """
    addon = folder / MODULE
    addon.mkdir(parents=True, exist_ok=True)
    (addon / "__init__.py").write_text(
        f"from functools import partial\n\nfrom {__name__} import install\n\n"
        f"start = partial(install, {str(record)!r}, {str(faults or '')!r})\n"
    )
    manifest = {"name": MODULE, "author": "esign_quote", "license": "LGPL-3", "post_load": "start"}
    (addon / "__manifest__.py").write_text(repr(manifest))


def install(record: str, faults: str = "") -> None:
    # Here, since the callers of write_addon and read need no Odoo.
    from odoo.addons.esign_quote.models.esign_otp import EsignOtp

    EsignOtp._matches = _recording(EsignOtp._matches, record)
    false_clock.install()
    if faults:
        fault_points.install(faults)


def _recording(matches, record: str):
    @functools.wraps(matches)
    def recorded(self, code):
        answer = matches(self, code)
        # One short write to a file opened for appending: lines of many processes do not mix.
        descriptor = os.open(record, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            os.write(descriptor, f"{self.id} {int(answer)}\n".encode())
        finally:
            os.close(descriptor)
        if answer:
            time.sleep(WINDOW)
        return answer

    return recorded


@dataclass(frozen=True)
class Comparison:
    otp_id: int
    matched: bool


def read(record: Path) -> list[Comparison]:
    """The comparisons so far, oldest first."""
    if not record.exists():
        return []
    rows = (map(int, line.split()) for line in record.read_text().splitlines())
    return [Comparison(otp, bool(matched)) for otp, matched in rows]
