"""R-05: ``kill -9`` at random moments while customers sign: processes of Odoo, all of Odoo, a process of PostgreSQL, all
of PostgreSQL (``pg_ctl stop -m immediate``); and single connections end. PostgreSQL waits for the disk here, as in production.
"""

import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import httpx
import pytest
import waiting
from scale import SCALE

from devtools.rpc import RpcError

ANSWERED = 303
KINDS = ("worker", "connection", "backend", "master", "database")
SPAN = 1.0  # seconds: signing takes about as long as there are others
DECLINING = 4  # every fourth customer
KILLS = 3  # a round
INSISTENCE = 300  # seconds: a busy machine takes a minute to start a server
DEAD = (httpx.HTTPError, TimeoutError, RpcError)
CARRIED_OUT = {("signed", "sale"), ("declined", "cancel")}
ANSWERS = "SELECT order_id, answered_on FROM esign_request WHERE order_id = ANY(%s) AND state != 'sent'"
ENDS = "SELECT r.state, o.state FROM esign_request r JOIN sale_order o ON o.id = r.order_id WHERE o.id = ANY(%s)"
LEFT = """
    SELECT id FROM esign_request WHERE order_id = ANY(%(orders)s) AND NOT (COALESCE(told, FALSE) AND COALESCE(applied, FALSE))
     UNION ALL
    SELECT m.id FROM mail_mail m JOIN esign_request r ON r.id = m.esign_request_id WHERE r.order_id = ANY(%(orders)s)"""


@pytest.mark.harms
@pytest.mark.stands(SCALE.mortal_stands)
def test_random_kills(stand, reader, row, invariants):
    """R-05 kill -9 at random moments."""
    seed = time.time_ns() % 1_000_000
    chance = random.Random(seed)
    killed, answers, sent_twice, interrupted = Counter(), Counter(), 0, 0
    for number in range(SCALE.random_kills):
        visitors = [reader() for _number in range(SCALE.signing_together)]
        acts = [
            visitor.decline if n % DECLINING == DECLINING - 1 else visitor.sign for n, visitor in enumerate(visitors)
        ]
        orders, before = [visitor.quotation.id for visitor in visitors], {}
        with ThreadPoolExecutor(len(acts)) as pool:
            futures = [pool.submit(_insist, act, answers) for act in acts]
            for turn in range(KILLS):
                threading.Event().wait(chance.uniform(0, SPAN))
                kind = KINDS[(number * KILLS + turn) % len(KINDS)]
                killed[kind] += _kill(stand, kind, chance)
                before = {**_answered(stand, orders), **before}
                interrupted += len(orders) - len(before)
                stand.revive()
            for future in futures:
                future.result()
        stand.revive()
        stand.end_leases(*orders)
        waiting.until(lambda orders=orders: _completed(stand, orders), what="all answers completed")
        after = _answered(stand, orders)
        assert {order: after.get(order) for order in before} == before, "an answer that was committed is lost"
        assert len(after) == len(orders)
        ends = stand.sql(ENDS, [orders])
        assert set(ends) <= CARRIED_OUT, f"an answer was not carried into its order: {ends}"
        sent_twice += invariants.check(*visitors, repeats=True)
        invariants.check_nothing_left()
        row(
            number + 1,
            seed=seed,
            kills=sum(killed.values()),
            of=", ".join(f"{kind} {count}" for kind, count in sorted(killed.items())),
            interrupted=interrupted,
            answers=", ".join(f"{status}: {count}" for status, count in sorted(answers.items(), key=str)),
            lost=0,
            mails_sent_twice=sent_twice,
        )


def _insist(act, answers: Counter) -> None:
    """Click until the server says that it has the answer, as somebody would who wants to be done with it."""
    deadline = time.monotonic() + INSISTENCE
    while time.monotonic() < deadline:
        try:
            answer = act()
        except httpx.TransportError:
            answer = None
        answers[answer.status_code if answer else "none"] += 1
        if answer is None:
            threading.Event().wait(0.1)
            continue
        if answer.status_code == ANSWERED:
            return
        assert answer.status_code in (500, 503), f"a customer got {answer.status_code}"
        # Who knows? The consent may have been committed before.
        assert "othing was signed" not in answer.text, answer.text
    raise TimeoutError(f"no answer in {INSISTENCE} s")


def _kill(stand, kind: str, chance: random.Random) -> bool:
    """End something; whether it was there. PostgreSQL is back then, Odoo may not be."""
    found = True
    if kind == "worker":
        found = stand.kill_worker(chance)
    elif kind == "master":
        chance.choice(stand.servers).kill_master()
    elif kind == "backend":
        found = stand.cluster.kill_backend(stand.database, chance.choice)
    elif kind == "connection":
        found = stand.cluster.end_connection(stand.database, chance.choice)
    else:
        stand.cluster.crash()
    waiting.until(stand.cluster.answers, what="PostgreSQL recovered")
    return found


def _answered(stand, orders: list[int]) -> dict:
    return dict(stand.sql(ANSWERS, [orders]))


def _completed(stand, orders: list[int]) -> bool:
    """Let the crons go on; whether nothing is left for them to do."""
    with suppress(*DEAD):
        stand.run_cron("ir_cron_complete")
        stand.run_cron("ir_cron_mails")
    return not stand.sql(LEFT, {"orders": orders})


def test_insisting_ends():
    """A customer who gets another answer than 'later' stops."""
    with pytest.raises(AssertionError):
        _insist(lambda: httpx.Response(404), Counter())
