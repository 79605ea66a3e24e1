"""R-05: ``kill -9`` at random moments while customers sign: processes of Odoo, all of Odoo, a process of PostgreSQL, all
of PostgreSQL (``pg_ctl stop -m immediate``). PostgreSQL waits for the disk here, as in production.
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
KINDS = ("worker", "backend", "master", "database")
SPAN = 1.5  # seconds: signing takes about as long as there are others
DECLINING = 4  # every fourth customer
KILLS = 2  # a round
DEAD = (httpx.HTTPError, RpcError)
# What servers say that lost their database, or a process.
NOISE = (
    *("server closed the connection", "terminating connection", "connection already closed", "Connection refused"),
    *("the database system is", "could not connect", "connection to server", "cursor already closed", "bad query"),
    *(
        "is answered, its completion failed",
        "could not be recorded",
        "WorkerCron",
        "WorkerHTTP",
        "Cursor already closed",
    ),
    *("Cursor not closed explicitly", "maximum recursion depth exceeded"),
    *("an answer under /esign failed", "no database for a visitor", "SSL SYSCALL error", "No such file or directory"),
)


@pytest.mark.stands(SCALE.mortal_stands)
def test_random_kills(stand, reader, row, invariants):
    """R-05 kill -9 at random moments."""
    if not SCALE.random_kills:
        pytest.skip("not in this size: how Odoo complains of a database that dies under it differs from run to run")
    stand.forgiven += NOISE
    seed = time.time_ns() % 1_000_000
    chance = random.Random(seed)
    killed, answers, sent_twice, committed = Counter(), Counter(), 0, 0
    for number in range(SCALE.random_kills):
        visitors = [reader() for _number in range(SCALE.signing_together)]
        acts = [
            visitor.decline if n % DECLINING == DECLINING - 1 else visitor.sign for n, visitor in enumerate(visitors)
        ]
        orders = [visitor.quotation.id for visitor in visitors]
        with ThreadPoolExecutor(len(acts)) as pool:
            futures = [pool.submit(_insist, act, answers) for act in acts]
            for turn in range(KILLS):
                threading.Event().wait(chance.uniform(0, SPAN))
                kind = KINDS[(number * KILLS + turn) % len(KINDS)]
                killed[kind] += _kill(stand, kind, chance)
            before = _answered(stand, orders)
            for future in futures:
                future.result()
        committed += len(before)
        stand.revive()
        stand.end_leases(*orders)
        waiting.until(lambda orders=orders: _completed(stand, orders), what="all answers completed")
        after = _answered(stand, orders)
        assert {order: after.get(order) for order in before} == before, "an answer that was committed is lost"
        assert len(after) == len(orders)
        sent_twice += invariants.check(*visitors, repeats=True)
        row(
            number + 1,
            seed=seed,
            kills=sum(killed.values()),
            of=", ".join(f"{kind} {count}" for kind, count in sorted(killed.items())),
            answers=", ".join(f"{status}: {count}" for status, count in sorted(answers.items(), key=str)),
            committed_before=committed,
            lost=0,
            mails_sent_twice=sent_twice,
        )


def _insist(act, answers: Counter) -> None:
    """Click until the server says that it has the answer, as somebody would who wants to be done with it."""
    deadline = time.monotonic() + 120
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
    raise TimeoutError("no answer in two minutes")


def _kill(stand, kind: str, chance: random.Random) -> bool:
    """End something, and bring up again what does not come up by itself."""
    found = True
    if kind == "worker":
        found = stand.kill_worker(chance)
    elif kind == "master":
        chance.choice(stand.servers).kill_master()
    elif kind == "backend":
        found = stand.cluster.kill_backend(stand.database, chance.choice)
    else:
        stand.cluster.crash()
    waiting.until(stand.cluster.answers, what="PostgreSQL recovered")
    stand.revive()
    return found


def _answered(stand, orders: list[int]) -> dict:
    query = "SELECT order_id, answered_on FROM esign_request WHERE order_id = ANY(%s) AND state != 'sent'"
    return dict(stand.sql(query, [orders]))


def _completed(stand, orders: list[int]) -> bool:
    with suppress(*DEAD):
        stand.run_cron("ir_cron_complete")
        stand.run_cron("ir_cron_mails")
    query = "SELECT count(*) FROM esign_request WHERE order_id = ANY(%s) AND NOT (COALESCE(told, FALSE) AND COALESCE(applied, FALSE))"
    ((left,),) = stand.sql(query, [orders])
    return not left


def test_insisting_ends():
    """A customer who gets another answer than 'later' stops."""
    with pytest.raises(AssertionError):
        _insist(lambda: httpx.Response(404), Counter())
