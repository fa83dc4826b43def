"""Where nodes stand within their rows: long edges straight, nodes in the middle of what they are joined to.

Reference: Brandes and Köpf, "Fast and simple horizontal coordinate assignment", 2001. Differs in that edges may end
beside the middle of a wide node, that blocks are packed by longest paths over a graph of neighbouring blocks, and that
the mean of the four placements is taken instead of their median: stacks of equal blocks then stand under each other.
"""

import collections

from hornbeam.utils.drawing.ranks import in_order


def coordinates(rows, links, widths, is_dummy, gap):
    """node -> coordinate of its middle.

    Args:
        rows: list of lists of nodes, in their order.
        links: list of (start, end, offset at start, offset at end) between neighbouring rows, offsets in points from
            the middle.
        widths: node -> width.
        is_dummy: node -> is it a bend of a long edge?
        gap: function of two neighbours: least distance between their sides.
    """
    if not any(rows):
        return {}
    conflicts = _conflicts(rows, links, is_dummy)
    found = []
    for upward in (False, True):
        for mirrored in (False, True):
            turned = [row[::-1] if mirrored else row for row in (rows[::-1] if upward else rows)]
            sign = -1 if mirrored else 1
            block, shift = _align(turned, links, upward, sign, conflicts)
            x = _pack(turned, block, shift, widths, gap)
            found.append({node: sign * value for node, value in x.items()})
    return _balance(found, widths)


def _conflicts(rows, links, is_dummy):
    """Links that cross a stretch of a long edge; such stretches stay straight, the others give way."""
    order = {node: j for row in rows for j, node in enumerate(row)}
    level = {node: i for i, row in enumerate(rows) for node in row}
    by_row = collections.defaultdict(list)
    for place, (start, end, _, _) in enumerate(links):
        inner = is_dummy[start] and is_dummy[end]
        by_row[level[start]].append((order[start], order[end], inner, place))
    conflicts = set()
    for found in by_row.values():
        inners = [link for link in found if link[2]]
        for start, end, inner, place in found:
            for other_start, other_end, _, other in inners:
                crosses = (start - other_start) * (end - other_end) < 0
                if crosses and (not inner or place > other):
                    conflicts.add(place)
    return conflicts


def _align(rows, links, upward, sign, conflicts):
    """Join each node to a middle neighbour in the row before: node -> first node of its block, node -> shift in it."""
    neighbours = collections.defaultdict(list)
    order = {node: j for row in rows for j, node in enumerate(row)}
    for place, (start, end, start_at, end_at) in enumerate(links):
        if place in conflicts:
            continue
        if upward:
            start, end, start_at, end_at = end, start, end_at, start_at
        neighbours[end].append((order[start], start, sign * (start_at - end_at)))
    block = {node: node for row in rows for node in row}
    shift = dict.fromkeys(block, 0.0)
    taken = set()
    for row in rows[1:]:
        reached = -1
        for node in row:
            near = sorted(neighbours[node], key=lambda n: (n[0], n[2]))
            for m in dict.fromkeys(((len(near) - 1) // 2, len(near) // 2)) if near else ():
                place, other, offset = near[m]
                if block[node] is node and other not in taken and place > reached:
                    taken.add(other)
                    reached = place
                    block[node] = block[other]
                    shift[node] = shift[other] + offset
    return block, shift


def _pack(rows, block, shift, widths, gap):
    """Coordinates for one alignment: blocks as far left as they go, then towards their right neighbours."""
    after, before = collections.defaultdict(dict), collections.defaultdict(dict)
    for row in rows:
        for left, right in zip(row, row[1:], strict=False):
            least = (widths[left] + widths[right]) / 2 + gap(left, right) + shift[left] - shift[right]
            a, b = block[left], block[right]
            if a is not b:
                before[b][a] = after[a][b] = max(least, after[a].get(b, least))
    order = in_order(dict.fromkeys(block.values()), before, after)
    x = {}
    for node in order:
        x[node] = max((x[a] + least for a, least in before[node].items()), default=0.0)
    for node in reversed(order):
        room = min((x[b] - least for b, least in after[node].items()), default=None)
        if room is not None:
            x[node] = max(x[node], room)
    return {node: x[block[node]] + shift[node] for node in block}


def _balance(found, widths):
    """The mean of four placements, after all were moved to the sides of the narrowest."""

    def sides(x):
        return min(x[n] - widths[n] / 2 for n in x), max(x[n] + widths[n] / 2 for n in x)

    edges = [sides(x) for x in found]
    low, high = min(edges, key=lambda e: e[1] - e[0])
    moved = []
    for i, (x, (left, right)) in enumerate(zip(found, edges, strict=True)):
        by = low - left if i % 2 == 0 else high - right
        moved.append({n: value + by for n, value in x.items()})
    return {node: sum(x[node] for x in moved) / len(moved) for node in found[0]}
