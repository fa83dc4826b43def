"""Tests of matrix products with few columns, few rows or one: results and gradients as NumPy has them."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.engines.jax.products import few_rows_product, has_few_rows, is_row, is_thin, thin_product
from hornbeam.engines.jax.recurrent_products import recur

RANDOM = np.random.default_rng(0)


def drawn(*shape, dtype="float32"):
    return jnp.asarray(RANDOM.standard_normal(shape), dtype)


@pytest.mark.parametrize(
    ("x", "kernel", "thin"),
    [
        ((32, 256), (256, 16), True),
        ((4, 8, 64), (64, 4), True),
        ((2, 16), (16, 1), True),
        ((1, 16), (16, 1), False),  # one row
        ((64, 512), (512, 33), False),  # many columns
        ((32, 64), (64, 16), False),  # short rows
        ((31, 256), (256, 16), False),  # few rows
        ((256,), (256, 1), False),
        ((32, 256), (256,), False),
    ],
)
def test_thin_is_what_was_measured(x, kernel, thin):
    assert is_thin(drawn(*x), drawn(*kernel)) is thin


def test_other_types_of_numbers_take_the_ordinary_product():
    assert not is_thin(drawn(32, 256, dtype="bfloat16"), drawn(256, 16, dtype="bfloat16"))
    assert not is_thin(drawn(32, 256), drawn(256, 16, dtype="bfloat16"))


def test_values_and_gradients():
    x, kernel, gradient = drawn(2, 24, 80), drawn(80, 5), drawn(2, 24, 5)
    assert is_thin(x, kernel)
    y, pull = jax.vjp(K.dot, x, kernel)
    flat = np.asarray(x, "float64").reshape(48, 80)
    np.testing.assert_allclose(y, (flat @ np.asarray(kernel)).reshape(2, 24, 5), rtol=1e-4, atol=1e-5)
    of_x, of_kernel = jax.jit(pull)(gradient)
    np.testing.assert_allclose(of_x, np.asarray(gradient) @ np.asarray(kernel).T, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(of_kernel, flat.T @ np.asarray(gradient).reshape(48, 5), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("product", [thin_product, few_rows_product])
def test_gradients_of_gradients_and_batches_of_products(product):
    x, kernel = drawn(3, 6, 32), drawn(3, 32, 2)

    def penalty(product):
        def total(kernel, x):
            return jnp.sum(jax.grad(lambda x: jnp.sum(jnp.square(product(x, kernel))))(x) ** 2)

        return jax.vmap(jax.grad(total))(kernel, x)

    np.testing.assert_allclose(penalty(product), penalty(jnp.matmul), rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize(
    ("rows", "size", "units", "is_one"),
    [(1, 1024, 1024, True), (2, 1024, 1024, False), (1, 1024, 1023, False), (1, 1030, 1024, False)],
)
def test_a_row_is_multiplied_in_slabs_where_the_kernel_is_large(rows, size, units, is_one):
    assert is_row(jnp.zeros((rows, size)), jnp.zeros((size, units))) is is_one


def test_values_and_gradients_of_a_row():
    x, kernel = drawn(1, 2048), drawn(2048, 512)
    assert is_row(x, kernel)
    y, pull = jax.vjp(K.dot, x, kernel)
    exact = np.asarray(x, "float64") @ np.asarray(kernel, "float64")
    np.testing.assert_allclose(y, exact, rtol=1e-4, atol=1e-3)
    of_x, of_kernel = pull(y)
    np.testing.assert_allclose(of_x, exact @ np.asarray(kernel).T, rtol=1e-3, atol=0.1)
    np.testing.assert_allclose(of_kernel, np.outer(x, exact), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize(
    ("x", "kernel", "few"),
    [
        ((32, 128), (128, 128), True),
        ((8, 16), (16, 1024), True),
        ((2, 32, 256), (256, 64), True),
        ((65, 128), (128, 128), False),
        ((7, 128), (128, 128), False),
        ((32, 128), (128, 127), False),  # a small kernel
        ((128,), (128, 128), False),
        ((32, 0), (0, 128), False),
    ],
)
def test_few_rows_are_what_was_measured(x, kernel, few):
    assert has_few_rows(drawn(*x), drawn(*kernel)) is few


def test_values_and_gradients_of_few_rows():
    x, kernel, gradient = drawn(2, 10, 128), drawn(128, 160), drawn(2, 10, 160)
    assert has_few_rows(x, kernel)
    y, pull = jax.vjp(K.dot, x, kernel)
    flat, of_y = np.asarray(x, "float64").reshape(20, 128), np.asarray(gradient, "float64").reshape(20, 160)
    np.testing.assert_allclose(y, (flat @ np.asarray(kernel)).reshape(2, 10, 160), rtol=1e-4, atol=1e-4)
    of_x, of_kernel = jax.jit(pull)(gradient)
    np.testing.assert_allclose(of_x, (of_y @ np.asarray(kernel).T).reshape(2, 10, 128), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(of_kernel, flat.T @ of_y, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("rows", "units", "gates"), [(100, 128, 4), (100, 128, 1), (8, 16, 3), (0, 128, 4)])
def test_products_of_states_are_the_same_on_one_core_and_all(rows, units, gates):
    h, kernel = drawn(rows, units), drawn(units, gates * units)
    found = jnp.concatenate(recur(h, kernel, (), gates), -1)
    turned = "transpose" in str(jax.make_jaxpr(lambda h, k: recur(h, k, (), gates))(h, kernel))
    assert turned is (rows == 100 and gates == 4)
    np.testing.assert_allclose(found, np.asarray(h, "float64") @ np.asarray(kernel), rtol=1e-4, atol=1e-4)
