"""The process that reads PDFs of strangers; started by ``sandbox.py`` as a script, never imported.

It gets everything by its standard input, answers in lines of JSON, opens no file, no connection, no program.
"""

import gc
import importlib.util
import json
import os
import resource
import signal
import sys
import types
from dataclasses import asdict
from pathlib import Path

_GRACE = 5
"""Seconds for what lies between the files."""


class _Absent(types.ModuleType):
    """Stands for the network library that pyHanko imports for its own clients: a third of a second for nothing."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {})


def main() -> None:
    _hear_signals()
    source = sys.stdin.buffer
    request = json.loads(source.readline())
    sys.path[:] = request["path"]
    sys.dont_write_bytecode = True
    gc.disable()  # nothing of what is loaded is garbage
    sys.modules["aiohttp"] = _Absent("aiohttp")
    _name_package()
    from esign_tools import intake

    limits = intake.IntakeLimits(**request["limits"])
    intake.warm_up()
    files = [(item["kind"], source.read(item["size"]), item["stamps"]) for item in request["files"]]
    gc.enable()
    _lock_in(request["memory"], limits.max_seconds * len(files))
    _answer({"ready": True})
    for kind, data, stamps in files:
        _allow(limits.max_seconds)
        _answer(_inspect(intake, kind, data, limits, stamps))


def _hear_signals() -> None:
    """Undo what the starting thread had blocked: Odoo's workers block SIGXCPU, and it is inherited."""
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    for number in (signal.SIGXCPU, signal.SIGALRM):
        signal.signal(number, signal.SIG_DFL)


def _name_package() -> None:
    """Make the folder of this file importable under a name that collides with nothing."""
    folder = Path(__file__).resolve().parent
    spec = importlib.util.spec_from_file_location(
        "esign_tools", folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules["esign_tools"] = module
    spec.loader.exec_module(module)


def _lock_in(memory: int, seconds: int) -> None:
    """Limit memory, files and the whole time from here on; what is loaded does not count."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    _limit(resource.RLIMIT_AS, pages * resource.getpagesize() + memory)
    _limit(resource.RLIMIT_CPU, _used_seconds() + seconds + _GRACE)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    # The dry run needs an event loop: three descriptors.
    _limit(resource.RLIMIT_NOFILE, 16)


def _limit(what: int, value: int) -> None:
    """Set a limit, never above what this process was given (a container may give less)."""
    hard = resource.getrlimit(what)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(what, (value, value))


def _allow(seconds: int) -> None:
    """Give the next file its time: of the processor, and twice as much by the clock."""
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (min(_used_seconds() + seconds + 1, hard), hard))
    # No handler: the kernel ends the process, whatever Python is doing.
    signal.setitimer(signal.ITIMER_REAL, 2 * seconds)


def _used_seconds() -> int:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return int(used.ru_utime + used.ru_stime)


def _inspect(intake, kind: str, data: bytes, limits, stamps: int) -> dict:
    try:
        if kind == "quote":
            report = intake.inspect_pdf(data, limits, stamps=stamps)
        else:
            report = intake.inspect_annex(data, limits)
    except intake.PdfRefused as error:
        plain = {name: value for name, value in error.detail.items() if isinstance(value, str | int | float | None)}
        return {"refused": error.reason, "detail": plain}
    except MemoryError:
        return {"refused": "too_complex", "detail": {"cause": "MemoryError"}}
    values = asdict(report)
    values["placements"] = [placement.to_dict() for placement in report.placements]
    return {"report": values}


def _answer(value: dict) -> None:
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
    os._exit(0)  # taking the modules down again would cost a tenth of a second
