"""Functional and subclassed models: inputs and outputs, sharing, words between layers, freezing."""

import json

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import layers
from hornbeam.callbacks import Callback
from hornbeam.layers import LSTM, Add, Concatenate, Dense, Dropout, Input, Lambda, Layer
from hornbeam.models import Model, Sequential, model_from_config, model_from_json

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")
Y = np.array([[1.0, 0.5], [-1.0, 2.0]], "float32")


def again(model, **custom):
    """The model written to JSON and read back, with the same weights."""
    made = model_from_json(model.to_json(), custom)
    made.set_weights(model.get_weights())
    return made


def same(first, second, inputs):
    for one, other in zip(*(m.predict(inputs) if len(m.outputs) > 1 else [m.predict(inputs)] for m in (first, second))):
        np.testing.assert_array_equal(one, other)


# --- Several inputs and outputs, sharing ---


@pytest.fixture(scope="module")
def branched():
    """Two inputs, two outputs, a layer shared among them."""
    main, side = Input((3,), name="main"), Input((2,), name="side")
    shared = Dense(4, name="shared")
    one, two = shared(Dense(2, name="narrow")(main)), shared(side)
    joined = Concatenate(name="joined")([one, two])
    return Model([main, side], [Dense(1, name="big")(joined), Dense(2, name="small")(two)], name="branched")


def test_two_inputs_two_outputs_and_a_shared_layer(branched):
    big, small = branched.predict([X, Y])
    w = {layer.name: layer.get_weights() for layer in branched.layers if layer.weights}
    one = (X @ w["narrow"][0] + w["narrow"][1]) @ w["shared"][0] + w["shared"][1]
    two = Y @ w["shared"][0] + w["shared"][1]
    np.testing.assert_allclose(big, np.concatenate([one, two], 1) @ w["big"][0] + w["big"][1], rtol=1e-5)
    np.testing.assert_allclose(small, two @ w["small"][0] + w["small"][1], rtol=1e-5)
    assert branched.input_names == ["main", "side"]
    assert branched.output_names == ["big", "small"]
    assert branched.input_shape == [(None, 3), (None, 2)]
    assert branched.output_shape == [(None, 1), (None, 2)]
    assert len(branched.weights) == 8


def test_inputs_by_name_and_by_order_are_the_same(branched):
    listed = branched.predict([X, Y])
    for given in ({"side": Y, "main": X}, (X, Y)):
        for one, other in zip(branched.predict(given), listed):
            np.testing.assert_array_equal(one, other)


def test_a_branched_model_goes_through_json(branched):
    made = again(branched)
    same(made, branched, [X, Y])
    assert made.name == "branched"
    assert [layer.name for layer in made.layers] == [layer.name for layer in branched.layers]
    assert json.loads(made.to_json()) == json.loads(branched.to_json())


def test_the_configuration_is_written_as_keras_2_does(branched):
    written = json.loads(branched.to_json())
    assert written["class_name"] == "Model"
    assert written["keras_version"].startswith("2.")
    config = written["config"]
    assert config["input_layers"] == [["main", 0, 0], ["side", 0, 0]]
    assert config["output_layers"] == [["big", 0, 0], ["small", 0, 0]]
    shared = next(entry for entry in config["layers"] if entry["name"] == "shared")
    assert sorted(call[0][0] for call in shared["inbound_nodes"]) == ["narrow", "side"]
    assert all(len(row) == 4 for call in shared["inbound_nodes"] for row in call)


def test_a_layer_called_twice_on_the_same_path_and_a_chain():
    x, d = Input((3,)), Dense(3)
    model = Model(x, Add()([d(d(x)), d(x)]))
    assert len(model.weights) == 2
    same(again(model), model, X)


def test_an_output_may_be_an_input_and_an_inner_tensor():
    x = Input((3,))
    h = Dense(2)(x)
    model = Model(x, [x, h, Dense(1)(h)])
    found = model.predict(X)
    np.testing.assert_array_equal(found[0], X)
    assert [f.shape for f in found] == [(2, 3), (2, 2), (2, 1)]
    same(again(model), model, X)


