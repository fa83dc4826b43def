"""GradientTape: the gradients of what a block of Python computes, eagerly and in programs, once and twice."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import losses, scope
from hornbeam.layers import BatchNormalization, Dense, Dropout, Layer
from hornbeam.models import Model, Sequential

draw = np.random.default_rng(0)
X = draw.normal(size=(5, 3)).astype("float32")
Y = draw.normal(size=(5, 2)).astype("float32")


def test_first_and_second_derivatives():
    # f = w^3 at 3: f' = 3 w^2 = 27, f'' = 6 w = 18
    w = K.variable([3.0])
    with K.GradientTape() as outer:
        with K.GradientTape() as inner:
            y = w * w * w
        first = inner.gradient(y, w)
    assert first.numpy().tolist() == [27.0]
    assert outer.gradient(first, w).tolist() == [18.0]


def test_values_are_at_hand_within_the_block():
    w = K.variable([[1.0, 2.0]])
    with K.GradientTape() as tape:
        y = w * 2.0
        assert float(K.sum(y)) == 6.0
        assert np.asarray(y).tolist() == [[2.0, 4.0]]
        assert f"{K.sum(y):.1f}" == "6.0"
        loss = y.reshape((2,)).sum() if float(y[0, 0]) > 0 else None
    assert tape.gradient(loss, w).tolist() == [[2.0, 2.0]]
    assert (loss + 1.0).tolist() == 7.0  # afterwards it is a plain value


def test_sources_in_any_form_and_within_the_graph():
    a, b, unused = K.variable(2.0), K.variable(5.0), K.variable(1.0)
    with K.GradientTape() as tape:
        c = a * b
        loss = c * c + a
    # d/da = 2ab*b + 1, d/db = 2ab*a, d/dc = 2c
    found = tape.gradient(loss, {"a": a, "rest": [b, c, unused]})
    assert float(found["a"]) == 101.0
    assert [float(g) for g in found["rest"][:2]] == [40.0, 20.0]
    assert found["rest"][2] is None
    assert float(tape.gradient(loss, unused, unconnected_gradients="zero")) == 0.0
    assert float(tape.gradient([c, loss], a)) == 106.0  # targets are added up
    assert float(tape.gradient(c, a, output_gradients=K.constant(10.0))) == 50.0


def test_watched_tensors():
    x = K.constant([1.0, 2.0])
    with K.GradientTape() as tape:
        tape.watch(x)
        loss = K.sum(K.square(x))  # words know the watched array itself
    assert tape.gradient(loss, x).tolist() == [2.0, 4.0]
    with K.GradientTape() as tape:
        x = tape.watch(x)
        loss = K.sum(x * 3.0)  # operators know what watch gave
    assert tape.gradient(loss, x).tolist() == [3.0, 3.0]


def _reference(model, x, y, seed):
    """Gradients by the engine alone, of the model's weights."""
    weights = model.trainable_weights

    def loss_of(values):
        held = {**{v: v.value for v in model.weights}, **dict(zip(weights, values, strict=True))}
        with scope.Scope(held, True, seed):
            return K.mean(K.square(model(x, training=True) - y)), None

    return K.engine.value_and_gradients(loss_of, [w.value for w in weights])


def test_layers_random_numbers_and_statistics():
    model = Sequential([Dense(4, activation="tanh", input_shape=(3,)), BatchNormalization(), Dropout(0.4), Dense(2)])
    seed = np.uint32(7)
    (expected, _), gradients = _reference(model, K.constant(X), Y, seed)
    before = model.get_weights()
    with scope.Scope(training=True, seed=seed), K.GradientTape() as tape:
        loss = K.mean(K.square(model(X, training=True) - Y))
    found = tape.gradient(loss, model.trainable_weights)
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-6)
    for a, b in zip(found, gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-7)
    means = [w for w in model.weights if "moving_mean" in w.name]
    moved = 0.01 * np.tanh(X @ before[0] + before[1]).mean(axis=0)  # once, although the block is carried out twice
    np.testing.assert_allclose(means[0].numpy(), moved, rtol=1e-4, atol=1e-6)


