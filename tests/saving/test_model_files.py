"""Models to plain data and to files, and back: what is kept, what is refused, and what the messages say."""

import json
import os
import sys

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import losses, metrics, registry
from hornbeam.layers import (
    LSTM,
    BatchNormalization,
    Bidirectional,
    Concatenate,
    Dense,
    Dropout,
    Embedding,
    Input,
    Lambda,
    TimeDistributed,
)
from hornbeam.models import Model, Sequential, load_model, save_model
from hornbeam.optimizers import SGD, Adam, RMSprop, schedules
from hornbeam.saving import ModelFileError, model_files
from hornbeam.saving.model_files import assemble, describe
from hornbeam.saving.packing import pack, unpack
from hornbeam.saving.stored import Origin

X = np.random.default_rng(0).normal(size=(12, 3)).astype("float32")
Y = np.random.default_rng(1).normal(size=(12, 2)).astype("float32")


def again(model, custom_objects=None, **settings):
    """The model by way of plain data, as a file would hold it."""
    return assemble(unpack(b"".join(pack(describe(model)))), custom_objects, **settings)


def same_weights(first, second):
    assert [w.shape for w in first.weights] == [w.shape for w in second.weights]
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def small(**settings):
    return Sequential([Dense(4, activation="relu", input_shape=(3,)), Dense(2)], **settings)


def trained(optimizer, epochs=1, **settings):
    model = small()
    model.compile(optimizer, "mse", **settings)
    model.fit(X, Y, epochs=epochs, batch_size=6, verbose=0)
    return model


# --- Plain data ---


def test_what_is_described():
    model = trained(Adam(0.01), metrics=["mae"])
    stored = describe(model)
    assert (stored.architecture["class_name"], stored.architecture["keras_version"]) == ("Sequential", "2.2.4")
    assert [layer.name for layer in stored.layers] == [layer.name for layer in model.layers]
    assert [name for name, _ in stored.layers[0].weights] == [w.name for w in model.layers[0].weights]
    assert stored.training["loss"] == "mse"
    assert stored.training["metrics"] == ["mae"]
    assert stored.training["optimizer"]["class_name"] == "Adam"
    assert stored.optimizer_weights[0] == 2  # two updates
    assert json.dumps(stored.architecture)
    assert describe(model, include_optimizer=False).training is None


