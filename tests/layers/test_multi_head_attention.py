"""MultiHeadAttention: promises, parity with Keras 3, masks from everywhere, dropout, models."""

import json

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam import layers, nest, registry, scope
from hornbeam.layers import Dense, Embedding, GlobalAveragePooling1D, Input, Masking, MultiHeadAttention
from hornbeam.models import Model, model_from_json

SELF = [(2, 4, 6)]
TWO = [(2, 4, 6), (2, 5, 3)]
THREE = [(2, 4, 6), (2, 5, 3), (2, 5, 7)]
DEEP = [(2, 3, 4, 6), (2, 3, 5, 6)]
MASK = np.random.default_rng(0).random((2, 4, 5)) < 0.6
MASK[..., 0] = True
STEPS = np.arange(5) < np.array([[3], [5]])


def some(shapes):
    draw = np.random.default_rng(3)
    return [draw.normal(size=shape).astype("float32") for shape in shapes]


class Called(layers.Layer):
    """Several of the layer, each with settings and call options, on the same tensors (one stands for two)."""

    rowwise = True

    def __init__(self, calls, **kwargs):
        super().__init__(**kwargs)
        self.calls = calls
        self.inner = [MultiHeadAttention(**settings) for settings, _ in calls]

    def call(self, inputs):
        tensors = inputs if isinstance(inputs, list) else [inputs, inputs]
        found = [layer(*tensors, **options) for layer, (_, options) in zip(self.inner, self.calls, strict=True)]
        return nest.unpack_singleton(nest.flatten(found))


class CalledOracle(keras.layers.Layer):
    """The same for Keras."""

    def __init__(self, calls):
        super().__init__()
        self.calls = calls
        self.inner = [keras.layers.MultiHeadAttention(**settings) for settings, _ in calls]

    def build(self, shapes):
        for layer in self.inner:
            layer.build(*(shapes if isinstance(shapes, list) else [shapes, shapes]))

    def call(self, inputs):
        tensors = inputs if isinstance(inputs, list) else [inputs, inputs]
        return nest.flatten([layer(*tensors, **options) for layer, (_, options) in zip(self.inner, self.calls)])


# --- Any layer's promises ---


@pytest.mark.parametrize(
    ("settings", "shapes"),
    [
        ({"num_heads": 2, "key_dim": 3}, (None, 6)),
        (
            {"num_heads": 2, "key_dim": 3, "value_dim": 4, "output_shape": 5, "use_gate": True, "sliding_window": 2},
            [(4, 6), (5, 3), (5, 7)],
        ),
        ({"num_heads": 2, "key_dim": 3, "use_bias": False, "attention_axes": 2}, [(3, 4, 6), (3, 5, 6)]),
    ],
)
def test_promises(settings, shapes):
    check_layer(Called, {"calls": [[settings, {}]]}, input_shape=shapes, custom_objects={"Called": Called})


def test_promises_with_dropout():
    settings = {"num_heads": 2, "key_dim": 3, "dropout": 0.5}
    check_layer(
        Called, {"calls": [[settings, {}]]}, input_shape=(4, 6), random=True, custom_objects={"Called": Called}
    )  # fmt: skip


# --- The same as Keras 3 ---


WITH_SCORES = {"return_attention_scores": True}

# What is compiled together -> (shapes of the inputs, [(settings, options of the call), ...])
CALLS = {
    "settings": (TWO, [
        ({}, {}), ({"use_bias": False}, {}), ({"output_shape": 4}, {}), ({"output_shape": (2, 3)}, {}),
        ({"use_gate": True}, {}), ({"dropout": 0.4}, {"training": False}), ({"num_heads": 1, "key_dim": 6}, {}),
        # Values of another size than the keys: Keras on this engine fails unless the weights are asked for.
        ({"value_dim": 5}, WITH_SCORES), ({"use_gate": True, "value_dim": 5}, WITH_SCORES),
    ]),
    "self": (SELF, [
        ({}, {}), ({}, {"use_causal_mask": True}), ({"sliding_window": 2}, {}), ({"flash_attention": False}, {}),
        ({"sliding_window": 2}, {"use_causal_mask": True, **WITH_SCORES}),
        ({"attention_axes": 1}, {"use_causal_mask": True}),
    ]),
    "masks": (THREE, [
        ({}, {}), ({}, {"attention_mask": MASK}), ({}, {"attention_mask": MASK[0]}),
        ({}, {"attention_mask": MASK[:, None], **WITH_SCORES}), ({}, {"value_mask": STEPS}),
        ({}, {"attention_mask": MASK.astype("int32"), "use_causal_mask": True}),
        ({}, {"value_mask": STEPS, "key_mask": STEPS[::-1], "attention_mask": MASK}),
        ({"dropout": 0.4}, {"value_mask": STEPS, "training": False, **WITH_SCORES}),
    ]),
    "axes": (DEEP, [
        ({"attention_axes": (2,)}, {}), ({"attention_axes": -2, "output_shape": 4}, WITH_SCORES), ({}, WITH_SCORES),
        ({"attention_axes": (2, 1)}, WITH_SCORES), ({"attention_axes": 2}, {"attention_mask": MASK[:, None, None]}),
    ]),
}  # fmt: skip


