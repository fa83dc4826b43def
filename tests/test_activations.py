"""Activations: values and gradients beside Keras 3, the classic formulas worked by hand, symbolic use, names."""

import inspect

import jax
import keras
import numpy as np
import pytest

from hornbeam import activations, registry
from hornbeam import backend as K

CLASSIC = (
    "softmax elu selu softplus softsign relu tanh sigmoid hard_sigmoid exponential linear serialize deserialize get"
).split()
# Name and keyword arguments of all whose formula is the same in Keras 3.
SAME = [
    ("softmax", {}),
    ("softmax", {"axis": 0}),
    ("elu", {}),
    ("elu", {"alpha": 0.5}),
    ("selu", {}),
    ("softplus", {}),
    ("softsign", {}),
    ("relu", {}),
    ("relu", {"negative_slope": 0.1}),
    ("relu", {"max_value": 1.5}),
    ("relu", {"threshold": 0.7}),
    ("relu", {"negative_slope": 0.2, "max_value": 1.5, "threshold": 0.7}),
    ("tanh", {}),
    ("sigmoid", {}),
    ("exponential", {}),
    ("linear", {}),
    ("silu", {}),
    ("swish", {}),
    ("hard_silu", {}),
    ("hard_swish", {}),
    ("gelu", {}),
    ("gelu", {"approximate": True}),
    ("leaky_relu", {}),
    ("leaky_relu", {"negative_slope": 0.4}),
    ("relu6", {}),
    ("celu", {}),
    ("celu", {"alpha": 0.3}),
    ("mish", {}),
    ("log_softmax", {}),
    ("log_softmax", {"axis": 0}),
    ("log_sigmoid", {}),
    ("hard_tanh", {}),
    ("tanh_shrink", {}),
    ("hard_shrink", {}),
    ("soft_shrink", {"threshold": 0.2}),
    ("threshold", {"threshold": 0.4, "default_value": -9.0}),
    ("squareplus", {}),
    ("squareplus", {"b": 0.5}),
    ("sparse_plus", {}),
    ("sparse_sigmoid", {}),
    ("glu", {}),
    ("glu", {"axis": 0}),
]
ALL_NAMES = sorted({name for name, _ in SAME} | {"hard_sigmoid", "sparsemax"})
same = pytest.mark.parametrize(("name", "options"), SAME, ids=lambda v: str(v) if v else "")


@pytest.fixture
def x():
    """(4, 6) numbers on both sides of every kink, none of them on one."""
    return np.random.default_rng(5).uniform(-4, 4, (4, 6)).astype("float32")


