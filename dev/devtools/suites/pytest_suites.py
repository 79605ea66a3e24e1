"""Suites that pytest runs, each in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

from .. import paths
from .base import Context, Outcome

TESTS = paths.DEV / "tests"
TIMEOUT = 1500
FAULTS_TIMEOUTS = {"quick": TIMEOUT, "normal": 3600, "full": 7 * 24 * 3600}  # seconds
# A test that fails shows the end of its message: there the assertion is.
LAST_LINES = 12


def run_tools(context: Context) -> Outcome:
    """Tests of esign_quote/tools. Without Odoo in the path, so that they prove its absence."""
    folder = paths.ADDON / "tests" / "tools"
    return _run_pytest(context, folder, root=folder, PYTHONPATH="")


def run_browser(context: Context) -> Outcome:
    """A person's way through a real server with a real browser and a real mail server."""
    return _run_pytest(context, TESTS / "browser", root=TESTS)


def run_race(context: Context) -> Outcome:
    """Many requests at once to a server with several processes."""
    return _run_pytest(context, TESTS / "race", root=TESTS)


def run_faults(context: Context, size: str = "quick") -> Outcome:
    """Attacks from outside, on several kinds of servers; ``dev/faults`` runs the longer ones."""
    return _run_pytest(context, TESTS / "faults", root=TESTS, timeout=FAULTS_TIMEOUTS[size], ESIGN_FAULTS=size)


def _run_pytest(context: Context, folder: Path, *, root: Path, timeout: float = TIMEOUT, **variables: str) -> Outcome:
    outcome = Outcome()
    if not any(folder.rglob("test_*.py")):
        outcome.add(str(folder.relative_to(paths.CHECKOUT)), "has no test_*.py")
        return outcome
    report, log = context.logs / "report.xml", context.logs / "pytest.log"
    command = [sys.executable, "-m", "pytest", str(folder), f"--junit-xml={report}", "-ra"]
    # pytest imports the packages between its root and a test: from the checkout on, that would be the whole addon.
    command += [f"-c{paths.CHECKOUT / 'pyproject.toml'}", f"--rootdir={root}", f"--confcutdir={root}"]
    if context.only:
        command += ["-k", context.only]
    # Hypothesis would write into the checkout, which other suites read meanwhile.
    storage = {"HYPOTHESIS_STORAGE_DIRECTORY": str(context.logs / "hypothesis")}
    environment = {**os.environ, "ESIGN_TEST_LOGS": str(context.logs), **storage, **variables}
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, cwd=paths.CHECKOUT, env=environment)
        try:
            process.wait(timeout)
        except BaseException as error:  # also Ctrl-C
            process.terminate()  # pytest ends its fixtures
            process.wait(60)
            if not isinstance(error, subprocess.TimeoutExpired):
                raise
            outcome.add("pytest", f"stopped after {timeout} s")
    if report.exists():
        _count(outcome, report)
    if not outcome.passed + outcome.failed or (process.returncode and not outcome.failed):
        outcome.add("pytest", "\n".join([f"ended with code {process.returncode}", *log.read_text().splitlines()[-30:]]))
    return outcome


def _count(outcome: Outcome, report: Path) -> None:
    for case in ElementTree.parse(report).iter("testcase"):  # noqa: S314 our own file
        problems = [*case.findall("failure"), *case.findall("error")]
        if case.find("skipped") is not None:
            continue
        lines = [line for problem in problems for line in (problem.text or "").splitlines()]
        outcome.add(f"{case.get('classname')}.{case.get('name')}", "\n".join(lines[-LAST_LINES:]) if problems else "")
