"""R-03: parallel answers to one quotation have one winner, one proof, one set of mails (laws 6, 7, 12)."""

import json
from collections import Counter

import pytest
from scale import SCALE
from visitor import Visitor, at_once

from devtools import wire
from devtools.rpc import RpcError

ANSWERED, BUSY = 303, 503
FEW = 3  # signs beside one act of the salesperson's, so that either may win
FOUND = """
    SELECT r.state, o.state, r.reference FROM esign_request r JOIN sale_order o ON o.id = r.order_id
     WHERE r.order_id = %s"""


def post(stand, visitor: Visitor, *forms: tuple[str, dict]) -> None:
    """Let one browser post forms, all at the same instant."""
    requests = [visitor.raw(f"{visitor.page}/{action}", **form) for action, form in forms]
    for answer in wire.at_once(stand.url, requests):
        assert answer.status in (ANSWERED, BUSY), f"{answer.status}: {answer.text[:500]}"


def signs(visitor: Visitor, count: int) -> list[tuple[str, dict]]:
    return [("sign", visitor.signature())] * count


def count_of_signs(number: int) -> int:
    """All of them and a few in turn."""
    return SCALE.parallel_others if number % 2 == 0 else FEW


def outcome(stand, visitor: Visitor) -> tuple[str, str]:
    """States of the request and of its order."""
    ((request, order, _reference),) = stand.sql(FOUND, [visitor.quotation.id])
    return request, order


@pytest.mark.stands(SCALE.race_stands)
def test_signs(stand, reader, row, invariants):
    """R-03 parallel signs."""
    for number in range(SCALE.answer_rounds):
        visitor = reader()
        post(stand, visitor, *signs(visitor, SCALE.parallel_others))
        invariants.check(visitor)
        row(number + 1, requests=SCALE.parallel_others, signatures=1)
        assert outcome(stand, visitor) == ("signed", "sale")


@pytest.mark.stands(SCALE.race_stands)
def test_signs_and_declines(stand, reader, row, invariants):
    """R-03 sign and decline in parallel."""
    winners = Counter()
    for number in range(SCALE.answer_rounds):
        visitor = reader()
        half = SCALE.parallel_others // 2
        forms = [*signs(visitor, half), *[("decline", {"comment": "no"})] * half]
        # Who is asked first has the better chances.
        post(stand, visitor, *(forms if number % 2 else reversed(forms)))
        invariants.check(visitor)
        found = outcome(stand, visitor)
        winners[found[0]] += 1
        row(number + 1, requests=SCALE.parallel_others, won=_tally(winners))
        assert found in {("signed", "sale"), ("declined", "cancel")}


@pytest.mark.stands(SCALE.race_stands)
def test_signs_and_cancel(stand, reader, row, invariants):
    """R-03 sign and the salesperson's cancel."""
    winners = Counter()
    for number in range(SCALE.act_rounds):
        visitor = reader()
        order = visitor.quotation.id
        count = count_of_signs(number)
        _signed, cancelled = at_once(
            lambda visitor=visitor, count=count: post(stand, visitor, *signs(visitor, count)),
            lambda order=order: _succeeds(stand.admin.call, "sale.order", "action_esign_cancel", [order]),
        )
        invariants.check(visitor)
        found = outcome(stand, visitor)
        winners[found[0]] += 1
        row(number + 1, requests=f"{SCALE.parallel_others} or {FEW}", won=_tally(winners))
        # Who cancels a moment too late finds nothing open, which is no error.
        assert found == ("signed", "sale") or (found == ("void", "sent") and cancelled)


@pytest.mark.stands(SCALE.race_stands)
def test_signs_and_edit(stand, reader, row, invariants):
    """R-03 sign and the salesperson's edit."""
    winners = Counter()
    for number in range(SCALE.act_rounds):
        visitor = reader()
        order = visitor.quotation.id
        before = stand.admin.read("sale.order", order, ["amount_total"])["amount_total"]
        (line,) = stand.admin.search_read("sale.order.line", [("order_id", "=", order)], ["id"], limit=1)
        count = count_of_signs(number)
        _signed, edited = at_once(
            lambda visitor=visitor, count=count: post(stand, visitor, *signs(visitor, count)),
            lambda line=line["id"]: _succeeds(stand.admin.write, "sale.order.line", line, {"price_unit": 1}),
        )
        invariants.check(visitor)
        found = outcome(stand, visitor)
        winners[found[0]] += 1
        row(number + 1, requests=f"{SCALE.parallel_others} or {FEW}", won=_tally(winners))
        if found[0] == "void":
            assert edited and found[1] == "sent"
        else:
            # What was read is what is signed (law 1), whatever became of the order afterwards.
            assert found[0] == "signed"
            assert _signed_total(stand, order) == before


def _signed_total(stand, order_id: int) -> float:
    query = "SELECT p.json FROM esign_proof p JOIN esign_request r ON r.id = p.request_id WHERE r.order_id = %s"
    ((proof,),) = stand.sql(query, [order_id])
    return float(json.loads(proof)["signature"]["total"])


def _succeeds(call, *arguments) -> bool:
    try:
        call(*arguments)
    except RpcError:  # a refusal is one of the right outcomes
        return False
    return True


def _tally(counter: Counter) -> str:
    return ", ".join(f"{state} {count}" for state, count in sorted(counter.items()))
