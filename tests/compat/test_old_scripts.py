"""Scripts as people wrote them for Keras 1 and 2 run unchanged, on small data."""

import gzip
import re
import struct
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from compat.aside import real_keras_aside
from hornbeam import legacy
from hornbeam.compat import script

SCRIPTS = Path(__file__).parent / "scripts"


def digits(count):
    """Images whose class is the place of a bright square, so that they can be learned."""
    labels = np.arange(count) % 10
    images = np.zeros((count, 28, 28), "uint8")
    for image, label in zip(images, labels):
        image[2 * label : 2 * label + 4, 4:20] = 255
    return images, labels.astype("uint8")


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run a script in this process, with real Keras set aside: (what it printed, what was told of its spellings)."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv(script.SCRIPT_VARIABLE, "")
    monkeypatch.chdir(tmp_path)

    def run(name, *arguments, **options):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("default", legacy.OldSpelling)
            status = script.run(str(SCRIPTS / f"{name}.py"), list(arguments), **options)
        printed = capsys.readouterr()
        assert status == 0, printed.err
        assert {Path(warning.filename).name for warning in seen} <= {f"{name}.py"}, [str(warning) for warning in seen]
        return printed.out, [str(warning.message) for warning in seen]

    with real_keras_aside():
        yield run


def test_imports(run):
    assert run("imports")[0] == "imported\n"


def test_a_perceptron_of_keras_1(run, monkeypatch):
    monkeypatch.setattr("hornbeam.datasets.mnist.load_data", lambda: (digits(80), digits(40)))
    out, told = run("keras1_mlp", "12")
    assert float(re.search(r"Test accuracy: (\S+)", out)[1]) > 0.9
    assert "Epochs: 12" in out
    assert "Classes: [0, 1, 2]" in out
    assert all("\n" not in line for line in told)
    assert len(set(told)) == len(told)
    for words in (
        "keras.objectives is the spelling of Keras 1; write keras.losses.",
        "keras.constraints.maxnorm is the spelling of old Keras; write MaxNorm.",
        "keras.regularizers.WeightRegularizer is the spelling of old Keras; write L1L2.",
        "to_categorical(nb_classes) is the spelling of Keras 1; write num_classes.",
        "MaxNorm(m) is the spelling of Keras 1; write max_value.",
        "Dropout(p) is the spelling of Keras 1; write Dropout(rate=0.2).",
        "input_dim is the spelling of Keras 2; write input_shape=(n,).",
        "lr is the spelling of Keras 2; write learning_rate.",
        "'acc' is the spelling of Keras 2; write 'accuracy'.",
        "fit(nb_epoch) is the spelling of Keras 1; write epochs.",
    ):
        assert words in told
    assert sum(line.startswith("Dense(output_dim, init, W_regularizer, W_constraint) is") for line in told) == 1


def test_a_convolutional_network_with_sessions_and_idx_files(run, tmp_path):
    folder = tmp_path / "MNIST_data"
    folder.mkdir()
    for name, content in zip(("train", "train", "t10k", "t10k"), (*digits(40), *digits(10))):
        kind = "labels-idx1" if content.ndim == 1 else "images-idx3"
        header = struct.pack(f">BBBB{content.ndim}I", 0, 0, 8, content.ndim, *content.shape)
        (folder / f"{name}-{kind}-ubyte.gz").write_bytes(gzip.compress(header + content.tobytes()))
    out, told = run("keras1_cnn")
    assert out == "Layers: 7 Loss: True\nTrue 4\n"
    assert (
        "Conv2D(nb_row, nb_col, border_mode, subsample) is the spelling of Keras 1; write Conv2D(filters=4, "
        "kernel_size=(3, 3), padding='valid', strides=(2, 2))." in told
    )
    assert "keras.utils.visualize_util.plot is the spelling of old Keras; write plot_model." in told


def test_merged_inputs_and_a_generator(run):
    out, told = run("keras1_functional")
    assert out == "Epochs: 2\nInputs: 2 Weights: 28\nSteps: (None, 5, 2)\n"
    assert "merge(mode='concat') is the spelling of Keras 1; write Concatenate(axis=1)(inputs)." in told
    assert any(line.startswith("fit_generator(samples_per_epoch, nb_epoch, nb_worker, max_q_size) is") for line in told)
    assert "Model(input, output) is the spelling of Keras 1; write Model(inputs=..., outputs=...)." in told
    assert "TimeDistributedDense is the spelling of Keras 1; write TimeDistributed(Dense(units))." in told


def test_keras_2_by_way_of_tensorflow_quietly(run):
    out, told = run("tf_keras2", quiet=True)
    assert out == "Same: True double_mse\n"
    assert told == []
