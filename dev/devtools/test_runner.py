"""``dev/test``: run suites, one line of result each; those that may share the machine run side by side."""

import argparse
import os
import signal
import sys
import threading
import time
import traceback
from concurrent.futures import ThreadPoolExecutor

from .errors import DevError
from .suites import SUITES
from .suites.base import Context, Outcome

MAX_DETAILS = 8  # failures of a suite that are shown; the logs have all
MAX_LINES = 15  # of one failure
LANES = 2  # suites at the same time: most of each is one process that waits for another


def main() -> int:
    options = _parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if options.list:
        for name, suite in SUITES.items():
            print(f"{name:10} {suite.title}")
        return 0
    wanted = options.suites or list(SUITES)
    alone = [name for name in wanted if _suite(name).alone]
    shared = [name for name in wanted if name not in alone]
    report = Report()
    with ThreadPoolExecutor(min(LANES, os.cpu_count() or 1)) as pool:
        list(pool.map(lambda name: _run_suite(name, report), shared))
    for name in alone:
        _run_suite(name, report)
    total = report.total
    print(f"{total.passed} passed, {total.failed} failed")
    return 1 if total.failed or not total.passed else 0


class Report:
    """Prints what came of each suite, and adds it up."""

    def __init__(self):
        self.total = Outcome()
        self._width = max(len(name) for name in SUITES)
        self._lock = threading.Lock()

    def add(self, context: Context, outcome: Outcome, seconds: float) -> None:
        with self._lock:
            counts = f"{outcome.passed:4} passed, {outcome.failed} failed"
            print(f"{context.suite:{self._width}}  {counts}  {seconds:6.1f} s", flush=True)
            if outcome.failed:
                show_failures(outcome, context)
            self.total.passed += outcome.passed
            self.total.failed += outcome.failed


def _suite(wanted: str):
    return SUITES[wanted.partition(":")[0]]


def _run_suite(wanted: str, report: Report) -> None:
    name, _colon, only = wanted.partition(":")
    with Context(name, only).prepared() as context:
        started = time.monotonic()
        outcome = _run(context)
        report.add(context, outcome, time.monotonic() - started)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dev/test",
        description="Run the test suites; all of them by default.",
        epilog="SUITE may be restricted: odoo:TestClass.test_method, tools:seal (as pytest -k), lint:ruff",
    )
    parser.add_argument("suites", nargs="*", metavar="SUITE", help=f"among {', '.join(SUITES)}")
    parser.add_argument("--list", action="store_true", help="say what the suites are")
    options = parser.parse_args()
    for wanted in options.suites:
        if wanted.partition(":")[0] not in SUITES:
            parser.error(f"unknown suite {wanted}, choose among {', '.join(SUITES)}")
    return options


def _run(context: Context) -> Outcome:
    """A suite that breaks is a failure like any other: the remaining ones still run."""
    outcome = Outcome()
    try:
        return SUITES[context.suite].run(context)
    except DevError as error:
        outcome.add("could not be run", str(error))
    except Exception:  # noqa: BLE001 whatever it is, it is shown
        outcome.add("could not be run", traceback.format_exc())
    return outcome


def show_failures(outcome: Outcome, context: Context) -> None:
    for detail in outcome.details[:MAX_DETAILS]:
        lines = detail.splitlines()
        if len(lines) > MAX_LINES:
            lines = [*lines[:2], "[…]", *lines[2 - MAX_LINES :]]
        print("\n".join(f"    {line}" for line in lines))
    if len(outcome.details) > MAX_DETAILS:
        print(f"    … and {len(outcome.details) - MAX_DETAILS} more")
    print(f"    full logs: {context.logs}", flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("interrupted")
