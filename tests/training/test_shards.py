"""Batches split over the cores of a CPU as devices: the same training, to rounding."""

import json
import os
import subprocess
import sys

import numpy as np
import pytest

# One child computes on two devices and, with the split forbidden, on one: devices are fixed when an engine starts.
PROGRAM = """
import json, sys
import numpy as np
import hornbeam
from hornbeam import backend as K
from hornbeam.layers import *
from hornbeam.training.steps import Steps

def masked():
    words, extra = Input((6,), dtype="int32"), Input((3,))
    x = Embedding(11, 4, mask_zero=True, embeddings_regularizer="l2")(words)
    x = GaussianNoise(0.1)(Bidirectional(LSTM(3, dropout=0.2, recurrent_dropout=0.1, return_sequences=True))(x))
    first = TimeDistributed(Dense(1), name="steps")(x)
    second = Dense(2, activation="softmax", name="whole")(concatenate([Dropout(0.3)(GRU(3)(x)), extra]))
    return hornbeam.Model([words, extra], [first, second])

def plain():
    return hornbeam.Sequential([SimpleRNN(4, input_shape=(6, 3)), Dropout(0.5, noise_shape=(1, 4)), Dense(1)])

def normalised():
    return hornbeam.Sequential([SimpleRNN(4, input_shape=(6, 3)), BatchNormalization(), Dense(1)])

def convolved():
    return hornbeam.Sequential([Conv1D(4, 2, input_shape=(6, 3)), GRU(4), Dense(1)])

draw = np.random.default_rng(0)
words = draw.integers(0, 11, (44, 6)).astype("int32")
series, extra = draw.normal(size=(44, 6, 3)).astype("float32"), draw.normal(size=(44, 3)).astype("float32")
y_steps, y_whole = draw.normal(size=(44, 6, 1)).astype("float32"), np.eye(2, dtype="float32")[draw.integers(0, 2, 44)]
weights = draw.integers(0, 3, 44).astype("float32")
CASES = {
    "masked": (masked, [words, extra], [y_steps, y_whole], ["mse", "categorical_crossentropy"]),
    "plain": (plain, series, y_whole[:, :1], "mse"),
    "normalised": (normalised, series, y_whole[:, :1], "mse"),
    "convolved": (convolved, series, y_whole[:, :1], "mse"),
}

def train(name):
    build, x, y, loss = CASES[name]
    hornbeam.utils.set_random_seed(1)
    model = build()
    model.compile("adam", loss, metrics=["mae"], weighted_metrics=["mse"])
    given = [weights, weights] if name == "masked" else weights
    history = model.fit(x, y, batch_size=16, epochs=2, verbose=0, sample_weight=given)
    split = max(key[-1] for key in model._steps._programs)
    return split, history.history, [w.tolist() for w in model.get_weights()]

found = {}
for name in CASES:
    split = train(name)
    if split[0] == 1:
        found[name] = split
        continue
    rule, Steps.shards = Steps.shards, lambda *args: 1
    whole = train(name)
    Steps.shards = rule
    found[name] = (split, whole)
print(json.dumps(found))
"""


def child(program, devices):
    environment = {**os.environ, "HORNBEAM_CPU_DEVICES": devices, "JAX_PLATFORMS": "cpu"}
    return subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, text=True, timeout=300)


@pytest.fixture(scope="module")
def trained():
    result = child(PROGRAM, "2")
    assert result.returncode == 0, result.stderr[-3000:]
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["masked", "plain"])
def test_training_on_two_devices_is_training_on_one_to_rounding(trained, name):
    """Masks, weights of 0, a short last batch, dropout, noise, penalties: sums over rows know of the other part."""
    (devices, history, weights), (whole_devices, whole_history, whole_weights) = trained[name]
    assert (devices, whole_devices) == (2, 1)
    assert list(history) == list(whole_history)
    for key, values in history.items():
        np.testing.assert_allclose(values, whole_history[key], rtol=2e-5, err_msg=key)
    for ours, theirs in zip(weights, whole_weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-3, atol=2e-5)


@pytest.mark.parametrize("name", ["normalised", "convolved"])
def test_what_mixes_rows_or_uses_all_cores_by_itself_is_not_split(trained, name):
    assert trained[name][0] == 1


def test_a_wrong_number_of_devices_is_an_error_that_names_the_variable():
    result = child("import hornbeam", "two")
    assert result.returncode != 0
    assert "HORNBEAM_CPU_DEVICES is a number of cores from 1 on; got 'two'" in result.stderr


def test_devices_asked_for_after_the_engine_started_are_a_warning():
    result = child("import jax; jax.numpy.ones(1) + 1; import hornbeam", "2")
    assert result.returncode == 0
    assert "HORNBEAM_CPU_DEVICES has no effect" in result.stderr
