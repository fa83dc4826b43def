"""Masks: who passes them on, who uses them up, how several become one, and what they do to losses and metrics."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import layers as L
from hornbeam.layers import Input
from hornbeam.models import Model, Sequential

# Masking marks steps of zeros: row 0 has three real steps, row 1 one, row 2 none.
X = np.array([[[1, 2], [3, 4], [5, 6], [0, 0]], [[7, 8], [0, 0], [0, 0], [0, 0]], np.zeros((4, 2))], "float32")
MASK = np.array([[1, 1, 1, 0], [1, 0, 0, 0], [0, 0, 0, 0]], bool)
# A second input whose real steps are others.
OTHER = np.array([[[0, 0], [1, 1], [1, 1], [1, 1]], [[1, 1], [1, 1], [0, 0], [0, 0]], np.ones((4, 2))], "float32")
OTHER_MASK = np.array([[0, 1, 1, 1], [1, 1, 0, 0], [1, 1, 1, 1]], bool)


def mask_after(make, values=X):
    """Mask of what `make` gives on a masked input, symbolically and in a graph of values; None if it has none."""
    given = Input((4, 2))
    tensor = make(L.Masking()(given))
    mask = tensor._keras_mask
    return None if mask is None else K.function([given], [mask])([values])[0]


# --- One input ---

PASSING = {
    "Activation": ("tanh",), "ActivityRegularization": (), "Dense": (3,), "Dropout": (0.1,), "SpatialDropout1D": (0.1,),
    "GaussianNoise": (0.1,), "GaussianDropout": (0.1,), "AlphaDropout": (0.1,), "BatchNormalization": (),
    "LayerNormalization": (), "UnitNormalization": (), "LeakyReLU": (), "PReLU": (), "ELU": (), "ThresholdedReLU": (),
    "Softmax": (), "ReLU": (), "Identity": (), "Masking": (), "GroupNormalization": (1,),
}  # fmt: skip


@pytest.mark.parametrize("name", PASSING)
def test_passed_on(name):
    layer = getattr(L, name)(*PASSING[name])
    assert layer.supports_masking
    np.testing.assert_array_equal(mask_after(layer), MASK)


@pytest.mark.parametrize("make", [L.SimpleRNN, L.GRU, L.LSTM, lambda n, **k: L.RNN(L.GRUCell(n), **k)])
def test_recurrent_layers_pass_it_on_with_sequences_and_use_it_up_without(make):
    np.testing.assert_array_equal(mask_after(make(3, return_sequences=True)), MASK)
    assert mask_after(make(3)) is None
    with_states = make(3, return_sequences=True, return_state=True)(L.Masking()(Input((4, 2))))
    assert with_states[0]._keras_mask is not None
    assert all(state._keras_mask is None for state in with_states[1:])


def test_used_up():
    assert mask_after(L.GlobalAveragePooling1D()) is None
    assert mask_after(L.Lambda(lambda x: K.sum(x, axis=1))) is None
    np.testing.assert_array_equal(mask_after(L.Lambda(lambda x: x, mask=lambda x, mask: mask)), MASK)


def test_embedding_masks_id_0_if_told():
    ids = Input((3,), dtype="int32")
    mask = L.Embedding(5, 2, mask_zero=True)(ids)._keras_mask
    found = K.function([ids], [mask])([np.array([[0, 3, 0]])])[0]
    assert found.tolist() == [[False, True, False]]
    assert L.Embedding(5, 2)(ids)._keras_mask is None


# --- Wrappers ---


@pytest.mark.parametrize("merge_mode", ["concat", "sum", "ave", "mul"])
def test_bidirectional(merge_mode):
    both = L.Bidirectional(L.LSTM(3, return_sequences=True), merge_mode)
    np.testing.assert_array_equal(mask_after(both), MASK)
    assert mask_after(L.Bidirectional(L.LSTM(3), merge_mode)) is None


def test_bidirectional_skips_masked_steps_both_ways():
    layer = L.Bidirectional(L.GRU(3))
    found = Sequential([L.Masking(input_shape=(4, 2)), layer]).predict(X)
    np.testing.assert_allclose(found[0], K.get_value(layer(X[:1, :3]))[0], atol=1e-6)
    np.testing.assert_allclose(found[1], K.get_value(layer(X[1:2, :1]))[0], atol=1e-6)
    np.testing.assert_array_equal(found[2], np.zeros(6))


def test_unmerged_outputs_both_have_it():
    outputs = L.Bidirectional(L.GRU(3, return_sequences=True), None)(L.Masking()(Input((4, 2))))
    assert all(y._keras_mask is not None for y in outputs)


def test_time_distributed():
    np.testing.assert_array_equal(mask_after(L.TimeDistributed(L.Dense(3))), MASK)
    # A layer that makes masks of its own: a step counts where anything in it does.
    ids = Input((2, 3), dtype="int32")
    mask = L.TimeDistributed(L.Embedding(5, 2, mask_zero=True))(ids)._keras_mask
    found = K.function([ids], [mask])([np.array([[[0, 0, 0], [0, 4, 0]]])])[0]
    assert found.tolist() == [[False, True]]


# --- Several inputs ---


def merged_mask(layer, second_masked=True):
    one, other = Input((4, 2)), Input((4, 2))
    tensors = [L.Masking()(one), L.Masking()(other) if second_masked else L.Activation("linear")(other)]
    mask = layer(tensors)._keras_mask
    return None if mask is None else K.function([one, other], [mask])([X, OTHER])[0]


@pytest.mark.parametrize("make", [L.Add, L.Subtract, L.Multiply, L.Average, L.Maximum, L.Minimum, L.Concatenate])
def test_merges_let_through_what_all_let_through(make):
    np.testing.assert_array_equal(merged_mask(make()), MASK & OTHER_MASK)
    np.testing.assert_array_equal(merged_mask(make(), second_masked=False), MASK)


def test_sequences_one_after_the_other_have_their_masks_one_after_the_other():
    np.testing.assert_array_equal(merged_mask(L.Concatenate(1)), np.concatenate([MASK, OTHER_MASK], 1))
    free = merged_mask(L.Concatenate(1), second_masked=False)
    np.testing.assert_array_equal(free, np.concatenate([MASK, np.ones_like(MASK)], 1))


def test_products_have_none():
    assert merged_mask(L.Dot(2)) is None


def test_attention_has_that_of_its_queries():
    np.testing.assert_array_equal(merged_mask(L.Attention()), MASK)


def test_words_that_leave_steps_in_place_keep_it():
    np.testing.assert_array_equal(mask_after(lambda x: L.Dense(3)(2 * x + 1)), MASK)


# --- Models in models ---


def test_masks_go_into_inner_models_and_come_out():
    inner_input = Input((4, 2))
    inner = Model(inner_input, L.Dense(2)(inner_input))
    np.testing.assert_array_equal(mask_after(inner), MASK)
    masking = Sequential([L.Masking(input_shape=(4, 2)), L.Dense(2)])
    given = Input((4, 2))
    outputs = L.LSTM(3)(masking(given))
    direct = Model(given, outputs).predict(X)
    lstm = outputs._keras_history[0]
    cut = K.get_value(lstm(masking.predict(X)[:1, :3]))
    np.testing.assert_allclose(direct[:1], cut, atol=1e-6)
    np.testing.assert_array_equal(direct[2], np.zeros(3))


def test_compute_mask_of_a_model_works_on_values():
    model = Sequential([L.Masking(input_shape=(4, 2)), L.Dense(2)])
    np.testing.assert_array_equal(model.compute_mask(K.constant(X)), MASK)
    free = Sequential([L.Dense(2, input_shape=(4, 2))])
    assert free.compute_mask(K.constant(X)) is None
    np.testing.assert_array_equal(free.compute_mask(K.constant(X), K.constant(MASK, "bool")), MASK)


def test_inner_models_refuse_masks_where_a_layer_of_theirs_does():
    inner = Sequential([L.Conv1D(3, 2, input_shape=(4, 2))])
    with pytest.raises(TypeError, match="Conv1D .* does not support masking"):
        inner(L.Masking()(Input((4, 2))))


# --- Losses and metrics: score * mask / mean(mask), and the mean of that ---

STEPS = np.array([[[1.0], [0.0]], [[3.0], [4.0]]], "float32")  # the second step of row 0 is masked
TARGETS = np.array([[[0.0], [5.0]], [[0.0], [0.0]]], "float32")  # 5 would add 25 if it counted


def masked_model(**compile_arguments):
    """Predicts w * x with w = 1 at masked steps and others alike."""
    model = Sequential([L.Masking(input_shape=(2, 1)), L.Dense(1, use_bias=False, kernel_initializer="ones")])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compile_arguments})
    return model


def test_masked_loss_and_metric():
    # Squares 1, (25), 9, 16; mean(mask) = 3/4: mean of [1, 0, 9, 16] / (3/4) is 26/4 / (3/4) = 26/3.
    # Distances 1, (5), 3, 4: 8/4 / (3/4) = 8/3.
    model = masked_model(metrics=["mae"])
    np.testing.assert_allclose(model.evaluate(STEPS, TARGETS, verbose=0), [26 / 3, 8 / 3], rtol=1e-6)
    history = model.fit(STEPS, TARGETS, verbose=0).history
    np.testing.assert_allclose([v[0] for v in history.values()], [26 / 3, 8 / 3], rtol=1e-6)
    # d loss / d w = 2 * 26/3 at w = 1, rate 0.01.
    np.testing.assert_allclose(model.get_weights()[0], [[1 - 0.01 * 52 / 3]], rtol=1e-5)


def test_masked_and_weighted_loss():
    # Rows weigh 2 and 0. Mean over the steps of [1, 0, 9, 16] / (3/4): 2/3 and 50/3; times [2, 0], divided by the share
    # of weights that are not 0, 1/2: 8/3 and 0; their mean is 4/3.
    found = masked_model().evaluate(STEPS, TARGETS, sample_weight=np.array([2.0, 0.0]), verbose=0)
    np.testing.assert_allclose(found, 4 / 3, rtol=1e-6)


def test_masked_loss_with_weights_by_step():
    # [1, 0, 9, 16] / (3/4) times [[1, 1], [0, 3]], divided by the share of weights that are not 0, 3/4:
    # (1 + 0 + 0 + 48) / (9/16) / 4 = 196/9.
    model = masked_model(sample_weight_mode="temporal")
    weights = np.array([[1.0, 1.0], [0.0, 3.0]])
    np.testing.assert_allclose(model.evaluate(STEPS, TARGETS, sample_weight=weights, verbose=0), 196 / 9, rtol=1e-6)


def test_masked_loss_by_batches():
    # Each batch of one row has its own mean(mask): 1 * 1 / (1/2) / 2 = 1 and (9 + 16) / 2 = 12.5; their mean is 6.75.
    found = masked_model().evaluate(STEPS, TARGETS, batch_size=1, verbose=0)
    np.testing.assert_allclose(found, 6.75, rtol=1e-6)


def test_two_outputs_have_masks_of_their_own():
    given = Input((2, 1))
    masked = L.Dense(1, use_bias=False, kernel_initializer="ones", name="a")(L.Masking()(given))
    free = L.Dense(1, use_bias=False, kernel_initializer="ones", name="b")(given)
    model = Model(given, [masked, free])
    model.compile("sgd", "mse")
    # The first as above; the second counts the step with 25: 51/4.
    found = model.evaluate(STEPS, [TARGETS, TARGETS], verbose=0)
    np.testing.assert_allclose(found, [26 / 3 + 51 / 4, 26 / 3, 51 / 4], rtol=1e-6)


def test_accuracy_counts_real_steps_only():
    # Predicted classes: both steps of each row are class 0 (x <= 0) or 1; the masked one is wrong and does not count.
    model = Sequential([L.Masking(input_shape=(2, 2)), L.Activation("softmax")])
    model.compile("sgd", "categorical_crossentropy", metrics=["accuracy"])
    x = np.array([[[1, 2], [0, 0]], [[3, 1], [1, 3]]], "float32")
    y = np.array([[[0, 1], [0, 1]], [[1, 0], [1, 0]]], "float32")
    _, accuracy = model.evaluate(x, y, verbose=0)
    np.testing.assert_allclose(accuracy, 2 / 3, rtol=1e-6)


def test_a_batch_without_real_steps_has_loss_0_and_moves_nothing():
    model = masked_model(metrics=["mae"])
    history = model.fit(np.zeros((2, 2, 1)), TARGETS, verbose=0).history
    assert history["loss"] == [0.0]
    np.testing.assert_array_equal(model.get_weights()[0], [[1.0]])