def test_models_as_layers_share_their_weights():
    inner_in = Input((3,))
    inner = Model(inner_in, Dense(2, activation="tanh")(inner_in), name="inner")
    a, b = Input((3,)), Input((3,))
    twins = Model([a, b], Add()([inner(a), inner(b)]))
    np.testing.assert_allclose(twins.predict([X, 2 * X]), inner.predict(X) + inner.predict(2 * X), rtol=1e-5)
    assert len(twins.weights) == 2
    same(again(twins), twins, [X, 2 * X])
    twins.compile("sgd", "mse")
    before = inner.get_weights()
    twins.fit([X, X], np.zeros((2, 2)), verbose=0)
    assert not np.array_equal(before[0], inner.get_weights()[0])


def test_a_model_with_many_inputs_and_outputs_as_a_layer(branched):
    a, b = Input((3,)), Input((2,))
    big, small = branched([a, b])
    model = Model([a, b], [small * 2, big])
    found, wanted = model.predict([X, Y]), branched.predict([X, Y])
    np.testing.assert_allclose(found[0], wanted[1] * 2, rtol=1e-6)
    np.testing.assert_allclose(found[1], wanted[0], rtol=1e-6)
    same(again(model), model, [X, Y])


def test_keras_1_names_of_inputs_and_outputs_and_positions():
    x = Input((3,))
    y = Dense(1)(x)
    with pytest.warns(UserWarning, match="spelling of Keras 1"):
        old = Model(input=x, output=y)
    for model in (old, Model(x, y, "named"), Model([x], [y]), Model(inputs=x, outputs=y)):
        assert model.predict(X).shape == (2, 1)
    assert Model(x, y, "named").name == "named"


# --- Words between layers ---

WORDS = {
    "arithmetic": lambda x: 2 * x + x / 3 - 1,
    "both": lambda x: x + Dense(3)(x),
    "column": lambda x: x[:, 0],
    "slice": lambda x: x[:, 1:],
    "ellipsis": lambda x: x[..., None, 0],
    "power": lambda x: x**2,
    "comparison": lambda x: K.cast(x > 2, "float32"),
    "mean": lambda x: K.mean(x, axis=-1, keepdims=True),
    "concatenate": lambda x: K.concatenate([x, K.square(x)], axis=-1),
    "reshape": lambda x: K.reshape(x, (-1, 3, 1)),
    "reshape_by_shape": lambda x: K.reshape(x, (K.shape(x)[0], 1, 3)),
    "numpy": lambda x: np.exp(-x),
    "array": lambda x: x * np.array([1.0, 2.0, 3.0], "float32"),
    "dense_after": lambda x: Dense(2)(K.relu(x - 2)),
    "phase": lambda x: K.in_train_phase(x * 2, x),
    "phase_tensor": lambda x: K.switch(K.learning_phase(), x * 2, x),
}


@pytest.mark.parametrize("case", WORDS)
def test_words_are_nodes_of_models_and_are_written_down(case):
    x = Input((3,))
    model = Model(x, WORDS[case](x))
    found = model.predict(X)
    assert found.shape == (2, *model.output_shape[1:])
    made = again(model)
    same(made, model, X)
    assert made.to_json() == model.to_json()


def test_words_compute_what_they_say():
    x = Input((3,))
    model = Model(x, [WORDS["arithmetic"](x), WORDS["column"](x), WORDS["numpy"](x), WORDS["array"](x)])
    arithmetic, column, exponential, array = model.predict(X)
    np.testing.assert_allclose(arithmetic, 2 * X + X / 3 - 1, rtol=1e-6)
    np.testing.assert_allclose(column, X[:, 0])
    np.testing.assert_allclose(exponential, np.exp(-X), rtol=1e-5)
    np.testing.assert_allclose(array, X * [1, 2, 3])


def test_a_variable_in_a_word_is_read_when_it_runs_and_cannot_be_written_down():
    v, x = K.variable(2.0), Input((3,))
    model = Model(x, x * v)
    np.testing.assert_allclose(model.predict(X), 2 * X)
    K.set_value(v, 5.0)
    np.testing.assert_allclose(model.predict(X), 5 * X)
    with pytest.raises(ValueError, match="cannot be written into a configuration. Put the operation into a layer"):
        model.to_json()


