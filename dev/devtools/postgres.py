"""Private PostgreSQL clusters in the cache: no TCP port, no system service, no password.

Clusters are named by purpose. Several commands may use one at the same time: each holds a shared lock on it, and
the last one to leave stops it, provided that one of them had started it.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import psycopg2

from . import paths, programs
from .errors import DevError

OLDEST_VERSION = 13  # what Odoo 19 asks for
SUPERUSER = "odoo"  # Odoo refuses to connect as "postgres"
PORT = 5432  # only part of the name of the socket
MAX_SOCKET_PATH = 100  # the kernel's limit is 107 bytes

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "lc_messages": "C",
    "timezone": "UTC",
}
# Much faster, and a crash of the machine may destroy the cluster: for tests only.
UNSAFE_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
# Who serves connections to a database, except the one that asks.
BACKENDS = """SELECT pid FROM pg_stat_activity WHERE datname = %s AND backend_type = 'client backend'
                 AND pid <> pg_backend_pid()"""


def find_binaries() -> Path:
    """Folder of PostgreSQL's programs: the machine's own, else those of a Python package."""
    by_version = {}
    for folder in Path("/usr/lib/postgresql").glob("*/bin"):
        if folder.parent.name.isdigit() and (folder / "postgres").is_file():
            by_version[int(folder.parent.name)] = folder
    if by_version and max(by_version) >= OLDEST_VERSION:
        return by_version[max(by_version)]
    return programs.postgresql()


class Cluster:
    """One private cluster, usable as a context manager: running inside, left as it was found outside."""

    def __init__(self, name: str, *, fsync: bool = True):
        self.name = name
        self.fsync = fsync
        self.binaries = find_binaries()
        self.user = SUPERUSER
        self.port = PORT
        # Who runs it, if that is not us: PostgreSQL refuses to run as root.
        self.owner = _service_user() if os.geteuid() == 0 else None
        version = subprocess.check_output([self.binaries / "postgres", "--version"], text=True).split()[2]
        self.folder = paths.CACHE / "postgres" / f"{name}-{version.split('.')[0]}"
        self.data = self.folder / "data"
        self.log = self.folder / "log"
        self.host = self._socket_folder()
        self._users_lock = None

    # ------------------------------------------------------------------------------------------ start and stop

    def start(self) -> "Cluster":
        """Start the cluster unless it runs already, and count as one of its users until :meth:`stop`."""
        self._prepare_folder()
        with _locked(self.folder / "start.lock"):
            users = (self.folder / "users.lock").open("w")
            fcntl.flock(users, fcntl.LOCK_SH)
            self._users_lock = users
            if self._postmaster() and self.answers():
                return self
            if not (self.data / "PG_VERSION").is_file():
                self._initdb()
            self._launch()
        return self

    def crash(self) -> None:
        """End all server processes at once, as a power cut would, and start again: PostgreSQL recovers from its log."""
        self._pg_ctl("stop", "-w", "-m", "immediate")
        self._launch()

    def kill_backend(self, database: str, choose: Callable[[list[int]], int]) -> bool:
        """``kill -9`` one process that serves a connection to ``database``; PostgreSQL then ends all and recovers.

        :return: whether there was one
        """
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(BACKENDS, [database])
            try:
                os.kill(choose([pid for (pid,) in cursor]), signal.SIGKILL)
            except (IndexError, ProcessLookupError):
                return False
            # Only once PostgreSQL has noticed does it recover: then it ends this connection, too.
            with suppress(psycopg2.OperationalError):
                cursor.execute("SELECT pg_sleep(60)")
        return True

    def end_connection(self, database: str, choose: Callable[[list[int]], int]) -> bool:
        """End one connection to ``database`` at which something is being done, as a network does; the others stay.

        :return: whether there was one
        """
        found = [pid for (pid,) in self.sql(database, f"{BACKENDS} AND state <> 'idle'", [database])]
        return bool(found) and self.sql(database, "SELECT pg_terminate_backend(%s)", [choose(found)]) == [(True,)]

    def stop(self) -> None:
        """Stop the cluster if these tools started it and nobody else uses it any more."""
        if not self._users_lock:
            return
        with _locked(self.folder / "start.lock"):
            try:
                fcntl.flock(self._users_lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pass  # another command uses it; the last one stops it
            else:
                if self._marker.is_file() and self._marker.read_text() == self._postmaster():
                    self._pg_ctl("stop", "-w", "-m", "fast")
                    self._marker.unlink()
            self._users_lock.close()
            self._users_lock = None

    def __enter__(self) -> "Cluster":
        return self.start()

    def __exit__(self, *exc_info) -> None:
        self.stop()

    # ------------------------------------------------------------------------------------------------ databases

    def connect(self, database: str = "postgres"):
        """A psycopg2 connection, outside of any transaction."""
        connection = psycopg2.connect(host=self.host, port=self.port, user=self.user, dbname=database)
        connection.autocommit = True
        return connection

    def sql(self, database: str, query: str, params=None) -> list[tuple]:
        """Run one statement, return its rows (none for a statement that gives none)."""
        with closing(self.connect(database)) as connection, connection.cursor() as cursor:
            cursor.execute(query, params)
            return cursor.fetchall() if cursor.description else []

    def databases(self) -> list[str]:
        rows = self.sql("postgres", "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY datname")
        return [row[0] for row in rows if row[0] != "postgres"]

    def exists(self, database: str) -> bool:
        return database in self.databases()

    def create(self, database: str, template: str = "template0") -> None:
        self.disconnect_all(template)
        self.sql("postgres", f'CREATE DATABASE "{database}" TEMPLATE "{template}" ENCODING \'UTF8\'')

    def drop(self, database: str) -> None:
        self.disconnect_all(database)
        self.sql("postgres", f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def rename(self, database: str, new_name: str) -> None:
        self.disconnect_all(database)
        self.sql("postgres", f'ALTER DATABASE "{database}" RENAME TO "{new_name}"')

    def disconnect_all(self, database: str) -> None:
        """End all other connections: PostgreSQL copies, moves, renames and drops only what nobody is connected to."""
        self.sql(
            "postgres",
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [database],
        )

    # -------------------------------------------------------------------------------------------------- details

    @property
    def _marker(self) -> Path:
        """Names the server process that these tools started."""
        return self.folder / "started-here"

    def _prepare_folder(self) -> None:
        for folder in (self.folder, Path(self.host)):
            folder.mkdir(parents=True, exist_ok=True)
            if self.owner:
                shutil.chown(folder, self.owner)
            folder.chmod(0o700)  # no password: whoever reaches the socket is in
        if self.owner and self._run("test", "-w", self.folder, check=False).returncode:
            raise DevError(
                f"the user {self.owner}, who runs PostgreSQL, cannot enter {self.folder}; "
                "set ESIGN_CACHE to a folder that other users may enter"
            )

    def _socket_folder(self) -> str:
        folder = self.folder / "socket"
        if len(str(folder)) + len(f"/.s.PGSQL.{PORT}.lock") <= MAX_SOCKET_PATH:
            return str(folder)
        return str(Path(tempfile.gettempdir()) / f"esign_quote-{os.geteuid()}-{self.folder.name}")

    def _initdb(self) -> None:
        # A folder that initdb did not finish must never be taken for a cluster: build aside, then rename.
        building = self.folder / "building"
        shutil.rmtree(building, ignore_errors=True)
        shutil.rmtree(self.data, ignore_errors=True)
        self._run(
            self.binaries / "initdb",
            *("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"),
            f"--username={SUPERUSER}",
            building,
        )
        building.rename(self.data)

    def _server_options(self) -> str:
        settings = dict(SETTINGS, unix_socket_directories=self.host, port=str(PORT))
        if not self.fsync:
            settings.update(UNSAFE_SETTINGS)
        return " ".join(f"-c {name}='{value}'" for name, value in settings.items())

    def _postmaster(self) -> str:
        """The number of the running server process, empty if there is none."""
        try:
            pid = (self.data / "postmaster.pid").read_text().split()[0]
        except (FileNotFoundError, IndexError):
            return ""
        return pid if Path("/proc", pid).exists() else ""

    def answers(self) -> bool:
        """Whether connections are taken: not before the start, and not while it recovers from a crash."""
        try:
            self.connect().close()
        except psycopg2.OperationalError:
            return False
        return True

    def _launch(self) -> None:
        self._pg_ctl("start", "-w", "-t", "60", "-l", self.log, "-o", self._server_options())
        self._marker.write_text(self._postmaster())

    def _pg_ctl(self, *arguments) -> None:
        self._run(self.binaries / "pg_ctl", "-D", self.data, *arguments)

    def _run(self, *command, check: bool = True) -> subprocess.CompletedProcess:
        command = [str(word) for word in command]
        if self.owner:
            command = ["runuser", "-u", self.owner, "--", *command]
        # Output goes to a file: the server would hold a pipe open for ever. A session of its own: Ctrl-C in the
        # terminal must not reach the server before Odoo has let go of it.
        with tempfile.TemporaryFile("w+") as output:
            result = subprocess.run(
                command,
                check=False,
                stdout=output,
                stderr=output,
                stdin=subprocess.DEVNULL,
                cwd="/",
                start_new_session=True,
            )
            if check and result.returncode:
                output.seek(0)
                raise DevError(f"PostgreSQL: {' '.join(command)} failed:\n{output.read()}(log: {self.log})")
        return result


def _service_user() -> str:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise DevError("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


@contextmanager
def _locked(path: Path):
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
