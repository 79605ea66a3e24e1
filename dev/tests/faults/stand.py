"""Where attacks take place: one or two real servers on a database of their own.

workers    one server with 4 processes
threaded   one server with threads
pair       two servers with 2 processes each on one database and one data folder, behind a round robin
durable    one server with 2 processes and a PostgreSQL of its own that waits for the disk, as in production; faults can
           be made to come true in it (:mod:`devtools.fault_points`), and it may be killed
alone      the same with threads instead of processes: who kills one kills all
clocks     two servers with threads behind a round robin; the clock of the second one is wrong when a test wants it so
"""

import os
import random
import signal
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import crons
import httpx
import quotations
import server_log
import waiting

from devtools import false_clock, fault_points, fault_probe, odoo_log, paths
from devtools.databases import Databases
from devtools.errors import DevError
from devtools.mailcatcher import MailCatcher
from devtools.odoo_server import ADDRESS, OdooServer
from devtools.round_robin import RoundRobin
from devtools.rpc import RpcClient, RpcError
from devtools.smsgateway import SmsGateway

WORKERS = {
    "workers": [4],
    "threaded": [0],
    "pair": [2, 2],
    "durable": [2],
    "alone": [0],
    "clocks": [0, 0],
}  # of each server
TITLES = {
    "workers": "4 workers",
    "threaded": "threaded",
    "pair": "2 servers",
    "durable": "2 workers",
    "alone": "threaded",
    "clocks": "2 servers",
}
MORTAL = ("durable", "alone")  # with a PostgreSQL of their own
STEADY = 8  # answers in a row: every process has had its turn
REVIVAL = 300  # seconds: a busy machine takes a minute to start a server, and it may have to be started again
# What PostgreSQL says to the loser of a race, before Odoo repeats the request; and what is said of a visitor who found
# no connection left, which happens with threads: Odoo starts one for each visitor.
EXPECTED = ("could not serialize access", "no database for a visitor")
# After its answer, werkzeug reads up to 10 MB of what may still come: 200 threads at once reach Odoo's limit of memory.
CROWDED = ("data = self.rfile.read(10_000_000)",)
LONG = 10**9  # seconds
# Between connecting and speaking: on a machine that stands still for a moment, Odoo's two seconds are soon over. Not
# much longer, for a process waits as long for the rest of a request that never comes.
PATIENCE = {"ODOO_HTTP_SOCKET_TIMEOUT": "5"}
END_LEASE = """UPDATE esign_request SET lease_until = clock_timestamp() AT TIME ZONE 'UTC' - interval '1 second'
                WHERE order_id = ANY(%s) AND lease_until IS NOT NULL"""


