"""How much each fault test does: ``dev/faults --quick`` (continuous integration), ``dev/faults``, ``dev/faults --full``."""

import os
from dataclasses import dataclass

from devtools.timestamp_authority import FAULTS

DRIFTS = ("61 s ahead", "61 s behind")  # of the authority's clock
VARIABLE = "ESIGN_FAULTS"
ALL, PAIR = ("workers", "threaded", "pair"), ("pair",)
DURABLE, MORTAL = ("durable",), ("durable", "alone")


@dataclass(frozen=True)
class Scale:
    """Numbers of one size. "Rounds" are repetitions on each stand, every one on a quotation of its own."""

    parallel: int  # requests at the same instant: R-01
    parallel_others: int
    race_stands: tuple[str, ...]  # of; R-01 takes all
    guess_stands: tuple[str, ...]
    wrong_rounds: int
    browser_rounds: int  # R-01 with several browsers
    right_rounds: int  # R-02, each of both
    answer_rounds: int  # R-03, customers among themselves
    act_rounds: int  # R-03, each of the salesperson's two acts
    fuzz_requests: int
    sequences: int
    steps: int
    timings: int  # of each case of a surface
    priced_guesses: int
    flood_seconds: int
    signers: int  # with and without the flood
    mortal_stands: tuple[str, ...]  # of R-04
    kill_rounds: int  # R-04, at each point
    random_kills: int  # R-05, rounds of three kills
    signing_together: int
    sql_failures: tuple[tuple[int, int], ...]  # how often in a row, and every how many-th writing statement
    contended_tables: int
    clock_shifts: tuple[tuple[str, ...], ...]  # one after the other, in the course of a signature
    code_shifts: tuple[str, ...]
    free_kib_files: tuple[int, ...]  # what is left of the disk, in turn
    free_kib_database: tuple[int, ...]
    broken: tuple[tuple[str, str], ...]  # the step that fails, and how
    broken_rounds: int  # R-09, of each
    authority_faults: tuple[tuple[str, str], ...]  # what is wrong, and what the company wants then
    authority_rounds: int
    upgrade: bool


_AHEAD, _JUMPS = (("+1y",),), (("+1h", "-1h"),)
_CLOCKS = (*_AHEAD, *_JUMPS, ("-1y",), ("+1h",), ("-1h",), ("+1y", "+0"), ("-1h", "+1h", "+0"))

_LEFT = (0, 16, 48, 96, 160, 256, 400)

_FEW_FAULTS = (("down", "wait"), ("nonce", "without"))
_ALL_FAULTS = tuple((fault, policy) for fault in (*FAULTS, *DRIFTS) for policy in ("wait", "without"))
_BROKEN = tuple((step, error) for step in ("fsync", "rename", "fsync of the folder") for error in ("EIO", "ENOSPC"))

