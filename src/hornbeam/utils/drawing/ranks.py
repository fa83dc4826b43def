"""Ranks of a graph: which rows its nodes stand in, so that edges lead from a row to a later one."""

import collections


def without_circles(nodes, edges):
    """Turn edges around until there is no circle.

    Args:
        nodes: keys, those that come first preferably first.
        edges: list of (start, end), start and end not the same.

    Returns:
        List of edges in the same order, and the set of places in it that were turned around.
    """
    onward = collections.defaultdict(list)
    for place, (start, end) in enumerate(edges):
        onward[start].append((place, end))
    state, turned = {}, set()
    for root in nodes:
        stack = [(root, iter(onward[root]))] if root not in state else []
        state.setdefault(root, "open")
        while stack:
            node, rest = stack[-1]
            for place, end in rest:
                if end not in state:
                    state[end] = "open"
                    stack.append((end, iter(onward[end])))
                    break
                if state[end] == "open":
                    turned.add(place)
            else:
                state[node] = "closed"
                stack.pop()
    return [(e, s) if place in turned else (s, e) for place, (s, e) in enumerate(edges)], turned


def ranks(nodes, edges):
    """node -> row, by the longest path from a node without predecessors.

    A node whose edges all lead onward (an input) is moved down to the row before its first use, and one with more
    edges out than in moves as far as it may, which shortens edges.

    Args:
        nodes: keys.
        edges: list of (start, end), free of circles.
    """
    before, after = collections.defaultdict(list), collections.defaultdict(list)
    for start, end in edges:
        before[end].append(start)
        after[start].append(end)
    order = in_order(nodes, before, after)
    rank = {}
    for node in order:
        rank[node] = 1 + max((rank[s] for s in before[node]), default=-1)
    for node in reversed(order):
        if after[node] and len(after[node]) > len(before[node]):
            rank[node] = min(rank[e] for e in after[node]) - 1
    lowest = min(rank.values(), default=0)
    return {node: rank[node] - lowest for node in nodes}


def in_order(nodes, before, after):
    """Nodes, each after all of `before[node]`; `after` says the same the other way round."""
    waiting = {node: len(before[node]) for node in nodes}
    ready = collections.deque(node for node in nodes if not waiting[node])
    order = []
    while ready:
        node = ready.popleft()
        order.append(node)
        for end in after[node]:
            waiting[end] -= 1
            if not waiting[end]:
                ready.append(end)
    return order
