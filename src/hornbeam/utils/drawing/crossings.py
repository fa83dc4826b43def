"""Order of the nodes in each row, so that few edges cross: barycentre sweeps, then swaps of neighbours.

Reference: Sugiyama, Tagawa, Toda, "Methods for visual understanding of hierarchical system structures", 1981.
"""

import bisect

SWEEPS = 16
MOST_FOR_SWAPS = 3000  # edges between neighbouring rows; swaps cost more than sweeps


def order_rows(rows, links):
    """Rows with their nodes in an order of few crossings.

    Args:
        rows: list of lists of nodes, in an order to begin with.
        links: list of (start, end, offset at start, offset at end) between neighbouring rows; offsets in [-0.5, 0.5]
            say where on a wide node an edge ends.
    """
    up, down = {}, {}
    for start, end, start_at, end_at in links:
        down.setdefault(start, []).append((end, end_at))
        up.setdefault(end, []).append((start, start_at))
    level = {node: i for i, row in enumerate(rows) for node in row}
    by_row = [[] for _ in rows]
    for link in links:
        by_row[level[link[0]]].append(link)
    best, fewest = rows, _count(rows, by_row)
    for sweep in range(SWEEPS):
        if not fewest:
            break
        rows = _sweep(rows, up if sweep % 2 == 0 else down, forward=sweep % 2 == 0)
        if len(links) <= MOST_FOR_SWAPS:
            rows = _swapped(rows, up, down)
        found = _count(rows, by_row)
        if found < fewest:
            best, fewest = rows, found
    return best


def _sweep(rows, neighbours, forward):
    rows = list(rows)
    for i in range(1, len(rows)) if forward else range(len(rows) - 2, -1, -1):
        place = {node: j for j, node in enumerate(rows[i - 1 if forward else i + 1])}
        own = {node: j for j, node in enumerate(rows[i])}

        def middle(node, place=place, own=own):
            at = [place[other] + offset for other, offset in neighbours.get(node, ())]
            return sum(at) / len(at) if at else own[node]

        rows[i] = sorted(rows[i], key=middle)
    return rows


def _swapped(rows, up, down):
    rows = [list(row) for row in rows]
    for i, row in enumerate(rows):
        above = {node: j for j, node in enumerate(rows[i - 1])} if i else {}
        below = {node: j for j, node in enumerate(rows[i + 1])} if i + 1 < len(rows) else {}
        improved = True
        while improved:
            improved = False
            for j in range(len(row) - 1):
                left, right = row[j], row[j + 1]
                now = _pair(left, right, up, above) + _pair(left, right, down, below)
                then = _pair(right, left, up, above) + _pair(right, left, down, below)
                if then < now:
                    row[j], row[j + 1] = right, left
                    improved = True
    return rows


def _pair(left, right, neighbours, place):
    """Crossings between the edges of two nodes that stand side by side."""
    lefts = [place[n] + at for n, at in neighbours.get(left, ()) if n in place]
    rights = [place[n] + at for n, at in neighbours.get(right, ()) if n in place]
    return sum(a > b for a in lefts for b in rights)


def _count(rows, by_row):
    """Crossings of all edges, by counting pairs out of order."""
    crossings = 0
    for i, links in enumerate(by_row[:-1]):
        upper = {node: j for j, node in enumerate(rows[i])}
        lower = {node: j for j, node in enumerate(rows[i + 1])}
        ends = sorted((upper[s] + at, lower[e] + to) for s, e, at, to in links)
        seen = []
        for _, end in ends:
            crossings += len(seen) - bisect.bisect_right(seen, end)
            bisect.insort(seen, end)
    return crossings
