"""PDFs of strangers in a process of their own: what comes back, and what ends it."""

import os
import resource
import signal
import sys
import time

import pdf_factory as make
import pytest
from tools import sandbox
from tools.exceptions import InspectionFailed, PdfRefused
from tools.intake import IntakeLimits, inspect_annex, inspect_pdf
from tools.sandbox import ANNEX, QUOTE, FileToInspect, inspect_apart


def test_the_same_reports_as_in_this_process(sealed):
    files = [make.quote(2), make.with_geometry(rotate=90), sealed]
    reports = inspect_apart(
        [FileToInspect(QUOTE, files[0]), FileToInspect(QUOTE, files[1]), FileToInspect(ANNEX, files[2])]
    )
    assert reports == [inspect_pdf(files[0]), inspect_pdf(files[1]), inspect_annex(files[2])]
    assert inspect_apart([]) == []


def test_the_first_refusal_with_its_file_and_numbers(sealed):
    files = [FileToInspect(QUOTE, make.quote()), FileToInspect(QUOTE, sealed), FileToInspect(QUOTE, b"")]
    with pytest.raises(PdfRefused) as caught:
        inspect_apart(files)
    assert (caught.value.reason, caught.value.detail["file"]) == ("certified", 1)
    with pytest.raises(PdfRefused) as caught:
        inspect_apart([FileToInspect(ANNEX, make.quote(3))], IntakeLimits(max_pages=2))
    assert caught.value.detail == {"maximum": 2, "file": 0}


def test_too_large_without_a_child(monkeypatch):
    monkeypatch.setattr(sandbox, "_run", None)
    with pytest.raises(PdfRefused) as caught:
        inspect_apart([FileToInspect(QUOTE, b"x" * 11)], IntakeLimits(max_bytes=10))
    assert (caught.value.reason, caught.value.detail["size"]) == ("too_large", 11)


@pytest.fixture
def child(tmp_path, monkeypatch):
    """Another inspection in the child: the text of a function ``inspect_pdf(data, limits, stamps)``."""

    def install(body):
        source = sandbox._CHILD.read_text()
        head, tail = source.split("def main() -> None:")
        tail = tail.replace("    _lock_in(", "    intake.inspect_pdf = _hostile\n    _lock_in(", 1)
        path = tmp_path / "child.py"
        text = f"{head}def _hostile(data, limits, stamps):\n    {body}\n\n\ndef main() -> None:{tail}"
        path.write_text(text.replace("Path(__file__).resolve().parent", f"Path({str(sandbox._CHILD.parent)!r})"))
        monkeypatch.setattr(sandbox, "_CHILD", path)

    return install


def refused(limits=None):
    with pytest.raises(PdfRefused) as caught:
        inspect_apart([FileToInspect(QUOTE, make.quote())], limits)
    assert caught.value.reason == "too_complex"
    return caught.value.detail


def test_a_loop_is_ended_by_the_limit_of_cpu(child, request):
    """Also from a thread of Odoo's workers, which block that signal: the mask is inherited."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGXCPU})
    request.addfinalizer(lambda: signal.pthread_sigmask(signal.SIG_SETMASK, before))
    child("import signal; signal.setitimer(signal.ITIMER_REAL, 0); return any(iter(int, 1))")
    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    detail = refused(IntakeLimits(max_seconds=1))
    assert (detail["cause"], detail["code"]) == ("time", -signal.SIGXCPU)
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - used < 6


def test_waiting_is_ended_by_the_clock(child):
    child("import time; time.sleep(600)")
    started = time.monotonic()
    assert refused(IntakeLimits(max_seconds=1))["code"] == -signal.SIGALRM
    assert time.monotonic() - started < 60


def test_a_child_that_ignores_its_limits_is_killed(child, monkeypatch):
    """The deadline of this process is the last one."""
    child("import signal, time; signal.signal(signal.SIGALRM, signal.SIG_IGN); time.sleep(600)")
    monkeypatch.setattr(sandbox, "_START_SECONDS", 8)
    assert refused(IntakeLimits(max_seconds=1))["code"] == -signal.SIGKILL


def test_memory_is_limited(child):
    child("return len(bytearray(3 * 1024 ** 3))")
    assert refused()["cause"] == "MemoryError"


def test_memory_beyond_the_limit_of_our_server_is_never_used(child, monkeypatch):
    child("return len(bytearray(200 * 1024 ** 2))")
    monkeypatch.setattr(sandbox, "MEMORY_BYTES", 100 * 1024**2)
    assert refused()["cause"] == "MemoryError"


def test_a_crash_is_a_refusal(child):
    child("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    assert refused()["cause"] == "died"


@pytest.mark.parametrize(
    "answer", ["{}", "[]", '{"report": {"pages": 1}}', '{"refused": "nonsense"}', "null", '{"report": null}', "garbage"]
)
def test_a_lie_is_a_refusal(child, answer):
    child(f"import os, sys; sys.stdout.write({answer!r} + chr(10)); sys.stdout.flush(); os._exit(0)")
    assert refused()["cause"] in ("answer", "died")


def test_nothing_is_written_and_nothing_of_the_server_is_known(child, tmp_path, monkeypatch):
    monkeypatch.setenv("ESIGN_QUOTE_SEAL_SECRET", "do not tell")
    secret = os.open(tmp_path / "open", os.O_CREAT | os.O_RDWR)
    os.set_inheritable(secret, True)
    child(
        "import os; seen = dict(os.environ); low = [n for n in os.listdir('/proc/self/fd') if int(n) > 2];"
        f" written = open({str(tmp_path / 'out')!r}, 'wb').write(b'x');"
        " raise SystemExit(3)"
    )
    assert refused()["cause"] == "died"
    assert not (tmp_path / "out").exists() or not (tmp_path / "out").stat().st_size
    child(
        "import os; from esign_tools.exceptions import PdfRefused;"
        " raise PdfRefused('too_complex', names=' '.join(sorted(os.environ)),"
        " files=len([n for n in os.listdir('/proc/self/fd') if int(n) > 2]) - 1)"
    )
    detail = refused()
    assert "ESIGN" not in detail["names"]
    assert detail["files"] == 0
    os.close(secret)


def test_a_child_that_cannot_start_is_no_fault_of_the_file(monkeypatch):
    files = [FileToInspect(QUOTE, make.quote())]
    for executable in ("/nonexistent", "/bin/false", None):
        monkeypatch.setattr(sys, "executable", executable)
        with pytest.raises(InspectionFailed) as caught:
            inspect_apart(files)
        assert caught.value.reason == "not_started"