@pytest.mark.parametrize(
    "optimizer",
    [RMSprop(0.01, decay=0.1), SGD(schedules.ExponentialDecay(0.1, 10, 0.5), momentum=0.9)],
    ids=["rmsprop", "schedule"],
)
def test_optimizers_stand_where_they_stood(optimizer):
    model = trained(optimizer)
    loaded = again(model)
    assert int(loaded.optimizer.iterations) == 2
    assert loaded.optimizer.get_config() == optimizer.get_config()
    for one, other in zip(loaded.optimizer.get_weights(), optimizer.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_one_optimizer_of_two_models_is_stored_for_the_right_one():
    optimizer = SGD(0.1, momentum=0.9)
    first, second = small(), Sequential([Dense(2, input_shape=(3,))])
    for model in (first, second):
        model.compile(optimizer, "mse")
        model.train_on_batch(X, Y)
    assert [len(describe(model).optimizer_weights) for model in (first, second)] == [1 + 4, 1 + 2]


def branched():
    a, b = Input((3,), name="a"), Input((3,), name="b")
    shared = Dense(4, name="shared")
    inner = Sequential([Dense(3, activation="tanh", input_shape=(4,)), BatchNormalization()], name="inner")
    joined = Concatenate()([inner(shared(a)), shared(b)])
    return Model([a, b], [Dense(2, name="big")(joined), Dense(1, name="small")(joined)], name="branched")


def test_branches_shared_layers_and_models_inside():
    model = branched()
    model.compile(
        Adam(),
        {"big": "mse", "small": losses.Huber(delta=2.0)},
        metrics={"big": ["mae", metrics.RootMeanSquaredError(name="rms")], "small": metrics.MeanAbsoluteError()},
        loss_weights={"big": 0.25, "small": np.float32(2)},
    )
    loaded = again(model)
    same_weights(model, loaded)
    found, wanted = describe(loaded), describe(model)
    assert found.architecture == wanted.architecture
    assert found.training == wanted.training
    assert loaded.metrics_names == model.metrics_names
    assert loaded.loss["small"].settings == {"delta": 2.0}


def test_recurrent_wrappers_and_embeddings():
    words = Input((None,), dtype="int32")
    x = Embedding(7, 3, mask_zero=True)(words)
    x = Bidirectional(LSTM(2, return_sequences=True))(x)
    model = Model(words, TimeDistributed(Dense(2))(x))
    loaded = again(model)
    same_weights(model, loaded)
    assert loaded.get_config() == model.get_config()


def test_a_merge_of_one_and_a_dict_of_inputs_keep_their_form():
    class Difference(Model):
        def __init__(self, name=None):
            super().__init__(name=name)
            self.dense = Dense(1)

        def call(self, inputs):
            return self.dense(inputs["x"] - inputs["y"])

    x = Input((3,))
    y = Concatenate()([x])
    model = Model(x, Difference()({"x": x, "y": 2 * y}))
    loaded = again(model, {"Difference": Difference})
    np.testing.assert_allclose(loaded.predict(X), model.predict(X), rtol=1e-6)


def test_frozen_layers_stay_frozen():
    model = small()
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    assert len(again(model).trainable_weights) == 2


# --- Functions and classes of the user's own ---


def twice(x):
    return 2 * x


def distance(y_true, y_pred):
    return K.mean(K.abs(y_true - y_pred), axis=-1)


class Scale(Dense):
    pass


@pytest.fixture
def registered(monkeypatch):
    monkeypatch.setitem(registry._known, "custom", {})
    return registry.register_keras_serializable


def test_names_come_from_custom_objects_or_the_registry(registered):
    model = Sequential([Scale(3, activation=twice, input_shape=(3,)), Lambda(twice), Lambda(K.softmax)])
    model.compile("sgd", distance, metrics=[distance])
    own = {"twice": twice, "distance": distance, "Scale": Scale}
    loaded = again(model, own)
    assert type(loaded.layers[0]) is Scale
    assert loaded.loss is distance
    with pytest.raises(ValueError, match="Unknown layer 'Scale'.*custom_objects"):
        again(model)
    with pytest.raises(ValueError, match="cannot be compiled as it was: Unknown loss 'distance'.*compile=False"):
        again(model, {"twice": twice, "Scale": Scale})
    assert again(model, {"twice": twice, "Scale": Scale}, compile=False).optimizer is None
    for thing in own.values():
        registered("mine")(thing)
    try:
        assert again(model).loss is distance
    finally:
        for thing in own.values():
            registry._names.pop(thing)


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        (lambda: Lambda(lambda x: x, name="odd"), "Lambda 'odd': its function .* has no name to be saved under"),
        (lambda: Dense(2, activation=lambda x: x), "has no name to be saved under. Write it as `def`"),
        (lambda: Lambda(twice, arguments={"by": object()}, name="odd"), "layer 'odd' holds <object"),
    ],
)
def test_what_has_no_name_is_refused_when_it_is_saved(layer, told, tmp_path):
    model = Sequential([Dense(2, input_shape=(3,))])
    layer = layer()
    if not getattr(layer, "arguments", None):
        model.add(layer)
    else:
        model._stack.append(layer)
    with pytest.raises(ValueError, match=told):
        model.save(tmp_path / "m.h5")
    assert not os.listdir(tmp_path)


def test_a_nameless_loss_is_refused_with_the_cure(tmp_path):
    model = small()
    model.compile("sgd", lambda y, p: K.mean(y - p), metrics=["mae"])
    with pytest.raises(ValueError, match=r"The loss of model .*lambda.*include_optimizer=False"):
        model.save(tmp_path / "m.h5")
    assert describe(model, include_optimizer=False).training is None