def test_layers_take_words_as_inputs_and_a_residual_network_trains():
    x = Input((3,))
    y = x
    for _ in range(3):
        y = y + Dense(3, activation="relu")(y)
    model = Model(x, Dense(1)(y))
    model.compile("sgd", "mse")
    history = model.fit(X / 10, np.ones((2, 1)), epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]


# --- Users' own models ---


class Own(Model):
    def __init__(self, classes=2, **kwargs):
        super().__init__(**kwargs)
        self.classes = classes
        self.first = Dense(4, activation="relu")
        self.blocks = [Dense(4), Dense(4)]
        self.heads = {"out": Dense(classes)}

    def call(self, inputs, training=None):
        x = self.first(inputs)
        for block in self.blocks:
            x = block(x) + x
        return self.heads["out"](x)


def test_a_model_of_ones_own():
    model = Own(2)
    assert model.layers == [model.first, *model.blocks, model.heads["out"]]
    assert not model.built
    model.compile("sgd", "mse", metrics=["mae"])
    history = model.fit(X, Y, epochs=2, verbose=0).history
    assert len(history["loss"]) == 2
    assert len(model.weights) == 8
    assert model.predict(X).shape == (2, 2)
    np.testing.assert_allclose(K.get_value(model(X)), model.predict(X), rtol=1e-6)
    before = model.get_weights()
    model.set_weights([w * 0 for w in before])
    assert model.predict(X).tolist() == [[0, 0], [0, 0]]


def test_a_model_of_ones_own_within_a_functional_one():
    x = Input((3,))
    own = Own(2)
    model = Model(x, K.softmax(own(x)))
    assert K.int_shape(model.output) == (None, 2)
    assert len(model.weights) == 8
    same(again(model, Own=Own), model, X)


def test_a_model_of_ones_own_may_be_built_by_shape_and_by_call():
    model = Own(3)
    model.build((None, 3))
    assert len(model.weights) == 8
    other = Own(3)
    assert K.get_value(other(X)).shape == (2, 3)
    other.set_weights(model.get_weights())
    np.testing.assert_allclose(other.predict(X), model.predict(X), rtol=1e-6)


def test_a_model_of_ones_own_with_lists_and_dicts_of_inputs_and_outputs():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.a, self.b = Dense(1), Dense(2)

        def call(self, inputs):
            return [self.a(inputs[0]), self.b(inputs[1])]

    class Named(Model):
        def __init__(self):
            super().__init__()
            self.a = Dense(1)

        def call(self, inputs):
            return self.a(inputs["x"]) + self.a(inputs["y"])

    two = Two()
    two.compile("sgd", ["mse", "mae"])
    history = two.fit([X, Y], [np.zeros((2, 1)), np.zeros((2, 2))], verbose=0).history
    assert history["loss"][0] == pytest.approx(history["output_1_loss"][0] + history["output_2_loss"][0], rel=1e-6)
    assert [p.shape for p in two.predict([X, Y])] == [(2, 1), (2, 2)]
    named = Named()
    named.compile("sgd", "mse")
    named.fit({"x": X, "y": X}, np.zeros((2, 1)), verbose=0)
    assert named.predict({"x": X, "y": X}).shape == (2, 1)


def test_a_subclass_may_still_be_a_graph():
    class Net(Model):
        def __init__(self, width):
            x = Input((3,))
            super().__init__(x, Dense(width)(x))

        def twice(self, x):
            return 2 * self.predict(x)

    net = Net(2)
    assert net.output_shape == (None, 2)
    np.testing.assert_allclose(net.twice(X), 2 * net.predict(X))


def test_what_a_model_of_ones_own_cannot_do_says_so():
    with pytest.raises(NotImplementedError, match="has neither inputs and outputs nor a `call`"):
        Model(name="empty")(X)
    with pytest.raises(AttributeError, match="has no inputs: it is not a graph"):
        Own().inputs  # noqa: B018

    class Forgetful(Model):
        def __init__(self):
            self.dense = Dense(2)

        def call(self, inputs):
            return self.dense(inputs)

    with pytest.raises(TypeError, match=r"Forgetful.__init__ does not call super\(\).__init__\(\)"):
        Forgetful()


# --- Weights, freezing ---


