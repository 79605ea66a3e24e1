"""Run Odoo: once for an installation or tests (:func:`run_odoo`), or as a server (:class:`OdooServer`)."""

import configparser
import contextlib
import os
import secrets
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from . import paths
from .errors import DevError
from .postgres import Cluster

ADDRESS = "127.0.0.1"
START_TIMEOUT = 180
STOP_TIMEOUT = 20
LAST_LINES = 25  # of a log, shown when something went wrong


def free_port(wanted: int = 0, taken: tuple[int, ...] = ()) -> int:
    """``wanted`` if nobody listens there, else any free port. ``taken`` are promised to others already."""
    for port in (wanted, 0, 0, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((ADDRESS, port))
            except OSError:
                continue
            if (found := probe.getsockname()[1]) not in taken:
                return found
    raise DevError(f"no free port on {ADDRESS}")


def data_dir(cluster: Cluster) -> Path:
    """Odoo's data folder (attachments, sessions) for the databases of a cluster."""
    return paths.CACHE / "data" / cluster.name


def seal_secret() -> str:
    """The secret with which the addon encrypts private keys; it lives in the server's configuration only."""
    secret_file = paths.CACHE / "seal-secret"
    try:
        descriptor = os.open(secret_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if secret := secret_file.read_text().strip():
            return secret
        descriptor = os.open(secret_file, os.O_WRONLY)  # a crash left it empty
    with os.fdopen(descriptor, "w") as stream:
        secret = secrets.token_hex(32)
        stream.write(secret)
    return secret


def write_config(path: Path, cluster: Cluster, **options) -> Path:
    """Write a configuration file of Odoo, readable by its owner only. ``options`` win over the defaults."""
    settings = {
        "addons_path": ",".join(str(folder) for folder in [*paths.odoo_addons(), paths.CHECKOUT]),
        "data_dir": data_dir(cluster),
        "admin_passwd": secrets.token_hex(16),  # nobody needs the database manager here
        "db_host": cluster.host,
        "db_port": cluster.port,
        "db_user": cluster.user,
        "db_template": "template0",
        "pg_path": cluster.binaries,
        "list_db": False,
        "http_interface": ADDRESS,
        **options,
    }
    parser = configparser.ConfigParser(interpolation=None)
    parser["options"] = {name: str(value) for name, value in settings.items()}
    # The addon's own section: Odoo warns about options it does not know in [options].
    parser["esign_quote"] = {"seal_secret": seal_secret()}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with path.open("w") as stream:
        parser.write(stream)
    return path


def environment(cluster: Cluster) -> dict[str, str]:
    """Variables of an Odoo process: Odoo looks for pg_dump and psql in the PATH."""
    return {**os.environ, "PATH": f"{cluster.binaries}:{os.environ.get('PATH', os.defpath)}", "TZ": "UTC"}


def last_lines(path: Path, count: int = LAST_LINES) -> str:
    return "\n".join(path.read_text(errors="replace").splitlines()[-count:]) if path.exists() else ""


# -------------------------------------------------------------------------------------------------- run once


@dataclass(frozen=True)
class OdooRun:
    """What one run of Odoo's command left."""

    returncode: int
    log_path: Path
    seconds: float

    @property
    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def check(self) -> "OdooRun":
        """Raise if the command failed. (Failing *tests* make it fail too.)"""
        if self.returncode:
            raise DevError(f"Odoo ended with code {self.returncode}:\n{last_lines(self.log_path)}\n({self.log_path})")
        return self


def run_odoo(
    cluster: Cluster,
    database: str,
    *arguments: str,
    log_path: Path,
    subcommand: tuple[str, ...] = (),
    script: Path | None = None,
    timeout: float = 2400,
) -> OdooRun:
    """Run Odoo's command on a database until it ends by itself; the log goes to ``log_path``.

    Without a ``subcommand`` that is the server, told to stop after having installed and tested; the subcommand
    ``shell`` runs a ``script``.
    """
    port = free_port()
    config = write_config(
        log_path.with_suffix(".conf"),
        cluster,
        http_port=port,
        gevent_port=free_port(taken=(port,)),
        max_cron_threads=0,
        db_name=database,
    )
    command = [*paths.odoo_command(), *subcommand, "--config", str(config), *arguments]
    if not subcommand:
        command.append("--stop-after-init")
    started = time.monotonic()
    with log_path.open("w") as log, Path(script or os.devnull).open() as stdin:
        process = _spawn(command, cluster, log, stdin=stdin)
        try:
            process.wait(timeout)
        except BaseException as error:  # also Ctrl-C: the process has a session of its own and would stay
            _end(process)
            if isinstance(error, subprocess.TimeoutExpired):
                raise DevError(f"Odoo took longer than {timeout:.0f} s ({log_path})") from error
            raise
    return OdooRun(process.returncode, log_path, time.monotonic() - started)


# -------------------------------------------------------------------------------------------------- a server


class OdooServer:
    """An Odoo server on one database of a cluster, usable as a context manager.

    ``smtp`` is the (host, port) that all mails go to, ``variables`` are added to its environment, ``options`` are
    further entries of the configuration file.
    Attributes of use to tests: ``url``, ``port``, ``gevent_port``, ``database``, ``cluster``, ``process``,
    ``log_path``, ``config_path``.
    """

    def __init__(
        self,
        cluster: Cluster,
        database: str,
        *,
        folder: Path,
        port: int | None = None,
        workers: int = 0,
        smtp: tuple[str, int] | None = None,
        variables: dict[str, str] | None = None,
        **options,
    ):
        self.cluster = cluster
        self.variables = variables or {}
        self.database = database
        self.workers = workers
        self.port = port or free_port()
        self.gevent_port = free_port(taken=(self.port,))
        self.url = f"http://{ADDRESS}:{self.port}"
        self.log_path = folder / f"odoo-{database}.log"
        self.process = None
        smtp_host, smtp_port = smtp or (ADDRESS, free_port(taken=(self.port, self.gevent_port)))
        self.config_path = write_config(
            folder / f"odoo-{database}.conf",
            cluster,
            **{
                "db_name": database,
                "dbfilter": f"^{database}$",
                "http_port": self.port,
                "gevent_port": self.gevent_port,
                "workers": workers,
                "max_cron_threads": 1,
                # Each process has its own pool; together they stay below max_connections of the cluster.
                "db_maxconn": 16 if workers else 48,
                "smtp_server": smtp_host,
                "smtp_port": smtp_port,
                "limit_time_cpu": 300,
                "limit_time_real": 600,
                "limit_time_real_cron": 600,
                **options,
            },
        )

    def start(self) -> "OdooServer":
        self.launch()
        self.wait()
        return self

    def launch(self) -> None:
        """Start the process without waiting for it."""
        with self.log_path.open("a") as log:
            self.process = _spawn(
                [*paths.odoo_command(), "--config", str(self.config_path)], self.cluster, log, self.variables
            )

    def wait(self, timeout: float = START_TIMEOUT) -> None:
        """Return as soon as the server answers with the database loaded."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                raise DevError(f"Odoo stopped by itself:\n{last_lines(self.log_path)}\n({self.log_path})")
            try:
                with urllib.request.urlopen(f"{self.url}/web/login", timeout=timeout):
                    return
            except urllib.error.HTTPError as error:
                raise DevError(f"Odoo answers {error.code}:\n{last_lines(self.log_path)}\n({self.log_path})") from error
            except OSError:
                time.sleep(0.2)
        raise DevError(f"Odoo does not answer after {timeout:.0f} s:\n{last_lines(self.log_path)}\n({self.log_path})")

    def stop(self) -> None:
        if self.process:
            _end(self.process)
            self.process = None

    def kill(self) -> None:
        """End all processes of the server at once, as a power cut would: for fault tests."""
        if self.process:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def kill_master(self) -> None:
        """End the first process only; the others have to notice it."""
        self.process.kill()
        self.process.wait()

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> "OdooServer":
        return self.start()

    def __exit__(self, *exc_info) -> None:
        self.stop()


def _spawn(
    command: list[str], cluster: Cluster, log, variables: dict[str, str] | None = None, stdin=subprocess.DEVNULL
) -> subprocess.Popen:
    # A session of its own, so that Ctrl-C reaches our command only, which then stops things in order; and should
    # our command be killed, the kernel tells Odoo to stop.
    return subprocess.Popen(
        ["setpriv", "--pdeathsig", "TERM", "--", *command],
        stdout=log,
        stderr=subprocess.STDOUT,
        stdin=stdin,
        env={**environment(cluster), **(variables or {})},
        cwd=paths.ODOO_LIB,
        start_new_session=True,
    )


def _end(process: subprocess.Popen) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    # Workers of a server that was killed, or a browser that a test left behind.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
