"""Losses: parity with Keras where formulas agree, worked numbers where the classic ones differ, reductions, names."""

import math

import keras
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import losses, scope


def near(found, wanted, rtol=2e-5, atol=1e-6):
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=rtol, atol=atol)


def probabilities(*shape):
    raw = np.random.rand(*shape) + 0.05
    return (raw / raw.sum(-1, keepdims=True)).astype("float32")


def one_hot(*shape):
    return np.eye(shape[-1], dtype="float32")[np.random.randint(0, shape[-1], shape[:-1])]


def positive(*shape):
    return np.random.rand(*shape).astype("float32") + 0.1


def any_sign(*shape):
    return np.random.randn(*shape).astype("float32") * 3


def signs(*shape):
    return np.random.choice([-1.0, 1.0], shape).astype("float32")


def answers(*shape):
    return np.random.randint(0, 2, shape).astype("float32")


# name here, name in Keras, targets, predictions, settings
PARITY = [
    ("mean_squared_error", None, any_sign, any_sign, {}),
    ("mean_absolute_error", None, any_sign, any_sign, {}),
    ("mean_absolute_percentage_error", None, any_sign, any_sign, {}),
    ("mean_squared_logarithmic_error", None, any_sign, any_sign, {}),
    ("logcosh", "log_cosh", any_sign, any_sign, {}),
    ("huber", None, any_sign, any_sign, {}),
    ("huber", None, any_sign, any_sign, {"delta": 2.5}),
    ("poisson", None, positive, positive, {}),
    ("cosine_similarity", None, any_sign, any_sign, {}),
    ("cosine_similarity", None, any_sign, any_sign, {"axis": 1}),
    ("cosine_proximity", "cosine_similarity", any_sign, any_sign, {}),
    ("hinge", None, signs, any_sign, {}),
    ("squared_hinge", None, signs, any_sign, {}),
    ("categorical_hinge", None, one_hot, any_sign, {}),
    ("kullback_leibler_divergence", "kl_divergence", probabilities, probabilities, {}),
    ("categorical_crossentropy", None, one_hot, probabilities, {}),
    ("categorical_crossentropy", None, probabilities, positive, {"label_smoothing": 0.1}),
    ("categorical_crossentropy", None, one_hot, any_sign, {"from_logits": True}),
    ("binary_crossentropy", None, answers, probabilities, {}),
    ("binary_crossentropy", None, answers, any_sign, {"from_logits": True}),
    ("binary_crossentropy", None, answers, probabilities, {"label_smoothing": 0.2, "axis": 1}),
    ("binary_focal_crossentropy", None, answers, probabilities, {"label_smoothing": 0.1}),
    ("binary_focal_crossentropy", None, answers, any_sign, {"from_logits": True, "gamma": 1.5}),
    ("binary_focal_crossentropy", None, answers, probabilities, {"apply_class_balancing": True, "alpha": 0.3}),
    ("categorical_focal_crossentropy", None, one_hot, probabilities, {}),
    ("categorical_focal_crossentropy", None, one_hot, any_sign, {"from_logits": True, "label_smoothing": 0.1}),
    ("dice", None, answers, probabilities, {}),
    ("dice", None, answers, probabilities, {"axis": (1, 2)}),
    ("tversky", None, answers, probabilities, {"alpha": 0.2, "beta": 0.7}),
]


@pytest.mark.parametrize(("name", "theirs", "targets", "predictions", "settings"), PARITY)
def test_functions_agree_with_keras(name, theirs, targets, predictions, settings):
    y_true, y_pred = targets(4, 3, 5), predictions(4, 3, 5)
    wanted = getattr(keras.losses, theirs or name)(y_true, y_pred, **settings)
    found = getattr(losses, name)(y_true, y_pred, **settings)
    assert found.shape == wanted.shape
    near(found, wanted)


