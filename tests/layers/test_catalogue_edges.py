"""The edges: no rows, one row, nothing along the first axis, everything masked. Results are finite, or errors named."""

import numpy as np
import pytest

from harness import quick_compilation, run_on_engine
from hornbeam import backend as K
from hornbeam import layers, nest, scope
from layers.catalogue import FEW, STEPS, Case, Inner

FIRST = list({case.name: case for case in reversed(FEW) if not case.training}.values())
WITH_LENGTH = [case for case in FIRST if len(case.shape) > 1]


def assert_fine(found, rows):
    for value in nest.flatten(found):
        assert value.shape[0] == rows
        assert value.dtype.kind != "f" or np.isfinite(value).all()


def compiled(layer, inputs, mask=None, training=False):
    """Result of one compiled call, and the weights afterwards."""

    def call(values, given):
        with scope.Scope(dict(zip(layer.weights, values, strict=True)), training, 7) as here:
            return layer.run(given, mask, (), {})[0], [here.values[w] for w in layer.weights]

    with quick_compilation():
        return nest.map_structure(
            K.get_value, K.engine.compile_function(call)([w.value for w in layer.weights], inputs)
        )


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("case", FEW, ids=str)
def test_no_rows_and_one_row(case, training):
    layer, inputs = case.built(), case.inputs()
    before = layer.get_weights()
    none, weights = run_on_engine("numpy", layer, nest.map_structure(lambda x: x[:0], inputs), training=training)
    assert_fine(none, 0)
    for one, other in zip(weights, before, strict=True):
        np.testing.assert_array_equal(one, other)  # averages are not moved by nothing
    alone, weights = run_on_engine("numpy", layer, nest.map_structure(lambda x: x[:1], inputs), training=training)
    assert_fine(alone, 1)
    assert all(np.isfinite(w).all() for w in weights)
    if not training and layer.rowwise:
        for one, other in zip(nest.flatten(alone), nest.flatten(run_on_engine("numpy", layer, inputs)[0]), strict=True):
            np.testing.assert_allclose(one, other[:1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", FIRST, ids=str)
def test_no_rows_compiled(case):
    layer, inputs = case.built(), nest.map_structure(lambda x: x[:0], case.inputs())
    found, weights = compiled(layer, inputs, training=True)
    assert_fine(found, 0)
    assert all(np.isfinite(w).all() for w in weights)


@pytest.mark.parametrize("case", WITH_LENGTH, ids=str)
def test_nothing_along_the_first_axis(case):
    layer, inputs = case.built(), nest.map_structure(lambda x: x[:, :0], case.inputs())
    try:
        found, _ = compiled(layer, inputs)
    except ValueError as error:
        assert str(error).startswith(f"{case.name} {layer.name!r}")  # noqa: PT017
    else:
        assert_fine(found, 2)


SEQUENCES = [
    Case(name, STEPS, {"units": 2, "return_sequences": sequences, "activation": activation})
    for name in ("SimpleRNN", "GRU", "LSTM")
    for sequences in (False, True)
    for activation in ("tanh", "softsign")
]


@pytest.mark.parametrize("case", SEQUENCES, ids=str)
def test_recurrent_layers_keep_their_first_state_where_all_is_masked(case):
    layer, inputs = case.built(), case.inputs()
    for found in (
        compiled(layer, inputs, np.zeros((2, 6), bool))[0],
        compiled(layer, inputs[:, :0])[0],
    ):
        np.testing.assert_array_equal(found, np.zeros_like(found))
    half, _ = compiled(layer, inputs, np.array([[False] * 6, [True] * 6]))
    whole = K.get_value(layer(inputs))
    np.testing.assert_array_equal(half[0], np.zeros_like(half[0]))
    np.testing.assert_allclose(half[1], whole[1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "case",
    [
        Case("Bidirectional", STEPS, {"layer": Inner("LSTM", {"units": 2})}),
        Case("TimeDistributed", STEPS, {"layer": Inner("Dense", {"units": 2})}),
        Case("GlobalAveragePooling1D", STEPS),
        Case("Dense", STEPS, {"units": 2}),
        Case("BatchNormalization", STEPS),
        Case("Softmax", STEPS),
    ],
    ids=str,
)
def test_everything_masked_is_finite(case):
    found, _ = compiled(case.built(), case.inputs(), np.zeros((2, 6), bool))
    assert_fine(found, 2)


def test_a_model_of_masked_rows_alone():
    model_input = layers.Input((4, 3))
    masked = layers.Masking()(model_input)
    result = layers.Dense(2)(layers.LSTM(3)(masked))
    found = K.function([model_input], [result])([np.zeros((2, 4, 3))])[0]
    np.testing.assert_array_equal(found, np.zeros((2, 2)))  # state 0, and a bias of 0
