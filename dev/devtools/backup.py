"""Back up a database with its files, and restore it anywhere: into another cluster, as on another machine."""

import shutil
import subprocess
from pathlib import Path

from .databases import Databases

DUMP, FILES = "database.dump", "filestore"


def take(databases: Databases, name: str, folder: Path) -> Path:
    """Write a backup of the database ``name`` into ``folder``, in the order that is safe while Odoo runs.

    The database first: files are only ever added, so each file that the dump names is there afterwards.
    """
    folder.mkdir(parents=True, exist_ok=True)
    cluster = databases.cluster
    _run(cluster, "pg_dump", "--format=custom", "--compress=0", f"--file={folder / DUMP}", name)
    shutil.rmtree(folder / FILES, ignore_errors=True)
    if (databases.filestores / name).is_dir():
        shutil.copytree(databases.filestores / name, folder / FILES)
    return folder


def restore(databases: Databases, name: str, folder: Path) -> None:
    """Make the database ``name`` out of a backup; one of that name is dropped before."""
    databases.drop(name)
    databases.cluster.create(name)
    _run(databases.cluster, "pg_restore", "--no-owner", "--jobs=2", f"--dbname={name}", str(folder / DUMP))
    if (folder / FILES).is_dir():
        shutil.copytree(folder / FILES, databases.filestores / name)


class RestoredDatabases(Databases):
    """Databases of a cluster that installs nothing itself: they come as backups from another one, in seconds."""

    def __init__(self, cluster, source: Databases, folder: Path):
        super().__init__(cluster)
        self._source = source
        self._folder = folder

    def create(self, name: str, **options) -> str:
        with self._locked():
            self._drop_orphans()
        model = self._source.create_own("model", **options)
        try:
            restore(self, name, take(self._source, model, self._folder))
        finally:
            self._source.drop(model)
            shutil.rmtree(self._folder, ignore_errors=True)
        return name


def _run(cluster, program: str, *arguments: str) -> None:
    where = ["--host", cluster.host, "--port", str(cluster.port), "--username", cluster.user]
    subprocess.run([str(cluster.binaries / program), *where, *arguments], check=True, capture_output=True)
