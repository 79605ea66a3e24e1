"""Where things are. The only module that reads the environment which ``dev/setup`` prepares."""

import os
import re
import sys
from pathlib import Path

from .errors import DevError

ADDON_NAME = "esign_quote"

DEV = Path(__file__).resolve().parent.parent
CHECKOUT = DEV.parent
ADDON = CHECKOUT / ADDON_NAME
ARTEFACTS = DEV / ".artefacts"

try:
    CACHE = Path(os.environ["ESIGN_CACHE"])
    ODOO_HOME = Path(os.environ["ESIGN_ODOO"])
    ODOO_LIB = Path(os.environ["ESIGN_ODOO_LIB"])
except KeyError as error:
    sys.exit(f"{error.args[0]} is not set: start this through the commands in dev/ (for example dev/python)")


def odoo_addons() -> list[Path]:
    """Folders of Odoo's own addons. A source checkout keeps most of them beside the package; what Debian's package
    has in that place is an incomplete copy."""
    folders = [ODOO_LIB / "odoo" / "addons"]
    if (ODOO_HOME / "odoo-bin").is_file():
        folders.insert(0, ODOO_HOME / "addons")
    return folders


def find_odoo_addon(name: str) -> Path:
    for folder in odoo_addons():
        if (folder / name / "__manifest__.py").is_file():
            return folder / name
    raise DevError(f"this Odoo ({ODOO_HOME}) has no addon {name}")


def odoo_command() -> list[str]:
    """Odoo's command as a script: ``python -m odoo`` cannot start the second process that ``--workers`` needs."""
    for script in (ODOO_HOME / "odoo-bin", ODOO_HOME / "usr/bin/odoo", ODOO_HOME / "../../../bin/odoo"):
        if script.is_file():
            return [sys.executable, str(script.resolve())]
    return [sys.executable, "-m", "odoo"]


def odoo_version() -> str:
    """A text that changes with the Odoo in use; the names of cached databases depend on it."""
    if ODOO_LIB != ODOO_HOME:  # unpacked by dev/setup into odoo-<version>
        return ODOO_HOME.name
    release = (ODOO_LIB / "odoo" / "release.py").read_text()
    version = re.search(r"^version_info = \((.*?)\)", release, re.MULTILINE)
    return f"{version.group(1) if version else ''} {ODOO_HOME}"