SIZES = {
    "quick": Scale(
        parallel=200,
        parallel_others=60,
        race_stands=PAIR,
        guess_stands=PAIR,
        wrong_rounds=1,
        browser_rounds=0,
        right_rounds=1,
        answer_rounds=1,
        act_rounds=1,
        fuzz_requests=80,
        sequences=4,
        steps=15,
        timings=20,
        priced_guesses=8,
        flood_seconds=5,
        signers=1,
        mortal_stands=DURABLE,
        kill_rounds=1,
        random_kills=2,
        signing_together=3,
        sql_failures=((1, 19),),
        contended_tables=1,
        clock_shifts=_JUMPS,
        code_shifts=("+1h",),
        free_kib_files=(0,),
        free_kib_database=(0,),
        broken=(("fsync", "EIO"), ("rename", "ENOSPC")),
        broken_rounds=1,
        authority_faults=_FEW_FAULTS,
        authority_rounds=1,
        upgrade=False,
    ),
    "normal": Scale(
        parallel=200,
        parallel_others=200,
        race_stands=ALL,
        guess_stands=ALL,
        wrong_rounds=3,
        browser_rounds=1,
        right_rounds=2,
        answer_rounds=2,
        act_rounds=3,
        fuzz_requests=1_000,
        sequences=20,
        steps=20,
        timings=150,
        priced_guesses=30,
        flood_seconds=60,
        signers=5,
        mortal_stands=DURABLE,
        kill_rounds=3,
        random_kills=20,
        signing_together=4,
        sql_failures=((1, 1), (4, 2)),
        contended_tables=5,
        clock_shifts=_CLOCKS,
        code_shifts=("+1h", "-1h", "+1y", "-1y"),
        free_kib_files=_LEFT,
        free_kib_database=_LEFT,
        broken=_BROKEN,
        broken_rounds=2,
        authority_faults=_ALL_FAULTS,
        authority_rounds=1,
        upgrade=True,
    ),
    "full": Scale(
        parallel=200,
        parallel_others=200,
        race_stands=ALL,
        guess_stands=ALL,
        wrong_rounds=100,
        browser_rounds=30,
        right_rounds=50,
        answer_rounds=20,
        act_rounds=21,
        fuzz_requests=50_000,
        sequences=20_000,
        steps=30,
        timings=500,
        priced_guesses=300,
        flood_seconds=60,
        signers=9,
        mortal_stands=MORTAL,
        kill_rounds=20,
        random_kills=250,
        signing_together=4,
        sql_failures=((1, 1), (4, 1)),
        contended_tables=5,
        clock_shifts=_CLOCKS,
        code_shifts=("+1h", "-1h", "+1y", "-1y"),
        free_kib_files=_LEFT,
        free_kib_database=_LEFT,
        broken=_BROKEN,
        broken_rounds=20,
        authority_faults=_ALL_FAULTS,
        authority_rounds=20,
        upgrade=True,
    ),
}
SIZE = os.environ.get(VARIABLE, "quick")
SCALE = SIZES[SIZE]

