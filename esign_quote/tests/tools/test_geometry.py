import itertools

import pytest
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject, NumberObject
from tools.exceptions import SealError
from tools.geometry import SCALE, PageBox, Placement, read_page_box


def test_placement_survives_storage():
    placement = Placement(3, 1, 22, 333, 4444)
    assert Placement.from_dict(placement.to_dict()) == placement
    assert all(type(value) is int for value in placement.to_dict().values())


@pytest.mark.parametrize(
    "values",
    [
        (-1, 0, 0, 1, 1),
        (0, -1, 0, 1, 1),
        (0, 0, 0, 0, 1),
        (0, 0, 0, 1, 0),
        (0, SCALE, 0, 1, 1),
        (0, 0, 1, 1, SCALE),
        (0, 0.5, 0, 1, 1),
        (True, 0, 0, 1, 1),
        (0, "0", 0, 1, 1),
    ],
)
def test_placement_outside_the_page_is_refused(values):
    with pytest.raises(SealError) as caught:
        Placement(*values)
    assert caught.value.reason == "placement_invalid"


@pytest.mark.parametrize("values", [None, [], {}, {"page": 0}, {"page": 0, "nx": 0, "ny": 0, "nw": 1, "nh": 1, "x": 1}])
def test_stored_placement_must_be_complete(values):
    with pytest.raises(SealError):
        Placement.from_dict(values)


def test_fractions_are_clamped_into_the_page():
    assert Placement.from_fractions(0, -1, 2, 0.5, 0.25) == Placement(0, 0, 75_000, 50_000, 25_000)
    with pytest.raises(SealError):
        Placement.from_fractions(0, float("nan"), 0, 1, 1)


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_displaying_undoes_the_upright_matrix(rotation):
    box = PageBox(10, 20, 310, 520, rotation)
    for left, bottom in itertools.product((0, 17.5, 120), (0, 33, 200)):
        a, b, c, d, e, f = box.upright(left, bottom)
        # A point one to the right and two up of the stamp's corner must come out there.
        assert box.to_displayed(a + 2 * c + e, b + 2 * d + f) == pytest.approx((left + 1, bottom + 2))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_the_whole_page_is_the_unit_rectangle(rotation):
    box = PageBox(-5, 7, 295, 507, rotation)
    assert box.rectangle(Placement(0, 0, 0, SCALE, SCALE)) == pytest.approx((0, 0, *box.displayed_size))


def page(**entries):
    values = DictionaryObject()
    for name, value in entries.items():
        if isinstance(value, (list, tuple)):
            value = ArrayObject(FloatObject(item) for item in value)
        elif isinstance(value, (int, float)):
            value = FloatObject(value)
        values[NameObject("/" + name)] = value
    return values


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ({"MediaBox": (0, 0, 595, 842)}, PageBox(0, 0, 595, 842)),
        ({"MediaBox": (595, 842, 0, 0)}, PageBox(0, 0, 595, 842)),
        ({"MediaBox": (0, 0, 595, 842), "CropBox": (-9, 50, 300, 9999)}, PageBox(0, 50, 300, 842)),
        ({"MediaBox": (0, 0, 595, 842), "CropBox": (900, 900, 999, 999)}, PageBox(0, 0, 595, 842)),
        ({"MediaBox": (0, 0, 595, 842), "Rotate": -90}, PageBox(0, 0, 595, 842, 270)),
        ({"MediaBox": (0, 0, 595, 842), "Rotate": 450}, PageBox(0, 0, 595, 842, 90)),
        ({"MediaBox": (0, 0, 100, 100), "UserUnit": 2}, PageBox(0, 0, 100, 100, 0, 2)),
        ({}, PageBox(0, 0, 612, 792)),
    ],
)
def test_page_box(entries, expected):
    assert read_page_box(page(**entries)) == expected


def test_page_box_is_inherited():
    parent = page(MediaBox=(0, 0, 200, 300), Rotate=90)
    assert read_page_box(page(Parent=page(Parent=parent))) == PageBox(0, 0, 200, 300, 90)


@pytest.mark.parametrize(
    "entries",
    [
        {"MediaBox": (0, 0, 0, 0)},
        {"MediaBox": (0, 0, 100)},
        {"MediaBox": (0, 0, 595, 842), "Rotate": 45},
        {"MediaBox": (0, 0, 595, 842), "UserUnit": 0},
        {"MediaBox": NumberObject(3)},
        {"MediaBox": (0, 0, 595, 842), "Rotate": NameObject("/Up")},
    ],
)
def test_unusable_boxes(entries):
    with pytest.raises(SealError) as caught:
        read_page_box(page(**entries))
    assert caught.value.reason == "page_geometry"


def test_a_loop_of_parents_ends():
    node = page()
    node[NameObject("/Parent")] = node
    assert read_page_box(node) == PageBox(0, 0, 612, 792)
