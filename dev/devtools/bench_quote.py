"""A real quotation for measuring: rendered by Odoo's report engine, kept in the cache."""

import os
from pathlib import Path

from . import paths
from .databases import Databases
from .odoo_server import run_odoo
from .postgres import Cluster

SCRIPT = Path(__file__).with_name("bench_quote_script.py")


def rendered_quote(cluster: Cluster, pages: int) -> bytes:
    """Return a quotation of so many pages as wkhtmltopdf makes it; rendered once for each version of Odoo."""
    folder = paths.CACHE / "run" / cluster.name
    path = folder / f"quote-{pages}-{paths.odoo_version().rpartition('/')[2]}.pdf"
    if not path.exists():
        databases = Databases(cluster)
        database = databases.create_own("quote")
        draft = path.with_suffix(".draft")
        os.environ.update(ESIGN_BENCH_PAGES=str(pages), ESIGN_BENCH_FILE=str(draft))
        try:
            log = folder / "quote.log"
            run_odoo(cluster, database, log_path=log, subcommand=("shell",), script=SCRIPT).check()
        finally:
            databases.drop(database)
        draft.rename(path)
    return path.read_bytes()