def test_dropout_of_a_plain_script_is_the_same_in_both_passes():
    w = K.variable(np.ones((1, 50), "float32"))
    with K.GradientTape() as tape:
        y = Dropout(0.5)(w * 1.0, training=True)
    gradient = tape.gradient(y, w)
    np.testing.assert_array_equal(np.asarray(y), np.asarray(gradient))  # 2 where kept, 0 elsewhere


class Own(Model):
    calls = 0

    def __init__(self):
        super().__init__()
        self.a, self.b = Dense(4, activation="relu"), Dense(2)

    def call(self, x):
        type(self).calls += 1
        return self.b(self.a(x)) + K.sum(self.a.kernel) * 0.5


def test_users_models_run_once_and_their_variables_count():
    model = Own()
    model(X)
    (_, _), gradients = _reference(model, K.constant(X), Y, np.uint32(0))
    Own.calls = 0
    with K.GradientTape() as tape:
        loss = losses.MeanSquaredError()(Y, model(X))
    found = tape.gradient(loss, model.trainable_weights)
    assert Own.calls == 1
    for a, b in zip(found, gradients, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


def test_gradient_penalty_of_second_order():
    # p = x.w, so dp/dx = w for every row; penalty = mean((|w| - 1)^2), its gradient 2 (|w| - 1) w / |w|
    layer = Dense(1, use_bias=False)
    layer.build((None, 3))
    w = np.array([[3.0], [0.0], [4.0]], "float32")
    layer.set_weights([w])
    x = K.constant(X)
    with K.GradientTape() as tape:
        with K.GradientTape() as inner:
            inner.watch(x)
            p = layer(x)
        norm = K.sqrt(K.sum(K.square(inner.gradient(p, [x])[0]), axis=1))
        penalty = K.mean(K.square(norm - 1.0))
    assert float(penalty) == 16.0
    np.testing.assert_allclose(tape.gradient(penalty, layer.kernel), 8 * w / 5, rtol=1e-6)


def test_within_a_compiled_program_python_runs_and_memory_of_the_first_pass_goes():
    w = K.variable([1.0, 2.0])

    def program(value):
        with scope.Scope({w: value}, seed=value[0].astype("uint32")):
            with K.GradientTape() as tape:
                y = K.exp(w)
                loss = K.sum(y)
            gradient = tape.gradient(loss, w)
            return K.untaped(loss), gradient

    loss, gradient = K.engine.compile_function(program)(w.value)
    np.testing.assert_allclose(gradient, np.exp([1.0, 2.0]), rtol=1e-6)
    np.testing.assert_allclose(loss, np.exp([1.0, 2.0]).sum(), rtol=1e-6)


def test_what_a_closure_holds_counts():
    w = K.variable([2.0])
    with K.GradientTape() as tape:
        doubled = w * 2.0
        loss = K.sum(K.map_fn(lambda row: row * K.sum(doubled), K.constant([1.0, 2.0])))
    assert float(tape.gradient(loss, w)[0]) == 6.0  # (1 + 2) * 2


class Outside(Layer):
    """Computes past the vocabulary."""

    def call(self, x):
        return K.engine.tanh(x)


def test_functions_that_the_tape_cannot_see():
    w = K.variable([[0.5]])
    with K.GradientTape() as tape:
        y = Outside()(w * 1.0)  # in a layer they are noted with it
        with pytest.raises((TypeError, ValueError)):
            K.engine.tanh(w * 1.0)
        with pytest.raises(TypeError, match="cannot see it"):
            K.engine.convert(w * 1.0)
    np.testing.assert_allclose(tape.gradient(y, w), 1 - np.tanh([[0.5]]) ** 2, rtol=1e-6)


def test_targets_and_sources_that_the_tape_does_not_know():
    w = K.variable(1.0)
    with K.GradientTape() as tape:
        y = w * 2.0
    with pytest.raises(ValueError, match="does not depend on"):
        tape.gradient(K.constant(1.0), w)
    with pytest.raises(ValueError, match="nor watched"):
        tape.gradient(y, K.constant(1.0))
