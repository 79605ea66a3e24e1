"""The layer rule of ARCHITECTURE.md, checked on the syntax tree.

- ``tools/`` is pure: it never imports Odoo nor other parts of the addon;
- ``models/`` and ``wizard/`` never import ``controllers/`` and never look at the HTTP request;
- ``controllers/`` are thin: they never import ``tools/`` and never write, create or delete records themselves;
- ``models/ir_http.py`` is Odoo's own name for a part of the HTTP layer: it is held to the rule of ``controllers/``.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from . import addon, paths

ROOT = f"odoo.addons.{paths.ADDON_NAME}"

# What the files of a layer must not import, and what they may all the same.
FORBIDDEN_IMPORTS = {
    "tools": ("odoo",),
    "models": (f"{ROOT}.controllers", "odoo.http.request"),
    "wizard": (f"{ROOT}.controllers", "odoo.http.request"),
    "controllers": (f"{ROOT}.tools",),
}
# Files that belong to another layer than their folder.
LAYER_OF = {"models/ir_http.py": "controllers"}
ALLOWED_IMPORTS = {"tools": f"{ROOT}.tools"}
# Methods of records that a layer must not call.
FORBIDDEN_CALLS = {"controllers": {"create", "write", "unlink"}}


def findings() -> list[str]:
    """Breaches of the rule as "file:line: what"."""
    return [
        f"{path.relative_to(paths.CHECKOUT)}:{line}: {problem}"
        for layer in FORBIDDEN_IMPORTS
        for path in addon.files("*.py", paths.ADDON / layer)
        for line, problem in check_file(path, LAYER_OF.get(path.relative_to(paths.ADDON).as_posix(), layer))
    ]


def check_file(path: Path, layer: str) -> Iterator[tuple[int, str]]:
    package = [*ROOT.split("."), *path.relative_to(paths.ADDON).parent.parts]
    for node in ast.walk(ast.parse(path.read_bytes(), path)):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for name in _imported_names(node, package):
                if _is_forbidden(name, layer):
                    yield node.lineno, f"{layer}/ must not import {name}"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in FORBIDDEN_CALLS.get(layer, ()):
                yield node.lineno, f"{layer}/ must not call {node.func.attr}(): call one method of a model"


def _imported_names(node: ast.Import | ast.ImportFrom, package: list[str]) -> list[str]:
    """Full names of all that is imported; relative imports are resolved from ``package``."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = package[: len(package) - node.level + 1] if node.level else []
    module = ".".join([*base, *([node.module] if node.module else [])])
    return [f"{module}.{alias.name}" for alias in node.names]


def _is_forbidden(name: str, layer: str) -> bool:
    def within(parent: str) -> bool:
        return name == parent or name.startswith(f"{parent}.")

    if layer in ALLOWED_IMPORTS and within(ALLOWED_IMPORTS[layer]):
        return False
    return any(within(parent) for parent in FORBIDDEN_IMPORTS[layer])