@pytest.mark.parametrize(("shapes", "calls"), CALLS.values(), ids=CALLS.keys())
def test_is_keras(shapes, calls):
    common = {"num_heads": 2, "key_dim": 3, "bias_initializer": "random_normal"}
    ours = [({**common, **settings}, options) for settings, options in calls]
    theirs = [
        (settings, {k: K.constant(v, str(v.dtype)) if isinstance(v, np.ndarray) else v for k, v in options.items()})
        for settings, options in ours
    ]
    inputs = some(shapes)
    check_against_keras(Called(ours), CalledOracle(theirs), inputs if len(inputs) > 1 else inputs[0])


@pytest.mark.parametrize(
    "settings", [{}, {"use_gate": True, "output_shape": (2, 3), "value_dim": 5}, {"use_bias": False}]
)
def test_weights_are_those_of_keras(settings):
    ours, theirs = (
        kind(num_heads=2, key_dim=3, name="mha", **settings)
        for kind in (MultiHeadAttention, keras.layers.MultiHeadAttention)
    )
    ours.build(*THREE)
    theirs.build(*THREE)
    assert [(w.name, w.shape) for w in ours.weights] == [(f"{w.path}:0", tuple(w.shape)) for w in theirs.weights]
    theirs.set_weights(ours.get_weights())


def test_kernels_start_with_the_spread_of_keras():
    # Queries (…, 64) become 4 heads of 16: fan in 64, fan out 64, so glorot_uniform reaches sqrt(6 / 128).
    layer = MultiHeadAttention(4, 16)
    layer.build((None, 3, 64), (None, 3, 64))
    for kernel in layer.get_weights()[::2]:
        np.testing.assert_allclose(np.abs(kernel).max(), np.sqrt(6 / 128), rtol=0.01)


# --- Masks that come with the tensors ---


def test_masks_of_all_three_tensors_count():
    query, value, key = some(THREE)
    wanted_masks = [np.arange(4) < np.array([[4], [2]]), STEPS, np.arange(5) < np.array([[5], [2]])]
    for array, mask in zip((query, value, key), wanted_masks, strict=True):
        array[~mask] = 0
    symbols = [Input(shape[1:]) for shape in THREE]
    layer = MultiHeadAttention(2, 3, bias_initializer="random_normal")
    outputs, scores = layer(*(Masking()(s) for s in symbols), return_attention_scores=True)
    assert outputs._keras_mask is not None
    assert scores._keras_mask is None
    model = Model(symbols, [outputs, scores])
    found, found_scores = model.predict([query, value, key])
    names = ("query_mask", "value_mask", "key_mask")
    masks = dict(zip(names, wanted_masks, strict=True))
    wanted, wanted_scores = layer(query, value, key, return_attention_scores=True, **masks)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found_scores, wanted_scores, rtol=1e-5, atol=1e-6)
    assert np.abs(np.asarray(wanted) - np.asarray(layer(query, value, key))).max() > 1e-3
    for i in range(3):  # each counts by itself
        part = layer(query, value, key, **{names[i]: wanted_masks[i]})
        assert np.abs(np.asarray(part) - np.asarray(layer(query, value, key))).max() > 1e-3
    again = model_from_json(json.dumps(json.loads(model.to_json())))
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict([query, value, key])[0], found)


def test_masks_of_embeddings_equal_those_of_keras():
    tokens = np.array([[3, 1, 0, 0], [2, 4, 5, 1]])

    def model_of(house, model):
        x = house.Input((4,), dtype="int32")
        y = house.Embedding(6, 6, mask_zero=True)(x)
        return model(x, house.GlobalAveragePooling1D()(house.MultiHeadAttention(2, 3)(y, y)))

    ours, theirs = model_of(layers, Model), model_of(keras.layers, keras.Model)
    theirs.set_weights(ours.get_weights())
    np.testing.assert_allclose(ours.predict(tokens), theirs.predict(tokens, verbose=0), rtol=1e-5, atol=1e-6)


class Block(layers.Layer):
    """Attention inside a layer of one's own, on values that bear masks."""

    rowwise = supports_masking = True

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.marking, self.attention = Masking(), MultiHeadAttention(2, 3)

    def call(self, inputs):
        query, value = inputs
        return self.attention(query, self.marking(value))