@pytest.mark.parametrize("shape", [(6,), (6, 1), (4, 3), (4, 3, 1)])
@pytest.mark.parametrize("settings", [{}, {"from_logits": True}, {"ignore_class": 2}])
def test_sparse_crossentropy_agrees_with_keras_on_probabilities(shape, settings):
    y_true = np.random.randint(0, 5, shape)
    rows = shape[:-1] if shape[-1] == 1 else shape
    y_pred = any_sign(*rows, 5) if "from_logits" in settings else probabilities(*rows, 5)
    found = losses.sparse_categorical_crossentropy(y_true, y_pred, **settings)
    assert found.shape == rows
    near(found, keras.losses.sparse_categorical_crossentropy(y_true.reshape(rows), y_pred, **settings))


def test_generalized_crossentropy_agrees_with_keras():
    y_true, y_pred = np.random.randint(0, 5, 6), probabilities(6, 5)
    found = losses.categorical_generalized_cross_entropy(y_true, y_pred, q=0.3)
    near(found, keras.losses.categorical_generalized_cross_entropy(y_true, y_pred, q=0.3))


# --- Where the classic formula is another than that of Keras 3 ---


def test_sparse_crossentropy_clips_before_it_scales():
    # Rows that do not sum to 1: 3 and 1 are both clipped to 1 - epsilon, so each class has probability 1/2, and the
    # loss is log(2). Keras 3 scales first: 3 / 4 for class 0, loss -log(0.75) = 0.288.
    found = losses.sparse_categorical_crossentropy([0], [[3.0, 1.0]])
    near(found, [math.log(2)])
    near(keras.losses.sparse_categorical_crossentropy(np.array([0]), np.array([[3.0, 1.0]])), [-math.log(0.75)])


def test_hinge_takes_zeros_as_they_are():
    # Classic: max(1 - 0 * 0.4, 0) = 1 and max(1 - 1 * 0.4, 0) = 0.6; mean 0.8. Keras 3 reads 0/1 as -1/1: mean 1.0.
    near(losses.hinge([[0.0, 1.0]], [[0.4, 0.4]]), [0.8])
    near(losses.squared_hinge([[0.0, 1.0]], [[0.4, 0.4]]), [(1 + 0.36) / 2])
    near(keras.losses.hinge(np.array([[0.0, 1.0]]), np.array([[0.4, 0.4]])), [1.0])


def test_cosine_proximity_is_negative_for_equal_directions():
    # (3, 4) has length 5: (0.6, 0.8) . (1, 0) = 0.6, with the minus -0.6.
    near(losses.cosine_proximity([[3.0, 4.0]], [[2.0, 0.0]]), [-0.6])


def test_logcosh_and_crossentropies_stay_finite_at_the_ends():
    near(losses.logcosh([[0.0]], [[1e4]]), [1e4 - math.log(2)])
    near(losses.binary_crossentropy([[1.0]], [[0.0]]), [-math.log(1e-7)], rtol=1e-4)
    near(losses.categorical_crossentropy([[0.0, 1.0]], [[1.0, 0.0]]), [-math.log(1e-7)], rtol=1e-4)
    near(losses.sparse_categorical_crossentropy([1], [[1.0, 0.0]]), [-math.log(1e-7)], rtol=1e-4)


# --- Shapes and types ---


def test_ranks_that_differ_by_an_axis_of_one_are_brought_together():
    column, row = np.array([[1.0], [2.0], [4.0]]), np.array([0.0, 2.0, 2.0])
    for y_true, y_pred in ((column, row), (row, column), (column, row[:, None])):
        near(losses.mean_squared_error(y_true, y_pred), [1.0, 0.0, 4.0])


def test_integer_and_boolean_targets_become_floats():
    near(losses.mean_squared_error(np.array([[True, False]]), np.array([[0, 2]])), [2.5])


def test_sparse_crossentropy_refuses_one_hot_targets():
    with pytest.raises(ValueError, match="One-hot targets go with categorical_crossentropy"):
        losses.sparse_categorical_crossentropy(np.eye(3), probabilities(3, 3))


def test_functions_work_on_symbolic_tensors():
    y_true, y_pred = K.placeholder((None, 3)), K.placeholder((None, 3))
    names = ["mse", "binary_crossentropy", "categorical_crossentropy", "categorical_hinge", "logcosh", "dice"]
    outputs = [losses.get(name)(y_true, y_pred) for name in names]
    values = [one_hot(4, 3), probabilities(4, 3)]
    for name, found in zip(names, K.function([y_true, y_pred], outputs)(values)):
        near(found, losses.get(name)(*values))


