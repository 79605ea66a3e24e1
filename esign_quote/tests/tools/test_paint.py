"""The boxes of painted things, to the point."""

import pytest
from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NameObject
from tools.paint import TooComplex, painted_boxes
from tools.text_widths import FontWidths, read_font_widths

PAGE = (0, 0, 600, 800)


def dictionary(**entries):
    return DictionaryObject({NameObject("/" + key): value for key, value in entries.items()})


def numbers(*values):
    return ArrayObject(FloatObject(value) for value in values)


FONT = dictionary(
    Type=NameObject("/Font"), Subtype=NameObject("/TrueType"), FirstChar=FloatObject(65), Widths=numbers(500, 1000)
)
RESOURCES = dictionary(Font=dictionary(F1=FONT))


def boxes(content, resources=RESOURCES):
    return painted_boxes(content, resources, PAGE)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"10 20 30 40 re f", (10, 20, 40, 60)),
        (b"40 60 -30 -40 re f", (10, 20, 40, 60)),
        (b"2 0 0 3 5 7 cm 10 20 30 40 re f", (25, 67, 85, 187)),
        (b"1 0 0 1 100 0 cm 2 0 0 2 0 0 cm 1 1 1 1 re f", (102, 2, 104, 4)),
        (b"0 1 -1 0 300 0 cm 10 20 30 40 re f", (240, 10, 280, 40)),
        (b"10 20 m 40 60 l 40 20 l f", (10, 20, 40, 60)),
        (b"4 w 10 20 m 40 20 l S", (8, 18, 42, 22)),
        (b"2 0 0 2 0 0 cm 4 w 10 20 m 40 20 l S", (16, 36, 84, 44)),
        (b"q 60 0 0 30 5 6 cm /X Do BI /W 1 ID x EI Q", (5, 6, 65, 36)),
        (b"0 0 50 50 re W n 10 20 300 400 re f", (10, 20, 50, 50)),
        (b"590 790 50 50 re f", (590, 790, 600, 800)),
        (b"0 0 600 600 re f", (0, 0, 600, 600)),
        (b"BT /F1 10 Tf 100 200 Td (AB) Tj ET", (100, 197.5, 115, 209.5)),
        (b"BT /F1 10 Tf 1 0 0 1 100 200 Tm <4142> Tj ET", (100, 197.5, 115, 209.5)),
        (b"BT /F1 10 Tf 3 Tc 100 200 Td (AB) Tj ET", (100, 197.5, 121, 209.5)),
        (b"BT /F1 10 Tf 50 Tz 100 200 Td (AB) Tj ET", (100, 197.5, 107.5, 209.5)),
        (b"BT /F1 10 Tf 4 Ts 100 200 Td (AB) Tj ET", (100, 201.5, 115, 213.5)),
        (b"BT /F1 10 Tf 100 200 Td [(A) -2000 (B)] TJ ET", (100, 197.5, 135, 209.5)),
        (b"BT /F1 10 Tf 14 TL 100 200 Td T* (AB) Tj ET", (100, 183.5, 115, 195.5)),
        (b"BT /F1 10 Tf 100 200 TD 0 -14 TD (AB) ' ET", (100, 169.5, 115, 181.5)),
        (b'BT /F1 10 Tf 14 TL 100 200 Td 7 1 (AB) " ET', (100, 183.5, 117, 195.5)),
        (b"BT /F1 10 Tf 0 1 -1 0 100 200 Tm (AB) Tj ET", (90.5, 200, 102.5, 215)),
        (b"BT /F1 -10 Tf 100 200 Td (AB) Tj ET", (85, 190.5, 100, 202.5)),
    ],
)
def test_one_box(content, expected):
    found = boxes(content)
    assert len(found) == 1
    assert found[0] == pytest.approx(expected)


@pytest.mark.parametrize(
    "content",
    [
        b"0 0 600 700 re f",
        b"1 g 9 9 9 9 re f",
        b"1 G 9 9 m 99 9 l S",
        b"9 9 9 9 re n",
        b"9 9 9 9 re W n",
        b"q 0 0 0 0 re W n Q 700 0 9 9 re f",
        b"BT /F1 10 Tf () Tj ET",
    ],
    ids=["background", "white", "white line", "no paint", "clip", "outside", "empty text"],
)
def test_no_box(content):
    assert boxes(content) == []


def test_a_frame_is_four_lines_and_not_its_inside():
    assert len(boxes(b"50 50 500 700 re S")) == 4
    assert all(right - left < 5 or top - bottom < 5 for left, bottom, right, top in boxes(b"50 50 500 700 re S"))


def test_the_state_is_restored():
    assert boxes(b"q 5 0 0 5 0 0 cm 1 g Q 1 1 1 1 re f") == [(1, 1, 2, 2)]


@pytest.mark.parametrize(
    "content",
    [
        b"f",
        b"1 re f",
        b"(x) 2 3 4 re f",
        b"/Missing Do",
        b"/F9 9 Tf",
        b"1 2 cm",
        b"/No cs 1 scn",
        b"Tj",
        b"l",
        b"1 l S",
    ],
)
def test_wrong_operands_are_skipped(content):
    assert boxes(content + b" 0 g 1 1 1 1 re f")[-1] == (1, 1, 2, 2)


def test_separation_ink_of_one_is_not_white():
    space = ArrayObject([NameObject("/Separation"), NameObject("/Spot"), NameObject("/DeviceCMYK")])
    resources = dictionary(ColorSpace=dictionary(Sep=space))
    assert boxes(b"/Sep cs 1 scn 1 1 1 1 re f", resources)
    rgb = dictionary(ColorSpace=dictionary(Csp=NameObject("/DeviceRGB")))
    assert not boxes(b"/Csp cs 1 1 1 scn 1 1 1 1 re f", rgb)


def test_stack_of_states_is_bounded():
    with pytest.raises(TooComplex):
        boxes(b"q " * 20_000)


def test_widths_of_composite_fonts():
    descendant = dictionary(
        DW=FloatObject(300), W=ArrayObject([FloatObject(1), numbers(500, 600), *numbers(10, 12, 900)])
    )
    font = read_font_widths(dictionary(Subtype=NameObject("/Type0"), DescendantFonts=ArrayObject([descendant])))
    assert font.measure(b"\0\1\0\2\0\x0b\0\x63")[0] == pytest.approx(0.5 + 0.6 + 0.9 + 0.3)


def test_widths_of_type3_fonts():
    font = read_font_widths(
        dictionary(
            Subtype=NameObject("/Type3"),
            FontMatrix=numbers(0.01, 0, 0, 0.01, 0, 0),
            FontBBox=numbers(0, -20, 100, 120),
            FirstChar=FloatObject(65),
            Widths=numbers(50),
        )
    )
    assert font.measure(b"AA")[0] == pytest.approx(1.0)
    assert (font.ascent, font.descent) == pytest.approx((1.2, 0.2))


@pytest.mark.parametrize(
    "font", [dictionary(), dictionary(Subtype=NameObject("/Type0")), dictionary(Widths=NameObject("/x"))]
)
def test_fonts_without_widths_are_taken_as_wide(font):
    assert read_font_widths(font).default >= FontWidths().default
