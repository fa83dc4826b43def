"""Attention and AdditiveAttention: promises, parity with Keras 3, masks, dropout."""

import json

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam import layers
from hornbeam.layers import AdditiveAttention, Attention, Input, Masking
from hornbeam.models import Model, model_from_json

TWO = [(2, 4, 3), (2, 5, 3)]
THREE = [(2, 4, 3), (2, 5, 6), (2, 5, 3)]


def some(shapes):
    draw = np.random.default_rng(3)
    return [draw.normal(size=shape).astype("float32") for shape in shapes]


def ones_then_zeros(lengths, size):
    """(B, size) booleans, row i True in the first lengths[i] places."""
    return np.arange(size) < np.asarray(lengths)[:, None]


MASKS = [ones_then_zeros([4, 2], 4), ones_then_zeros([3, 5], 5)]


class Called(layers.Layer):
    """A layer together with the options it is called with."""

    rowwise = True

    def __init__(self, inner, options, **kwargs):
        super().__init__(**kwargs)
        self.inner, self.options = inner, options

    def call(self, inputs):
        return self.inner(inputs, **self.options)


class CalledOracle(keras.layers.Layer):
    """The same for Keras."""

    def __init__(self, inner, options):
        super().__init__()
        self.inner, self.options = inner, options

    def build(self, shapes):
        self.inner.build(shapes)

    def call(self, inputs):
        return self.inner(inputs, **self.options)


# --- Any layer's promises ---


@pytest.mark.parametrize(
    ("layer", "kwargs", "shapes"),
    [
        (Attention, {}, [(4, 3), (5, 3)]),
        (Attention, {"use_scale": True, "score_mode": "concat"}, [(4, 3), (5, 6), (5, 3)]),
        (Attention, {"use_scale": True}, [(None, 3), (None, 3)]),
        (AdditiveAttention, {}, [(4, 3), (5, 6), (5, 3)]),
        (AdditiveAttention, {"use_scale": False}, [(4, 3), (5, 3)]),
    ],
)
def test_promises(layer, kwargs, shapes):
    check_layer(layer, kwargs, input_shape=shapes)


def test_promises_with_dropout():
    _, layer = check_layer(Attention, {"dropout": 0.5, "seed": 3}, input_shape=[(4, 3), (5, 3)], random=True)
    assert layer.get_config()["dropout"] == 0.5


# --- The same as Keras 3 ---


@pytest.mark.parametrize(
    ("name", "kwargs", "shapes", "options"),
    [
        ("Attention", {}, TWO, {}),
        ("Attention", {}, THREE, {}),
        ("Attention", {"use_scale": True}, TWO, {"use_causal_mask": True}),
        ("Attention", {"use_scale": True}, TWO, {"mask": MASKS}),
        ("Attention", {}, TWO, {"mask": [None, MASKS[1]], "use_causal_mask": True}),
        ("Attention", {}, THREE, {"mask": [*MASKS, None], "return_attention_scores": True}),
        ("Attention", {}, TWO, {"mask": [MASKS[0], None]}),
        ("Attention", {"score_mode": "concat"}, THREE, {}),
        ("Attention", {"score_mode": "concat", "use_scale": True}, TWO, {"mask": MASKS, "use_causal_mask": True}),
        ("AdditiveAttention", {}, TWO, {}),
        ("AdditiveAttention", {}, THREE, {"mask": MASKS, "return_attention_scores": True}),
        ("AdditiveAttention", {"use_scale": False}, TWO, {"use_causal_mask": True}),
        ("AdditiveAttention", {}, TWO, {"mask": [None, MASKS[1]], "use_causal_mask": True}),
    ],
)
def test_is_keras(name, kwargs, shapes, options):
    ours = Called(getattr(layers, name)(**kwargs), options)
    theirs = {**options, "mask": [m if m is None else K.constant(m, "bool") for m in options["mask"]]} if (
        "mask" in options
    ) else options  # fmt: skip
    check_against_keras(ours, CalledOracle(getattr(keras.layers, name)(**kwargs), theirs), some(shapes))


def test_weights_are_those_of_keras():
    for name, kwargs in (
        ("Attention", {"use_scale": True, "score_mode": "concat"}),
        ("AdditiveAttention", {}),
    ):
        ours, theirs = getattr(layers, name)(**kwargs), getattr(keras.layers, name)(**kwargs)
        ours.build(TWO)
        theirs.build(TWO)
        assert [(w.name.split("/")[1], w.shape) for w in ours.weights] == [
            (f"{w.name}:0", tuple(w.shape)) for w in theirs.weights
        ]
        np.testing.assert_array_equal(ours.get_weights()[0].shape, theirs.get_weights()[0].shape)


# --- Masks ---


