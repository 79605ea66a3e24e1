"""A software token (SoftHSM) for the tests: what a security module is, without the hardware."""

import os
import shutil
import subprocess
from pathlib import Path

from cryptography.hazmat.primitives import serialization

PIN = "letmein"  # no digits: those of a certificate contain any few by chance
LABEL = "esign test"
MODULES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


def reason_to_skip():
    """Return why there is no token here, or an empty text."""
    try:
        import pkcs11  # noqa: F401
    except ImportError:
        return "python-pkcs11 is not installed"
    if not shutil.which("softhsm2-util") or not module_path():
        return "softhsm2 is not installed"
    return ""


def module_path():
    return next((path for path in MODULES if Path(path).exists()), "")


def make_token(folder: Path) -> None:
    """Initialise a token in ``folder``; from now on SoftHSM of this process uses that folder only."""
    (folder / "tokens").mkdir(parents=True)
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}/tokens\nlog.level = ERROR\n")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    _run("--init-token", "--free", "--label", LABEL, "--so-pin", "1234", "--pin", PIN)


def import_key(folder: Path, key, label: str) -> None:
    path = folder / "key.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    identifier = os.urandom(4).hex()
    _run("--import", str(path), "--token", LABEL, "--label", label, "--id", identifier, "--pin", PIN)
    path.unlink()


def _run(*arguments):
    subprocess.run(["softhsm2-util", *arguments], check=True, capture_output=True, timeout=60)  # noqa: S603, S607