# (point, before or after); continuous integration takes the ones marked with a star.
BEFORE, AFTER, STAR = "before", "after", True
_CUSTOMER = [
    ("consent compare-and-set", BEFORE),
    ("consent compare-and-set", AFTER),
    ("consent", AFTER),
    ("completion", BEFORE, STAR),
    ("stamp", BEFORE),
    ("stamp", AFTER),
    ("seal", BEFORE),
    ("seal", AFTER),
    ("self-check", AFTER),
    ("file kept", BEFORE),
    ("signed file", BEFORE),
    ("fsync", BEFORE),
    ("fsync", AFTER),
    ("rename", BEFORE),
    ("rename", AFTER, STAR),
    ("fsync of the folder", BEFORE),
    ("fsync of the folder", AFTER),
    ("signed file", AFTER),
    ("file kept", AFTER),
    ("proof drafted", BEFORE),
    ("proof drafted", AFTER),
    ("proof sealed", BEFORE, STAR),
    ("proof sealed", AFTER),
    ("signed compare-and-set", BEFORE),
    ("signed compare-and-set", AFTER),
    ("proof", BEFORE),
    ("proof file", BEFORE),
    ("proof file", AFTER),
    ("proof", AFTER),
    ("mails queued", BEFORE),
    ("mails queued", AFTER),
    ("final commit", AFTER, STAR),
    ("order", BEFORE, STAR),
    ("order confirmation", BEFORE),
    ("order confirmation", AFTER),
    ("order", AFTER),
]
# The first of two signers.
_TURN = [
    ("turn compare-and-set", BEFORE),
    ("turn compare-and-set", AFTER),
    ("completion", BEFORE, STAR),
    ("next signer", BEFORE),
    ("preview", BEFORE),
    ("preview", AFTER),
    ("invitation", AFTER, STAR),
    ("next signer", AFTER),
]
# What the cron does of it.
_JOB = [item for item in _CUSTOMER if item[0] not in ("consent compare-and-set", "consent")]
_MAILS = [
    ("mail", BEFORE),
    ("mail to the server", BEFORE),
    ("mail to the server", AFTER, STAR),
    ("mail noted", AFTER),
    ("mail", AFTER),
]
_STAMPED = [
    ("time-stamp", BEFORE),
    ("time-stamp", AFTER, STAR),
    ("seal", AFTER),
    ("file kept", AFTER),
    ("proof sealed", AFTER),
    ("final commit", AFTER),
]
_LATE = [
    ("late time-stamp", BEFORE),
    ("time-stamp", BEFORE),
    ("time-stamp", AFTER),
    ("late time-stamp", AFTER, STAR),
    ("late time-stamp kept", BEFORE),
    ("late time-stamp kept", AFTER),
]
# Of the proof that a refusal and an expiry have.
_ENDING = [
    ("proof drafted", AFTER),
    ("proof sealed", AFTER),
    ("proof file", BEFORE),
    ("mails queued", AFTER),
]
_REFUSAL = [
    ("refusal compare-and-set", BEFORE),
    ("refusal compare-and-set", AFTER),
    ("completion", BEFORE),
    *_ENDING,
    ("end proved", AFTER, STAR),
    ("order confirmation", AFTER),
    ("order", AFTER),
]
_EXPIRY = [
    ("expiry compare-and-set", BEFORE),
    ("expiry compare-and-set", AFTER),
    ("expiry", AFTER),
    ("completion", BEFORE),
    *_ENDING,
    ("end proved", AFTER, STAR),
]
# methods of models, whose connection can be cut.
_CUT = [
    ("consent compare-and-set", BEFORE),
    ("consent compare-and-set", AFTER),
    ("consent", AFTER),
    ("completion", BEFORE),
    ("file kept", BEFORE),
    ("signed file", AFTER),
    ("file kept", AFTER),
    ("proof drafted", BEFORE),
    ("proof drafted", AFTER),
    ("signed compare-and-set", BEFORE),
    ("proof", BEFORE),
    ("mails queued", AFTER),
    ("final commit", AFTER),
    ("order", BEFORE),
    ("order confirmation", BEFORE, STAR),
    ("order confirmation", AFTER),
]
# The invitation, after the commit that sends a quotation.
_SENDING = [
    ("mail prepared", BEFORE, STAR),
    ("mail prepared", AFTER),
    ("mail to the server", AFTER, STAR),
]
# What the jobs of the night do.
_ROOT = [
    ("root made", BEFORE),
    ("root made", AFTER),
    ("root", AFTER),
    ("late time-stamp", BEFORE),
    ("time-stamp", AFTER),
    ("late time-stamp", AFTER),
    ("root mailed", BEFORE),
    ("root mailed", AFTER, STAR),
    ("roots mailed", AFTER),
]
_CHECK = [
    ("evidence checked", BEFORE),
    ("damage noted", BEFORE),
    ("damage told", BEFORE),
    ("damage told", AFTER),
    ("damage noted", AFTER, STAR),
    ("evidence checked", AFTER),
]
_PURGE = [
    ("purge", BEFORE),
    ("evidence destroyed", BEFORE),
    ("evidence destroyed", AFTER),
    ("personal data destroyed", AFTER),
    ("purge", AFTER, STAR),
    ("purges", AFTER),
]


def _of_this_size(points: list[tuple], quick: tuple[tuple[str, str], ...] | None = None) -> list[tuple[str, str]]:
    if SIZE != "quick":
        return [item[:2] for item in points]
    return list(quick) if quick is not None else [item[:2] for item in points if item[2:]]


CUSTOMER_POINTS = _of_this_size(_CUSTOMER)
JOB_POINTS = _of_this_size(_JOB, quick=(("final commit", AFTER),))
MAIL_POINTS = _of_this_size(_MAILS)
STAMPED_POINTS = _of_this_size(_STAMPED)
LATE_POINTS = _of_this_size(_LATE)
REFUSAL_POINTS = _of_this_size(_REFUSAL)
EXPIRY_POINTS = _of_this_size(_EXPIRY)
TURN_POINTS = _of_this_size(_TURN)
CUT_POINTS = _of_this_size(_CUT)
SENDING_POINTS = _of_this_size(_SENDING)
ROOT_POINTS = _of_this_size(_ROOT)
CHECK_POINTS = _of_this_size(_CHECK)
PURGE_POINTS = _of_this_size(_PURGE)
