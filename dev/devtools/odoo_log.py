"""Judge the log of a run of Odoo: how many tests, which failed, and what else must not be there."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from . import paths

ENTRY = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} \d+ (?P<level>[A-Z]+) (?P<database>\S+) (?P<logger>\S+): (?P<message>.*)$"
)
TOTAL = re.compile(r"(?P<failed>\d+) failed, (?P<errors>\d+) error\(s\) of (?P<tests>\d+) tests when loading database")
# What Odoo logs as an error about tests that failed; these are counted as tests already.
TEST_REPORT = re.compile(
    r"^(FAIL|ERROR): |tests when loading database|Module \S+: \d+ failures, \d+ errors of"
    r"|^At least one test failed"
)
# Known lines that are no fault of the addon. Keep this list short, each with its reason.
ALLOWED = [
    re.compile(pattern)
    for pattern in (
        # our configuration file carries an option that only the addon reads
        r"unknown option 'esign_seal_secret'",
        # Debian's package of Odoo leaves this file out (video backgrounds of calls)
        r"Could not get content for mail/static/lib/selfie_segmentation/selfie_segmentation\.js",
        # two tabs of Discuss note the same message as read: one of them is repeated by Odoo
        r"bad query: b' UPDATE \"discuss_channel_member\"",
    )
]
# The last frame of a traceback is in the addon.
OWN_CODE_RAISED = re.compile(rf'^  File "{re.escape(str(paths.ADDON))}/(?![\s\S]*^  File ")', re.MULTILINE)
DATABASE_GONE = re.compile(
    r"^psycopg2\.(OperationalError|InterfaceError|DatabaseError|errors\.(AdminShutdown|CrashShutdown|CannotConnectNow)): ",
    re.MULTILINE,
)
MAX_LINES = 40  # of one entry, a traceback for example


@dataclass
class Entry:
    level: str
    logger: str
    message: str  # with all lines that follow

    @property
    def is_test_report(self) -> bool:
        return bool(TEST_REPORT.search(self.message.split("\n", 1)[0]))

    def __str__(self) -> str:
        lines = self.message.splitlines()
        if len(lines) > MAX_LINES:
            lines = [*lines[:5], "[…]", *lines[5 - MAX_LINES :]]
        return "\n".join([f"{self.level} {self.logger}: {lines[0] if lines else ''}", *lines[1:]])


def entries(log: str) -> Iterator[Entry]:
    current = None
    for line in log.splitlines():
        if match := ENTRY.match(line):
            if current:
                yield current
            current = Entry(match["level"], match["logger"], match["message"])
        elif current:
            current.message += f"\n{line}"
    if current:
        yield current


def test_counts(log: str) -> tuple[int, int]:
    """(passed, failed); (0, 0) if no test ran."""
    totals = [(int(match["tests"]), int(match["failed"]) + int(match["errors"])) for match in TOTAL.finditer(log)]
    tests, failed = (sum(column) for column in zip(*totals, strict=True)) if totals else (0, 0)
    # Errors of setUpClass count as failures but not as tests.
    return max(tests - failed, 0), failed


def failed_tests(log: str) -> list[str]:
    return [str(entry) for entry in entries(log) if re.match(r"(FAIL|ERROR): ", entry.message)]


def findings(log: str) -> list[str]:
    """Entries that must not be there: every error, and warnings that concern the addon."""
    return [
        str(entry)
        for entry in entries(log)
        if (entry.level in ("ERROR", "CRITICAL") or (entry.level == "WARNING" and _concerns_addon(entry)))
        and not entry.is_test_report
        and not any(allowed.search(entry.message) for allowed in ALLOWED)
    ]


def own_findings(log: str) -> list[str]:
    """Entries that are the addon's own fault on a server whose database or processes were killed.

    What Odoo says of it is not looked at. The addon may say that the database was gone, as the end of a traceback tells.
    """
    return [
        str(entry)
        for entry in entries(log)
        if entry.level in ("WARNING", "ERROR", "CRITICAL")
        and (OWN_CODE_RAISED.search(entry.message) or (_is_own(entry) and not DATABASE_GONE.search(entry.message)))
    ]


def _is_own(entry: Entry) -> bool:
    return entry.logger.startswith(f"odoo.addons.{paths.ADDON_NAME}")


def _concerns_addon(entry: Entry) -> bool:
    return _is_own(entry) or bool(re.search(rf"{paths.ADDON_NAME}|\besign[._]", entry.message))
