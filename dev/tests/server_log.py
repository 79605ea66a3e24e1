"""A server's log as part of every test: what must not be there fails the test that caused it."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from devtools import odoo_log
from devtools.odoo_server import OdooServer


@contextmanager
def kept_quiet(
    server: OdooServer,
    *,
    forgiven: Sequence[str] = (),
    findings: Callable[[str], list[str]] = odoo_log.findings,
) -> Iterator[None]:
    """Fail if the server logs an error, or a warning about the addon, meanwhile.

    :param forgiven: parts of entries that are expected
    :param findings: what tells of a log which entries of it must not be there
    """
    with server.log_path.open(errors="replace") as log:
        log.seek(0, 2)
        yield
        found = findings(log.read())
    found = [text for text in found if not any(part in text for part in forgiven)]
    assert not found, "in the log of the server:\n" + "\n".join(found)
