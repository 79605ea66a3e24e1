"""R-04: ``kill -9`` in the jobs of the night: the common hash, the check of the evidence, the end of the term.

Wherever they are killed, the next run leaves what a run that nobody disturbed would have left.
"""

from collections import Counter
from contextlib import contextmanager, suppress

import authority
import httpx
import pytest
import waiting
from invariants import FILES, JOURNAL
from scale import CHECK_POINTS, PURGE_POINTS, ROOT_POINTS, SCALE
from tools import chain
from visitor import Visitor

from devtools.rpc import RpcError

ANSWERED = 303
DEAD = (httpx.TransportError, TimeoutError, RpcError)
# Evidence is changed here as only the superuser of PostgreSQL can, who switches triggers off.
UNGUARDED = "DO $$ BEGIN PERFORM set_config('session_replication_role', 'replica', TRUE); {} END $$"
FORGET_ROOTS = UNGUARDED.format(
    "DELETE FROM esign_anchor_copy; DELETE FROM esign_timestamp WHERE anchor_id IS NOT NULL;"
    "DELETE FROM esign_anchor_leaf; DELETE FROM esign_anchor;"
)
AGE = UNGUARDED.format(
    "UPDATE esign_request SET answered_on = answered_on - interval '11 years',"
    " retention_until = retention_until - interval '11 years' WHERE order_id = %s;"
)
ROOTS = """
    SELECT (SELECT count(*) FROM esign_anchor), (SELECT count(*) FROM esign_timestamp WHERE anchor_id IS NOT NULL),
           (SELECT count(*) FROM esign_anchor_copy)"""
# Only these wait to be checked.
DUE = """
    UPDATE esign_request SET checked_on = CASE WHEN order_id = ANY(%s) THEN NULL
           ELSE clock_timestamp() AT TIME ZONE 'UTC' END"""
QUEUED = """
    SELECT m.id FROM mail_mail m JOIN mail_message s ON s.id = m.mail_message_id
     WHERE m.state = 'outgoing' AND s.subject LIKE %s"""
UNCHECKED = "SELECT count(*) FROM esign_request WHERE checked_on IS NULL"
WARNED = (
    "SELECT count(*) FROM mail_activity WHERE res_model = 'sale.order' AND res_id = %s AND summary LIKE 'Damaged%%'"
)
PURGED = "SELECT id, reference, purged_on IS NOT NULL FROM esign_request WHERE order_id = %s"
KEPT = """
    SELECT 'document ' || id FROM esign_document WHERE request_id = %(request)s UNION ALL
    SELECT 'proof ' || id FROM esign_proof WHERE request_id = %(request)s UNION ALL
    SELECT 'private ' || id FROM esign_event_private WHERE request_id = %(request)s UNION ALL
    SELECT 'mail ' || id FROM esign_mail_source WHERE request_id = %(request)s UNION ALL
    SELECT 'delivery ' || id FROM esign_delivery WHERE request_id = %(request)s UNION ALL
    SELECT 'payload ' || seq FROM esign_event
     WHERE request_id = %(request)s AND payload IS NOT NULL AND type != 'retention.purged' UNION ALL
    SELECT 'signer ' || id FROM esign_signer WHERE request_id = %(request)s AND (name != '—' OR email != '—')"""

pytestmark = pytest.mark.stands(SCALE.mortal_stands)


@pytest.mark.parametrize(("point", "when"), ROOT_POINTS)
def test_common_hash(stand, caught, row, invariants, point, when):
    """R-04 the common hash, kill -9."""
    stand.forgiven += authority.NOISE
    with authority.set_up(stand, "wait"):
        for number in range(SCALE.kill_rounds):
            visitor = Visitor(stand, caught, stand.send())
            stand.sql(FORGET_ROOTS)
            caught.clear()
            authority.ask_again_now(stand)
            stand.kill_in_cron("ir_cron_anchor", point, when)
            for _night in range(2):  # the second one finds nothing to do
                authority.ask_again_now(stand)
                stand.run_cron("ir_cron_anchor")
            assert stand.sql(ROOTS) == [(1, 1, 1)], "one root, one time-stamp, one mail"
            assert len(_mails(stand, caught, "Signature journals of")) == 1
            invariants.check(visitor)
            invariants.check_nothing_left()
            row(number + 1, roots=1, mails=1)


