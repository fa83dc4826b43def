"""Pixels: size, letters without a glyph, users' settings, and what happens without matplotlib."""

import struct
import sys

import pytest

from hornbeam.utils.drawing import Box, Diagram, figure, lay_out, title_lines, to_image


def diagram_with(name):
    diagram = Diagram()
    diagram.add(Box("a", title_lines(name, "Dense"), [("input:", ["(None, 4)"])]))
    return diagram


def size_of(png):
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    return struct.unpack(">II", png[16:24])


@pytest.mark.parametrize("dpi", [72, 150])
def test_size_is_the_layout_at_that_dpi(dpi):
    layout = lay_out(diagram_with("a"))
    assert size_of(to_image(diagram_with("a"), dpi=dpi)) == pytest.approx(
        (layout.width * dpi / 72, layout.height * dpi / 72), abs=1
    )


def test_letters_that_no_font_has_are_escaped_and_fit(monkeypatch):
    monkeypatch.setattr(figure, "FALLBACKS", ())
    size = size_of(to_image(diagram_with("层 $x$ \u0416"), dpi=72))  # a warning for a glyph would be an error here
    assert size == size_of(to_image(diagram_with(r"\u5c42 $x$ Ж"), dpi=72))


def test_a_fallback_font_is_asked_for_what_is_missing(monkeypatch):
    monkeypatch.setattr(figure, "FALLBACKS", ("No Such Font", "STIXGeneral"))  # comes with matplotlib
    letter = "\u2a0f"
    assert [name for name, _ in figure._fonts(diagram_with("plain"))] == ["DejaVu Sans"]
    found = figure._fonts(diagram_with(letter))
    assert figure._with_glyphs(letter, found) in (letter, r"\u2a0f")
    assert "No Such Font" not in [name for name, _ in found]


def test_settings_of_the_user_change_nothing():
    import matplotlib

    plain = to_image(diagram_with("a"), dpi=72)
    with matplotlib.rc_context({"savefig.bbox": "tight", "font.size": 30, "figure.autolayout": True}):
        assert to_image(diagram_with("a"), dpi=72) == plain


def test_too_many_pixels_are_fewer_and_said(monkeypatch):
    monkeypatch.setattr(figure, "MOST_PIXELS", 100)
    with pytest.warns(UserWarning, match=r"100 is the most.*\.svg"):
        picture = to_image(diagram_with("a"), dpi=96)
    assert max(size_of(picture)) <= 101


def test_without_matplotlib_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ImportError, match=r'\(an \.svg file needs nothing\).*pip install "hornbeam\[plot\]"'):
        to_image(diagram_with("a"))
