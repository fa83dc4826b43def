"""Noise layers: the distribution of what they give while training, nothing in inference."""

import numpy as np
import pytest

from harness import check_layer
from hornbeam import backend as K
from hornbeam import scope
from hornbeam.layers import AlphaDropout, GaussianDropout, GaussianNoise

LAYERS = [(GaussianNoise, {"stddev": 0.5}), (GaussianDropout, {"rate": 0.3}), (AlphaDropout, {"rate": 0.3, "seed": 2})]


@pytest.mark.parametrize(("layer", "kwargs"), LAYERS)
def test_promises(layer, kwargs):
    result, _ = check_layer(layer, kwargs, inputs=np.eye(3, dtype="float32"), random=True)
    np.testing.assert_array_equal(result, np.eye(3))  # in inference they do nothing


def trained(layer, x):
    with scope.Scope(training=True, seed=11):
        return K.get_value(layer(x)).astype("float64")


# 160 000 draws: the standard error of a mean is 1/400 of the deviation, that of a deviation 1/566 of it.
SIZE = (400, 400)


def test_gaussian_noise_adds_its_deviation():
    noise = trained(GaussianNoise(0.5), np.full(SIZE, 2.0, "float32")) - 2
    assert abs(noise.mean()) < 0.006
    assert noise.std() == pytest.approx(0.5, abs=0.005)


def test_gaussian_dropout_multiplies():
    y = trained(GaussianDropout(0.2), np.full(SIZE, 3.0, "float32"))
    assert y.mean() == pytest.approx(3, abs=0.02)
    assert y.std() == pytest.approx(3 * 0.5, abs=0.02)  # sqrt(0.2 / 0.8) = 0.5


def test_alpha_dropout_keeps_mean_and_variance():
    x = np.random.default_rng(0).normal(size=SIZE).astype("float32")
    y = trained(AlphaDropout(0.4), x)
    assert abs(y.mean()) < 0.02
    assert y.std() == pytest.approx(1, abs=0.02)
    # alpha = -1.7581: a = (0.6 * (1 + 0.4 * 3.0909)) ** -0.5 = 0.86328, b = 0.86328 * 1.7581 * 0.4 = 0.60709,
    # so what is dropped comes out as 0.86328 * -1.7581 + 0.60709 = -0.91064.
    dropped = np.isclose(y, -0.91064, atol=1e-4)
    assert dropped.mean() == pytest.approx(0.4, abs=0.01)
    np.testing.assert_allclose(y[~dropped], 0.86328 * x[~dropped] + 0.60709, atol=1e-4)


def test_alpha_dropout_of_whole_channels():
    y = trained(AlphaDropout(0.5, noise_shape=(None, 1, None)), np.ones((4, 5, 6), "float32"))
    np.testing.assert_array_equal(y.min(1), y.max(1))
    assert len(np.unique(y)) == 2


@pytest.mark.parametrize(("layer", "kwargs"), LAYERS)
def test_noise_repeats_with_the_scope_and_differs_without(layer, kwargs):
    kwargs = {key: value for key, value in kwargs.items() if key != "seed"}
    made, x = layer(**kwargs), np.ones((4, 20), "float32")
    np.testing.assert_array_equal(trained(made, x), trained(made, x))
    assert (K.get_value(made(x, training=True)) != K.get_value(made(x, training=True))).any()


@pytest.mark.parametrize("layer", [GaussianDropout, AlphaDropout])
def test_rate_of_nothing(layer):
    np.testing.assert_array_equal(layer(0)(np.ones((2, 3), "float32"), training=True), np.ones((2, 3)))


@pytest.mark.parametrize("layer", [GaussianDropout, AlphaDropout])
@pytest.mark.parametrize("rate", [-0.1, 1, None])
def test_rates_are_fractions(layer, rate):
    with pytest.raises(ValueError, match=rf"{layer.__name__}: rate must be a number in \[0, 1\); got"):
        layer(rate)


@pytest.mark.parametrize("stddev", [-1, "loud"])
def test_deviations_are_not_negative(stddev):
    with pytest.raises(ValueError, match="GaussianNoise: stddev must be a number of 0 or more; got"):
        GaussianNoise(stddev)