@pytest.mark.parametrize(("point", "when"), CHECK_POINTS)
def test_check_of_evidence(stand, caught, row, invariants, point, when):
    """R-04 the check of the evidence, kill -9."""
    stand.forgiven.append("is damaged")
    for number in range(SCALE.kill_rounds):
        sound, damaged = visitors = [Visitor(stand, caught, stand.send()) for _number in range(2)]
        orders = [visitor.quotation.id for visitor in visitors]
        with _damaged_quote(stand, damaged):
            stand.sql(DUE, [orders])
            stand.kill_in_cron("ir_cron_integrity", point, when)
            for _night in range(2):  # the second one tells nothing new
                stand.run_cron("ir_cron_integrity")
                stand.sql(DUE, [orders])
            assert _findings(stand, damaged) == ["integrity.failed"]
            told = _mails(stand, caught, f"Damaged evidence: {damaged.quotation.number}")
            recipients = Counter(address for mail in told for address in mail.envelope_to)
            assert recipients and set(recipients.values()) == {1}, f"not one mail each: {recipients}"
            assert stand.sql(WARNED, [damaged.quotation.id]) == [(len(recipients),)], "not one activity each"
        stand.run_cron("ir_cron_integrity")
        assert _findings(stand, damaged) == ["integrity.failed", "integrity.restored"]
        assert not _findings(stand, sound), "what is sound was called damaged"
        invariants.check(*visitors)
        invariants.check_nothing_left()
        row(number + 1, warnings=1)


@pytest.mark.harms
def test_check_without_a_connection(stand, caught, row, invariants):
    """R-05 the check of the evidence, connection cut."""
    for number in range(SCALE.kill_rounds):
        visitor = Visitor(stand, caught, stand.send())
        stand.sql(DUE, [[visitor.quotation.id]])
        stand.faults.arm("cut", point="time-stamps checked", when="before")
        for _night in range(2):
            with suppress(*DEAD):
                stand.run_cron("ir_cron_integrity")
            assert stand.faults.taken
        assert not _findings(stand, visitor), "what is sound was called damaged"
        assert stand.sql(UNCHECKED) == [(0,)]
        invariants.check(visitor)
        row(number + 1, false_alarms=0)


@pytest.mark.parametrize(("point", "when"), PURGE_POINTS)
def test_end_of_the_term(stand, reader, row, invariants, point, when):
    """R-04 the end of the term, kill -9."""
    complete = 0
    for number in range(SCALE.kill_rounds):
        visitor, kept = reader(), reader()
        for customer in (visitor, kept):
            assert customer.decline().status_code == ANSWERED
        stand.run_cron("ir_cron_mails")
        invariants.check(visitor, kept)
        stand.sql(AGE, [visitor.quotation.id])
        stand.kill_in_cron("ir_cron_purge", point, when)
        ((request_id, reference, purged),) = stand.sql(PURGED, [visitor.quotation.id])
        if not purged:  # then nothing is missing
            invariants.check(visitor)
        complete += not purged
        for _night in range(2):
            stand.run_cron("ir_cron_purge")
        assert stand.sql(PURGED, [visitor.quotation.id]) == [(request_id, reference, True)]
        left = stand.sql(KEPT, {"request": request_id})
        assert not left, f"the purge left {left}"
        _check_purged_journal(stand, request_id, reference)
        invariants.check(kept)
        invariants.check_nothing_left()
        row(number + 1, complete_after_the_kill=complete)


def _mails(stand, caught, subject: str) -> list:
    """The mails whose subject begins so, once none of them waits."""
    waiting.until(lambda: _handed_over(stand, subject), what="all mails handed over")
    return [mail for mail in caught.messages if mail.subject.startswith(subject)]


def _handed_over(stand, subject: str) -> bool:
    stand.run_cron("mail.ir_cron_mail_scheduler_action")
    return not stand.sql(QUEUED, [f"{subject}%"])


@contextmanager
def _damaged_quote(stand, visitor: Visitor):
    """The file that a customer was sent, changed on the disk; afterwards as it was."""
    ((request_id, _reference, _purged),) = stand.sql(PURGED, [visitor.quotation.id])
    ((path,),) = [
        [stand.filestore / name] for kind, _sha, _size, name in stand.sql(FILES, [request_id]) if kind == "quote"
    ]
    content = path.read_bytes()
    path.write_bytes(content + b"\n")
    try:
        yield
    finally:
        path.write_bytes(content)


def _findings(stand, visitor: Visitor) -> list[str]:
    return [kind for kind in stand.events(visitor.quotation) if kind.startswith("integrity.")]


def _check_purged_journal(stand, request_id: int, reference: str) -> None:
    ((_length, head, journal),) = stand.sql(JOURNAL, [request_id])
    chain.verify(reference, journal, head, purged=True)
    assert [entry["type"] for entry in journal].count("retention.purged") == 1