def test_weights_come_layer_by_layer_trainable_first_in_weights():
    class Counted(Layer):
        def build(self, input_shape):
            self.steps = self.add_weight("steps", (), trainable=False, initializer="zeros")
            self.scale = self.add_weight("scale", (), initializer="ones")
            super().build(input_shape)

        def call(self, inputs):
            return inputs * self.scale

    model = Sequential([Counted(input_shape=(3,), name="c"), Dense(1, name="d")])
    assert [w.name for w in model.weights] == ["c/scale:0", "d/kernel:0", "d/bias:0", "c/steps:0"]
    assert [w.shape for w in model.get_weights()] == [(), (), (3, 1), (1,)]
    assert [w.name for w in model.trainable_weights] == ["c/scale:0", "d/kernel:0", "d/bias:0"]
    assert [w.name for w in model.non_trainable_weights] == ["c/steps:0"]
    assert model.count_params() == 6


def test_frozen_layers_do_not_learn_and_thaw_at_the_next_compile():
    model = Sequential([Dense(4, input_shape=(3,), name="base"), Dense(1, name="head")])
    base, head = model.layers
    base.trainable = False
    model.compile("sgd", "mse")
    assert [w.name for w in model.trainable_weights] == ["head/kernel:0", "head/bias:0"]
    kept, moved = base.get_weights(), head.get_weights()
    model.fit(X, np.ones((2, 1)), verbose=0)
    np.testing.assert_array_equal(base.get_weights()[0], kept[0])
    assert not np.array_equal(head.get_weights()[0], moved[0])
    base.trainable = True
    with pytest.warns(UserWarning, match="`trainable` changed after compile; it takes effect at the next compile"):
        model.fit(X, np.ones((2, 1)), verbose=0)
    np.testing.assert_array_equal(base.get_weights()[0], kept[0])
    model.compile("sgd", "mse")
    model.fit(X, np.ones((2, 1)), verbose=0)
    assert not np.array_equal(base.get_weights()[0], kept[0])


def test_one_optimizer_object_may_be_compiled_again_and_for_other_models():
    from hornbeam.optimizers import Adam

    adam = Adam(lr=0.01)
    first = Sequential([Dense(4, input_shape=(3,)), Dense(1)])
    second = Sequential([Dense(2, input_shape=(3,)), Dense(1)])
    first.compile(adam, "mse")
    second.compile(adam, "mse")
    for _ in range(2):
        first.fit(X, np.ones((2, 1)), verbose=0)
        second.fit(X, np.ones((2, 1)), verbose=0)
    first.layers[0].trainable = False
    first.compile(adam, "mse")
    kept = first.layers[0].get_weights()
    first.fit(X, np.ones((2, 1)), verbose=0)
    np.testing.assert_array_equal(first.layers[0].get_weights()[0], kept[0])


def test_the_two_models_of_an_adversarial_network():
    """The critic learns by itself; within the stack it is frozen, and the generator learns through it."""
    generator = Sequential([Dense(3, input_shape=(2,))], name="generator")
    critic = Sequential([Dense(1, activation="sigmoid", input_shape=(3,))], name="critic")
    critic.compile("adam", "binary_crossentropy")
    critic.trainable = False
    noise = Input((2,))
    stacked = Model(noise, critic(generator(noise)))
    stacked.compile("adam", "binary_crossentropy")
    before = critic.get_weights()[0], generator.get_weights()[0]
    stacked.train_on_batch(Y, np.ones((2, 1)))
    np.testing.assert_array_equal(critic.get_weights()[0], before[0])
    assert not np.array_equal(generator.get_weights()[0], before[1])
    moved = generator.get_weights()[0]
    with pytest.warns(UserWarning, match="`trainable` changed after compile"):
        critic.train_on_batch(X, np.ones((2, 1)))
    assert not np.array_equal(critic.get_weights()[0], before[0])
    np.testing.assert_array_equal(generator.get_weights()[0], moved)


def test_a_frozen_model_freezes_all_inside():
    inner = Sequential([Dense(2, input_shape=(3,)), Dense(2)])
    inner.trainable = False
    outer = Sequential([inner, Dense(1)])
    assert len(outer.trainable_weights) == 2
    assert len(outer.non_trainable_weights) == 4


# --- Configurations ---


