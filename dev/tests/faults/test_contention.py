"""R-14: somebody else writes to the same rows at the same moment, for real and at each statement in turn.

PostgreSQL then ends a transaction with a serialization failure or a deadlock, and Odoo repeats the request. One effect,
one proof, one set of mails must come of it.
"""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager

import psycopg2
import pytest
import waiting
from scale import DURABLE, SCALE
from visitor import Visitor

ANSWERED = 303
ERRORS = ("serialization", "deadlock")
# What is logged of an answer that the cron has to complete.
NOISE = ("could not serialize access", "its completion failed", "deadlock detected", "cannot be carried into its order")
TABLES = {
    "sale_order": "SELECT order_id FROM esign_request WHERE order_id = %s",
    "esign_request": "SELECT id FROM esign_request WHERE order_id = %s",
    "esign_signer": "SELECT s.id FROM esign_signer s JOIN esign_request r ON r.id = s.request_id WHERE r.order_id = %s",
    "res_company": "SELECT company_id FROM esign_request WHERE order_id = %s",
    "res_partner": "SELECT o.partner_id FROM esign_request r JOIN sale_order o ON o.id = r.order_id WHERE r.order_id = %s",
}
WAITING = "SELECT pid FROM pg_stat_activity WHERE %s = ANY(pg_blocking_pids(pid))"
STATES = "SELECT r.state, o.state, r.told AND r.applied FROM esign_request r JOIN sale_order o ON o.id = r.order_id WHERE o.id = %s"


@pytest.mark.stands(DURABLE)
@pytest.mark.parametrize(("times", "step"), SCALE.sql_failures)
def test_each_statement(stand, reader, row, invariants, times, step):
    """R-14 the n-th writing statement fails."""
    stand.forgiven += NOISE
    number, by_cron, statement, last, more = 0, 0, 1, 0, True
    while more:
        visitor = reader()
        error = ERRORS[number % 2]
        stand.faults.arm("sql", path=f"{visitor.page}/sign", error=error, nth=statement, times=times)
        answer = visitor.sign()
        assert answer.status_code == ANSWERED, f"{error} at {statement}: {answer.status_code}"
        more = stand.faults.taken
        last = statement if more else last
        stand.faults.disarm()
        by_cron += _finish(stand, visitor)
        invariants.check(visitor)
        number += 1
        row(number, last_statement=last, times_in_a_row=times, completed_by_cron=by_cron)
        statement += step
    assert number > 2, "the probe saw no statements"


@pytest.mark.stands(DURABLE)
@pytest.mark.parametrize("table", list(TABLES)[: SCALE.contended_tables])
def test_somebody_writes(stand, reader, row, invariants, table):
    """R-14 another transaction holds the row."""
    stand.forgiven += NOISE
    visitor = reader()
    with _writing(stand, table, visitor) as (connection, waiter), ThreadPoolExecutor(1) as pool:
        click = pool.submit(visitor.sign)
        waiting.until(lambda: click.done() or waiter(), what="the signature meets the other transaction")
        met = not click.done()
        connection.commit()
        assert click.result().status_code == ANSWERED
    by_cron = _finish(stand, visitor)
    invariants.check(visitor)
    row(1, table=table, waited=met, completed_by_cron=int(by_cron))


@pytest.mark.stands(DURABLE)
def test_deadlock(stand, reader, row, invariants):
    """R-14 a real deadlock."""
    stand.forgiven += NOISE
    visitor = reader()
    victim = "signature"
    with _writing(stand, "sale_order", visitor) as (connection, waiter), ThreadPoolExecutor(1) as pool:
        click = pool.submit(visitor.sign)
        # It holds the request's row (applied) and wants the order's; now we want the request's.
        waiting.until(waiter, what="the signature waits for the order")
        try:
            with connection.cursor() as cursor:
                cursor.execute(
                    "UPDATE esign_request SET write_date = write_date WHERE order_id = %s", [visitor.quotation.id]
                )
            connection.commit()
        except psycopg2.errors.DeadlockDetected:
            victim = "the other"
            connection.rollback()
        assert click.result().status_code == ANSWERED
    by_cron = _finish(stand, visitor)
    invariants.check(visitor)
    row(1, victim=victim, completed_by_cron=int(by_cron))


@contextmanager
def _writing(stand, table: str, visitor: Visitor):
    """A transaction that has written to the row; and whether somebody waits for it."""
    ((row_id,),) = stand.sql(TABLES[table], [visitor.quotation.id])
    with closing(stand.cluster.connect(stand.database)) as connection:
        connection.autocommit = False
        with connection.cursor() as cursor:
            cursor.execute(f'UPDATE "{table}" SET write_date = write_date WHERE id = %s', [row_id])
        pid = connection.get_backend_pid()
        yield connection, lambda: stand.sql(WAITING, [pid])
        connection.rollback()


def _finish(stand, visitor: Visitor) -> bool:
    """Let time go by; whether the cron had something left to do."""
    ((state, order, done),) = stand.sql(STATES, [visitor.quotation.id])
    assert state in ("consented", "signed"), state
    left = not done
    while not done:
        stand.end_leases(visitor.quotation.id)
        stand.run_cron("ir_cron_complete")
        ((state, order, done),) = stand.sql(STATES, [visitor.quotation.id])
    assert (state, order) == ("signed", "sale")
    stand.run_cron("ir_cron_mails")
    assert visitor.sign().status_code == ANSWERED
    return left
