"""Graphviz's language: escaping, records, clusters; the stand-in for pydot."""

import re

import pytest

from hornbeam.utils.drawing import Arrow, Box, Diagram, Dot, Group, Port, title_lines, to_dot
from hornbeam.utils.drawing.dot import drawn_by_graphviz, pydot_graph


def small_diagram():
    inside = Diagram()
    inside.add(Box("b", title_lines("b", "B")))
    diagram = Diagram()
    diagram.add(Box("a", title_lines('{a|b}<"\\>', "A"), [("input:", ["(4,)"]), ("output:", ["(2,)", "(3,)"])]))
    diagram.add(Group("g", 'the "group"', inside, [Port("b")], [Port("b")]))
    diagram.arrows = [Arrow(Port("a"), Port("g"))]
    return diagram


def test_source():
    source = to_dot(small_diagram(), "na me", "TB", 120, "ortho")
    assert source.startswith('digraph "na me" {')
    assert 'rankdir=TB, dpi=120, splines="ortho"' in source
    title = r"\{a\|b\}\<\"\\\>:\ A"
    assert f'"{{{title}|{{{{input:|output:}}|{{(4,)|(2,)\\n(3,)}}}}}}"' in source
    assert 'subgraph "cluster_g"' in source
    assert r'label="the \"group\""' in source
    assert '"a" -> "b";' in source


def test_records_turn_with_the_graph():
    assert re.search(r'label="[^{]', to_dot(small_diagram(), rankdir="LR"))


def test_a_subgraph_is_a_cluster():
    assert to_dot(small_diagram(), "m", subgraph=True).startswith('subgraph "cluster_m" {')


def test_the_stand_in_writes(tmp_path):
    dot = Dot("digraph { é }")
    dot.write(tmp_path / "m.dot")
    assert (tmp_path / "m.dot").read_text(encoding="utf-8") == dot.source == str(dot)


def test_without_graphviz_nobody_draws(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert drawn_by_graphviz("digraph {}", "svg") is None


@pytest.mark.filterwarnings("ignore:.* deprecated - use:DeprecationWarning")  # pydot 4.0 uses old names of pyparsing
@pytest.mark.parametrize("subgraph", [False, True])
def test_pydot_reads_it(subgraph):
    pydot = pytest.importorskip("pydot")
    graph = pydot_graph(to_dot(small_diagram(), "m", subgraph=subgraph), subgraph)
    assert isinstance(graph, pydot.Cluster if subgraph else pydot.Dot)
    assert {node.get_name() for node in graph.get_nodes()} >= {'"a"'}
