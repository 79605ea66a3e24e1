"""The programs of others, each with one short verdict: poppler's pdfsig, pyHanko, mutool, openssl, qpdf."""

import io
import re
import shutil
import subprocess
from pathlib import Path

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from tools.verify import signature_der

from .inputs import MOMENT

PROGRAMS = ("pdfsig", "pdftotext", "mutool", "openssl", "qpdf")
SEAL_JUDGES = ("pdfsig", "pyHanko", "mutool", "openssl cms", "qpdf")
GREEN = {
    "pdfsig": "valid, total",
    "pyHanko": "VALID ENTIRE_FILE NONE",
    "mutool": "unchanged",
    "openssl cms": "OK",
    "qpdf": "ok",
}
"""What each says of a good file."""
_SECONDS = 20


def missing() -> list[str]:
    """Return the programs that this machine lacks."""
    return [name for name in PROGRAMS if not shutil.which(name)]


def judge_seal(path: Path, certificate: bytes) -> dict[str, str]:
    """Return what each judge says of a sealed file, or of what is passed off as one."""
    return {
        "pdfsig": pdfsig(path),
        "pyHanko": pyhanko(path, certificate),
        "mutool": mutool(path),
        "openssl cms": openssl(path, certificate),
        "qpdf": qpdf(path),
    }


def judge_input(path: Path) -> dict[str, str]:
    """Return what other readers make of a file that nobody sealed."""
    return {"poppler": poppler(path), "mutool": mutool_pages(path), "qpdf": qpdf(path)}


def run(*command, seconds: int = _SECONDS) -> subprocess.CompletedProcess | None:
    """Run a program; None when it does not come to an end."""
    try:
        return subprocess.run(command, capture_output=True, timeout=seconds, check=False)  # noqa: S603 - fixed commands
    except subprocess.TimeoutExpired:
        return None


def pdfsig(path: Path) -> str:
    result = run("pdfsig", "-nocert", path)
    if result is None:
        return "no end"
    report = result.stdout.decode(errors="replace")
    verdicts = []
    for part in re.split(r"Signature #\d+:", report)[1:]:
        found = re.search(r"Signature Validation: (.*)", part)
        word = found.group(1).strip(" .") if found else "unverified"
        word = {"Signature is Valid": "valid", "Digest Mismatch": "digest mismatch"}.get(word, word.lower())
        verdicts.append(f"{word}, {'partial' if 'Not total document signed' in part else 'total'}")
    return "; ".join(verdicts) or "no signature"


def pyhanko(path: Path, certificate: bytes) -> str:
    context = ValidationContext(
        trust_roots=[x509.Certificate.load(certificate)],
        allow_fetching=False,
        moment=MOMENT,
        best_signature_time=MOMENT,
    )
    try:
        signatures = PdfFileReader(io.BytesIO(path.read_bytes())).embedded_signatures
        verdicts = [_pyhanko_one(signature, context) for signature in signatures]
    except Exception as error:  # noqa: BLE001 - whatever it raises is its verdict
        return f"error ({type(error).__name__})"
    return "; ".join(verdicts) or "no signature"


def _pyhanko_one(signature, context) -> str:
    try:
        status = validate_pdf_signature(signature, context)
    except Exception as error:  # noqa: BLE001
        return f"error ({type(error).__name__})"
    word = "VALID" if status.bottom_line else "INVALID"
    level = status.modification_level
    return f"{word} {status.coverage.name} {level.name if level is not None else '-'}"


def mutool(path: Path) -> str:
    result = run("mutool", "sign", "-v", path)
    if result is None:
        return "no end"
    report = (result.stdout + result.stderr).decode(errors="replace")
    return "; ".join(_mutool_one(block) for block in report.split("Verifying signature")[1:]) or "no signature"


def _mutool_one(block: str) -> str:
    if "unchanged since signing" in block:
        return "unchanged"
    if "edits since signing" in block:
        return "edits since"
    return "digest error" if "digest" in block.lower() else "error"


def openssl(path: Path, certificate: bytes) -> str:
    """Check the first signature; the ranges are cut by us, as openssl knows no PDF."""
    data = path.read_bytes()
    try:
        signature = PdfFileReader(io.BytesIO(data), strict=False).embedded_signatures[0]
        start, first, second, length = (int(number) for number in signature.byte_range)
        der = signature_der(signature.pkcs7_content)
    except IndexError:
        return "no signature"
    except Exception:  # noqa: BLE001
        return "no range"
    folder = path.with_suffix(".cms")
    folder.mkdir(exist_ok=True)
    content = data[start : start + first] + data[second : second + length]
    files = {"content": content, "signature": der, "root": pem.armor("CERTIFICATE", certificate)}
    for name, value in files.items():
        (folder / name).write_bytes(value)
    options = ("-binary", "-inform", "DER", "-purpose", "any", "-no_check_time", "-out", folder / "out")
    named = ("-content", folder / "content", "-CAfile", folder / "root", "-in", folder / "signature")
    result = run("openssl", "cms", "-verify", *options, *named)
    shutil.rmtree(folder)
    word = "OK" if result is not None and result.returncode == 0 else "FAIL"
    return word if start == 0 and second + length == len(data) else f"{word}, not to the end"


def qpdf(path: Path) -> str:
    result = run("qpdf", "--check", path, seconds=10)
    if result is None:
        return "no end in 10 s"
    return {0: "ok", 3: "warnings"}.get(result.returncode, "errors")


def poppler(path: Path) -> str:
    result = run("pdfinfo", path, seconds=10)
    if result is None:
        return "no end in 10 s"
    if result.returncode:
        return "error"
    pages = re.search(rb"Pages:\s+(\d+)", result.stdout)
    return f"{pages.group(1).decode()} p." if pages else "error"


def mutool_pages(path: Path) -> str:
    result = run("mutool", "show", path, "trailer/Root/Pages/Count", seconds=10)
    if result is None:
        return "no end in 10 s"
    count = result.stdout.decode(errors="replace").strip()
    repaired = b"repair" in result.stderr.lower()
    if not count.isdigit():
        return "error"
    return f"{count} p.{', repaired' if repaired else ''}"


def total_seen(path: Path) -> str:
    """Return the total that a reader sees."""
    result = run("pdftotext", "-raw", path, "-")
    # In the order of drawing: what is drawn last lies on top.
    found = re.findall(rb"Total (\d[\d ,]*)", result.stdout) if result else None
    return found[-1].decode().strip() if found else "-"
