"""Models of every form in the .keras archive: real Keras 3 opens ours, we open Keras 3's, predictions equal."""

import keras
import numpy as np
import pytest

from harness import no_draws, run_on_engine
from hornbeam import backend as K
from hornbeam import layers, models, nest, optimizers, registry
from hornbeam.core import Input
from hornbeam.saving import ModelFileError, archive, keras3_config, model_files
from hornbeam.saving.keras3_config import SHARED, from_keras3, to_keras3
from hornbeam.saving.keras3_weights import OWN
from layers.catalogue import FEW

DRAW = np.random.default_rng(5)


@pytest.fixture(autouse=True)
def quick():
    from harness import quick_compilation

    with quick_compilation():
        yield


def written(model, path, **kwargs):
    archive.write_model(model_files.describe(model, **kwargs), path)
    return path


def in_keras(path):
    """The model that real Keras 3 makes of a file."""
    with no_draws():
        return keras.saving.load_model(path)


def here(model, x):
    """Outputs of our model, without compiling."""
    return [np.asarray(y) for y in nest.flatten(run_on_engine("numpy", model, x)[0])]


def there(model, x):
    """Outputs of a Keras model."""
    return [np.asarray(y) for y in nest.flatten(model(x, training=False))]


def agree(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-5)


def there_and_back(model, x, tmp_path):
    """Ours -> Keras 3 -> saved by Keras 3 -> ours: three equal predictions."""
    theirs = in_keras(written(model, tmp_path / "ours.keras"))
    wanted = here(model, x)
    agree(there(theirs, x), wanted)
    theirs.save(tmp_path / "theirs.keras")
    back = model_files.assemble(archive.read_model(tmp_path / "theirs.keras"))
    agree(here(back, x), wanted)
    return theirs, back