def test_optimizers_of_functions_are_left_out_with_a_warning():
    optax = pytest.importorskip("optax")
    model = small()
    model.compile(optax.sgd(0.1), "mse")
    with pytest.warns(UserWarning, match="made of functions, so the model is saved without it"):
        stored = describe(model)
    assert stored.training is None


def test_functions_are_named_by_files_and_not_called(registered):
    called = []

    def harm(path):
        called.append(path)

    registered("mine")(harm)
    for kind in ("layer", "loss", "metric", "activation"):
        with pytest.raises(ValueError, match="names and does not call"):
            registry.deserialize(kind, {"class_name": "mine>harm", "config": {"path": "x"}})
    assert not called
    registry._names.pop(harm)


# --- Models that are not built, or of the user's own ---


def test_a_stack_without_input_shape():
    model = Sequential([Dense(2), Dense(1)])
    assert again(model).layers[1].units == 1
    model.compile("sgd", "mse")
    model.fit(X, Y[:, :1], verbose=0)
    stored = describe(model)
    same_weights(assemble(stored), model)
    del stored.architecture["config"]["build_input_shape"]  # as Keras 2.2 wrote it
    waiting = assemble(stored)
    with pytest.raises(ValueError, match="does not tell the shape of its inputs"):
        describe(waiting)
    np.testing.assert_allclose(waiting.predict(X), model.predict(X), rtol=1e-5, atol=1e-6)
    same_weights(waiting, model)
    assert int(waiting.optimizer.iterations) == 1


class Own(Model):
    def __init__(self):
        super().__init__()
        self.dense = Dense(2)
        self.scale = self.add_weight("scale", (1,), initializer="ones")

    def call(self, inputs):
        return self.dense(inputs) * self.scale


def test_models_of_ones_own_say_what_to_do(tmp_path):
    model = Own()
    with pytest.raises(NotImplementedError, match=r"Own .* its architecture is the code of `call`.*save_weights"):
        model.save(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="is not built yet, so it has no weights to set"):
        Sequential([Dense(2)]).load_weights(tmp_path / "m.h5")
    with pytest.raises(ValueError, match="is not built yet, so it has no weights to save"):
        Sequential([Dense(2)]).save_weights(tmp_path / "m.h5")


@pytest.mark.parametrize("name", ["w.h5", "w.npz", "w.safetensors", "w"])
def test_weights_of_models_of_ones_own(name, tmp_path):
    model, other = Own(), Own()
    for one in (model, other):
        one.build((None, 3))
    model.set_weights([w + i for i, w in enumerate(model.get_weights())])
    model.save_weights(tmp_path / name)
    other.load_weights(tmp_path / name)
    same_weights(model, other)


# --- Files ---


@pytest.mark.parametrize("name", ["m.h5", "m.keras"])
def test_a_loaded_model_goes_on_exactly_where_it_stopped(name, tmp_path):
    model = Sequential([Dense(4, input_shape=(3,)), BatchNormalization(), Dropout(0.5), Dense(2)])
    model.compile(Adam(0.05), "mse")
    model.fit(X, Y, batch_size=6, verbose=0)
    model.save(tmp_path / name)
    loaded = load_model(tmp_path / name)
    same_weights(model, loaded)
    for one in (model, loaded):
        np.random.seed(3)
        one.fit(X, Y, epochs=2, batch_size=6, verbose=0)
    same_weights(model, loaded)


@pytest.mark.parametrize("name", ["m", "x.hdf5", "keras.model", "m.KERAS", "m.h5", "m.2.keras"])
def test_any_suffix_and_the_first_bytes_decide(name, tmp_path):
    model = small()
    path = os.fspath(tmp_path / name)
    save_model(model, path)
    assert (tmp_path / name).read_bytes()[:2] == (b"PK" if name.lower().endswith(".keras") else b"\x89H")
    os.rename(path, tmp_path / "other.npz")
    same_weights(load_model(str(tmp_path / "other.npz")), model)
    other = small()
    other.load_weights(tmp_path / "other.npz")
    same_weights(other, model)


