"""Sequential: every classic way to build one."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.layers import Activation, Dense, Dropout, Flatten, Input, Lambda, Reshape
from hornbeam.models import Model, Sequential, model_from_json

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")


def test_a_list_and_add_make_the_same():
    listed = Sequential([Dense(4, input_shape=(3,), name="a"), Activation("relu"), Dense(2, name="b")])
    added = Sequential()
    added.add(Dense(4, input_dim=3, name="a"))
    added.add(Activation("relu"))
    added.add(Dense(2, name="b"))
    added.set_weights(listed.get_weights())
    np.testing.assert_array_equal(added.predict(X), listed.predict(X))
    assert [w.name for w in added.weights] == ["a/kernel:0", "a/bias:0", "b/kernel:0", "b/bias:0"]
    assert len(added.layers) == 3


@pytest.mark.parametrize(
    ("first", "shape"),
    [
        (lambda: Dense(2, input_shape=(3,)), (None, 3)),
        (lambda: Dense(2, input_dim=3), (None, 3)),
        (lambda: Dense(2, batch_input_shape=(5, 3)), (5, 3)),
        (lambda: Dense(2, batch_input_shape=(None, 7, 3)), (None, 7, 3)),
        (lambda: Sequential([Dense(2, input_dim=3)]), (None, 3)),
        (lambda: Input((3,)), (None, 3)),
    ],
)
def test_input_shapes(first, shape):
    model = Sequential([first(), Dense(1)])
    assert model.built
    assert model.input_shape == shape
    assert model.output_shape == (*shape[:-1], 1)
    assert K.int_shape(model.input) == shape
    assert K.int_shape(model.output) == (*shape[:-1], 1)


def test_building_may_wait_for_data_a_call_or_build():
    def make():
        return Sequential([Dense(4), Dropout(0.5), Dense(2)])

    fitted, called, built, shaped = make(), make(), make(), make()
    assert not fitted.built
    assert fitted.weights == []
    with pytest.raises(AttributeError, match="has no outputs: it is not a graph.*or not built yet"):
        fitted.output_shape  # noqa: B018
    fitted.compile("sgd", "mse")
    fitted.fit(X, np.zeros((2, 2)), verbose=0)
    called(X)
    built.build((None, 3))
    shaped(Input((3,)))
    for model in (fitted, called, built, shaped):
        assert model.output_shape == (None, 2)
        assert [w.shape for w in model.get_weights()] == [(3, 4), (4,), (4, 2), (2,)]
    predicted = make()
    assert predicted.predict(X).shape == (2, 2)


def test_integers_stay_integers_when_building_waits():
    model = Sequential([Lambda(lambda x: K.one_hot(x, 5))])
    assert model.predict(np.array([[1], [4]])).shape == (2, 1, 5)


def test_a_deferred_model_keeps_metrics_and_losses_given_before():
    model = Sequential([Dense(2, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, np.array([0, 1]), verbose=0).history
    assert set(history) >= {"loss"}
    assert history["acc"] == history["accuracy"]


def test_pop():
    model = Sequential([Dense(4, input_shape=(3,)), Dense(2), Dense(1)])
    model.predict(X)
    model.pop()
    assert model.output_shape == (None, 2)
    assert len(model.layers) == 2
    assert model.predict(X).shape == (2, 2)
    model.add(Dense(5))
    assert model.predict(X).shape == (2, 5)
    for _ in range(3):
        model.pop()
    assert model.layers == []
    with pytest.raises(TypeError, match="no layers in the stack to take off"):
        model.pop()
    model.add(Dense(1))
    assert model.predict(X).shape == (2, 1)


def test_a_layer_added_after_a_prediction_counts():
    model = Sequential([Dense(2, input_shape=(3,))])
    before = model.predict(X)
    called = K.get_value(model(X))
    model.add(Lambda(lambda x: x * 2))
    np.testing.assert_allclose(model.predict(X), 2 * before, rtol=1e-6)
    np.testing.assert_allclose(K.get_value(model(X)), 2 * called, rtol=1e-6)


def test_a_model_may_grow_between_fits():
    model = Sequential([Dense(2, input_shape=(3,))])
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((2, 2)), verbose=0)
    model.add(Dense(1))
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((2, 1)), verbose=0)
    assert model.evaluate(X, np.zeros((2, 1)), verbose=0) >= 0


def test_stacks_within_stacks_and_models():
    inner = Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(2)], name="inner")
    outer = Sequential([inner, Activation("softmax")])
    assert outer.output_shape == (None, 2)
    assert len(outer.weights) == 4
    np.testing.assert_allclose(outer.predict(X).sum(1), 1, rtol=1e-6)
    x = Input((3,))
    model = Model(x, inner(x))
    np.testing.assert_array_equal(model.predict(X), inner.predict(X))
    outer.compile("sgd", "categorical_crossentropy")
    before = inner.get_weights()
    outer.fit(X, np.eye(2), verbose=0)
    assert not np.array_equal(before[0], inner.get_weights()[0])
    assert outer.get_layer("inner") is inner
    # A trained part can be used by itself.
    assert inner.predict(X).shape == (2, 2)


def test_a_stack_deferred_inside_another_is_built_with_it():
    model = Sequential([Sequential([Dense(4), Dense(2)]), Dense(1)])
    assert model.predict(X).shape == (2, 1)
    assert len(model.weights) == 6


def test_layers_of_a_trained_stack_can_be_used_again():
    model = Sequential([Dense(4, input_shape=(3,)), Dense(2)])
    part = Model(model.input, model.layers[0].output)
    assert part.predict(X).shape == (2, 4)
    head = Sequential(model.layers[:1])
    np.testing.assert_array_equal(head.predict(X), part.predict(X))


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sequential([Dense(4, input_shape=(3,), activation="relu"), Flatten(), Dense(2)], name="net"),
        lambda: Sequential([Input((3,)), Reshape((3, 1)), Dense(2)]),
        lambda: Sequential([Sequential([Dense(4, input_shape=(3,))]), Dense(2)]),
        lambda: Sequential([Dense(4), Dense(2)]),
    ],
)
def test_json_round_trip(make):
    model = make()
    model.predict(X)
    again = model_from_json(model.to_json())
    assert again.name == model.name
    assert [layer.name for layer in again.layers] == [layer.name for layer in model.layers]
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert again.to_json() == model.to_json()


def test_the_list_of_layers_that_keras_2_1_wrote_is_read():
    model = Sequential([Dense(2, input_shape=(3,))])
    again = Sequential.from_config(model.get_config()["layers"])
    assert again.output_shape == (None, 2)


@pytest.mark.parametrize(
    ("use", "kind", "told"),
    [
        (lambda m: m.add(lambda x: x), TypeError, "takes layers; got <function.*Wrap a function in Lambda"),
        (lambda m: m.add(Dense), TypeError, "Sequential.add takes layers"),
        (lambda m: m.add(Dense(2, name="first")), ValueError, "has a layer named 'first' already"),
        (lambda m: m.add(Input((3,))), ValueError, "An Input must be the first thing"),
        (lambda m: m.add(Lambda(lambda x: [x, x])), ValueError, "has 2 outputs; in a stack every layer has one"),
        (lambda m: Sequential().build((None, 3)), ValueError, "has no layers. Add some first"),
        (lambda m: Sequential([Dense(1)]).build(), ValueError, "does not know its input's shape. Give the first layer"),
        (lambda m: Sequential().predict(X), ValueError, "has no layers. Add some first"),
        (lambda m: m.get_layer("frist"), ValueError, r"Did you mean 'first'\?"),
        (lambda m: m.get_layer(index=7), ValueError, "has 1 layers; there is none at 7"),
        (lambda m: m.get_layer(), ValueError, "get_layer needs name"),
        (lambda m: m.set_weights([np.zeros(3)]), ValueError, "has 2 weights, got 1 arrays"),
        (lambda m: Sequential([Dense(1)]).set_weights([np.zeros(3)]), ValueError, "It is not built yet"),
        (lambda m: m.add(Reshape((9,))), ValueError, "Reshape"),
    ],
)
def test_what_goes_wrong_is_explained_and_changes_nothing(use, kind, told):
    model = Sequential([Dense(2, input_shape=(3,), name="first")])
    with pytest.raises(kind, match=told):
        use(model)
    assert len(model.layers) == 1
    assert model.output_shape == (None, 2)


def test_classes_and_probabilities():
    model = Sequential([Dense(2, input_shape=(3,), use_bias=False, weights=[np.array([[1, 0], [0, 0], [0, 1.0]])])])
    assert model.predict_classes(X).tolist() == [1, 1]
    with pytest.warns(UserWarning, match="some values lie outside 0 to 1"):
        model.predict_proba(X)
    binary = Sequential([Dense(1, activation="sigmoid", input_shape=(3,), weights=[-np.ones((3, 1)), np.ones(1) * 10])])
    assert binary.predict_classes(X).tolist() == [[1], [0]]
    assert binary.predict_proba(X).shape == (2, 1)
    assert binary.model is binary
