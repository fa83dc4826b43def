"""Pictures of graphs of boxes: layout, SVG, pixels, and graphviz's language. Models are drawn with it."""

from hornbeam.utils.drawing.diagram import Arrow, Box, Diagram, Group, Port, title_lines
from hornbeam.utils.drawing.dot import Dot, drawn_by_graphviz, pydot_graph, to_dot
from hornbeam.utils.drawing.figure import to_image
from hornbeam.utils.drawing.layout import lay_out
from hornbeam.utils.drawing.svg import to_svg

__all__ = [
    "Arrow",
    "Box",
    "Diagram",
    "Dot",
    "Group",
    "Port",
    "drawn_by_graphviz",
    "lay_out",
    "pydot_graph",
    "title_lines",
    "to_dot",
    "to_image",
    "to_svg",
]
