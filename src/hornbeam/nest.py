"""Nested lists, tuples and dicts of anything: flatten, map, pack. Dicts are walked in key order of insertion."""

from typing import Any


def flatten(structure):
    """Leaves of `structure` from left to right; None counts as a leaf.

    Example:
        >>> flatten([1, (2, {"a": 3})])
        [1, 2, 3]
    """
    leaves = []
    _collect(structure, leaves)
    return leaves


def _collect(structure, leaves):
    if isinstance(structure, (list, tuple)):
        for item in structure:
            _collect(item, leaves)
    elif isinstance(structure, dict):
        for item in structure.values():
            _collect(item, leaves)
    else:
        leaves.append(structure)


def map_structure(function, *structures) -> Any:
    """`function` applied to matching leaves; the first structure gives the form.

    Example:
        >>> map_structure(lambda a, b: a + b, [1, {"x": 2}], [10, {"x": 20}])
        [11, {'x': 22}]
    """
    first = structures[0]
    if isinstance(first, dict):
        return type(first)((key, map_structure(function, *(s[key] for s in structures))) for key in first)
    if isinstance(first, (list, tuple)):
        items = [map_structure(function, *group) for group in zip(*structures, strict=True)]
        return type(first)(*items) if hasattr(first, "_fields") else type(first)(items)
    return function(*structures)


def pack_like(structure, leaves):
    """`leaves` in the form of `structure`."""
    remaining = iter(leaves)
    return map_structure(lambda _: next(remaining), structure)


def to_list(x):
    """`x` itself if it is a list, its items if a tuple, else a list of one. None gives an empty list.

    Example:
        >>> to_list("a"), to_list(("a", "b")), to_list(None)
        (['a'], ['a', 'b'], [])
    """
    if x is None:
        return []
    if isinstance(x, list):
        return x
    return list(x) if isinstance(x, tuple) else [x]


def unpack_singleton(items):
    """The only item of a one-item list, else the list."""
    return items[0] if len(items) == 1 else items


def after_what_it_needs(wanted, needs):
    """`wanted` and all it needs, each thing once and after those that it needs, in the order of a walk to the depths.

    Loops instead of recursion, so that graphs a thousand layers deep pose no problem.

    Args:
        wanted: list of things that can be hashed.
        needs: function from a thing to a sequence of others; called once for each.

    Example:
        >>> after_what_it_needs(["pie"], lambda thing: {"pie": ["dough", "apple"], "dough": ["flour"]}.get(thing, []))
        ['flour', 'dough', 'apple', 'pie']
    """
    done, order = set(), []
    waiting = [(thing, False) for thing in reversed(wanted)]
    while waiting:
        thing, ready = waiting.pop()
        if thing in done:
            continue
        if ready:
            done.add(thing)
            order.append(thing)
            continue
        waiting.append((thing, True))
        waiting.extend((other, False) for other in reversed(needs(thing)))
    return order
