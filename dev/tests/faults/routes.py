"""The addon's routes, read from its source: what is added there is attacked without anybody thinking of it here."""

import ast
from dataclasses import dataclass
from pathlib import Path

from devtools import paths


@dataclass(frozen=True)
class Route:
    path: str  # as declared, such as /esign/<string:uid>/sign
    methods: str  # source of what was declared
    public: bool
    fields: tuple[str, ...]  # parameters that the controller names

    @property
    def takes_post(self) -> bool:
        return "'POST'" in self.methods or "methods" not in self.methods

    @property
    def takes_get(self) -> bool:
        return "'GET'" in self.methods or "methods" not in self.methods


def all_routes() -> list[Route]:
    found = []
    for path in sorted((paths.ADDON / "controllers").glob("*.py")):
        found += _of_module(path)
    assert any(route.takes_post for route in found), "controllers are written otherwise than this module expects"
    return found


def public_posts() -> list[Route]:
    return [route for route in all_routes() if route.public and route.takes_post and route.path.startswith("/esign")]


def _of_module(path: Path) -> list[Route]:
    module = ast.parse(path.read_text())
    constants = {
        target.id: node.value
        for node in module.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    found = []
    for function in ast.walk(module):
        for decorator in getattr(function, "decorator_list", ()):
            if isinstance(decorator, ast.Call) and ast.unparse(decorator.func).endswith("route") and decorator.args:
                options = _expanded(decorator, constants)
                fields = tuple(argument.arg for argument in function.args.args if argument.arg != "self")
                for route in _texts(decorator.args[0]):
                    found.append(Route(route, options, "'public'" in options, fields))
    return found


def _expanded(call: ast.Call, constants: dict[str, ast.expr]) -> str:
    """Source of a decorator's options, with what ``**NAME`` stands for."""
    text = ast.unparse(call)
    for _depth in range(3):
        for name, value in constants.items():
            text = text.replace(f"**{name}", ast.unparse(value))
    return text


def _texts(node: ast.expr) -> list[str]:
    return [item.value for item in ast.walk(node) if isinstance(item, ast.Constant)]
