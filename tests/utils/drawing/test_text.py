"""Widths are those of the font, names are broken and escaped."""

import pytest

from hornbeam.utils.drawing import text


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("words", ["conv2d_12: Conv2D", "(None, 35, 35, 64) × 3", "ÄÖÜ éà ñ", "WWWW", "слой", "层中文"])
def test_text_is_not_wider_than_counted(words, bold):
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    drawable = "".join(c for c in words if ord(c) < 0x3000)  # the test's font has no ideographs
    font = FontProperties(family="DejaVu Sans", weight="bold" if bold else "normal")
    drawn = TextPath((0, 0), drawable, size=text.SIZE, prop=font).get_extents().width if drawable else 0.0
    counted = text.width(words, bold)
    ideographs = (len(words) - len(drawable)) * text.SIZE
    assert drawn + ideographs <= counted * 1.02 + 0.5
    assert counted <= (drawn + ideographs) * 1.25 + 2


def test_marks_above_letters_take_no_room():
    assert text.width("e\u0301") == text.width("e")


@pytest.mark.parametrize("name", ["a" * 200, "block_1/unit_2/conv_3/" * 9, "层" * 90, "x"])
def test_pieces_fit_and_lose_nothing(name):
    pieces = text.wrap(name, 120.0)
    assert "".join(pieces) == name
    assert all(text.width(piece) <= 120.0 for piece in pieces)


def test_what_no_file_holds_is_escaped():
    assert text.printable("a\x00b\nc\ud800\u202ed") == r"a\x00b\nc\ud800\u202ed"
    assert text.printable("层 é") == "层 é"
