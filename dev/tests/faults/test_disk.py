"""R-09: the disk is full or broken, under the files, under PostgreSQL, under /tmp.

What cannot be written is refused, in a way that leaves nothing half-done; when there is space again, all goes on by
itself. Full disks are small memory disks, which only root may mount; a broken one is an error that the probe raises in
the place of the call that would have got it.
"""

import errno
import os
import shutil
import subprocess
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest
import waiting
from scale import DURABLE, SCALE
from visitor import Visitor

from devtools.rpc import RpcError

ANSWERED = 303
NOISE = (
    *("No space left on device", "could not extend file", "could not write", "Input/output error", "bad query"),
    *("its completion failed", "an answer under /esign failed", "esign_quote: request", "cannot be carried into"),
    *("Exception during request handling", "Wkhtmltopdf failed", "wkhtmltopdf", "could not be recorded", "DiskFull"),
)
BALLOON = ".balloon"
MARGIN = 2 * 2**20  # of a memory disk, beyond what lies on it
KIB = 1024
FOUND = "SELECT r.state, o.state FROM esign_request r JOIN sale_order o ON o.id = r.order_id WHERE o.id = %s"
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may mount the small disks that are filled here")
pytestmark = pytest.mark.stands(DURABLE)


@pytest.fixture(autouse=True)
def _expected(stand):
    stand.forgiven += NOISE
    yield
    stand.faults.disarm()


@as_root
def test_files(stand, reader, row, invariants):
    """R-09 the disk of the files is full."""
    with small_disk(stand.filestore) as disk:
        for number, free in enumerate(SCALE.free_kib_files):
            visitor = reader()
            with disk.full(free * KIB):
                state = _sign(stand, visitor)
                sent = _can_send(stand)
            assert state == "consented" if not free else state in ("consented", "signed"), state
            assert free or not sent, "a quotation was sent without its file"
            _recovers(stand, visitor)
            invariants.check(visitor)
            row(
                number + 1,
                free_kib=", ".join(map(str, SCALE.free_kib_files[: number + 1])),
                last=state,
                consents_lost=0,
            )
        _assert_whole(stand)
    assert _can_send(stand)


@as_root
def test_database(stand, reader, row, invariants):
    """R-09 the disk of the database is full."""
    states = []
    with _on_small_disk(stand) as disk:
        for number, free in enumerate(SCALE.free_kib_database):
            visitor, before = reader(), _counts(stand)
            # Meanwhile the database may be unable even to let somebody in who only wants to look.
            with disk.full(free * KIB):
                answer, sent = visitor.sign(), _try_to_send(stand)
            states.append(_judge(stand, visitor, answer))
            assert sent or _counts(stand) == before, "half a request was left behind"
            _recovers(stand, visitor)
            invariants.check(visitor)
            row(
                number + 1,
                free_kib=", ".join(map(str, SCALE.free_kib_database[: number + 1])),
                states=", ".join(states),
            )
    assert _can_send(stand)


@as_root
def test_tmp(stand, reader, row, invariants):
    """R-09 /tmp is full."""
    visitor, other = reader(), reader()
    with small_disk(stand.tmp) as disk, disk.full():
        state = _sign(stand, visitor)
        sent = _can_send(stand)
    assert _can_send(stand)
    assert _sign(stand, other) == "signed"
    _recovers(stand, visitor)
    invariants.check(visitor, other)
    row(1, signing=state, sending="went on" if sent else "refused")


@pytest.mark.parametrize(("step", "error"), SCALE.broken)
def test_broken(stand, reader, row, invariants, step, error):
    """R-09 the disk breaks when it has to keep a file."""
    for number in range(SCALE.broken_rounds):
        visitor = reader()
        stand.faults.arm("broken", point=step, when="before", errno=getattr(errno, error))
        assert _sign(stand, visitor) == "consented"
        assert stand.faults.taken
        _recovers(stand, visitor)
        invariants.check(visitor)
        row(number + 1, step=step, error=error, consents_lost=0)


# ---------------------------------------------------------------------------------------------------------- disks


class SmallDisk:
    def __init__(self, folder: Path):
        self._folder = folder

    @contextmanager
    def full(self, free: int = 0):
        """Leave ``free`` bytes, until the block ends."""
        balloon = self._folder / BALLOON
        with balloon.open("wb", buffering=0) as stream:
            while True:
                space = shutil.disk_usage(self._folder).free - free
                if space <= 0:
                    break
                try:
                    stream.write(bytes(min(space, 2**20)))
                except OSError:
                    break
        try:
            yield
        finally:
            balloon.unlink()


