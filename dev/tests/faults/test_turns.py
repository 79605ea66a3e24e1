"""R-04 between two signers: ``kill -9`` while the first one's acceptance is taken and the second one is asked."""

from contextlib import suppress

import httpx
import pytest
import waiting
from scale import SCALE, TURN_POINTS
from visitor import Visitor

ANSWERED = 303
TURN = "SELECT state, turn, to_invite FROM esign_request WHERE order_id = %s"
PREVIEWS = """
    SELECT count(*) FROM esign_document d JOIN esign_request r ON r.id = d.request_id
     WHERE d.kind = 'preview' AND r.order_id = %s"""


@pytest.fixture(autouse=True)
def _armed_for_one_test(request):
    yield
    if "stand" in request.fixturenames:
        request.getfixturevalue("stand").faults.disarm()


@pytest.mark.stands(SCALE.mortal_stands)
@pytest.mark.parametrize(("point", "when"), TURN_POINTS)
def test_between_two_signers(stand, caught, row, invariants, point, when):
    """R-04 between two signers, kill -9."""
    kept = 0
    for number in range(SCALE.kill_rounds):
        mine, theirs = stand.send_to_two()
        first, second = Visitor(stand, caught, mine), Visitor(stand, caught, theirs)
        first.enter()
        first.read_to_the_end()
        stand.faults.arm("kill", point=point, when=when)
        with suppress(httpx.TransportError):
            first.sign()
        waiting.until(lambda: stand.faults.taken, what=f"killed {when} {point}")
        stand.revive()
        kept += stand.sql(TURN, [mine.id])[0][1] == 2
        assert first.sign().status_code == ANSWERED
        assert stand.sql(TURN, [mine.id])[0][:2] == ("sent", 2), "the first acceptance is kept, and nothing is sealed"
        waiting.until(lambda order=mine.id: _asked(stand, order), what="the second signer asked")
        stand.run_cron("ir_cron_mails")
        assert stand.sql(PREVIEWS, [mine.id]) == [(1,)]
        second.enter()
        second.read_to_the_end()
        assert second.sign().status_code == ANSWERED
        stand.run_cron("ir_cron_mails")
        assert stand.sql(TURN, [mine.id])[0][0] == "signed"
        invariants.check(first, second)
        row(number + 1, first_kept_at_once=kept, consents_lost=0)


def _asked(stand, order: int) -> bool:
    stand.end_leases(order)
    stand.run_cron("ir_cron_complete")
    return not stand.sql(TURN, [order])[0][2]
