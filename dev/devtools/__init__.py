"""Developer tooling of esign_quote: run, test and lint the addon on a real Odoo 19.

Nothing here is part of the addon. Every command starts through ``dev/setup``, which prepares the machine and
hands over by environment variables (see :mod:`devtools.paths`).
"""
