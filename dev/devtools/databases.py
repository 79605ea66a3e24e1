"""Databases with their filestores. Installing Odoo's modules takes a minute, copying a database two seconds: so
two kinds of templates are kept in each cluster, and built again when what they depend on has changed.

    base_<demo>_<key>    Odoo's own modules that the addon depends on
    addon_<demo>_<key>   the same with the addon installed
"""

import fcntl
import hashlib
import os
import re
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path

from . import addon, paths
from .odoo_server import data_dir, run_odoo
from .postgres import Cluster

# The first one is what new users get; French is the second language of the addon.
LANGUAGES = "en_US,fr_FR"
ADDRESS_PARAMETERS = ("web.base.url", "report.url")
OWNED = re.compile(r"own_\w+_(\d+)")  # a name ends with the number of the process it was made for


class Databases:
    """Creates and drops the databases of a running cluster."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self.filestores = data_dir(cluster) / "filestore"
        self.filestores.mkdir(parents=True, exist_ok=True)

    # ------------------------------------------------------------------------------------------ for the callers

    def create(self, name: str, *, demo: bool = True, with_addon: bool = True) -> str:
        """A fresh database called ``name``; one of that name is dropped before."""
        with self._locked():
            self._drop_orphans()
            template = self._base_template(demo)
            if with_addon:
                template = self._addon_template(template, demo)
            self._copy(template, name)
        return name

    def create_own(self, purpose: str, **options) -> str:
        """Like :meth:`create`, under a name that no other process uses. Also after a crash it is dropped in the end."""
        return self.create(f"own_{purpose}_{os.getpid()}", **options)

    def drop(self, name: str) -> None:
        self.cluster.drop(name)
        shutil.rmtree(self.filestores / name, ignore_errors=True)

    def set_address(self, name: str, url: str) -> None:
        """Tell the database the server's address, for links in mails and for wkhtmltopdf."""
        parameters = {**dict.fromkeys(ADDRESS_PARAMETERS, url), "web.base.url.freeze": "True"}
        for key, value in parameters.items():
            self._set_parameter(name, key, value)

    def set_sms_endpoint(self, name: str, url: str) -> None:
        """Have the database send its text messages to a double of Odoo's service."""
        self._set_parameter(name, "sms.endpoint", url)

    def _set_parameter(self, name: str, key: str, value: str) -> None:
        self.cluster.sql(
            name,
            """INSERT INTO ir_config_parameter (key, value, create_uid, write_uid, create_date, write_date)
               VALUES (%s, %s, 1, 1, now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
               ON CONFLICT (key) DO UPDATE SET value = excluded.value""",
            [key, value],
        )

    # ---------------------------------------------------------------------------------------------- templates

    def _base_template(self, demo: bool) -> str:
        modules = [name for name in addon.manifest()["depends"] if name != "base"]
        prefix = _prefix("base", demo)
        name = prefix + _key(paths.odoo_version(), *sorted(modules), LANGUAGES)
        if not self.cluster.exists(name):
            arguments = ["--with-demo"] if demo else []
            arguments += ["--load-language", LANGUAGES, "--init", ",".join(modules)]
            self._build(name, prefix, f"installing {', '.join(modules)}", arguments)
        return name

    def _addon_template(self, base: str, demo: bool) -> str:
        prefix = _prefix("addon", demo)
        name = prefix + _key(base, addon.fingerprint())
        if not self.cluster.exists(name):
            self._build(name, prefix, f"installing {paths.ADDON_NAME}", ["--init", paths.ADDON_NAME], base)
        return name

    def _drop_orphans(self) -> None:
        """Drop what :meth:`create_own` made for processes that are no more."""
        for name in self.cluster.databases():
            owner = OWNED.fullmatch(name)
            if owner and not Path("/proc", owner[1]).exists():
                self.drop(name)

    def _build(self, name: str, prefix: str, title: str, arguments: list[str], base: str | None = None) -> None:
        """Build under another name and rename at the end: a template that exists is complete."""
        print(f"preparing a database: {title} …", file=sys.stderr, flush=True)
        building = f"building_{name}"
        if base:
            self._copy(base, building)
        else:
            self.drop(building)
            self.cluster.create(building)
        log_path = self._log_folder() / f"{name}.log"
        run_odoo(self.cluster, building, *arguments, log_path=log_path).check()
        for old in self.cluster.databases():
            if old.startswith(prefix):  # made for other versions of the files
                self.drop(old)
        shutil.rmtree(self.filestores / name, ignore_errors=True)
        if (self.filestores / building).is_dir():
            (self.filestores / building).rename(self.filestores / name)
        self.cluster.rename(building, name)

    def _copy(self, template: str, name: str) -> None:
        self.drop(name)
        self.cluster.create(name, template)
        if (self.filestores / template).is_dir():
            # Real copies, no hard links: tests tamper with files.
            shutil.copytree(self.filestores / template, self.filestores / name)

    def _log_folder(self) -> Path:
        folder = paths.CACHE / "run" / self.cluster.name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    @contextmanager
    def _locked(self):
        """One command at a time builds or copies templates of this cluster."""
        with (self.filestores.parent / "templates.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _prefix(kind: str, demo: bool) -> str:
    return f"{kind}_{'demo' if demo else 'nodemo'}_"


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:10]
