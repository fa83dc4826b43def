"""Inputs of recurrent layers times their kernel, and the gradients of that product.

Words come again: of the 100 000 places of 1 000 padded reviews 13 000 hold a word that no place before them holds. If
it is known which inputs are equal, because they were looked up, each is projected once and its projection copied to
its places; on the way back, gradients are added up by word before the products. docs/decisions/0015 has the times.

Shapes are those of `recurrent`. A part of a sequence is given by its first column and their number.
"""

import typing

import jax
import jax.numpy as jnp

from hornbeam.engines.jax import barriers, equal_ids, products
from hornbeam.engines.jax import recurrent_products as _products
from hornbeam.engines.jax.look_up_sources import source_of
from hornbeam.engines.jax.recurrent_scan import span
from hornbeam.engines.jax.tensors import accelerated


class Operands(typing.NamedTuple):
    """What a recurrent layer computes with; shapes are those of `recurrent`."""

    xs: tuple  # of one array, or one a gate
    state: tuple
    kernel: jax.Array
    weights: tuple  # that each step uses: the recurrent kernel, and what else the cell takes
    bias: jax.Array | None
    mask: jax.Array | None
    drop: tuple  # of the state: none, one, or one a gate
    words: tuple | None = None  # what :func:`words_of` gives for the only one of `xs`
    plan: tuple | None = None  # what `recurrent_shared.plan_of` gives


# Measured with 0.2 to 1.7 GFLOP in the projection of all places and 64 to 256 features, forward and back: 0.73 to 0.90
# of the time for padded reviews, 0.98 to 1.07 where hardly a word comes twice, the more the smaller.
_LEAST_FLOPS = 400_000_000
_LEAST_FEATURES = 64
_PARTS = 32  # of the words that may be met, in which they are projected

_loop = jax.lax.fori_loop
_put = jax.lax.dynamic_update_slice_in_dim


