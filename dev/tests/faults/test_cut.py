"""R-05: a connection to the database ends at a point of a signature, as when a network fails; the database stays.

What was done in it is lost, and the very next connection works: whoever takes that for a fault of what was being done
would give up an order, or call sound evidence damaged.
"""

from contextlib import suppress

import httpx
import pytest
import waiting
from scale import CUT_POINTS, SCALE, SENDING_POINTS
from visitor import Visitor

from devtools.rpc import RpcError

ANSWERED = 303
LATER = (500, 503)
GIVEN_UP = {"seal.failed", "order.not_updated"}
NOISE = ("the queue has them", "Exception while processing mail")
LONG_AGO = "UPDATE mail_mail SET create_date = create_date - interval '6 minutes'"
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


@pytest.mark.parametrize(("point", "when"), SENDING_POINTS)
def test_while_sending(stand, caught, row, invariants, point, when):
    """R-05 sending, connection cut."""
    stand.forgiven += NOISE
    for number in range(SCALE.kill_rounds):
        stand.faults.arm("cut", point=point, when=when)
        _is_invited_once(stand, caught, invariants)
        assert stand.faults.taken
        row(number + 1, invitations=1)


def test_the_mail_server_hangs_up(stand, caught, row, invariants):
    """R-05 sending, the mail server hangs up."""
    stand.forgiven += NOISE
    caught.fault = "hangup"
    try:
        _is_invited_once(stand, caught, invariants)
    finally:
        caught.fault = None
    row(1, invitations=1)


def _is_invited_once(stand, caught, invariants) -> None:
    """Who sends a quotation is not told that this failed, since it is sent; its customer gets one link, which works."""
    quotation = stand.send()
    caught.fault = None
    stand.sql(LONG_AGO)
    stand.run_cron("ir_cron_mails")
    visitor = Visitor(stand, caught, quotation)
    visitor.enter()
    visitor.read_to_the_end()
    assert visitor.sign().status_code == ANSWERED
    invitations = [mail for mail in caught.messages if quotation.email in mail.envelope_to and "/esign/t/" in mail.html]
    assert len(invitations) == 1
    invariants.check(visitor)


def _is_answered(visitor, answers: list[int]) -> bool:
    status = visitor.sign().status_code
    answers.append(status)
    assert status in (ANSWERED, *LATER)
    return status == ANSWERED


def _ends(stand, visitor) -> tuple:
    with suppress(httpx.HTTPError, RpcError):
        stand.run_cron("ir_cron_complete")
    return stand.sql(ENDS, [visitor.quotation.id])[0]
