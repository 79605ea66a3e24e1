"""R-04: ``kill -9`` at each point of the signing transaction, of the refusal, of the expiry and of the jobs (law 6).

Whoever had the customer's consent committed before must not lose it; the customer's second click gets the same result;
what is left is done by the cron once the lease is over. The rest of the server goes on, as in life.
"""

from contextlib import suppress

import authority
import httpx
import pytest
import waiting
from scale import (
    CUSTOMER_POINTS,
    EXPIRY_POINTS,
    JOB_POINTS,
    LATE_POINTS,
    MAIL_POINTS,
    REFUSAL_POINTS,
    SCALE,
    STAMPED_POINTS,
)
from visitor import Visitor

from devtools.rpc import RpcError

ANSWERED = 303
# Killed there, nothing was committed yet; later, the customer's answer must have been (law 6).
BEFORE_THE_COMMIT = ("consent compare-and-set", "consent", "refusal compare-and-set")
FOUND = "SELECT state, answered_on FROM esign_request WHERE order_id = %s"
EXPIRE = """
    UPDATE esign_request SET expires_on = clock_timestamp() AT TIME ZONE 'UTC' - interval '1 minute'
     WHERE order_id = %s"""
DEAD = (httpx.TransportError, TimeoutError, RpcError)


@pytest.mark.stands(SCALE.mortal_stands)
@pytest.mark.parametrize(("point", "when"), CUSTOMER_POINTS)
def test_while_signing(stand, reader, row, invariants, point, when):
    """R-04 signing, kill -9."""
    kept = 0
    for number in range(SCALE.kill_rounds):
        visitor = reader()
        stand.faults.arm("kill", point=point, when=when)
        _click(visitor.sign)
        committed = _finish(stand, visitor, visitor.sign, ("signed", "sale"))
        assert committed == (point not in BEFORE_THE_COMMIT), "the consent comes first"
        kept += committed
        invariants.check(visitor)
        invariants.check_nothing_left()
        row(number + 1, consent_before=kept, consents_lost=0)


@pytest.mark.stands(SCALE.mortal_stands)
@pytest.mark.parametrize(("point", "when"), JOB_POINTS)
def test_while_the_cron_completes(stand, reader, row, invariants, point, when):
    """R-04 the cron completes, kill -9."""
    for number in range(SCALE.kill_rounds):
        visitor = reader()
        stand.faults.arm("kill", point="completion", when="before")
        _click(visitor.sign)
        waiting.until(lambda: stand.faults.taken, what="the customer's process killed")
        stand.revive()
        stand.faults.arm("kill", point=point, when=when)
        stand.end_leases(visitor.quotation.id)
        with suppress(*DEAD):
            stand.run_cron("ir_cron_complete")
        assert _finish(stand, visitor, visitor.sign, ("signed", "sale"))
        invariants.check(visitor)
        invariants.check_nothing_left()
        row(number + 1, killed_twice=number + 1, consents_lost=0)


@pytest.mark.stands(SCALE.mortal_stands)
@pytest.mark.parametrize(("point", "when"), STAMPED_POINTS)
def test_with_time_stamps(stand, reader, row, invariants, point, when):
    """R-04 signing with a time-stamp, kill -9"""
    stand.forgiven += authority.NOISE
    kept = 0
    with authority.set_up(stand, "wait"):
        for number in range(SCALE.kill_rounds):
            visitor = reader()
            authority.ask_again_now(stand)
            stand.faults.arm("kill", point=point, when=when)
            _click(visitor.sign)
            kept += _finish(stand, visitor, visitor.sign, ("signed", "sale"))
            found = authority.reached(stand, visitor.quotation.id)
            assert found.level == found.stated != "PAdES B-B" and found.proof_stamped
            invariants.check(visitor)
            invariants.check_nothing_left()
            row(number + 1, consent_before=kept, consents_lost=0)


@pytest.mark.stands(SCALE.mortal_stands)
@pytest.mark.parametrize(("point", "when"), LATE_POINTS)
def test_late_time_stamps(stand, reader, row, invariants, point, when):
    """R-04 late time-stamps, kill -9"""
    stand.forgiven += authority.NOISE
    with authority.set_up(stand, "without") as tsa:
        for number in range(SCALE.kill_rounds):
            visitor = reader()
            authority.ask_again_now(stand)
            tsa.fault = "down"
            assert visitor.sign().status_code == ANSWERED
            tsa.heal()
            authority.ask_again_now(stand)
            stand.kill_in_cron("ir_cron_timestamps", point, when)
            waiting.until(lambda visitor=visitor: _is_stamped_late(stand, visitor), what="a late time-stamp")
            assert authority.late_tokens(stand, visitor.quotation.id) == 1
            stand.run_cron("ir_cron_mails")
            invariants.check(visitor)
            invariants.check_nothing_left()
            row(number + 1, tokens=1)