def test_sums_over_the_batch_leave_padding_rows_out():
    y_true, y_pred = answers(5, 4), probabilities(5, 4)
    for function in (losses.dice, losses.tversky):
        with scope.Scope(valid_rows=3):
            padded = function(y_true, y_pred)
        near(padded, function(y_true[:3], y_pred[:3]))
        assert abs(float(padded) - float(function(y_true, y_pred))) > 1e-4


# --- Objects ---

OBJECTS = [
    ("MeanSquaredError", any_sign, any_sign, {}),
    ("MeanAbsoluteError", any_sign, any_sign, {}),
    ("MeanAbsolutePercentageError", any_sign, any_sign, {}),
    ("MeanSquaredLogarithmicError", any_sign, any_sign, {}),
    ("LogCosh", any_sign, any_sign, {}),
    ("Huber", any_sign, any_sign, {"delta": 0.5}),
    ("Poisson", positive, positive, {}),
    ("CosineSimilarity", any_sign, any_sign, {}),
    ("Hinge", signs, any_sign, {}),
    ("SquaredHinge", signs, any_sign, {}),
    ("CategoricalHinge", one_hot, any_sign, {}),
    ("KLDivergence", probabilities, probabilities, {}),
    ("CategoricalCrossentropy", one_hot, probabilities, {"label_smoothing": 0.1}),
    ("BinaryCrossentropy", answers, any_sign, {"from_logits": True}),
    ("BinaryFocalCrossentropy", answers, probabilities, {"gamma": 1.0}),
    ("CategoricalFocalCrossentropy", one_hot, probabilities, {"alpha": 0.5}),
]


@pytest.mark.parametrize("reduction", ["sum_over_batch_size", "sum", "mean_with_sample_weight", "none"])
@pytest.mark.parametrize(("name", "targets", "predictions", "settings"), OBJECTS)
def test_objects_agree_with_keras(name, targets, predictions, settings, reduction):
    y_true, y_pred, weights = targets(6, 4), predictions(6, 4), positive(6)
    ours = getattr(losses, name)(**settings, reduction=reduction)
    theirs = getattr(keras.losses, name)(**settings, reduction=reduction)
    near(ours(y_true, y_pred), theirs(y_true, y_pred))
    near(ours(y_true, y_pred, sample_weight=weights), theirs(y_true, y_pred, sample_weight=weights))
    assert ours.call(K.constant(y_true), K.constant(y_pred)).shape == (6,)
    assert ours.name == theirs.name


@pytest.mark.parametrize("name", ["Dice", "Tversky"])
def test_overlap_objects_agree_with_keras(name):
    y_true, y_pred = answers(3, 4, 4), probabilities(3, 4, 4)
    near(getattr(losses, name)()(y_true, y_pred), getattr(keras.losses, name)()(y_true, y_pred))
    ours, theirs = getattr(losses, name)(axis=(1, 2)), getattr(keras.losses, name)(axis=(1, 2))
    near(ours(y_true, y_pred), theirs(y_true, y_pred))


@pytest.mark.parametrize("weighted", [False, True])
def test_sparse_object_agrees_with_keras_and_leaves_the_ignored_class_out(weighted):
    y_true, y_pred = np.array([0, 2, -1, 1]), probabilities(4, 3)
    weights = positive(4) if weighted else None
    ours = losses.SparseCategoricalCrossentropy(ignore_class=-1)
    theirs = keras.losses.SparseCategoricalCrossentropy(ignore_class=-1)
    near(ours(y_true, y_pred, sample_weight=weights), theirs(y_true, y_pred, sample_weight=weights))


def test_weights_of_rows_reach_every_time_step():
    # Rows weigh 1 and 3, each value counts once: (1 + 2 + 3 * 3 + 3 * 4) / 4.
    y_pred = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    found = losses.MeanAbsoluteError()(np.zeros((2, 2, 1)), y_pred, sample_weight=[1.0, 3.0])
    near(found, 6.0)


