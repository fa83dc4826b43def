"""Places for everything in a picture: rows of boxes, curves between them, frames around groups.

A group is laid out by itself and then stands in the diagram around it as one big box, so frames never overlap what is
not theirs. All work happens in coordinates `along` a row and `down` the flow; only at the end do they become x and y.
"""

import dataclasses

from hornbeam.utils.drawing import text
from hornbeam.utils.drawing.coordinates import coordinates
from hornbeam.utils.drawing.crossings import order_rows
from hornbeam.utils.drawing.diagram import Arrow, Box, Group, Port
from hornbeam.utils.drawing.ranks import ranks, without_circles

MARGIN = 10.0
ROW_GAP, STEEPEST, WIDEST_ROW_GAP = 30.0, 0.14, 84.0  # a gap grows with the way that its arrows go sideways
PORT_GAP = 10.0
BOX_GAP, BEND_GAP = 18.0, 12.0
HEAD = 7.0  # length of an arrow's head
PORT_STEP = 16.0  # between the ends of arrows on one side of a box
LOOP = 26.0  # how far an arrow from a box to itself stands out
FRAME_PAD, FRAME_TITLE = 12.0, 20.0
DIRECTIONS = {"TB": (0, 1), "BT": (0, -1), "LR": (1, 0), "RL": (-1, 0)}


@dataclasses.dataclass
class Place:
    """A box, or the frame of a group, with the corner nearest to (0, 0) and its size; `depth` counts frames around."""

    node: Box | Group
    x: float
    y: float
    width: float
    height: float
    depth: int = 0


@dataclasses.dataclass
class Curve:
    """A line from `start` through `parts`, each one point (straight) or three (cubic Bézier), and its arrow head.

    Attributes:
        head: direction of the arrow head as (dx, dy), whose base is the curve's end; None without one.
        keys: the keys of what it joins.
    """

    start: tuple
    parts: list
    head: tuple | None = None
    keys: tuple = ()


@dataclasses.dataclass
class Layout:
    """Everything placed. `inputs` and `outputs` are the places of the ports of a group's inside."""

    width: float
    height: float
    boxes: list
    frames: list
    curves: list
    inputs: dict = dataclasses.field(default_factory=dict)
    outputs: dict = dataclasses.field(default_factory=dict)

    def moved(self, x, y, deeper=0):
        """The same, by x and y further away from (0, 0)."""

        def at(point):
            return point[0] + x, point[1] + y

        def place(p):
            return dataclasses.replace(p, x=p.x + x, y=p.y + y, depth=p.depth + deeper)

        curves = [
            dataclasses.replace(c, start=at(c.start), parts=[tuple(at(p) for p in part) for part in c.parts])
            for c in self.curves
        ]
        return Layout(
            self.width, self.height, [place(b) for b in self.boxes], [place(f) for f in self.frames], curves,
            {i: at(p) for i, p in self.inputs.items()}, {i: at(p) for i, p in self.outputs.items()},
        )  # fmt: skip


def lay_out(diagram, rankdir="TB"):
    """The :class:`Layout` of a diagram.

    Args:
        diagram: a :class:`Diagram`.
        rankdir: where arrows lead: 'TB' down, 'BT' up, 'LR' right, 'RL' left.
    """
    found = _Level(diagram, rankdir).result().moved(MARGIN, MARGIN)
    return dataclasses.replace(found, width=found.width + 2 * MARGIN, height=found.height + 2 * MARGIN)


@dataclasses.dataclass
class _Edge:
    """An arrow on its way: its nodes from row to row, the dummies on long ways among them."""

    arrow: Arrow
    chain: list
    turned: bool
    start_at: float = 0.0
    end_at: float = 0.0


