"""One process that seals one file, to stand beside ``pyhanko sign addsig`` in ``dev/bench seal``."""

import sys
from datetime import UTC, datetime
from pathlib import Path

from . import paths

sys.path.insert(0, str(paths.ADDON))

from tools import seal


def main(source: str, target: str, p12: str, secret: str) -> None:
    key_der, certificate, chain = seal.read_pkcs12(Path(p12).read_bytes(), Path(secret).read_text())
    key = seal.SealKey.load(key_der, certificate, tuple(chain))
    sealed = seal.seal_pdf(
        Path(source).read_bytes(),
        [],
        key,
        signing_time=datetime.now(UTC),
        signer_name="Example Company",
        reason="Quotation accepted",
    )
    Path(target).write_bytes(sealed)


if __name__ == "__main__":
    main(*sys.argv[1:])
