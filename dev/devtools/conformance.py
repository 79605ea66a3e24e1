"""``dev/conformance``: write the table of the conformance set anew, by the tests' own generators."""

import subprocess
import sys

from . import paths


def main() -> int:
    """Run the tests' table writer without Odoo in its path, as the tests run."""
    folder = paths.ADDON / "tests" / "tools"
    code = (
        "import sys; sys.path[:0] = sys.argv[1:];"
        "from conformance import table; table.DOCUMENT.write_text(table.write()); print(table.DOCUMENT)"
    )
    return subprocess.run([sys.executable, "-I", "-c", code, str(paths.ADDON), str(folder)], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
