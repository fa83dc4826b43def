"""Files of every Keras age load, and predict what they predicted then; how each was made: tests/golden/files/README.md."""

import contextlib
import json
import os
import warnings
from pathlib import Path

import numpy as np
import pytest

from hornbeam.layers import GRU, LSTM, Bidirectional
from hornbeam.models import Sequential, load_model, model_from_json
from hornbeam.saving import ModelFileError

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


def check(model, inputs, outputs, atol=1e-5):
    found = model.predict_on_batch(inputs if len(inputs) > 1 else inputs[0])
    found = found if isinstance(found, list) else [found]
    assert len(found) == len(outputs)
    for one, other in zip(found, outputs, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=atol)


def test_there_are_enough():
    assert len(NAMES) >= 60
    assert {name.split("_")[0] for name in NAMES} == {"keras1", "keras2", "keras3", "tf"}


@pytest.mark.parametrize("name", NAMES)
def test_a_file_predicts_what_it_predicted(name):
    inputs, outputs, path = stored(name)
    if name in WARNINGS:
        with pytest.warns(UserWarning, match=WARNINGS[name]):
            load(name, path)
        return
    check(load(name, path), inputs, outputs, TOLERANCE.get(name, 1e-5))
