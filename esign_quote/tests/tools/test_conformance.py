"""The conformance set: each file gets its verdict, what is accepted is found good by everybody, the table is current."""

import pytest
from conformance import judges, table
from conformance.attacks import ATTACKS, our_key
from conformance.inputs import ACCEPTED, VECTORS
from conformance.sealing import address, places, read_code, seal_with
from tools.intake import REASONS
from tools.verify import REASONS as VERDICTS
from tools.verify import verify_strict

WELCOME = [vector for vector in VECTORS if vector.verdict == ACCEPTED]


def by_name(items):
    return [pytest.param(item, id=item.name) for item in items]


@pytest.mark.parametrize("vector", by_name(VECTORS))
def test_at_sending(vector):
    assert table.our_verdict(vector, vector.build()) == vector.verdict


@pytest.mark.parametrize("attack", by_name(ATTACKS))
def test_after_sealing(attack):
    assert table.our_judgement(attack, attack.build()) == attack.verdict


@pytest.mark.parametrize("vector", by_name(WELCOME))
def test_accepted_is_sealed_upright_in_its_place_and_green(vector, tmp_path):
    if judges.missing():
        pytest.skip(f"not installed: {', '.join(judges.missing())}")
    data = vector.build()
    placements = places(data, 1)
    path = tmp_path / "sealed.pdf"
    path.write_bytes(seal_with(data, placements))
    assert path.read_bytes().startswith(data)
    assert verify_strict(path.read_bytes(), our_key().certificate).ok
    code = read_code(path, placements[0])
    assert code.text == address(0)
    assert code.off_place <= 2
    assert abs(code.turned) <= 1
    assert judges.judge_seal(path, our_key().certificate) == judges.GREEN


def test_the_set_is_large_and_complete():
    names = [item.name for item in (*VECTORS, *ATTACKS)]
    assert len(set(names)) == len(names) >= 90
    assert {vector.verdict for vector in VECTORS} == {*REASONS, ACCEPTED}
    assert {attack.verdict for attack in ATTACKS} == set(VERDICTS)


def test_the_committed_table_is_current():
    rows = table.committed(table.DOCUMENT.read_text())
    assert {name: cells[0] for name, cells in rows.items()} == {
        item.name: item.verdict for item in (*VECTORS, *ATTACKS)
    }, "run dev/conformance"
    for vector in WELCOME:
        assert rows[vector.name] == [ACCEPTED, "read, upright", *judges.GREEN.values()], vector.name
