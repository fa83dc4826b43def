"""The layer base: users' own layers in both styles, weights, freezing, losses, what was called on what."""

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import constraints, initializers, regularizers
from hornbeam.layers import Activation, Dense, Dropout, InputSpec, Lambda, Layer, Masking
from hornbeam.models import Input, Model, Sequential, model_from_json

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "float32")


class Classic(Layer):
    """As the guide of Keras 2 has it: settings before super().__init__, build and compute_output_shape by hand."""

    def __init__(self, output_dim, **kwargs):
        self.output_dim = output_dim
        super().__init__(**kwargs)

    def build(self, input_shape):
        self.kernel = self.add_weight(
            name="kernel", shape=(input_shape[1], self.output_dim), initializer="uniform", trainable=True
        )
        super().build(input_shape)

    def call(self, x):
        return K.dot(x, self.kernel)

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.output_dim)

    def get_config(self):
        return {**super().get_config(), "output_dim": self.output_dim}


class Linear(Layer):
    """As the guide of Keras 3 has it: super().__init__() first, add_weight(shape=...), no shapes by hand."""

    def __init__(self, units=4, name=None):
        super().__init__(name=name)
        self.units = units

    def build(self, input_shape):
        self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="random_normal", trainable=True)
        self.b = self.add_weight(shape=(self.units,), initializer="zeros", trainable=True)

    def call(self, inputs):
        return K.dot(inputs, self.w) + self.b


