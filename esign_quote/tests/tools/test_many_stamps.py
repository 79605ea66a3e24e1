"""One signer or many, on every geometry: each stamp in a place of its own, upright, its code read back; and the preview."""

import itertools

import pdf_factory as make
import pytest
from conformance import judges
from conformance.attacks import our_key
from conformance.inputs import GEOMETRIES
from conformance.sealing import address, places, read_code, seal_with, stamp_of
from tools.geometry import SCALE
from tools.seal import stamp_pdf
from tools.verify import verify_strict


def apart(first, second) -> bool:
    return (
        first.page != second.page
        or first.nx >= second.nx + second.nw
        or second.nx >= first.nx + first.nw
        or first.ny >= second.ny + second.nh
        or second.ny >= first.ny + first.nh
    )


def assert_codes(data, placements, tmp_path):
    if judges.missing():
        pytest.skip(f"not installed: {', '.join(judges.missing())}")
    path = tmp_path / "file.pdf"
    path.write_bytes(data)
    for number, placement in enumerate(placements):
        code = read_code(path, placement)
        assert code.text == address(number)
        assert code.off_place <= 2
        assert abs(code.turned) <= 1


@pytest.mark.parametrize("count", [1, 3, 12])
@pytest.mark.parametrize("name", GEOMETRIES)
def test_places_on_every_geometry(name, count):
    placements = places(make.with_geometry(**GEOMETRIES[name]), count)
    assert len(placements) == count
    for first, second in itertools.combinations(placements, 2):
        assert apart(first, second), (first, second)
    for place in placements:
        assert min(place.nx, place.ny) >= 0
        assert max(place.nx + place.nw, place.ny + place.nh) <= SCALE


# Twelve on the geometries that differ in kind; three on all would say the same.
@pytest.mark.parametrize(
    ("name", "count"),
    [(name, 3) for name in GEOMETRIES if name not in ("A4", "cropped, turned 90")]
    + [("A4", 12), ("cropped, turned 90", 12)],
)
def test_every_code_is_read_back(name, count, tmp_path):
    data = make.with_geometry(**GEOMETRIES[name])
    placements = places(data, count)
    sealed = seal_with(data, placements)
    assert verify_strict(sealed, our_key().certificate).ok
    assert sealed.count(b"%%EOF") == data.count(b"%%EOF") + 1
    assert_codes(sealed, placements, tmp_path)


@pytest.mark.parametrize("lines", [12, 54])
def test_the_preview_shows_the_stamps_so_far(lines, tmp_path):
    """The next signer sees those of the earlier ones where the sealed file will have them."""
    data = make.quote(2, lines=lines)
    placements = places(data, 3)
    for so_far in range(3):
        shown = placements[:so_far]
        preview = stamp_pdf(data, [(place, stamp_of(number)) for number, place in enumerate(shown)])
        assert preview.startswith(data)
        assert b"/ByteRange" not in preview
        assert_codes(preview, shown, tmp_path)
    # Whoever signs last changes nothing of the others' places.
    assert_codes(seal_with(data, placements), placements, tmp_path)


def test_a_preview_of_nobody_is_the_original():
    data = make.quote()
    assert stamp_pdf(data, []) == data
