"""Batches split over devices: what code that looks at all rows of a batch must know of the parts computed elsewhere.

Outside a split batch every function here gives back what it got, so that the arithmetic of losses and random words is
written once. `scope.Shard` says which part is at hand.
"""

import math

from hornbeam import scope
from hornbeam.engines import engine


def current_shard():
    """The `scope.Shard` that is computed here, or None for whole batches."""
    here = scope.current()
    return None if here is None else here.shard


def sum_over_shards(x):
    """`x`, an array or a nest of them, summed over the parts of the batch. Not to be differentiated through."""
    return x if current_shard() is None else engine.sum_over_shards(x)


def share_of_rows(valid=None):
    """The part of the batch's rows that is at hand, in [0, 1].

    Args:
        valid: number of real rows at hand (traced), or None if all are.
    """
    shard = current_shard()
    if shard is None:
        return 1.0
    if valid is None:
        return 1.0 / shard.count
    valid = engine.cast(valid, "float32")
    return valid / engine.maximum(engine.sum_over_shards(valid), 1.0)


def equal_share(x):
    """`x`, which every part of the batch computes alike, so that the parts add up to it."""
    shard = current_shard()
    return x if shard is None else x / shard.count


def random_offset(shape):
    """Where in the whole batch's stream of random numbers those of `shape` (rows first) begin."""
    shard = current_shard()
    if shard is None or not _has_rows(shape, shard):
        return 0
    return shard.number * math.prod(shape)


def own_part(make, shape):
    """`make(shape)`, or of the random numbers made for the whole batch those of the rows at hand."""
    shard = current_shard()
    if shard is None or not _has_rows(shape, shard):
        return make(shape)
    whole = make((shape[0] * shard.count, *shape[1:]))
    return engine.dynamic_slice(whole, (shard.number * shape[0], *[0] * (len(shape) - 1)), shape)


def _has_rows(shape, shard):
    # Time steps that were made rows are so many times the rows; a mask spread over all rows has size 1 there.
    return len(shape) > 0 and shape[0] > 0 and shape[0] % shard.rows == 0
