"""Loops over rows of looked-up words: states that rows share are computed once, and words projected once.

Rows that begin with the same word again and again, as padded ones do, have the same first states. They are sorted by
how long they do so. One row walks through that word for all of them; the others join in groups, each group when the
first of its rows meets another word, and from then on all of them are computed as ever. So there is one loop for each
number of rows at work, and its first and last column are known at run time. docs/decisions/0018 has the times.

What the loops keep for the way back is packed: first what all rows share, a row a column; then the rows at work in
each column, column after column. The way back goes the same way; where rows join, their gradients are added up.

Operands are those of `recurrent`, with `words`; columns are counted in the order of processing.
"""

import functools
import typing

import jax
import jax.numpy as jnp

from hornbeam.engines.jax import recurrent_products as _products
from hornbeam.engines.jax.barriers import run_if, zero_after
from hornbeam.engines.jax.recurrent_inputs import are_few, inputs_of
from hornbeam.engines.jax.recurrent_scan import at, put, span

_EIGHTHS = (1, 2, 4, 6, 8)  # of the rows, that are at work at a time
_LEAST_ROWS = 64
# Numbers that the loop emits, from which on this is tried. With fewer, two directions lose what they compute side by
# side as soon as words turn out not to be few: 1.08 of a step of benchmarks/bilstm.py.
_LEAST = 1 << 23
# Rows whose products of the way back are taken at once, while they lie in the caches; where more than half as many are
# at work, column by column. A step of benchmarks/sentiment.py takes 0.92 of the time that it took with 6250, and with
# 250 and 500 the same; 200 rows take 1.03 with 512.
_AT_ONCE = 1024

_loop = jax.lax.fori_loop


class Plan(typing.NamedTuple):
    """Which rows are at work in which columns; `sizes` tells how many, group after group."""

    few: jax.Array  # are there few words? Otherwise the plain loop takes less time
    rows: jax.Array  # (B,) the rows, those that soonest meet another word first
    word: jax.Array  # (T, B) numbers of the words of these rows
    starts: jax.Array  # (S,) first column of each group
    begins: jax.Array  # (S,) where it begins in packed arrays; before them all, one row for each column they share

    @property
    def sizes(self):
        """How many rows are at work, from the first number to all of them."""
        return _sizes(len(self.rows), len(self.starts) > 1)

    @property
    def ends(self):
        """(S,) column behind the last of each group."""
        return _ends(self.starts, len(self.word))

    @property
    def shared(self):
        """How many columns all rows share that are not at work."""
        return self.starts[-1]

    def place(self, group, column):
        """Where in packed arrays the rows of a group begin."""
        return self.begins[group] + (column - self.starts[group]) * self.sizes[group]

    def spots(self, place, length):
        """(columns, sorted rows) of `length` places of packed arrays from `place` on; the last row stands for all that
        wait."""
        place = place + jnp.arange(length, dtype=jnp.int32)
        group = jnp.sum(place[:, None] >= self.begins, 1, dtype=jnp.int32) - 1
        column, row = jnp.divmod(place - self.begins[group], jnp.asarray(self.sizes, jnp.int32)[group])
        waits = place < self.shared
        column = jnp.where(waits, place, jnp.minimum(column + self.starts[group], len(self.word) - 1))
        return column, jnp.where(waits, len(self.rows) - 1, row)

    def places(self):
        """(T, B): where in packed arrays are the states of these rows?"""
        at_work, place = self.joins()
        return jnp.where(at_work, place, jnp.arange(len(place), dtype=jnp.int32)[:, None])

    def pack(self, reverse, saved):
        """What the plain loop saved, as :func:`forward` does."""
        column, row = self.spots(0, self.word.size)
        column = len(self.word) - 1 - column if reverse else column
        packed = lambda a: jnp.where(self.few, a[column, self.rows[row]].reshape(a.shape), a)  # noqa: E731
        return jax.tree.map(packed, saved)

    def unpack(self, reverse, saved):
        """What :func:`forward` saved, as the plain loop does."""
        place = self.places()[::-1] if reverse else self.places()
        plain = lambda a: jnp.where(self.few, a.reshape(-1, *a.shape[2:])[place], a)  # noqa: E731
        return jax.tree.map(plain, saved)

    def joins(self):
        """(T, B): is the row, in its first place, at work?; (T, B): its place in packed arrays then."""
        column = jnp.arange(len(self.word), dtype=jnp.int32)[:, None]
        position = jnp.zeros_like(self.rows).at[self.rows].set(jnp.arange(len(self.rows), dtype=jnp.int32))
        sizes = jnp.asarray(self.sizes, jnp.int32)
        at_work = column >= self.starts[jnp.searchsorted(sizes, position, side="right")]
        group = jnp.sum(column >= self.starts, 1, keepdims=True, dtype=jnp.int32) - 1
        return at_work, self.begins[group] + (column - self.starts[group]) * sizes[group] + position


def _ends(starts, steps):
    return jnp.append(starts[1:], jnp.int32(steps))