@contextmanager
def small_disk(folder: Path):
    """Put what lies in ``folder`` on a memory disk with little space left, and back again in the end."""
    folder.mkdir(parents=True, exist_ok=True)
    aside = folder.with_name(f"{folder.name}.disk")
    aside.mkdir()
    size = sum(path.stat().st_blocks * 512 for path in folder.rglob("*")) * 5 // 4 + MARGIN
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(aside))
    try:
        _run("cp", "--archive", f"{folder}/.", str(aside))
        _run("mount", "--bind", str(aside), str(folder))
        try:
            yield SmallDisk(folder)
        finally:
            _run("umount", "--lazy", str(folder))
            _run("cp", "--archive", "--no-clobber", f"{aside}/.", str(folder))
    finally:
        _run("umount", "--lazy", str(aside))
        aside.rmdir()


@contextmanager
def _on_small_disk(stand):
    """The files of the database (not PostgreSQL's log) on a small disk."""
    folder = stand.cluster.folder / "small"
    folder.mkdir()
    size = stand.sql("SELECT pg_database_size(current_database())")[0][0] + 4 * MARGIN
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder))
    shutil.chown(folder, stand.cluster.owner)
    try:
        stand.cluster.sql("postgres", f"CREATE TABLESPACE small LOCATION '{folder}'")
        _move(stand, "small")
        yield SmallDisk(folder)
    finally:
        with suppress(Exception):
            _move(stand, "pg_default")
            stand.cluster.sql("postgres", "DROP TABLESPACE small")
        _run("umount", "--lazy", str(folder))
        folder.rmdir()


def _move(stand, tablespace: str) -> None:
    for server in stand.servers:
        server.kill()
    stand.cluster.disconnect_all(stand.database)
    stand.cluster.sql("postgres", f'ALTER DATABASE "{stand.database}" SET TABLESPACE {tablespace}')
    for server in stand.servers:
        server.launch()
    stand.revive()


def _run(*command: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"


# ----------------------------------------------------------------------------------------------------------- acts


def _sign(stand, visitor: Visitor) -> str:
    """Click; return the state that the request is in then. The customer is never told that nothing was signed."""
    return _judge(stand, visitor, visitor.sign())


def _judge(stand, visitor: Visitor, answer: httpx.Response) -> str:
    ((state, _order),) = stand.sql(FOUND, [visitor.quotation.id])
    if state == "sent":
        assert answer.status_code in (500, 503), f"nothing was kept, and the customer was told {answer.status_code}"
    else:
        assert answer.status_code in (ANSWERED, 500, 503), answer.text
        assert "othing was signed" not in answer.text
    return state


def _can_send(stand) -> bool:
    """Try to send another quotation; if that is refused, nothing of it may be left."""
    before = _counts(stand)
    sent = _try_to_send(stand)
    assert sent or _counts(stand) == before, "half a request was left behind"
    return sent


def _try_to_send(stand) -> bool:
    try:
        stand.send()
    except (RpcError, httpx.HTTPStatusError):
        return False
    return True


def _counts(stand) -> list[tuple]:
    """What a sending makes; signatures that go on meanwhile make other files, and mails other entries."""
    return stand.sql(
        "SELECT (SELECT count(*) FROM esign_request), (SELECT count(*) FROM esign_document WHERE kind = 'quote'),"
        " (SELECT count(*) FROM esign_event WHERE type = 'request.created')"
    )


def _recovers(stand, visitor: Visitor) -> None:
    """There is space again: the customer's click, if it was not taken, and the cron lead to the end."""
    assert visitor.sign().status_code == ANSWERED

    def completed() -> bool:
        stand.end_leases(visitor.quotation.id)
        stand.run_cron("ir_cron_complete")
        return stand.sql(FOUND, [visitor.quotation.id]) == [("signed", "sale")]

    waiting.until(completed, what="signed, now that there is space")
    stand.run_cron("ir_cron_mails")


def _assert_whole(stand) -> None:
    """No file of evidence is there in part, or under another name than its own."""
    left = list(stand.filestore.rglob(".esign-*"))
    assert not left, left
