"""Whole models as ONNX files: shapes left open, names, masks, several inputs and outputs, models inside models."""

import subprocess
import sys

import numpy as np
import pytest

from export.onnx_checks import check, numbers, onnx, onnx_model, run, runtime, session_of
from hornbeam import backend as K
from hornbeam import layers
from hornbeam.core import Input
from hornbeam.export import to_onnx
from hornbeam.models import Model, Sequential


def test_sizes_that_are_open_in_more_than_the_batch():
    image = Input((None, None, 3))
    y = layers.Conv2D(4, 3, strides=2, padding="same", activation="relu")(image)
    y = layers.GroupNormalization(2)(layers.SeparableConv2D(4, 3, padding="same")(y))
    y = layers.UpSampling2D(2)(layers.MaxPooling2D(2, padding="same")(layers.ZeroPadding2D(1)(y)))
    y = layers.Conv2DTranspose(2, 3, strides=2, padding="same")(layers.Cropping2D(1)(y))
    model = Model(image, [y, layers.GlobalAveragePooling2D()(y), layers.Reshape((-1, 2))(y)])
    check(model, numbers(2, 9, 7, 3))
    check(model, numbers(2, 6, 8, 3))


def image_network():
    return Sequential([
        layers.Conv2D(4, 3, activation="relu", padding="same", input_shape=(8, 8, 3), name="conv"),
        layers.BatchNormalization(name="norm"), layers.MaxPooling2D(name="pool"), layers.Dropout(0.3, name="drop"),
        layers.Flatten(name="flat"), layers.Dense(5, activation="softmax", name="head"),
    ])  # fmt: skip


def test_an_image_network_and_its_names(tmp_path):
    model = image_network()
    model.layers[1].moving_mean.assign(numbers(4))
    model.export(tmp_path / "image.onnx")
    graph = onnx.load(tmp_path / "image.onnx").graph
    assert [node.name for node in graph.node if "Transpose" not in node.name] == [
        "conv/Conv", "conv/Relu", "norm/Mul", "norm/Add", "pool/MaxPool", "flat", "head/Gemm", "head/Softmax",
    ]  # fmt: skip
    assert [v.name for v in graph.input] == model.input_names
    assert [v.name for v in graph.output] == model.output_names == ["head"]
    assert {"conv/kernel_turned", "conv/bias", "head/kernel", "head/bias"} <= {t.name for t in graph.initializer}
    images = numbers(3, 8, 8, 3)
    found = run(runtime.InferenceSession(tmp_path / "image.onnx"), images)[0]
    np.testing.assert_allclose(found, model.predict(images), rtol=1e-5, atol=1e-6)


def test_a_bidirectional_network_over_padded_ids():
    model = Sequential([
        layers.Embedding(9, 4, mask_zero=True), layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
        layers.GlobalAveragePooling1D(), layers.Dense(1, activation="sigmoid"),
    ])  # fmt: skip
    model.build((None, None))
    session = check(model, np.array([[1, 2, 0, 0], [0, 3, 0, 4], [5, 6, 7, 8]], "int32"))
    check(model, np.array([[1, 2, 0, 0, 8, 1]], "int32"), session)


def test_two_inputs_two_outputs_and_words_between_layers():
    one, two = Input((4,), name="one"), Input((3,), name="two")
    shared = layers.Dense(3, activation="tanh", name="shared")
    joined = shared(one) * two + shared(2 * one - 1) / (K.abs(two) + 1)
    scores = layers.Dense(2, name="scores")(layers.concatenate([joined, two]))
    model = Model([one, two], [scores, K.sum(K.square(joined), axis=-1, keepdims=True), one, scores])
    session = check(model, [numbers(5, 4), numbers(5, 3)])
    assert [i.name for i in session.get_inputs()] == ["one", "two"]
    graph = onnx_model(model).graph
    assert sum(node.op_type == "Gemm" for node in graph.node) == 3
    assert sum(t.name == "shared/kernel" for t in graph.initializer) == 1


def test_models_inside_models_with_masks():
    inner = Sequential([layers.GRU(3, return_sequences=True), layers.Dense(2)], name="inner")
    inner.build((None, None, 4))
    cell = Sequential([layers.Dense(3, input_shape=(4,)), layers.Activation("relu")])
    ids = Input((None,), dtype="int32")
    x = layers.Embedding(9, 4, mask_zero=True)(ids)
    twice = layers.SimpleRNN(2)(inner(x))
    model = Model(ids, [twice, layers.TimeDistributed(cell)(x), inner(x)])
    outer = Model(ids, model(ids))
    given = np.array([[1, 2, 0, 0], [0, 3, 0, 4], [0, 0, 0, 0]], "int32")
    check(model, given)
    check(outer, given)
    assert any(node.name.startswith("inner/") for node in onnx_model(model).graph.node)


class Residual(Model):
    """A model of the user's own, without a graph."""

    def __init__(self):
        super().__init__(name="residual")
        self.inside = layers.Dense(4)

    def call(self, x):
        return x + K.relu(self.inside(x))


def test_a_model_of_ones_own_is_exported_inside_a_graph():
    own = Residual()
    with pytest.raises(ValueError, match=r"Residual 'residual' has no graph .*Model\(x, model\(x\)\)"):
        onnx_model(own)
    x = Input((4,))
    check(Model(x, own(x)), numbers(2, 4))


