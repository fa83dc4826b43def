"""Every form of a convolution against XLA's own: values, two derivatives, types, empty batches."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from hornbeam.engines.jax import convolution, depthwise
from hornbeam.engines.jax.windows import geometry

# sizes, window, strides, padding, dilation
SPOTS = [
    ((5, 6), (3, 2), (1, 1), "same", (1, 1)),
    ((7, 6), (3, 2), (2, 3), "same", (1, 1)),
    ((6, 7), (2, 2), (1, 1), "valid", (2, 3)),
    ((8, 9), (2, 3), (3, 4), "valid", (1, 1)),  # places that no window touches
    ((2, 2), (3, 3), (1, 1), "same", (1, 1)),  # a window larger than the input
    ((7,), (3,), (1,), "causal", (2,)),
    ((7,), (3,), (2,), "causal", (1,)),
    ((3, 4, 5), (2, 1, 3), (2, 1, 2), "same", (1, 1, 1)),
    ((5, 4, 5), (2, 3, 2), (1, 1, 1), "valid", (2, 1, 1)),
    ((4, 3, 5), (3, 2, 2), (1, 1, 1), "same", (1, 1, 2)),
    ((7, 6), (3, 3), (1, 1), "same", (1, 1)),
    ((5, 8), (3, 3), (1, 1), "valid", (1, 1)),
]


pytestmark = pytest.mark.usefixtures("double_precision")


def some(*shape, seed=0):
    return np.random.default_rng((seed, *shape)).normal(size=shape)


def near(found, wanted):
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-9)


def xla(x, w, spot, groups=1):
    letters = "DHW"[-len(spot.window) :]
    return lax.conv_general_dilated(
        x, w, spot.strides, spot.pads, rhs_dilation=spot.dilation, feature_group_count=groups,
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
    )  # fmt: skip


@pytest.mark.parametrize("rules", SPOTS)
def test_all_forms_are_one_convolution(rules):
    spot = geometry(*rules)
    x, w = some(2, *spot.sizes, 4), some(*spot.window, 4, 3)
    g = some(2, *spot.out, 3)
    fits = {
        "product": False,
        "winograd": convolution._is_plain_square(spot),
        "planes": convolution._is_volume(spot),
        "mirrored": set(spot.strides) == {1},
    }

    def usable(table):
        return {name: form for name, form in table.items() if fits.get(name, True)}

    @jax.jit
    def all_forms(x, w, g):
        y, back = jax.vjp(lambda x, w: xla(x, w, spot), x, w)
        dx, dw = back(g)
        wide = {n: f(x, w, spot) for n, f in usable(convolution._FORWARD).items()}
        spread = {n: f(g, w, spot) for n, f in usable(convolution._BACKWARD).items()}
        kernel = {n: f(x, g, spot) for n, f in usable(convolution._KERNEL).items()}
        return (y, wide), (dx, spread), (dw, kernel)

    for wanted, forms in all_forms(x, w, g):
        for found in forms.values():
            near(found, wanted)


@pytest.mark.parametrize("rules", SPOTS)
@pytest.mark.parametrize("multiplier", [1, 2])
def test_depthwise_and_grouped(rules, multiplier):
    spot = geometry(*rules)
    x, w = some(2, *spot.sizes, 4), some(*spot.window, 4, multiplier)
    grouped = some(*spot.window, 2, 6)

    @jax.jit
    def both(x, w, grouped):
        found = []
        for function in (lambda x, w: depthwise.depthwise(x, w, spot), lambda x, w: xla(x, flat(w), spot, 4)):
            y, back = jax.vjp(function, x, w)
            found.append((y, *back(jnp.cos(y))))
        return found, (convolution._grouped(x, grouped, spot, 2), xla(x, grouped, spot, 2))

    def flat(w):
        return w.reshape(*spot.window, 1, 4 * multiplier)

    (ours, wanted), (mine, other) = both(x, w, grouped)
    for one, two in zip(ours, wanted):
        near(one, two)
    near(mine, other)


def test_large_maps_add_up_row_by_row():
    spot = geometry((40, 41), (3, 3), (1, 1), "same", (1, 1))
    x, y = some(2, 40, 41, 16), some(2, 40, 41, 16)
    assert np.prod(spot.out) * 16 >= 20_000
    wanted = [np.sum(part * y, (0, 1, 2)) for part in depthwise.tap_slices(x, spot)]
    near(jax.jit(lambda x, y: depthwise.scale_kernel(x, y, spot))(x, y), np.reshape(wanted, (3, 3, 16)))


@pytest.mark.parametrize("kind", ["dense", "one tap", "strided", "depthwise", "transposed"])
def test_second_derivatives(kind):
    strides = (2, 2) if kind in ("strided", "transposed") else (1, 1)
    window = (1, 1) if kind == "one tap" else (3, 2)
    spot = geometry((4, 5), window, strides, "same", (1, 1))
    x, w = some(1, 4, 5, 2), some(*window, 2, 1 if kind == "depthwise" else 3)
    ours, wanted = {
        "depthwise": (
            lambda x, w: depthwise.depthwise(x, w, spot),
            lambda x, w: xla(x, w.reshape(3, 2, 1, 2), spot, 2),
        ),
        "transposed": (
            lambda y, w: convolution.spread(y, w, spot),
            lambda y, w: jax.vjp(lambda x: xla(x, w, spot), jnp.zeros((1, 4, 5, 2)))[1](y)[0],
        ),
    }.get(kind, (lambda x, w: convolution.convolve(x, w, spot), lambda x, w: xla(x, w, spot)))
    if kind == "transposed":
        x = some(1, *spot.out, 3)

    def second(function):
        def first(x, w):
            gradients = jax.grad(lambda x, w: jnp.sum(jnp.sin(function(x, w))), (0, 1))(x, w)
            return sum(jnp.sum(jnp.cos(g)) for g in gradients)

        return jax.grad(first, (0, 1))

    for found, correct in zip(*jax.jit(lambda x, w: (second(ours)(x, w), second(wanted)(x, w)))(x, w)):
        near(found, correct)


@pytest.mark.parametrize("shape", [(8, 9, 9, 32, 16, 3), (8, 16, 16, 16, 16, 3), (2, 9, 9, 64, 64, 2)])
def test_no_gradient_convolution_of_xla(shape):
    # The derived ones spread the input (lhs_dilation) or take the batch for channels; both crawl inside loops.
    b, h, wd, c, f, k = shape
    x, w = np.ones((b, h, wd, c), "float32"), np.ones((k, k, c, f), "float32")

    def loss(x, w):
        return jnp.sum(convolution.conv(x, w, (1, 1), "same", "channels_last", (1, 1)) ** 2)

    def convolutions(jaxpr):
        for equation in jaxpr.eqns:
            if equation.primitive.name == "conv_general_dilated":
                yield equation
            for value in equation.params.values():
                for inner in value if isinstance(value, (list, tuple)) else [value]:
                    if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                        yield from convolutions(getattr(inner, "jaxpr", inner))

    found = list(convolutions(jax.make_jaxpr(jax.grad(loss, (0, 1)))(x, w).jaxpr))
    assert found
    for equation in found:
        assert set(equation.params["lhs_dilation"]) == {1}
        assert equation.params["dimension_numbers"].lhs_spec == (0, 3, 1, 2)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_types(dtype):
    x, w = some(1, 5, 5, 3).astype(dtype), some(3, 3, 3, 4).astype(dtype)
    rules = ((1, 1), "same", "channels_last", (1, 1))

    def total(x, w):
        return jnp.sum(convolution.conv(x, w, *rules).astype("float32"))

    @jax.jit
    def all_at_once(x, w):
        exact = convolution.conv(x.astype("float64"), w.astype("float64"), *rules)
        return convolution.conv(x, w, *rules), exact, jax.grad(total, (0, 1))(x, w)

    y, wanted, gradients = all_at_once(x, w)
    assert y.dtype == dtype
    tolerance = {"bfloat16": 3e-2, "float16": 4e-3, "float32": 1e-5, "float64": 1e-12}[dtype]
    np.testing.assert_allclose(y.astype("float64"), wanted, rtol=tolerance, atol=tolerance)
    assert {str(g.dtype) for g in gradients} == {dtype}


def test_integers_become_floats_with_the_kernel():
    x = np.arange(8, dtype="uint8").reshape(1, 8, 1)
    y = convolution.conv(x, np.ones((2, 1, 1), "float32"), (1,), "valid", "channels_last", (1,))
    assert y.dtype == "float32"
    assert y.ravel().tolist() == [1, 3, 5, 7, 9, 11, 13]


@pytest.mark.parametrize("window", [(1, 1), (3, 3)])
def test_empty_batch(window):
    x, w = jnp.zeros((0, 5, 5, 4)), some(*window, 4, 6)
    rules = ("channels_last", (1, 1))
    assert convolution.conv(x, w, (1, 1), "same", *rules).shape == (0, 5, 5, 6)
    assert convolution.conv(x, some(*window, 2, 6), (2, 2), "same", *rules, 2).shape == (0, 3, 3, 6)
    assert convolution.depthwise_conv(x, w, (1, 1), "same", *rules).shape == (0, 5, 5, 24)
    assert convolution.conv_transpose(x, some(*window, 3, 4), (10, 10), (2, 2), "same", *rules).shape == (0, 10, 10, 3)
    gradient = jax.grad(lambda w: jnp.sum(convolution.conv(x, w, (1, 1), "same", *rules)))(w)
    assert gradient.shape == w.shape
    assert not gradient.any()


def test_patches_are_what_the_window_sees():
    x = np.arange(12.0).reshape(1, 2, 3, 2)
    seen = convolution.patches(x, (2, 2), (1, 1), "valid", "channels_last", (1, 1))
    assert seen[0, 0, 1].tolist() == [2, 3, 4, 5, 8, 9, 10, 11]
    turned = convolution.patches(np.moveaxis(x, -1, 1), (2, 2), (1, 1), "valid", "channels_first", (1, 1))
    assert turned[0, 0, 1].tolist() == [2, 4, 8, 10, 3, 5, 9, 11]  # all of the first channel, then the second
