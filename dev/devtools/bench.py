"""``dev/bench``: the same quote signed with stock Odoo and with esign_quote, beside each other.

Three databases, each with a server of its own: stock with Odoo's default ``report.print_delay`` (a pause of one
second in each PDF), stock without that pause, and esign_quote. Quotes are created and sent first. Then a *wave* of
1, 4 or 16 customers takes one step together, the bench waits until the mails have come and the server is quiet,
and the next step follows. Waves of the three take turns, so that noise of the machine meets them alike: believe
the ratios rather than the figures.

CPU is of the server's Python processes, wkhtmltopdf and the whole PostgreSQL cluster (which nobody else uses).
SQL queries are those that Odoo's log gives for each request, and apart from them those of the scheduler.
"""

import argparse
import fcntl
import itertools
import os
import pstats
import shutil
import signal
import sys
import time
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

from . import addon, bench_probe, paths
from .bench_flows import ESIGN, FLOWS, Customer, Flow, prepare_database
from .bench_meters import CpuMeter, LogReader, NoiseMeter
from .bench_report import Figures, Results, print_report, write_json
from .databases import Databases
from .errors import DevError
from .mailcatcher import MailCatcher
from .odoo_server import OdooServer, free_port
from .postgres import Cluster
from .rpc import RpcClient

CLUSTER = "bench"
FOLDER = paths.CACHE / "run" / CLUSTER
FIRST_PORT = 21500
MAILS_TIMEOUT = 60
PROFILE_WAVES = 10
PROFILE_LINES = 25
# Scheduled actions that have nothing to do with signing would only disturb.
KEPT_CRONS = (
    "mail.ir_cron_mail_scheduler_action",
    f"{paths.ADDON_NAME}.ir_cron_complete",
    f"{paths.ADDON_NAME}.ir_cron_mails",
)
SWITCH_OFF_CRONS = """
    UPDATE ir_cron SET active = FALSE WHERE id NOT IN (
        SELECT res_id FROM ir_model_data WHERE model = 'ir.cron' AND module || '.' || name IN %s)
"""


def main() -> int:
    if sys.argv[1:2] == ["seal"]:
        from . import bench_seal  # it needs the addon's packages, the rest does not

        return bench_seal.main(sys.argv[2:])
    options = _parse_arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    addon.require()
    FOLDER.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    results: Results = defaultdict(Figures)
    with (FOLDER / "bench.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise DevError("dev/bench runs already: two at once would measure each other") from None
        with Cluster(CLUSTER) as cluster, MailCatcher() as mails:
            if options.profile:
                _profile(cluster, mails, options.lines)
                return 0
            waves = {1: 4, 4: 2} if options.quick else {1: 6, 4: 2, 16: 1}
            noise = {}
            for workers in (0,) if options.quick else (0, 2):
                bench = Bench(cluster, mails, workers, options.lines)
                noise[bench.mode] = _measure_mode(bench, waves, results)
    if options.json:
        write_json(options.json, results, noise, options.lines)
    good = print_report(results, noise, options.lines)
    print(f"\n{time.monotonic() - started:.0f} s; server logs: {FOLDER}")
    return 0 if good else 1


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="dev/bench",
        description="Measure signing with esign_quote beside stock Odoo's online signature;"
        " 'dev/bench seal' measures drawing, stamping and sealing alone.",
    )
    parser.add_argument("--quick", action="store_true", help="threaded server, 1 and 4 clients, few repetitions")
    parser.add_argument("--lines", type=int, default=3, metavar="N", help="of the quote (%(default)s)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all figures there, too")
    parser.add_argument("--profile", action="store_true", help="only tell where signing spends its time")
    return parser.parse_args()