class _Level:
    """The layout of one diagram. `inputs` and `outputs`: {number: Port} to join to the rim, in a group."""

    def __init__(self, diagram, rankdir, inputs=None, outputs=None):
        self.flow = DIRECTIONS[rankdir]
        self.upright = self.flow[0] == 0
        ports_in = {("in", i): port for i, port in (inputs or {}).items()}
        ports_out = {("out", i): port for i, port in (outputs or {}).items()}
        self.ports = [*ports_in, *ports_out]
        self.arrows = [*diagram.arrows]
        self.arrows += [Arrow(Port(key), port) for key, port in ports_in.items()]
        self.arrows += [Arrow(port, Port(key)) for key, port in ports_out.items()]
        self.nodes = diagram.nodes
        self.groups = {key: self._group(node, rankdir) for key, node in self.nodes.items() if isinstance(node, Group)}
        self.loops = [a for a in self.arrows if a.start.key == a.end.key]
        self.widths, self.heights = {}, {}
        for key in [*self.nodes, *self.ports]:
            self.widths[key], self.heights[key] = self._size(key)
        self._make_rows(ports_in, ports_out)
        self._make_coordinates()

    # --- Sizes ---

    def _group(self, group, rankdir):
        """The layout of a group's inside, its frame around it at (0, 0)."""
        used_in = sorted({a.end.index for a in self.arrows if a.end.key == group.key})
        used_out = sorted({a.start.index for a in self.arrows if a.start.key == group.key})
        inputs = {i: group.inputs[i] for i in used_in}
        outputs = {i: group.outputs[i] for i in used_out}
        inside = _Level(group.inside, rankdir, inputs, outputs).result()
        title = text.width(group.title, bold=True) + 2 * FRAME_PAD
        width = max(inside.width + 2 * FRAME_PAD, title)
        height = inside.height + FRAME_TITLE + FRAME_PAD
        inside = inside.moved((width - inside.width) / 2, FRAME_TITLE, deeper=1)
        rim = []
        for ports, at_end in ((inside.inputs, False), (inside.outputs, True)):
            for i, (x, y) in ports.items():
                dx, dy = self.flow
                far = at_end == (dx + dy > 0)
                edge = (x, height if far else 0.0) if dy else (width if far else 0.0, y)
                rim.append(Curve(edge, [((x, y),)], keys=(group.key,)))
                ports[i] = edge
        frame = Place(group, 0.0, 0.0, width, height)
        return dataclasses.replace(
            inside, width=width, height=height, frames=[frame, *inside.frames], curves=[*inside.curves, *rim]
        )

    def _size(self, key):
        if key not in self.nodes:
            return 0.0, 0.0
        node = self.nodes[key]
        width, height = (self.groups[key].width, self.groups[key].height) if key in self.groups else node.size
        if any(a.start.key == key for a in self.loops):
            width += 2 * LOOP
        return (width, height) if self.upright else (height, width)

    def _port_at(self, port, of_output):
        """How far from the middle of its side an arrow's end stands, if it is the port of a group."""
        if port.key not in self.groups:
            return 0.0
        group = self.groups[port.key]
        x, y = (group.outputs if of_output else group.inputs)[port.index]
        return x - group.width / 2 if self.upright else y - group.height / 2

    # --- Rows ---

    def _make_rows(self, ports_in, ports_out):
        arrows = [a for a in self.arrows if a.start.key != a.end.key]
        pairs = [(a.start.key, a.end.key) for a in arrows]
        straight, turned = without_circles([*ports_in, *self.nodes, *ports_out], pairs)
        within = [(s, e) for s, e in straight if s in self.nodes and e in self.nodes]
        rank = ranks(self.nodes, within)
        rank = {node: row + bool(ports_in) for node, row in rank.items()}
        rank.update(dict.fromkeys(ports_in, 0))
        rank.update(dict.fromkeys(ports_out, max(rank.values(), default=0) + 1))
        rows = [[] for _ in range(max(rank.values(), default=-1) + 1)]
        for node in [*ports_in, *self.nodes, *ports_out]:
            rows[rank[node]].append(node)
        self.edges = []
        for place, (start, end) in enumerate(straight):
            bends = [("bend", place, row) for row in range(rank[start] + 1, rank[end])]
            for bend in bends:
                rows[bend[2]].append(bend)
                self.widths[bend] = self.heights[bend] = 0.0
            self.edges.append(self._edge(arrows[place], [start, *bends, end], place in turned))
        self.rows = order_rows(rows, self._links(as_share=True))

    def _edge(self, arrow, chain, turned):
        if turned:  # a way back keeps to the right, beside the ways forth
            return _Edge(arrow, chain, True, *(self._aside(key) for key in (chain[0], chain[-1])))
        return _Edge(arrow, chain, False, self._port_at(arrow.start, True), self._port_at(arrow.end, False))

    def _aside(self, key):
        return 0.0 if key in self.groups else min(self.widths[key] / 4, 2 * PORT_STEP)

    def _links(self, as_share):
        """(start, end, offset, offset) for each step of each edge from row to row."""
        links = []
        for edge in self.edges:
            last = len(edge.chain) - 2
            for i in range(last + 1):
                start, end = edge.chain[i], edge.chain[i + 1]
                start_at = edge.start_at if i == 0 else 0.0
                end_at = edge.end_at if i == last else 0.0
                if as_share:
                    start_at /= self.widths[start] + 1.0
                    end_at /= self.widths[end] + 1.0
                links.append((start, end, start_at, end_at))
        return links

    # --- Coordinates ---

    def _make_coordinates(self):
        self._spread_ends()
        bends = {node: isinstance(node, tuple) and node[0] == "bend" for row in self.rows for node in row}
        links = self._links(as_share=False)

        def gap(left, right):
            return BEND_GAP if bends[left] or bends[right] else BOX_GAP

        along = coordinates(self.rows, links, self.widths, bends, gap)
        least = min((along[n] - self.widths[n] / 2 for n in along), default=0.0)
        self.along = {node: value - least for node, value in along.items()}
        self.across = max((self.along[n] + self.widths[n] / 2 for n in along), default=0.0)
        row_of = {node: i for i, row in enumerate(self.rows) for node in row}
        sideways = [0.0] * len(self.rows)
        for start, end, start_at, end_at in links:
            way = abs(self.along[start] + start_at - self.along[end] - end_at)
            sideways[row_of[start]] = max(sideways[row_of[start]], way)
        self.tops, self.bottoms, down = [], [], 0.0
        for i, row in enumerate(self.rows):
            self.tops.append(down)
            down += max((self.heights[n] for n in row), default=0.0)
            self.bottoms.append(down)
            down += self._row_gap(i, sideways[i])
        self.row_of, self.length = row_of, self.bottoms[-1] if self.bottoms else 0.0

    def _row_gap(self, i, sideways):
        at_rim = any(i in (row, row - 1) for row in self._port_rows())
        return max(PORT_GAP if at_rim else ROW_GAP, min(sideways * STEEPEST, WIDEST_ROW_GAP))

    def _port_rows(self):
        return {i for i in (0, len(self.rows) - 1) if any(n in self.ports for n in self.rows[i])}

    def _spread_ends(self):
        """Let arrows that meet at a side of a box end side by side, in the order of where they lead.

        Arrows to one and the same box leave together, so that what follows them does not drift aside.
        """
        order = {node: j for row in self.rows for j, node in enumerate(row)}
        starting, ending = {}, {}
        for place, edge in enumerate(self.edges):
            if not edge.turned:
                first, *_, last = edge.chain
                starting.setdefault(first, {}).setdefault(last, []).append((order[edge.chain[1]], edge))
                ending.setdefault(last, {})[place] = [(order[edge.chain[-2]], edge)]
        for bundles_of, at in ((starting, "start_at"), (ending, "end_at")):
            for node, bundles in bundles_of.items():
                if node not in self.nodes or node in self.groups:
                    continue
                step = min(PORT_STEP, (self.widths[node] - 12) / len(bundles))
                in_order = sorted(bundles.values(), key=lambda bundle: bundle[0][0])
                for j, bundle in enumerate(in_order):
                    for _, edge in bundle:
                        setattr(edge, at, (j - (len(bundles) - 1) / 2) * step)

    # --- The result ---

    def result(self):
        """The placed level, its corner at (0, 0)."""
        size = (self.across, self.length) if self.upright else (self.length, self.across)
        found = Layout(*size, [], [], [self._curve(edge) for edge in self.edges])
        for key, node in self.nodes.items():
            row = self.row_of[key]
            middle = (self.tops[row] + self.bottoms[row]) / 2
            x, y = self._at(self.along[key], middle)
            if key in self.groups:
                group = self.groups[key]
                group = group.moved(x - group.width / 2, y - group.height / 2)
                for mine, theirs in ((found.boxes, group.boxes), (found.frames, group.frames)):
                    mine.extend(theirs)
                found.curves.extend(group.curves)
                width, height = group.width, group.height
            else:
                width, height = node.size
                found.boxes.append(Place(node, x - width / 2, y - height / 2, width, height))
            loops = sum(a.start.key == key for a in self.loops)
            found.curves.extend(_loop(key, x + width / 2, y, height, i) for i in range(loops))
        for key in self.ports:
            ports = found.inputs if key[0] == "in" else found.outputs
            ports[key[1]] = self._at(self.along[key], self.tops[self.row_of[key]])
        return found

    def _at(self, along, down):
        """(x, y) of a point."""
        down = down if sum(self.flow) > 0 else self.length - down
        return (along, down) if self.upright else (down, along)

    def _curve(self, edge):
        """The curve of an edge: straight down through rows, bent in the gaps between them, so that it meets no box."""
        first, last = edge.chain[0], edge.chain[-1]
        points = []  # two for each row: where the curve enters and leaves its band
        for node in edge.chain:
            row = self.row_of[node]
            points += [(self.along[node], self.tops[row]), (self.along[node], self.bottoms[row])]
        start = (points[0][0] + edge.start_at, self._side(first, +1))
        end = (points[-1][0] + edge.end_at, self._side(last, -1))
        points = [start, (start[0], points[1][1]), *points[2:-2], (end[0], points[-2][1]), end]
        headed = last in self.nodes and last not in self.groups and not edge.turned
        if headed:
            points[-2:] = [(end[0], points[-2][1] - HEAD), (end[0], end[1] - HEAD)]
        back = edge.turned and first not in self.ports
        if back:
            points[:2] = [(start[0], start[1] + HEAD), (start[0], points[1][1] + HEAD)]
        parts = []
        for i in range(1, len(points)):
            before, here = points[i - 1], points[i]
            middle = (before[1] + here[1]) / 2
            if before[0] == here[0]:
                parts.append((here,))
            else:
                parts.append(((before[0], middle), (here[0], middle), here))
        head = self.flow if headed else None
        if back:
            points, parts = points[::-1], _backwards(points[0], parts)
            head = (-self.flow[0], -self.flow[1])
        placed = [tuple(self._at(*p) for p in part) for part in _joined(points[0], parts)]
        return Curve(self._at(*points[0]), placed, head, (edge.arrow.start.key, edge.arrow.end.key))

    def _side(self, node, sign):
        """Where the box of a node ends, in the direction of the flow (+1) or against it (-1)."""
        row = self.row_of[node]
        return (self.tops[row] + self.bottoms[row]) / 2 + sign * self.heights[node] / 2


def _backwards(start, parts):
    """`parts` walked from the end to `start`."""
    ends = [start, *(part[-1] for part in parts)]
    turned = []
    for i in range(len(parts) - 1, -1, -1):
        turned.append((*parts[i][:-1][::-1], ends[i]))
    return turned


def _joined(start, parts):
    """`parts` with straight pieces in a row as one, and none of no length."""
    joined, here = [], start
    for part in parts:
        if len(part) == 1 and part[0] == here:
            continue
        if len(part) == 1 and joined and len(joined[-1]) == 1 and _level(joined, start, part[0]):
            joined.pop()
        joined.append(part)
        here = part[-1]
    return joined


def _level(joined, start, point):
    before = joined[-2][-1] if len(joined) > 1 else start
    return before[0] == joined[-1][0][0] == point[0]


def _loop(key, right, middle, height, number):
    """An arrow from a box to itself, at its right side."""
    far = LOOP - 4 - 6 * number
    low, high = middle + height / 4, middle - height / 4
    end = (right + HEAD, high)
    out = ((right + far, low), (right + far, middle + height / 8), (right + far, middle))
    back = ((right + far, middle - height / 8), (right + far, high), end)
    return Curve((right, low), [out, back], (-1, 0), (key, key))