def test_targets_that_are_class_numbers_say_so():
    assert losses.sparse_categorical_crossentropy.integer_targets
    assert losses.SparseCategoricalCrossentropy().integer_targets
    assert not losses.CategoricalCrossentropy().integer_targets
    assert not hasattr(losses.categorical_crossentropy, "integer_targets")


def test_a_subclass_with_call_is_a_loss():
    class Scaled(losses.Loss):
        def call(self, y_true, y_pred):
            return 10.0 * K.mean(K.abs(y_pred - y_true), axis=-1)

    assert float(Scaled()([[0.0], [0.0]], [[1.0], [3.0]])) == 20.0
    with pytest.raises(NotImplementedError, match=r"Loss needs a method call"):
        losses.Loss()([1.0], [1.0])


def test_settings_that_do_not_exist_are_refused():
    with pytest.raises(ValueError, match="reduction must be one of"):
        losses.Huber(reduction="average")
    with pytest.raises(TypeError, match="Huber takes no argument 'detla'. Did you mean 'delta'"):
        losses.Huber(detla=2.0)


# --- Names ---


@pytest.mark.parametrize(
    ("name", "function"),
    [
        (alias, losses.mean_squared_error) for alias in ("mse", "MSE", "mean_squared_error")
    ] + [
        ("mae", losses.mean_absolute_error), ("MAPE", losses.mean_absolute_percentage_error),
        ("msle", losses.mean_squared_logarithmic_error), ("kld", losses.kullback_leibler_divergence),
        ("KLD", losses.kullback_leibler_divergence), ("kl_divergence", losses.kullback_leibler_divergence),
        ("logcosh", losses.logcosh), ("log_cosh", losses.logcosh), ("cosine", losses.cosine_proximity),
        ("cosine_proximity", losses.cosine_proximity), ("bce", losses.binary_crossentropy),
    ],
)  # fmt: skip
def test_names_and_aliases(name, function):
    assert losses.get(name) is function
    assert losses.deserialize(losses.serialize(function)) is function


def test_get_takes_functions_classes_objects_and_none():
    def mine(y_true, y_pred):
        return y_pred

    loss = losses.Huber(2.0)
    assert losses.get(mine) is mine
    assert losses.get(loss) is loss
    assert losses.get(None) is None
    assert isinstance(losses.get(losses.Huber), losses.Huber)
    assert isinstance(losses.get("MeanSquaredError"), losses.MeanSquaredError)


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Unknown loss 'mean_sqared_error'. Did you mean 'mean_squared_error'"):
        losses.get("mean_sqared_error")
    with pytest.raises(TypeError, match="A loss is given by name"):
        losses.get(3)


@pytest.mark.parametrize(("name", "settings"), [(row[0], row[3]) for row in OBJECTS])
def test_objects_survive_their_configuration(name, settings):
    loss = getattr(losses, name)(**settings, reduction="sum", name="mine")
    again = losses.get(losses.serialize(loss))
    assert type(again) is type(loss)
    assert again.get_config() == loss.get_config()
    assert (again.name, again.reduction) == ("mine", "sum")


@pytest.mark.parametrize("name", [row[0] for row in OBJECTS])
def test_configurations_that_keras_wrote_are_read(name):
    theirs = keras.losses.serialize(getattr(keras.losses, name)())
    again = losses.deserialize(theirs)
    assert again.get_config().items() >= theirs["config"].items()


def test_functions_that_keras_wrote_are_read():
    assert losses.get(keras.losses.serialize(keras.losses.mean_squared_error)) is losses.mean_squared_error


def test_wrapped_functions_survive_with_custom_objects():
    def mine(y_true, y_pred, scale=1.0):
        return scale * K.mean(K.abs(y_pred - y_true), axis=-1)

    wrapped = losses.LossFunctionWrapper(mine, scale=3.0)
    assert float(wrapped([[0.0]], [[2.0]])) == 6.0
    again = losses.deserialize(
        {"class_name": "LossFunctionWrapper", "config": wrapped.get_config()}, custom_objects={"mine": mine}
    )
    assert float(again([[0.0]], [[2.0]])) == 6.0