def _sizes(rows, in_groups):
    return tuple(sorted({max(1, rows * eighths // 8) for eighths in _EIGHTHS})) if in_groups else (rows,)


def plan_of(operands, reverse, state_is_learnt):
    """How these rows go through the loops; None if nothing is known of their words.

    All are one group if there are few, if each has a dropout of its own, or if gradients of their first states are
    wanted, which are each row's own.
    """
    if operands.words is None or operands.mask is not None:
        return None
    word, _, _ = operands.words
    if word.size * operands.kernel.shape[-1] < _LEAST:
        return None
    word = word[:, ::-1] if reverse else word
    rows, steps = word.shape
    sizes = _sizes(rows, rows >= _LEAST_ROWS and not operands.drop and not state_is_learnt)
    order, starts = jnp.arange(rows, dtype=jnp.int32), jnp.zeros(1, jnp.int32)
    if len(sizes) > 1:
        first = jnp.sort(word[:, 0])[rows // 2]  # the word that most rows begin with, if most begin with one
        other = word != first
        same = jnp.stack([jnp.all(s == s[:1]) for s in operands.state]).all()
        alike = jnp.where(other.any(1), jnp.argmax(other, 1), steps) * same
        alike, order = jax.lax.sort_key_val(alike.astype(jnp.int32), order)
        word, starts = word[order], alike[jnp.asarray((0, *sizes[:-1]))]
    lengths = (_ends(starts, steps) - starts) * jnp.asarray(sizes, jnp.int32)
    begins = starts[-1] + jnp.cumsum(lengths, dtype=jnp.int32) - lengths
    return Plan(are_few(operands.words), order, word.T, starts, begins)


def _put_rows(tree, rows, place):
    return jax.tree.map(lambda a, r: jax.lax.dynamic_update_slice_in_dim(a, r, place, 0), tree, rows)


def _packed(count, after, step, *examples):
    """Arrays of `count` rows for what this step, of a loop, emits for each row."""
    _, form = jax.eval_shape(step, *examples)
    zero = zero_after(after)  # constants would be kept, and copied in each step
    return jax.tree.map(lambda a: jnp.full((count, *a.shape[1:]), zero, a.dtype), form)


def forward(cell, reverse, operands, step):
    """What the plain loop gives: (last state, (outputs or None, whatever is saved)); the latter is packed, in arrays
    of the same shape."""
    plan, table = operands.plan, inputs_of(operands, cell.gates).table()

    def z_of(words):
        return _products.cut(table.at[words].get(mode="promise_in_bounds"), cell.gates)

    own = tuple(s[plan.rows] for s in operands.state)
    first, z = tuple(s[:1] for s in own), z_of(plan.word[0, -1:])  # the last waits longest
    emitted = _packed(plan.word.size, table, step, first, (z, None))
    reached = tuple(jnp.zeros((len(plan.word) + 1, *s.shape), s.dtype).at[0].set(s) for s in first)

    def alone(column, carry):
        state, reached, emitted = carry
        state, new = step(state, (z, None))
        return state, put(reached, state, column + 1), _put_rows(emitted, new, column)

    if len(plan.sizes) > 1:
        _, reached, emitted = _loop(0, plan.shared, alone, (first, reached, emitted))
    state = tuple(s[:0] for s in own)
    for group, size in enumerate(plan.sizes):
        start = plan.starts[group]
        # those who wait for nobody begin with their own states, equal or not
        more = [jnp.where(start == 0, s[len(state[0]) : size], r) for s, r in zip(own, at(reached, start), strict=True)]
        state = tuple(jnp.concatenate(parts) for parts in zip(state, more, strict=True))

        def together(column, carry, group=group, size=size):
            state, emitted = carry
            state, new = step(state, (z_of(plan.word[column, :size]), None))
            return state, _put_rows(emitted, new, plan.place(group, column))

        state, emitted = _loop(start, plan.ends[group], together, (state, emitted))
    last = tuple(jnp.zeros_like(s).at[plan.rows].set(s, unique_indices=True) for s in state)
    outputs, saved = emitted
    if outputs is not None:
        place = plan.places()[::-1] if reverse else plan.places()
        outputs = outputs.at[place].get(mode="promise_in_bounds")
    return last, (outputs, jax.tree.map(lambda a: a.reshape(*plan.word.shape, *a.shape[1:]), saved))


class _WayBack:
    """The loops back over the rows at work, and the products with what they give, a few columns at a time."""

    def __init__(self, cell, operands, kept, step):
        self.cell, self.operands, self.plan, self.step = cell, operands, operands.plan, step
        self.kept = jax.tree.map(lambda a: a.reshape(-1, *a.shape[2:]), kept)

    def walk(self, start, end, place, dstate, doutput_at, sums, joined=None):
        """Gradients of the states before `start`, from those after `end`, and the sums with what follows.

        Args:
            place: function of a column: where its rows begin in packed arrays.
            doutput_at: function of a column: gradients of its outputs.
            joined: gradients (T + 1, 1, H) to be added to those of the states before each column.
        """
        size = len(dstate[0])
        columns = max(1, min(_AT_ONCE // size, len(self.plan.word)))

        def step(column, state):
            state, new = self.step(state, (*span(self.kept, place(column), size), doutput_at(column), None))
            return state if joined is None else jax.tree.map(jnp.add, state, at(joined, column)), new

        def one_column(i, carry):
            dstate, sums = carry
            column = end - 1 - i
            dstate, new = step(column, dstate)
            return dstate, self._added(sums, place(column), size, new)

        if columns == 1:
            return _loop(0, end - start, one_column, (dstate, sums))
        length = columns * size
        emitted = _packed(length, dstate[0], step, 0, dstate)

        def few_columns(number, carry):
            dstate, emitted, sums = carry
            last = end - number * columns
            begin = jnp.maximum(last - columns, start)
            first = jnp.clip(place(begin), 0, self.plan.word.size - length)
            offset, real = place(begin) - first, (last - begin) * size

            def one(i, carry):
                state, emitted = carry
                column = last - 1 - i
                state, new = step(column, state)
                return state, _put_rows(emitted, new, place(column) - first)

            dstate, emitted = _loop(0, last - begin, one, (dstate, emitted))
            emitted = run_if(real < length, _none_but, emitted, (offset, real))
            return dstate, emitted, self._added(sums, first, size, emitted)

        dstate, _, sums = _loop(0, (end - start + columns - 1) // columns, few_columns, (dstate, emitted, sums))
        return dstate, sums

    def _added(self, sums, place, size, emitted):
        words, dweights = sums
        length = len(emitted[0])
        words = words.at[self.plan.word[self.plan.spots(place, length)]].add(emitted[0], mode="promise_in_bounds")
        now = (*span(self.kept, place, length), *emitted)
        now = jax.tree.map(lambda a: a.reshape(-1, size, *a.shape[1:]), now)
        return words, jax.tree.map(jnp.add, dweights, self.cell.weight_gradients(self.operands.drop, *now))


def _none_but(rows, spot):
    """`rows`, of which only so many from a first one on are kept; 0 in the place of the others."""
    first, count = spot
    number = jnp.arange(len(rows[0]), dtype=jnp.int32)
    real = ((number >= first) & (number < first + count))[:, None]
    return jax.tree.map(lambda a: jnp.where(real, a, 0), rows)


def backward(cell, reverse, operands, slices, dlast, step):
    """What the plain loop back and the products with its result give: gradients of xs, state, kernel, weights and
    bias, but of the state nothing of use if the rows are in groups. `slices` are (states before, saved, gradients of
    the outputs or None, None), of which the first two are packed."""
    plan, inputs = operands.plan, inputs_of(operands, cell.gates)
    *kept, doutputs, _ = slices
    if doutputs is not None:
        doutputs = doutputs[::-1] if reverse else doutputs
    back = _WayBack(cell, operands, tuple(kept), step)
    nothing, words = inputs.no_gradients(dlast[0])
    # sums of so many products are kept in single precision at least
    sums = words, tuple(jnp.zeros(w.shape, jnp.promote_types(w.dtype, jnp.float32)) for w in operands.weights)
    dstate = tuple(s[plan.rows] for s in dlast)
    joined = []
    for group, size in reversed(list(enumerate(plan.sizes))):
        rows = plan.rows[:size]
        doutput_at = lambda column, rows=rows: None if doutputs is None else doutputs[column][rows]  # noqa: E731
        place = functools.partial(plan.place, group)
        dstate, sums = back.walk(plan.starts[group], plan.ends[group], place, dstate, doutput_at, sums)
        if len(plan.sizes) > 1:
            before = plan.sizes[group - 1] if group else 0
            joined.append((plan.starts[group], tuple(s[before:].sum(0, keepdims=True) for s in dstate)))
            dstate = tuple(s[:before] for s in dstate)
    if joined:
        sums = _alone_back(back, joined, doutputs, sums)
        dstate = jax.tree.map(jnp.zeros_like, operands.state)
    words, dweights = sums
    dweights = tuple(d.astype(w.dtype) for d, w in zip(dweights, operands.weights, strict=True))
    dxs, dkernel, dbias = inputs.added((nothing, words))
    return dxs, dstate, dkernel, dweights, None if operands.bias is None else dbias


def _alone_back(back, joined, doutputs, sums):
    """The sums with what follows from the row that walks alone. `joined`: (column, gradients of the states (1, H) that
    others began with before it), a group each."""
    plan, doutput_at = back.plan, lambda column: None
    if doutputs is not None:
        waiting = jnp.where(~plan.joins()[0][:, :, None], doutputs, 0).sum(1, keepdims=True)
        doutput_at = lambda column: waiting[column]  # noqa: E731
    table = tuple(jnp.zeros((len(plan.word) + 1, *s.shape), s.dtype) for s in joined[0][1])
    for column, states in joined:
        table = tuple(t.at[column].add(s) for t, s in zip(table, states, strict=True))
    return back.walk(0, plan.shared, lambda column: column, at(table, plan.shared), doutput_at, sums, table)[1]
