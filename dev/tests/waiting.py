"""Waiting for what another process does: until it is so, never for a fixed time."""

import time
from collections.abc import Callable

PAUSE = 0.05


def until(condition: Callable, *, timeout: float = 180, what: str = ""):
    """Ask again and again until the answer is true, and return it."""
    deadline = time.monotonic() + timeout
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {what or condition}")
        time.sleep(PAUSE)
    return answer
