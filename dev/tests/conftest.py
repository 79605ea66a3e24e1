"""Fixtures for tests from outside: a real server, a real mail server, a real browser.

    server        OdooServer with threads, on a fresh copy of the database with the addon and demo data
    race_server   the same with two processes, on a database of its own
    mails         MailCatcher that both servers send to; empty at the start of each test
    admin         RpcClient of the administrator on ``server``; race_admin on ``race_server``
    browser       Playwright's Browser; new_page makes a page with cookies of its own
    page          a page of nobody in particular: the customer's private window
    staff_page    a page logged in to ``server`` as admin
    screenshot    screenshot(page, "name") writes dev/.artefacts/name.png and returns the path

Pages of a test that failed are photographed as dev/.artefacts/failed-<test>-<n>.png.
``ESIGN_HEADED=1 dev/test browser`` shows the browser.
"""

import os
import re
from contextlib import contextmanager
from pathlib import Path

import pytest

from devtools import browser as browsers
from devtools import paths
from devtools.databases import Databases
from devtools.mailcatcher import MailCatcher
from devtools.odoo_server import OdooServer
from devtools.postgres import Cluster
from devtools.rpc import RpcClient
from devtools.suites.base import CLUSTER

PAGE_TIMEOUT = 60_000  # milliseconds that Playwright waits for anything
WORKERS = 2


# ------------------------------------------------------------------------------------------------------ servers


@pytest.fixture(scope="session")
def logs() -> Path:
    """Folder for logs: dev/test names one, plain pytest gets the same place."""
    folder = Path(os.environ.get("ESIGN_TEST_LOGS") or paths.CACHE / "test-logs" / "pytest")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def cluster():
    with Cluster(CLUSTER, fsync=False) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def databases(cluster) -> Databases:
    return Databases(cluster)


@pytest.fixture(scope="session")
def _catcher():
    with MailCatcher() as catcher:
        yield catcher


@pytest.fixture
def mails(_catcher):
    _catcher.fault = None
    _catcher.clear()
    yield _catcher
    _catcher.fault = None


@pytest.fixture(scope="session")
def start_server(databases, _catcher, logs):
    """``with start_server("name", workers=0, **options) as server``: for a test that needs one to itself."""

    @contextmanager
    def start(name: str, *, workers: int = 0, demo: bool = True, **options):
        database = databases.create_own(name, demo=demo)
        server = OdooServer(
            databases.cluster,
            database,
            folder=logs,
            workers=workers,
            smtp=(_catcher.host, _catcher.port),
            **options,
        )
        databases.set_address(database, server.url)
        try:
            with server:
                yield server
        finally:
            databases.drop(database)

    return start


@pytest.fixture(scope="session")
def server(start_server):
    with start_server("browser") as server:
        yield server


@pytest.fixture(scope="session")
def race_server(start_server):
    # With proxy_mode each visitor has an IP address of its own, as in life: there are limits for each.
    # Between connecting and speaking Odoo waits two seconds, which is little on a machine that stands still.
    patience = {"ODOO_HTTP_SOCKET_TIMEOUT": "5"}
    with start_server("race", workers=WORKERS, proxy_mode=True, variables=patience) as server:
        yield server


@pytest.fixture
def admin(server):
    client = RpcClient(server.url, server.database)
    yield client
    client.close()


@pytest.fixture
def race_admin(race_server):
    client = RpcClient(race_server.url, race_server.database)
    yield client
    client.close()


# ------------------------------------------------------------------------------------------------------ browser


@pytest.fixture(scope="session")
def browser():
    with browsers.launched(headless=not os.environ.get("ESIGN_HEADED")) as browser:
        yield browser


@pytest.fixture
def new_page(browser, request):
    """``new_page(**options)``: a page with cookies of its own; options as of Playwright's Browser.new_context.

    ``page.problems`` collects what the page wrote to the console as an error and uncaught exceptions.
    """
    pages = []

    def make(**options):
        context = browser.new_context(**{"locale": "en-GB", "viewport": {"width": 1280, "height": 900}, **options})
        page = context.new_page()
        page.set_default_timeout(PAGE_TIMEOUT)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.on("console", lambda message: message.type == "error" and page.problems.append(message.text))
        pages.append(page)
        return page

    yield make
    if getattr(request.node, "failed", False):
        for number, page in enumerate(pages, 1):
            if not page.is_closed():
                page.screenshot(path=_artefact(f"failed-{request.node.name}-{number}"), full_page=True)
    for page in pages:
        page.context.close()


@pytest.fixture
def page(new_page):
    return new_page()


@pytest.fixture
def staff_page(new_page, server):
    """A page logged in as admin. Its cookies come from a login by request: faster than the form."""
    page = new_page(base_url=server.url)
    form = page.context.request.get(f"{server.url}/web/login").text()
    token = re.search(r'name="csrf_token"\s+value="([^"]+)"', form).group(1)
    answer = page.context.request.post(
        f"{server.url}/web/login", form={"login": "admin", "password": "admin", "csrf_token": token}
    )
    assert answer.ok and "/web/login" not in answer.url, "the administrator could not log in"
    return page


@pytest.fixture
def screenshot():
    def take(page, name: str, *, full_page: bool = True) -> Path:
        path = _artefact(name)
        page.screenshot(path=path, full_page=full_page)
        return path

    return take


def _artefact(name: str) -> Path:
    paths.ARTEFACTS.mkdir(exist_ok=True)
    return paths.ARTEFACTS / f"{re.sub(r'[^A-Za-z0-9_.-]+', '-', name)}.png"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.failed = True
    return report
