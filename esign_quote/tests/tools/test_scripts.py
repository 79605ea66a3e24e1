"""Names in every script of the world that a server has fonts for: drawn right, embedded, to be copied."""

import io
from pathlib import Path

import pdf_factory as make
import pypdf
import pytest
from reportlab.pdfbase import ttfonts
from tools import font_files, fonts
from tools.appearance import StampContent, draw_stamp
from tools.exceptions import SignatureRefused
from tools.fonts import MISSING, can_draw, printable, text_width
from tools.proof_pdf import ProofSection, draw_proof
from tools.signature import clean_latin_name, clean_typed_name

FONTS = Path(__file__).with_name("fonts")
DEVANAGARI, THAI = "नरेन्द्र मोदी क्षत्रिय", "สมชาย น้ำทิพย์ ผู้ใหญ่"
# Those of the two scripts are drawn by DejaVu, which ships with the addon.
WITH_DEJAVU = ["Éléonore Lefèvre-Œuvrard", "Łukasz Żółć", "Ελένη", "Иван", "Nguyễn Thị", "שלום כהן", "محمد العربي"]
WITH_OTHERS = ["王小明", "山田太郎", "김철수", DEVANAGARI, THAI, "王小明 Müller", "Anne 김"]
NOWHERE = ["ܐܠܦ ܒܝܬ", "😀 Anne", "Anne 🍕", "ᠮᠣᠩᠭᠣᠯ", "ښاغلی", "\U00020bb7田", "ߒߞߏ"]


def forget():
    for cached in (font_files.candidates, fonts.printable, fonts._runs, fonts._face_of):
        cached.cache_clear()


@pytest.fixture
def bare(monkeypatch):
    """A server without any font of its own."""
    monkeypatch.setattr(font_files, "_PLACES", ())
    monkeypatch.delenv(font_files.VARIABLE, raising=False)
    forget()
    yield
    forget()


@pytest.fixture
def rich(bare, monkeypatch):
    """A server with fonts for four more scripts, in a folder of its own choice."""
    monkeypatch.setenv(font_files.VARIABLE, f"/nonexistent:{FONTS}")
    forget()
    yield
    forget()


@pytest.fixture
def shaping():
    if ttfonts.uharfbuzz is None:
        pytest.skip("uharfbuzz is not installed")


def stamp(name):
    lines = ("12 March 2026", f"{name} & Co")
    return draw_stamp(StampContent("Accepted by", name, lines, "https://example.com/v/B7KD-93QX", name))


def words(data):
    return " ".join(pypdf.PdfReader(io.BytesIO(data)).pages[0].extract_text().split())


@pytest.mark.parametrize("name", WITH_DEJAVU)
def test_dejavu_is_enough(name, bare):
    assert can_draw(name)
    assert MISSING not in printable(name)


@pytest.mark.parametrize("name", [*WITH_OTHERS, *NOWHERE])
def test_without_a_font_the_owner_is_asked(name, bare):
    assert not can_draw(name)


@pytest.mark.parametrize("name", WITH_OTHERS)
def test_with_a_font_of_the_server(name, rich, shaping, tmp_path):
    assert can_draw(name)
    data = stamp(name)
    assert name in make.text(data, tmp_path)
    rows = make.run("pdffonts", "@", data=data, tmp_path=tmp_path).stdout.decode().splitlines()[2:]
    assert len(rows) >= 2
    # Embedded, a subset, with a table of characters.
    assert all(row.split()[-5:-2] == ["yes", "yes", "yes"] for row in rows)
    assert len(data) < 60_000


@pytest.mark.parametrize("name", NOWHERE)
def test_what_no_font_helps(name, rich):
    """Pictures, scripts that join in ways of their own, letters without joined forms, rare ideographs."""
    assert not can_draw(name)
    stamp(name)


def test_conjuncts_and_marks_are_shaped(rich, shaping, monkeypatch):
    """HarfBuzz makes fewer glyphs of fewer points' width; without it such a name is not drawn right."""
    shaped = {name: text_width(printable(name), 10) for name in (DEVANAGARI, THAI)}
    monkeypatch.setattr(fonts, "_shapes", lambda: False)
    forget()
    plain = {name: text_width(printable(name), 10) for name in (DEVANAGARI, THAI)}
    assert shaped[DEVANAGARI] < 0.95 * plain[DEVANAGARI]
    assert not can_draw(DEVANAGARI)
    assert not can_draw(THAI)
    assert can_draw("王小明")


def test_a_devanagari_conjunct_looks_like_one(rich, shaping, tmp_path):
    """न्द्र is one sign: the visible virama of the letters one by one is gone."""
    image = make.render(stamp("नरेन्द्र"), tmp_path, dpi=288)
    ink = image.crop((44, 60, 400, 320)).point(lambda shade: 255 if shade < 110 else 0)
    left, _top, right, _bottom = ink.getbbox()
    assert right - left < 260


def test_the_same_bytes_whatever_was_drawn_before(rich, shaping):
    first = stamp(DEVANAGARI)
    stamp("क्षत्रिय मोदी")
    fonts._load.cache_clear()
    forget()
    stamp(THAI)
    assert stamp(DEVANAGARI) == first


def test_combining_accents_stand_over_their_letters(bare, shaping):
    """Yoruba needs letters that Unicode has no single character for."""
    assert can_draw("Àṣẹ́ Ọmọ́")
    assert text_width(printable("ọ́"), 10) == pytest.approx(text_width(printable("ọ"), 10))


def test_the_proof_too(rich, shaping, tmp_path):
    name = f"王小明 {DEVANAGARI}"
    data = draw_proof(f"Proof for {name}", name, [ProofSection(name, rows=[(name, f"{name} " * 9)])], name)
    text = make.text(data, tmp_path)
    assert text.count("क्षत्रिय") >= 12
    assert MISSING not in text


def test_a_font_that_is_none_is_left_out(bare, monkeypatch, tmp_path, caplog):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    monkeypatch.setenv(font_files.VARIABLE, str(tmp_path))
    forget()
    assert not can_draw("王小明")
    assert "broken.ttf cannot be used" in caplog.text


@pytest.mark.parametrize("name", ["Wang Xiaoming", " Łukasz  Żółć ", "O'Brien-Smith", "Nguyễn Thị"])
def test_latin_names(name):
    assert clean_latin_name(name) == clean_typed_name(name)


@pytest.mark.parametrize("name", ["", "x", "王小明", "Иван", "Wang 王", "42", "a\u202eb", "Anne 🍕", None, "W" * 101])
def test_no_latin_names(name):
    with pytest.raises(SignatureRefused):
        clean_latin_name(name)
