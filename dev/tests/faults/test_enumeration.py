"""Nobody learns from the outside what exists (SECURITY.md 1.1, 2.2 row 11): same bytes, same time."""

import itertools
import random
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest
import quotations
from scale import SCALE
from statistics_of_two import kolmogorov_smirnov
from visitor import Visitor, new_address, proxy_headers

from devtools import wire

# Two lists of timings of one distribution look like this or worse once in a hundred times …
SUSPICIOUS = 0.01
# … so a suspicion must come again in measurements of their own before it counts.
ATTEMPTS = 3
CSRF = re.compile(r'(name="csrf_token" value=")[^"]*')
TYPED = re.compile(r"\w+@client\.example")
VARYING = ("date", "set-cookie")  # headers


@dataclass(frozen=True)
class Surface:
    """A request that may be made of something that exists and of something that does not.

    ``prepare(stand, mails)`` makes what exists and returns, for each case by name, a function that gives the request.
    """

    name: str
    prepare: Callable


def _pages(stand, mails) -> dict[str, Callable[[], bytes]]:
    visitor = Visitor(stand, mails, stand.send())
    visitor.ask_for_code()  # the page exists
    known = visitor.page
    return {"known": lambda: _get(stand, known), "unknown": lambda: _get(stand, f"/esign/{secrets.token_hex(16)}")}


def _links(stand, mails) -> dict[str, Callable[[], bytes]]:
    """A link of a procedure that was cancelled, and one that never was."""
    visitor = Visitor(stand, mails, stand.send())
    dead = visitor.link
    stand.admin.call("sale.order", "action_esign_cancel", [visitor.quotation.id])
    return {
        "dead": lambda: _get(stand, dead),
        "unknown": lambda: _get(stand, f"/esign/t/{secrets.token_urlsafe(32)}"),
    }


def _ways_out(stand, mails) -> dict[str, Callable[[], bytes]]:
    """A link that has unlocked the entry of codes, and one that never was."""
    used = _locked(stand, mails, unlock=True)
    return {
        "used": lambda: _get(stand, used),
        "unknown": lambda: _get(stand, f"/esign/unlock/{secrets.token_urlsafe(32)}"),
    }


def _lost_links(stand, mails) -> dict[str, Callable[[], bytes]]:
    """Addresses of a customer, of nobody and of a customer who is locked out; all of one length."""
    known, locked = stand.send().email, _locked(stand, mails)
    assert len(known) == len(locked), "so that only what the server does can differ"
    stranger = Visitor(stand, mails, stand.send())
    stranger.get("/esign/again")

    def ask(email: str) -> bytes:
        # Nobody has reached a limit, and no cron writes to the customer meanwhile.
        stand.sql("DELETE FROM esign_throttle; DELETE FROM esign_link_wish")
        return stranger.raw("/esign/again", headers={"X-Forwarded-For": new_address()}, email=email)

    def unknown() -> str:
        return f"{secrets.token_hex(32)[: len(known.partition('@')[0])]}@client.example"

    return {"known": lambda: ask(known), "unknown": lambda: ask(unknown()), "locked": lambda: ask(locked)}


def _locked(stand, mails, unlock: bool = False) -> str:
    """Lock a customer out; return the address, or the link that has let the customer in again."""
    visitor = Visitor(stand, mails, stand.send())
    visitor.lock_out(visitor.ask_for_code())
    link = urlsplit(quotations.unlock_link(mails, visitor.quotation.email)).path
    if not unlock:
        return visitor.quotation.email
    visitor.get(link)
    assert "Codes can be typed again" in visitor.post(link).text
    return link


SURFACES = [
    Surface("/esign/<uid> without cookie", _pages),
    Surface("/esign/t/<secret>, dead or unknown", _links),
    Surface("/esign/unlock/<secret>, used or unknown", _ways_out),
    Surface("/esign/again", _lost_links),
]


@pytest.mark.parametrize("surface", SURFACES, ids=lambda surface: surface.name)
def test_enumeration(stand, caught, row, surface):
    """Enumeration."""
    row(surface=surface.name)
    cases = surface.prepare(stand, caught)
    for attempt in range(1, ATTEMPTS + 1):
        answers = _measure(stand, cases)
        _assert_same_bytes(answers)
        pairs = list(itertools.combinations(answers, 2))
        chances = [kolmogorov_smirnov(*(_seconds(answers[name]) for name in pair)) for pair in pairs]
        row(attempt, cases=" / ".join(answers), requests=len(answers) * SCALE.timings, p=f"{min(chances):.3f}")
        if min(chances) > SUSPICIOUS:
            return
    raise AssertionError(f"the time tells {dict(zip(pairs, chances, strict=True))}")


def _measure(stand, cases: dict[str, Callable[[], bytes]]) -> dict[str, list[wire.Answer]]:
    """Ask in turns, in an order by chance: what else the machine does meets all alike."""
    answers = {name: [] for name in cases}
    for name in cases:  # warm
        wire.send(stand.url, cases[name]())
    for _number in range(SCALE.timings):
        for name in random.sample(list(cases), len(cases)):
            answers[name].append(wire.send(stand.url, cases[name]()))
    return answers


def _seconds(answers: list[wire.Answer]) -> list[float]:
    return [answer.seconds for answer in answers]


def _assert_same_bytes(answers: dict[str, list[wire.Answer]]) -> None:
    seen = {(_stable(answer)) for found in answers.values() for answer in found}
    assert len(seen) == 1, "\n\n".join(str(text)[:1500] for text in seen)


def _stable(answer: wire.Answer) -> tuple:
    headers = tuple(sorted((name, value) for name, value in answer.headers.items() if name not in VARYING))
    return answer.status, headers, TYPED.sub("", CSRF.sub(r"\1", answer.text))


def _get(stand, path: str) -> bytes:
    host = stand.url.partition("//")[2]
    return wire.compose("GET", path, {"Host": host, **proxy_headers(stand.url, new_address())})
