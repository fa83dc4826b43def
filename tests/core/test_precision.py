"""Mixed precision: weights, optimizer state and losses stay in single precision, layers compute in bfloat16."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import layers as L
from hornbeam.core import precision
from hornbeam.core.layer import deserialize, serialize
from hornbeam.models import Model, Sequential, clone_model

draw = np.random.default_rng(0)
X = draw.normal(size=(12, 6)).astype("float32")
Y = draw.normal(size=(12, 2)).astype("float32")
SERIES = draw.normal(size=(4, 5, 3)).astype("float32")


@pytest.fixture
def mixed():
    precision.set_global_policy("mixed_bfloat16")
    yield
    precision.set_global_policy(None)


def _dense(kind=Sequential):
    return kind([L.Dense(8, activation="relu", input_shape=(6,)), L.BatchNormalization(), L.Dropout(0.1), L.Dense(2)])


def test_weights_optimizer_state_and_losses_are_float32_and_numbers_are_close(mixed):
    model = _dense()
    precision.set_global_policy(None)
    plain = _dense()
    model.layers[2].rate = plain.layers[2].rate = 0  # else other elements are dropped
    plain.set_weights(model.get_weights())
    assert {w.dtype for w in model.weights} == {"float32"}
    assert model.layers[0].compute_dtype == "bfloat16"
    assert model.layers[0].output.dtype == "bfloat16"
    assert plain.layers[0].output.dtype == "float32"
    found = model.predict(X)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, plain.predict(X), atol=1e-2 * np.abs(found).max())
    assert not np.array_equal(found, plain.predict(X))  # it did compute in bfloat16
    seen = []
    for one in (model, plain):

        def loss(y_true, y_pred):
            seen.append("float32" if K.is_symbolic(y_pred) else K.dtype(y_pred))  # a symbol computes nothing
            return K.mean(K.square(y_true - y_pred), axis=-1)

        one.compile("adam", loss)
    a, b = (m.fit(X, Y, epochs=4, batch_size=4, shuffle=False, verbose=0).history["loss"] for m in (model, plain))
    assert set(seen) == {"float32"}
    np.testing.assert_allclose(a, b, rtol=0.02)
    assert {str(np.asarray(w).dtype) for w in model.optimizer.get_weights()} <= {"float32", "int32"}
    assert {w.dtype for w in model.weights} == {"float32"}
    for w in model.weights:  # kept to more digits than bfloat16 has
        assert w.value.dtype == "float32"


@pytest.mark.parametrize(
    ("make", "x"),
    [
        (lambda: L.LSTM(4, input_shape=(5, 3), dtype="mixed_bfloat16"), SERIES),
        (lambda: L.Conv1D(4, 2, input_shape=(5, 3), dtype="mixed_bfloat16"), SERIES),
        (lambda: L.Embedding(7, 4, input_shape=(5,), dtype="mixed_bfloat16"), draw.integers(0, 7, (4, 5))),
        (lambda: L.LayerNormalization(input_shape=(5, 3), dtype="mixed_bfloat16"), SERIES),
        (lambda: L.MultiHeadAttention(2, 3, dtype="mixed_bfloat16"), SERIES),
    ],
)
def test_layers_of_every_kind(make, x):
    layer = make()
    config = serialize(layer)
    assert config["config"]["dtype"] == "mixed_bfloat16"
    config["config"]["dtype"] = "float32"
    plain = deserialize(config)
    given = (x, x) if isinstance(layer, L.MultiHeadAttention) else (x,)
    found, _ = layer(*given), plain(*given)
    plain.set_weights(layer.get_weights())
    assert {w.dtype for w in layer.weights} == {"float32"}
    assert K.dtype(found) == "bfloat16"
    expected = np.asarray(plain(*given))
    np.testing.assert_allclose(np.asarray(found, "float32"), expected, atol=2e-2 * np.abs(expected).max())


def test_configuration_round_trip_and_a_last_layer_of_float32():
    x = L.Input((6,))
    y = L.Dense(2, dtype="float32")(L.Dense(4, dtype="mixed_bfloat16")(x))
    model = Model(x, y)
    assert y.dtype == "float32"
    copy = clone_model(model)
    assert copy.layers[1].dtype_policy.name == "mixed_bfloat16"
    assert copy.layers[1].dtype == "float32"
    assert copy.layers[2].compute_dtype == "float32"
    # what Keras 3 writes is understood, and a Policy is
    keras = {"module": "keras", "class_name": "DTypePolicy", "config": {"name": "mixed_bfloat16"}}
    assert L.Dense(1, dtype=keras).dtype_policy == precision.Policy("mixed_bfloat16") == L.Dense(
        1, dtype=precision.Policy("mixed_bfloat16")
    ).dtype_policy  # fmt: skip


def test_a_step_of_ones_own_computes_alike(mixed):
    class Own(Sequential):
        def train_step(self, data):
            return super().train_step(data)

    model, own = _dense(), _dense(Own)
    own.set_weights(model.get_weights())
    for one in (model, own):
        one.layers[2].rate = 0
        one.compile("sgd", "mse")
        one.fit(X, Y, batch_size=12, epochs=2, verbose=0)
    for a, b in zip(model.get_weights(), own.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-3, atol=1e-4)


def test_policies_that_do_not_exist():
    with pytest.raises(ValueError, match="mixed_bfloat16"):
        precision.set_global_policy("mixed_float16")
    with pytest.raises(ValueError, match="dtype"):
        L.Dense(1, dtype="mixed")