def test_overwrite(tmp_path, monkeypatch):
    model, path = small(), tmp_path / "m.h5"
    model.save(path, overwrite=False)
    before = path.read_bytes()
    model.set_weights([w + 1 for w in model.get_weights()])
    with pytest.raises(FileExistsError, match="exists already, and overwrite=False"):
        model.save(path, overwrite=False)
    asked = []
    monkeypatch.setattr(sys, "stdin", type("Terminal", (), {"isatty": lambda self: True})())
    answers = iter(["what", "n", "y"])
    monkeypatch.setattr("builtins.input", lambda text: asked.append(text) or next(answers))
    model.save_weights(path, overwrite=False)
    assert path.read_bytes() == before
    model.save(path, overwrite=False)
    assert len(asked) == 3
    same_weights(load_model(path), model)


def test_open_hdf5_files_and_groups(tmp_path):
    h5py = pytest.importorskip("h5py")
    model = trained("sgd")
    with h5py.File(tmp_path / "all.h5", "w") as file:
        model.save(file)
        save_model(model, file.create_group("deep/inside"))
        model.save_weights(file.create_group("weights"))
    with h5py.File(tmp_path / "all.h5", "r") as file:
        same_weights(load_model(file), model)
        loaded = load_model(file["deep/inside"])
        assert loaded.loss == "mse"
        other = small()
        other.load_weights(file["weights"])
        same_weights(other, model)


@pytest.mark.parametrize(
    ("call", "kind", "told"),
    [
        (lambda m, p: m.save(p / "m.npz"), ValueError, r"holds weights only. Use model.save_weights"),
        (lambda m, p: m.save_weights(p / "m.keras"), ValueError, r"holds a whole model: use model.save"),
        (lambda m, p: m.save(3), TypeError, "saved to a path or an open h5py.File; got int"),
        (lambda m, p: load_model(3), TypeError, "loaded from a path or an open h5py.File; got int"),
        (lambda m, p: load_model(p / "none.h5"), FileNotFoundError, "there is no such file"),
        (lambda m, p: load_model(p), ModelFileError, "this is a folder.*Name a file"),
        (lambda m, p: load_model(p / "text"), ModelFileError, "this is no model: it begins with b'hello"),
        (lambda m, p: load_model(p / "empty"), ModelFileError, "the file is empty"),
        (lambda m, p: load_model(p / "w.npz"), ModelFileError, "holds weights only.*load_weights"),
        (lambda m, p: load_model(p / "w.h5"), ModelFileError, "[Bb]uild the model in code|no model|weights only"),
    ],
)  # fmt: skip
def test_messages(call, kind, told, tmp_path):
    model = small()
    (tmp_path / "text").write_text("hello world, hello")
    (tmp_path / "empty").touch()
    model.save_weights(tmp_path / "w.npz")
    model.save_weights(tmp_path / "w.h5")
    with pytest.raises(kind, match=told):
        call(model, tmp_path)


# --- Weights into models ---


