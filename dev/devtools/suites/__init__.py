"""The suites of ``dev/test``, in the order in which they run: the quick ones first."""

from collections.abc import Callable
from dataclasses import dataclass

from . import lifecycle, lint, odoo_suites, pytest_suites
from .base import Context, Outcome


@dataclass(frozen=True)
class Suite:
    title: str
    run: Callable[[Context], Outcome]
    alone: bool = False
    """It measures, or needs the machine to itself: nothing runs beside it."""


SUITES = {
    "lint": Suite("linters, XML, translations, layers", lint.run),
    "tools": Suite("esign_quote/tools, no Odoo, no database", pytest_suites.run_tools),
    "odoo": Suite("the addon's tests, installed next to demo data", odoo_suites.run_addon),
    "lifecycle": Suite("install, upgrade, uninstall: nothing is left", lifecycle.run),
    "sale": Suite("Odoo's own tests of online signature and payment, addon installed", odoo_suites.run_sale),
    "odoo_lint": Suite("Odoo's own linters (test_lint)", odoo_suites.run_lint),
    "browser": Suite("dev/tests/browser: real server, browser and mails", pytest_suites.run_browser),
    "race": Suite("dev/tests/race: parallel requests, two processes", pytest_suites.run_race, alone=True),
    "faults": Suite("dev/tests/faults: attacks, the quick part of dev/faults", pytest_suites.run_faults, alone=True),
}