def words_of(x, kernel):
    """Which places of `x` (B, T, D) hold the same look-up, in the form that :func:`inputs_of` takes; None if that is
    not known or would not pay.

    Returns:
        (word (B, T): number of the word at each place, by no order; places (U,): a place b T + t for each word; how
        many words there are, which may be more than U).
    """
    source = source_of(x)
    if source is None or jnp.ndim(x) != 3 or not products.at_least(x.size, 1) or accelerated():
        return None
    ids, size = source
    if x.shape[-1] < _LEAST_FEATURES or 2 * x.size * kernel.shape[-1] < _LEAST_FLOPS or size > x.size:
        return None
    count = ids.size
    ids = jnp.where(ids < 0, ids + size, ids).reshape(-1)
    ids = jnp.where((ids >= 0) & (ids < size), ids, size)  # the others look up the same: no number
    first, _, _ = equal_ids.first_places(jnp.zeros(size + 1, jnp.int32), ids)
    place = jnp.arange(count, dtype=jnp.int32)
    limit = -(-count // (_share(count) * _PARTS)) * _PARTS
    number, places, different = equal_ids.side_by_side(first == place, place, limit, 0)
    return number[first].reshape(x.shape[:2]), places, different


def _share(count):
    """Words are few if they are no more than one in so many of `count` places. The more places there are, the more of
    them hold words that came before; and arrays of the words' size are to be filled and kept."""
    return 2 if count < 32_768 else 4


def are_few(words):
    """Are the words that :func:`words_of` found few enough to be projected once each?"""
    _, places, count = words
    return count <= len(places)


def inputs_of(operands, gates):
    """The inputs of these operands, to be projected."""
    return _Inputs(operands, gates) if operands.words is None else _Words(operands, gates)


class _Inputs:
    """Inputs of which nothing is known.

    Sums, as the methods hand them on: (gradients of xs, of the kernel, of the bias).
    """

    def __init__(self, operands, gates):
        self.xs, self.kernel, self.bias, self.gates = operands.xs, operands.kernel, operands.bias, gates
        self.steps = self.xs[0].shape[1]

    def projection(self, parts=1):
        """Function (first, length) -> inputs times kernel, time first: a (length, B, H) array a gate.

        Args:
            parts: how many times it will be called.
        """
        return lambda first, length: _products.project(self._part(first, length), self.kernel, self.bias, self.gates)

    def _part(self, first, length):
        return self.xs if length == self.steps else span(self.xs, first, length, 1)

    def gradients(self, d):
        """Gradients of xs, kernel and bias from `d` (T, B, G H), that of the projected inputs."""
        return _products.project_back(self.xs, self.kernel, d)

    def no_gradients(self, after) -> tuple:
        """Sums of nothing, begun when there is `after`."""
        bias = jnp.zeros_like(self.kernel[0]) if self.bias is None else jnp.zeros_like(self.bias)
        return jax.tree.map(jnp.zeros_like, self.xs), jnp.zeros_like(self.kernel), bias

    def add_gradients(self, sums, d, first):
        """Sums with what follows from `d` (length, B, G H); columns that parts share are to be 0 in all but one."""
        dxs, dkernel, dbias = sums
        new, more, bias = _products.project_back(self._part(first, d.shape[0]), self.kernel, d)
        dxs = [_put(a, b, first, 1) for a, b in zip(dxs, new, strict=True)]
        return tuple(dxs), dkernel + more, dbias + bias

    def added(self, sums) -> tuple:
        """Gradients of xs, kernel and bias."""
        return sums


class _Words(_Inputs):
    """Inputs whose equal ones are known: see :func:`words_of`.

    If too many places hold words of their own, see :func:`_share`, what is computed is what `_Inputs` computes.

    Sums, as the methods hand them on: (those of `_Inputs`, gradients of the words' projections (U, G H)).
    """

    def __init__(self, operands, gates):
        super().__init__(operands, gates)
        self.word, self.places, count = operands.words
        self.few = are_few(operands.words)
        self.rows = self.places.shape[0] // _PARTS  # of a part of the words
        self.parts = jnp.where(self.few, -(-count // self.rows), 0)

    @property
    def flat(self):
        """Inputs (B T, D). Made outside of the branches of a condition, they are kept in both forms."""
        return self.xs[0].reshape(-1, self.xs[0].shape[-1])

    def projection(self, parts=1):
        """Function (first, length) -> inputs times kernel, time first: a (length, B, H) array a gate."""
        dense, table = super().projection(), None if parts == 1 else self.table()

        def projected(first, length):
            word = self._word(first, length)

            def by_word():
                # A table for this call alone is made here: 1 to 2 % of a step if words turn out not to be few.
                rows = (self.table() if table is None else table).at[word].get(mode="promise_in_bounds")
                return _products.cut(barriers.bar(rows), self.gates)

            return jax.lax.cond(self.few, by_word, lambda: dense(first, length))

        return projected

    def table(self):
        """Projections (U, G H) of the words."""

        def part(i, table):
            z = self._inputs(i) @ self.kernel
            return _put(table, z if self.bias is None else z + self.bias, i * self.rows, 0)

        return _loop(0, self.parts, part, self._no_projections(self.kernel))

    def _inputs(self, part):
        """The inputs of a part of the words."""
        return self.flat[span(self.places, part * self.rows, self.rows)]

    def _word(self, first, length):
        return self.word.T if length == self.steps else span(self.word, first, length, 1).T

    def _no_projections(self, after):
        """Zeros (U, G H) that follow from `after`: constants would be kept, and copied in each step."""
        kind = jnp.result_type(self.flat, self.kernel)
        return jnp.full((self.places.shape[0], self.kernel.shape[-1]), barriers.zero_after(after), kind)

    def gradients(self, d):
        """Gradients of xs, kernel and bias from `d` (T, B, G H), that of the projected inputs."""
        dense, nothing = super().gradients, super().no_gradients

        def by_word():
            return self._by_word(nothing(d), self._add_by_word(self._no_projections(d), d, 0))

        return jax.lax.cond(self.few, by_word, lambda: dense(d))

    def no_gradients(self, after) -> tuple:
        """Sums of nothing, begun when there is `after`."""
        return super().no_gradients(after), self._no_projections(after)

    def add_gradients(self, sums, d, first):
        """Sums with what follows from `d` (length, B, G H); columns that parts share are to be 0 in all but one."""
        dense = super().add_gradients
        return (
            barriers.run_if(~self.few, lambda sums, d: dense(sums, d, first), sums[0], d),
            barriers.run_if(self.few, lambda sums, d: self._add_by_word(sums, d, first), sums[1], d),
        )

    def _add_by_word(self, sums, d, first):
        return sums.at[self._word(first, d.shape[0])].add(d, mode="promise_in_bounds")

    def added(self, sums) -> tuple:
        """Gradients of xs, kernel and bias."""
        return self._by_word(*sums)

    def _by_word(self, sums, table):
        """`sums` with what follows from `table`, gradients (U, G H) of the words' projections. The gradient of equal
        inputs is put at one place of them, since those who looked them up add it up anyway."""

        def part(i, sums):
            dxs, dkernel, dbias = sums
            d, x = span(table, i * self.rows, self.rows), self._inputs(i)
            # the last words' places come again in what is left of their part, with gradients of 0
            dxs = dxs.at[span(self.places, i * self.rows, self.rows)].add(d @ self.kernel.T, mode="promise_in_bounds")
            return dxs, dkernel + products.transposed(x) @ d, dbias + d.sum(0)

        (dx,), dkernel, dbias = sums
        dx, dkernel, dbias = _loop(0, self.parts, part, (dx.reshape(self.flat.shape), dkernel, dbias))
        return (dx.reshape(self.xs[0].shape),), dkernel, dbias
