"""R-05: a connection to the database ends at a point of a signature, as when a network fails; the database stays.

What was done in it is lost, and the very next connection works: whoever takes that for a fault of what was being done
would give up an order, or call sound evidence damaged.
"""

from contextlib import suppress

import httpx
import pytest
import waiting
from scale import CUT_POINTS, SCALE

from devtools.rpc import RpcError

ANSWERED = 303
LATER = (500, 503)
GIVEN_UP = {"seal.failed", "order.not_updated"}
ENDS = "SELECT r.state, o.state, r.told AND r.applied FROM esign_request r JOIN sale_order o ON o.id = r.order_id WHERE o.id = %s"
pytestmark = [pytest.mark.harms, pytest.mark.stands(SCALE.mortal_stands)]


@pytest.mark.parametrize(("point", "when"), CUT_POINTS)
def test_while_signing(stand, reader, row, invariants, point, when):
    """R-05 signing, connection cut."""
    answers = []
    for number in range(SCALE.kill_rounds):
        visitor = reader()
        stand.faults.arm("cut", point=point, when=when)
        waiting.until(lambda visitor=visitor: _is_answered(visitor, answers), what="the customer's answer taken")
        assert stand.faults.taken
        stand.end_leases(visitor.quotation.id)
        waiting.until(lambda visitor=visitor: _ends(stand, visitor) == ("signed", "sale", True), what="completed")
        stand.run_cron("ir_cron_mails")
        assert not GIVEN_UP.intersection(stand.events(visitor.quotation)), "a lost connection is nothing to give up for"
        invariants.check(visitor, repeats=True)
        invariants.check_nothing_left()
        row(number + 1, answers=" ".join(map(str, answers)), consents_lost=0)


def _is_answered(visitor, answers: list[int]) -> bool:
    status = visitor.sign().status_code
    answers.append(status)
    assert status in (ANSWERED, *LATER)
    return status == ANSWERED


def _ends(stand, visitor) -> tuple:
    with suppress(httpx.HTTPError, RpcError):
        stand.run_cron("ir_cron_complete")
    return stand.sql(ENDS, [visitor.quotation.id])[0]
