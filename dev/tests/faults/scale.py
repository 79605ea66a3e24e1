"""How much each fault test does: ``dev/faults --quick`` (continuous integration), ``dev/faults``, ``dev/faults --full``."""

import os
from dataclasses import dataclass

VARIABLE = "ESIGN_FAULTS"
ALL, PAIR = ("workers", "threaded", "pair"), ("pair",)


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


SIZES = {
    "quick": Scale(200, 60, PAIR, PAIR, 1, 0, 1, 1, 1, 80, 4, 15, 20, 8, 5, 1),
    "normal": Scale(200, 200, ALL, ALL, 3, 1, 2, 2, 3, 1_000, 20, 20, 150, 30, 60, 5),
    "full": Scale(200, 200, ALL, ALL, 100, 30, 50, 20, 21, 50_000, 20_000, 30, 500, 300, 60, 9),
}
SIZE = os.environ.get(VARIABLE, "quick")
SCALE = SIZES[SIZE]
