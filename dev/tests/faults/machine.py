"""Another machine: a server of its own on a database that came from elsewhere."""

from contextlib import contextmanager
from pathlib import Path

import crons
import quotations

from devtools import paths
from devtools.databases import Databases
from devtools.mailcatcher import MailCatcher
from devtools.odoo_server import OdooServer
from devtools.rpc import RpcClient

OTHER_SECRET = "5ea1" * 16


class Machine:
    """What invariants and visitors need of a stand. There is no probe: nobody counts comparisons."""

    def __init__(self, databases: Databases, database: str, server: OdooServer):
        self.databases = databases
        self.cluster = databases.cluster
        self.database = database
        self.filestore = databases.filestores / database
        self.server = server
        self.url = server.url
        self.admin = RpcClient(self.url, database)

    def sql(self, query: str, params=None) -> list[tuple]:
        return self.cluster.sql(self.database, query, params)

    def comparisons(self, _order_id: int) -> None:
        return None

    def send(self) -> quotations.Quotation:
        quotation = quotations.create_quotation(self.admin)
        quotations.send_for_signature(self.admin, quotation)
        return quotation

    def run_cron(self, name: str) -> None:
        """See :func:`crons.run`."""
        crons.run(self, name)

    def rotate_key(self) -> None:
        """Replace the company's sealing key, as an administrator does in the settings."""
        settings = self.admin.create("res.config.settings", {})
        self.admin.call("res.config.settings", "action_esign_generate_seal", [settings])


@contextmanager
def started(
    databases: Databases, database: str, mails: MailCatcher, folder: Path, *, addon: Path | None = None, **options
):
    """A server on ``database``; ``addon`` is the checkout whose addon it runs, ``options`` are those of OdooServer."""
    addons = [*paths.odoo_addons(), addon or paths.CHECKOUT]
    server = OdooServer(
        databases.cluster,
        database,
        folder=folder,
        smtp=(mails.host, mails.port),
        addons_path=",".join(map(str, addons)),
        proxy_mode=True,
        **options,
    )
    databases.set_address(database, server.url)
    with server:
        machine = Machine(databases, database, server)
        try:
            yield machine
        finally:
            machine.admin.close()
            server.kill()  # in order it takes some time, and nobody waits for anything
