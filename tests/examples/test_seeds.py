"""Every code block of the five documents that Hornbeam was asked to run: they are all there, unchanged, and run.

Outside the scripts, and here only, three things are made small: `fit` and `evaluate` take 96 rows, `fit` two epochs,
and an Embedding has no more than 2 000 words. `test_the_sizes_as_printed` has all words, and reviews left to test.
"""

import functools
import hashlib
import importlib
import inspect
import json
import re
import shutil
import sys
import time
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from compat.aside import real_keras_aside
from hornbeam import applications, datasets, layers, legacy, registry
from hornbeam import backend as K
from hornbeam.compat import script
from hornbeam.training.trainer import Trainer

HERE = Path(__file__).parent
SEEDS = HERE.parents[1] / "examples" / "seeds"
SCRIPTS = {path.stem: path for path in sorted(SEEDS.glob("[0-9]*.py"))}
BLOCKS = json.loads((HERE / "seed_blocks.json").read_text(encoding="utf-8"))

ROWS, EPOCHS, WORDS = 96, 2, 2000
BUDGET_S = 45  # seconds of processor time, for one script

MAYBE = "The loss is nan from epoch"  # where both outputs of a relu are 0: 0 / 0, by the weights it starts from

# What the blocks do and Hornbeam warns of; nothing else may be warned of, but old spellings.
WARNED = {
    "04_sequential_and_functional": ["ends with activation 'softmax', but the loss mean_squared_error"],
    "09_template": ["ends with activation 'softmax', but the loss mean_squared_error"],
    "17_callbacks": ["ModelCheckpoint does nothing: it looks for 'val_loss', and this epoch has: loss."],
    "22_sentiment_model": ["ends with activation 'relu', but the loss categorical_crossentropy"],
    "23_sentiment_lstm": [
        "ends with activation 'relu', but the loss categorical_crossentropy",
        "evaluate: no rows came. The result is [], as in Keras 2.",
        MAYBE,
    ],
    "30_tables": ["ReduceLROnPlateau: `epsilon` is now `min_delta`."],
}


def first_rows(value):
    if isinstance(value, (list, tuple)):
        return type(value)(first_rows(item) for item in value)
    return value[:ROWS] if hasattr(value, "shape") else value


def made_small(method):
    signature = inspect.signature(method)

    @functools.wraps(method)
    def small(self, *args, **kwargs):
        call = signature.bind(self, *args, **kwargs)
        if "epochs" in call.arguments:
            call.arguments["epochs"] = min(call.arguments["epochs"], EPOCHS)
        for name in {"x", "y", "validation_data"} & set(call.arguments):
            call.arguments[name] = first_rows(call.arguments[name])
        return method(*call.args, **call.kwargs)

    return small


@pytest.fixture
def small(monkeypatch):
    """Few rows, epochs and words, whatever a script says."""
    for name in ("fit", "evaluate"):
        monkeypatch.setattr(Trainer, name, made_small(getattr(Trainer, name)))
    init = layers.Embedding.__init__

    @functools.wraps(init)
    def with_few_words(self, input_dim, *args, **kwargs):
        init(self, min(input_dim, WORDS), *args, **kwargs)

    monkeypatch.setattr(layers.Embedding, "__init__", with_few_words)


