"""Regularizers: penalties beside Keras 3 and worked by hand, gradients, spellings, names."""

import jax
import keras
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import registry, regularizers

W = np.random.default_rng(3).normal(size=(4, 3)).astype("float32")

PAIRS = [
    (regularizers.L1L2(0.2, 0.3), keras.regularizers.L1L2(0.2, 0.3)),
    (regularizers.L1L2(l1=0.2), keras.regularizers.L1L2(l1=0.2)),
    (regularizers.L1(), keras.regularizers.L1()),
    (regularizers.L2(), keras.regularizers.L2()),
    (regularizers.l1(), keras.regularizers.l1()),
    (regularizers.l2(), keras.regularizers.l2()),
    (regularizers.l2(0.7), keras.regularizers.l2(0.7)),
    (regularizers.l1_l2(0.1, 0.2), keras.regularizers.l1_l2(0.1, 0.2)),
    (regularizers.OrthogonalRegularizer(), keras.regularizers.OrthogonalRegularizer()),
    (regularizers.OrthogonalRegularizer(0.4, "columns"), keras.regularizers.OrthogonalRegularizer(0.4, "columns")),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_penalties_and_gradients_are_those_of_keras(ours, theirs):
    value, gradient = jax.value_and_grad(ours)(W)
    wanted, wanted_gradient = jax.value_and_grad(theirs)(W)
    assert np.shape(value) == ()
    np.testing.assert_allclose(value, wanted, rtol=1e-5)
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-4, atol=1e-6)


def test_a_penalty_by_hand():
    # 0.5 * (1 + 2 + 3) + 0.1 * (1 + 4 + 9) = 3 + 1.4
    assert float(regularizers.l1_l2(0.5, 0.1)(K.constant([1.0, -2.0, 3.0]))) == pytest.approx(4.4)


def test_no_factor_no_penalty():
    assert float(regularizers.L1L2()(K.variable(W))) == 0.0
    assert float(regularizers.Regularizer()(K.variable(W))) == 0.0


def test_the_classic_default_of_l1_l2():
    # Keras 3 has 0 and 0.
    assert regularizers.l1_l2().get_config() == {"l1": 0.01, "l2": 0.01}


@pytest.mark.parametrize("penalty", [regularizers.l1_l2(0.1, 0.2), regularizers.OrthogonalRegularizer(0.5)])
def test_variables_and_symbolic_tensors_give_what_arrays_give(penalty):
    placeholder = K.placeholder((4, 3))
    (symbolic,) = K.function([placeholder], [penalty(placeholder)])([W])
    assert float(penalty(K.variable(W))) == pytest.approx(float(penalty(W)), rel=1e-6)
    assert float(symbolic) == pytest.approx(float(penalty(W)), rel=1e-6)


def test_a_single_row_has_no_pairs():
    assert float(regularizers.OrthogonalRegularizer(1.0)(W[:1])) == 0.0


@pytest.mark.parametrize("make", [regularizers.l1, regularizers.l2])
def test_both_spellings_of_a_factor(make):
    name = make.__name__
    spellings = [make(0.3), make(l=0.3), make(**{name: 0.3})]
    assert [r.get_config()[name] for r in spellings] == [0.3] * 3
    assert make().get_config()[name] == 0.01


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: regularizers.l2(-1), r"l2 must be a finite number, 0 or more; got -1"),
        (lambda: regularizers.L1L2(l1=float("nan")), "l1 must be a finite number"),
        (lambda: regularizers.L1L2("l2"), "l1 must be a finite number"),
        (lambda: regularizers.L1L2([0.1]), "l1 must be a finite number"),
        (lambda: regularizers.OrthogonalRegularizer(mode="cols"), "mode must be 'rows' or 'columns'"),
        (lambda: regularizers.OrthogonalRegularizer()(W[0]), r"judges matrices, got weights of shape \(3,\)"),
        (lambda: regularizers.get("l3"), "Did you mean"),
        (lambda: regularizers.get({"l2": 0.1}), "'class_name'"),
    ],
)
def test_errors_name_the_cure(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_factors_may_be_numpy_numbers():
    config = regularizers.l2(np.float32(0.5)).get_config()
    assert config == {"l1": 0.0, "l2": 0.5}
    assert type(config["l2"]) is float


@pytest.mark.parametrize("ours", [pair[0] for pair in PAIRS])
def test_configurations_go_round(ours):
    config = regularizers.serialize(ours)
    again = regularizers.deserialize(config)
    assert type(again) is type(ours)
    assert regularizers.serialize(again) == config


@pytest.mark.parametrize(("ours", "theirs"), PAIRS)
def test_configurations_of_keras_3_are_read(ours, theirs):
    again = regularizers.get(keras.regularizers.serialize(theirs))
    assert float(again(W)) == pytest.approx(float(ours(W)), rel=1e-6)


def test_l2_is_saved_under_its_classic_name():
    assert regularizers.serialize(regularizers.l2(0.5)) == {"class_name": "L1L2", "config": {"l1": 0.0, "l2": 0.5}}


@pytest.mark.parametrize(
    ("identifier", "config"),
    [
        ("l1", {"l1": 0.01, "l2": 0.0}),
        ("l2", {"l1": 0.0, "l2": 0.01}),
        ("l1_l2", {"l1": 0.01, "l2": 0.01}),
        ("L1L2", {"l1": 0.0, "l2": 0.0}),
        ("orthogonal_regularizer", {"factor": 0.01, "mode": "rows"}),
        (regularizers.l2, {"l1": 0.0, "l2": 0.01}),
        (regularizers.L2, {"l2": 0.01}),
        ({"class_name": "l2", "config": {"l": 0.25}}, {"l1": 0.0, "l2": 0.25}),
        ({"class_name": "l2", "config": {}}, {"l1": 0.0, "l2": 0.01}),
    ],
)
def test_get_understands(identifier, config):
    assert regularizers.get(identifier).get_config() == config


def test_get_gives_objects_functions_and_none_back():
    def own(weights):
        return K.sum(weights)

    penalty = regularizers.L1(0.5)
    assert regularizers.get(penalty) is penalty
    assert regularizers.get(own) is own
    assert regularizers.get(None) is None
    with registry.custom_object_scope({"own": own}):
        assert regularizers.get(regularizers.serialize(own)) is own