@pytest.mark.parametrize("opset", [18, 20, 21, 23])
def test_every_version_of_the_operators(opset):
    x = Input((None, 4))
    y = layers.LayerNormalization()(layers.LSTM(3, return_sequences=True)(layers.Masking()(x)))
    model = Model(x, layers.GlobalMaxPooling1D()(layers.Conv1D(2, 2, padding="causal")(layers.Lambda(lambda v: v)(y))))
    check(model, numbers(2, 5, 4), opset=opset)


@pytest.mark.parametrize("opset", [17, 99, "new"])
def test_versions_that_are_not_known(opset):
    with pytest.raises(ValueError, match="opset must be"):
        onnx_model(image_network(), opset)


def test_other_types():
    x = Input((3,), dtype="float64")
    check(Model(x, layers.Dense(2, dtype="float64", activation="softmax")(x)), numbers(2, 3).astype("float64"))
    with pytest.raises(ValueError, match="Dense 'short' .*bfloat16.*set_floatx"):
        session_of(Sequential([layers.Dense(2, input_shape=(3,), dtype="bfloat16", name="short")]))


def test_stacks_that_are_not_built():
    with pytest.raises(ValueError, match=r"has no graph .*build\(\(None, ...\)\)"):
        to_onnx(Sequential([layers.Dense(2)]), "never.onnx")


def test_a_failed_export_leaves_the_file(tmp_path):
    (tmp_path / "m.onnx").write_bytes(b"old")
    x = Input((3,))
    model = Model(x, layers.Lambda(lambda v: K.cumprod(v, 1))(x))
    with pytest.raises(ValueError, match="cumprod"):
        model.export(tmp_path / "m.onnx", format="onnx")
    assert [p.name for p in tmp_path.iterdir()] == ["m.onnx"]
    assert (tmp_path / "m.onnx").read_bytes() == b"old"


def test_formats():
    with pytest.raises(ValueError, match="Unknown format 'onxx'. Did you mean 'onnx'"):
        image_network().export("m", format="onxx")


def test_weights_too_large_for_one_file(tmp_path, monkeypatch):
    from hornbeam.export import onnx as writer

    monkeypatch.setattr(writer, "_MOST_BYTES", 100)
    model = Sequential([layers.Dense(300, input_shape=(20,))])
    to_onnx(model, tmp_path / "large.onnx")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["large.onnx", "large.onnx.data"]
    to_onnx(model, tmp_path / "large.onnx")
    found = run(runtime.InferenceSession(tmp_path / "large.onnx"), numbers(2, 20))[0]
    np.testing.assert_allclose(found, model.predict(numbers(2, 20)), rtol=1e-5, atol=1e-6)


def test_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ImportError, match=r'to_onnx needs onnx, .*pip install "hornbeam\[onnx\]"'):
        to_onnx(image_network(), "never.onnx")


PROGRAM = """
import sys
import jax, jax.export
import numpy as np
folder = sys.argv[1]
given = np.load(f"{folder}/given.npz")
program = jax.export.deserialize(bytearray(open(f"{folder}/m.stablehlo", "rb").read()))
found = program.call(*[given[name] for name in sorted(given)])
np.savez(f"{folder}/found.npz", *found)
assert not [name for name in sys.modules if name.startswith("hornbeam")]
"""


def test_stablehlo_runs_without_hornbeam(tmp_path):
    ids, more = Input((None,), dtype="int32"), Input((3,))
    x = layers.Bidirectional(layers.LSTM(3, return_sequences=True))(layers.Embedding(9, 4, mask_zero=True)(ids))
    y = layers.concatenate([layers.GRU(2)(x), layers.Dense(2)(more)])
    model = Model([ids, more], [layers.Dense(2)(y), layers.TimeDistributed(layers.Dense(2))(x)])
    model.export(tmp_path / "m.stablehlo", format="stablehlo")
    given = [np.array([[1, 2, 0], [0, 3, 4]], "int32"), numbers(2, 3)]
    np.savez(tmp_path / "given.npz", *given)
    done = subprocess.run([sys.executable, "-c", PROGRAM, tmp_path], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    found = np.load(tmp_path / "found.npz")
    for name, wanted in zip(sorted(found), model.predict(given), strict=True):
        np.testing.assert_allclose(found[name], wanted, rtol=1e-5, atol=1e-6)


def test_stablehlo_of_fixed_and_of_open_sizes(tmp_path):
    one, two = Input((None, 3)), Input((None, 3))
    model = Model([one, two], layers.Add()([one, two]))  # their lengths must be the same
    model.export(tmp_path / "m", format="stablehlo")
    model = image_network()
    model.export(tmp_path / "fixed", format="stablehlo", batch_size=2)
    assert (tmp_path / "fixed").stat().st_size > 0


def test_what_stablehlo_refuses(tmp_path):
    x = Input(batch_shape=(2, 3, 4))
    with pytest.raises(ValueError, match="stateful layers.*initial_state"):
        Model(x, layers.LSTM(2, stateful=True)(x)).export(tmp_path / "m", format="stablehlo")
    with pytest.raises(ValueError, match="has no graph"):
        Residual().export(tmp_path / "m", format="stablehlo")
    with K.use_engine("numpy"), pytest.raises(NotImplementedError, match="NumPy engine makes no programs"):
        image_network().export(tmp_path / "m", format="stablehlo")
    assert not list(tmp_path.iterdir())