def test_masks_that_come_with_the_tensors():
    query, value = some(TWO)
    query[MASKS[0] == 0] = 0
    value[MASKS[1] == 0] = 0
    symbols = [Input(shape[1:]) for shape in TWO]
    outputs = Attention(use_scale=True)([Masking()(s) for s in symbols])
    model = Model(symbols, outputs)
    wanted = Attention()([query, value], mask=MASKS)
    np.testing.assert_allclose(model.predict([query, value]), wanted, rtol=1e-5, atol=1e-6)
    assert outputs._keras_mask is not None
    assert np.all(np.asarray(wanted)[1, 2:] == 0)


def test_the_scores_have_no_mask():
    symbols = [Input(shape[1:]) for shape in TWO]
    outputs, scores = Attention()([Masking()(s) for s in symbols], return_attention_scores=True)
    assert outputs.shape == (None, 4, 3)
    assert scores.shape == (None, 4, 5)
    assert outputs._keras_mask is not None
    assert scores._keras_mask is None
    found, weights = Model(symbols, [outputs, layers.Conv1D(2, 1)(scores)]).predict(some(TWO))  # Conv1D takes no mask
    assert found.shape == (2, 4, 3)
    assert weights.shape == (2, 4, 2)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
@pytest.mark.parametrize("layer", [Attention, AdditiveAttention])
def test_rows_without_any_value_are_finite(layer, dtype):
    # All masked: all values weigh the same, 1/5.
    query, value = (K.cast(x * 40, dtype) for x in some(TWO))
    found = layer(use_scale=False)([query, value], mask=[None, np.zeros((2, 5), bool)])
    assert K.dtype(found) == dtype
    wanted = np.repeat(np.asarray(value, "float64").mean(1, keepdims=True), 4, axis=1)
    close = 1e-4 if dtype == "float32" else 0.5
    np.testing.assert_allclose(np.asarray(found, "float64"), wanted, rtol=2e-2, atol=close)


def test_a_causal_query_does_not_see_the_future():
    (x,) = some([(1, 4, 3)])
    changed = x.copy()
    changed[:, 2:] = 9
    layer = Attention()
    one, other = (np.asarray(layer([v, v], use_causal_mask=True)) for v in (x, changed))
    np.testing.assert_allclose(one[:, :2], other[:, :2], rtol=1e-6)
    assert np.abs(one[:, 2:] - other[:, 2:]).max() > 1
    np.testing.assert_allclose(one[:, 0], x[:, 0], rtol=1e-6)  # the first step sees itself alone


# --- Dropout ---


def test_dropout_drops_weights_while_training():
    # Equal keys, so all weights are 1/1000 before dropout; values of 1 make each result the sum of its weights.
    query, value = np.zeros((1, 50, 2), "float32"), np.ones((1, 1000, 2), "float32")
    layer = Attention(dropout=0.3, seed=5)
    outputs, weights = layer([query, value], return_attention_scores=True, training=True)
    weights = np.asarray(weights)
    dropped = weights == 0
    assert abs(dropped.mean() - 0.3) < 0.01
    np.testing.assert_allclose(weights[~dropped], 1e-3 / 0.7, rtol=1e-4)
    np.testing.assert_allclose(np.asarray(outputs)[..., 0], weights.sum(-1), rtol=1e-4)
    np.testing.assert_allclose(layer([query, value]), 1.0, rtol=1e-4)


# --- Configurations and errors ---


def test_calls_with_options_are_written_down():
    query, value = Input((4, 3)), Input((5, 3))
    mask = Input((5,), dtype="bool")
    outputs = AdditiveAttention()(
        [query, value], mask=[None, mask], use_causal_mask=True, return_attention_scores=True
    )  # fmt: skip
    model = Model([query, value, mask], list(outputs))
    again = model_from_json(json.dumps(json.loads(model.to_json())))
    again.set_weights(model.get_weights())
    arrays = [*some(TWO), MASKS[1]]
    for one, other in zip(model.predict(arrays), again.predict(arrays), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_configuration_of_additive_attention_has_no_score_mode():
    assert "score_mode" not in AdditiveAttention().get_config()
    assert AdditiveAttention(dropout=0.2, seed=1).get_config()["seed"] == 1


@pytest.mark.parametrize(
    ("shapes", "message"),
    [
        ((4, 3), "needs a list of inputs"),
        ([(4, 3)], "got 1 of them"),
        ([(4, 3)] * 4, "got 4 of them"),
        ([(4, 3), (5, 2)], "same number of features"),
        ([(4, 3), (5, 3), (6, 3)], "each value needs its key"),
    ],
)
def test_refuses_inputs_that_do_not_fit(shapes, message):
    inputs = [Input(s) for s in shapes] if isinstance(shapes, list) else Input(shapes)
    with pytest.raises(ValueError, match=message):
        Attention()(inputs)


def test_refuses_unknown_settings():
    with pytest.raises(ValueError, match="score_mode must be 'dot' or 'concat'"):
        Attention(score_mode="cos")
    with pytest.raises(ValueError, match="dropout must be a number"):
        Attention(dropout=1.0)