@pytest.mark.stands(SCALE.mortal_stands)
@pytest.mark.parametrize(("point", "when"), MAIL_POINTS)
def test_while_mails_go_out(stand, reader, row, invariants, point, when):
    """R-04 mails, kill -9."""
    for number in range(SCALE.kill_rounds):
        visitor = reader()
        stand.faults.arm("kill", point=point, when=when)
        assert visitor.sign().status_code == ANSWERED
        with suppress(*DEAD):
            stand.run_cron("ir_cron_mails")
        _finish(stand, visitor, visitor.sign, ("signed", "sale"))
        # What the mail server said is committed at once: no copy goes out a second time (I6).
        invariants.check(visitor)
        invariants.check_nothing_left()
        row(number + 1, mails_sent_twice=0)


@pytest.mark.stands(SCALE.mortal_stands)
@pytest.mark.parametrize(("point", "when"), REFUSAL_POINTS)
def test_while_declining(stand, reader, row, invariants, point, when):
    """R-04 refusal, kill -9."""
    kept = 0
    for number in range(SCALE.kill_rounds):
        visitor = reader()
        stand.faults.arm("kill", point=point, when=when)
        _click(visitor.decline)
        committed = _finish(stand, visitor, visitor.decline, ("declined", "cancel"))
        assert committed == (point not in BEFORE_THE_COMMIT), "the refusal comes first"
        kept += committed
        invariants.check(visitor)
        invariants.check_nothing_left()
        row(number + 1, refusal_before=kept, refusals_lost=0)


@pytest.mark.stands(SCALE.mortal_stands)
@pytest.mark.parametrize(("point", "when"), EXPIRY_POINTS)
def test_while_it_expires(stand, caught, row, invariants, point, when):
    """R-04 expiry, kill -9."""
    for number in range(SCALE.kill_rounds):
        visitor = Visitor(stand, caught, stand.send())
        stand.sql(EXPIRE, [visitor.quotation.id])
        stand.faults.arm("kill", point=point, when=when)
        for _time in range(2):
            for name in ("ir_cron_expire", "ir_cron_complete"):
                with suppress(*DEAD):
                    stand.run_cron(name)
            waiting.until(lambda: stand.faults.taken, what=f"killed {when} {point}")
            stand.revive()
            stand.end_leases(visitor.quotation.id)
        waiting.until(lambda visitor=visitor: _told(stand, visitor), what="the expiry proved")
        stand.run_cron("ir_cron_mails")
        assert _found(stand, visitor)[0] == "expired"
        invariants.check(visitor)
        invariants.check_nothing_left()
        row(number + 1)


def _click(act) -> None:
    """Send the form; nobody may be left to answer it."""
    with suppress(httpx.TransportError):
        act()


def _finish(stand, visitor: Visitor, act, wanted: tuple[str, str]) -> bool:
    """What happens after a kill: the server goes on, the customer clicks again, time goes by.

    :return: whether the customer's answer was committed before the kill
    """
    waiting.until(lambda: stand.faults.taken, what="the process killed")
    stand.revive()
    state, answered_on = _found(stand, visitor)
    answer = act()
    assert answer.status_code == ANSWERED, answer.text
    page = visitor.get(visitor.page)
    assert page.status_code == 200, page.text
    assert _found(stand, visitor)[0] != "sent"
    stand.end_leases(visitor.quotation.id)
    waiting.until(lambda: _completed(stand, visitor), what="the request completed")
    stand.run_cron("ir_cron_mails")
    again = act()
    assert again.status_code == ANSWERED, again.text
    ((order_state,),) = stand.sql("SELECT state FROM sale_order WHERE id = %s", [visitor.quotation.id])
    final, final_on = _found(stand, visitor)
    assert (final, order_state) == wanted
    if state != "sent":
        assert final_on == answered_on, "the answer that was committed is the one that stays"
    return state != "sent"


def _completed(stand, visitor: Visitor) -> bool:
    stand.run_cron("ir_cron_complete")
    query = "SELECT told AND applied FROM esign_request WHERE order_id = %s"
    ((done,),) = stand.sql(query, [visitor.quotation.id])
    return bool(done)


def _is_stamped_late(stand, visitor: Visitor) -> bool:
    stand.run_cron("ir_cron_timestamps")
    return authority.late_tokens(stand, visitor.quotation.id) > 0


def _told(stand, visitor: Visitor) -> bool:
    stand.run_cron("ir_cron_complete")
    return bool(stand.sql("SELECT id FROM esign_request WHERE told AND order_id = %s", [visitor.quotation.id]))


def _found(stand, visitor: Visitor) -> tuple:
    ((state, answered_on),) = stand.sql(FOUND, [visitor.quotation.id])
    return state, answered_on
