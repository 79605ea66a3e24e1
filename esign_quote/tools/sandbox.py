"""PDFs of strangers are read in a process of their own, under limits that the kernel enforces.

A fresh interpreter (``python -I``) rather than a fork. Odoo's servers have threads, and a fork copies locks that
threads hold (OpenSSL's, the allocator's) into a child where nobody releases them; it copies connections to the
database, keys and passwords too. The fresh one costs half a second of CPU a sending, whatever the number of files;
the fork was measured at 0.1 s. What comes back is JSON, never a pickle: a child that was taken over can only lie
about the file.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from .exceptions import EsignError, InspectionFailed, PdfRefused
from .geometry import Placement
from .intake import REASONS, IntakeLimits, IntakeReport

__all__ = ["ANNEX", "MEMORY_BYTES", "QUOTE", "FileToInspect", "inspect_apart"]

QUOTE, ANNEX = "quote", "annex"
"""What a file is: stamped and sealed, or only shown and kept."""
MEMORY_BYTES = 1024 * 1024 * 1024
"""Address space that reading may take on top of the interpreter with its modules."""

_CHILD = Path(__file__).with_name("sandbox_child.py")
_START_SECONDS = 60
"""For the interpreter to start and to be handed the files, on a machine that is busy with other things."""
_NEEDED = ("LD_LIBRARY_PATH",)
"""Without it some builds of Python do not start."""
_OUT_OF_TIME = frozenset((signal.SIGXCPU, signal.SIGALRM))


@dataclass(frozen=True)
class FileToInspect:
    """A file and what it shall be."""

    kind: str
    """QUOTE or ANNEX."""
    data: bytes
    stamps: int = 1
    """How many places for stamps are wanted; of no meaning for an annex."""


def inspect_apart(files: Sequence[FileToInspect], limits: IntakeLimits | None = None) -> list[IntakeReport]:
    """Inspect files one after the other in one child process.

    :param files: in the order in which a refusal is wanted
    :param IntakeLimits limits: bounds, for each file
    :return: a report for each file
    :raises PdfRefused: as ``intake.inspect_pdf`` and ``intake.inspect_annex`` do, and ``too_complex`` when the
        child ran out of time or memory or died over a file; ``detail["file"]`` is the index of the file
    :raises InspectionFailed: ``not_started``: which is no fault of the files
    """
    limits = limits or IntakeLimits()
    reports: list[IntakeReport] = []
    if not files:
        return reports
    for number, item in enumerate(files):
        # Before anything is copied to the child.
        if len(item.data) > limits.max_bytes:
            raise PdfRefused("too_large", size=len(item.data), maximum=limits.max_bytes, file=number)
    code, lines = _run(_request(files, limits), _START_SECONDS + 2 * limits.max_seconds * len(files))
    if not lines or lines[0] != {"ready": True}:
        raise InspectionFailed("not_started", code=code)
    answers = lines[1:]
    for number in range(len(files)):
        if number >= len(answers):
            cause = "time" if -code in _OUT_OF_TIME or code == -signal.SIGKILL else "died"
            raise PdfRefused("too_complex", cause=cause, code=code, file=number)
        reports.append(_read(answers[number], number))
    return reports


def _request(files: Sequence[FileToInspect], limits: IntakeLimits) -> bytes:
    """Return a line of JSON, then the bytes of the files one behind the other."""
    head = {
        # The packages are where this process found them; -I would not look at PYTHONPATH.
        "path": [entry for entry in sys.path if entry and os.path.isabs(entry)],
        "memory": MEMORY_BYTES,
        "limits": asdict(limits),
        "files": [{"kind": item.kind, "size": len(item.data), "stamps": item.stamps} for item in files],
    }
    return b"".join((json.dumps(head).encode(), b"\n", *(item.data for item in files)))


def _run(request: bytes, seconds: float) -> tuple[int, list]:
    """Run the child; returns its exit code (negative: the signal that ended it) and its lines."""
    try:
        child = subprocess.Popen(  # noqa: S603 - our own interpreter and file
            [sys.executable, "-I", str(_CHILD)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            # Neither the secret of the seal nor anything else of the server's environment; no open files.
            env={"LC_ALL": "C.UTF-8", **{name: os.environ[name] for name in _NEEDED if name in os.environ}},
            cwd="/",
        )
    except (OSError, TypeError, ValueError) as error:
        raise InspectionFailed("not_started", cause=type(error).__name__) from error
    try:
        output, _nothing = child.communicate(request, timeout=seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        output, _nothing = child.communicate()
    finally:
        child.kill()
    return child.returncode, _lines(output)


def _lines(output: bytes) -> list:
    lines = []
    for line in output.splitlines():
        try:
            lines.append(json.loads(line))
        except ValueError:
            break  # cut off in the middle
    return lines


def _read(answer, number: int) -> IntakeReport:
    """Turn one line of the child into a report; whatever does not look like one is a refusal."""
    if isinstance(answer, dict) and answer.get("refused") in REASONS:
        detail = answer.get("detail")
        raise PdfRefused(answer["refused"], **{**(detail if isinstance(detail, dict) else {}), "file": number})
    try:
        values = dict(answer["report"])
        placements = tuple(Placement.from_dict(item) for item in values.pop("placements"))
        return IntakeReport(**values, placements=placements)
    except (KeyError, TypeError, ValueError, EsignError) as error:
        raise PdfRefused("too_complex", cause="answer", file=number) from error
