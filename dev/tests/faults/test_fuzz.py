"""R-12: whatever is posted, the answer is one of the addon's own, without a traceback or a path."""

import asyncio
import os
import random
from collections import Counter

import fuzz
import routes
from scale import SCALE
from visitor import Visitor

from devtools import paths, wire

BATCH = 100  # requests to one set of visitors
PARALLEL = 4
LARGE = 1_000_000  # bytes; a server may hang up on them
# After these a visitor cannot get any further: they come last.
LAST = ("/leave", "/decline", "/logout")
GIVEN_AWAY = (
    *("Traceback (most recent call last)", 'File "', ".py", "psycopg2", "odoo.exceptions", "/usr/lib", "/home/"),
    *("site-packages", str(paths.CACHE), str(paths.CHECKOUT)),
)
# The page that verifies files offers this one.
OFFERED = ('href="/esign_quote/static/check/check.py"', 'download="check.py"')
BUSY = 503


def test_garbage(stand, caught, reader, row, invariants):
    """R-12 fuzzed requests to every public POST route."""
    seed = int(os.environ.get("ESIGN_FUZZ_SEED") or random.SystemRandom().randrange(10**6))
    fuzzer, found = fuzz.Fuzzer(seed), routes.public_posts()
    statuses, sent = Counter(), 0
    while sent < SCALE.fuzz_requests:
        count = min(BATCH, SCALE.fuzz_requests - sent)
        outside, waiting, inside = Visitor(stand, caught, stand.send()), Visitor(stand, caught, stand.send()), reader()
        outside.get(outside.link)
        waiting.ask_for_code()
        attacks = [_attack(fuzzer, found, visitor) for visitor in _turns(fuzzer, count, outside, waiting, inside)]
        attacks.sort(key=lambda attack: attack[0].endswith(LAST))
        problems = asyncio.run(_send_all(stand.url, attacks, statuses))
        sent += count
        row(sent // BATCH, requests=sent, routes=len(found), seed=seed, answers=_tally(statuses))
        assert not problems, f"{len(problems)} of {count}, seed {seed}:\n" + "\n".join(problems[:10])
        invariants.check(outside, waiting, inside)


def _turns(fuzzer, count: int, *visitors: Visitor) -> list[Visitor]:
    return fuzzer.chance.choices(visitors, weights=[1, 2, 4], k=count)


def _attack(fuzzer, found: list[routes.Route], visitor: Visitor) -> tuple[str, fuzz.Attack, bytes]:
    route = fuzzer.chance.choice(found)
    uid = visitor.page.rpartition("/")[2] or "0" * 32
    places = {"secret": visitor.link.rpartition("/")[2], "uid": uid, "document_uid": visitor.document or "0" * 32}
    attack = fuzzer.attack(route, places, visitor.token)
    return route.path, attack, visitor.raw(attack.path, attack.body, attack.headers)


async def _send_all(url: str, attacks: list, statuses: Counter) -> list[str]:
    """Send all, some at a time in their order; return what is wrong with the answers."""
    places = asyncio.Semaphore(PARALLEL)

    async def one(attack: fuzz.Attack, request: bytes) -> str | None:
        async with places:
            try:
                answer = await wire.exchange(url, request)
            except (OSError, wire.NoAnswer) as error:
                statuses["none"] += 1
                cut = len(attack.body) > LARGE and not isinstance(error, TimeoutError)
                return None if cut else f"{error!r}: {attack}"
        statuses[answer.status] += 1
        problem = _problem(answer)
        return f"{problem}: {attack}" if problem else None

    answers = await asyncio.gather(*(one(attack, request) for _path, attack, request in attacks))
    return [answer for answer in answers if answer]


def _problem(answer: wire.Answer) -> str:
    if answer.status >= 500 and answer.status != BUSY:
        return f"status {answer.status}: {answer.text[:300]}"
    told = answer.text
    for link in OFFERED:
        told = told.replace(link, "")
    given_away = [text for text in GIVEN_AWAY if text in told]
    return f"status {answer.status} tells {given_away}" if given_away else ""


def _tally(statuses: Counter) -> str:
    return ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items(), key=str))
