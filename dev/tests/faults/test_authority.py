"""R-16: the time-stamp authority is down, slow, wrong or bad, on a real server.

What is wrong is never kept, what was reached is what the proof says, the consent stays, and when the authority is well
again what is missing comes by itself.
"""

import authority
import pytest
import waiting
from scale import DRIFTS, DURABLE, SCALE

ANSWERED = 303
STATE = "SELECT state, seal_level FROM esign_request WHERE order_id = %s"
pytestmark = pytest.mark.stands(DURABLE)


@pytest.fixture(autouse=True)
def _expected(stand):
    stand.forgiven += authority.NOISE


@pytest.mark.parametrize(("fault", "policy"), SCALE.authority_faults)
def test_fault(stand, reader, row, invariants, fault, policy):
    """R-16 the authority fails."""
    with authority.set_up(stand, policy) as tsa:
        for number in range(SCALE.authority_rounds):
            visitor = reader()
            order = visitor.quotation.id
            authority.ask_again_now(stand)
            _break(tsa, fault)
            assert visitor.sign().status_code == ANSWERED
            state, level = _state(stand, visitor)
            assert authority.late_tokens(stand, order) == 0, "a bad token was kept"
            if policy == "wait":
                assert state == "consented" and not level, "the seal waits for its time-stamp"
                assert "timestamp.pending" in stand.events(visitor.quotation) or "seal.failed" in stand.events(
                    visitor.quotation
                )
            else:
                assert (state, level) == ("signed", "PAdES B-B")
            tsa.heal()
            authority.ask_again_now(stand)
            _finish(stand, visitor)
            found = authority.reached(stand, order)
            assert found.level == found.stated, f"{found.stated} is stated, {found.level} reached"
            if policy == "wait":
                assert found.level in ("PAdES B-T", "PAdES B-LT") and found.proof_stamped and not found.late
            else:
                assert found.level == "PAdES B-B" and not found.proof_stamped and found.late == 1
            invariants.check(visitor)
            row(number + 1, fault=fault, policy=policy, then=state, level=found.level, late_tokens=found.late)


def test_second_address(stand, reader, row, invariants):
    """R-16 the second address helps out."""
    with authority.set_up(stand, "wait", second=True) as tsa:
        visitor = reader()
        authority.ask_again_now(stand)
        tsa.fault = "expired"
        assert visitor.sign().status_code == ANSWERED
        assert _state(stand, visitor)[0] == "signed"
        found = authority.reached(stand, visitor.quotation.id)
        assert found.level == found.stated != "PAdES B-B" and found.proof_stamped
        _finish(stand, visitor)
        invariants.check(visitor)
        row(1, level=found.level)


@pytest.mark.parametrize("offset", [-59, 59] if SCALE.authority_rounds > 1 else [50])
def test_drift(stand, reader, row, invariants, offset):
    """R-16 a clock that is less than a minute wrong."""
    with authority.set_up(stand, "wait") as tsa:
        visitor = reader()
        authority.ask_again_now(stand)
        tsa.offset = offset
        assert visitor.sign().status_code == ANSWERED
        assert _state(stand, visitor)[0] == "signed"
        found = authority.reached(stand, visitor.quotation.id)
        assert abs(found.drift_ms - 1000 * offset) < 5000, "the proof tells the drift"
        _finish(stand, visitor)
        invariants.check(visitor, drift=True)
        row(1, offset_s=offset, stated_ms=found.drift_ms)


def _break(tsa, fault: str) -> None:
    if fault in DRIFTS:
        tsa.offset = 61 if "ahead" in fault else -61
    else:
        tsa.fault = fault


def _state(stand, visitor) -> tuple[str, str]:
    return stand.sql(STATE, [visitor.quotation.id])[0]


def _finish(stand, visitor) -> None:
    """Let time go by."""

    def finished() -> bool:
        stand.end_leases(visitor.quotation.id)
        for name in ("ir_cron_complete", "ir_cron_timestamps", "ir_cron_mails"):
            stand.run_cron(name)
        query = "SELECT state = 'signed' AND applied AND NOT COALESCE(timestamp_wanted, FALSE) FROM esign_request WHERE order_id = %s"
        return stand.sql(query, [visitor.quotation.id])[0][0]

    waiting.until(finished, what="signed, with the time-stamp")
    assert visitor.sign().status_code == ANSWERED
