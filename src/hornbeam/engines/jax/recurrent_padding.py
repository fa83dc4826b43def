"""Loops over a masked sequence that pass over the columns in which no row has a real step, wherever they are.

Columns are visited through a list, so a loop ends when the real ones do. Inputs are projected, and the products for
weight gradients taken, in parts of the sequence; parts before the first real column and behind the last are left out,
too. What that saves, and what a full mask costs, is in decision 13. Operands are those of `recurrent`.
"""

import jax
import jax.numpy as jnp

from hornbeam.engines.jax.recurrent_inputs import inputs_of
from hornbeam.engines.jax.recurrent_scan import at, put, span

_PART_FLOPS = 400_000_000  # of a part's projection: smaller products were slower by the part than whole

_loop = jax.lax.fori_loop


class _Columns:
    """Which columns of `mask` (B, T) are visited, in the order of processing, and in which parts.

    Attributes:
        order: (T,) columns in which some row is real, then the others, each in the order of processing.
        begins: (parts + 1,) number of real columns before each part, and of all, which is `count`.
        low, high: first of the parts that hold real columns, and the one behind their last; both 0 if none does.
        length: columns of a part; where they do not divide T, the last one overlaps the one before.
    """

    def __init__(self, mask, reverse, parts):
        self.steps, self.reverse, self.parts = mask.shape[1], reverse, parts
        self.length = -(-self.steps // parts)
        real = mask.any(0)
        real = real[::-1] if reverse else real
        place = jnp.arange(self.steps, dtype=jnp.int32)
        places = jax.lax.sort(jnp.where(real, place, place + self.steps)) % self.steps
        edges = jnp.minimum(jnp.arange(parts + 1, dtype=jnp.int32) * self.length, self.steps)
        self.order = self.column(places)
        self.begins = jnp.sum(real & (place < edges[:, None]), 1, dtype=jnp.int32)
        self.count = self.begins[-1]
        self.low = jnp.where(self.count > 0, places[0] // self.length, 0)
        self.high = jnp.where(self.count > 0, places[self.count - 1] // self.length + 1, 0)

    def column(self, place):
        """The column at a place in the order of processing."""
        return self.steps - 1 - place if self.reverse else place

    def first(self, part):
        """The leftmost column of a part."""
        place = jnp.minimum(part * self.length, self.steps - self.length)
        return self.steps - self.length - place if self.reverse else place

    def previous(self, column):
        """(the column processed before, is there one?)"""
        found = column + (1 if self.reverse else -1)
        return jnp.clip(found, 0, self.steps - 1), (found >= 0) & (found < self.steps)

    def for_parts(self, body, carry):
        """`body(part, carry)` for the parts with real columns, in the order of processing."""
        return body(0, carry) if self.parts == 1 else _loop(self.low, self.high, body, carry)

    def for_parts_back(self, body, carry):
        """The same, the last part first. Where parts overlap, the one that is written later is the one that counts."""
        if self.parts == 1:
            return body(0, carry)
        return _loop(0, self.high - self.low, lambda i, carry: body(self.high - 1 - i, carry), carry)


def _columns_of(operands, reverse):
    flops = 2 * operands.xs[0].size * operands.kernel.shape[-1]
    return _Columns(operands.mask, reverse, max(1, min(operands.mask.shape[1], flops // _PART_FLOPS)))


def _stacks(length, step, *examples):
    """Zeros for what `length` of these steps emit."""
    _, form = jax.eval_shape(step, *examples)
    return jax.tree.map(lambda a: jnp.zeros((length, *a.shape), a.dtype), form)


def forward(cell, reverse, operands, step):
    """What `scan(step, state, (z, mask), reverse=reverse)` gives, `z` the projected inputs: (last state, (outputs or
    None, whatever is saved)). What is saved of a column that was passed over is 0."""
    columns = _columns_of(operands, reverse)
    projected = inputs_of(operands, cell.gates).projection(columns.parts)
    turned_mask = operands.mask.T[:, :, None]

    def part(number, carry):
        first = columns.first(number)
        z = projected(first, columns.length)

        def one(k, carry):
            state, emitted = carry
            t = columns.order[k]
            state, new = step(state, (at(z, t - first), at(turned_mask, t)))
            return state, put(emitted, new, t)

        return _loop(columns.begins[number], columns.begins[number + 1], one, carry)

    state = operands.state
    gate = jax.ShapeDtypeStruct(state[0].shape, jnp.result_type(operands.xs[0], operands.kernel))
    emitted = _stacks(columns.steps, step, state, ((gate,) * cell.gates, turned_mask[0]))
    last, (outputs, saved) = columns.for_parts(part, (state, emitted))
    return last, (None if outputs is None else _repeated(columns, outputs, state[0]), saved)


def _repeated(columns, outputs, start):
    """`outputs` (T, B, H), where those of columns passed over are the ones before them."""

    def one(k, outputs):
        t = columns.order[k]
        before, exists = columns.previous(t)
        return outputs.at[t].set(jnp.where(exists, outputs[before], start))

    return _loop(columns.count, columns.steps, one, outputs)


def _repeated_back(columns, doutputs):
    """Gradients of `outputs` and `start` of :func:`_repeated`, the former for the columns that were visited."""

    def one(i, carry):
        doutputs, dstart = carry
        t = columns.order[columns.steps - 1 - i]
        before, exists = columns.previous(t)
        d = doutputs[t]
        return doutputs.at[before].add(jnp.where(exists, d, 0)), dstart + jnp.where(exists, 0, d)

    return _loop(0, columns.steps - columns.count, one, (doutputs, jnp.zeros_like(doutputs[0])))


def backward(cell, reverse, operands, slices, dlast, step):
    """What `scan(step, dlast, slices, reverse=not reverse)` and the products with its result give: gradients of xs,
    state, kernel, weights and bias. `slices` are (states before, saved, gradients of the outputs or None, mask)."""
    inputs = inputs_of(operands, cell.gates)
    before, saved, doutputs, turned_mask = slices
    columns, dstart = _columns_of(operands, reverse), None
    if doutputs is not None:
        doutputs, dstart = _repeated_back(columns, doutputs)
    slices = before, saved, doutputs, turned_mask
    empty = _stacks(columns.length, step, dlast, at(slices, 0))

    def part(number, carry):
        dstate, sums, dweights = carry
        first, begin, end = columns.first(number), columns.begins[number], columns.begins[number + 1]

        def one(i, carry):
            dstate, emitted = carry
            t = columns.order[end - 1 - i]
            dstate, new = step(dstate, at(slices, t))
            return dstate, put(emitted, new, t - first)

        dstate, (d, aside) = _loop(0, end - begin, one, (dstate, empty))
        h, kept = span((before, saved), first, columns.length)
        new = cell.weight_gradients(operands.drop, h, kept, d, aside)
        return dstate, inputs.add_gradients(sums, d, first), jax.tree.map(jnp.add, dweights, new)

    start = dlast, inputs.no_gradients(dlast[0]), jax.tree.map(jnp.zeros_like, operands.weights)
    dstate, sums, dweights = columns.for_parts_back(part, start)
    if dstart is not None:
        dstate = (dstate[0] + dstart, *dstate[1:])
    dxs, dkernel, dbias = inputs.added(sums)
    return dxs, dstate, dkernel, dweights, None if operands.bias is None else dbias
