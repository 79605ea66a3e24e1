"""Family of a browser and its system, from what it says of itself.

Kept for years in place of the full text, which singles people out (SECURITY 5.1, item 9). Whoever wants
can lie in it; it is recorded, and nothing is decided by it.
"""

import re

UNKNOWN = "unknown"
# The first that is found counts: most browsers also carry the names of those they came from.
BROWSERS = (
    (r"Edg(?:e|A|iOS)?/", "Edge"),
    (r"OPR/|Opera|OPiOS/", "Opera"),
    (r"SamsungBrowser/", "Samsung Internet"),
    (r"YaBrowser/", "Yandex"),
    (r"Vivaldi/", "Vivaldi"),
    (r"FxiOS/|Firefox/", "Firefox"),
    (r"CriOS/|Chrome/|Chromium/", "Chrome"),
    (r"MSIE |Trident/", "Internet Explorer"),
    (r"Version/[\d.]+ (?:Mobile/\w+ )?Safari/|Safari/", "Safari"),
    (r"AppleWebKit/", "WebKit"),
)
SYSTEMS = (
    (r"Windows Phone", "Windows Phone"),
    (r"Windows", "Windows"),
    (r"iPhone|iPod", "iOS"),
    (r"iPad", "iPadOS"),
    (r"Android", "Android"),
    (r"CrOS", "ChromeOS"),
    (r"Mac OS X|Macintosh", "macOS"),
    (r"Linux|X11", "Linux"),
)


def describe(user_agent: str) -> dict:
    """Return ``browser`` (family) and ``system`` of a User-Agent header; ``unknown`` where it does not say."""
    return {"browser": _first(BROWSERS, user_agent), "system": _first(SYSTEMS, user_agent)}


def _first(table, text):
    return next((name for pattern, name in table if re.search(pattern, text or "")), UNKNOWN)