def _measure_mode(bench: "Bench", waves: dict[int, int], results: Results) -> float:
    """Add to the results, and return how much of the machine others used meanwhile."""
    with bench:
        _say(f"{bench.mode}: warming up")
        for flow in FLOWS:
            # Every process loads and compiles things when it serves its first customers.
            for clients in (1, 2 * bench.workers) if bench.workers else (1, 2):
                bench.wave(flow, clients, defaultdict(Figures))
        noise = NoiseMeter(CpuMeter(bench.cluster, list(itertools.chain(*bench.servers.values()))))
        for number in range(max(waves.values())):
            for clients in (clients for clients, count in waves.items() if number < count):
                _say(f"{bench.mode}: wave {number + 1} of {waves[clients]}, clients: {clients}")
                for flow in FLOWS if number % 2 else reversed(FLOWS):
                    bench.wave(flow, clients, results)
        return noise.read()


class Bench:
    """The servers of one mode, as a context manager: threads (no workers), or that many processes."""

    def __init__(self, cluster: Cluster, mails: MailCatcher, workers: int, lines: int, flows=FLOWS):
        self.cluster = cluster
        self.mails = mails
        self.workers = workers
        self.lines = lines
        self.mode = f"{workers} workers" if workers else "threaded"
        self.flows = flows
        # Ports that the system does not hand out by itself: between choosing one and using it others ask for some.
        self._ports = itertools.count(FIRST_PORT)
        self.servers: dict[str, list[OdooServer]] = {}  # of each flow, the first one is the customers'
        self._staff: dict[str, RpcClient] = {}

    def __enter__(self) -> "Bench":
        with ExitStack() as stack:
            self._start(stack)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *exc_info) -> None:
        self._stack.close()

    def _start(self, stack: ExitStack) -> None:
        bench_probe.write_addon(FOLDER / "addons")
        for flow in self.flows:
            stack.callback(Databases(self.cluster).drop, flow.database)
            self._prepare(flow)
        _say(f"{self.mode}: starting servers")
        for server in itertools.chain(*self.servers.values()):
            server.log_path.unlink(missing_ok=True)
            stack.callback(server.stop)
            server.launch()
        for flow in self.flows:
            for server in self.servers[flow.name]:
                server.wait()
            # Quotes are sent through the helper, if there is one: it renders several at a time.
            self._staff[flow.name] = rpc = RpcClient(self.servers[flow.name][-1].url, flow.database)
            stack.callback(rpc.close)
            prepare_database(rpc, print_delay=flow.print_delay)

    def _prepare(self, flow: Flow) -> None:
        """Make the database and the servers of a flow."""
        databases = Databases(self.cluster)
        databases.create(flow.database, with_addon=flow is ESIGN)
        self.cluster.sql(flow.database, SWITCH_OFF_CRONS, [KEPT_CRONS])
        servers = [self._server(flow, FOLDER / self.mode.replace(" ", "-"), self.workers)]
        if self.workers and flow is not ESIGN:
            # wkhtmltopdf fetches style sheets from the very server that waits for it: two customers at once would
            # block two workers for two minutes. A second server has to deliver them.
            servers.append(self._server(flow, FOLDER / "helper", 0, max_cron_threads=0))
        databases.set_address(flow.database, servers[0].url)
        self.cluster.sql(
            flow.database, "UPDATE ir_config_parameter SET value = %s WHERE key = 'report.url'", [servers[-1].url]
        )
        self.servers[flow.name] = servers

    def _server(self, flow: Flow, folder: Path, workers: int, **options) -> OdooServer:
        addons = [*paths.odoo_addons(), paths.CHECKOUT, FOLDER / "addons"]
        return OdooServer(
            self.cluster,
            flow.database,
            folder=folder,
            port=free_port(next(self._ports)),
            gevent_port=free_port(next(self._ports)),
            workers=workers,
            smtp=(self.mails.host, self.mails.port),
            addons_path=",".join(map(str, addons)),
            server_wide_modules=f"base,rpc,web,{bench_probe.MODULE}",
            **options,
        )

    def wave(self, flow: Flow, clients: int, results: Results) -> None:
        """Let so many customers at once go all the way, and add to the results."""
        servers, staff = self.servers[flow.name], self._staff[flow.name]
        meter, logs = CpuMeter(self.cluster, servers), LogReader(servers)
        self.mails.clear()
        with ThreadPoolExecutor(clients) as pool, ExitStack() as stack:
            sent = list(pool.map(lambda _number: flow.send_quote(staff, self.mails, self.lines), range(clients)))
            customers = [flow.customer(servers[0].url, quote, link, self.mails) for quote, link in sent]
            for customer in customers:
                stack.callback(customer.close)
            meter.wait_until_quiet()
            logs.new()
            for step in flow.steps:
                figures = results[self.mode, flow.name, clients, step]
                expected = flow.signing_mails * len(customers) if step == "sign" else 0
                customers = self._take_step(step, customers, expected, pool, meter, figures)
                figures.add_log(logs.new(), clients)
        orders = staff.call("sale.order", "read", [customer.quote.order_id for customer in customers], ["state"])
        figures.problems += [f"not confirmed: {order}" for order in orders if order["state"] != "sale"]

    def _take_step(self, step: str, customers: list[Customer], expected_mails: int, pool, meter, figures) -> list[Customer]:
        """Let all customers take one step at once, and measure until nothing happens any more.

        :return: the customers who succeeded
        """
        mails = len(self.mails.messages)
        before = meter.read()
        outcomes = list(pool.map(lambda customer: _take(customer, step), customers))
        figures.answered += meter.read() - before
        if missing := expected_mails - self._count_mails(mails, expected_mails):
            figures.problems.append(f"{missing} mails are missing")
        meter.wait_until_quiet()
        figures.settled += meter.read() - before
        figures.mails += len(self.mails.messages) - mails
        figures.walls += [seconds for seconds, problem in outcomes if not problem]
        figures.problems += [problem for _seconds, problem in outcomes if problem]
        return [customer for customer, (_seconds, problem) in zip(customers, outcomes, strict=True) if not problem]

    def _count_mails(self, before: int, expected: int) -> int:
        """How many of the expected mails have come; waits for them."""
        deadline = time.monotonic() + MAILS_TIMEOUT
        while (come := len(self.mails.messages) - before) < expected and time.monotonic() < deadline:
            time.sleep(0.01)
        return min(come, expected)


