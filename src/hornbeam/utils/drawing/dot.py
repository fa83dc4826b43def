"""Diagrams in the language of graphviz: as text, as a small stand-in for pydot's graph, or as that graph itself."""

import importlib
import os
import re
import shutil
import subprocess

from hornbeam.utils.drawing.diagram import COLOURS, GROUP_FILLS, GROUP_LINE, LINES, Group

TIME_LIMIT_S = 60
_FONT = 'fontname="DejaVu Sans", fontsize=10'


class Dot:
    """The graph in graphviz's language, for those who have no pydot: `print(dot)` or `dot.write('model.dot')`.

    Args:
        source: the text.

    Example:
        >>> Dot("digraph { a -> b }").to_string()
        'digraph { a -> b }'
    """

    def __init__(self, source):
        self.source = source

    def to_string(self):
        """The text, under pydot's name for it."""
        return self.source

    __str__ = to_string

    def write(self, path):
        """Write the text into a file."""
        with open(os.fspath(path), "w", encoding="utf-8") as file:
            file.write(self.source)


def to_dot(diagram, name="G", rankdir="TB", dpi=96, splines=None, subgraph=False):
    """The diagram as the text of a .dot file; with `subgraph` as a cluster to put into another graph.

    Args:
        diagram: a :class:`Diagram`.
        name: of the graph.
        rankdir, dpi, splines: attributes of the graph.
    """
    kind = "subgraph" if subgraph else "digraph"
    attributes = f"rankdir={rankdir}, dpi={dpi}" + (f", splines={_quoted(splines)}" if splines else "")
    lines = [
        f"{kind} {_quoted(f'cluster_{name}' if subgraph else name)} {{",
        f"graph [label={_quoted(name)}, {_FONT}];" if subgraph else f"graph [{attributes}, {_FONT}];",
        f'node [shape=record, style=filled, {_FONT}, margin="0.11,0.03"];',
        f'edge [color="{LINES}", arrowsize=0.7];',
        *_statements(diagram, rankdir in ("LR", "RL")),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _statements(diagram, sideways):
    for node in diagram.nodes.values():
        if isinstance(node, Group):
            yield f"subgraph {_quoted(f'cluster_{node.key}')} {{"
            look = f'style=filled, color="{GROUP_LINE}", fillcolor="{GROUP_FILLS[0]}"'
            yield f"graph [label={_quoted(node.title)}, {look}];"
            yield from _statements(node.inside, sideways)
            yield "}"
        else:
            fill, line = COLOURS[node.kind]
            yield f'{_quoted(node.key)} [label={_label(node, sideways)}, fillcolor="{fill}", color="{line}"];'
    for arrow in diagram.arrows:
        start, end = _leaf(diagram, arrow.start, "outputs"), _leaf(diagram, arrow.end, "inputs")
        yield f"{_quoted(start)} -> {_quoted(end)};"


def _leaf(diagram, port, side):
    """Key of the box that an arrow's end means, however deep in groups."""
    node = diagram.nodes[port.key]
    while isinstance(node, Group):
        port = getattr(node, side)[port.index]
        node = node.inside.nodes[port.key]
    return port.key


def _label(box, sideways):
    """The label of a record: title over rows. Braces turn the direction, and so does a graph that leads sideways."""
    title = r"\n".join(_escaped("".join(words for words, _ in line)) for line in box.title)
    if not box.rows:
        return f'"{title}"'
    labels = "|".join(_escaped(label) for label, _ in box.rows)
    values = "|".join(r"\n".join(_escaped(line) for line in lines) for _, lines in box.rows)
    fields = f"{title}|{{{{{labels}}}|{{{values}}}}}"
    return f'"{fields}"' if sideways else f'"{{{fields}}}"'


def _escaped(words):
    """Text inside a record's label, where braces, bars, angle brackets and spaces mean something."""
    return re.sub(r'([\\{}|<>" ])', r"\\\1", words)


def _quoted(words):
    return '"' + str(words).replace("\\", "\\\\").replace('"', '\\"') + '"'


def pydot_graph(source, subgraph=False):
    """`source` as a pydot.Dot (pydot.Cluster of a subgraph), or None where pydot is not installed."""
    try:
        pydot = importlib.import_module("pydot")
    except ImportError:
        return None
    graphs = pydot.graph_from_dot_data(f"digraph {{ {source} }}" if subgraph else source)
    if not graphs:
        return None
    if not subgraph:
        return graphs[0]
    parsed = graphs[0].get_subgraphs()[0]
    cluster = pydot.Cluster(parsed.get_name().strip('"').removeprefix("cluster_"))
    cluster.obj_dict = parsed.obj_dict
    return cluster


def drawn_by_graphviz(source, file_format):
    """The bytes of a picture drawn by graphviz, or None where its program or pydot is missing or fails."""
    program = shutil.which("dot")
    if program is None or pydot_graph(source) is None:
        return None
    try:
        done = subprocess.run(
            [program, f"-T{file_format}"], input=source.encode(), capture_output=True, timeout=TIME_LIMIT_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 and done.stdout else None
