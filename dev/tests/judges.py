"""Sealed files before judges that are not ours: pyHanko's validator, poppler, qpdf, coreutils."""

import hashlib
import io
import json
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from asn1crypto import x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.diff_analysis import ModificationLevel
from pyhanko.sign.fields import MDPPerm
from pyhanko.sign.validation import SignatureCoverageLevel, validate_pdf_signature
from pyhanko_certvalidator import ValidationContext


@dataclass(frozen=True)
class Result:
    """What a party holds at the end."""

    signed: Path
    proof: Path
    record: dict  # the proof for computers

    @classmethod
    def load(cls, files: dict[str, Path]) -> "Result":
        text = files["json"].read_bytes()
        return cls(files["signed"], files["proof"], json.loads(text))

    @property
    def identifier(self) -> str:
        return self.record["signature"]["identifier"]

    def document(self, kind: str) -> dict:
        (found,) = [item for item in self.record["documents"] if item["kind"] == kind]
        return found


def assert_good(result: Result, certificate_der: bytes) -> None:
    """The signed file and the proof are sealed with the company's key, and are what the record says."""
    assert result.record["seal"]["certificate_sha256"] == hashlib.sha256(certificate_der).hexdigest()
    assert_sealed(result.signed, certificate_der)
    assert_sealed(result.proof, certificate_der)
    quote, signed = result.document("quote"), result.document("signed")
    assert _run("sh", "-c", 'head -c "$1" "$2" | sha256sum', "sh", str(quote["bytes"]), str(result.signed)).startswith(
        quote["sha256"]
    ), "what was read is not the beginning of what is signed (law 1)"
    assert hashlib.sha256(result.signed.read_bytes()).hexdigest() == signed["sha256"]
    assert result.record["reading"]["sha256_of_what_was_shown"] in (quote["sha256"], None)


def assert_names(result: Result, signer: str) -> None:
    """The stamp and the proof can be read by machines: who, and under which identifier."""
    for path in (result.signed, result.proof):
        words = text_of(path)
        assert signer in words and result.identifier in words, words[-500:]


def assert_sealed(path: Path, certificate_der: bytes) -> None:
    """Exactly one signature, valid and trusted, over the whole file, that allows no change."""
    report = _run("pdfsig", "-nocert", str(path))
    assert report.count("Signature #") == 1
    assert report.count("Signature is Valid") == report.count("Total document signed") == 1
    checked = _run("qpdf", "--check", str(path))
    assert "No syntax or stream encoding errors found" in checked and "WARNING" not in checked
    reader = PdfFileReader(io.BytesIO(path.read_bytes()))
    (signature,) = reader.embedded_signatures
    trust = ValidationContext(trust_roots=[x509.Certificate.load(certificate_der)], allow_fetching=False)
    # pyHanko starts an event loop, and Playwright has one in this thread already.
    with ThreadPoolExecutor(1) as aside:
        status = aside.submit(validate_pdf_signature, signature, trust).result()
    assert status.bottom_line and status.intact and status.valid and status.trusted, status.pretty_print_details()
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.modification_level == ModificationLevel.NONE
    assert signature.docmdp_level == MDPPerm.NO_CHANGES and status.docmdp_ok
    assert signature.signer_cert.sha256 == hashlib.sha256(certificate_der).digest()


def text_of(path: Path) -> str:
    """The words of a PDF in one line."""
    return " ".join(_run("pdftotext", "-layout", str(path), "-").split())


def _run(*command: str) -> str:
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout
