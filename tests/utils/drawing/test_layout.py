"""Layout: boxes apart, arrows forward and around boxes, everything placed once; its steps one by one."""

import random

import pytest

from hornbeam.utils.drawing import Arrow, Box, Diagram, Group, Port, lay_out, title_lines
from hornbeam.utils.drawing.crossings import order_rows
from hornbeam.utils.drawing.layout import DIRECTIONS, HEAD
from hornbeam.utils.drawing.ranks import ranks, without_circles


def diagram_of(arrows, rows=0, **groups):
    """A diagram with a box for each name in `arrows`, which are texts like 'ab', and with `groups`."""
    diagram = Diagram(dict(groups))
    for name in dict.fromkeys("".join(arrows)):
        if name not in groups:
            diagram.add(Box(name, title_lines(name * 5, "Box"), [("input:", [f"{name * 9}"] * 2)] * rows))
    diagram.arrows = [Arrow(Port(start), Port(end)) for start, end in arrows]
    return diagram


def points_on(curve, steps=12):
    """Points along a curve."""
    here = curve.start
    for part in curve.parts:
        for i in range(steps + 1):
            t = i / steps
            corners = [here, *part]
            while len(corners) > 1:
                corners = [
                    (a[0] * (1 - t) + b[0] * t, a[1] * (1 - t) + b[1] * t)
                    for a, b in zip(corners, corners[1:], strict=False)
                ]
            yield corners[0]
        here = part[-1]


def overlap(a, b):
    return a.x < b.x + b.width and b.x < a.x + a.width and a.y < b.y + b.height and b.y < a.y + a.height


def check(diagram, rankdir="TB"):
    """What holds for every picture without circles; the layout for more questions."""
    layout = lay_out(diagram, rankdir)
    assert sorted(p.node.key for p in layout.boxes) == sorted(box.key for box in diagram.boxes())
    for i, a in enumerate(layout.boxes):
        assert a.x >= 0 <= a.y
        assert a.x + a.width <= layout.width
        assert a.y + a.height <= layout.height
        assert not any(overlap(a, b) for b in layout.boxes[:i])
    dx, dy = DIRECTIONS[rankdir]
    for curve in layout.curves:
        along = [x * dx + y * dy for x, y in points_on(curve)]
        if curve.keys[0] != curve.keys[-1]:
            assert along[-1] > along[0]
            assert all(b >= a - 1e-6 for a, b in zip(along, along[1:], strict=False))
        for p in layout.boxes:
            for x, y in points_on(curve):
                assert not (p.x + 0.1 < x < p.x + p.width - 0.1 and p.y + 0.1 < y < p.y + p.height - 0.1)
    return layout


def random_arrows(names, seed):
    draw = random.Random(seed)
    arrows = [draw.choice(names[:i]) + name for i, name in enumerate(names) if i]
    arrows += ["".join(sorted(draw.sample(names, 2))) for _ in range(len(names))]
    return arrows


@pytest.mark.parametrize("rankdir", DIRECTIONS)
@pytest.mark.parametrize("seed", range(5))
def test_random_graphs(seed, rankdir):
    check(diagram_of(random_arrows("abcdefghijklmnop", seed), rows=seed % 3), rankdir)


def test_a_chain_is_straight():
    layout = check(diagram_of(["ab", "bc", "cd"]))
    assert len({round(p.x + p.width / 2, 3) for p in layout.boxes}) == 1
    assert all(len(part) == 1 for curve in layout.curves for part in curve.parts)


def test_a_stack_of_residual_blocks_does_not_wander():
    names = [chr(200 + i) for i in range(40)]
    arrows = [names[i] + names[i + 1] for i in range(39)] + [names[i] + names[i + 3] for i in range(0, 36, 3)]
    layout = check(diagram_of(arrows))
    assert layout.width < 250


def test_a_stack_of_attention_blocks_does_not_wander():
    names = [chr(200 + i) for i in range(41)]
    blocks = [names[i : i + 3] for i in range(0, 39, 2)]
    layout = check(diagram_of([arrow for a, b, c in blocks for arrow in (a + b, a + b, a + b, b + c, a + c)]))
    assert layout.width < 250


def test_branches_side_by_side_and_their_source_in_the_middle():
    layout = check(diagram_of(["ab", "ac", "bd", "cd"]))
    middle = {p.node.key: p.x + p.width / 2 for p in layout.boxes}
    assert middle["b"] < middle["c"]
    assert middle["a"] == middle["d"] == pytest.approx((middle["b"] + middle["c"]) / 2)


def test_ends_at_a_box_are_told_apart():
    layout = check(diagram_of(["ad", "bd", "cd", "ae", "de"]))
    ends = [curve.parts[-1][-1] for curve in layout.curves if curve.keys[1] == "d"]
    assert len(set(ends)) == 3
    top = next(p for p in layout.boxes if p.node.key == "d").y
    assert {y for _, y in ends} == {top - HEAD}


def test_a_box_that_leads_to_itself():
    layout = check(diagram_of(["ab", "bb"]))
    loop = next(c for c in layout.curves if c.keys == ("b", "b"))
    box = next(p for p in layout.boxes if p.node.key == "b")
    assert loop.head == (-1, 0)
    assert all(box.x + box.width <= x <= layout.width for x, _ in points_on(loop))


def test_a_circle_has_one_arrow_back():
    layout = lay_out(diagram_of(["ab", "bc", "cb", "cd"]))
    up = [curve for curve in layout.curves if curve.parts[-1][-1][1] < curve.start[1]]
    assert [curve.keys for curve in up] == [("c", "b")]
    assert up[0].head == (0, -1)


def group_of(key, inside, inputs, outputs):
    return Group(key, f"the group {key}", inside, [Port(k) for k in inputs], [Port(k) for k in outputs])


@pytest.mark.parametrize("rankdir", DIRECTIONS)
def test_frames_hold_their_own_and_nothing_else(rankdir):
    inner = group_of("h", diagram_of(["xy", "xz"]), "x", "yz")
    outer = group_of("g", diagram_of(["ph", "hq", "pq"], h=inner), "p", "q")
    layout = check(diagram_of(["ag", "gb", "ab", "gc"], g=outer), rankdir)
    inside = {"g": set("pqxyz"), "h": set("xyz")}
    assert {f.node.key: f.depth for f in layout.frames} == {"g": 0, "h": 1}
    for frame in layout.frames:
        assert {p.node.key for p in layout.boxes if overlap(frame, p)} == inside[frame.node.key]
    heads = {curve.keys for curve in layout.curves if curve.head}
    assert {key for _, key in heads} == set("bcqpxyz")  # into boxes, never into frames


def test_ports_of_a_group_in_both_orders():
    inside = diagram_of(["xz", "yz"])
    group = group_of("g", inside, "xy", "z")
    diagram = diagram_of(["ag", "bg"], g=group)
    diagram.arrows[1].end.index = 1
    layout = check(diagram)
    middle = {p.node.key: p.x + p.width / 2 for p in layout.boxes}
    assert (middle["a"] < middle["b"]) == (middle["x"] < middle["y"])


def test_nothing_at_all():
    assert lay_out(Diagram()).boxes == []


def test_a_group_with_nothing_around_it_and_a_long_title():
    layout = check(Diagram({"g": group_of("g", diagram_of(["ab"]), "a", "b")}))
    layout_long = check(Diagram({"g": Group("g", "n" * 200, diagram_of(["ab"]), [Port("a")], [Port("b")])}))
    assert layout_long.width > 1000 > layout.width


# --- Steps ---


def test_ranks_are_longest_paths_and_inputs_stand_above_their_use():
    edges = [("a", "b"), ("b", "c"), ("a", "c"), ("i", "c"), ("c", "d")]
    assert ranks("abcdi", edges) == {"a": 0, "b": 1, "c": 2, "i": 1, "d": 3}


def test_circles_are_opened_where_they_close():
    edges, turned = without_circles("abc", [("a", "b"), ("b", "c"), ("c", "a")])
    assert edges == [("a", "b"), ("b", "c"), ("a", "c")]
    assert turned == {2}


def test_crossings_go_where_none_is_needed():
    links = [("a", "y", 0, 0), ("b", "x", 0, 0), ("y", "q", 0, 0), ("x", "p", 0, 0)]
    rows = order_rows([["a", "b"], ["x", "y"], ["p", "q"]], links)
    assert [row.index(n) for row, n in zip(rows, "ayq", strict=True)] in ([0, 0, 0], [1, 1, 1])


def test_a_deep_graph_needs_no_recursion():
    names = [chr(0x4E00 + i) for i in range(1500)]
    layout = lay_out(diagram_of([a + b for a, b in zip(names, names[1:], strict=False)]))
    assert len(layout.boxes) == 1500
