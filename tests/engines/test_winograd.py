"""Convolutions with fewer products: how exact they are, when they are taken, their derivatives of higher order."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbeam.engines.jax import convolution, winograd
from hornbeam.engines.jax.windows import geometry


def spot_of(size, window=3, strides=1, padding="same"):
    return geometry((size, size), (window, window), (strides, strides), padding, (1, 1))


def form(rows, size, channels, filters, dtype="float32", **rules):
    """Names of the three forms that are chosen: forward, back to the input, back to the kernel."""
    spot = spot_of(size, **rules)
    x = jax.ShapeDtypeStruct((rows, size, size, channels), dtype)
    y = jax.ShapeDtypeStruct((rows, *spot.out, filters), dtype)
    w = jax.ShapeDtypeStruct((*spot.window, channels, filters), dtype)
    back = convolution._how_to_spread(y, w, spot), convolution._how_to_correlate(x, y, spot)
    return convolution._how_to_convolve(x, w, spot), *back


@pytest.fixture
def vectors(monkeypatch):
    """Sets whether the cores have vectors of 512 bits."""
    return lambda wide: monkeypatch.setattr(convolution, "wide_vectors", lambda: wide)


def test_chosen_for_products_that_both_cores_share(vectors):
    vectors(wide=False)
    assert form(8, 28, 128, 128) == ("winograd",) * 3
    assert form(8, 56, 64, 64, padding="valid") == ("winograd", "winograd", "crossed")  # narrow
    assert form(32, 16, 32, 64) == ("xla", "turned", "crossed")  # too small
    assert form(64, 56, 24, 512) == ("xla", "columns", "crossed")  # too narrow
    assert form(8, 224, 64, 64) == ("xla", "turned", "crossed")  # too much memory: 0.8 GB


def test_wide_vectors_leave_less_to_gain(vectors):
    vectors(wide=True)
    assert form(8, 28, 128, 128) == ("winograd", "winograd", "crossed")
    assert form(8, 56, 64, 64) == ("xla", "turned", "crossed")


@pytest.mark.parametrize("rules", [{"window": 5}, {"strides": 2}, {"dtype": "float64"}], ids=str)
def test_not_chosen_for_other_windows_strides_or_types(rules):
    assert "winograd" not in form(8, 28, 128, 128, **rules)


def test_not_chosen_where_the_number_of_rows_is_left_open():
    open_rows = jax.export.symbolic_shape("b")[0]
    assert "winograd" not in form(open_rows, 28, 128, 128)


def test_error_is_that_of_a_plain_sum_within_three_times():
    spot, draw = spot_of(12), np.random.default_rng(0)
    x, w = np.maximum(draw.normal(size=(2, 12, 12, 256)), 0), draw.normal(size=(3, 3, 256, 32)) / 48
    g = draw.normal(size=(2, 12, 12, 32))
    x, w, g = (np.asarray(a, np.float32) for a in (x, w, g))

    @jax.jit
    def both(x, w, g):
        plain, back = jax.vjp(lambda x, w: convolution._xla(x, w, spot), x, w)
        ours = winograd.convolve(x, w, spot), convolution._winograd_back(g, w, spot), winograd.correlate(x, g, spot)
        return ours, (plain, *back(g))

    with jax.enable_x64(True):
        exact = [np.asarray(a) for a in both(*(jnp.asarray(a, jnp.float64) for a in (x, w, g)))[1]]
    for ours, plain, true in zip(*both(x, w, g), exact, strict=True):
        error, least = (np.sqrt(np.mean((np.asarray(a, np.float64) - true) ** 2)) for a in (ours, plain))
        assert error < 3 * least + 1e-7 * np.std(true)
        np.testing.assert_allclose(ours, true, rtol=0, atol=1e-5 * np.std(true))


@pytest.mark.usefixtures("double_precision")
def test_second_derivatives(monkeypatch):
    """Of a network in which each of the three maps is met, one within the other."""
    spot, draw = spot_of(5), np.random.default_rng(1)
    x, w = draw.normal(size=(2, 5, 5, 3)), draw.normal(size=(3, 3, 3, 3))

    def loss(convolve):
        return lambda x, w: jnp.sum(jnp.sin(convolve(jnp.tanh(convolve(x, w, spot)), w, spot)))

    def twice(convolve):
        slope = jax.grad(loss(convolve), (0, 1))
        return jax.jit(jax.grad(lambda x, w: sum(jnp.sum(jnp.cos(a)) for a in slope(x, w)), (0, 1)))(x, w)

    for choice in ("_how_to_convolve", "_how_to_spread", "_how_to_correlate"):
        monkeypatch.setattr(convolution, choice, lambda *_: "winograd")
    for found, wanted in zip(twice(convolution.convolve), twice(convolution._xla), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)
