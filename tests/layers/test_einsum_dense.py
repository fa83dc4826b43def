"""EinsumDense: promises, parity with Keras 3, shapes, errors."""

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam.layers import Dense, EinsumDense, Input

# equation, output_shape, bias_axes, shape of an input row
FORMS = [
    ("ab,bc->ac", 5, "c", (4,)),
    ("ab,bc->ac", 5, None, (4,)),
    ("abc,cd->abd", (None, 5), "d", (3, 4)),
    ("abc,cd->abd", (3, 5), "bd", (3, 4)),
    ("abc,cde->abde", (None, 2, 5), "de", (3, 4)),
    ("abc,cde->abde", (None, 2, 5), "d", (3, 4)),
    ("abcd,cde->abe", (None, 5), "e", (3, 2, 4)),
    ("abc,cb->ab", 3, "b", (3, 4)),  # an axis of x that the kernel shares and keeps
    ("abc,bcd->abd", (3, 5), "bd", (3, 4)),
    ("abc,bd->adc", (5, 4), "d", (3, 4)),  # mixes steps, not features
    ("...x,xy->...y", 5, "y", (3, 4)),
    ("...x,xy->...y", 5, "y", (2, 3, 4)),
    ("...x,xy->...y", 5, None, (4,)),
    ("...xy,yz->...xz", (3, 5), "xz", (2, 3, 4)),
    ("ab...,bc->ac...", 5, "c", (4, 2)),
    ("ab...,bc->ac...", 5, "c", (4,)),
]


def some(*shape):
    return np.random.default_rng(3).normal(size=shape).astype("float32")


@pytest.mark.parametrize(("equation", "output_shape", "bias_axes", "shape"), FORMS)
def test_is_keras(equation, output_shape, bias_axes, shape):
    kwargs = {
        "equation": equation, "output_shape": output_shape, "bias_axes": bias_axes, "activation": "tanh",
        "bias_initializer": "random_normal",
    }  # fmt: skip
    layer = EinsumDense(**kwargs)
    check_against_keras(layer, keras.layers.EinsumDense(**kwargs), some(2, *shape))


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "shape"),
    [FORMS[2], FORMS[5], FORMS[9], FORMS[11], FORMS[14], ("abc,cd->abd", (None, 5), "d", (None, 4))],
)
def test_promises(equation, output_shape, bias_axes, shape):
    kwargs = {"equation": equation, "output_shape": output_shape, "bias_axes": bias_axes, "activation": "relu"}
    _, layer = check_layer(EinsumDense, kwargs, input_shape=shape)
    assert layer.rowwise


def test_a_product_over_the_batch_is_not_rowwise():
    layer = EinsumDense("ab,ac->cb", 4)
    layer.build((3, 4))
    assert not layer.rowwise
    x = some(3, 4)
    np.testing.assert_allclose(layer(x), layer.get_weights()[0].T @ x, rtol=1e-5)


def test_equals_dense():
    dense = Dense(5, activation="sigmoid", bias_initializer="random_normal")
    x = some(2, 3, 4)
    wanted = dense(x)
    layer = EinsumDense("...x,xy->...y", 5, bias_axes="y", activation="sigmoid", weights=dense.get_weights())
    np.testing.assert_allclose(layer(x), wanted, rtol=1e-6, atol=1e-6)


def test_sizes_of_one_name_are_filled_in_from_the_inputs():
    assert EinsumDense("abc,cd->abd", (None, 5))(Input((7, 4))).shape == (None, 7, 5)
    assert EinsumDense("abc,cd->abd", (None, 5)).compute_output_shape((2, None, 4)) == (2, None, 5)
    assert EinsumDense(" ab , bc -> ac ", 5)(Input((4,))).shape == (None, 5)


def test_with_leading_dots_one_layer_takes_any_rank():
    layer = EinsumDense("...x,xy->...y", 5)
    assert layer(Input((3, 4))).shape == (None, 3, 5)
    assert layer(Input((2, 3, 4))).shape == (None, 2, 3, 5)
    with pytest.raises(ValueError, match="size 4 on axis -1"):
        layer(Input((3, 6)))


def test_the_kernel_starts_with_the_spread_its_sums_need():
    # 'abc,cde->abde' sums over c alone: glorot_uniform has limit sqrt(6 / (c + d e)) = sqrt(6 / (100 + 60)), variance
    # limit ** 2 / 3 = 2 / 160, whatever the heads are called.
    layer = EinsumDense("abc,cde->abde", (None, 6, 10))
    layer.build((None, 3, 100))
    kernel = layer.get_weights()[0]
    assert kernel.shape == (100, 6, 10)
    np.testing.assert_allclose(kernel.var(), 2 / 160, rtol=0.05)
    assert np.abs(kernel).max() <= np.sqrt(6 / 160) + 1e-6
    assert layer.get_config()["kernel_initializer"]["config"].get("input_axes") is None


def test_penalties_and_mask():
    layer = EinsumDense(
        "abc,cd->abd", (None, 5), bias_axes="d", kernel_regularizer="l2", bias_regularizer="l1",
        kernel_initializer="ones", bias_initializer="ones",
    )  # fmt: skip
    layer.build((None, 3, 4))
    assert sorted(float(K.get_value(v)) for v in layer.losses) == pytest.approx([0.01 * 5, 0.01 * 20])
    assert layer.compute_mask(None, "mask") == "mask"


@pytest.mark.parametrize("equation", ["ab,bc", "ab->ac", "...ab,bc->ac", "...ab...,bc->...ac...", "a b,1c->ac", None])
def test_refuses_other_forms(equation):
    with pytest.raises(ValueError, match="equation must be of the form"):
        EinsumDense(equation, 5)


@pytest.mark.parametrize(
    ("equation", "output_shape", "bias_axes", "shape", "message"),
    [
        ("ab,bc->ad", 5, None, (4,), "the result's axis 'd' is neither"),
        ("ab,bcd->ac", 5, None, (4,), "the kernel's axis 'd' is neither"),
        ("ab,bc->ac", 5, "d", (4,), "bias_axes='d' names 'd'"),
        ("ab,bc->ac", 5, None, (3, 4), "its 2 letters do not fit"),
        ("abc,cd->abd", 5, None, (3, 4), "must have 2 sizes"),
        ("abc,cd->abd", (2, 5), None, (3, 4), "axis 'b' is 3 in the inputs"),
        ("abc,cd->abd", (None, None), None, (3, 4), "unknown size"),
        ("abc,cd->abd", (None, 5), None, (3, None), "unknown size"),
    ],
)
def test_refuses_what_does_not_fit(equation, output_shape, bias_axes, shape, message):
    with pytest.raises(ValueError, match=message):
        EinsumDense(equation, output_shape, bias_axes=bias_axes)(Input(shape))