@pytest.fixture
def run(monkeypatch, tmp_path, capsys):
    """Run a script in this process as `hornbeam run` does: its names, what it printed, what it was warned of."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(sys, "argv", list(sys.argv))
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setenv(script.SCRIPT_VARIABLE, "")
    monkeypatch.setenv("HORNBEAM_SEEDS_ROWS", "120")
    monkeypatch.delenv("HORNBEAM_SEEDS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)
    # What small_data.py replaces, brought back afterwards.
    inception = importlib.import_module("hornbeam.applications.inception_v3")
    for owner, name in ((datasets.cifar10, "load_data"), (inception, "InceptionV3"), (applications, "InceptionV3")):
        monkeypatch.setattr(owner, name, getattr(owner, name))
    own = {"small_data", "jieba"} - set(sys.modules)
    customs = dict(registry.get_custom_objects())

    def run(path):
        with warnings.catch_warnings(record=True) as seen:
            warnings.simplefilter("default")
            warnings.simplefilter("ignore", legacy.OldSpelling)
            status = script.run(str(path))
        printed = capsys.readouterr()
        assert status == 0, printed.err
        names = SimpleNamespace(**vars(sys.modules["__main__"]))
        return names, printed.out, [str(warning.message) for warning in seen]

    with real_keras_aside():
        yield run
    for name in own:
        sys.modules.pop(name, None)
    registry.get_custom_objects().clear()
    registry.get_custom_objects().update(customs)
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs(name, run, small, monkeypatch):
    answers = iter(["这部电影很好看", "quit"])
    monkeypatch.setattr("builtins.input", lambda question: next(answers))
    began = time.process_time()
    names, out, warned = run(SCRIPTS[name])
    expected = WARNED.get(name, [])
    assert [words for words in warned if not any(part in words for part in expected)] == []
    assert [part for part in expected if part != MAYBE and not any(part in words for words in warned)] == []
    CHECKS[name](names, out)
    assert time.process_time() - began < BUDGET_S


# --- What the documents say that comes out, and what must ---


def first_network(names, out):
    assert names.classes.shape == (120, 10)
    assert len(names.loss_and_metrics) == 2
    assert np.allclose(names.classes.sum(axis=1), 1, atol=1e-5)


def news(names, out):
    assert [layer.name for layer in names.model.layers if layer.name in ("main_input", "aux_input")] == [
        "main_input", "aux_input",
    ]  # fmt: skip
    assert names.model.output_names == ["main_output", "aux_output"]
    assert names.model.output_shape == [(None, 1), (None, 1)]
    assert names.model.loss_weights == [1.0, 0.2]


def layer_shapes(names, out):
    assert names.layer.units == 32
    assert names.model.output_shape == (None, 32)
    assert names.model.count_params() == 784 * 32 + 32 + 32 * 32 + 32


def two_ways(names, out):
    assert names.model.count_params() == 784 * 32 + 32 + 32 * 10 + 10
    assert float(K.get_value(names.model.optimizer.lr)) == pytest.approx(0.001)
    assert names.model.metrics_names == ["loss", "accuracy"]


def hold_out(names, out):
    assert len(names.validation_data) == 10000
    assert len(names.training_data) == 120
    assert np.isfinite([names.validation_score, names.test_score]).all()


def k_fold(names, out):
    assert len(names.validation_scores) == names.k == 4
    assert names.validation_score == pytest.approx(np.mean(names.validation_scores))
    assert len(names.training_data) == 3 * names.num_validation_samples


def regularizers(names, out):
    *_, dense, dropout = names.model.layers
    assert dense.kernel_regularizer.l2 == pytest.approx(0.001)
    assert dropout.rate == 0.5


def layers_match(names, out):
    assert [layer.output_shape for layer in names.model.layers] == [(None, 32), (None, 32)]


def template(names, out):
    assert names.model.predict(names.x_test).shape == (120, 10)


def imdb(names, out):
    assert set(names.history_dict) == {"loss", "acc", "val_loss", "val_acc"}
    assert names.partial_x_train.shape == (120, 10000)
    assert len(names.results) == 2
    assert [len(axes.lines) for number in (1, 2) for axes in names.plt.figure(number).axes] == [2, 2]


def reuters(names, out):
    assert names.one_hot_train_labels.shape == (1500, 46)
    assert names.model.output_shape == (None, 46)


def boston(names, out):
    assert out.splitlines() == [f"processing fold #  {i}" for i in range(4)]
    assert np.allclose(names.train_data.mean(axis=0), 0, atol=1e-9)
    assert np.allclose(names.train_data.std(axis=0), 1)
    assert len(names.all_scores) == 4
    assert np.isfinite(names.all_scores).all()


def tokenizer(names, out):
    lines = out.splitlines()
    assert lines[:2] == ["2.2.4", "['我', '爱', '北京']"]
    # Python's hash of a text differs from process to process: numbers of one_hot can only be compared among themselves.
    for line, size, count in ((lines[2], 5, 3), (lines[3], 10, 4)):
        numbers = json.loads(line)
        assert len(numbers) == count
        assert all(1 <= number < size for number in numbers)
    assert lines[4:6] == [
        "OrderedDict([('我', 2), ('爱', 2), ('北京', 2), ('天安门', 1)])", "{'我': 1, '爱': 2, '北京': 3, '天安门': 4}",
    ]  # fmt: skip
    assert names.tokenizer.word_docs == {"北京": 2, "我": 2, "爱": 2, "天安门": 1}
    assert names.tokenizer.index_docs == {3: 2, 1: 2, 2: 2, 4: 1}
    assert all(line.startswith("defaultdict(<class 'int'>, {") for line in lines[6:8])
    assert lines[8:] == [
        "#####转化词向量#####", "[[1, 2, 3], [1, 2, 3, 4]]", "[[0. 1. 1. 1. 0. 0. 0. 0. 0. 0.]",
        " [0. 1. 1. 1. 1. 0. 0. 0. 0. 0.]]",
    ]  # fmt: skip


def save_and_load(names, out):
    weights = names.load_model(names.path).get_weights()
    assert all(np.array_equal(mine, theirs) for mine, theirs in zip(weights, names.model.get_weights(), strict=True))


def mnist(names, out):
    assert names.img_train.shape == (60000, 784)
    assert names.label_test.shape == (10000, 10)
    assert 0 <= names.img_train.min() < names.img_train.max() <= 1
    assert re.search(r"^loss is \d+\.\d{6} accu is [01]\.\d{6}$", out, re.MULTILINE)


def callbacks(names, out):
    assert len(list(Path("path/of/log").glob("events.out.tfevents.*"))) == 1
    assert names.checkpointer.filepath == "/tmp/weights.h5"  # never written: without val_loss there is no best


def inception(names, out):
    assert names.model.count_params() == 23_851_784  # what the documentation of Keras says
    assert Path("model.png").read_bytes().startswith(b"\x89PNG")


def cifar(names, out):
    assert "Total params: 2,122,186" in out
    assert Path("cifar10.h5").exists()
    assert out.splitlines()[-1] == f"{names.loss} {names.accuracy}"


def bidirectional(names, out):
    assert [layer.output_shape for layer in names.model.layers] == [(None, 5, 20), (None, 20), (None, 5), (None, 5)]
    assert names.model.count_params() == 1680 + 2480 + 105


def reviews(names, out):
    assert set(names.labels) == {0, 1}
    assert len(names.texts) == len(names.labels) < len(names.lines)
    assert names.tokenizer.texts_to_sequences(names.texts[:1]) != [[]]


def sentiment_model(names, out, words=WORDS):
    halves = 2 * 4 * (256 * 128 + 128 * 128 + 128)
    assert names.model.count_params() == words * 256 + halves + 256 * 2 + 2
    assert names.model.output_shape == (None, 2)


def sentiment(names, out):
    lines = [line for line in out.splitlines() if not line.startswith("Epoch ")]
    assert lines[:3] == ["building model ...", "loading data ...", "training model ..."]
    assert lines[3] == "[]"  # fewer than 500 000 reviews: nothing is left to evaluate, and Keras 2 said so
    assert len(json.loads(lines[4])[0]) >= 2  # words of what was typed in
    assert lines[5] in ("[0]", "[1]")
    # The other way in: a model from a file, stop words and dictionary read again.
    shutil.copy("model/keras.model", names.model_path)
    again = names.SentimentLSTM()
    with pytest.warns(UserWarning, match="ends with activation 'relu'"):
        assert again.predict_text("这部电影很好看")[0] in (0, 1)
    assert "很" in again.stop_words
    assert "很" not in again.jieba_cut("这部电影很好看").split()


def adding_layers(names, out):
    assert names.model.output_shape == (None, 10)


def nothing_more(names, out):
    assert out == ""


def flatten_shapes(names, out):
    assert out == "(None, 1, 10, 64)\n(None, 640)\n"


def compile_fit_evaluate(names, out):
    assert names.model.metrics_names == ["loss", "准确率"]
    assert names.y_pred.shape == (30, 3)
    assert 0 <= names.accuracy <= 1


def table(names, out):
    assert names.Y_pred.shape == (1, 3)
    assert names.Y_pred.sum() == pytest.approx(1, abs=1e-5)
    assert re.search(r"^Test loss: \d+\.\d+$\s^Test accuracy: [01]\.\d+$", out, re.MULTILINE)


CHECKS = dict(zip(SCRIPTS, [
    first_network, news, layer_shapes, two_ways, hold_out, k_fold, regularizers, layers_match, template, imdb, reuters,
    boston, tokenizer, save_and_load, mnist, mnist, callbacks, inception, cifar, bidirectional, reviews,
    sentiment_model, sentiment, adding_layers, nothing_more, flatten_shapes, nothing_more, compile_fit_evaluate, table,
    nothing_more,
], strict=True))  # fmt: skip


@pytest.mark.nightly
def test_the_sizes_as_printed(run, monkeypatch):
    """350 000 words, and more than 500 000 reviews, so that 200 are left to evaluate; one epoch of 2 000 of them."""
    fit = Trainer.fit
    monkeypatch.setattr(Trainer, "fit", lambda self, x, y, **kwargs: fit(self, x[:2000], y[:2000], batch_size=1000))
    monkeypatch.setattr("builtins.input", lambda question: "quit")
    Path("corpus").mkdir()
    Path("corpus/review.csv").write_text("5  经典 好看\n1  无聊\n" * 250_100, encoding="utf-8")
    names, out, _ = run(SCRIPTS["23_sentiment_lstm"])
    shutil.rmtree("model")  # 720 MB
    assert names.vocab_size == 350000
    assert re.search(r"^\[\d+\.\d+, \d+\.\d+\]$|^\[nan, \d+\.\d+\]$", out, re.MULTILINE)


# --- Nothing was changed, nothing was left out ---


def blocks_in(path):
    """Number -> lines of each block in a script, without blank lines and the note on what is wrong as printed."""
    found, number, in_note = {}, None, False
    for line in path.read_text(encoding="utf-8").splitlines():
        mark = re.fullmatch(r"# --- (?:Block (\d+)|.*) ---", line)
        if mark:
            number, in_note = mark[1] and int(mark[1]), False
            if number:
                found[number] = []
        elif number and not found[number] and line.startswith("# As printed"):
            in_note = True
        elif in_note:
            in_note = bool(line)
        elif number and line:
            found[number].append(line)
    return found


def test_every_block_is_in_one_script():
    assert [block["block"] for block in BLOCKS] == list(range(1, len(BLOCKS) + 1))
    found = {number: path.name for path in SCRIPTS.values() for number in blocks_in(path)}
    assert found == {block["block"]: block["script"] for block in BLOCKS}


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block["block"]))
def test_a_block_is_as_printed(block):
    """But for the changes that the list names; with these taken back, it is the printed text to the letter."""
    path = SEEDS / block["script"]
    text = "\n".join(blocks_in(path)[block["block"]])
    changes = block.get("changed", [])
    for change in changes:
        assert change["script"] in text
        text = text.replace(change["script"], change["printed"], 1)
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == block["sha256"]
    mark = f"# --- Block {block['block']} ---\n"
    assert path.read_text(encoding="utf-8").partition(mark)[2].startswith("# As printed") == bool(changes)


def test_the_table_has_every_script():
    readme = (SEEDS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\w+)\.py\]\(\1\.py\) \|", readme, re.MULTILINE) == list(SCRIPTS)


# --- What the documents made us mend ---


@pytest.mark.parametrize(
    ("imports", "shape"),
    [
        ("from tensorflow import keras", (None, 1, 10, 64)),
        ("import keras", (None, 1, 30, 64)),
        ("import tensorflow, keras", (None, 1, 30, 64)),
    ],
)
def test_three_numbers(imports, shape, run, tmp_path):
    """Conv2D(64, 3, 3) has two sizes of a window, as in Keras 1; a window and strides where Keras is TensorFlow's."""
    program = "layer = keras.layers.Conv2D(64, 3, 3, input_shape=(3, 32, 32))\nmodel = keras.Sequential([layer])\n"
    (tmp_path / "program.py").write_text(f"{imports}\n{program}")
    assert run(tmp_path / "program.py")[0].model.output_shape == shape


@pytest.mark.parametrize("name", ["VGG16", "VGG19", "ResNet50", "InceptionV3", "Xception"])
def test_networks_take_the_printed_arguments(name):
    taken = [(key, p.default) for key, p in inspect.signature(getattr(applications, name)).parameters.items()][:6]
    assert taken == [
        ("include_top", True), ("weights", "imagenet"), ("input_tensor", None), ("input_shape", None),
        ("pooling", None), ("classes", 1000),
    ]  # fmt: skip
