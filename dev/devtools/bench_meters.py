"""What work costs a server: CPU as the kernel counts it, SQL queries as the logs tell."""

import contextlib
import os
import re
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path

from . import odoo_log
from .odoo_server import OdooServer
from .postgres import Cluster

TICKS = os.sysconf("SC_CLK_TCK")
CPUCLOCK_SCHED = 2  # of a process: the precise one (linux/posix-timers.h)
QUIET_CPU = 0.004  # seconds of CPU that an idle server may use within one pause
PAUSE = 0.15
QUIET_PAUSES = 2  # in a row
QUIET_TIMEOUT = 60

# How werkzeug logs a request in Odoo: status, size, SQL queries, seconds in SQL, other seconds.
REQUEST = re.compile(r'werkzeug: .*"[A-Z]+ \S+ [^"]*" \d+ \S+ (\d+) [\d.]+ [\d.]+$', re.MULTILINE)
SCHEDULER = re.compile(r"bench_probe: scheduler: (\d+) queries *$", re.MULTILINE)


@dataclass(frozen=True)
class Cpu:
    """Seconds, user and system."""

    python: float = 0
    wkhtmltopdf: float = 0
    postgres: float = 0

    @property
    def total(self) -> float:
        return sum(astuple(self))

    def __add__(self, other: "Cpu") -> "Cpu":
        return Cpu(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __sub__(self, other: "Cpu") -> "Cpu":
        return Cpu(*(a - b for a, b in zip(astuple(self), astuple(other), strict=True)))

    def __truediv__(self, number: float) -> "Cpu":
        return Cpu(*(value / number for value in astuple(self)))


class CpuMeter:
    """CPU used so far by some servers and by the whole cluster they work on, ended processes included."""

    def __init__(self, cluster: Cluster, servers: list[OdooServer]):
        self._postmaster = int((cluster.data / "postmaster.pid").read_text().split()[0])
        self._servers = servers

    def read(self) -> Cpu:
        python = wkhtmltopdf = 0.0
        for server in self._servers:
            for pid in _tree(server.process.pid):
                # The only programs that Odoo starts and waits for are those that render.
                if _name(pid) == "wkhtmltopdf":
                    wkhtmltopdf += _own(pid)
                else:
                    python += _own(pid)
                    wkhtmltopdf += _ended_children(pid)
        backends = _tree(self._postmaster)
        return Cpu(python, wkhtmltopdf, sum(map(_own, backends)) + _ended_children(self._postmaster))

    def wait_until_quiet(self) -> None:
        deadline = time.monotonic() + QUIET_TIMEOUT
        quiet, before = 0, self.read().total
        while quiet < QUIET_PAUSES and time.monotonic() < deadline:
            time.sleep(PAUSE)
            now = self.read().total
            quiet = quiet + 1 if now - before < QUIET_CPU else 0
            before = now


class NoiseMeter:
    """How much of the machine others use while the bench runs."""

    def __init__(self, ours: CpuMeter):
        self._ours = ours
        self._before = self._others(), time.monotonic()

    def read(self) -> float:
        """Share of all cores, 0 to 1, since the meter was made."""
        others, started = self._before
        return (self._others() - others) / (time.monotonic() - started) / (os.cpu_count() or 1)

    def _others(self) -> float:
        user, nice, system, _idle, _iowait, *interrupts_and_steal = map(int, _read(Path("/proc/stat")).split("\n")[0].split()[1:9])
        busy = (user + nice + system + sum(interrupts_and_steal)) / TICKS
        return busy - self._ours.read().total - time.process_time()


def _tree(pid: int) -> list[int]:
    """The process and all below it; processes may end while this looks at them."""
    found = [pid]
    with contextlib.suppress(FileNotFoundError):
        for task in os.listdir(f"/proc/{pid}/task"):
            for child in _read(Path(f"/proc/{pid}/task/{task}/children")).split():
                found += _tree(int(child))
    return found


def _own(pid: int) -> float:
    """Of a live process, threads that have ended included."""
    try:
        return time.clock_gettime(~pid << 3 | CPUCLOCK_SCHED)
    except OSError:
        return 0.0  # has just ended: its parent counts it


def _ended_children(pid: int) -> float:
    fields = _read(Path(f"/proc/{pid}/stat")).rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICKS if fields else 0.0


def _name(pid: int) -> str:
    return _read(Path(f"/proc/{pid}/comm")).strip()


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


@dataclass(frozen=True)
class Logged:
    """What servers wrote into their logs meanwhile."""

    request_queries: int  # of all HTTP requests
    scheduler_queries: int
    problems: tuple[str, ...]


class LogReader:
    """Reads what is new in the logs of some servers."""

    def __init__(self, servers: list[OdooServer]):
        self._positions = {server.log_path: 0 for server in servers}
        self.new()

    def new(self) -> Logged:
        text = "".join(self._new_text())
        return Logged(
            sum(map(int, REQUEST.findall(text))),
            sum(map(int, SCHEDULER.findall(text))),
            tuple(odoo_log.findings(text)),
        )

    def _new_text(self) -> Iterator[str]:
        for path, position in self._positions.items():
            with path.open("rb") as log:
                log.seek(position)
                content = log.read()
            complete = content[: content.rfind(b"\n") + 1]
            self._positions[path] = position + len(complete)
            yield complete.decode(errors="replace")
