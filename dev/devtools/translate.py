"""``dev/translate``: the texts of the addon into its template, the catalogue brought up to it.

Translations of texts that did not change stay; those of texts that are gone are dropped; nothing is guessed.
"""

import sys
from pathlib import Path

import polib

from . import paths
from .databases import Databases
from .errors import DevError
from .odoo_server import run_odoo
from .postgres import Cluster
from .suites.base import CLUSTER

I18N = paths.ADDON / "i18n"
DATABASE = "translate"


def main() -> int:
    folder = paths.CACHE / "run" / "translate"
    folder.mkdir(parents=True, exist_ok=True)
    template = _export(folder / f"{paths.ADDON_NAME}.pot")
    missing = sum(_update(path, template) for path in sorted(I18N.glob("*.po")))
    return 1 if missing else 0


def _export(path: Path) -> polib.POFile:
    with Cluster(CLUSTER, fsync=False) as cluster:
        databases = Databases(cluster)
        databases.create(DATABASE)
        try:
            arguments = ("--languages", "pot", "--output", str(path), paths.ADDON_NAME)
            run = run_odoo(
                cluster, DATABASE, *arguments, subcommand=("i18n", "export"), log_path=path.with_suffix(".log")
            )
            if run.returncode:
                raise DevError(f"the texts could not be exported:\n{run.log}")
        finally:
            databases.drop(DATABASE)
    target = I18N / path.name
    target.write_bytes(path.read_bytes())
    return polib.pofile(str(target))


def _update(path: Path, template: polib.POFile) -> int:
    """Bring a catalogue up to the template; returns how many texts lack a translation."""
    old = {entry.msgid: entry.msgstr for entry in polib.pofile(str(path))}
    catalogue = polib.POFile(wrapwidth=78)
    catalogue.metadata = polib.pofile(str(path)).metadata
    catalogue.header = template.header
    for entry in template:
        entry.msgstr = old.get(entry.msgid, "")
        catalogue.append(entry)
    catalogue.save(str(path))
    missing = [entry for entry in catalogue if not entry.msgstr]
    print(f"{path.name}: {len(catalogue) - len(missing)} of {len(catalogue)} translated")
    for entry in missing:
        print(f"  {entry.msgid!r}  ({', '.join(place for place, _line in entry.occurrences)})")
    return len(missing)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except DevError as error:
        sys.exit(f"dev/translate: {error}")
