"""Normalising layers: formulas, moving averages, padded rows, freezing, adapt."""

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer
from hornbeam import backend as K
from hornbeam import scope
from hornbeam.layers import (
    BatchNormalization,
    GroupNormalization,
    Input,
    LayerNormalization,
    Normalization,
    UnitNormalization,
)
from hornbeam.models import Sequential
from hornbeam.optimizers import SGD


def some(*shape, seed=3):
    return (np.random.default_rng(seed).normal(size=shape) * 2 + 1).astype("float32")


# gamma and beta other than 1 and 0, so that a mistake in them shows
SCALED = {"gamma_initializer": "random_normal", "beta_initializer": "random_normal"}


# --- Any layer's promises ---


@pytest.mark.parametrize(
    ("layer", "kwargs", "shape"),
    [
        (BatchNormalization, {}, (4,)),
        (BatchNormalization, {"axis": 1, "momentum": 0.5, "gamma_regularizer": "l2"}, (3, 2, 2)),
        (BatchNormalization, {"scale": False, "center": False}, (None, None, 3)),
        (LayerNormalization, {}, (4,)),
        (LayerNormalization, {"axis": [1, -1], "scale": False}, (2, 3, 4)),
        (LayerNormalization, {"axis": 2, "center": False}, (None, 4)),
        (GroupNormalization, {"groups": 2}, (None, 4)),
        (GroupNormalization, {"groups": -1, "axis": 1}, (4, 2, 2)),
        (UnitNormalization, {}, (4,)),
        (UnitNormalization, {"axis": [1, 2]}, (3, 4)),
        (Normalization, {"mean": 1.0, "variance": 4.0}, (4,)),
        (Normalization, {"mean": [1.0, 2.0], "variance": [4.0, 9.0], "invert": True}, (3, 2)),
        (Normalization, {"axis": (1, 2)}, (2, 3)),
        (Normalization, {"axis": None}, (3,)),
    ],
)
def test_promises(layer, kwargs, shape):
    check_layer(layer, kwargs, input_shape=shape)


# --- The same as Keras 3 ---


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize(
    ("kwargs", "shape"), [({}, (6, 3)), ({"axis": 1}, (2, 3, 4, 4)), ({"axis": -1, "epsilon": 1e-2}, (2, 4, 4, 3))]
)
def test_batch_normalization_is_keras(kwargs, shape, training):
    layer = BatchNormalization(**kwargs, **SCALED, moving_mean_initializer="random_normal")
    check_against_keras(layer, keras.layers.BatchNormalization(**kwargs), some(*shape), training)


@pytest.mark.parametrize(("axis", "shape"), [(-1, (2, 4)), (-1, (2, 3, 4)), ([1, 2], (2, 3, 4)), (1, (2, 3, 4))])
def test_layer_normalization_is_keras(axis, shape):
    check_against_keras(LayerNormalization(axis, **SCALED), keras.layers.LayerNormalization(axis), some(*shape))


@pytest.mark.parametrize(
    ("groups", "axis", "shape"), [(2, -1, (2, 3, 4)), (-1, -1, (2, 3, 3, 4)), (2, 1, (2, 4, 3, 3)), (1, -1, (2, 6))]
)
def test_group_normalization_is_keras(groups, axis, shape):
    layer = GroupNormalization(groups, axis, **SCALED)
    check_against_keras(layer, keras.layers.GroupNormalization(groups, axis), some(*shape))


@pytest.mark.parametrize(("axis", "shape"), [(-1, (3, 4)), ([1, 2], (2, 3, 4))])
def test_unit_normalization_is_keras(axis, shape):
    check_against_keras(UnitNormalization(axis), keras.layers.UnitNormalization(axis), some(*shape))


def test_unit_normalization_of_zeros_is_zeros():
    assert K.get_value(UnitNormalization()(np.zeros((1, 3), "float32"))).tolist() == [[0.0, 0.0, 0.0]]


# --- Batch normalisation: the moving averages ---

