"""Fifty steps of fixed gradients on two weights, and the three ways to take them: ours, Keras 3's, by hand."""

import numpy as np
import pytest

from hornbeam import backend as K

STEPS = 50
SHAPES = ((3, 4), (4,))


@pytest.fixture(scope="session")
def start():
    """First values of the two weights, float64."""
    rng = np.random.default_rng(1)
    return [rng.normal(size=shape) for shape in SHAPES]


@pytest.fixture(scope="session")
def gradients():
    """(STEPS) lists of two gradients of uneven sizes, float64."""
    rng = np.random.default_rng(2)
    return [[rng.normal(size=shape) * 10 ** rng.uniform(-2, 1) for shape in SHAPES] for _ in range(STEPS)]


@pytest.fixture
def run(start, gradients):
    """run(optimizer) -> weights after all steps of the optimizer's pure pair, called at once."""

    def run(optimizer, steps=STEPS):
        weights = [K.constant(w) for w in start]
        state = optimizer.init(weights)
        for step, g in enumerate(gradients[:steps]):
            weights, state = optimizer.update([K.constant(a) for a in g], state, weights, step)
        return [K.get_value(w) for w in weights]

    return run


@pytest.fixture
def run_keras(start, gradients):
    """run_keras(optimizer) -> weights after all steps of an optimizer of Keras 3."""

    def run(optimizer, steps=STEPS):
        import keras

        variables = [keras.Variable(w, dtype="float32") for w in start]
        optimizer.build(variables)
        for g in gradients[:steps]:
            optimizer.apply([keras.ops.convert_to_tensor(a, "float32") for a in g], variables)
        return [np.asarray(v.value) for v in variables]

    return run


@pytest.fixture
def by_hand(start, gradients):
    """by_hand(rule) -> weights after all steps of `rule(w, g, t, memory) -> w` in float64.

    `t` counts from 1; `memory` is a dict of the weight's own, for what the rule wants to keep.
    """

    def run(rule, steps=STEPS):
        weights, memories = [w.copy() for w in start], [{} for _ in start]
        for t, step in enumerate(gradients[:steps], 1):
            weights = [rule(w, g, t, memory) for w, g, memory in zip(weights, step, memories)]
        return weights

    return run


@pytest.fixture
def assert_close():
    """assert_close(actual, expected): two lists of arrays agree to 1e-5 of their size."""

    def check(actual, expected, tolerance=1e-5):
        assert len(actual) == len(expected)
        for a, e in zip(actual, expected):
            np.testing.assert_allclose(a, e, rtol=tolerance, atol=tolerance)

    return check
