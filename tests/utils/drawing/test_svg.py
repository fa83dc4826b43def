"""SVG: well-formed, escaped, and with room for its texts."""

import xml.etree.ElementTree as xml

import pytest

from hornbeam.utils.drawing import Arrow, Box, Diagram, Group, Port, text, title_lines, to_svg

HOSTILE = "<script>alert('&')</script> \"q\" ]]> \x00\x1b \ud800 层"
SVG = "{http://www.w3.org/2000/svg}"


def diagram_with(name):
    inside = Diagram()
    inside.add(Box("c", title_lines(name, "C")))
    diagram = Diagram()
    diagram.add(Box("a", title_lines(name, "A"), [("input:", ["(None, 4)", "(None, 5)"]), ("output:", ["()"])]))
    diagram.add(Box("b", title_lines(None, "add"), kind="operation", tip=name))
    diagram.add(Group("g", text.printable(name), inside, [Port("c")], [Port("c")]))
    diagram.arrows = [Arrow(Port("a"), Port("b")), Arrow(Port("b"), Port("g"))]
    return diagram


@pytest.mark.parametrize("name", ["dense", HOSTILE, "a" * 300])
def test_it_is_xml_and_says_what_it_should(name):
    source = to_svg(diagram_with(name), title=name)
    root = xml.fromstring(source.encode())
    assert root.tag == f"{SVG}svg"
    words = "".join("".join(t.itertext()) for t in root.iter(f"{SVG}text"))
    assert words.count(text.printable(name)) == 3
    assert "(None, 5)" in words
    assert not list(root.iter(f"{SVG}script"))


def test_words_stand_within_their_box():
    root = xml.fromstring(to_svg(diagram_with("a_name_of_some_length" * 4)))
    boxes = [g for g in root.iter(f"{SVG}g") if g.find(f"{SVG}rect") is not None]
    assert len(boxes) == 3
    for box in boxes:
        frame = box.find(f"{SVG}rect")
        left, right = float(frame.get("x")), float(frame.get("x")) + float(frame.get("width"))
        for words in box.iter(f"{SVG}text"):
            bold = words.find(f"{SVG}tspan") is not None
            width = text.width("".join(words.itertext()), bold)
            start = float(words.get("x")) - (width / 2 if words.get("text-anchor") == "middle" else 0)
            assert left <= start
            assert start + width <= right


def test_dpi_is_the_size_on_screen():
    wide, narrow = (xml.fromstring(to_svg(diagram_with("a"), dpi=dpi)) for dpi in (144, 72))
    assert float(wide.get("width")[:-2]) == pytest.approx(2 * float(narrow.get("width")[:-2]), abs=0.02)
    assert wide.get("viewBox") == narrow.get("viewBox")
