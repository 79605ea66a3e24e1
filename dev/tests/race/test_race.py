"""Law 5, 7 and 12 on a server of two processes: parallel requests, one winner.

``HttpCase`` cannot show any of this: its requests take turns on one cursor.
"""

import contextlib
import json
import time

import pytest
import quotations
import server_log
from visitor import Visitor, at_once

from devtools.rpc import RpcClient, RpcError

SIGN_ROUNDS = 10
MIXED_ROUNDS = 4
WRONG_GUESSES = 40
RIGHT_GUESSES = 20
TRIES = 3  # wrong codes until the lock
# What PostgreSQL says to the loser of a race, before Odoo repeats the request.
LOST = ("could not serialize access",)


@pytest.fixture(scope="session")
def _products(race_server):
    admin = RpcClient(race_server.url, race_server.database)
    quotations.create_products(admin)
    admin.close()


@pytest.fixture(autouse=True)
def _quiet_log(race_server):
    with server_log.kept_quiet(race_server, forgiven=LOST):
        yield


@pytest.fixture
def sent(_products, race_admin):
    """``sent()`` returns a quotation that waits for its signature."""

    def make():
        quotation = quotations.create_quotation(race_admin)
        quotations.send_for_signature(race_admin, quotation)
        return quotation

    return make


@pytest.fixture
def reader(race_server, mails, sent):
    """``reader()`` returns a visitor who has read a quotation and may sign."""

    def make():
        visitor = Visitor(race_server, mails, sent())
        visitor.enter()
        visitor.read_to_the_end()
        return visitor

    return make


def events(race_server, quotation):
    rows = race_server.cluster.sql(
        race_server.database,
        "SELECT e.type FROM esign_event e JOIN esign_request r ON r.id = e.request_id WHERE r.order_id = %s ORDER BY e.seq",
        [quotation.id],
    )
    return [kind for (kind,) in rows]


def state(race_server, quotation):
    query = """
        SELECT r.state, o.state, (SELECT count(*) FROM esign_proof p WHERE p.request_id = r.id),
               (SELECT count(*) FROM esign_document d WHERE d.request_id = r.id AND d.kind = 'signed')
          FROM esign_request r JOIN sale_order o ON o.id = r.order_id WHERE r.order_id = %s"""
    ((request, order, proofs, signed),) = race_server.cluster.sql(race_server.database, query, [quotation.id])
    return {"request": request, "order": order, "proofs": proofs, "signed": signed}


def signed_total(race_server, quotation):
    query = "SELECT p.json FROM esign_proof p JOIN esign_request r ON r.id = p.request_id WHERE r.order_id = %s"
    ((proof,),) = race_server.cluster.sql(race_server.database, query, [quotation.id])
    return float(json.loads(proof)["signature"]["total"])


def test_two_clicks_on_sign_are_one_signature(race_server, reader, mails):
    for _round in range(SIGN_ROUNDS):
        visitor = reader()
        answers = at_once(visitor.sign, visitor.sign)
        assert [answer.status_code for answer in answers] == [303, 303]
        assert state(race_server, visitor.quotation) == {"request": "signed", "order": "sale", "proofs": 1, "signed": 1}
        kinds = events(race_server, visitor.quotation)
        assert kinds.count("sign.confirmed") == kinds.count("request.signed") == kinds.count("copies.queued") == 1
        number = visitor.quotation.number
        mails.wait_for(lambda mail, number=number: mail.subject.startswith(f"Signed: {number}"))
        mails.wait_for(lambda mail, number=number: mail.subject.startswith("Signed by") and number in mail.subject)
        pair = [mail for mail in mails.messages if number in mail.subject and mail.subject.startswith("Signed")]
        assert len(pair) == 2
        assert all(len(mail.attachments) == 2 for mail in pair)


def test_a_click_and_the_cron_are_one_signature(race_server, race_admin, reader):
    """The cron that finishes what was interrupted keeps its hands off what is being done."""
    (cron,) = race_admin.search_read("ir.cron", [("code", "=", "model._cron_complete()")], ["id"])

    def run_cron():
        with contextlib.suppress(RpcError):  # it runs already
            race_admin.call("ir.cron", "method_direct_trigger", [cron["id"]])

    for _round in range(MIXED_ROUNDS):
        visitor = reader()
        # Four runs one after the other last about as long as sealing does.
        answer, _runs = at_once(visitor.sign, lambda: [run_cron() for _run in range(4)])
        assert answer.status_code == 303
        assert state(race_server, visitor.quotation) == {"request": "signed", "order": "sale", "proofs": 1, "signed": 1}
        assert events(race_server, visitor.quotation).count("proof.issued") == 1


