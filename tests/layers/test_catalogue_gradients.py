"""Gradients of every layer against central differences, in double precision: first order, and second order.

With f the sum of p * y + y ** 2 / 2 over the results y, p random, and s the squared length of the gradient of f, both
f and s must change along a direction as their gradients say. Each input and each weight has a direction of its own.
"""

import jax
import numpy as np
import pytest

from harness import quick_compilation
from hornbeam import backend as K
from hornbeam import nest, scope
from hornbeam.core import Layer
from hornbeam.layers import MultiHeadAttention
from layers.catalogue import CASES, FEW, STEPS, Case

STEP = 1e-5
# Those whose gradients are written by hand get every row.
BY_HAND = (
    "Conv", "DepthwiseConv", "SeparableConv", "MaxPooling", "AveragePooling", "LSTM", "GRU", "SimpleRNN", "CuDNN",
    "BatchNormalization", "Bidirectional",
)  # fmt: skip
FLOATS = [case for case in FEW if case.name != "Masking"]  # x -> x where x is not the mask's value
MORE = [case for case in CASES if case.name.startswith(BY_HAND) and case.settings.get("padding") == "same"]
ROWS = FLOATS + [case for case in MORE if case not in FLOATS]


@pytest.fixture
def double_precision():
    """float64 everywhere, and back."""
    before = jax.config.jax_enable_x64
    K.set_floatx("float64")
    yield
    K.set_floatx("float32")
    jax.config.update("jax_enable_x64", before)


def scalars_of(layer, inputs, training=False, mask=None):
    """A program from float inputs and trainable weights to (f, s, gradient of f, gradient of s), and where to start."""
    arrays = nest.to_list(inputs)
    places = [i for i, x in enumerate(arrays) if x.dtype.kind == "f"]
    fixed = {v: v.value for v in layer.non_trainable_weights}

    def f(values):
        given = list(arrays)
        for i, x in zip(places, values, strict=False):
            given[i] = x
        held = {**fixed, **dict(zip(layer.trainable_weights, values[len(places) :], strict=True))}
        with scope.Scope(held, training=training, seed=7):
            found = nest.flatten(layer.run(given if isinstance(inputs, list) else given[0], mask, (), {})[0])
        draw = np.random.default_rng(1)
        return sum(K.sum(y * draw.normal(size=y.shape) + 0.5 * K.square(y)) for y in found)

    def s(values):
        gradients = K.engine.gradients(f, values)
        return sum(K.sum(K.square(g)) for g in gradients), gradients

    def everything(values):
        (length, first), second = K.engine.value_and_gradients(s, values)
        return f(values), length, first, second

    start = [np.asarray(x, "float64") for i, x in enumerate(arrays) if i in places]
    start += [v.numpy() for v in layer.trainable_weights]
    with quick_compilation():
        program = K.engine.compile_function(everything)
        program(start)
    return program, start


def check(program, start):
    """Compare both orders along one direction for each value."""
    _, _, first, second = program(start)
    draw = np.random.default_rng(2)
    for place, value in enumerate(start):
        direction = draw.normal(size=value.shape)
        ahead, behind = (
            program([v + sign * STEP * direction if i == place else v for i, v in enumerate(start)]) for sign in (1, -1)
        )
        for order, gradient in enumerate((first, second)):
            assert K.dtype(gradient[place]) == "float64"
            slope = (float(ahead[order]) - float(behind[order])) / (2 * STEP)
            found = float(np.sum(np.asarray(gradient[place]) * direction))
            near = 1e-4 * max(1e-3, np.abs(np.asarray(gradient[place])).max())
            np.testing.assert_allclose(found, slope, rtol=1e-3, atol=near, err_msg=f"order {order + 1}, value {place}")


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("case", ROWS, ids=str)
def test_gradients_are_central_differences(case):
    program, start = scalars_of(case.built(), case.inputs(dtype="float64"), case.training)
    assert start, "nothing to differentiate by"
    check(program, start)


# Steps that are skipped, in the middle, at the end and everywhere.
MASK = np.array([[1, 0, 1, 1, 0, 0], [0, 0, 0, 0, 0, 0]], bool)
MASKED = [
    Case(name, STEPS, {"units": 2, "activation": activation, "return_sequences": True})
    for name in ("SimpleRNN", "GRU", "LSTM")
    for activation in ("tanh", "softsign")  # fused, and step by step
]


@pytest.mark.usefixtures("double_precision")
@pytest.mark.parametrize("case", [*MASKED, Case("GlobalAveragePooling1D", STEPS)], ids=str)
def test_gradients_through_masks_are_central_differences(case):
    check(*scalars_of(case.built(), case.inputs(dtype="float64"), mask=MASK))


class SelfAttention(Layer):
    """Attention of a sequence to itself, in two heads."""

    def build(self, input_shape):
        self.inner = MultiHeadAttention(2, 2, use_gate=True)
        self.inner.build(input_shape, input_shape)
        super().build(input_shape)

    def call(self, inputs):
        return self.inner(inputs, inputs, use_causal_mask=True)


@pytest.mark.usefixtures("double_precision")
def test_gradients_of_attention_are_central_differences():
    layer = SelfAttention()
    layer.build((2, *STEPS))
    check(*scalars_of(layer, np.random.default_rng(3).normal(size=(2, *STEPS))))
