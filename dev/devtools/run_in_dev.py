"""``dev/odoo`` and ``dev/psql``: Odoo's and PostgreSQL's own commands on the development cluster."""

import signal
import subprocess
import sys

from . import paths
from .errors import DevError
from .odoo_server import environment, write_config
from .postgres import Cluster

DEV_CLUSTER = "demo"


def odoo(cluster: Cluster, arguments: list[str]) -> list[str]:
    config = write_config(paths.CACHE / "run" / "odoo.conf", cluster)
    # A sub-command such as "shell" must stay the first word.
    position = 1 if arguments and not arguments[0].startswith("-") else 0
    return [*paths.odoo_command(), *arguments[:position], "--config", str(config), *arguments[position:]]


def psql(cluster: Cluster, arguments: list[str]) -> list[str]:
    connection = ["--host", cluster.host, "--port", str(cluster.port), "--username", cluster.user]
    return [str(cluster.binaries / "psql"), *connection, *(arguments or ["postgres"])]


COMMANDS = {"odoo": odoo, "psql": psql}


def main(name: str, arguments: list[str]) -> int:
    with Cluster(DEV_CLUSTER) as cluster:
        process = subprocess.Popen(COMMANDS[name](cluster, arguments), env=environment(cluster))
        # The program shares our terminal and deals with Ctrl-C itself; we only stay until it has ended.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, lambda *_args: process.terminate())
        return process.wait()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1], sys.argv[2:]))
    except DevError as error:
        sys.exit(str(error))
