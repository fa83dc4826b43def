"""Classic HDF5 files beside real Keras 3: it opens ours and predicts the same, and we read its own."""

import json

import keras
import numpy as np
import pytest

import hornbeam
from hornbeam import layers as L
from hornbeam.models import Model, Sequential
from hornbeam.saving import hdf5, hdf5_portable, model_files

STEPS = (5, 3)


def randomize(model):
    random = np.random.default_rng(3)
    model.set_weights([np.abs(random.normal(size=w.shape)) * 0.5 + 0.1 for w in model.get_weights()])
    return model


def predictions(model, inputs):
    found = model.predict(inputs, verbose=0)
    return found if isinstance(found, list) else [found]


def assert_opens(model, inputs, tmp_path):
    """Keras 3 loads the whole file and the weights alone, and both predict what we predict."""
    whole, weights = tmp_path / "m.h5", tmp_path / "w.weights.h5"
    model.save(whole)
    model.save_weights(weights)
    wanted = predictions(model, inputs)
    theirs = keras.models.load_model(whole, compile=False)
    for ours, found in zip(wanted, predictions(theirs, inputs), strict=True):
        assert found.shape == ours.shape
        assert np.allclose(ours, found, atol=1e-5)
    values = theirs.get_weights()
    theirs.set_weights([np.zeros_like(v) for v in values])
    theirs.load_weights(tmp_path / "m.h5")
    assert all(np.array_equal(a, b) for a, b in zip(values, theirs.get_weights()))
    return theirs


def stacks():
    def sequences():
        return Sequential([
            L.Conv1D(4, 2, padding="causal", activation="elu", input_shape=STEPS), L.BatchNormalization(),
            L.Bidirectional(L.LSTM(3, return_sequences=True)), L.TimeDistributed(L.Dense(4, activation="hard_sigmoid")),
            L.Dropout(0.2), L.GRU(3), L.Dense(2),
        ])  # fmt: skip

    def words():
        return Sequential([L.Embedding(9, 4, mask_zero=True, input_length=5), L.LSTM(3), L.Dense(2)])

    def pictures():
        return Sequential([
            L.ZeroPadding2D(1, input_shape=(6, 6, 2)), L.Conv2D(3, 3, strides=2), L.LeakyReLU(0.2),
            L.SpatialDropout2D(0.1), L.SeparableConv2D(4, 2),
            L.Cropping2D(((0, 1), (0, 1))), L.UpSampling2D(2), L.PReLU(), L.MaxPooling2D(),
            L.Flatten(), L.Activation("hard_sigmoid"), Sequential([L.Dense(3, input_shape=(4,)), L.Dense(2)]),
        ])  # fmt: skip

    def states():
        return Sequential([
            L.ConvLSTM2D(2, 2, input_shape=(3, 4, 4, 2)), L.GlobalAveragePooling2D(), L.RepeatVector(2),
            L.LSTM(2, recurrent_activation="sigmoid", go_backwards=True, return_sequences=True),
            L.RNN([L.LSTMCell(3), L.GRUCell(2)]),
        ])  # fmt: skip

    return {"sequences": sequences, "words": words, "pictures": pictures, "states": states}


# Keras 3 would call it negative_slope, but Keras 2 knows `alpha` only, which Keras 3 takes too.
@pytest.mark.filterwarnings("ignore:Argument `alpha` is deprecated")
@pytest.mark.parametrize(
    "name", ["sequences", "pictures", *(pytest.param(name, marks=pytest.mark.nightly) for name in ("words", "states"))]
)
def test_stacks_open_in_keras_3(name, tmp_path):
    model = randomize(stacks()[name]())
    inputs = np.random.default_rng(0).normal(size=(2, *model.input_shape[1:])).astype("float32") * 2
    if name == "words":
        inputs = np.array([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]])
    theirs = assert_opens(model, inputs, tmp_path)
    assert len(theirs.layers) == len(model.layers)


