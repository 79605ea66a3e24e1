"""``dev/faults``: attack the addon on real servers, print what came of it, end non-zero when anything failed.

Three kinds of servers: one with four workers, one with threads, two on one database behind a round robin.
What is attacked and what must hold: dev/tests/faults; how often: dev/tests/faults/scale.py.
"""

import argparse
import json
import signal
import sys
import threading
import time
from pathlib import Path

from . import paths
from .suites.base import Context, Outcome
from .suites.pytest_suites import run_faults
from .test_runner import show_failures

SUMMARY = "faults.jsonl"
COLUMNS = "{:44} {:10} {:>6} {:>7}  {:6}  {}"
PAUSE = 0.5


def main() -> int:
    options = _parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    started = time.monotonic()
    with Context("faults", options.only).prepared() as context:
        print(COLUMNS.format("test", "server", "rounds", "seconds", "", "figures"), flush=True)
        outcome = _run(context, options.size)
        if outcome.failed:
            show_failures(outcome, context)
    print(f"{outcome.passed} passed, {outcome.failed} failed  {time.monotonic() - started:.0f} s")
    return 1 if outcome.failed or not outcome.passed else 0


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="dev/faults", description=__doc__.split("\n", 1)[0])
    size = parser.add_mutually_exclusive_group()
    size.set_defaults(size="normal")
    size.add_argument(
        "--quick", dest="size", action="store_const", const="quick", help="a minute: what continuous integration runs"
    )
    size.add_argument(
        "--full", dest="size", action="store_const", const="full", help="the numbers of the security plan: days"
    )
    parser.add_argument("-k", dest="only", default="", metavar="WORDS", help="only tests of these names (as pytest -k)")
    return parser.parse_args()


def _run(context: Context, size: str) -> Outcome:
    """Run the tests; print their lines as they come."""
    done = threading.Event()
    printer = threading.Thread(target=_follow, args=(context.logs / SUMMARY, done))
    printer.start()
    try:
        return run_faults(context, size)
    finally:
        done.set()
        printer.join()


def _follow(summary: Path, done: threading.Event) -> None:
    shown, last = 0, False
    while not last:
        last = done.wait(PAUSE)
        lines = summary.read_text().splitlines() if summary.exists() else []
        for line in lines[shown:]:
            _print_row(json.loads(line))
        shown = len(lines)


def _print_row(row: dict) -> None:
    figures = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in row["figures"].items())
    result = "ok" if row["ok"] else "FAILED"
    print(COLUMNS.format(row["test"], row["stand"], row["rounds"], row["seconds"], result, figures), flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(f"interrupted; logs in {paths.CACHE / 'test-logs' / 'faults'}")