def spread(model):
    """Weights that all matter."""
    draw = np.random.default_rng(2)
    model.set_weights([draw.uniform(0.2, 0.7, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


# --- Every layer that Keras 3 has ---


def _one_each():
    """One row of the catalogue a class."""
    rows = {}
    for case in FEW:
        if case.name in SHARED and case.name != "Lambda" and not case.training:
            rows.setdefault(case.name, case)
    plain = [name for name, case in rows.items() if OWN.get(name, bool)({}) == []]
    at_night = {name for i, name in enumerate(plain) if i % 3}  # without weights, they are much alike
    return [
        pytest.param(case, id=name, marks=[pytest.mark.nightly] * (name in at_night)) for name, case in rows.items()
    ]


@pytest.mark.parametrize("case", _one_each())
def test_every_layer_of_keras_goes_there_and_comes_back(case, tmp_path):
    layer, x = case.built(), case.inputs()
    symbols = [Input(shape=v.shape[1:], dtype=str(v.dtype)) for v in nest.to_list(x)]
    model = models.Model(symbols, layer(symbols if isinstance(x, list) else symbols[0]))
    there_and_back(model, x, tmp_path)


def test_the_table_of_shared_classes_is_that_of_keras():
    ours = {name for name in registry.names("layer") if registry.find("layer", name).__name__ == name}
    missing = {"Model", "Sequential", "Functional", "Layer", "Wrapper"}
    both = {name for name in ours if hasattr(keras.layers, name)} - missing
    assert both - SHARED == set()
    assert SHARED - ours == set()


# --- Classic formulas ---


@pytest.mark.parametrize("make", [
    lambda: layers.LSTM(3), lambda: layers.GRU(3, return_sequences=True), lambda: layers.Bidirectional(layers.LSTM(2)),
    lambda: layers.RNN([layers.LSTMCell(3), layers.GRUCell(2)]),
    lambda: layers.TimeDistributed(layers.Dense(3, activation="hard_sigmoid")),
], ids=["lstm", "gru", "bidirectional", "stacked", "time_distributed"])  # fmt: skip
def test_classic_hard_sigmoid_is_the_same_formula_in_keras(make, tmp_path):
    """Default gates are clip(0.2 x + 0.5); Keras 3's own hard_sigmoid would be off by up to 0.03 a gate."""
    model = spread(models.Sequential([make(), layers.Dense(2)]))
    model.build((None, 4, 3))
    spread(model)
    _, back = there_and_back(model, DRAW.normal(size=(2, 4, 3)).astype("float32") * 2, tmp_path)
    settings = str(back.get_config())
    assert "hard_sigmoid" in settings
    assert "Rescaling" not in settings
    assert "relu6" not in settings


def test_movies_with_classic_gates(tmp_path):
    model = models.Sequential([layers.ConvLSTM2D(2, 2, input_shape=(2, 3, 3, 1)), layers.Flatten()])
    there_and_back(spread(model), DRAW.normal(size=(2, 2, 3, 3, 1)).astype("float32"), tmp_path)


# --- Forms of models ---


def test_several_inputs_and_outputs_shared_and_nested(tmp_path):
    """A shared Dense, a stack and a graph inside, attention with its own arguments, initial states by name."""
    a, b = Input((4, 3), name="a"), Input((4, 3), name="b")
    shared = layers.Dense(3, name="shared")
    inner_in = Input((3,))
    inner = models.Model(inner_in, [layers.Dense(2)(inner_in), layers.Dense(3, use_bias=False)(inner_in)], name="inner")
    one, other = shared(a), shared(b)
    seen = layers.MultiHeadAttention(2, 2)(one, other)
    out, h, c = layers.LSTM(3, return_state=True)(seen)
    last = layers.LSTM(3)(other, initial_state=[h, c])
    first, second = inner(layers.Add()([out, last]))
    third, fourth = inner(last)
    stack = models.Sequential([layers.Dense(4, activation="tanh"), layers.BatchNormalization()])
    outputs = [stack(first), layers.Concatenate()([second, third]), layers.Dot(1)([fourth, last])]
    model = spread(models.Model([a, b], outputs))
    x = [DRAW.normal(size=(2, 4, 3)).astype("float32") for _ in range(2)]
    theirs, back = there_and_back(model, x, tmp_path)
    assert [layer.name for layer in back.layers] == [layer.name for layer in model.layers]
    assert len(theirs.outputs) == 3


def test_words_between_layers_become_operations(tmp_path):
    x = Input((4, 3))
    y = layers.Dense(3)(x)
    z = K.mean(K.square(y), axis=-1, keepdims=True) + 2.0 * K.exp(-y) - K.sum(x, axis=1, keepdims=True) / 3
    z = K.concatenate([z, K.sigmoid(y)], axis=-1)[:, 1:, ::2]
    z = K.permute_dimensions(K.clip(z, -1.0, 1.0), (0, 2, 1))
    z = K.where(z > 0.1, z, K.zeros_like(z)) * K.softmax(K.maximum(z, 0.05))
    z = K.squeeze(K.expand_dims(K.reshape(z, (-1, 9)), 1), 1) ** 2
    model = spread(models.Model(x, layers.Dense(2)(K.max(K.stack([z, z + 1], axis=1), axis=1))))
    theirs, back = there_and_back(model, DRAW.normal(size=(2, 4, 3)).astype("float32"), tmp_path)
    assert any(type(operation).__name__ == "GetItem" for operation in theirs.operations)
    assert "'word': 'mean'" in str(back.get_config())


def test_a_word_without_counterpart_comes_back_here_and_not_in_keras(tmp_path):
    x = Input((4, 3))
    model = models.Model(x, layers.Flatten()(K.temporal_padding(layers.Dense(2)(x), (1, 0))))
    written(model, tmp_path / "m.keras")
    stored = archive.read_model(tmp_path / "m.keras")
    assert stored.architecture == model_files.describe(model).architecture
    with pytest.raises(Exception, match="Operation"):
        in_keras(tmp_path / "m.keras")
    # Without our own part of the metadata the same comes out of Keras 3's form.
    assert "temporal_padding" in str(from_keras3(to_keras3(stored.architecture)))


def test_a_stack_that_begins_with_words_takes_whole_numbers(tmp_path):
    model = models.Sequential([layers.Embedding(9, 3, input_length=4, mask_zero=True), layers.GRU(2), layers.Dense(1)])
    ids = np.array([[1, 2, 0, 0], [8, 7, 6, 5]], "int32")
    theirs, _ = there_and_back(spread(model), ids, tmp_path)
    assert theirs.inputs[0].dtype == "int32"


def test_frozen_layers_stay_frozen(tmp_path):
    model = models.Sequential([layers.Dense(2, input_shape=(3,)), layers.BatchNormalization(), layers.Dense(1)])
    model.layers[0].trainable = False
    theirs, back = there_and_back(model, DRAW.normal(size=(2, 3)).astype("float32"), tmp_path)
    assert not theirs.layers[0].trainable
    assert not back.layers[0].trainable
    assert back.layers[1].trainable


# --- Training goes on ---

OPTIMIZERS = [
    optimizers.SGD(0.1, momentum=0.9, nesterov=True), optimizers.SGD(0.1, decay=0.5),
    optimizers.Adam(0.1, clipnorm=0.5), optimizers.Adam(0.1, amsgrad=True), optimizers.AdamW(0.1),
    optimizers.Adamax(0.1), optimizers.Adadelta(10.0),
    optimizers.Lion(0.01), optimizers.Ftrl(0.1), optimizers.Adafactor(0.1), optimizers.Nadam(0.1, schedule_decay=1.0),
    optimizers.RMSprop(0.01, momentum=0.5, centered=True), optimizers.Adagrad(0.1),
]  # fmt: skip
FIRST = (0, 2, 9, 11)  # of these; the others run at night
LOOSE = ("RMSprop", "Adagrad")  # Keras 3 has epsilon inside the root, which tells where gradients are small


def _small():
    return models.Sequential([layers.Dense(2, activation="tanh", input_shape=(3,)), layers.Dense(1)])


@pytest.mark.parametrize("optimizer", [
    pytest.param(o, id=f"{type(o).__name__}{i}", marks=[] if i in FIRST else pytest.mark.nightly)
    for i, o in enumerate(OPTIMIZERS)
])  # fmt: skip
def test_keras_steps_on_from_where_we_stood_and_we_from_where_keras_stood(optimizer, tmp_path):
    model = spread(_small())
    model.compile(optimizers.get(registry.serialize(optimizer)), "mse", metrics=["mae"])
    gradients = [[DRAW.uniform(0.5, 1.0, w.shape).astype("float32") for w in model.weights] for _ in range(3)]

    def step(one, number):
        one.optimizer.apply_gradients(list(zip(map(K.constant, gradients[number]), one.trainable_weights, strict=True)))

    step(model, 0)
    theirs = in_keras(written(model, tmp_path / "m.keras"))
    assert theirs.compiled
    assert int(theirs.optimizer.iterations) == 1
    step(model, 1)
    theirs.optimizer.apply(gradients[1], theirs.trainable_variables)
    rtol = 1e-4 if type(optimizer).__name__ in LOOSE else 1e-5
    for mine, other in zip(model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=rtol, atol=1e-6)
    theirs.save(tmp_path / "theirs.keras")
    back = model_files.assemble(archive.read_model(tmp_path / "theirs.keras"))
    assert int(back.optimizer.iterations) == 2
    step(model, 2)
    step(back, 2)
    for mine, other in zip(model.get_weights(), back.get_weights(), strict=True):
        np.testing.assert_allclose(mine, other, rtol=rtol, atol=1e-6)


def test_keras_fits_on(tmp_path):
    """One step of training in both, from one file: loss, gradients and update agree."""
    x, y = DRAW.normal(size=(4, 3)).astype("float32"), DRAW.normal(size=(4, 1)).astype("float32")
    model = spread(_small())
    model.compile("adam", "mse", metrics=["mae"])
    model.train_on_batch(x, y)
    theirs = in_keras(written(model, tmp_path / "m.keras"))
    loss, error = model.train_on_batch(x, y)
    found = theirs.train_on_batch(x, y)
    np.testing.assert_allclose(found, [loss, error], rtol=1e-5)
    agree(theirs.get_weights(), model.get_weights())


def test_what_keras_cannot_compile_opens_there_uncompiled(tmp_path):
    @registry.register_keras_serializable("mine")
    def own_loss(y_true, y_pred):
        return K.mean(K.square(y_true - y_pred), axis=-1)

    model = models.Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", own_loss)
    assert not in_keras(written(model, tmp_path / "m.keras")).compiled
    assert archive.read_model(tmp_path / "m.keras").training["loss"] == "mine>own_loss"


# --- Files of real Keras 3 keep their meaning ---


def test_defaults_of_keras_keep_their_meaning(tmp_path):
    """GRU's reset_after, sigmoid gates, Keras 3's own hard_sigmoid, dict outputs, operations and nested calls."""
    L = keras.layers
    x = keras.Input((5, 3))
    y = L.Bidirectional(L.GRU(2, return_sequences=True))(x)
    y = L.LSTM(3, recurrent_activation="hard_sigmoid", return_sequences=True)(y)
    y = L.Dense(3, activation="gelu")(L.LeakyReLU(0.1)(L.LayerNormalization()(L.BatchNormalization()(y))))
    inner = keras.Sequential([L.Dense(4, activation=keras.activations.hard_sigmoid), L.Dropout(0.5), L.Dense(2)])
    z = inner(L.Flatten()(keras.ops.silu(y * 2)))
    model = keras.Model(x, {"p": z, "q": keras.ops.mean(y[:, -1], axis=-1)})
    losses = {"p": "mse", "q": keras.losses.LogCosh()}
    model.compile(keras.optimizers.Nadam(), losses, metrics={"p": [keras.metrics.AUC()]})
    model.set_weights([DRAW.uniform(0.2, 0.7, w.shape) for w in model.get_weights()])
    model.save(tmp_path / "m.keras")
    stored = archive.read_model(tmp_path / "m.keras")
    back = model_files.assemble(stored)
    data = DRAW.normal(size=(2, 5, 3)).astype("float32")
    found = model(data, training=False)
    agree(here(back, data), [np.asarray(found["p"]), np.asarray(found["q"])])
    assert stored.training["optimizer"]["config"]["schedule_decay"] == 1.0
    assert stored.training["loss"][0] == "mse"
    assert stored.training["loss"][1]["class_name"] == "LogCosh"
    assert back.optimizer.schedule_decay.numpy() == 1.0
    assert stored.origin.keras_version == keras.__version__


@pytest.mark.parametrize(("make", "said"), [
    (lambda: keras.layers.RMSNormalization(name="odd"), r"'odd' is of the class 'RMSNormalization'"),
    (lambda: keras.layers.Dense(2, name="odd", dtype="mixed_float16"), r"'odd' has the dtype policy 'mixed_float16'"),
    (lambda: keras.layers.LayerNormalization(name="odd", rms_scaling=True), r"'odd' .*rms_scaling=True"),
], ids=["class", "policy", "setting"])  # fmt: skip
@pytest.mark.filterwarnings("ignore:You passed `rms_scaling=True`")
def test_what_we_do_not_have_is_named(make, said, tmp_path):
    keras.Sequential([keras.Input((3,)), make()]).save(tmp_path / "m.keras")
    with pytest.raises(ModelFileError, match=said):
        archive.read_model(tmp_path / "m.keras")


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_mixed_precision_goes_there_and_back(suffix, tmp_path):
    data = DRAW.normal(size=(4, 3)).astype("float32")
    half = {"dtype": "mixed_bfloat16"}
    stack = [keras.layers.Dense(4, **half), keras.layers.BatchNormalization(**half), keras.layers.Dense(2)]
    theirs = keras.Sequential([keras.Input((3,)), *stack])
    theirs.save(tmp_path / f"theirs.{suffix}")
    ours = models.load_model(tmp_path / f"theirs.{suffix}", compile=False)
    assert [layer.dtype_policy.name for layer in ours.layers] == ["mixed_bfloat16", "mixed_bfloat16", "float32"]
    assert {weight.dtype for weight in ours.weights} == {"float32"}
    wanted = np.asarray(theirs(data))
    np.testing.assert_allclose(ours.predict(data), wanted, atol=2e-2)  # bfloat16 has three digits
    ours.save(tmp_path / f"ours.{suffix}")
    back = keras.models.load_model(tmp_path / f"ours.{suffix}", compile=False)
    np.testing.assert_allclose(np.asarray(back(data)), wanted, atol=2e-2)


def test_training_that_we_do_not_have_is_left_out_with_a_warning(tmp_path):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.Adam(clipnorm=1.0), "mse")
    model.save(tmp_path / "m.keras")
    with pytest.warns(UserWarning, match="clipnorm=1.0"):
        assert archive.read_model(tmp_path / "m.keras").training is None


def test_functions_go_by_their_own_names(tmp_path):
    """Keras 3 writes 'function' as the registered name of every function that came as an object, its own too."""

    def twice(x):
        return 2 * x

    @keras.saving.register_keras_serializable("theirs")
    def own_loss(y_true, y_pred):
        return keras.ops.mean(keras.ops.square(y_true - y_pred), -1)

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, activation=twice), keras.layers.Dense(1)])
    functions = {"twice": twice, "theirs>own_loss": lambda y_true, y_pred: K.mean(K.square(y_true - y_pred), axis=-1)}
    for loss, name in ((keras.losses.mean_absolute_error, "mean_absolute_error"), (own_loss, "theirs>own_loss")):
        model.compile("sgd", loss, metrics=[keras.metrics.mean_squared_error])
        model.save(tmp_path / "m.keras")
        stored = archive.read_model(tmp_path / "m.keras")
        assert stored.training["loss"] == name
        assert stored.training["metrics"] == ["mean_squared_error"]
        back = model_files.assemble(stored, functions)
    data = DRAW.normal(size=(2, 3)).astype("float32")
    agree(here(back, data), [np.asarray(model(data))])
    with pytest.raises(ValueError, match="Unknown activation 'twice'"):
        model_files.assemble(stored)


def test_modules_are_compared_and_never_imported(monkeypatch):
    import importlib

    monkeypatch.setattr(importlib, "import_module", lambda *_: pytest.fail("a module was imported"))
    entry = {"module": "os", "class_name": "system", "config": {"command": "true"}, "registered_name": None}
    found = keras3_config.layer_from_keras3(entry)
    with pytest.raises(ValueError, match="'system'"):
        registry.deserialize("layer", found)
