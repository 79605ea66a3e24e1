"""Runs inside the measured Odoo, as a server-wide module: tells what Odoo itself does not.

- in the log, how many SQL queries each run of the scheduler made (Odoo says so of HTTP requests only);
- with ``ESIGN_BENCH_PROFILE`` set to a folder, cProfile files there of each request that signs and each run of the
  scheduler.
"""

import cProfile
import functools
import itertools
import logging
import os
import threading
from pathlib import Path

MODULE = "bench_probe"  # its name as an addon
PROFILE_FOLDER = "ESIGN_BENCH_PROFILE"
SIGNING, SCHEDULER = "signing", "scheduler"  # beginnings of the files there
_logger = logging.getLogger(MODULE)


def write_addon(folder: Path) -> None:
    """Write the addon that makes a server import this module and call :func:`install`."""
    addon = folder / MODULE
    addon.mkdir(parents=True, exist_ok=True)
    (addon / "__init__.py").write_text(f"from {__name__} import install\n")
    (addon / "__manifest__.py").write_text(repr({"name": MODULE, "author": "esign_quote", "license": "LGPL-3", "post_load": "install"}))


def install() -> None:
    # Here, since the caller of write_addon needs no Odoo.
    from odoo.http import Application

    from odoo.addons.base.models.ir_cron import IrCron

    if folder := os.environ.get(PROFILE_FOLDER):
        Application.__call__ = _profiling(Application.__call__, Path(folder), SIGNING, _is_signing)
        IrCron._process_jobs = staticmethod(_profiling(IrCron._process_jobs, Path(folder), SCHEDULER))
    IrCron._process_jobs = staticmethod(_counting(IrCron._process_jobs))


def _counting(process_jobs):
    @functools.wraps(process_jobs)
    def counted(db_name):
        thread = threading.current_thread()
        # Cursors add to these wherever they exist; Odoo creates them for HTTP requests.
        thread.query_count, thread.query_time = 0, 0
        try:
            return process_jobs(db_name)
        finally:
            _logger.info("scheduler: %s queries", thread.query_count)

    return counted


def _profiling(function, folder: Path, name: str, wanted=lambda *_args: True):
    numbers = itertools.count(1)

    @functools.wraps(function)
    def profiled(*args):
        if not wanted(*args):
            return function(*args)
        profile = cProfile.Profile()
        try:
            return profile.runcall(function, *args)
        finally:
            profile.dump_stats(folder / f"{name}-{next(numbers):03}.prof")

    return profiled


def _is_signing(_application, environ, _start_response) -> bool:
    return environ["PATH_INFO"].endswith("/sign")