def test_weights_by_name_leave_the_others(tmp_path):
    source = Sequential([Dense(4, name="first", input_shape=(3,)), Dense(2, name="head")])
    target = Sequential([Dense(4, name="first", input_shape=(3,)), Dense(4, name="new"), Dense(3, name="head")])
    source.save_weights(tmp_path / "w.h5")
    before = target.get_weights()
    with pytest.raises(ValueError, match=r"w.h5: layer 'head' \(Dense\): head/kernel:0 has shape \(4, 3\), in the file "
                                         r"\(4, 2\).*skip_mismatch=True"):  # fmt: skip
        target.load_weights(tmp_path / "w.h5", by_name=True)
    for one, other in zip(target.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)
    with pytest.warns(UserWarning, match="Left as it was: layer 'head'"):
        target.load_weights(tmp_path / "w.h5", by_name=True, skip_mismatch=True)
    np.testing.assert_array_equal(target.get_weights()[0], source.get_weights()[0])
    np.testing.assert_array_equal(target.get_weights()[2], before[2])
    with pytest.raises(ValueError, match=r"holds weights for 2 layers \(first, head\), but .* has 3 layers"):
        target.load_weights(tmp_path / "w.h5")
    with pytest.warns(UserWarning, match="no layer of the model .* has a name that the file knows"):
        small().load_weights(tmp_path / "w.h5", by_name=True)


def test_weights_of_another_shape_but_one_size(tmp_path):
    source = Sequential([Dense(6, input_shape=(2,), use_bias=False)])
    target = Sequential([Dense(3, input_shape=(4,), use_bias=False)])
    source.save_weights(tmp_path / "w.npz")
    target.load_weights(tmp_path / "w.npz", reshape=True)
    np.testing.assert_array_equal(target.get_weights()[0], source.get_weights()[0].reshape(4, 3))


def test_another_number_of_weights(tmp_path):
    Sequential([Dense(2, input_shape=(3,), use_bias=False, name="d")]).save_weights(tmp_path / "w.npz")
    with pytest.raises(ValueError, match=r"layer 'e' \(Dense\) has 2 weights, the file \(its layer 'd'\) has 1"):
        Sequential([Dense(2, input_shape=(3,), name="e")]).load_weights(tmp_path / "w.npz")


# --- Files that make no sense ---


def _with_config(model, change):
    stored = describe(model)
    change(stored.architecture["config"])
    return stored


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c["layers"][0]["config"].update(units=10**9), "far more than the file holds"),
        (lambda c: c["layers"][0]["config"].update(units="many"), "units"),
        (lambda c: c["layers"][0].update(class_name="os.system"), "Unknown layer 'os.system'"),
        (lambda c: c["layers"][0].pop("config"), "."),
        (lambda c: c.update(layers=7), "."),
        (lambda c: c["layers"].pop(), "holds weights for 2 layers"),
    ],
)
def test_architectures_that_make_no_sense_are_model_file_errors(change, told, monkeypatch):
    stored = _with_config(small(), change)
    monkeypatch.setattr(model_files, "_read", lambda *args, **kwargs: stored)
    with pytest.raises(ModelFileError, match=f"m.h5: .*{told}"):
        load_model("m.h5")


def test_something_else_than_a_model(monkeypatch):
    stored = describe(small())
    stored.architecture = {"class_name": "Dense", "config": {"units": 2}}
    with pytest.raises(ValueError, match="describes a Dense, not a model"):
        assemble(stored)


def test_an_optimizer_state_that_does_not_fit_begins_anew():
    stored = describe(trained("adam"))
    stored.optimizer_weights = stored.optimizer_weights[:3]
    with pytest.warns(UserWarning, match="begins anew, for its stored state does not fit"):
        assemble(stored)


def test_versions_in_words():
    assert [Origin("h5", text).version for text in ("2.2.4-tf", "1", "", "3.15.1")] == [(2, 2), (1, 0), (0, 0), (3, 15)]


def test_a_misspelt_keyword_is_answered_and_those_of_other_ages_pass(tmp_path):
    model = Sequential([Dense(1, input_shape=(2,))])
    with pytest.raises(TypeError, match=r"overwrit.*overwrite"):
        model.save(tmp_path / "m.h5", overwrit=True)
    model.save(tmp_path / "m.h5", save_format="h5")
    with pytest.raises(TypeError, match=r"custom_object.*custom_objects"):
        load_model(tmp_path / "m.h5", custom_object={})
    assert load_model(tmp_path / "m.h5", safe_mode=True).count_params() == 3
