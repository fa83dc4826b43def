"""Files of every Keras age predict what they predicted then; tests/golden/files/README.md says how each was made."""

import json
from pathlib import Path

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.layers import GRU, LSTM, Bidirectional
from hornbeam.models import Sequential, load_model, model_from_json

FILES = Path(__file__).parents[1] / "golden" / "files"
NAMES = sorted(path.stem for path in FILES.glob("*.npz"))

# What loading says about a file; all others load in silence.
WARNINGS = {
    "keras2_2_4_theano_even_window": "'conv2d_.*' was trained with Theano, which placed the zeros of padding='same'",
}
TOLERANCE = {"tf_keras2_15_1_mixed_precision": 1e-3}  # it computed with 11 bits


def stored(name):
    """(inputs, outputs, path of the file)."""
    with np.load(FILES / f"{name}.npz") as arrays:
        inputs = [arrays[key] for key in sorted(arrays) if key[0] == "x"]
        outputs = [arrays[key] for key in sorted(arrays) if key[0] == "y"]
    path = next(FILES / f"{name}{s}" for s in (".h5", ".keras", ".weights.h5") if (FILES / f"{name}{s}").exists())
    return inputs, outputs, path


def load(name, path):
    architecture = FILES / f"{name}.json"
    if not architecture.exists():
        return load_model(path)
    model = model_from_json(architecture.read_text())
    model.load_weights(path)
    return model


def check(found, outputs, atol=1e-5):
    found = found if isinstance(found, list) else [found]
    assert len(found) == len(outputs)
    for one, other in zip(found, outputs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=atol)


def test_there_are_enough():
    assert len(NAMES) >= 60
    assert {name.split("_")[0] for name in NAMES} == {"keras0", "keras1", "keras2", "keras3", "tf"}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_predicts_what_it_predicted(name):
    """Computed by the readable engine, which compiles nothing."""
    inputs, outputs, path = stored(name)
    with K.use_engine("numpy"):
        if name in WARNINGS:
            with pytest.warns(UserWarning, match=WARNINGS[name]):
                load(name, path)
        else:
            model = load(name, path)
            check(model(inputs if len(inputs) > 1 else inputs[0]), outputs, TOLERANCE.get(name, 1e-5))


# One of each kind of weights, which the compiled engine reads too.
COMPILED = [
    "keras1_2_2_tensorflow_bidirectional", "keras1_2_2_tensorflow_merge_of_merges", "keras1_2_2_theano_conv2d_th",
    "keras1_2_2_theano_functional", "keras2_0_9_tensorflow_local", "keras2_1_6_tensorflow_cells",
    "keras2_2_4_tensorflow_cudnn", "keras2_2_4_tensorflow_embedding", "keras2_2_4_tensorflow_functional",
    "keras2_2_4_tensorflow_lstm", "keras2_2_4_tensorflow_nested", "keras2_3_1_tensorflow_dense",
    "tf_keras2_15_1_attention", "tf_keras2_15_1_conv2d", "tf_keras2_15_1_recurrent",
]  # fmt: skip


@pytest.mark.parametrize("name", COMPILED)
def test_predict_says_the_same(name):
    inputs, outputs, path = stored(name)
    check(load(name, path).predict_on_batch(inputs if len(inputs) > 1 else inputs[0]), outputs)


@pytest.mark.nightly
@pytest.mark.parametrize("name", [name for name in NAMES if name not in COMPILED and name not in WARNINGS])
def test_predict_says_the_same_of_every_file(name):
    inputs, outputs, path = stored(name)
    found = load(name, path).predict_on_batch(inputs if len(inputs) > 1 else inputs[0])
    check(found, outputs, TOLERANCE.get(name, 1e-5))


# --- Training goes on ---


@pytest.mark.parametrize(
    ("name", "optimizer", "rate", "metrics"),
    [
        ("keras1_2_2_tensorflow_dense", "Adam", 0.001, ["loss", "acc"]),
        ("keras2_2_4_tensorflow_dense", "SGD", 0.1, ["loss", "acc"]),
        ("keras2_2_4_tensorflow_recurrent_adam", "Adam", 0.001, ["loss", "mae"]),
        ("keras2_3_1_tensorflow_dense", "SGD", 0.1, ["loss", "acc"]),
        ("tf_keras2_15_1_dense", "Adam", 0.01, ["loss", "acc"]),
        ("tf_keras2_15_1_legacy_sgd", "SGD", 0.1, ["loss", "mae"]),
        ("keras3_15_1_dense_h5", "Adam", 0.01, ["loss", "mae"]),
        ("keras3_15_1_dense", "Adam", 0.01, ["loss", "mae"]),
    ],
)
def test_a_model_is_compiled_as_it_was(name, optimizer, rate, metrics):
    _, _, path = stored(name)
    with K.use_engine("numpy"):
        model = load_model(path)
    assert type(model.optimizer).__name__ == optimizer
    assert float(K.get_value(model.optimizer.lr)) == pytest.approx(rate)
    assert [m.replace("accuracy", "acc").replace("mean_absolute_error", "mae") for m in model.metrics_names] == metrics
    assert int(K.get_value(model.optimizer.iterations)) == 1
    assert any(np.abs(w).max() > 0 for w in model.optimizer.get_weights() if np.ndim(w))


@pytest.mark.parametrize("name", ["tf_keras2_15_1_dense", "keras3_15_1_dense_h5"])
def test_slots_that_stood_together_are_told_apart(name):
    """Adam after one batch: m = (1 - beta_1) g and v = (1 - beta_2) g**2, so m**2 / v is the same for all weights."""
    model = load_model(stored(name)[2])
    state = [w for w in model.optimizer.get_weights() if np.ndim(w)]
    count = len(model.trainable_weights)
    pairs = zip(state[:count], state[count : 2 * count], strict=True)
    ratios = np.concatenate([m[v > 1e-12] ** 2 / v[v > 1e-12] for m, v in pairs])
    assert ratios.size > 4
    np.testing.assert_allclose(ratios, 0.1**2 / 0.001, rtol=1e-3)


# --- Weights into layers of another kind ---


def test_weights_of_cudnn_layers_go_into_plain_ones():
    inputs, outputs, path = stored("keras2_2_4_tensorflow_cudnn_weights")
    layers = [
        LSTM(3, input_shape=(4, 2), return_sequences=True, recurrent_activation="sigmoid"),
        Bidirectional(GRU(2, reset_after=True, recurrent_activation="sigmoid")),
    ]
    with K.use_engine("numpy"):
        model = Sequential(layers)
        model.load_weights(path)
        check(model(inputs[0]), outputs)


def test_weights_of_another_gru_are_refused():
    model = Sequential([LSTM(3, input_shape=(4, 2), return_sequences=True), Bidirectional(GRU(2))])
    with pytest.raises(ValueError, match="weights are of a GRU with reset_after=True, which computes something else"):
        model.load_weights(stored("keras2_2_4_tensorflow_cudnn_weights")[2])


def test_a_function_of_keras_1_is_refused():
    config = {"name": "merge_1", "mode": "lambda", "mode_type": "lambda", "layers": []}
    layers = [{"class_name": "Merge", "config": config}]
    entry = {"class_name": "Sequential", "config": layers, "keras_version": "1.2.2"}
    with pytest.raises(ValueError, match="'merge_1' .Merge. merges by a function, and a file's functions are not run"):
        model_from_json(json.dumps(entry))