def test_model_from_config_and_from_config():
    x = Input((3,))
    model = Model(x, Dense(2, activation="relu", kernel_regularizer="l2")(x))
    made = Model.from_config(model.get_config())
    assert made.get_config() == model.get_config()
    entry = json.loads(model.to_json())
    assert model_from_config(entry).output_shape == (None, 2)


def test_functions_and_classes_of_ones_own_come_as_custom_objects():
    def twice(x):
        return 2 * x

    x = Input((3,))
    model = Model(x, Lambda(twice)(Dense(3, activation=twice)(x)))
    same(again(model, twice=twice), model, X)
    with pytest.raises(ValueError, match="Unknown .*'twice'.*custom_objects"):
        model_from_json(model.to_json())


@pytest.mark.parametrize(
    ("text", "kind", "told"),
    [
        ("{no json", ValueError, "model_from_json: the text is not valid JSON"),
        ('{"class_name": "Dence", "config": {}}', ValueError, r"Unknown layer 'Dence'. Did you mean 'Dense'\?"),
        ("[]", TypeError, "For a list of layers use Sequential.from_config"),
        ('{"class_name": "Model", "config": {"name": "m", "layers": [{"name": "d", "class_name": "Dense", "config": '
         '{"units": 1}, "inbound_nodes": [[["lost", 0, 0, {}]]]}], "input_layers": [], "output_layers": []}}',
         ValueError, "does not connect: 'd' waits for inputs"),
    ],
)  # fmt: skip
def test_configurations_that_cannot_be_read(text, kind, told):
    with pytest.raises(kind, match=told):
        model_from_json(text)


def test_every_layer_of_the_face_is_known_to_the_registry():
    from hornbeam import registry

    for name in layers.__all__:
        thing = getattr(layers, name)
        if isinstance(thing, type) and issubclass(thing, Layer) and thing is not Layer:
            assert registry.find("layer", name) is thing


def test_dropout_is_silent_in_prediction_and_alive_in_training():
    x = Input((50,))
    model = Model(x, Dropout(0.5)(x))
    ones = np.ones((2, 50), "float32")
    np.testing.assert_array_equal(model.predict(ones), ones)
    assert set(np.ravel(model(ones, training=True))) == {0.0, 2.0}


def test_a_variable_closed_over_in_a_lambda_or_a_loss_is_read_anew_when_it_was_set():
    """Annealing: a callback sets a variable that a loss and a layer read without anybody having been told."""
    beta = K.variable(1.0)
    x = Input((3,))
    model = Model(x, Lambda(lambda v: v * beta)(x))
    model.compile("sgd", lambda t, p: beta * K.mean(K.square(t - p), axis=-1))
    zero = np.zeros((2, 3), "float32")

    class Anneal(Callback):
        def on_epoch_begin(self, epoch, logs=None):
            K.set_value(beta, float(epoch + 1))

    function = K.function([x], [model.output])
    for value in (1.0, 3.0, 4.0):  # the second change must not need another program
        K.set_value(beta, value)
        np.testing.assert_allclose(model.predict(X), value * X, rtol=1e-6)  # the quick way
        np.testing.assert_allclose(model.predict(X, batch_size=1), value * X, rtol=1e-6)  # the loop
        np.testing.assert_allclose(K.get_value(model(X)), value * X, rtol=1e-6)
        np.testing.assert_allclose(function([X])[0], value * X, rtol=1e-6)
        assert model.evaluate(X, zero, verbose=0) == pytest.approx(value**3 * np.mean(X**2), rel=1e-5)
    history = model.fit(X, zero, epochs=3, verbose=0, callbacks=[Anneal()]).history["loss"]
    np.testing.assert_allclose(history, [b**3 * np.mean(X**2) for b in (1, 2, 3)], rtol=1e-5)


def test_layers_whose_first_weights_are_computed_are_built_where_a_program_meets_them_first():
    class Reader(Model):
        def __init__(self):
            super().__init__()
            self.read = LSTM(3)  # the forget gate's bias is put together from words

        def call(self, inputs):
            return self.read(inputs)

    model = Reader()
    assert model.predict(np.ones((2, 4, 5), "float32"), verbose=0).shape == (2, 3)
    np.testing.assert_array_equal(model.get_weights()[2], [0, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0, 0])
