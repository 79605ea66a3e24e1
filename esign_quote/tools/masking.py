"""Addresses as they may be shown to somebody who has only the link."""

BULLETS = "•••"


def mask_email(address: str) -> str:
    """Return ``j•••@e•••.com`` for ``jane@example.com``: enough to recognise one's own."""
    local, _, domain = (address or "").rpartition("@")
    if not local or not domain:
        return BULLETS
    name, _, suffix = domain.rpartition(".")
    return f"{local[0]}{BULLETS}@{name[:1]}{BULLETS}.{suffix}"


def mask_phone(number: str) -> str:
    """Return the last two digits only: ``••• 42``."""
    digits = [char for char in number or "" if char.isdigit()]
    return f"{BULLETS} {''.join(digits[-2:])}" if len(digits) > 4 else BULLETS
