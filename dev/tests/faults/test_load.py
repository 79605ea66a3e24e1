"""What an attack costs the server, and what it costs the others."""

import asyncio
import itertools
import re
import statistics
import threading
import time
from collections import Counter
from contextlib import contextmanager

import quotations
from scale import SCALE
from test_guesses import wrong_codes
from visitor import FORM, TOKEN, Visitor, new_address, proxy_headers

from devtools import wire
from devtools.bench_meters import CpuMeter

TRIES = 3
MAX_LOOKS_PER_GUESS = 4  # a guess costs as much as so many looks at the page it is typed into, at most
RATE = 1000 / 60  # requests for codes a second
LINKS, ADDRESSES = 5, 20
GAP, CODES_PER_HOUR = 30, 5  # seconds between two codes of a link; what is sent at most
SESSION = re.compile(r"session_id=[^;]+")


def test_price_of_a_guess(stand, caught, row):
    """CPU of a wrong guess."""
    meter = CpuMeter(stand.cluster, stand.servers)
    looks, guesses = [], []
    for number in range(SCALE.priced_guesses // TRIES + 1):
        visitor = Visitor(stand, caught, stand.send())
        codes = wrong_codes(visitor.ask_for_code(), TRIES)
        meter.wait_until_quiet()
        for code in codes:
            look = _price(meter, lambda visitor=visitor: visitor.get(visitor.page))
            guess = _price(meter, lambda visitor=visitor, code=code: visitor.post(f"{visitor.page}/verify", code=code))
            if number:  # the first visitor warms the servers
                looks.append(look)
                guesses.append(guess)
        assert stand.events(visitor.quotation).count("code.refused") == TRIES
    looking, guessing = statistics.median(looks), statistics.median(guesses)
    ratio = guessing / looking
    row(len(guesses), guess_ms=f"{1000 * guessing:.1f}", look_ms=f"{1000 * looking:.1f}", ratio=f"{ratio:.1f}")
    assert ratio < MAX_LOOKS_PER_GUESS


def _price(meter: CpuMeter, act) -> float:
    """Seconds of CPU, of all that serves."""
    before = meter.read()
    act()
    return (meter.read() - before).total


def test_flood(stand, caught, row, invariants):
    """Signing during a flood of requests for codes."""
    signers = [Visitor(stand, caught, stand.send()) for _number in range(2 * SCALE.signers)]
    quiet = [_time_to_sign(signer) for signer in signers[: SCALE.signers]]
    victims = [Visitor(stand, caught, stand.send()) for _number in range(LINKS)]
    links = [victim.link for victim in victims]
    started = time.monotonic()
    with _flood(stand, links) as answers:
        flooded = [_time_to_sign(signer) for signer in signers[SCALE.signers :]]
    lasted = time.monotonic() - started
    ratio = statistics.median(flooded) / statistics.median(quiet)
    most = max(len(quotations.code_mails(caught, victim.quotation.email)) for victim in victims)
    row(
        SCALE.signers,
        requests=sum(answers.values()),
        answers=", ".join(f"{status}: {count}" for status, count in sorted(answers.items())),
        signing_s=f"{statistics.median(quiet):.1f} -> {statistics.median(flooded):.1f}",
        ratio=f"{ratio:.1f}",
        mails_per_link=most,
    )
    assert set(answers) <= {303, 404, 429, 503}
    assert most <= min(lasted // GAP + 2, CODES_PER_HOUR)
    invariants.check(*victims, *signers)


def _time_to_sign(visitor: Visitor) -> float:
    """Seconds that a customer needs from the link to the signature, apart from reading and thinking."""
    path = visitor.link
    started = time.monotonic()
    visitor.enter()
    visitor.read_to_the_end()
    answer = visitor.sign()
    seconds = time.monotonic() - started
    assert answer.status_code == 303, answer.text
    assert visitor.get(path).status_code == 200
    return seconds


@contextmanager
def _flood(stand, links: list[str]):
    """Strangers ask for codes, at a steady rate, until the block ends and at least for the time of the scale."""
    answers, over = Counter(), threading.Event()
    thread = threading.Thread(target=lambda: asyncio.run(_ask(stand, links, answers, over)))
    thread.start()
    try:
        yield answers
    finally:
        over.set()
        thread.join()


async def _ask(stand, links: list[str], answers: Counter, over: threading.Event) -> None:
    """Half of them by links that exist, half by others; each with a session and an address of its own."""
    strangers = [await _stranger(stand, links[number % len(links)]) for number in range(ADDRESSES)]
    started, tasks = time.monotonic(), []
    for number in itertools.count():
        due = started + number / RATE
        if over.is_set() and due > started + SCALE.flood_seconds:
            break
        await asyncio.sleep(max(due - time.monotonic(), 0))
        headers, token = strangers[number % ADDRESSES]
        link = links[number % len(links)] if number % 2 else f"/esign/t/{'x' * 43}"
        request = wire.compose("POST", f"{link}/code", headers, f"csrf_token={token}".encode())
        tasks.append(asyncio.create_task(_count(stand, request, answers)))
    await asyncio.gather(*tasks)


async def _stranger(stand, link: str) -> tuple[dict[str, str], str]:
    headers = {"Host": stand.url.partition("//")[2], **proxy_headers(stand.url, new_address())}
    page = await _insist(stand, wire.compose("GET", link, headers))
    session = SESSION.search(page.headers["set-cookie"])[0]
    return {**headers, "Cookie": session, "Content-Type": FORM}, TOKEN.search(page.text)[1]


async def _count(stand, request: bytes, answers: Counter) -> None:
    answers[(await _insist(stand, request)).status] += 1


async def _insist(stand, request: bytes) -> wire.Answer:
    while True:
        try:
            return await wire.exchange(stand.url, request)
        except (OSError, wire.NoAnswer):
            continue