def graph():
    """Shared layers, nested models called twice and used as outputs, states, attention, operations on tensors."""
    sequence, vector = L.Input(STEPS, name="sequence"), L.Input((4,), name="vector")
    shared = L.Dense(4, activation="tanh")
    inner_in = L.Input((4,))
    inner = Model(inner_in, L.Dense(4)(L.Dense(3)(inner_in)), name="inner")
    stack = Sequential([L.SimpleRNN(4, input_shape=STEPS), L.Dense(4)], name="stack")
    first = shared(vector)
    twice = L.add([inner(inner(first)), inner(vector), stack(sequence)])
    _, h, c = L.LSTM(4, return_state=True)(sequence)
    decoded = L.LSTM(4, return_sequences=True)(sequence, initial_state=[h, c])
    seen = L.MultiHeadAttention(2, 3)(decoded, sequence)
    joined = L.concatenate([shared(twice) * 2.0 + first, L.GlobalMaxPooling1D()(seen)])
    return Model([sequence, vector], [L.Dense(2, name="head")(joined), inner(twice)])


def test_a_graph_opens_in_keras_3(tmp_path):
    model, random = randomize(graph()), np.random.default_rng(0)
    inputs = [random.normal(size=(2, *STEPS)).astype("float32"), random.normal(size=(2, 4)).astype("float32")]
    theirs = assert_opens(model, inputs, tmp_path)
    assert {layer.name for layer in theirs.layers} >= {"inner", "stack", "head"}


def test_our_own_reader_gives_the_model_back_bit_for_bit(tmp_path):
    model = randomize(graph())
    model.save(tmp_path / "m.h5")
    again = hornbeam.models.load_model(tmp_path / "m.h5")
    assert again.get_config() == model.get_config()
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_a_file_without_our_manifest_means_the_same(tmp_path):
    """What others find in the file, read by our own reader: formulas become names again, stacks and calls ours."""
    import h5py

    model = randomize(stacks()["sequences"]())
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5", "r+") as file:
        del file.attrs[hdf5.MANIFEST], file.attrs[hdf5.MANIFEST_DIGEST]
    again = hornbeam.models.load_model(tmp_path / "m.h5")
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(a, b)
    assert again.layers[2].layer.recurrent_activation is hornbeam.activations.hard_sigmoid


def test_training_goes_on_as_compiled(tmp_path):
    model = Sequential([L.Dense(3, activation="tanh", input_shape=(4,)), L.Dense(2, activation="softmax")])
    optimizer = hornbeam.optimizers.SGD(0.1, momentum=0.9, decay=0.01)
    model.compile(optimizer, "categorical_crossentropy", ["accuracy", "mae"])
    random = np.random.default_rng(0)
    x, y = random.normal(size=(8, 4)).astype("float32"), random.random((8, 2)).astype("float32")
    model.fit(x, y, verbose=0)
    model.save(tmp_path / "m.h5")
    stored = hdf5.read_model(tmp_path / "m.h5")
    assert stored.optimizer_weights[0] == 1
    again = hornbeam.models.load_model(tmp_path / "m.h5")
    theirs = keras.models.load_model(tmp_path / "m.h5")
    assert np.allclose(theirs.evaluate(x, y, verbose=0), model.evaluate(x, y, verbose=0), atol=1e-5)
    rate = theirs.optimizer.get_config()["learning_rate"]
    assert rate["class_name"] == "InverseTimeDecay"
    assert np.allclose(theirs.optimizer.learning_rate, 0.1 / 1.01)  # lr / (1 + decay * 1 update)
    for one in (model, again):
        one.fit(x, y, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), again.get_weights()):
        assert np.array_equal(a, b)


def test_what_cannot_be_compiled_elsewhere_is_left_out():
    training = {"optimizer": {"class_name": "mine>Own", "config": {}}, "loss": "mse", "metrics": None}
    assert hdf5_portable.training(training, {"class_name": "Sequential", "config": {}}) is None
    assert hdf5_portable.training(None, {}) is None
    training["optimizer"] = {"class_name": "Adam", "config": {"lr": 0.1}}
    found = hdf5_portable.training({**training, "metrics": ["mae"]}, {"class_name": "Sequential", "config": {}})
    assert (found["loss"], found["metrics"]) == ("mean_squared_error", ["mean_absolute_error"])
    assert found["optimizer_config"]["config"]["learning_rate"] == 0.1


