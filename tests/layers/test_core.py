"""Dense, Activation, Identity, the dropouts, Masking, ActivityRegularization, and the layers that reshape."""

import keras
import numpy as np
import pytest

from harness import check_against_keras, check_layer, run_on_engine
from hornbeam import backend as K
from hornbeam import scope
from hornbeam.layers import (
    Activation,
    ActivityRegularization,
    Conv2D,
    Conv2DTranspose,
    Dense,
    Dropout,
    EinsumDense,
    Flatten,
    Identity,
    Input,
    LocallyConnected1D,
    Masking,
    Permute,
    RepeatVector,
    Reshape,
    SeparableConv1D,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)


def some(*shape):
    return np.random.default_rng(3).normal(size=shape).astype("float32")


# --- Any layer's promises ---


@pytest.mark.parametrize(
    ("layer", "kwargs", "shape"),
    [
        (Dense, {"units": 3}, (4,)),
        (Dense, {"units": 2, "activation": "tanh", "use_bias": False}, (5, 4)),
        (Dense, {"units": 2, "kernel_regularizer": "l2", "kernel_constraint": "max_norm"}, (None, None, 4)),
        (Activation, {"activation": "relu"}, (4,)),
        (Activation, {"activation": "softmax"}, (2, 4)),
        (Identity, {}, (4,)),
        (Flatten, {}, (2, 3, 4)),
        (Flatten, {}, (4,)),
        (Flatten, {}, ()),
        (Flatten, {"data_format": "channels_first"}, (2, 3, 4)),
        (Flatten, {}, (None, 3)),
        (Reshape, {"target_shape": (2, 6)}, (3, 4)),
        (Reshape, {"target_shape": (-1, 6)}, (3, 4)),
        (Reshape, {"target_shape": (2, -1)}, (None,)),
        (Permute, {"dims": (2, 1)}, (3, 4)),
        (Permute, {"dims": (3, 1, 2)}, (None, 4, 5)),
        (RepeatVector, {"n": 4}, (3,)),
        (Masking, {}, (3, 2)),
        (Masking, {"mask_value": 1.5}, (3, 2)),
        (ActivityRegularization, {"l1": 0.1, "l2": 0.2}, (4,)),
    ],
)
def test_promises(layer, kwargs, shape):
    check_layer(layer, kwargs, input_shape=shape)


@pytest.mark.parametrize(
    ("layer", "kwargs", "shape"),
    [
        (Dropout, {"rate": 0.5, "seed": 3}, (4,)),
        (Dropout, {"rate": 0.5, "noise_shape": (None, 1)}, (4,)),
        (Dropout, {"rate": 0.0}, (4,)),
        (SpatialDropout1D, {"rate": 0.5}, (3, 4)),
        (SpatialDropout2D, {"rate": 0.5, "data_format": "channels_first"}, (3, 2, 2)),
        (SpatialDropout3D, {"rate": 0.5}, (2, 2, 2, 3)),
    ],
)
def test_promises_of_dropouts(layer, kwargs, shape):
    check_layer(layer, kwargs, input_shape=shape, random=True)


@pytest.mark.parametrize(
    ("layer", "kwargs", "shape"),
    [(Flatten, {}, (2, 3)), (Reshape, {"target_shape": (3, 2)}, (2, 3)), (Permute, {"dims": (2, 1)}, (2, 3)),
     (RepeatVector, {"n": 2}, (3,)), (Identity, {}, (3,)), (Masking, {}, (3, 2))],
)  # fmt: skip
def test_integers_stay_integers(layer, kwargs, shape):
    result, _ = check_layer(layer, kwargs, input_shape=shape, dtype="int32", gradients=False)
    assert result.dtype == "int32"


# --- The same as Keras 3 ---


@pytest.mark.parametrize("activation", [None, "relu", "sigmoid", "softmax", "selu"])
@pytest.mark.parametrize("shape", [(3, 4), (2, 3, 4)])
def test_dense_is_keras_dense(activation, shape):
    layer = Dense(5, activation=activation, bias_initializer="random_normal")
    check_against_keras(layer, keras.layers.Dense(5, activation=activation), some(*shape))