def test_masks_count_inside_a_layer_of_ones_own():
    query, value = some(TWO)
    value[~STEPS] = 0
    block = Block()
    symbols = [Input(shape[1:]) for shape in TWO]
    model = Model(symbols, block(symbols))
    wanted = block.attention(query, value, value_mask=STEPS)
    np.testing.assert_allclose(model.predict([query, value]), wanted, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(block([query, value]), wanted, rtol=1e-5, atol=1e-6)


def test_masks_given_by_hand_take_the_place_of_those_of_the_tensors():
    query, value = some(TWO)
    value[~STEPS] = 0
    layer, everything = MultiHeadAttention(2, 3), np.ones((2, 5), bool)
    with scope.Scope():
        found = layer(query, Masking()(K.constant(value)), value_mask=everything)
    np.testing.assert_allclose(found, layer(query, value), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("settings", [{}, {"attention_axes": 2}])
def test_step_masks_along_any_axes(settings):
    # A mask over all axes before the features: hidden places change nothing, whatever axes are looked along.
    query, value = some(DEEP)
    layer = MultiHeadAttention(2, 3, **settings)
    mask = np.ones((2, 3, 5), bool)
    mask[:, :, 3:] = mask[1, 2] = False
    changed = value.copy()
    changed[~mask] = 9
    one, other = (np.asarray(layer(query, v, value_mask=mask)) for v in (value, changed))
    seen = [0] if settings else [0, 1]  # along axis 2 alone, query 2 of row 1 sees hidden places only
    np.testing.assert_allclose(one[seen], other[seen], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(one[1, :2], other[1, :2], rtol=1e-5, atol=1e-6)


def test_causal_along_another_axis():
    query, value = some(DEEP)
    layer = MultiHeadAttention(2, 3, attention_axes=2)
    _, scores = layer(query, value, use_causal_mask=True, return_attention_scores=True)
    assert scores.shape == (2, 3, 2, 4, 5)
    assert np.all(np.asarray(scores)[..., ~np.tril(np.ones((4, 5), bool))] == 0)
    with pytest.raises(ValueError, match="need one attention axis"):
        MultiHeadAttention(2, 3)(query, value, use_causal_mask=True)


@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_queries_that_may_look_nowhere_are_finite(dtype):
    query, value = (K.cast(30 * x, dtype) for x in some(TWO))
    layer = MultiHeadAttention(2, 3, dtype=dtype)
    outputs, scores = layer(query, value, attention_mask=np.zeros((4, 5), bool), return_attention_scores=True)
    assert K.dtype(outputs) == dtype
    assert np.isfinite(np.asarray(outputs, "float32")).all()
    np.testing.assert_allclose(np.asarray(scores, "float32"), 0.2, rtol=1e-2)


def test_gradients_of_queries_that_may_look_nowhere_are_finite():
    symbols = [Input(shape[1:]) for shape in TWO]
    layer = MultiHeadAttention(2, 3)
    outputs = layer(*symbols, attention_mask=np.zeros((4, 5), bool))
    gradients = K.function(symbols, K.gradients(K.sum(K.square(outputs)), [*symbols, *layer.trainable_weights]))
    assert all(np.isfinite(g).all() for g in gradients(some(TWO)))


# --- Dropout, penalties ---


def test_dropout_drops_weights_while_training():
    # Weights of zero give equal scores; the values are their bias of 1, so each head's mean is the sum of what is kept.
    layer = MultiHeadAttention(1, 1, dropout=0.25, seed=4, kernel_initializer="zeros", bias_initializer="ones")
    layer.build((None, 50, 1), (None, 400, 1))
    layer.output_dense.set_weights([np.ones((1, 1, 1)), np.zeros(1)])
    x, y = np.zeros((2, 50, 1), "float32"), np.zeros((2, 400, 1), "float32")
    found, scores = (np.asarray(v) for v in layer(x, y, training=True, return_attention_scores=True))
    np.testing.assert_allclose(scores, 1 / 400, rtol=1e-5)  # those returned are whole, as in Keras
    kept = found * 400 * 0.75  # how many of the 400 weights each query kept
    np.testing.assert_allclose(kept, np.round(kept), atol=1e-2)
    assert abs(kept.mean() / 400 - 0.75) < 0.01
    assert kept.std() > 1
    np.testing.assert_array_equal(layer(x, y, training=True), found)  # one seed, one mask
    np.testing.assert_allclose(layer(x, y), 1.0, rtol=1e-5)


def test_penalties_of_all_projections():
    layer = MultiHeadAttention(2, 3, kernel_regularizer="l2", bias_regularizer="l1", kernel_constraint="non_neg")
    layer.build(*THREE)
    assert len(layer.losses) == 8
    assert all(w.constraint is not None for w in layer.weights[::2])
    settings = MultiHeadAttention(2, 3, activity_regularizer="l2").get_config()
    assert settings["activity_regularizer"]["class_name"] in ("L1L2", "L2")


def test_the_results_of_projections_are_penalised():
    x = some(SELF)[0]
    layer = MultiHeadAttention(2, 3, activity_regularizer="l2")
    layer(x, x)
    with scope.Scope() as here:
        layer(x, x)
    projections = {layer.query_dense, layer.key_dense, layer.value_dense, layer.output_dense}
    assert {owner for owner, _ in here.losses} == projections


# --- Models and configurations ---


def test_in_a_model_that_trains_and_is_written_down():
    x = Input((4,), dtype="int32")
    y = Embedding(10, 6, mask_zero=True)(x)
    y = layers.Add()([y, MultiHeadAttention(2, 3, dropout=0.1)(query=y, value=y, use_causal_mask=True)])
    y = layers.LayerNormalization()(y)
    model = Model(x, Dense(1, activation="sigmoid")(GlobalAveragePooling1D()(y)))
    model.compile("adam", "binary_crossentropy")
    tokens = np.random.default_rng(0).integers(1, 10, (64, 4))
    tokens[::3, 2:] = 0
    labels = (tokens[:, 0] > 4).astype("float32")
    history = model.fit(tokens, labels, batch_size=24, epochs=15, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0] * 0.95
    again = model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(tokens), model.predict(tokens))


def test_called_twice_and_with_tensors_among_the_options():
    query, value, mask = Input((4, 6)), Input((5, 3)), Input((4, 5), dtype="bool")
    layer = MultiHeadAttention(2, 3)
    outputs = layer(layer(query, value, attention_mask=mask), value, value)
    model = Model([query, value, mask], outputs)
    arrays = [*some(TWO), MASK]
    wanted = layer(layer(arrays[0], arrays[1], attention_mask=MASK), arrays[1])
    np.testing.assert_allclose(model.predict(arrays), wanted, rtol=1e-5, atol=1e-6)
    again = model_from_json(model.to_json())
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(arrays), model.predict(arrays))


def test_configuration_round_trip():
    layer = MultiHeadAttention(
        2, 3, value_dim=4, dropout=0.1, use_bias=False, output_shape=(2, 5), attention_axes=(1,), sliding_window=3,
        kernel_initializer="he_normal", kernel_regularizer="l2", use_gate=True, seed=7,
    )  # fmt: skip
    layer(Input((4, 6)), Input((5, 3)))  # the layer now has an `output_shape` of its own
    settings = json.loads(json.dumps(layer.get_config()))
    assert settings["output_shape"] == [2, 5]
    twin = registry.deserialize("layer", {"class_name": "MultiHeadAttention", "config": settings})
    twin.build((None, 4, 6), (None, 5, 3))
    assert [w.shape for w in twin.weights] == [w.shape for w in layer.weights]
    assert json.loads(json.dumps(twin.get_config())) == settings


def test_options_by_place():
    query, value = some(TWO)
    layer = MultiHeadAttention(2, 3)
    found, scores = layer(query, value, None, None, STEPS, None, None, True)
    wanted, _ = layer(query, value, value_mask=STEPS, return_attention_scores=True)
    np.testing.assert_array_equal(found, wanted)
    assert scores.shape == (2, 2, 4, 5)


# --- Errors ---


@pytest.mark.parametrize(
    ("shapes", "settings", "message"),
    [
        ([(6,), (3,)], {}, "rank, 3 or more"),
        ([(4, 6), (2, 5, 3)], {}, "same rank"),
        ([(4, 6), (5, 3), (6, 3)], {}, "same steps"),
        ([(4, 6), (5, 3)], {"attention_axes": 2}, "attention_axes must lie between"),
        ([(4, 6), (5, 3)], {"attention_axes": 7}, "attention_axes must lie between"),
        ([(3, 4, 6), (2, 4, 6)], {"attention_axes": 2}, "axis 1 is not looked along"),
        ([(4, None), (5, 3)], {}, "whose size is unknown|unknown size"),
    ],
)
def test_refuses_inputs_that_do_not_fit(shapes, settings, message):
    with pytest.raises(ValueError, match=message):
        MultiHeadAttention(2, 3, **settings)(*(Input(s) for s in shapes))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"num_heads": 0}, "num_heads must be an integer of at least 1"),
        ({"key_dim": 1.5}, "key_dim must be an integer"),
        ({"value_dim": -1}, "value_dim must be an integer"),
        ({"dropout": 2}, "dropout must be a number"),
        ({"sliding_window": 0}, "sliding_window must be an integer"),
    ],
)
def test_refuses_settings_out_of_range(settings, message):
    with pytest.raises(ValueError, match=message):
        MultiHeadAttention(**{"num_heads": 2, "key_dim": 3, **settings})
