"""R-15: Odoo's clock and the database's differ; the evidence knows one clock only, the database's.

Of two servers on one database, one is wrong by an hour or a year, or changes its mind in the middle.
"""

import hashlib
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import quotations
from pyhanko.pdf_utils.reader import PdfFileReader
from scale import SCALE
from visitor import Visitor

from devtools import false_clock
from devtools.rpc import RpcClient

pytestmark = [
    pytest.mark.stands(("clocks",)),
    pytest.mark.skipif(not false_clock.library(), reason="no libfaketime here (Debian's package faketime)"),
]
NOW = "SELECT clock_timestamp() AT TIME ZONE 'UTC'"
MOMENTS = (
    "SELECT sent_on, opened_on, identified_on, read_on, answered_on, sealed_on FROM esign_request WHERE order_id = %s"
)
ENTRIES = """SELECT e.at FROM esign_event e JOIN esign_request r ON r.id = e.request_id WHERE r.order_id = %s ORDER BY e.seq"""
SIGNED = """
    SELECT p.json, a.store_fname FROM esign_request r JOIN esign_proof p ON p.request_id = r.id
      JOIN esign_document d ON d.request_id = r.id AND d.kind = 'signed'
      JOIN ir_attachment a ON a.res_model = 'esign.document' AND a.res_id = d.id AND a.res_field = 'content'
     WHERE r.order_id = %s"""
CODE_ENDS = """
    UPDATE esign_otp c SET expires_on = clock_timestamp() AT TIME ZONE 'UTC' + %s FROM esign_ticket t
      JOIN esign_signer s ON s.id = t.signer_id JOIN esign_request r ON r.id = s.request_id
     WHERE t.id = c.ticket_id AND c.state = 'pending' AND r.order_id = %s RETURNING c.expires_on"""
ENDS_IN = """
    UPDATE esign_request SET expires_on = clock_timestamp() AT TIME ZONE 'UTC' + %s * interval '1 second' WHERE order_id = %s"""
SOON_AGAIN = """
    UPDATE ir_cron SET nextcall = now() AT TIME ZONE 'UTC' WHERE id = (
        SELECT res_id FROM ir_model_data WHERE module = 'esign_quote' AND name = 'ir_cron_expire')"""
SECOND = timedelta(seconds=1)
TRIES = 5  # on a slow machine a second may be over before the code is looked at


@dataclass(frozen=True)
class Door:
    """The server that a visitor goes to."""

    url: str


@pytest.fixture(autouse=True)
def _right_again(stand):
    yield
    stand.clock.shift("+0")


@pytest.mark.parametrize("shifts", SCALE.clock_shifts)
def test_evidence(stand, caught, row, invariants, shifts):
    """R-15 a signature while Odoo's clock is wrong."""
    before = _now(stand)
    visitor = Visitor(_door(stand, shifts[0]), caught, stand.send())
    stand.clock.shift(shifts[0])
    code = visitor.ask_for_code()
    assert visitor.post(f"{visitor.page}/verify", code=quotations.another_code(code)).status_code == 422
    visitor.give_code(code)
    stand.clock.shift(shifts[len(shifts) // 2])
    visitor.read_to_the_end()
    stand.clock.shift(shifts[-1])
    answer = visitor.sign()
    assert answer.status_code == 303, answer.text
    after = _now(stand)
    invariants.check(visitor)
    entries = [_moment(at) for (at,) in stand.sql(ENTRIES, [visitor.quotation.id])]
    assert entries == sorted(entries), "the journal is in order"
    ((*moments,),) = stand.sql(MOMENTS, [visitor.quotation.id])
    proof, at = _proof(stand, visitor)
    for moment in (*moments, *entries[:-2], _moment(proof["signature"]["at"]), at):
        assert before - SECOND <= moment <= after + SECOND, f"{moment} is not between {before} and {after}"
    row(1, clock=" then ".join(shifts), times=len(entries) + len(moments) + 2, off=0)


@pytest.mark.parametrize("shift", SCALE.code_shifts)
def test_code(stand, caught, row, invariants, shift):
    """R-15 the life of a code, to the second."""
    visitor = Visitor(_door(stand, shift), caught, stand.send())
    stand.clock.shift(shift)
    code = visitor.ask_for_code()
    ends = _end_code(stand, visitor, -SECOND)
    answer = visitor.post(f"{visitor.page}/verify", code=code)
    assert answer.status_code == 422 and "has run out" in answer.text, f"ended at {ends}: {answer.text}"
    for number in range(TRIES):
        stand.forget_limits()
        visitor.post(f"{visitor.page}/code")
        code = quotations.latest_code(caught, visitor.quotation.email, count=number + 2)
        life = SECOND * 2**number
        ends = _end_code(stand, visitor, life)
        answer = visitor.post(f"{visitor.page}/verify", code=code)
        if answer.status_code == 303 or _now(stand) <= ends:
            break
    assert answer.status_code == 303, f"refused before {ends}: {answer.text}"
    assert "code.refused" not in stand.events(visitor.quotation), "a code that has ended costs no try"
    invariants.check(visitor)
    row(1, clock=shift, refused_after_s=1, accepted_within_s=life.seconds)


@pytest.mark.parametrize("shift", SCALE.code_shifts)
def test_expiry(stand, caught, row, invariants, shift):
    """R-15 what expires, by a cron whose clock is wrong."""
    living, over = (Visitor(stand, caught, stand.send()) for _number in range(2))
    # An hour more or less makes the difference for both.
    for visitor, seconds in ((living, 1800), (over, -1)):
        stand.sql(ENDS_IN, [seconds, visitor.quotation.id])
    stand.clock.shift(shift)
    client = RpcClient(stand.servers[-1].url, stand.database)
    try:
        stand.run_cron("ir_cron_expire", client)
    finally:
        client.close()
        # Odoo reckons the next time with its own clock.
        stand.sql(SOON_AGAIN)
    states = [
        stand.sql("SELECT state FROM esign_request WHERE order_id = %s", [v.quotation.id])[0][0] for v in (living, over)
    ]
    assert states == ["sent", "expired"]
    for name in ("ir_cron_complete", "ir_cron_mails"):
        stand.run_cron(name)
    invariants.check(living, over)
    row(1, clock=shift)


def _door(stand, shift: str):
    """Both servers in turn; a form of the one is a year too old for the other, so by a year all at the wrong one."""
    return Door(stand.servers[-1].url) if shift.endswith("y") else stand


def _now(stand) -> datetime:
    return stand.sql(NOW)[0][0]


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC).replace(tzinfo=None)


def _end_code(stand, visitor: Visitor, after: timedelta) -> datetime:
    ((ends,),) = stand.sql(CODE_ENDS, [after, visitor.quotation.id])
    return ends


def _proof(stand, visitor: Visitor) -> tuple[dict, datetime]:
    """The proof, and the time in the seal."""
    ((text, name),) = stand.sql(SIGNED, [visitor.quotation.id])
    content = (stand.filestore / name).read_bytes()
    proof = json.loads(text)
    assert hashlib.sha256(content).hexdigest() in {item["sha256"] for item in proof["documents"]}
    (signature,) = PdfFileReader(io.BytesIO(content)).embedded_signatures
    return proof, signature.self_reported_timestamp.astimezone(UTC).replace(tzinfo=None)
