"""A server's log as part of every test: what must not be there fails the test that caused it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from devtools import odoo_log
from devtools.odoo_server import OdooServer


@contextmanager
def kept_quiet(server: OdooServer, *, forgiven: Sequence[str] = ()) -> Iterator[None]:
    """Fail if the server logs an error, or a warning about the addon, meanwhile.

    :param forgiven: parts of entries that are expected
    """
    with server.log_path.open(errors="replace") as log:
        log.seek(0, 2)
        yield
        findings = odoo_log.findings(log.read())
    findings = [text for text in findings if not any(part in text for part in forgiven)]
    assert not findings, "in the log of the server:\n" + "\n".join(findings)