# Columns [0, 2, 4] and [1, 1, 4]: means 2 and 2, variances (4 + 0 + 4) / 3 = 8/3 and (1 + 1 + 4) / 3 = 2.
# Classic: the moving variance takes v * n / (n - (1 + epsilon)), here v * 3 / (2 - 0.001).
ROWS = np.array([[0, 1], [2, 1], [4, 4]], "float32")
MEAN = np.array([2.0, 2.0])
UNBIASED = np.array([8 / 3, 2.0]) * 3 / (2 - 1e-3)


def averages(layer):
    return K.get_value(layer.moving_mean), K.get_value(layer.moving_variance)


def test_moving_averages_after_a_step():
    layer = BatchNormalization(momentum=0.9)
    layer(ROWS, training=True)
    mean, variance = averages(layer)
    np.testing.assert_allclose(mean, 0.1 * MEAN, rtol=1e-6)
    np.testing.assert_allclose(variance, 0.9 + 0.1 * UNBIASED, rtol=1e-6)


def test_moving_averages_of_images_count_positions():
    layer = BatchNormalization(momentum=0.0)
    x = some(2, 3, 4, 5)
    layer(x, training=True)
    mean, variance = averages(layer)
    np.testing.assert_allclose(mean, x.mean((0, 1, 2)), rtol=1e-5)
    np.testing.assert_allclose(variance, x.var((0, 1, 2)) * 24 / (24 - 1.001), rtol=1e-5)


def test_inference_leaves_the_averages_alone():
    layer = BatchNormalization()
    layer(ROWS, training=True)
    before = averages(layer)
    layer(ROWS)
    layer(ROWS, training=False)
    np.testing.assert_array_equal(before, averages(layer))


def test_one_row_has_no_variance():
    layer = BatchNormalization(momentum=0.5)
    layer(ROWS[:1], training=True)
    mean, variance = averages(layer)
    np.testing.assert_allclose(mean, [0.0, 0.5])
    np.testing.assert_allclose(variance, [0.5, 0.5])


def test_no_rows_change_nothing():
    layer = BatchNormalization()
    assert layer(ROWS[:0], training=True).shape == (0, 2)
    assert [v.tolist() for v in averages(layer)] == [[0, 0], [1, 1]]


def test_frozen_keeps_the_averages_and_still_uses_the_batch():
    layer = BatchNormalization(trainable=False)
    y = K.get_value(layer(ROWS, training=True))
    np.testing.assert_allclose(y.mean(0), [0, 0], atol=1e-6)
    assert [v.tolist() for v in averages(layer)] == [[0, 0], [1, 1]]
    assert layer.trainable_weights == []
    assert len(layer.non_trainable_weights) == 4


def test_training_a_model_moves_the_averages_batch_by_batch():
    x, layer = some(10, 3), BatchNormalization(momentum=0.5, input_shape=(3,))
    model = Sequential([layer])
    model.compile(SGD(lr=0.0), "mse")
    model.fit(x, np.zeros((10, 3)), batch_size=4, epochs=2, shuffle=False, verbose=0)  # the last batch has two rows
    mean, variance = np.zeros(3), np.ones(3)
    for rows in (x[:4], x[4:8], x[8:]) * 2:
        mean = 0.5 * mean + 0.5 * rows.mean(0)
        variance = 0.5 * variance + 0.5 * rows.var(0) * len(rows) / (len(rows) - 1.001)
    np.testing.assert_allclose(averages(layer), [mean, variance], rtol=1e-5)


def test_a_frozen_model_inside_another_keeps_its_averages():
    layer = BatchNormalization(input_shape=(3,))
    inner = Sequential([layer])
    inner.compile("sgd", "mse")
    inner.trainable = False
    outer = Sequential([inner, BatchNormalization(name="free")])
    outer.compile("sgd", "mse")
    outer.train_on_batch(some(4, 3), np.zeros((4, 3)))
    assert [v.tolist() for v in averages(layer)] == [[0, 0, 0], [1, 1, 1]]
    assert averages(outer.get_layer("free"))[1].tolist() != [1, 1, 1]
    with pytest.warns(UserWarning, match="`trainable` changed after compile"):
        inner.train_on_batch(some(4, 3), np.zeros((4, 3)))  # it was trainable when it was compiled
    assert averages(layer)[0].tolist() != [0, 0, 0]


