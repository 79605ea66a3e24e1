"""What a suite of tests is given and what it gives back."""

import fcntl
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from .. import paths
from ..databases import Databases
from ..postgres import Cluster

# Templates belong to one state of the addon: whoever tests two checkouts in turn gives each a cluster.
CLUSTER = os.environ.get("ESIGN_TEST_CLUSTER", "test")


@dataclass
class Outcome:
    """Counts, and for what failed the lines worth reading first."""

    passed: int = 0
    failed: int = 0
    details: list[str] = field(default_factory=list)

    def add(self, title: str, problem: str = "") -> None:
        """Count one check: failed if there is a text that says why."""
        if problem:
            self.failed += 1
            self.details.append(f"{title}: {problem.strip()}")
        else:
            self.passed += 1


@dataclass
class Context:
    """Of one run of one suite. ``only`` restricts it, in the words of the test framework that the suite uses."""

    suite: str
    only: str = ""

    @property
    def logs(self) -> Path:
        folder = paths.CACHE / "test-logs"
        return folder / self.suite if CLUSTER == "test" else folder / CLUSTER / self.suite

    @property
    def database(self) -> str:
        return f"test_{self.suite}"

    @contextmanager
    def prepared(self) -> Iterator["Context"]:
        """An empty folder for logs; two runs of one suite wait for each other."""
        self.logs.parent.mkdir(parents=True, exist_ok=True)
        with (self.logs.parent / f".{self.suite}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print(f"the suite {self.suite} runs already elsewhere: waiting …", file=sys.stderr, flush=True)
                fcntl.flock(lock, fcntl.LOCK_EX)
            shutil.rmtree(self.logs, ignore_errors=True)
            self.logs.mkdir()
            yield self

    @contextmanager
    def fresh_database(self, *, demo: bool = True, with_addon: bool = True) -> Iterator[Cluster]:
        """The test cluster with a new database named ``self.database``, dropped afterwards."""
        with ExitStack() as stack:
            cluster = stack.enter_context(Cluster(CLUSTER, fsync=False))
            databases = Databases(cluster)
            databases.create(self.database, demo=demo, with_addon=with_addon)
            stack.callback(databases.drop, self.database)
            yield cluster
