"""The figures of ``dev/bench``: tables, ratios, targets, JSON."""

import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import mean, median

from .bench_flows import ESIGN, FLOWS, STOCK, STOCK_WITHOUT_DELAY
from .bench_meters import Cpu, Logged

HEADER = """
                          wall in s        CPU in s, each customer                      SQL queries
clients flow     step     median    p95    answer  all told = python  wkhtml     pg     requests  scheduler  mails"""
RATIOS_HEADER = """
esign against stock, 1/8 is eight times less; "path" is all steps together
          clients   wall of signing:              CPU of signing:     CPU,       SQL of
                    stock     stock, no delay     answer   all told   path       signing"""
WORKERS_NOTE = """
With workers, stock's PDFs fetch their style sheets from a second, threaded server (report.url), whose CPU and SQL are
counted. Without it two customers at once block two workers until both are killed after 120 s."""
# Of stock's, for one customer at a time: with more than the machine has cores, the wall is CPU only.
MAX_WALL, MAX_WALL_WITHOUT_DELAY, MAX_CPU = 1 / 8, 1 / 3, 1 / 3
MAX_QUERIES, LINES_OF_MAX_QUERIES = 120, 3
MAX_PROBLEMS_SHOWN = 5


@dataclass
class Figures:
    """Of one step of one flow with so many clients, all waves together."""

    walls: list[float] = field(default_factory=list)  # seconds, of each customer who got the answer
    answered: Cpu = Cpu()  # used when the last answer of each wave had come
    settled: Cpu = Cpu()  # used when all mails had come, too, and the server was quiet
    queries: list[float] = field(default_factory=list)  # of each wave's HTTP requests, per customer
    scheduler_queries: int = 0
    mails: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def wall(self) -> float:
        return median(self.walls) if self.walls else math.nan

    @property
    def p95(self) -> float:
        return sorted(self.walls)[math.ceil(0.95 * len(self.walls)) - 1] if self.walls else math.nan

    def add_log(self, logged: Logged, clients: int) -> None:
        """Add what the servers wrote into their logs during one wave."""
        self.queries.append(logged.request_queries / clients)
        self.scheduler_queries += logged.scheduler_queries
        self.problems += logged.problems

    def each(self, amount):
        """An amount of all waves, for one customer."""
        return amount / max(len(self.walls), 1)


# By mode, name of the flow, number of clients, step; in the order in which they were measured.
Results = dict[tuple[str, str, int, str], Figures]


def print_report(results: Results, noise: dict[str, float], lines: int) -> bool:
    """Print everything; ``noise`` is the share of the machine that others used, by mode.

    :return: whether all targets are met
    """
    modes = list(dict.fromkeys(mode for mode, *_rest in results))
    clients = sorted({clients for _mode, _flow, clients, _step in results})
    for mode in modes:
        print(f"\n{mode}, quote of {lines} lines; other programs used {noise[mode]:.0%} of the machine meanwhile{HEADER}")
        for number in clients:
            for flow in FLOWS:
                for step in flow.steps:
                    print(_row(number, flow.name, step, results[mode, flow.name, number, step]))
        print(WORKERS_NOTE if "workers" in mode else "", end="")
    print(f"\n{RATIOS_HEADER}")
    for mode in modes:
        for number in clients:
            print(_ratios(results, mode, number))
    _print_problems(results)
    print("\ntargets")
    good = True
    for title, value, limit in _targets(results, lines, modes, clients):
        met = value <= limit
        good &= met
        print(f"{'PASS' if met else 'FAIL'}  {title}")
    return good


def write_json(path: Path, results: Results, noise: dict[str, float], lines: int) -> None:
    """Write all figures; CPU, scheduler queries and mails are sums over all waves."""
    rows = [
        {"mode": mode, "flow": flow, "clients": clients, "step": step, **asdict(figures)}
        for (mode, flow, clients, step), figures in results.items()
    ]
    path.write_text(json.dumps({"lines": lines, "noise": noise, "figures": rows}, indent=1))


def _row(clients: int, flow: str, step: str, figures: Figures) -> str:
    cpu = figures.each(figures.settled)
    return (
        f"{clients:7} {flow:8} {step:6} {figures.wall:8.3f} {figures.p95:6.3f}  {figures.each(figures.answered).total:8.3f}"
        f"  {cpu.total:8.3f} {cpu.python:8.3f} {cpu.wkhtmltopdf:7.3f} {cpu.postgres:6.3f}"
        f"     {mean(figures.queries):8.0f}  {figures.each(figures.scheduler_queries):9.0f}  {figures.each(figures.mails):5.1f}"
    )


class _Comparison:
    """Ratios of one mode with so many clients."""

    def __init__(self, results: Results, mode: str, clients: int):
        self._results, self._mode, self._clients = results, mode, clients
        ours, stock, stock_without_delay = (self._figures(flow, "sign") for flow in (ESIGN, STOCK, STOCK_WITHOUT_DELAY))
        self.wall = ours.wall / stock.wall
        self.wall_without_delay = ours.wall / stock_without_delay.wall
        self.cpu_answered = ours.each(ours.answered).total / stock.each(stock.answered).total
        self.cpu = ours.each(ours.settled).total / stock.each(stock.settled).total
        self.path_cpu = self._path_cpu(ESIGN) / self._path_cpu(STOCK)
        self.queries = mean(ours.queries) / mean(stock.queries)

    def _figures(self, flow, step: str) -> Figures:
        return self._results[self._mode, flow.name, self._clients, step]

    def _path_cpu(self, flow) -> float:
        steps = (self._figures(flow, step) for step in flow.steps)
        return sum(figures.each(figures.settled).total for figures in steps)


def _ratios(results: Results, mode: str, clients: int) -> str:
    found = _Comparison(results, mode, clients)
    return (
        f"{mode:9} {clients:7}   {_part(found.wall):9} {_part(found.wall_without_delay):19} {_part(found.cpu_answered):8}"
        f" {_part(found.cpu):10} {_part(found.path_cpu):10} {_part(found.queries)}"
    )


def _part(ratio: float) -> str:
    return f"1/{1 / ratio:.1f}"


def _print_problems(results: Results) -> None:
    for (mode, flow, clients, step), figures in results.items():
        if figures.problems:
            print(f"\n{mode}, {flow}, {clients} clients, {step}: {len(figures.problems)} problems")
            print("\n".join(f"    {problem}" for problem in figures.problems[:MAX_PROBLEMS_SHOWN]))


def _targets(results: Results, lines: int, modes: list[str], clients: list[int]) -> Iterator[tuple[str, float, float]]:
    """(what, value, limit); a value that could not be measured is above every limit."""
    for mode in modes:
        found = _Comparison(results, mode, 1)
        for title, value, limit in (
            ("wall of signing, against stock", found.wall, MAX_WALL),
            ("wall of signing, against stock without delay", found.wall_without_delay, MAX_WALL_WITHOUT_DELAY),
            ("CPU of signing, all told, against stock", found.cpu, MAX_CPU),
        ):
            yield f"{mode}, 1 client: {title}: {_part(value)}, at most {_part(limit)}", value, limit
        if lines == LINES_OF_MAX_QUERIES:
            queries = max(results[mode, ESIGN.name, 1, "sign"].queries)
            yield f"{mode}, 1 client: SQL queries of signing: {queries:.0f}, at most {MAX_QUERIES}", queries, MAX_QUERIES
        most = max(clients)
        errors = sum(len(results[mode, ESIGN.name, most, step].problems) for step in ESIGN.steps)
        yield f"{mode}, {most} clients: errors: {errors}, none allowed", errors, 0
