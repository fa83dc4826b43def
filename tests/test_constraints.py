"""Constraints: weights beside Keras 3 and worked by hand, names and configurations."""

import keras
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import constraints

KERNEL = np.random.default_rng(4).normal(size=(3, 2, 4, 5)).astype("float32")
CLASSIC = (
    "Constraint MaxNorm NonNeg UnitNorm MinMaxNorm max_norm non_neg unit_norm min_max_norm maxnorm nonneg unitnorm "
    "serialize deserialize get"
).split()

CASES = [
    ("MaxNorm", {}),
    ("MaxNorm", {"max_value": 1.0, "axis": [0, 1, 2]}),
    ("NonNeg", {}),
    ("UnitNorm", {}),
    ("UnitNorm", {"axis": (0, 1, 2)}),
    ("MinMaxNorm", {}),
    ("MinMaxNorm", {"min_value": 1.5, "max_value": 2.0, "rate": 0.3, "axis": -1}),
]
cases = pytest.mark.parametrize(("name", "options"), CASES)


@cases
def test_weights_are_those_of_keras(name, options):
    ours, theirs = getattr(constraints, name)(**options), getattr(keras.constraints, name)(**options)
    result = ours(KERNEL)
    assert result.shape == KERNEL.shape
    np.testing.assert_allclose(result, theirs(KERNEL), rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(ours(K.variable(KERNEL)), result, rtol=1e-6)


def test_max_norm_shortens_only_what_is_too_long():
    # Norms of the columns are 5 and 1: the first is scaled by 2 / 5.
    result = constraints.MaxNorm(2)(np.array([[3.0, 0.6], [4.0, 0.8]], "float32"))
    np.testing.assert_allclose(result, [[1.2, 0.6], [1.6, 0.8]], rtol=1e-5)


def test_min_max_norm_goes_part_of_the_way():
    # Norm 4, wanted 0.5 * 2 + 0.5 * 4 = 3: 3 / 4 of each.
    result = constraints.MinMaxNorm(1.0, 2.0, 0.5)(np.array([[4.0], [0.0]], "float32"))
    np.testing.assert_allclose(result, [[3.0], [0.0]], rtol=1e-5)


def test_unit_norm_gives_length_one():
    result = np.asarray(constraints.UnitNorm(axis=[0, 1, 2])(KERNEL))
    np.testing.assert_allclose(np.sqrt((result**2).sum((0, 1, 2))), np.ones(5), rtol=1e-5)


@cases
def test_zeros_stay_zeros(name, options):
    zeros = np.zeros((2, 2, 2, 2), "float32")
    np.testing.assert_array_equal(getattr(constraints, name)(**options)(zeros), zeros)


def test_epsilon_is_the_one_that_is_set():
    before = K.epsilon()
    K.set_epsilon(1.0)
    try:
        result = constraints.UnitNorm()(np.array([[3.0]], "float32"))  # 3 / (1 + 3)
    finally:
        K.set_epsilon(before)
    np.testing.assert_allclose(result, [[0.75]])


@cases
def test_configurations_go_round(name, options):
    ours = getattr(constraints, name)(**options)
    config = constraints.serialize(ours)
    again = constraints.deserialize(config)
    assert type(again) is type(ours)
    assert constraints.serialize(again) == config
    for key, value in options.items():
        assert config["config"][key] == (list(value) if isinstance(value, tuple) else value)


@cases
def test_configurations_of_keras_3_are_read(name, options):
    theirs = getattr(keras.constraints, name)(**options)
    again = constraints.get(keras.constraints.serialize(theirs))
    np.testing.assert_allclose(again(KERNEL), theirs(KERNEL), rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("name", CLASSIC)
def test_the_classic_names_are_here(name):
    assert callable(getattr(constraints, name))


@pytest.mark.parametrize("name", CLASSIC[1:-3])
def test_get_by_name_and_class(name):
    thing = getattr(constraints, name)
    assert type(constraints.get(name)) is thing
    assert type(constraints.get(thing)) is thing


def test_arguments_stand_in_the_classic_order():
    assert constraints.maxnorm(3, 1).get_config() == {"max_value": 3, "axis": 1}
    config = {"min_value": 0.1, "max_value": 0.2, "rate": 0.3, "axis": 4}
    assert constraints.min_max_norm(0.1, 0.2, 0.3, 4).get_config() == config


def test_get_gives_objects_functions_and_none_back():
    def own(w):
        return w

    limit = constraints.MaxNorm(1)
    assert constraints.get(limit) is limit
    assert constraints.get(own) is own
    assert constraints.get(None) is None


def test_unknown_names_are_answered_with_the_nearest():
    with pytest.raises(ValueError, match="Did you mean 'maxnorm'"):
        constraints.get("maxnrm")
    with pytest.raises(TypeError, match="constraint is given by name"):
        constraints.get(2)


def test_the_base_class_says_what_to_define():
    with pytest.raises(NotImplementedError, match="define __call__"):
        constraints.Constraint()(KERNEL)