@pytest.mark.parametrize(
    ("layer", "shape", "wanted"),
    [
        (lambda: Dense(6, activation="glu"), (4,), (3,)),
        (lambda: Activation("glu"), (5, 4), (5, 2)),
        (lambda: Conv2D(6, 2, activation="glu"), (3, 4, 1), (2, 3, 3)),
        (lambda: Conv2D(5, 2, activation="glu", data_format="channels_first"), (1, 3, 5), (5, 2, 2)),
        (lambda: Conv2DTranspose(6, 2, activation="glu"), (2, 2, 1), (3, 3, 3)),
        (lambda: SeparableConv1D(4, 2, activation="glu"), (3, 2), (2, 2)),
        (lambda: LocallyConnected1D(4, 2, activation="glu"), (3, 2), (2, 2)),
        (lambda: EinsumDense("ab,bc->ac", 8, activation="glu"), (3,), (4,)),
    ],
)
def test_glu_halves_the_last_axis(layer, shape, wanted):
    layer = layer()
    assert layer(Input(shape)).shape == (None, *wanted)
    assert layer.compute_output_shape((None, *shape)) == (None, *wanted)
    assert run_on_engine("numpy", layer, some(2, *shape))[0].shape == (2, *wanted)
    assert Activation("glu").compute_output_shape((None, None)) == (None, None)


def test_dense_ignores_the_image_layout():
    layer = Dense(4, bias_initializer="random_normal")
    x = some(2, 3, 4)
    last = K.get_value(layer(x))
    K.set_image_data_format("channels_first")
    try:
        np.testing.assert_array_equal(K.get_value(layer(x)), last)
    finally:
        K.set_image_data_format("channels_last")


@pytest.mark.parametrize(
    ("ours", "oracle", "shape"),
    [
        (Flatten(), keras.layers.Flatten(), (2, 3, 4)),
        (Flatten(data_format="channels_first"), keras.layers.Flatten(data_format="channels_first"), (2, 3, 4, 5)),
        (Reshape((4, -1)), keras.layers.Reshape((4, -1)), (2, 6, 2)),
        (Permute((2, 3, 1)), keras.layers.Permute((2, 3, 1)), (2, 3, 4, 5)),
        (RepeatVector(3), keras.layers.RepeatVector(3), (2, 4)),
        (Activation("elu"), keras.layers.Activation("elu"), (2, 4)),
        (Masking(0.0), keras.layers.Masking(0.0), (2, 3, 2)),
        (Identity(), keras.layers.Identity(), (2, 3)),
    ],
)
def test_same_as_keras(ours, oracle, shape):
    check_against_keras(ours, oracle, some(*shape))


# --- Dropout ---


def test_dropout_drops_the_asked_fraction_and_scales_the_rest():
    y = K.get_value(Dropout(0.25)(np.ones((200, 200), "float32"), training=True))
    # 40 000 draws: the standard deviation of the mean is sqrt(.25 * .75 / 40000) = 0.0022.
    assert abs((y == 0).mean() - 0.25) < 0.01
    np.testing.assert_allclose(np.unique(y), [0, 1 / 0.75], rtol=1e-6)


def test_dropout_differs_between_calls_and_repeats_with_the_scope():
    layer, x = Dropout(0.5), np.ones((4, 50), "float32")
    assert (K.get_value(layer(x, training=True)) != K.get_value(layer(x, training=True))).any()

    def in_scope(seed):
        with scope.Scope(training=True, seed=seed):
            return K.get_value(layer(x))

    np.testing.assert_array_equal(in_scope(5), in_scope(5))
    assert (in_scope(5) != in_scope(6)).any()


def test_dropout_with_a_learning_phase_fed():
    x = Input((50,))
    run = K.function([x, K.learning_phase()], [Dropout(0.5)(x)])
    ones = np.ones((2, 50))
    np.testing.assert_array_equal(run([ones, 0])[0], ones)
    assert (run([ones, 1])[0] == 0).any()


@pytest.mark.parametrize(
    ("layer", "shape", "axes"),
    [
        (Dropout(0.5, noise_shape=(None, 1, None)), (4, 6, 8), (1,)),
        (SpatialDropout1D(0.5), (4, 6, 8), (1,)),
        (SpatialDropout2D(0.5), (4, 3, 3, 8), (1, 2)),
        (SpatialDropout2D(0.5, data_format="channels_first"), (4, 8, 3, 3), (2, 3)),
        (SpatialDropout3D(0.5), (4, 2, 2, 2, 8), (1, 2, 3)),
        (SpatialDropout3D(0.5, "channels_first"), (4, 8, 2, 2, 2), (2, 3, 4)),
    ],
)
def test_whole_channels_are_dropped(layer, shape, axes):
    y = K.get_value(layer(np.ones(shape, "float32"), training=True))
    np.testing.assert_array_equal(y.min(axes), y.max(axes))
    assert set(np.unique(y)) == {0.0, 2.0}


@pytest.mark.parametrize("rate", [-0.1, 1, 1.5, "half", None])
def test_dropout_wants_a_fraction(rate):
    with pytest.raises(ValueError, match=r"Dropout: rate must be a number in \[0, 1\); got"):
        Dropout(rate)


