"""Where arrays of looked-up rows come from, for who can compute with ids in the place of rows."""

import weakref

_sources = {}  # id of an array, or of what stands for one while a program is traced -> (weak reference to it, source)


def remember(rows, ids, size):
    """Note that `rows` are those at `ids` of a table of `size` rows, for as long as `rows` is there."""
    key = id(rows)
    _sources[key] = weakref.ref(rows, lambda _: _sources.pop(key, None)), (ids, size)


def source_of(rows):
    """(ids, size of the table) if `rows` is the very array that a look-up gave; None otherwise."""
    found = _sources.get(id(rows))
    return None if found is None else found[1]
