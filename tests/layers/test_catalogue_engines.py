"""Every layer gives the same on the engine that compiles and on the one that is plain NumPy."""

import numpy as np
import pytest

from harness import quick_compilation, run_on_engine
from hornbeam import backend as K
from hornbeam import layers, nest, scope
from layers.catalogue import CASES, FEW

MOST = [case for case in CASES if not case.random]
# Names of layers that are not in the catalogue: other names of the same, parts, and bases.
ALIASES = {name for name in layers.__all__ if name != getattr(getattr(layers, name), "__name__", name)}
PARTS = {
    "Input",
    "InputLayer",
    "InputSpec",
    "Layer",
    "Wrapper",
    "ConvRNN2D",
    "Recurrent",
    "ConvRecurrent2D",
    "AtrousConvolution1D",
    "AtrousConvolution2D",
}
CELLS = {"SimpleRNNCell", "GRUCell", "LSTMCell", "StackedRNNCells", "ConvLSTM2DCell"}
CALLED_OTHERWISE = {"MultiHeadAttention"}  # on two or three arguments; tests/layers/test_multi_head_attention.py


def compiled(layer, inputs, training):
    """Results and weights afterwards, of one compiled call."""

    def call(values, given):
        with scope.Scope(dict(zip(own, values, strict=True)), training, 7) as here:
            found, _ = layer.run(given, None, (), {})
        return found, [here.values[v] for v in layer.weights]

    own = [*layer.weights, *layer.state_variables]
    with quick_compilation():
        found, weights = K.engine.compile_function(call)([v.value for v in own], inputs)
    return nest.map_structure(K.get_value, found), [K.get_value(w) for w in weights]


@pytest.mark.parametrize("case", MOST, ids=str)
def test_engines_agree(case):
    layer, inputs = case.built(), case.inputs()
    found, found_weights = run_on_engine("numpy", layer, inputs, training=case.training)
    wanted, wanted_weights = compiled(layer, inputs, case.training)
    for one, other in zip(
        [*nest.flatten(found), *found_weights], [*nest.flatten(wanted), *wanted_weights], strict=True
    ):
        assert one.dtype == other.dtype
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("case", [case for case in FEW if case.random and not case.training], ids=str)
def test_dropout_and_noise_do_nothing_in_inference(case):
    layer, inputs = case.built(), case.inputs()
    np.testing.assert_array_equal(run_on_engine("numpy", layer, inputs)[0], inputs)
    np.testing.assert_array_equal(K.get_value(layer(inputs)), inputs)


def test_every_layer_is_in_the_catalogue():
    classes = {name for name in layers.__all__ if isinstance(getattr(layers, name), type)}
    assert classes - ALIASES - PARTS - CELLS - CALLED_OTHERWISE == {case.name for case in CASES}