def test_a_formula_that_no_other_keras_has_is_an_error_there(tmp_path):
    model = Sequential([L.UpSampling2D(2, interpolation="bilinear", input_shape=(3, 3, 1))])
    model.save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="Hornbeam>UpSampling2D"):
        keras.models.load_model(tmp_path / "m.h5")
    assert hornbeam.models.load_model(tmp_path / "m.h5").layers[0].interpolation == "bilinear"


# --- Theirs ---


def their_model():
    inputs = keras.Input(STEPS)
    x = keras.layers.Bidirectional(keras.layers.GRU(3))(inputs)
    x = keras.layers.BatchNormalization()(keras.layers.Dense(4, activation="relu")(x))
    return keras.Model(inputs, keras.layers.Dense(2)(x))


@pytest.fixture
def theirs():
    return randomize(their_model())


def test_whole_models_of_keras_3(theirs, tmp_path):
    theirs.save(tmp_path / "m.h5")
    stored = hdf5.read_model(tmp_path / "m.h5")
    assert stored.origin.version == (3, 15) or stored.origin.version[0] == 3
    assert [len(layer.weights) for layer in stored.layers if layer.weights] == [6, 2, 4, 2]
    assert json.dumps(stored.architecture)
    model = hornbeam.models.load_model(tmp_path / "m.h5")
    inputs = np.random.default_rng(0).normal(size=(2, *STEPS)).astype("float32")
    assert np.allclose(model.predict(inputs), theirs.predict(inputs, verbose=0), atol=1e-5)


def test_weights_in_the_layout_of_keras_3(theirs, tmp_path):
    theirs.save_weights(tmp_path / "w.weights.h5")
    inputs = L.Input(STEPS)
    x = L.Bidirectional(L.GRU(3, recurrent_activation="sigmoid", reset_after=True))(inputs)
    x = L.BatchNormalization()(L.Dense(4, activation="relu")(x))
    model = Model(inputs, L.Dense(2)(x))
    stored = hdf5.read_weights(tmp_path / "w.weights.h5")
    assert stored.origin.format == hdf5.STORE
    arranged = hdf5.arranged(stored, model_files.architecture_of(model), "w.weights.h5")
    assert [len(layer.weights) for layer in arranged.layers if layer.weights] == [6, 2, 4, 2]
    model.load_weights(tmp_path / "w.weights.h5")
    values = np.random.default_rng(0).normal(size=(2, *STEPS)).astype("float32")
    assert np.allclose(model.predict(values), theirs.predict(values, verbose=0), atol=1e-5)
    with pytest.raises(hornbeam.saving.ModelFileError, match="not where they belong|has .* variables"):
        hdf5.arranged(stored, model_files.architecture_of(Model(inputs, L.LSTM(3)(inputs))), "w.weights.h5")


def own_model(library):
    class Own(library.models.Model):
        def __init__(self):
            super().__init__()
            self.scan = library.layers.LSTM(3, recurrent_activation="sigmoid")
            self.blocks = [library.layers.Dense(3), library.layers.BatchNormalization(), library.layers.Dense(3)]
            self.base = library.models.Sequential([library.layers.Dense(2)])

        def call(self, inputs):
            x = self.scan(inputs)
            for block in self.blocks:
                x = block(x)
            return self.base(x)

    return Own()


def test_weights_of_keras_3_go_into_a_model_of_ones_own_by_its_attributes(tmp_path):
    x = np.random.default_rng(0).normal(size=(2, *STEPS)).astype("float32")
    there, here = own_model(keras), own_model(hornbeam)
    there(x), here.build((None, *STEPS))
    randomize(there).save_weights(tmp_path / "w.weights.h5")
    here.load_weights(tmp_path / "w.weights.h5")
    assert np.allclose(here.predict(x), there.predict(x, verbose=0), atol=1e-5)
    here.more, here.blocks = here.blocks, []
    with pytest.raises(hornbeam.saving.ModelFileError, match="'more/dense', where the layer .*Name the attributes"):
        here.load_weights(tmp_path / "w.weights.h5")
