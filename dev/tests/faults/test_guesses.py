"""R-01, R-02: parallel guesses of a code (laws 5, 12)."""

import statistics

import pytest
import quotations
from scale import SCALE
from visitor import Visitor, new_address

from devtools import wire

TRIES = 3  # wrong codes until the lock
BROWSERS = 4
LOCKED, IN, BUSY = 422, 303, 503


def guess(stand, guesses: list[tuple[Visitor, str]]) -> list[wire.Answer]:
    """Let browsers give codes, all at the same instant; return the answers.

    Who is sent away because the server has no connection left is told that nothing was counted, and the journal must
    agree: each guess comes from an address of its own.
    """
    requests, addresses = [], []
    for visitor, code in guesses:
        addresses.append(new_address())
        requests.append(visitor.raw(f"{visitor.page}/verify", headers={"X-Forwarded-For": addresses[-1]}, code=code))
    answers = wire.at_once(stand.url, requests)
    for answer in answers:
        assert answer.status in (LOCKED, IN, BUSY), f"{answer.status}: {answer.text[:500]}"
        if answer.status == BUSY:
            assert "no try was used" in answer.text
    told = dict(zip(addresses, answers, strict=True))
    judged = {"code.refused": LOCKED, "code.validated": IN}
    for kind, address in stand.origins(guesses[0][0].quotation):
        if kind in judged and address in told:
            assert told[address].status == judged[kind], f"{kind}, but the visitor read {told[address].text[:500]}"
    return answers


def wrong_codes(right: str, count: int) -> list[str]:
    """Different codes, none of them the right one."""
    return [f"{(int(right) + 1 + 4999 * number) % 1_000_000:06}" for number in range(count)]


def other_browsers(stand, mails, first: Visitor, count: int) -> list[Visitor]:
    """Browsers that ask for a code by the same link, one after the other: each code replaces the one before."""
    found = []
    for number in range(count):
        stand.forget_limits()
        browser = Visitor(stand, mails, first.quotation)
        browser.get(first.link)
        answer = browser.post(f"{first.link}/code")
        assert answer.status_code == 303, answer.text
        browser.page = first.page
        browser.get(browser.page)
        quotations.latest_code(mails, first.quotation.email, count=number + 2)
        found.append(browser)
    return found


@pytest.mark.stands(SCALE.guess_stands)
def test_wrong_guesses(stand, caught, row, invariants):
    """R-01 parallel wrong guesses."""
    compared, busy, seconds = [], 0, []
    for number in range(SCALE.wrong_rounds):
        visitor = Visitor(stand, caught, stand.send())
        right = visitor.ask_for_code()
        answers = guess(stand, [(visitor, code) for code in wrong_codes(right, SCALE.parallel)])
        busy += sum(answer.status == BUSY for answer in answers)
        seconds += [answer.seconds for answer in answers]
        compared.append(len(stand.comparisons(visitor.quotation.id)))
        row(number + 1, requests=SCALE.parallel, compared=_tally(compared), busy=busy)
        row(
            median_ms=round(1000 * statistics.median(seconds)),
            p99_ms=round(1000 * sorted(seconds)[len(seconds) * 99 // 100]),
        )
        assert compared[-1] == TRIES, "three of them are compared"
        assert {answer.status for answer in answers} <= {LOCKED, BUSY}
        kinds = stand.events(visitor.quotation)
        assert kinds.count("code.refused") == TRIES
        assert kinds.count("scope.locked") == 1
        assert visitor.post(f"{visitor.page}/verify", code=right).status_code == LOCKED, "the right one comes too late"
        assert len(stand.comparisons(visitor.quotation.id)) == TRIES
        invariants.check(visitor)


@pytest.mark.skipif(not SCALE.browser_rounds, reason="not in this size")
@pytest.mark.stands(SCALE.race_stands)
def test_wrong_guesses_of_many_browsers(stand, caught, row, invariants):
    """R-01 wrong guesses, several browsers and codes of one link."""
    compared = []
    for number in range(SCALE.browser_rounds):
        first = Visitor(stand, caught, stand.send())
        right = first.ask_for_code()
        browsers = [first, *other_browsers(stand, caught, first, BROWSERS - 1)]
        codes = wrong_codes(right, SCALE.parallel)
        guess(stand, [(browsers[place % BROWSERS], code) for place, code in enumerate(codes)])
        found = stand.comparisons(first.quotation.id)
        compared.append(len(found))
        row(number + 1, requests=SCALE.parallel, browsers=BROWSERS, compared=_tally(compared))
        # The last code only is worth a comparison; it may be one of the "wrong" ones, once in many years.
        assert compared[-1] <= TRIES
        assert stand.events(first.quotation).count("scope.locked") <= 1
        invariants.check(first)


@pytest.mark.stands(SCALE.race_stands)
def test_right_guesses(stand, caught, row, invariants):
    """R-02 the right code in parallel."""
    successes = []
    for number in range(SCALE.right_rounds):
        visitor = Visitor(stand, caught, stand.send())
        code = visitor.ask_for_code()
        answers = guess(stand, [(visitor, code)] * SCALE.parallel_others)
        devices = {answer.headers.get("set-cookie") for answer in answers if answer.status == IN}
        successes.append(stand.events(visitor.quotation).count("code.validated"))
        row(number + 1, requests=SCALE.parallel_others, successes=_tally(successes))
        assert successes[-1] == 1
        assert len(devices) == 1, "one browser got in, with one secret"
        assert len(stand.comparisons(visitor.quotation.id)) <= TRIES
        assert "scope.locked" not in stand.events(visitor.quotation)
        invariants.check(visitor)


@pytest.mark.stands(SCALE.race_stands)
def test_the_right_one_among_wrong_guesses(stand, caught, row, invariants):
    """R-02 the right code among wrong ones in parallel."""
    successes, compared = [], []
    for number in range(SCALE.right_rounds):
        visitor = Visitor(stand, caught, stand.send())
        right = visitor.ask_for_code()
        codes = wrong_codes(right, SCALE.parallel_others - 1)
        # Early enough to have a chance: of three that are compared.
        codes.insert(number % TRIES, right)
        guess(stand, [(visitor, code) for code in codes])
        successes.append(stand.events(visitor.quotation).count("code.validated"))
        compared.append(len(stand.comparisons(visitor.quotation.id)))
        row(number + 1, requests=SCALE.parallel_others, successes=_tally(successes), compared=_tally(compared))
        assert successes[-1] <= 1
        assert compared[-1] <= TRIES
        invariants.check(visitor)


def _tally(numbers: list[int]) -> str:
    """``3 (x5), 2``: what was counted, and how often."""
    kinds = sorted(set(numbers), reverse=True)
    return ", ".join(f"{kind}" + (f" (x{numbers.count(kind)})" if numbers.count(kind) > 1 else "") for kind in kinds)
