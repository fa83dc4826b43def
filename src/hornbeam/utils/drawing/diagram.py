"""What a picture shows, before anything has a place: boxes, groups of boxes, and arrows between them."""

import dataclasses
from typing import Any

from hornbeam.utils.drawing import text

PAD = 8.0  # points between text and the edge of its box
WIDEST_TITLE = 300.0  # points; longer names are broken

# What a box stands for decides its colours (filling of the title, line).
COLOURS = {
    "input": ("#dfeed9", "#5b9145"),
    "weights": ("#dce8f7", "#4674b0"),
    "plain": ("#eeeeee", "#858585"),
    "operation": ("#ffefd1", "#c98f2b"),
    "model": ("#eadff4", "#8259a8"),
}
INK, LINES, BACKGROUND = "#1f1f1f", "#5c5c5c", "#ffffff"
GROUP_FILLS, GROUP_LINE = ("#f6f4f9", "#ece8f2"), "#b3a6c4"  # fillings take turns with depth


@dataclasses.dataclass
class Box:
    """A box with a title and rows of (what, values) below.

    Attributes:
        key: tells it from all other boxes of the picture.
        title: lines of the title, each a list of (text, bold).
        rows: list of (label, list of lines).
        kind: a key of :data:`COLOURS`.
        tip: shown when the mouse rests on it, where a format can.
    """

    key: str
    title: list
    rows: list = dataclasses.field(default_factory=list)
    kind: str = "plain"
    tip: str = ""

    @property
    def label_width(self):
        """Width of the column of labels, 0 without rows."""
        return max((text.width(label) + 2 * PAD for label, _ in self.rows), default=0.0)

    @property
    def title_height(self):
        """Height of the title alone."""
        return len(self.title) * text.LINE + PAD

    @property
    def size(self):
        """(width, height) in points."""
        title = max(sum(text.width(t, bold) for t, bold in line) for line in self.title) + 2 * PAD + 4
        values = max((text.width(line) + 2 * PAD for _, lines in self.rows for line in lines), default=0.0)
        height = self.title_height + sum(row_height(lines) for _, lines in self.rows)
        return max(title, self.label_width + values, 44.0), height


def row_height(lines):
    """Height of a row with these lines."""
    return len(lines) * text.LINE + PAD / 2


def title_lines(name, what):
    """Lines of (text, bold) for `name: what`, broken where it gets too wide; `name` may be None."""
    name = None if name is None else text.printable(name)
    what = text.printable(what)
    if name is None:
        return [[(piece, True)] for piece in text.wrap(what, WIDEST_TITLE, bold=True)]
    if text.width(f"{name}: ") + text.width(what, bold=True) <= WIDEST_TITLE:
        return [[(f"{name}: ", False), (what, True)]]
    names = [[(piece, False)] for piece in text.wrap(f"{name}:", WIDEST_TITLE)]
    return names + [[(piece, True)] for piece in text.wrap(what, WIDEST_TITLE, bold=True)]


@dataclasses.dataclass
class Port:
    """An end of an arrow: a box, or (for a group) the number of the group's input or output."""

    key: Any
    index: int = 0


@dataclasses.dataclass
class Arrow:
    """From the output of one box or group to another's input."""

    start: Port
    end: Port


@dataclasses.dataclass
class Diagram:
    """Boxes and groups, in the order they are computed, and arrows between them."""

    nodes: dict = dataclasses.field(default_factory=dict)
    arrows: list = dataclasses.field(default_factory=list)

    def add(self, node):
        """Add a box or group."""
        self.nodes[node.key] = node

    def boxes(self):
        """All boxes, those in groups too."""
        for node in self.nodes.values():
            if isinstance(node, Group):
                yield from node.inside.boxes()
            else:
                yield node

    def with_texts(self, change):
        """A copy in which each text went through the function `change`."""
        nodes: dict[str, Any] = {}
        for key, node in self.nodes.items():
            if isinstance(node, Group):
                inside = node.inside.with_texts(change)
                nodes[key] = dataclasses.replace(node, title=change(node.title), inside=inside)
            else:
                title = [[(change(words), bold) for words, bold in line] for line in node.title]
                rows = [(label, [change(line) for line in lines]) for label, lines in node.rows]
                nodes[key] = dataclasses.replace(node, title=title, rows=rows)
        return Diagram(nodes, self.arrows)


@dataclasses.dataclass
class Group:
    """A frame with a title around a diagram of its own.

    Attributes:
        inputs, outputs: the ports inside that stand for the group's inputs and outputs.
    """

    key: str
    title: str
    inside: Diagram
    inputs: list
    outputs: list
