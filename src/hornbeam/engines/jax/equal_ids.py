"""Which places of a list hold equal ids, and what differs, side by side: no sort, nothing that grows with the ids."""

import jax.numpy as jnp

from hornbeam.engines.jax.tensors import accelerated


def first_places(scratch, ids):
    """Choose one place of each among equal ids; costs the same whatever the table's size.

    Args:
        scratch: (V,) int32, whatever it holds.
        ids: (n,) integers from 0 on; those of V or more are left out.

    Returns:
        (first (n,): for each place the one that stands for its id, n for an id left out; rows (n,): the id at places
        that stand for one, V elsewhere; the scratch to hand in next time).
    """
    count, places = ids.shape[0], jnp.arange(ids.shape[0], dtype=scratch.dtype)
    if accelerated():  # rows are written in any order there: the largest place wins in each
        scratch = scratch.at[ids].set(-1, mode="drop").at[ids].max(places, mode="drop")
    else:
        scratch = scratch.at[ids].set(places, mode="drop")
    first = scratch.at[ids].get(mode="fill", fill_value=count)
    return first, jnp.where(first == places, ids, scratch.shape[0]), scratch


def side_by_side(stands, values, room, blank):
    """Those of `values` (n,) that stand for an id, without gaps.

    Args:
        stands: (n,) bool.
        room: how many are kept.
        blank: what fills the rest.

    Returns:
        (number (n,): the place of each that stands among those kept; kept (room,); how many there are, perhaps more).
    """
    number = jnp.cumsum(stands, dtype=jnp.int32) - 1
    kept = jnp.full(room, blank, values.dtype).at[jnp.where(stands, number, room)].set(values, mode="drop")
    return number, kept, number[-1] + 1
