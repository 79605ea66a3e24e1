"""How often something may happen within a time: a sliding window over its last moments.

Numbers of SECURITY 2.3 (codes per address, per network, gap between two). The moments are kept by
the caller (in PostgreSQL, under a row lock), so that any server can answer any request.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Rule:
    """At most ``limit`` moments within any ``seconds``."""

    limit: int
    seconds: int


def seconds_to_wait(moments: Sequence[float], rules: Iterable[Rule], now: float) -> float:
    """Return how long to wait until one more fits all rules; 0 when it fits now.

    :param moments: seconds since an epoch, in any order
    :param now: seconds since the same epoch
    """
    return max((_wait(moments, rule, now) for rule in rules), default=0.0)


def _wait(moments: Sequence[float], rule: Rule, now: float) -> float:
    recent = sorted(moment for moment in moments if moment > now - rule.seconds)
    if len(recent) < rule.limit:
        return 0.0
    if not rule.limit:
        return float(rule.seconds)
    # Once the oldest of the newest `limit` has left the window, there is room for one.
    return recent[-rule.limit] + rule.seconds - now


def recent_moments(moments: Sequence[float], rules: Iterable[Rule], now: float) -> list[float]:
    """Return the moments that some rule still looks at, oldest first."""
    window = max((rule.seconds for rule in rules), default=0)
    return sorted(moment for moment in moments if moment > now - window)
