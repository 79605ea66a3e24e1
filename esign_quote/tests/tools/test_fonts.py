import pytest
from tools import fonts
from tools.fonts import BOLD, MISSING, MONO, REGULAR, covers, printable, text_width
from tools.text_layout import fit, wrap


@pytest.mark.parametrize("face", [REGULAR, BOLD, MONO])
@pytest.mark.parametrize(
    "text", ["Éléonore Lefèvre-Œuvrard, N° 5 €", "Łukasz Żółć", "Ελένη", "Иван", "…", "0123456789abcdef"]
)
def test_coverage(face, text):
    assert covers(text, face)
    assert printable(text, face) == text


def test_missing_characters_become_boxes():
    # Private characters: no server has a font for them (others: see test_scripts).
    assert printable("\ue123 x \U000f0001") == f"{MISSING} x {MISSING}"
    assert covers(MISSING)
    assert not covers("王")


def test_one_line_without_controls():
    assert printable("a\nb\tc\x00d\u2028e\u00a0f") == "a b c d e f"
    assert printable("a\u202eb\u200bc\ufeff") == "abc"
    assert printable("e\u0301") == "é"


@pytest.mark.parametrize("text", ["\ud800", "\U0010ffff", "\x00", "", "\u0300" * 50, "א" * 500])
def test_never_an_exception(text):
    printable(text)
    text_width(printable(text), 9)
    wrap(text, 50, 9)
    fit(text, 50, (9, 6))


def test_right_to_left_is_in_drawing_order():
    pytest.importorskip("bidi")
    pytest.importorskip("arabic_reshaper")
    assert printable("שלום כהן") == "ןהכ םולש"
    drawn = printable("محمد العربي")
    # Joined forms, the first letter at the right end.
    assert drawn[-1] == "\ufee3"
    assert covers(drawn)


def test_without_shaping_libraries(monkeypatch):
    printable.cache_clear()
    monkeypatch.setattr(fonts, "_shapers", lambda: (None, None))
    assert printable("שלום") == "שלום"
    printable.cache_clear()


@pytest.mark.parametrize("text", ["word " * 40, "x" * 300, "a b " + "c" * 100, "محمد العربي " * 9])
@pytest.mark.parametrize("width", [40, 120])
def test_wrapped_lines_fit(text, width):
    for line in wrap(text, width, 9):
        assert text_width(line, 9) <= width


def test_wrapping_loses_nothing():
    text = "The quick brown fox " * 6 + "x" * 90
    assert "".join(wrap(text, 70, 9)).replace(" ", "") == text.replace(" ", "")


def test_fit_shrinks_then_wraps_then_cuts():
    assert fit("short", 100, (10, 8)) == (10, ["short"])
    assert fit("a little longer text", 85, (10, 8))[0] == 8
    size, lines = fit("a text that needs two lines", 80, (10, 8), 2)
    assert len(lines) == 2
    size, lines = fit("very " * 50, 80, (10, 8), 2)
    assert (size, len(lines)) == (8, 2)
    assert lines[-1].endswith("…")
    assert all(text_width(line, size) <= 80 for line in lines)