def _take(customer: Customer, step: str) -> tuple[float, str]:
    """How long the step took, and what went wrong."""
    started = time.monotonic()
    try:
        getattr(customer, step)()
    except Exception as error:  # noqa: BLE001  whatever a server under load answers is a result
        return 0, f"{step}: {type(error).__name__}: {error}"
    return time.monotonic() - started, ""


def _profile(cluster: Cluster, mails: MailCatcher, lines: int) -> None:
    """Profile a few signatures one after the other on a threaded server, and show a typical one."""
    folder = FOLDER / "profile"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    with ExitStack() as stack:
        os.environ[bench_probe.PROFILE_FOLDER] = str(folder)
        bench = stack.enter_context(Bench(cluster, mails, 0, lines, flows=(ESIGN,)))
        for _number in range(PROFILE_WAVES):
            bench.wave(ESIGN, 1, results := defaultdict(Figures))
    for figures in results.values():
        if figures.problems:
            raise DevError("\n".join(figures.problems))
    own = rf"/{paths.ADDON_NAME}/(models|tools)/"
    _print_profile(folder, bench_probe.SIGNING, "the request that signs", PROFILE_LINES)
    _print_profile(folder, bench_probe.SIGNING, "the request that signs, functions of the addon", own, PROFILE_LINES)
    _print_profile(folder, bench_probe.SCHEDULER, "the scheduler's run that sends the mails", PROFILE_LINES)
    print(f"the profiles: {folder}")


def _print_profile(folder: Path, name: str, title: str, *restrictions) -> None:
    found = sorted(map(pstats.Stats, map(str, folder.glob(f"{name}-*.prof"))), key=lambda stats: stats.total_calls)
    # Neither those that were cold nor runs of the scheduler without anything to do; then what was disturbed least.
    third = len(found) // 3
    typical = min(found[third : 2 * third + 1], key=lambda stats: stats.total_tt)
    print(f"\n{title}; the profiler itself more than doubles the seconds")
    typical.sort_stats("cumulative").print_stats(*restrictions)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped.")
    except DevError as error:
        sys.exit(f"dev/bench: {error}")
