"""A real quotation for measuring: rendered by Odoo's report engine, kept in the cache."""

import os
import subprocess
import tempfile
from pathlib import Path

import pypdf

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


def small_quote(pages: int) -> bytes:
    """Return a file of so many pages as wkhtmltopdf makes it of text in the machine's own fonts.

    Debian's build draws the letters of Odoo's own fonts as outlines, megabytes of them; the patched build that
    production wants writes letters, as this file does.
    """
    row = "<tr><td>{0}. Dismantling of the old terrace, removal of the rubble included</td><td>{0}.00</td><td>{1}.00</td></tr>"
    with tempfile.TemporaryDirectory() as name:
        source, target = Path(name, "quote.html"), Path(name, "quote.pdf")
        lines = 0
        while True:
            lines += 10
            rows = "".join(row.format(number, 100 + 37 * number) for number in range(1, lines + 1))
            source.write_text(f"<meta charset=utf-8><h1>Quotation</h1><table>{rows}</table>")
            subprocess.run(["wkhtmltopdf", "-q", str(source), str(target)], check=True, capture_output=True)
            if len(pypdf.PdfReader(target).pages) >= pages:
                return target.read_bytes()
