import random
import time

import pytest
from tools.content import Balance, graphics_balance, operations


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"", Balance(0, 0, False)),
        (b"q Q", Balance(0, 0, False)),
        (b"q", Balance(0, 1, False)),
        (b"Q", Balance(1, 0, False)),
        (b"Q q", Balance(1, 1, False)),
        (b"q q Q Q Q q", Balance(1, 1, False)),
        (b"q\n0 0 m(Q)Tj/Q gs<51>Tj%Q\nQ", Balance(0, 0, False)),
        (b"(a\\)Q(Q)\\\\)q", Balance(0, 1, False)),
        (b"<</Q(Q)/x<51>>>BDC q", Balance(0, 1, False)),
        (b"((q)q q) q", Balance(0, 1, False)),
        (b"[(Q)]TJ q", Balance(0, 1, False)),
        (b"q BI /W 1 /H 1 /BPC 8 /CS /G ID Q\xff q EI Q", Balance(0, 0, False)),
        (b"BI ID EI q", Balance(0, 1, False)),
        (b"qq Qx xQ q1 1 q", Balance(0, 1, False)),
        (b"q (never closed Q", Balance(0, 1, True)),
        (b"q <abc", Balance(0, 1, True)),
        (b"BI ID \x00 Q", Balance(0, 0, True)),
        (b"q%last", Balance(0, 1, False)),
    ],
)
def test_balance(data, expected):
    assert graphics_balance(data) == expected


def test_operations_with_operands():
    data = b"q .5 0 0 -2. 1 2 cm /F1 12 Tf [(a\\051\\n) -20.5 <4142f>] TJ /P <</A [1 2] /B (x)>> BDC true g BI /W 1 ID x EI f*"
    assert list(operations(data)) == [
        (b"q", []),
        (b"cm", [0.5, 0.0, 0.0, -2.0, 1.0, 2.0]),
        (b"Tf", [b"/F1", 12.0]),
        (b"TJ", [[b"a)\n", -20.5, b"AB\xf0"]]),
        (b"BDC", [b"/P", None]),
        (b"g", [1.0]),
        (b"BI", []),
        (b"f*", []),
    ]


@pytest.mark.parametrize(
    "bad", [b"(", b"<", b"[[[[", b"<<<<", b"BI", b"BI ID", b"{}", b")))", b">>>", b"\\", b"/", b"%"]
)
def test_nothing_makes_the_readers_fail(bad):
    list(operations(b"1 0 0 rg " + bad))
    graphics_balance(bad)


def test_random_bytes_never_fail():
    source = random.Random(7)
    for _round in range(200):
        data = bytes(source.choices(b"qQ()<>[]{}/%BIDE \n\\\x00\xff0123.-TJ", k=300))
        list(operations(data))
        graphics_balance(data)


@pytest.mark.parametrize(
    "unit", [b"(\\", b"<", b"BI ", b"[", b"<<", b"/", b"%\n", b"q ", b"BI ID ", b"((", b"1.", b"(a)"]
)
def test_time_is_linear(unit):
    def cost(size):
        data = unit * (size // len(unit))
        start = time.process_time()
        graphics_balance(data)
        return time.process_time() - start

    # Five times as much, at most; with quadratic behaviour it would be 25 times as much.
    assert min(cost(1_000_000) for _ in range(3)) < 12 * min(cost(200_000) for _ in range(3))
