"""What the tools need to know of the addon: its dependencies, and whether its files changed."""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

from . import paths
from .errors import DevError

# Read from the disk at run time: a database does not change with them.
NOT_INSTALLED = {"tests", "static", "__pycache__"}


def require() -> None:
    if not (paths.ADDON / "__manifest__.py").is_file():
        raise DevError(f"there is no addon in {paths.ADDON}")


def manifest() -> dict:
    require()
    return ast.literal_eval((paths.ADDON / "__manifest__.py").read_text())


def files(pattern: str, *folders: Path) -> Iterator[Path]:
    """Files of the addon (or of ``folders``) that match, in a stable order, without those that Python writes."""
    for folder in folders or (paths.ADDON,):
        yield from sorted(path for path in folder.rglob(pattern) if path.is_file() and "__pycache__" not in path.parts)


def fingerprint() -> str:
    """Changes whenever a database with the addon needs an upgrade."""
    digest = hashlib.sha256()
    for path in files("*"):
        relative = path.relative_to(paths.ADDON)
        if relative.parts[0] not in NOT_INSTALLED:
            digest.update(f"{relative}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()
