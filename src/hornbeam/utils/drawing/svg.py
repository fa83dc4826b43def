"""Pictures as SVG: a text that needs nothing installed."""

import html

from hornbeam.utils.drawing import text
from hornbeam.utils.drawing.diagram import BACKGROUND, COLOURS, GROUP_FILLS, GROUP_LINE, INK, LINES, PAD, row_height
from hornbeam.utils.drawing.layout import FRAME_PAD, FRAME_TITLE, HEAD, lay_out

FONTS = "DejaVu Sans, Verdana, Helvetica, Arial, Noto Sans CJK SC, Microsoft YaHei, PingFang SC, sans-serif"
_BASELINE = 0.36 * text.SIZE  # from the middle of a line down to where letters stand


def to_svg(diagram, rankdir="TB", title="", dpi=None):
    """The picture as the text of an SVG file.

    Args:
        diagram: a :class:`Diagram`.
        rankdir: 'TB', 'BT', 'LR' or 'RL'.
        title: for readers who cannot see it.
        dpi: dots an inch for viewers that show one dot a pixel; None leaves points.
    """
    layout = lay_out(diagram, rankdir)
    width, height = layout.width, layout.height
    unit, scale = ("pt", 1.0) if dpi is None else ("px", dpi / 72)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" width="{_n(width * scale)}{unit}" '
        f'height="{_n(height * scale)}{unit}" viewBox="0 0 {_n(width)} {_n(height)}" '
        f'font-family="{FONTS}" font-size="{_n(text.SIZE)}" fill="{INK}">',
        f"<title>{_text(title)}</title>",
        f'<rect width="{_n(width)}" height="{_n(height)}" fill="{BACKGROUND}"/>',
        *(_frame(place) for place in layout.frames),
        f'<g fill="none" stroke="{LINES}" stroke-width="1.1">',
        *(f'<path d="{_path(curve)}"/>' for curve in layout.curves),
        f'</g>\n<g fill="{LINES}">',
        *(f'<path d="{_head(curve)}"/>' for curve in layout.curves if curve.head is not None),
        "</g>",
        *(line for place in layout.boxes for line in _box(place)),
        *(_frame_title(place) for place in layout.frames),
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _n(number):
    """A number with at most two decimals and no more characters than it needs."""
    return f"{number:.2f}".rstrip("0").rstrip(".")


def _text(value):
    return html.escape(text.printable(value))


def _path(curve):
    steps = [f"M{_point(curve.start)}"]
    for part in curve.parts:
        steps.append(("L" if len(part) == 1 else "C") + " ".join(_point(p) for p in part))
    return "".join(steps)


def _point(point):
    return f"{_n(point[0])},{_n(point[1])}"


def _head(curve):
    return "M" + "L".join(_point(p) for p in head_points(curve)) + "Z"


def head_points(curve):
    """The three corners of a curve's arrow head."""
    (x, y), (dx, dy) = curve.parts[-1][-1], curve.head
    half = HEAD * 0.45
    return (x - dy * half, y + dx * half), (x + dx * HEAD, y + dy * HEAD), (x + dy * half, y - dx * half)


def _frame(place):
    fill = GROUP_FILLS[place.depth % 2]
    return _rectangle(place.x, place.y, place.width, place.height, 6, fill, GROUP_LINE)


def _frame_title(place):
    words, fill = place.node.title, GROUP_FILLS[place.depth % 2]
    x, y = place.x + FRAME_PAD, place.y + FRAME_TITLE / 2 + 1
    plate = _rectangle(x - 4, y - 7, text.width(words, bold=True) + 8, 14, 0, fill)
    return f'{plate}\n<text x="{_n(x)}" y="{_n(y + _BASELINE)}" font-weight="bold">{_text(words)}</text>'


def _rectangle(x, y, width, height, radius, fill, line=None):
    stroke = f' stroke="{line}"' if line else ""
    return (
        f'<rect x="{_n(x)}" y="{_n(y)}" width="{_n(width)}" height="{_n(height)}" rx="{_n(radius)}" '
        f'fill="{fill}"{stroke}/>'
    )


def _box(place):
    """A box: title on its colour, rows on white with lines between, and the frame over them."""
    box, x, y = place.node, place.x, place.y
    fill, line = COLOURS[box.kind]
    radius = box_radius(place)
    yield "<g>"
    if box.tip:
        yield f"<title>{_text(box.tip)}</title>"
    yield _rectangle(x, y, place.width, place.height, radius, BACKGROUND if box.rows else fill, line)
    if box.rows:
        bottom, right, r = y + box.title_height, x + place.width, radius
        yield (
            f'<path d="M{_n(x)},{_n(bottom)}V{_n(y + r)}Q{_n(x)},{_n(y)} {_n(x + r)},{_n(y)}H{_n(right - r)}'
            f'Q{_n(right)},{_n(y)} {_n(right)},{_n(y + r)}V{_n(bottom)}Z" fill="{fill}" stroke="{line}"/>'
        )
    top = y + PAD / 2
    for i, runs in enumerate(box.title):
        spans = "".join(f'<tspan font-weight="bold">{_text(t)}</tspan>' if bold else _text(t) for t, bold in runs)
        middle, baseline = x + place.width / 2, top + (i + 0.5) * text.LINE + _BASELINE
        yield f'<text xml:space="preserve" x="{_n(middle)}" y="{_n(baseline)}" text-anchor="middle">{spans}</text>'
    yield from _rows(place, line)
    yield "</g>"


def box_radius(place):
    """How round the corners are: operations are pills."""
    return min(place.height / 2, 11.0) if place.node.kind == "operation" and not place.node.rows else 4.0


def _rows(place, line):
    box, top = place.node, place.y + place.node.title_height
    for label, lines in box.rows:
        height = row_height(lines)
        if label != box.rows[0][0]:
            yield f'<path d="M{_n(place.x)},{_n(top)}h{_n(place.width)}" stroke="{line}" stroke-width="0.5"/>'
        yield f'<path d="M{_n(place.x + box.label_width)},{_n(top)}v{_n(height)}" stroke="{line}" stroke-width="0.5"/>'
        yield _word(label, place.x + PAD, top + height / 2, "start")
        middle = place.x + (box.label_width + place.width) / 2
        for i, words in enumerate(lines):
            yield _word(words, middle, top + PAD / 4 + (i + 0.5) * text.LINE, "middle")
        top += height


def _word(words, x, y, anchor):
    return f'<text x="{_n(x)}" y="{_n(y + _BASELINE)}" text-anchor="{anchor}">{_text(words)}</text>'