class Block(Layer):
    """Layers within a layer: in an attribute, a list and a dict."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = Dense(units, name="first")
        self.rest = [Dense(units, name="a"), Dense(units, name="b")]
        self.named = {"c": Dense(units, name="c")}

    def call(self, inputs, training=None):
        x = self.first(inputs)
        for layer in self.rest:
            x = layer(x)
        return self.named["c"](x)


# --- Users' own layers ---


@pytest.mark.parametrize("make", [lambda: Classic(2), lambda: Linear(2), lambda: Block(2)])
def test_a_layer_of_ones_own_is_built_trained_and_written_down(make):
    layer = make()
    x = Input((3,))
    y = layer(x)
    assert K.int_shape(y) == (None, 2)
    assert layer.built
    model = Model(x, y)
    before = layer.get_weights()
    model.compile("sgd", "mse")
    model.fit(X, np.zeros((2, 2)), verbose=0)
    assert not np.array_equal(before[0], layer.get_weights()[0])
    again = model_from_json(model.to_json(), {type(layer).__name__: type(layer)})
    again.set_weights(model.get_weights())
    np.testing.assert_array_equal(again.predict(X), model.predict(X))


def test_the_classic_layer_computes_what_it_says():
    layer = Classic(2, input_shape=(3,), name="mine")
    model = Sequential([layer])
    np.testing.assert_allclose(model.predict(X), X @ layer.get_weights()[0], rtol=1e-6)
    assert layer.get_config()["output_dim"] == 2
    assert layer.weights[0].name == "mine/kernel:0"
    assert model.output_shape == (None, 2)


def test_a_configuration_is_read_off_the_signature():
    class Scale(Layer):
        def __init__(self, factor, offset=1.0, start="zeros", **kwargs):
            super().__init__(**kwargs)
            self.factor = factor
            self.start = initializers.get(start)
            self._hidden = offset

        def call(self, inputs):
            return inputs * self.factor + self._hidden

    layer = Scale(3, offset=0.5, name="s", trainable=False)
    config = layer.get_config()
    assert config["factor"] == 3
    assert config["offset"] == 0.5
    assert config["start"]["class_name"] == "Zeros"
    twin = Scale.from_config(config)
    assert (twin.name, twin.trainable, twin._hidden) == ("s", False, 0.5)
    assert twin.get_config() == config


def test_what_cannot_be_written_into_a_configuration_says_which_argument():
    class Holder(Layer):
        def __init__(self, thing, **kwargs):
            super().__init__(**kwargs)
            self.thing = thing

    with pytest.raises(ValueError, match=r"Holder 'holder_\d+': the argument thing=.*Override get_config"):
        Holder(object()).get_config()


def test_layers_inside_are_found_in_lists_and_dicts_in_order():
    block = Block(2)
    block(Input((3,)))
    names = [f"{layer}/{kind}:0" for layer in ("first", "a", "b", "c") for kind in ("kernel", "bias")]
    assert [w.name for w in block.weights] == names
    assert len(block.flat_layers()) == 5
    assert block.count_params() == 3 * 2 + 2 + 3 * (2 * 2 + 2)


def test_training_is_handed_in_and_may_be_fixed_at_the_call():
    class Phase(Layer):
        def call(self, inputs, training=None):
            return inputs * (2.0 if training else 1.0)

    layer = Phase()
    assert K.get_value(layer(X))[0, 0] == 1
    assert K.get_value(layer(X, training=True))[0, 0] == 2
    x = Input((3,))
    always, model = Model(x, layer(x, training=True)), Model(x, layer(x))
    assert always.predict(X)[0, 0] == 2
    assert model.predict(X)[0, 0] == 1
    assert K.get_value(model(X, training=True))[0, 0] == 2
    assert K.get_value(model(X))[0, 0] == 1


def test_training_reaches_layers_within_layers():
    class Outer(Layer):
        def __init__(self):
            super().__init__()
            self.dropout = Dropout(0.5)

        def call(self, inputs):
            return self.dropout(inputs)

    ones = np.ones((1, 100), "float32")
    layer = Outer()
    assert set(np.ravel(layer(ones))) == {1.0}
    model = Sequential([layer])
    assert set(model.predict(ones).ravel()) == {1.0}
    assert set(np.ravel(model(ones, training=True))) == {0.0, 2.0}


def test_extra_arguments_may_be_tensors():
    class Mix(Layer):
        def call(self, inputs, other, share=0.5):
            return inputs * share + other * (1 - share)

    x, y = Input((3,)), Input((3,))
    model = Model([x, y], Mix()(x, y, share=0.25))
    np.testing.assert_allclose(model.predict([X, 2 * X]), 1.75 * X)
    again = model_from_json(model.to_json(), {"Mix": Mix})
    np.testing.assert_allclose(again.predict([X, 2 * X]), 1.75 * X)


def test_several_inputs_and_outputs():
    class Split(Layer):
        def call(self, inputs):
            a, b = inputs
            return [a + b, a - b]

    x, y = Input((3,)), Input((3,))
    total, difference = Split()([x, y])
    found = Model([x, y], [total, difference]).predict([X, 3 * X])
    np.testing.assert_allclose(found[0], 4 * X)
    np.testing.assert_allclose(found[1], -2 * X)


def test_a_layer_on_values_builds_itself_and_computes():
    layer = Dense(2)
    found = K.get_value(layer(X.astype('float64')))
    kernel, bias = layer.get_weights()
    np.testing.assert_allclose(found, X @ kernel + bias, rtol=1e-6)
    v = K.variable(X)
    np.testing.assert_array_equal(K.get_value(layer(v)), found)


# --- Weights ---


def test_add_weight_knows_names_and_objects():
    layer = Layer(name="layer")
    w = layer.add_weight(
        "w", (2, 2), initializer="ones", regularizer=regularizers.l2(0.5), constraint=constraints.NonNeg()
    )
    assert K.get_value(w).tolist() == [[1, 1], [1, 1]]
    assert [float(p) for _, p in layer.weight_penalties()] == [2.0]
    assert isinstance(w.constraint, constraints.NonNeg)
    by_name = layer.add_weight(name="v", shape=(1,), initializer="ones", regularizer="l2", constraint="non_neg")
    assert isinstance(by_name.constraint, constraints.NonNeg)
    assert len(layer.losses) == 2
    counter = layer.add_weight("count", (), dtype="int32", trainable=False)
    assert (counter.dtype, K.get_value(counter).tolist()) == ("int32", 0)
    assert layer.trainable_weights == [w, by_name]
    assert layer.non_trainable_weights == [counter]


def test_get_and_set_weights_check_their_shapes():
    layer = Dense(2, name="head")
    with pytest.raises(ValueError, match="Dense 'head' has 0 weights, got 2 arrays. It is not built yet"):
        layer.set_weights([np.zeros((3, 2)), np.zeros(2)])
    layer(Input((3,)))
    with pytest.raises(ValueError, match=r"weight 'head/kernel:0' has shape \(3, 2\), got an array of shape \(2, 3\)"):
        layer.set_weights([np.zeros((2, 3)), np.zeros(2)])
    assert layer.get_weights()[0].shape == (3, 2)  # nothing was set
    layer.set_weights([np.ones((3, 2)), [5, 6]])
    assert layer.get_weights()[1].tolist() == [5, 6]


def test_weights_given_to_the_constructor():
    layer = Dense(2, weights=[np.ones((3, 2)), np.zeros(2)], input_shape=(3,))
    np.testing.assert_allclose(Sequential([layer]).predict(X), X.sum(1, keepdims=True).repeat(2, 1))


def test_counting_before_building_says_what_to_do():
    with pytest.raises(RuntimeError, match="Dense 'd' is not built yet, so its parameters cannot be counted"):
        Dense(2, name="d").count_params()
    assert Dropout(0.5).count_params() == 0


def test_frozen_layers_keep_their_weights_but_change_lists():
    layer = Dense(2, input_shape=(3,))
    Sequential([layer])
    assert len(layer.trainable_weights) == 2
    layer.trainable = False
    assert layer.trainable_weights == []
    assert layer.non_trainable_weights == layer.weights
    assert len(layer.get_weights()) == 2


def test_dtype_reaches_the_weights():
    layer = Dense(2, dtype="float16")
    layer(Input((3,), dtype="float16"))
    assert {w.dtype for w in layer.weights} == {"float16"}


# --- Names, shapes, calls ---


def test_names_come_from_the_class_and_count_up():
    class HTTPScore2D(Layer):
        pass

    K.clear_session()
    assert [Dense(1).name, Dense(1).name, HTTPScore2D().name] == ["dense_1", "dense_2", "http_score2d_1"]
    assert Dense(1, name="mine").name == "mine"


def test_what_a_first_layer_is_told_of_its_input():
    assert Dense(1, input_shape=(3,)).batch_input_shape == (None, 3)
    assert Dense(1, input_dim=3).batch_input_shape == (None, 3)
    assert Dense(1, batch_input_shape=(8, 3)).batch_input_shape == (8, 3)
    assert Dense(1, input_shape=(3,), batch_size=8).batch_input_shape == (8, 3)
    assert Dense(1, input_dim=3, input_length=5).batch_input_shape == (None, 5, 3)
    assert not hasattr(Dense(1), "batch_input_shape")


def test_tensors_and_shapes_of_calls():
    layer, x = Dense(2, name="shared"), Input((3,))
    with pytest.raises(AttributeError, match="'shared' was not called on a symbolic tensor yet, so it has no output"):
        layer.output  # noqa: B018
    first = layer(x)
    assert layer.input is x
    assert layer.output is first
    assert (layer.input_shape, layer.output_shape) == ((None, 3), (None, 2))
    second = layer(Input((3,)))
    assert layer.get_output_at(0) is first
    assert layer.get_output_at(1) is second
    assert layer.get_input_at(0) is x
    assert (layer.get_input_shape_at(1), layer.get_output_shape_at(1)) == ((None, 3), (None, 2))
    with pytest.raises(AttributeError, match=r"called 2 times, so `output_shape` is not clear. Use get_output_at"):
        layer.output_shape  # noqa: B018
    with pytest.raises(ValueError, match="was called 2 times; there is no call 2"):
        layer.get_output_at(2)


def test_output_shapes_are_asked_without_building():
    assert Dense(4).compute_output_shape((None, 3)) == (None, 4)
    assert Lambda(lambda x: x[:, :2]).compute_output_shape((None, 3)) == (None, 2)
    assert Classic(2).compute_output_shape((None, 3)) == (None, 2)


def test_input_spec_is_checked_at_every_call():
    class Images(Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.input_spec = InputSpec(ndim=4, axes={-1: 3})

        def call(self, inputs):
            return inputs

    layer = Images(name="images")
    layer(Input((8, 8, 3)))
    with pytest.raises(ValueError, match=r"Images 'images' needs inputs of rank 4, got shape \(None, 8\)"):
        layer(Input((8,)))
    with pytest.raises(ValueError, match=r"for inputs of size 3 on axis -1, got shape \(None, 8, 8, 1\)"):
        layer(Input((8, 8, 1)))
    with pytest.raises(ValueError, match=r"rank 4, got shape \(2, 3\)"):
        layer(X)
    with pytest.raises(ValueError, match="takes 1 inputs, got 2"):
        layer([Input((8, 8, 3)), Input((8, 8, 3))])
    with pytest.raises(ValueError, match="rank 4"):
        layer.assert_input_compatibility(Input((8,)))


def test_unknown_keywords_name_the_nearest():
    with pytest.raises(TypeError, match=r"Dense takes no argument 'unit'. Did you mean 'units'\?"):
        Dense(3, unit=4)
    with pytest.raises(TypeError, match=r"Did you mean 'input_shape'\?"):
        Dense(3, input_shap=(4,))


# --- Masks ---


def test_masks_travel_and_are_refused_where_they_cannot():
    x = Input((4, 2))
    masked = Masking()(x)
    assert masked._keras_mask is not None
    assert Activation("relu")(Dense(3)(masked))._keras_mask is not None
    assert Dense(1)(x)._keras_mask is None

    class Blind(Layer):
        def call(self, inputs):
            return K.sum(inputs, axis=1)

    with pytest.raises(TypeError, match="Blind 'blind' does not support masking, but was given a mask"):
        Blind(name="blind")(masked)


def test_call_is_given_the_mask_and_compute_mask_is_asked():
    class Average(Layer):
        supports_masking = True

        def call(self, inputs, mask=None):
            mask = K.cast(mask, "float32")[..., None]
            return K.sum(inputs * mask, axis=1) / K.sum(mask, axis=1)

        def compute_mask(self, inputs, mask=None):
            return None

    x = Input((3, 1))
    model = Model(x, Average()(Masking()(x)))
    data = np.array([[[1.0], [3.0], [0.0]], [[6.0], [0.0], [0.0]]], "float32")
    assert model.predict(data).ravel().tolist() == [2.0, 6.0]


# --- Losses, updates, metrics ---


def fit_once(model, x=X, y=None, **kwargs):
    y = np.zeros((len(x), *model.output_shape[1:]), "float32") if y is None else y
    return model.fit(x, y, verbose=0, shuffle=False, **kwargs).history


def test_add_loss_within_call_adds_to_the_loss():
    class Penalty(Layer):
        def call(self, inputs):
            self.add_loss(0.1 * K.sum(K.square(inputs)))
            return inputs

    model = Sequential([Penalty(input_shape=(3,))])
    model.compile("sgd", "mse")
    expected = np.mean(X**2) + 0.1 * np.sum(X**2)
    assert fit_once(model)["loss"][0] == pytest.approx(expected, rel=1e-6)
    assert model.evaluate(X, np.zeros((2, 3)), verbose=0) == pytest.approx(expected, rel=1e-6)


def test_a_symbolic_add_loss_alone_trains_a_model():
    x = Input((3,))
    y = Dense(2, use_bias=False)(x)
    model = Model(x, y)
    model.add_loss(K.mean(K.square(y)))
    model.compile("sgd", None)
    kernel = model.get_weights()[0]
    history = model.fit(X, None, epochs=2, verbose=0).history["loss"]
    assert history[0] == pytest.approx(np.mean((X @ kernel) ** 2), rel=1e-5)
    assert history[1] < history[0]


def test_a_symbolic_add_loss_may_use_inner_tensors_and_inputs():
    # The variational auto-encoder of the classic book: a loss between input and output, set from outside.
    x = Input((3,))
    hidden = Dense(2)(x)
    model = Model(x, Dense(3)(hidden))
    model.add_loss(K.mean(K.square(x - model.output)) + 0.5 * K.mean(K.square(hidden)))
    model.compile("sgd", loss=None)
    code = Model(x, hidden).predict(X)
    expected = np.mean((X - model.predict(X)) ** 2) + 0.5 * np.mean(code**2)
    assert model.fit(X, verbose=0).history["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_activity_regularizer_sums_over_the_batch():
    model = Sequential([Dense(2, input_shape=(3,), activity_regularizer=regularizers.l1(0.01))])
    model.compile("sgd", "mse")
    out = model.predict(X)
    expected = np.mean(out**2) + 0.01 * np.abs(out).sum()
    assert fit_once(model)["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_weight_regularizers_count_once_for_shared_layers():
    shared = Dense(3, kernel_regularizer=regularizers.l2(0.1), use_bias=False)
    x = Input((3,))
    model = Model(x, shared(shared(x)))
    model.compile("sgd", "mse")
    (kernel,) = shared.get_weights()
    expected = np.mean(model.predict(X) ** 2) + 0.1 * np.sum(kernel**2)
    assert fit_once(model)["loss"][0] == pytest.approx(expected, rel=1e-5)
    assert len(model.losses) == 1


def test_updates_happen_at_every_training_step_only():
    class Count(Layer):
        def build(self, input_shape):
            self.count = self.add_weight("count", (), initializer="zeros", trainable=False)
            super().build(input_shape)

        def call(self, inputs):
            self.add_update(K.update_add(self.count, 1.0))
            return inputs

    class Symbolic(Layer):
        def build(self, input_shape):
            self.total = self.add_weight("total", (), initializer="zeros", trainable=False)
            super().build(input_shape)

        def __call__(self, inputs):
            outputs = super().__call__(inputs)
            self.add_update(K.update_add(self.total, K.sum(outputs)), inputs)
            return outputs

    symbolic = Symbolic(input_shape=(3,))
    model = Sequential([symbolic, Dense(1)])
    model.compile("sgd", "mse")
    fit_once(model, batch_size=1, epochs=2)
    assert float(symbolic.total) == pytest.approx(2 * X.sum())
    model.predict(X)
    model.evaluate(X, np.zeros((2, 1)), verbose=0)
    assert float(symbolic.total) == pytest.approx(2 * X.sum())

    counting = Count(input_shape=(3,))
    model = Sequential([counting, Dense(1)])
    model.compile("sgd", "mse")
    assert float(counting.count) == 0  # building is no step
    fit_once(model, batch_size=1, epochs=2)
    assert float(counting.count) == 4


def test_add_metric_within_call_and_symbolic():
    class Watch(Layer):
        def call(self, inputs):
            self.add_metric(K.mean(inputs), name="mean_input")
            return inputs

    x = Input((3,))
    y = Dense(1)(Watch()(x))
    model = Model(x, y)
    model.add_metric(K.max(y), name="largest", aggregation="mean")
    model.compile("sgd", "mse")
    largest = model.predict(X).max()
    history = fit_once(model)
    assert history["mean_input"][0] == pytest.approx(3.5)
    assert history["largest"][0] == pytest.approx(largest, rel=1e-5)
    # Over batches of one row: the mean of each batch's value.
    found = model.evaluate(X, np.zeros((2, 1)), batch_size=1, verbose=0, return_dict=True)
    assert found["mean_input"] == pytest.approx(3.5)