@pytest.mark.parametrize("padding", [0.0, 1e6, np.nan])
def test_padding_rows_do_not_count(padding):
    layer = BatchNormalization(momentum=0.5)
    layer.build((None, 2))
    padded = np.concatenate([ROWS, np.full((2, 2), padding, "float32")])

    def step(x, valid):
        values = {v: v.value for v in layer.weights}
        with scope.Scope(values, training=True, seed=1, valid_rows=valid) as here:
            return K.get_value(layer(x))[:3], [K.get_value(here.values[v]) for v in layer.weights]

    plain, plain_weights = step(ROWS, None)
    found, weights = step(padded, np.int32(3))
    np.testing.assert_allclose(found, plain, rtol=1e-6)
    np.testing.assert_allclose(weights, plain_weights, rtol=1e-6)


def test_a_flag_fed_at_run_time():
    x = Input((2,))
    layer = BatchNormalization(momentum=0.5)
    run = K.function([x, K.learning_phase()], [layer(x)])
    np.testing.assert_allclose(run([ROWS, 0])[0], ROWS / np.sqrt(1.001), rtol=1e-6)
    assert averages(layer)[0].tolist() == [0, 0]
    np.testing.assert_allclose(run([ROWS, 1])[0].mean(0), [0, 0], atol=1e-6)
    np.testing.assert_allclose(averages(layer)[0], 0.5 * MEAN, rtol=1e-6)