def test_three_of_many_parallel_guesses_are_compared(race_server, mails, sent):
    visitor = Visitor(race_server, mails, sent())
    right = visitor.ask_for_code()
    # Different ones: the same wrong code once more is a double click, no guess.
    wrong = [quotations.another_code(right, number + 1) for number in range(WRONG_GUESSES)]
    answers = at_once(*[lambda code=code: visitor.insist(f"{visitor.page}/verify", code=code) for code in wrong])
    assert {answer.status_code for answer in answers} == {422}
    kinds = events(race_server, visitor.quotation)
    assert kinds.count("code.refused") == TRIES
    assert kinds.count("scope.locked") == 1
    assert visitor.post(f"{visitor.page}/verify", code=right).status_code == 422, "locked: the right one comes too late"
    assert "code.validated" not in events(race_server, visitor.quotation)


def test_the_right_code_lets_in_once(race_server, mails, sent):
    visitor = Visitor(race_server, mails, sent())
    code = visitor.ask_for_code()
    answers = at_once(*[lambda: visitor.insist(f"{visitor.page}/verify", code=code)] * RIGHT_GUESSES)
    assert {answer.status_code for answer in answers} <= {303, 422}
    assert events(race_server, visitor.quotation).count("code.validated") == 1
    assert "scope.locked" not in events(race_server, visitor.quotation)


def test_sign_and_decline_have_one_winner(race_server, reader):
    for _round in range(MIXED_ROUNDS):
        visitor = reader()
        answers = at_once(visitor.sign, visitor.decline)
        assert [answer.status_code for answer in answers] == [303, 303]
        found = state(race_server, visitor.quotation)
        outcome = (found["request"], found["order"], found["proofs"], found["signed"])
        assert outcome in {("signed", "sale", 1, 1), ("declined", "cancel", 1, 0)}


def test_sign_and_edit_have_one_winner(race_server, race_admin, reader):
    for _round in range(MIXED_ROUNDS):
        visitor = reader()
        order = visitor.quotation.id
        (line,) = race_admin.search_read("sale.order.line", [("order_id", "=", order)], ["id"], limit=1)
        before = race_admin.read("sale.order", order, ["amount_total"])["amount_total"]

        def edit(line=line["id"]):
            try:
                return race_admin.write("sale.order.line", line, {"price_unit": 1})
            except RpcError:  # a refusal is one of the right outcomes
                return False

        answer, edited = at_once(visitor.sign, edit)
        assert answer.status_code == 303
        found = state(race_server, visitor.quotation)
        if found["request"] == "void":
            assert edited
            assert (found["proofs"], found["signed"], found["order"]) == (0, 0, "sent")
        else:
            # What was read is what is signed (law 1), whatever became of the order afterwards.
            assert (found["request"], found["proofs"], found["signed"]) == ("signed", 1, 1)
            assert signed_total(race_server, visitor.quotation) == before


def test_asking_twice_sends_one_code(race_server, mails, sent):
    visitor = Visitor(race_server, mails, sent())
    path = quotations.personal_link(mails, visitor.quotation.email).removeprefix(race_server.url)
    visitor.get(path)
    answers = at_once(*[lambda: visitor.post(f"{path}/code")] * 2)
    assert sorted(answer.status_code for answer in answers) == [303, 429]
    assert len(quotations.code_mails(mails, visitor.quotation.email)) == 1


def test_two_quotations_sent_at_once_do_not_wait_for_each_other(race_server, _products):
    """Stock renders with a call back to its own workers: two at once stop each other for two minutes."""
    clients = [RpcClient(race_server.url, race_server.database) for _number in range(2)]
    made = [quotations.create_quotation(client) for client in clients]
    started = time.monotonic()
    at_once(
        *[
            lambda client=client, quotation=quotation: quotations.send_for_signature(client, quotation)
            for client, quotation in zip(clients, made, strict=True)
        ]
    )
    assert time.monotonic() - started < 110, "not a measure of speed: a dead-lock lasts 120 s"
    for quotation in made:
        assert state(race_server, quotation)["request"] == "sent"
    for client in clients:
        client.close()
