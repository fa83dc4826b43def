"""Pooling against XLA's window reductions: values, gradients, ties, NaN, types, empty batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from hornbeam.engines.jax import pooling
from hornbeam.engines.jax.windows import geometry

RULES = [
    ((6, 7), (2, 2), (2, 2), "VALID"),
    ((6, 7), (2, 2), (2, 2), "SAME"),
    ((6, 7), (3, 3), (2, 2), "SAME"),
    ((7, 8), (3, 2), (1, 3), "VALID"),
    ((7, 8), (2, 2), (3, 3), "VALID"),
    ((2, 2), (3, 3), (1, 1), "SAME"),
    ((9,), (4,), (3,), "SAME"),
    ((3, 4, 5), (2, 3, 2), (2, 1, 2), "SAME"),
]


def with_ties(*shape):
    return np.random.default_rng(3).integers(-2, 3, shape).astype("float32")


@pytest.mark.parametrize(("sizes", "window", "strides", "padding"), RULES)
def test_against_window_reductions(sizes, window, strides, padding):
    # Integers make many ties: select-and-scatter too gives the gradient to the first of equals.
    x = with_ties(2, *sizes, 3)
    whole = (1, *window, 1), (1, *strides, 1), padding

    def ours(x):
        rule = (window, strides, padding.lower(), "channels_last")
        return pooling.pool(x, *rule, "max"), pooling.pool(x, *rule, "avg")

    def wanted(x):
        count = lax.reduce_window(jnp.ones_like(x), 0.0, lax.add, *whole)
        return lax.reduce_window(x, -jnp.inf, lax.max, *whole), lax.reduce_window(x, 0.0, lax.add, *whole) / count

    @jax.jit
    def both(x):
        found = []
        for function in (ours, wanted):
            (highest, mean), back = jax.vjp(function, x)
            weight = jnp.arange(1.0, 1 + highest.size).reshape(highest.shape)
            found.append((highest, mean, back((weight, 0 * mean))[0], back((0 * mean, weight))[0]))
        return found

    for one, other in zip(*both(x)):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("place", [0, 1, 2, 3])
@pytest.mark.parametrize("strides", [(1, 1), (2, 2)])
def test_nan_comes_through(place, strides):
    x = np.ones((1, 2, 2, 1), "float32")
    x[0, place // 2, place % 2, 0] = np.nan
    y = pooling.pool(x, (2, 2), strides, "valid", "channels_last", "max")
    assert np.isnan(np.asarray(y)).all()


def test_second_derivatives():
    x = with_ties(1, 5, 5, 2)

    def first(x):
        function = lambda x: jnp.sum(jnp.sin(pooling.pool(x, (3, 3), (2, 2), "same", "channels_last", "max")))  # noqa: E731
        return jnp.sum(jnp.cos(jax.grad(function)(x)))

    def wanted(x):
        # d/dx of cos(cos(m)) where m is the maximum: each place's gradient adds up over windows that chose it.
        rows = jax.grad(lambda x: jnp.sum(jnp.sin(lax.reduce_window(
            x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"))))(x)  # fmt: skip
        inner = jax.grad(lambda x: jnp.sum(jnp.cos(lax.reduce_window(
            x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME"))))(x)  # fmt: skip
        # A place that k windows chose has gradient k cos(x), whose derivative is -k sin(x) = inner.
        return -jnp.sin(rows) * inner

    found, correct = jax.jit(lambda x: (jax.grad(first)(x), wanted(x)))(x)
    np.testing.assert_allclose(found, correct, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("shape", "window"), [((8, 32, 34, 32), (2, 2)), ((3, 12, 8, 30, 32), (3, 1, 2))])
def test_tiles_of_large_arrays_are_those_of_small_ones(shape, window, monkeypatch):
    x, weight = with_ties(*shape), np.random.default_rng(4).normal(size=shape[-1]).astype("float32")
    x[0, 0, ..., 1, 0] = np.nan
    assert pooling._suits_tiles(jnp.asarray(x), geometry(shape[1:-1], window, window, "valid", (1,) * len(window)))

    def found():
        def first(x):
            y, back = jax.vjp(lambda x: pooling.pool(x, window, window, "valid", "channels_last", "max"), x)
            return y, back(y * weight)[0]

        (y, dx), back = jax.vjp(first, x)
        return y, dx, back((jnp.zeros(y.shape), jnp.sin(dx)))[0]

    tiles = jax.jit(found)()
    monkeypatch.setattr(pooling, "_suits_tiles", lambda x, spot: False)
    for one, other in zip(tiles, jax.jit(lambda: found())(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "int32", "uint8"])
def test_types(dtype):
    x = np.arange(16).reshape(1, 4, 4, 1).astype(dtype)
    y = pooling.pool(x, (3, 3), (2, 2), "same", "channels_last", "max")
    assert y.dtype == dtype
    assert y.ravel().tolist() == [10, 11, 14, 15]


@pytest.mark.parametrize("mode", ["max", "avg"])
def test_empty_batch(mode):
    assert pooling.pool(jnp.zeros((0, 5, 5, 2)), (2, 2), (2, 2), "same", "channels_last", mode).shape == (0, 3, 3, 2)


def test_padding_does_not_win_over_negative_numbers():
    y = pooling.pool(-np.ones((1, 3, 3, 1), "float32"), (2, 2), (2, 2), "same", "channels_last", "max")
    assert (np.asarray(y) == -1).all()


@pytest.mark.parametrize(
    ("shape", "window"), [((64, 64, 64, 3), (2, 2)), ((32, 32, 32, 16), (4, 4)), ((8, 16, 16, 8), (2, 2))]
)
def test_tiles_are_left_where_one_axis_after_another_is_faster(shape, window):
    x = jnp.zeros(shape)
    assert not pooling._suits_tiles(x, geometry(shape[1:-1], window, window, "valid", (1, 1)))
