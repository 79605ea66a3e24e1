"""Fixtures of the fault tests.

stand    where a test attacks; a test runs once on each kind that it asks for with ``@pytest.mark.stands``
row      what the test adds to the summary: ``row(rounds=3, compared="3 3 3")``
caught   the mail catcher of all stands, empty at the start of each test
reader   ``reader()``: a visitor who has read a quotation and may sign
invariants   what must hold after every round
"""

import json
import time

import pytest
from invariants import Invariants
from scale import PAIR
from stand import MORTAL, TITLES, Stand
from visitor import Visitor

from devtools import odoo_log
from devtools.backup import RestoredDatabases
from devtools.postgres import Cluster
from devtools.suites.base import CLUSTER


def pytest_configure(config):
    config.addinivalue_line("markers", "stands(kinds): the kinds of servers that a test is for")
    config.addinivalue_line(
        "markers", "harms: what Odoo logs is not judged, since it depends on the moment; what the addon logs is"
    )


def pytest_generate_tests(metafunc):
    if "stand" in metafunc.fixturenames:
        marker = metafunc.definition.get_closest_marker("stands")
        kinds = marker.args[0] if marker else PAIR
        # Of the session: tests are put into an order in which each kind is started once.
        metafunc.parametrize("stand", kinds, indirect=True, scope="session")


@pytest.fixture(scope="session")
def own_databases(databases, logs):
    """In a PostgreSQL that waits for the disk and that nobody else uses: it may be killed."""
    with Cluster(f"{CLUSTER}-durable", fsync=True) as cluster:
        yield RestoredDatabases(cluster, databases, logs / "backup")


@pytest.fixture(scope="session")
def stand(request, _catcher, logs):
    databases = request.getfixturevalue("own_databases" if request.param in MORTAL else "databases")
    with Stand(request.param, databases, _catcher, logs).running(databases) as stand:
        yield stand


@pytest.fixture(autouse=True)
def _quiet_log(request):
    if "stand" not in request.fixturenames:
        yield
        return
    harmed = request.node.get_closest_marker("harms")
    findings = odoo_log.own_findings if harmed else odoo_log.findings
    if "row" in request.fixturenames:
        request.getfixturevalue("row")  # so that the line of the summary is written after the log was judged
    try:
        with request.getfixturevalue("stand").kept_quiet(findings):
            yield
    except AssertionError:
        request.node.failed = True
        raise


@pytest.fixture(autouse=True)
def _disarmed(request):
    """A fault that did not come true ends with the test that armed it."""
    stand = request.getfixturevalue("stand") if "stand" in request.fixturenames else None
    yield
    if stand and stand.faults:
        stand.faults.disarm()


@pytest.fixture
def caught(mails):
    return mails


@pytest.fixture
def reader(stand, caught):
    def make() -> Visitor:
        visitor = Visitor(stand, caught, stand.send())
        visitor.enter()
        visitor.read_to_the_end()
        return visitor

    return make


@pytest.fixture
def invariants(stand, caught):
    return Invariants(stand, caught)


@pytest.fixture
def row(request, logs):
    """Writes a line of the summary for ``dev/faults``, also when the test fails in the middle."""
    kind = request.node.callspec.params.get("stand", "") if hasattr(request.node, "callspec") else ""
    title = (request.function.__doc__ or request.node.name).split("\n", 1)[0].rstrip(".")
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    if "point" in parameters:
        title = f"{title} {parameters['when']} {parameters['point']}"
    found = {
        "test": title,
        "stand": TITLES.get(kind, kind),
        "rounds": 0,
        "figures": {},
    }
    started = time.monotonic()

    def note(rounds: int | None = None, **figures) -> None:
        found["rounds"] = found["rounds"] if rounds is None else rounds
        found["figures"].update(figures)

    yield note
    found["ok"] = not getattr(request.node, "failed", False)
    found["seconds"] = round(time.monotonic() - started, 1)
    with (logs / "faults.jsonl").open("a") as summary:
        summary.write(json.dumps(found) + "\n")
