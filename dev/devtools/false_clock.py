"""A clock that goes wrong on demand, for one process: libfaketime (Debian's package ``faketime``)."""

import os
import select
import time
from pathlib import Path

FILE = "FAKETIME_TIMESTAMP_FILE"


def library() -> Path | None:
    """The library that a process has to be started with, if this machine has it."""
    return next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))), None)


class FalseClock:
    """The clock of the processes that are started with ``variables``; right until :meth:`shift` says otherwise."""

    def __init__(self, path: Path):
        self._path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self.shift("+0")

    def shift(self, offset: str) -> None:
        """Set it ahead or back from now on: ``+1h``, ``-1y``, ``+0``."""
        building = self._path.with_suffix(".new")
        building.write_text(f"{offset}\n")
        building.rename(self._path)  # it is read at each look at the clock

    @property
    def variables(self) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(library()),
            FILE: str(self._path),
            "FAKETIME_NO_CACHE": "1",
            # What waits for a while goes on waiting for that while.
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }


def install() -> None:
    """In a process with a false clock: let it sleep by ``select``, since libfaketime 0.9.10 breaks ``time.sleep``."""
    if FILE in os.environ:
        time.sleep = lambda seconds: select.select([], [], [], seconds)