def test_spatial_dropout_wants_its_rank():
    with pytest.raises(ValueError, match=r"SpatialDropout2D 'sd' needs inputs of rank 4, got shape \(None, 4\)"):
        SpatialDropout2D(0.5, name="sd")(Input((4,)))


# --- Masks ---


def test_masking_marks_steps_whose_features_are_all_the_value():
    x = np.array([[[1, 0], [0, 0], [0, 3]]], "float32")
    layer = Masking(0.0)
    np.testing.assert_array_equal(K.get_value(layer.compute_mask(K.constant(x))), [[True, False, True]])
    symbol = Input((3, 2))
    run = K.function([symbol], [layer(symbol)._keras_mask])
    np.testing.assert_array_equal(run([x])[0], [[True, False, True]])


def test_masking_gives_zeros_even_for_infinite_padding():
    y = K.get_value(Masking(np.inf)(np.array([[[1, 2], [np.inf, np.inf]]], "float32")))
    np.testing.assert_array_equal(y, [[[1, 2], [0, 0]]])


@pytest.mark.parametrize("layer", [Dense(3), Activation("relu"), Dropout(0.5), ActivityRegularization(0.1), Identity()])
def test_masks_pass_through(layer):
    masked = Masking()(Input((3, 2)))
    assert layer(masked)._keras_mask is masked._keras_mask


@pytest.mark.parametrize("layer", [Flatten(), Reshape((6,)), Permute((2, 1))])
def test_masks_are_refused_where_they_make_no_sense(layer):
    with pytest.raises(TypeError, match="does not support masking, but was given a mask"):
        layer(Masking()(Input((3, 2))))


# --- Penalties ---


def test_activity_regularization_adds_its_penalty():
    x = np.array([[1, -2], [3, 0]], "float32")
    with scope.Scope(training=True) as here:
        ActivityRegularization(l1=0.1, l2=0.01)(x)
    # 0.1 * (1 + 2 + 3) + 0.01 * (1 + 4 + 9)
    assert float(here.losses[0][1]) == pytest.approx(0.74)


def test_dense_activity_regularizer_sees_the_result():
    layer = Dense(1, kernel_initializer="ones", activity_regularizer="l2")
    with scope.Scope(training=True) as here:
        layer(np.array([[1, 2]], "float32"))
    assert float(here.losses[0][1]) == pytest.approx(0.01 * 9)  # the result is 3


# --- Errors that name the layer, what came and the cure ---


def test_dense_errors():
    with pytest.raises(ValueError, match="Dense: units must be an integer of at least 1; got 0"):
        Dense(0)
    with pytest.raises(ValueError, match=r"Dense 'head' needs inputs of rank 2 or more, got shape \(3,\). Add an axis"):
        Dense(2, name="head")(np.ones(3))
    with pytest.raises(ValueError, match="makes weights for axis -1 of its inputs, whose size is unknown"):
        Dense(2)(Input((None,)))
    layer = Dense(2, name="built")
    layer(np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"Dense 'built' was built for inputs of size 3 on axis -1, got shape"):
        layer(np.ones((1, 4)))
    with pytest.raises(ValueError, match="Did you mean 'relu'"):
        Dense(2, activation="rellu")


@pytest.mark.parametrize(
    ("target", "came"), [((5,), r"\(12 elements\)"), ((-1, 5), "5 elements times a whole number"), ((0, -1), "0 elem")]
)
def test_reshape_sizes_must_multiply_out(target, came):
    with pytest.raises(ValueError, match=f"Reshape 'form' cannot make rows of shape.*{came}|{came}.*multiply to 12"):
        Reshape(target, name="form")(Input((3, 4)))


def test_reshape_takes_one_open_size():
    with pytest.raises(ValueError, match="Reshape: target_shape must be a shape with at most one -1"):
        Reshape((-1, -1))


def test_reshape_checks_sizes_that_were_open():
    layer = Reshape((4,), name="late")
    layer(Input((None,)))
    with pytest.raises(ValueError, match="Reshape 'late' cannot make rows"):
        layer(np.ones((2, 6)))


def test_permute_and_repeat_errors():
    with pytest.raises(ValueError, match=r"Permute: dims must be an order of 1 .. 2, each once; got \(0, 1\)"):
        Permute((0, 1))
    with pytest.raises(ValueError, match="Permute 'p' needs inputs of rank 3"):
        Permute((2, 1), name="p")(Input((4,)))
    with pytest.raises(ValueError, match="RepeatVector: n must be an integer of at least 1; got 0"):
        RepeatVector(0)
    with pytest.raises(ValueError, match="RepeatVector 'r' needs inputs of rank 2"):
        RepeatVector(2, name="r")(Input((4, 5)))