def test_a_flag_that_is_a_value_of_the_program():
    layer = BatchNormalization(momentum=0.5)
    layer.build((None, 2))

    def step(flag, values):
        with scope.Scope(dict(zip(layer.weights, values, strict=True)), training=flag) as here:
            return layer(K.constant(ROWS)), here.values[layer.moving_mean]

    run = K.engine.compile_function(step)
    values = [w.value for w in layer.weights]
    for flag in (True, False):
        y, mean = run(np.bool_(flag), values)
        wanted = BatchNormalization(momentum=0.5)
        np.testing.assert_allclose(y, wanted(ROWS, training=flag), rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(mean, averages(wanted)[0], rtol=1e-6)


def test_half_precision_is_averaged_in_full():
    x = np.full((4096, 1), 3.0, "float16")
    x[::2] = 5.0
    layer = BatchNormalization(momentum=0.0)
    y = layer(x, training=True)
    assert str(y.dtype) == "float16"
    np.testing.assert_allclose(averages(layer)[0], [4.0], rtol=1e-6)  # a sum of 16384 in float16 would be off


def test_classic_words():
    x = K.constant(ROWS)
    y, mean, variance = K.normalize_batch_in_training(x, K.constant([2.0, 1.0]), K.constant([0.0, 1.0]), [0])
    np.testing.assert_allclose(mean, MEAN)
    np.testing.assert_allclose(variance, [8 / 3, 2], rtol=1e-6)
    wanted = (ROWS - MEAN) / np.sqrt(np.array([8 / 3, 2]) + 1e-3) * [2, 1] + [0, 1]
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    again = K.batch_normalization(x, mean, variance, K.constant([0.0, 1.0]), K.constant([2.0, 1.0]))
    np.testing.assert_allclose(again, wanted, rtol=1e-5, atol=1e-6)
    average = K.variable([1.0])
    K.moving_average_update(average, K.constant([3.0]), 0.75)
    assert K.get_value(average).tolist() == [1.5]


def test_gradients_by_hand_are_those_of_the_formula():
    x, probe, tilt = some(5, 3), some(5, 3, seed=4), np.array([1, 2, 3], "float32")

    def by_hand(values):
        y, mean, variance = K.normalize_batch_in_training(*values, [0], 1e-3)
        return K.sum(y * probe) + K.sum(mean * tilt) + K.sum(K.square(variance))

    def plainly(values):
        x, gamma, beta = values
        mean = K.mean(x, axis=0)
        variance = K.mean(K.square(x - mean), axis=0)
        y = gamma * (x - mean) / K.sqrt(variance + 1e-3) + beta
        return K.sum(y * probe) + K.sum(mean * tilt) + K.sum(K.square(variance))

    values = [K.constant(x), K.constant([0.5, 1.0, 2.0]), K.constant([0.1, 0.2, 0.3])]

    def first_and_second_order(loss):
        def of_gradients(values):
            return K.sum(K.square(K.engine.gradients(loss, values)[0]))

        return K.engine.gradients(loss, values), K.engine.gradients(of_gradients, values)

    run = K.engine.compile_function(lambda: [first_and_second_order(f) for f in (by_hand, plainly)])
    for found, wanted in zip(*run(), strict=True):
        for one, other in zip(found, wanted, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3, atol=1e-3)


# --- Normalization ---


def test_normalization_measures_and_is_keras():
    data = some(50, 3)
    layer, oracle = Normalization(), keras.layers.Normalization()
    layer.adapt(data)
    oracle.adapt(data)
    np.testing.assert_allclose(layer(data), np.asarray(oracle(data)), rtol=1e-4, atol=1e-5)
    assert [w.shape for w in layer.get_weights()] == [(3,), (3,), ()]


def test_normalization_of_pieces_is_that_of_the_whole():
    data = some(30, 2, 3)
    whole, pieces = Normalization(axis=(1, 2)), Normalization(axis=(1, 2))
    whole.adapt(data)
    pieces.adapt((part, None) for part in np.split(data, [3, 4, 20]))
    for one, other in zip(whole.get_weights(), pieces.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    some_of_it = Normalization()
    some_of_it.adapt(iter(np.split(data, 10)), steps=2)
    assert some_of_it.get_weights()[2] == 2 * 3 * 2


def test_normalization_there_and_back():
    data = some(20, 3)
    there, back = Normalization(), Normalization(invert=True)
    there.adapt(data)
    back.adapt(data)
    np.testing.assert_allclose(back(there(data)), data, rtol=1e-4, atol=1e-5)


def test_normalization_takes_whole_numbers():
    layer = Normalization(axis=None)
    layer.adapt(np.array([[0, 255], [255, 0]], "uint8"))
    np.testing.assert_allclose(layer(np.array([[0, 255]], "uint8")), [[-1, 1]], rtol=1e-6)


# --- Errors ---


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: BatchNormalization(axis=3, name="n")(Input((4,))), r"BatchNormalization 'n': axis 3 is not an axis"),
        (lambda: BatchNormalization(axis=0, name="n")(Input((4,))), "axis 0 is not an axis beside the batch"),
        (lambda: BatchNormalization()(Input((None,))), "makes weights for axis -1 of its inputs, whose size is unkn"),
        (lambda: BatchNormalization(momentum=2), r"momentum must be a number in \[0, 1\]; got 2"),
        (lambda: BatchNormalization(epsilon=-1), "epsilon must be a number of 0 or more; got -1"),
        (lambda: LayerNormalization(0, name="l")(Input((4,))), "LayerNormalization 'l': axis 0 is not an axis beside"),
        (lambda: GroupNormalization(3, name="g")(Input((4,))), "GroupNormalization 'g': 3 groups do not divide the 4"),
        (lambda: GroupNormalization(0), "GroupNormalization: groups must be an integer of at least 1; got 0"),
        (lambda: UnitNormalization(5, name="u")(Input((4,))), "UnitNormalization 'u': axis 5 is not an axis"),
        (lambda: Normalization(mean=1.0, name="z"), "Normalization 'z' needs mean and variance together"),
        (lambda: Normalization(mean=1.0, variance=1.0).adapt(np.ones((2, 2))), "there is nothing to adapt"),
        (lambda: Normalization(name="z").adapt(iter([])), r"Normalization 'z': adapt\(\) got no data"),
    ],
)
def test_errors(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_another_number_of_channels():
    layer = BatchNormalization(name="n")
    layer(ROWS)
    with pytest.raises(ValueError, match="BatchNormalization 'n' was built for inputs of size 2 on axis -1"):
        layer(np.ones((2, 3), "float32"))
