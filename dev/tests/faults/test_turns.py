"""Two signers: ``kill -9`` while the first one's acceptance is taken and the second one is asked (R-04), and both, or one
of them in many windows, at the same instant (R-03)."""

from contextlib import suppress

import httpx
import pytest
import test_answers
import waiting
from scale import SCALE, TURN_POINTS
from visitor import Visitor

ANSWERED = 303
TURN = "SELECT state, turn, to_invite FROM esign_request WHERE order_id = %s"
PREVIEWS = """
    SELECT count(*) FROM esign_document d JOIN esign_request r ON r.id = d.request_id
     WHERE d.kind = 'preview' AND r.order_id = %s"""


CONFIRMED = """
    SELECT count(*) FROM esign_event e JOIN esign_request r ON r.id = e.request_id
     WHERE e.type = 'sign.confirmed' AND r.order_id = %s"""


@pytest.fixture
def pair(stand, caught):
    """The two signers of a new quotation; the first one has read it."""

    def make() -> tuple[Visitor, Visitor]:
        first, second = (Visitor(stand, caught, quotation) for quotation in stand.send_to_two())
        first.enter()
        first.read_to_the_end()
        return first, second

    return make


@pytest.mark.stands(SCALE.race_stands)
def test_parallel_signs(stand, pair, row, invariants):
    """R-03 parallel signs of the first of two."""
    for number in range(SCALE.answer_rounds):
        first, second = pair()
        order = first.quotation.id
        test_answers.post(stand, first, *test_answers.signs(first, SCALE.parallel_others))
        assert stand.sql(TURN, [order])[0][:2] == ("sent", 2)
        assert stand.sql(CONFIRMED, [order]) == [(1,)], "one acceptance, however many clicks"
        waiting.until(lambda order=order: _asked(stand, order), what="the second signer asked")
        assert stand.sql(PREVIEWS, [order]) == [(1,)]
        stand.run_cron("ir_cron_mails")
        second.enter()
        second.read_to_the_end()
        # The first one's window is still open: what is sent from there is nobody's answer.
        test_answers.post(stand, first, *test_answers.signs(first, 3), ("decline", {"comment": "no"}))
        test_answers.post(stand, second, *test_answers.signs(second, SCALE.parallel_others))
        stand.run_cron("ir_cron_mails")
        assert stand.sql(CONFIRMED, [order]) == [(2,)]
        invariants.check(first, second)
        row(number + 1, requests=2 * SCALE.parallel_others, signatures=2)


@pytest.mark.stands(SCALE.mortal_stands)
@pytest.mark.parametrize(("point", "when"), TURN_POINTS)
def test_between_two_signers(stand, pair, row, invariants, point, when):
    """R-04 between two signers, kill -9."""
    kept = 0
    for number in range(SCALE.kill_rounds):
        first, second = pair()
        order = first.quotation.id
        stand.faults.arm("kill", point=point, when=when)
        with suppress(httpx.TransportError):
            first.sign()
        waiting.until(lambda: stand.faults.taken, what=f"killed {when} {point}")
        stand.revive()
        kept += stand.sql(TURN, [order])[0][1] == 2
        assert first.sign().status_code == ANSWERED
        assert stand.sql(TURN, [order])[0][:2] == ("sent", 2), "the first acceptance is kept, and nothing is sealed"
        waiting.until(lambda order=order: _asked(stand, order), what="the second signer asked")
        stand.run_cron("ir_cron_mails")
        assert stand.sql(PREVIEWS, [order]) == [(1,)]
        second.enter()
        second.read_to_the_end()
        assert second.sign().status_code == ANSWERED
        stand.run_cron("ir_cron_mails")
        assert stand.sql(TURN, [order])[0][0] == "signed"
        invariants.check(first, second)
        row(number + 1, first_kept_at_once=kept, consents_lost=0)


def _asked(stand, order: int) -> bool:
    stand.end_leases(order)
    stand.run_cron("ir_cron_complete")
    return not stand.sql(TURN, [order])[0][2]
