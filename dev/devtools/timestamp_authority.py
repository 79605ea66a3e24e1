"""The time-stamp authority of the tests, for whatever runs outside them: ``from devtools.timestamp_authority import …``

Odoo's own tests cannot import ``dev/``, so it lives among them; this is the same file, not a copy.
"""

import importlib.util

from .paths import ADDON

_spec = importlib.util.spec_from_file_location(
    "esign_timestamp_authority", ADDON / "tests" / "tools" / "timestamp_authority.py"
)
_module = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_module)

FAULTS = _module.FAULTS
POLICY = _module.POLICY
TimestampAuthority = _module.TimestampAuthority
