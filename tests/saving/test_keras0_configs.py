"""Architectures and weights of Keras 0.x, made by hand in the form of its to_json and save_weights."""

import json

import h5py
import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.models import model_from_json
from hornbeam.saving.keras0_configs import to_keras_1


def stack(*layers, **more):
    return {"name": "Sequential", "theano_mode": None, "class_mode": "categorical", "layers": list(layers), **more}


def test_what_only_theano_needed_is_left_out():
    old = stack(
        {"name": "LSTM", "output_dim": 4, "input_shape": [5, 3], "truncate_gradient": -1, "cache_enabled": True},
        {"name": "Activation", "activation": "relu", "target": 0, "beta": 0.1, "custom_name": "activation"},
        {"name": "Activation", "activation": "tanh", "target": 0, "beta": 0.1, "custom_name": "activation_1"},
    )
    assert to_keras_1(old)["config"] == [
        {"class_name": "LSTM", "config": {"output_dim": 4, "batch_input_shape": [None, 5, 3], "name": "lstm_1"}},
        {"class_name": "Activation", "config": {"activation": "relu", "name": "activation_1"}},
        {"class_name": "Activation", "config": {"activation": "tanh", "name": "activation_2"}},
    ]


def test_layers_keep_names_of_their_own():
    old = stack({"name": "Dense", "output_dim": 1, "custom_name": "head"}, {"name": "Dense", "output_dim": 1})
    assert [layer["config"]["name"] for layer in to_keras_1(old)["config"]] == ["head", "dense_1"]


def test_an_embedding_told_its_words_not_its_length():
    old = stack({"name": "Embedding", "input_dim": 9, "output_dim": 2, "input_length": 4, "input_shape": [9]})
    model = model_from_json(json.dumps(old))
    assert model.input_shape == (None, 4)
    assert model.output_shape == (None, 4, 2)


def test_branches_of_a_merge():
    branch = stack({"name": "Dense", "output_dim": 2, "input_shape": [3], "activation": "linear"})
    old = stack({"name": "Merge", "mode": "concat", "concat_axis": -1, "dot_axes": -1, "layers": [branch, branch]})
    model = model_from_json(json.dumps(old))
    assert model.input_shape == [(None, 3), (None, 3)]
    assert model.output_shape == (None, 4)


@pytest.mark.parametrize("name", ["Graph", "AutoEncoder"])
def test_other_models_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"This is a {name} of Keras 0.x"):
        model_from_json(json.dumps({"name": name, "layers": []}))


def test_weights_compute_what_theano_computed(tmp_path):
    """A kernel that is turned round, rows laid out channel by channel, and a division by deviation plus epsilon."""
    penalty = {"name": "WeightRegularizer", "l1": 0.0, "l2": 0.01}
    old = stack(
        {"name": "Reshape", "dims": [2, 3, 3], "input_shape": [18]},
        {"name": "Convolution2D", "nb_filter": 2, "nb_row": 2, "nb_col": 2, "border_mode": "valid",
         "activation": "relu", "subsample": [1, 1], "init": "uniform", "W_regularizer": penalty, "W_constraint": None},
        {"name": "BatchNormalization", "epsilon": 0.1, "mode": 0, "momentum": 0.9, "axis": 1},
        {"name": "Flatten"},
        {"name": "Dense", "output_dim": 3, "init": "uniform", "activation": "linear", "input_dim": None},
        optimizer={"name": "SGD", "lr": 0.1}, loss="mse",
    )  # fmt: skip
    random = np.random.default_rng(0)
    kernel, x = random.normal(size=(2, 2, 2, 2)), random.normal(size=(4, 18))  # kernel: (filters, channels, rows, cols)
    bias, gamma, beta, mean = random.normal(size=(4, 2))
    deviation, dense, offset = np.array([0.5, 2.0]), random.normal(size=(8, 3)), random.normal(size=3)
    weights = {1: [kernel, bias], 2: [gamma, beta, mean, deviation], 4: [dense, offset]}
    with h5py.File(tmp_path / "weights.h5", "w") as file:
        file.attrs["nb_layers"] = 5
        for i in range(5):
            group = file.create_group(f"layer_{i}")
            group.attrs["nb_params"] = len(weights.get(i, []))
            for j, value in enumerate(weights.get(i, [])):
                group[f"param_{j}"] = value.astype("float32")

    image, y = x.reshape(4, 2, 3, 3), np.zeros((4, 2, 2, 2))
    for row, col in np.ndindex(2, 2):
        window = image[:, :, row : row + 2, col : col + 2]
        y[:, :, row, col] = np.einsum("bcij,fcij->bf", window, kernel[:, :, ::-1, ::-1]) + bias
    shaped = (1, 2, 1, 1)
    y = (np.maximum(y, 0) - mean.reshape(shaped)) / (deviation.reshape(shaped) + 0.1)
    expected = (y * gamma.reshape(shaped) + beta.reshape(shaped)).reshape(4, 8) @ dense + offset

    with K.use_engine("numpy"):
        model = model_from_json(json.dumps(old))
        model.load_weights(tmp_path / "weights.h5")
        np.testing.assert_allclose(model.predict(x.astype("float32"), verbose=0), expected, rtol=1e-4, atol=1e-5)
    assert model.layers[1].kernel_regularizer.l2 == pytest.approx(0.01)