@same
def test_values_and_gradients_are_those_of_keras(name, options, x):
    ours, theirs = getattr(activations, name), getattr(keras.activations, name)

    # Weighted, since the plain sum of a softmax is 1 whatever comes in.
    def weighted(function):
        def total(x):
            y = function(x, **options)
            return (y * np.arange(1.0, y.size + 1, dtype="float32").reshape(y.shape)).sum(), y

        return jax.jit(jax.value_and_grad(total, has_aux=True))

    (_, y), gradient = weighted(ours)(x)
    (_, wanted), wanted_gradient = weighted(theirs)(x)
    np.testing.assert_allclose(y, wanted, rtol=2e-6, atol=2e-6)
    np.testing.assert_allclose(gradient, wanted_gradient, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("name", sorted(set(ALL_NAMES) - {"threshold"}))
def test_symbolic_tensors_give_what_arrays_give(name, x):
    activation = getattr(activations, name)
    placeholder = K.placeholder((None, 6))
    y = activation(placeholder)
    assert K.int_shape(y) == (None, 3 if name == "glu" else 6)
    (value,) = K.function([placeholder], [y])([x])
    np.testing.assert_allclose(value, activation(x), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", sorted(set(ALL_NAMES) - {"threshold"}))
def test_half_precision_stays_and_large_numbers_stay_finite(name):
    y = getattr(activations, name)(K.constant([[-80.0, -1.0, 1.0, 80.0]], dtype="bfloat16"))
    assert K.dtype(y) == "bfloat16"
    assert np.isfinite(np.asarray(y, "float32")).all()


def test_hard_sigmoid_is_the_classic_one():
    # 0.2 * 1 + 0.5 = 0.7, where Keras 3 has (1 + 3) / 6 = 0.667.
    y = activations.hard_sigmoid(np.array([-3.0, -1.0, 0.0, 1.0, 3.0], "float32"))
    np.testing.assert_allclose(y, [0.0, 0.3, 0.5, 0.7, 1.0], rtol=1e-6)


def test_relu_takes_its_slope_under_both_names(x):
    wanted = np.where(x > 0, x, 0.3 * x)
    np.testing.assert_allclose(activations.relu(x, 0.3), wanted, rtol=1e-6)
    np.testing.assert_allclose(activations.relu(x, alpha=0.3), wanted, rtol=1e-6)
    np.testing.assert_allclose(activations.relu(x, negative_slope=0.3), wanted, rtol=1e-6)


def test_relu_arguments_stand_in_the_classic_order():
    # alpha 0.5, max_value 3, threshold 1: 0.5 * (0 - 1) = -0.5; 2 stays; 5 is held at 3.
    y = activations.relu(np.array([0.0, 2.0, 5.0], "float32"), 0.5, 3.0, 1.0)
    np.testing.assert_allclose(y, [-0.5, 2.0, 3.0])


def test_softmax_wants_two_axes():
    with pytest.raises(ValueError, match=r"rank 2 or more, got shape \(3,\)"):
        activations.softmax(K.constant([1.0, 2.0, 3.0]))
    with pytest.raises(ValueError, match="rank 2 or more"):
        activations.softmax(K.placeholder((3,)))


def test_softmax_of_images_sums_to_one_over_any_axis(x):
    y = np.asarray(activations.softmax(x.reshape(2, 2, 3, 2), axis=1))
    np.testing.assert_allclose(y.sum(axis=1), np.ones((2, 3, 2)), rtol=1e-6)


def test_sparsemax_is_sparse_and_sums_to_one():
    # t = (3 + 2.5 - 1) / 2 = 2.25 keeps the first two.
    y = activations.sparsemax(np.array([[2.5, 0.0, 3.0, 1.0]], "float32"))
    np.testing.assert_allclose(y, [[0.25, 0.0, 0.75, 0.0]], rtol=1e-6)


@pytest.mark.parametrize("axis", [0, -1])
def test_sparsemax_is_the_nearest_point_that_sums_to_one(axis, x):
    # Keras 3.15 is no judge here (some of its rows sum to 0). Bisection finds the level t with sum(max(x - t, 0)) = 1.
    low, high = x.min(axis, keepdims=True) - 1.0, x.max(axis, keepdims=True)
    for _ in range(40):
        middle = (low + high) / 2
        over = np.maximum(x - middle, 0).sum(axis, keepdims=True) > 1
        low, high = np.where(over, middle, low), np.where(over, high, middle)
    np.testing.assert_allclose(activations.sparsemax(x, axis=axis), np.maximum(x - low, 0), atol=2e-6)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: activations.glu(np.ones((2, 3), "float32")), "even size"),
        (lambda: activations.celu(np.ones(2, "float32"), alpha=0), "celu: alpha"),
        (lambda: activations.get("rellu"), "Did you mean 'relu'"),
    ],
)
def test_errors_name_the_cure(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_get_refuses_numbers():
    with pytest.raises(TypeError, match="activation is given by name"):
        activations.get(3)


@pytest.mark.parametrize("name", CLASSIC)
def test_the_classic_names_are_here(name):
    assert inspect.isfunction(getattr(activations, name))


@pytest.mark.parametrize("name", ALL_NAMES)
def test_names_go_round(name):
    found = activations.get(name)
    assert found is getattr(activations, name)
    assert activations.get(activations.serialize(found)) is found


def test_none_is_linear_and_callables_are_themselves():
    class Layer:
        def __call__(self, x):
            return x

    layer = Layer()
    assert activations.get(None) is activations.linear
    assert activations.get(layer) is layer
    assert activations.get(np.tanh) is np.tanh
    assert activations.linear(layer) is layer


def test_configurations_of_functions_and_layers(monkeypatch):
    class Bent:
        def __init__(self, slope=1.0):
            self.slope = slope

        @classmethod
        def from_config(cls, config):
            return cls(**config)

        def get_config(self):
            return {"slope": self.slope}

    monkeypatch.setitem(registry._known.setdefault("layer", {}), "Bent", Bent)
    assert activations.deserialize({"class_name": "function", "config": "tanh"}) is activations.tanh
    found = activations.get(activations.serialize(Bent(0.5)))
    assert isinstance(found, Bent)
    assert found.slope == 0.5


def test_a_users_own_function_is_found_by_name():
    def twice(x):
        return 2 * x

    assert activations.deserialize("twice", {"twice": twice}) is twice
    with registry.custom_object_scope({"twice": twice}):
        assert activations.get("twice") is twice
    with pytest.raises(ValueError, match="twice"):
        activations.get("twice")
