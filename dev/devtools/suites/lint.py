"""Everything that reads the files without running them."""

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import polib
from babel.messages.pofile import PoFileError, read_po
from lxml import etree

from .. import addon, layers, paths, programs
from .base import Context, Outcome

# Hosts of registries and folders of one machine have no place in the repository: set-up reads them where it runs.
PRIVATE_TEXT = re.compile(
    r"\b(deb|security|snapshot|archive|ftp)\.(\w+\.)?(debian|ubuntu)\.(org|com)\b"
    r"|\b(pypi|pythonhosted|npmjs|yarnpkg)\.(org|com)\b"
    r"|(?<![\w./-])/(root|work|home/\w+)/"
)
NOT_OURS = {".git", ".artefacts", ".hypothesis", "__pycache__"}
ODOO_PYLINT_CHECKS = (
    "sql-injection,missing-gettext,gettext-variable,gettext-placeholders,gettext-repr,raise-unlink-override"
)
ODOO_PYLINT_PLUGINS = "_odoo_checker_sql_injection,_odoo_checker_gettext,_odoo_checker_unlink_override"


def run(context: Context) -> Outcome:
    outcome = Outcome()
    titles = [title for title in CHECKS if context.only in title]
    with ThreadPoolExecutor(max_workers=2) as pool:  # the slow ones are programs of their own
        for title, problem in zip(titles, pool.map(lambda title: CHECKS[title](), titles), strict=True):
            (context.logs / f"{title.replace(' ', '-')}.log").write_text(problem)
            outcome.add(title, problem)
    return outcome


def ruff() -> str:
    return _output_of_failure(
        [
            str(Path(sys.executable).with_name("ruff")),
            "check",
            "--no-cache",
            "--output-format=concise",
            "dev",
            paths.ADDON_NAME,
        ]
    )


def pylint_odoo() -> str:
    return _output_of_failure([sys.executable, "-m", "pylint", "--rcfile=.pylintrc", paths.ADDON_NAME])


def pylint_of_odoo() -> str:
    """The checkers that Odoo runs on its own code."""
    plugins = paths.find_odoo_addon("test_lint") / "tests"
    return _output_of_failure(
        [
            *(
                sys.executable,
                "-m",
                "pylint",
                f"--rcfile={os.devnull}",
                "--score=no",
                "--disable=all,unknown-option-value",
            ),
            *(f"--load-plugins={ODOO_PYLINT_PLUGINS}", f"--enable={ODOO_PYLINT_CHECKS}", paths.ADDON_NAME),
        ],
        PYTHONPATH=f"{plugins}:{os.environ['PYTHONPATH']}",
    )


def eslint() -> str:
    folders = [folder for name in ("src", "tests") if (folder := paths.ADDON / "static" / name).is_dir()]
    scripts = [str(path) for path in addon.files("*.js", *folders)] if folders else []
    if not scripts:
        return ""
    config = paths.find_odoo_addon("test_lint") / "tests" / "eslintrc"
    return _output_of_failure([*programs.eslint(), "--no-ignore", "--no-eslintrc", "-c", str(config), *scripts])


def xml() -> str:
    problems = []
    for path in addon.files("*.xml"):
        try:
            etree.parse(path)
        except etree.XMLSyntaxError as error:
            problems.append(f"{path.relative_to(paths.CHECKOUT)}: {error}")
    return "\n".join(problems)


def translations() -> str:
    """What ``msgfmt -c`` finds: syntax, duplicates, placeholders that differ; and what Odoo drops silently."""
    problems = []
    for path in addon.files("*.po*", paths.ADDON / "i18n"):
        name = path.relative_to(paths.CHECKOUT)
        try:
            catalog = polib.pofile(str(path), check_for_duplicates=True)
            with path.open("rb") as stream:
                messages = read_po(stream, abort_invalid=True)
        except (OSError, ValueError, PoFileError) as error:
            problems.append(f"{name}: {error}")
            continue
        problems += [f"{name}: {message.id!r}: {error}" for message, errors in messages.check() for error in errors]
        for entry in catalog:
            if entry.fuzzy:
                problems.append(f"{name}:{entry.linenum}: fuzzy, which Odoo ignores: {entry.msgid!r}")
            elif entry.msgstr and _edges(entry.msgid) != _edges(entry.msgstr):
                problems.append(f"{name}:{entry.linenum}: line breaks at the edges differ: {entry.msgid!r}")
            elif entry.msgstr and _placeholders(entry.msgid) != _placeholders(entry.msgstr):
                problems.append(f"{name}:{entry.linenum}: placeholders differ: {entry.msgid!r}")
    return "\n".join(problems)


def layer_rule() -> str:
    return "\n".join(layers.findings())


def private_texts() -> str:
    """No address of a package registry, no path of somebody's machine."""
    return "\n".join(
        f"{path.relative_to(paths.CHECKOUT)}:{number}: {line.strip()}"
        for path in _files_of_checkout()
        for number, line in enumerate(_text_of(path).splitlines(), 1)
        if PRIVATE_TEXT.search(line)
    )


CHECKS: dict[str, Callable[[], str]] = {
    "ruff": ruff,
    "pylint-odoo": pylint_odoo,
    "pylint of Odoo": pylint_of_odoo,
    "eslint": eslint,
    "XML": xml,
    "translations": translations,
    "layers": layer_rule,
    "private texts": private_texts,
}


def _output_of_failure(command: list[str], **variables: str) -> str:
    result = subprocess.run(
        command, check=False, capture_output=True, text=True, cwd=paths.CHECKOUT, env={**os.environ, **variables}
    )
    if not result.returncode:
        return ""
    return result.stdout + result.stderr or f"ended with code {result.returncode}"


def _files_of_checkout() -> Iterator[Path]:
    for folder, subfolders, names in os.walk(paths.CHECKOUT):
        subfolders[:] = sorted(set(subfolders) - NOT_OURS)
        yield from (Path(folder, name) for name in sorted(names))


def _text_of(path: Path) -> str:
    content = path.read_bytes()
    return "" if b"\0" in content else content.decode(errors="replace")


def _placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"%\(\w+\)[sdif]|%[sd]|\$\{[^}]*\}|\{\{[^}]*\}\}", text))


def _edges(text: str) -> tuple[bool, bool]:
    return text.startswith("\n"), text.endswith("\n")
