"""Numbers that make names unique: 'dense_1', 'dense_2'."""

import collections
import contextlib

_counts = collections.defaultdict(int)


def get_uid(prefix=""):
    """The next number for `prefix`, from 1.

    Example:
        >>> reset_uids(); get_uid("dense"), get_uid("dense")
        (1, 2)
    """
    _counts[prefix] += 1
    return _counts[prefix]


def reset_uids():
    """Start counting from 1 again."""
    _counts.clear()


@contextlib.contextmanager
def keeping_uids():
    """Numbers given out in this block are given out again afterwards: for names that nobody is to see."""
    before = dict(_counts)
    try:
        yield
    finally:
        _counts.clear()
        _counts.update(before)