class Stand:
    """The servers, and the one address they are visited at."""

    def __init__(self, kind: str, databases: Databases, mails: MailCatcher, logs: Path):
        self.kind = kind
        self.title = TITLES[kind]
        self.databases = databases
        self.cluster = databases.cluster
        self.database = databases.create_own(f"faults_{kind}")
        self.filestore = databases.filestores / self.database
        self.folder = logs / kind
        self.comparisons_path = self.folder / "comparisons"
        self.faults = fault_points.Faults(self.folder / "faults") if kind in MORTAL else None
        self.tmp = self.folder / "tmp"  # of the servers that may be harmed
        self.clock = false_clock.FalseClock(self.folder / "clock") if kind == "clocks" else None
        self.mails = mails
        self.texts = SmsGateway(mails)
        self.url = ""
        self.servers: list[OdooServer] = []
        self.forgiven: list[str] = []  # parts of entries that the test of the moment expects in the logs
        self.admin: RpcClient | None = None

    @contextmanager
    def running(self, databases: Databases):
        """Servers started, salesperson logged in, products there; all gone afterwards."""
        with ExitStack() as stack:
            stack.callback(databases.drop, self.database)
            self.comparisons_path.unlink(missing_ok=True)
            faults = self.faults and self.faults.folder
            fault_probe.write_addon(self.folder / "addons", self.comparisons_path, faults)
            self.tmp.mkdir(exist_ok=True)
            self.servers = [self._server(number, workers) for number, workers in enumerate(WORKERS[self.kind])]
            self.url = self.servers[0].url
            if len(self.servers) > 1:
                self.url = stack.enter_context(RoundRobin([(ADDRESS, server.port) for server in self.servers])).url
            databases.set_address(self.database, self.url)
            databases.set_sms_endpoint(self.database, stack.enter_context(self.texts).url)
            for server in self.servers:
                stack.callback(server.kill)  # in order it takes up to 20 s
                server.launch()
            for server in self.servers:
                server.wait()
            self.admin = stack.enter_context(_logged_in(self))
            self.admin.call("ir.config_parameter", "set_param", "report.print_delay", "0")
            # Text messages go to French numbers.
            (france,) = self.admin.search_read("res.country", [("code", "=", "FR")], ["id"])
            self.admin.write("res.company", 1, {"esign_sms_country_ids": [(6, 0, [france["id"]])]})
            quotations.create_products(self.admin)
            yield self

    def _server(self, number: int, workers: int) -> OdooServer:
        wrong = self.clock and number
        addons = [*paths.odoo_addons(), paths.CHECKOUT, self.folder / "addons"]
        return OdooServer(
            self.cluster,
            self.database,
            folder=self.folder / str(number),
            workers=workers,
            smtp=(self.mails.host, self.mails.port),
            addons_path=",".join(map(str, addons)),
            server_wide_modules=f"base,rpc,web,{fault_probe.MODULE}",
            variables={
                **PATIENCE,
                **({"TMPDIR": str(self.tmp)} if self.faults else {}),
                **(self.clock.variables if wrong else {}),
            },
            # A watchdog whose clock jumps would see a request that takes a year.
            **({"limit_time_real": LONG, "limit_time_real_cron": LONG, "max_cron_threads": 0} if wrong else {}),
            proxy_mode=True,  # each visitor has an IP address of its own
            # With a filter, Odoo asks PostgreSQL for the list of databases at each anonymous request, on a connection
            # made for it: the harder way for whoever counts connections, and not the cheap one.
            **({} if self.kind == "threaded" else {"dbfilter": ""}),
        )

    def sql(self, query: str, params=None) -> list[tuple]:
        return self.cluster.sql(self.database, query, params)

    def send(self, channel: str = "mail") -> quotations.Quotation:
        """A quotation that waits for its signature."""
        quotation = quotations.create_quotation(self.admin)
        quotations.send_for_signature(self.admin, quotation, channel=channel)
        return quotation

    def send_to_two(self) -> tuple[quotations.Quotation, quotations.Quotation]:
        """A quotation that its customer signs first, then another one's; as each of the two sees it."""
        first, other = quotations.create_quotation(self.admin), quotations.create_quotation(self.admin)
        quotations.send_for_signature(self.admin, first, then=[other])
        return first, replace(first, partner_id=other.partner_id, signer=other.signer, email=other.email)

    def forget_limits(self) -> None:
        """As if a day had gone by since anybody asked for a code or a link."""
        self.sql("DELETE FROM esign_throttle")

    def comparisons(self, order_id: int) -> list[fault_probe.Comparison]:
        """The comparisons of codes that took place for a quotation, as the probe in the servers saw them."""
        query = """SELECT c.id FROM esign_otp c JOIN esign_ticket t ON t.id = c.ticket_id
                     JOIN esign_signer s ON s.id = t.signer_id JOIN esign_request r ON r.id = s.request_id
                    WHERE r.order_id = %s"""
        codes = {row[0] for row in self.sql(query, [order_id])}
        return [found for found in fault_probe.read(self.comparisons_path) if found.otp_id in codes]

    def events(self, quotation: quotations.Quotation) -> list[str]:
        """Kinds of the journal's entries, oldest first."""
        query = """SELECT e.type FROM esign_event e JOIN esign_request r ON r.id = e.request_id
                    WHERE r.order_id = %s ORDER BY r.id, e.seq"""
        return [kind for (kind,) in self.sql(query, [quotation.id])]

    def origins(self, quotation: quotations.Quotation) -> list[tuple[str, str]]:
        """Kind and IP address of each of the journal's entries that tells one, oldest first."""
        query = """SELECT e.type, e.payload->>'ip' FROM esign_event e JOIN esign_request r ON r.id = e.request_id
                    WHERE r.order_id = %s AND e.payload->>'ip' IS NOT NULL ORDER BY r.id, e.seq"""
        return self.sql(query, [quotation.id])

    def run_cron(self, name: str, client: RpcClient | None = None) -> None:
        """See :func:`crons.run`."""
        crons.run(self, name, client)

    # ------------------------------------------------------------------------------------------------- faults

    def kill_in_cron(self, name: str, point: str, when: str) -> None:
        """``kill -9`` at a point of a scheduled action, which may lose a race against another one before it is there."""
        self.faults.arm("kill", point=point, when=when)
        waiting.until(lambda: self._is_killed_in(name), what=f"killed {when} {point}")
        self.revive()

    def _is_killed_in(self, name: str) -> bool:
        with suppress(httpx.TransportError, RpcError):
            self.run_cron(name)
        return self.faults.taken

    def end_leases(self, *order_ids: int) -> None:
        """As if two minutes had gone by since somebody began to complete these requests."""
        self.sql(END_LEASE, [list(order_ids)])

    def kill_worker(self, chance: random.Random) -> bool:
        """``kill -9`` one of the processes that a server has for its work; whether there was one."""
        processes = [pid for server in self.servers if server.process for pid in children(server.process.pid)]
        if processes:
            with suppress(ProcessLookupError):
                os.kill(chance.choice(processes), signal.SIGKILL)
        return bool(processes)

    def revive(self) -> None:
        """Start the servers again that are no more, until all of them answer."""
        for server in self.servers:
            _start_again(server)
        for server in self.servers:
            waiting.until(lambda server=server: _is_steady(server), timeout=REVIVAL, what="the servers answer again")

    @contextmanager
    def kept_quiet(self, findings=odoo_log.findings):
        """Fail if a server logs an error, or a warning about the addon, meanwhile.

        :param findings: what tells of a log which entries of it must not be there
        """
        self.forgiven[:] = [*EXPECTED, *(CROWDED if self.kind == "threaded" else ())]
        with ExitStack() as stack:
            for server in self.servers:
                stack.enter_context(server_log.kept_quiet(server, forgiven=self.forgiven, findings=findings))
            yield


def children(pid: int) -> list[int]:
    """The processes that a process has started; none if it is no more."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []


def _start_again(server: OdooServer) -> None:
    if server.process.poll() is not None:
        server.kill()
        server.launch()


def _is_steady(server: OdooServer) -> bool:
    """Each process fails once on a connection that died with its database, as in life: wait until none does.

    Odoo's first process ends itself when it has to replace another one and finds no database, also while somebody
    waits here; then it is started again, as a supervisor would.
    """
    _start_again(server)
    try:
        for _number in range(STEADY):
            server.wait()
    except DevError:
        return False
    return True


@contextmanager
def _logged_in(stand: Stand):
    client = RpcClient(stand.url, stand.database)
    try:
        yield client
    finally:
        client.close()
