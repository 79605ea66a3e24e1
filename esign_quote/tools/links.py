"""Links with a secret must not be readable where staff read: logs, chatter (law 3 and law 11)."""

import re

LINK_PATH = "/esign/t/"
UNLOCK_PATH = "/esign/unlock/"
SECRET_PATHS = (LINK_PATH, UNLOCK_PATH)
# 256 random bits in URL-safe base64 are 43 characters; quoted-printable may have cut them.
# What stands for a link in stored mails (`esign-link-…`) is no secret and stays.
_SECRET = re.compile(r"(/esign/(?:t|unlock)/)(?!esign-link-)[A-Za-z0-9_-]{16,}(?:=\r?\n[A-Za-z0-9_-]+)?")


def holds_link(text: str) -> bool:
    """Tell whether there may be a secret link in ``text``; cheap, for every line of a log."""
    return any(path in text for path in SECRET_PATHS)


def mask_links(text: str) -> str:
    """Return ``text`` with the secrets of links replaced by ``…``.

    >>> mask_links("GET /esign/t/4f2kQ0d9p7Zx1c3v5b7n9m HTTP/1.1")
    'GET /esign/t/… HTTP/1.1'
    """
    return _SECRET.sub(r"\1…", text) if holds_link(text) else text
