import json
import random
import xml.etree.ElementTree as ElementTree

import pytest
from tools.exceptions import SignatureRefused
from tools.signature import REASONS, clean_typed_name, parse_strokes

LINE = [[10, 10], [60, 40], [200, 90]]


def pad(strokes, width=320, height=140, **more):
    return json.dumps({"w": width, "h": height, "strokes": strokes, **more})


def refusal(function, value):
    with pytest.raises(SignatureRefused) as caught:
        function(value)
    assert caught.value.reason in REASONS
    return caught.value.reason


def test_strokes_are_kept():
    drawing = parse_strokes(pad([LINE, [[5, 5]]]))
    assert drawing.strokes == (tuple(map(tuple, LINE)), ((5, 5),))
    assert drawing.bounds() == (5, 5, 200, 90)


def test_canonical_form_is_stable_and_minimal():
    drawing = parse_strokes(pad([LINE]))
    assert drawing.canonical() == b'{"h":140,"strokes":[[[10,10],[60,40],[200,90]]],"w":320}'
    spaced = '{ "strokes": [[[10, 10], [10, 10], [60, 40], [200, 90]], []],\n "w": 320, "h": 140 }'
    assert parse_strokes(spaced).canonical() == drawing.canonical()
    assert parse_strokes(drawing.canonical().decode()) == drawing


def test_points_outside_are_clamped():
    drawing = parse_strokes(pad([[[-50, -50], [9999, 70], [10**30, 999]]]))
    assert drawing.strokes == (((0, 0), (320, 70), (320, 140)),)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x",
        "null",
        "[]",
        "{}",
        "[" * 60_000,
        pad("abc"),
        pad([LINE], width=0),
        pad([LINE], width=-1),
        pad([LINE], width=10_001),
        pad([LINE], width=1.5),
        pad([LINE], width=True),
        pad([LINE], width="320"),
        pad([LINE], extra=1),
        pad([LINE, "x"]),
        pad([LINE, {"a": 1}]),
        pad([LINE, [[1]]]),
        pad([LINE, [[1, 2, 3]]]),
        pad([LINE, [[1.5, 2]]]),
        pad([LINE, [[True, 2]]]),
        pad([LINE, [["1", 2]]]),
        pad([LINE, [None]]),
        '{"w": 320, "h": 140, "strokes": [[[NaN, 1], [2, 3]]]}',
        '{"w": 320, "h": 140, "strokes": [[[1e5, 1], [2, 3]]]}',
    ],
)
def test_malformed(text):
    assert refusal(parse_strokes, text) == "malformed"


@pytest.mark.parametrize("value", [None, b"{}", 3, {}])
def test_only_text_is_read(value):
    assert refusal(parse_strokes, value) == "malformed"


@pytest.mark.parametrize(
    "strokes", [[], [[]], [[[5, 5]]], [[[5, 5], [5, 5]]], [[[5, 5], [12, 9]]], [[[0, 0]], [[7, 7]]]]
)
def test_nothing_visible(strokes):
    assert refusal(parse_strokes, pad(strokes)) == "empty"


def test_limits():
    assert refusal(parse_strokes, " " * 70_000) == "too_long"
    assert refusal(parse_strokes, "é" * 40_000) == "too_long"
    assert refusal(parse_strokes, pad([[[1, 1]]] * 201)) == "too_long"
    assert refusal(parse_strokes, pad([[[i % 9, 1] for i in range(5001)]])) == "too_long"
    assert parse_strokes(pad([[[i % 99, 1] for i in range(5000)]]))
    assert parse_strokes(pad([LINE] * 200))


def test_fuzz():
    source = random.Random(11)
    valid = pad([LINE, [[5, 5], [100, 100]]])
    for _round in range(500):
        text = list(valid)
        for _hit in range(source.randint(1, 5)):
            text[source.randrange(len(text))] = source.choice('0123456789[]{}",:-.eE \x00é\ud800')
        try:
            drawing = parse_strokes("".join(text))
        except SignatureRefused as error:
            assert error.reason in REASONS
        else:
            assert parse_strokes(drawing.canonical().decode()) == drawing


def test_svg_is_plain_numbers():
    root = ElementTree.fromstring(parse_strokes(pad([LINE, [[5, 5]]])).to_svg())  # noqa: S314 - our own text
    assert root.attrib["viewBox"] == "0 0 320 140"
    paths = [element.attrib["d"] for element in root]
    assert paths == ["M10 10L60 40L200 90", "M5 5L5 5"]


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("  Éléonore   Lefèvre\u00a0", "Éléonore Lefèvre"),
        ("E\u0301le\u0301onore", "Éléonore"),
        ("Nguyễn Thị Hồng", "Nguyễn Thị Hồng"),
        ("O'Neill-Smith, Jr.", "O'Neill-Smith, Jr."),
        ("王小明", "王小明"),
        ("שלום כהן", "שלום כהן"),
        ("محمد العربي", "محمد العربي"),
        ("नरेन्द्र", "नरेन्द्र"),
        ("Li", "Li"),
        ("a" * 100, "a" * 100),
        ("\n Ann \t", "Ann"),
        ("Anne\u3000Marie", "Anne Marie"),
    ],
)
def test_names(typed, name):
    assert clean_typed_name(typed) == name


@pytest.mark.parametrize(
    ("typed", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("A", "too_short"),
        ("a" * 101, "too_long"),
        ("a" * 100_000, "too_long"),
        ("12 34", "no_letter"),
        ("--", "no_letter"),
        ("😀😀", "no_letter"),
        ("Ann\u202eeiraM", "forbidden_character"),
        ("Ann\u2066x", "forbidden_character"),
        ("Ann\u200bMarie", "forbidden_character"),
        ("Ann\u200dMarie", "forbidden_character"),
        ("Ann\ufeffMarie", "forbidden_character"),
        ("Ann\x00Marie", "forbidden_character"),
        ("Ann\nMarie", "forbidden_character"),
        ("Ann\tMarie", "forbidden_character"),
        ("Ann\x1b[31m", "forbidden_character"),
        ("Ann\ud800", "forbidden_character"),
        ("Ann\ue000", "forbidden_character"),
        ("Ann\u0378", "forbidden_character"),
        ("Ann\u2028b", "forbidden_character"),
        ("\u3164\u3164", "forbidden_character"),
        ("\u115f\u1160", "forbidden_character"),
        ("Ann\ufe0f", "forbidden_character"),
        ("A" + "\u0334" * 5, "forbidden_character"),
        (None, "malformed"),
        (7, "malformed"),
    ],
)
def test_refused_names(typed, reason):
    assert refusal(clean_typed_name, typed) == reason


def test_cleaning_is_idempotent():
    source = random.Random(2)
    letters = "aéÅ\u0301\u030a ﬁ王ש1-'\u00a0"
    for _round in range(300):
        typed = "".join(source.choices(letters, k=source.randint(2, 20)))
        try:
            name = clean_typed_name(typed)
        except SignatureRefused:
            continue
        assert clean_typed_name(name) == name
