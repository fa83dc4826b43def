"""Weights by hand, rows held out, memory."""

import threading
import time

import numpy as np
import pytest

from hornbeam.layers import Dense, Input, Lambda
from hornbeam.models import Model, Sequential
from hornbeam.training import data as data_module
from hornbeam.utils import Sequence

LABELS = np.array([0, 1, 2, 0])


class Frozen(Sequence):
    """One batch."""

    def __init__(self, *batch):
        self.batch = batch

    def __len__(self):
        return 1

    def __getitem__(self, index):
        return self.batch


@pytest.fixture(scope="module")
def echo():
    """A model that gives what it is given, so that losses can be worked by hand: mean absolute error against 0."""
    model = Sequential([Lambda(lambda x: x, input_shape=(1,), name="out")])
    model.compile("sgd", "mae")
    return model


@pytest.fixture(scope="module")
def echo_steps():
    model = Sequential([Lambda(lambda x: x, input_shape=(2, 1), name="out")])
    model.compile("sgd", "mae", sample_weight_mode="temporal")
    return model


@pytest.fixture(scope="module")
def classifier():
    """Every row has the loss -log(1/3)."""
    model = Sequential([Dense(3, activation="softmax", kernel_initializer="zeros", input_shape=(2,), name="out")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    return model


# --- Weights: sum(w * l) / (number of w that are not 0) ---


def test_sample_weight_per_row_by_hand(echo):
    x, zeros = np.array([1.0, 2.0, 3.0]), np.zeros(3)
    # (1*1 + 0*2 + 3*3) / 2 = 5: the row of weight 0 is not counted, the others count one each.
    assert echo.evaluate(x, zeros, sample_weight=np.array([1.0, 0.0, 3.0]), verbose=0) == pytest.approx(5.0)
    # (2*1 + 2*2 + 2*3) / 3 = 4: weights are not scaled to a sum.
    assert echo.evaluate(x, zeros, sample_weight=np.array([2, 2, 2]), verbose=0) == pytest.approx(4.0)
    assert echo.evaluate(Frozen(x, zeros, np.array([1.0, 0.0, 3.0])), verbose=0) == pytest.approx(5.0)


def test_sample_weight_per_time_step_by_hand(echo_steps):
    x = np.array([[[1.0], [2.0]], [[3.0], [4.0]]])
    # Steps count as rows do: (1*1 + 0*2 + 1*3 + 2*4) / 3 = 4.
    weight = np.array([[1.0, 0.0], [1.0, 2.0]])
    assert echo_steps.evaluate(x, 0 * x, sample_weight=weight, verbose=0) == pytest.approx(4.0)


def test_class_weight_by_hand_alone_and_with_sample_weight(classifier):
    x, nat = np.zeros((4, 2)), np.log(3)
    weights = {0: 1.0, 1: 2.0, 2: 0.0}
    rate = classifier.optimizer.lr = 0.0
    # classes 0 1 2 0 -> weights 1 2 0 1: (1 + 2 + 1) / 3 losses of log 3.
    history = classifier.fit(x, LABELS, class_weight=weights, verbose=0).history
    assert history["loss"][0] == pytest.approx(4 / 3 * nat, rel=1e-5)
    # times 3 1 1 0 by row -> 3 2 0 0: 5 / 2.
    both = classifier.fit(x, LABELS, class_weight=weights, sample_weight=np.array([3.0, 1, 1, 0]), verbose=0).history
    assert both["loss"][0] == pytest.approx(5 / 2 * nat, rel=1e-5)
    stream = classifier.fit(Frozen(x, LABELS), class_weight=weights, verbose=0).history
    assert stream["loss"] == pytest.approx(history["loss"])
    assert rate == 0.0


def test_class_weight_as_a_dict_of_dicts_for_several_outputs():
    x = Input((1,))
    model = Model(x, [Lambda(lambda v: v, name="a")(x), Lambda(lambda v: v, name="b")(x)])
    model.compile("sgd", "mae")
    rows = np.array([[1.0], [1.0]])
    targets = {"a": np.array([0, 1]), "b": np.array([1, 0])}
    # Losses are 1 and 0 for a, 0 and 1 for b. Weights of a: 5, 1 -> 5 / 2; b has none -> 1 / 2.
    history = model.fit(rows, targets, class_weight={"a": {0: 5.0, 1: 1.0}}, verbose=0).history
    assert history["a_loss"] == [pytest.approx(2.5)]
    assert history["b_loss"] == [pytest.approx(0.5)]
    with pytest.raises(ValueError, match="With several outputs, class_weight is a dict of dicts by output: a, b"):
        model.fit(rows, targets, class_weight={0: 1.0, 1: 1.0}, verbose=0)
    with pytest.raises(ValueError, match="Unknown output name 'c'"):
        model.fit(rows, targets, class_weight={"c": {0: 1.0}}, verbose=0)


@pytest.mark.parametrize(
    ("given", "kind", "told"),
    [
        ({0: 1.0, 1: 1.0, 2: 1.0, 3: 5.0}, ValueError, "names the class 3, which target 'out' cannot hold: .* 0 to 2"),
        ({0: 1.0, 1: 1.0, -1: 1.0}, ValueError, "names the class -1"),
        ({"cat": 1.0}, ValueError, "names the class 'cat'.*Classes are numbers from 0"),
        ({0: 1.0, 1: 1.0}, ValueError, "no weight for class 2 of target 'out'"),
        ([1.0, 1.0, 1.0], TypeError, "class_weight is a dict from class"),
    ],
)
def test_unknown_classes_are_an_error(classifier, given, kind, told):
    with pytest.raises(kind, match=told):
        classifier.fit(np.zeros((4, 2)), LABELS, class_weight=given, verbose=0)


@pytest.mark.parametrize("shape", [(3,), (4, 2), (4, 1, 1)])
def test_weights_that_fit_nothing_are_refused(classifier, shape):
    with pytest.raises(ValueError, match="sample_weight"):
        classifier.fit(np.zeros((4, 2)), LABELS, sample_weight=np.ones(shape), verbose=0)


# --- Rows held out ---


def held_out(model, labels, split, rows=None, groups=None, fraction=0.25):
    data = model._prepare(np.arange(len(labels))[:, None] * [1.0, 1.0], labels, for_training=True)
    rest, out = model._held_out(data, fraction, split, groups)
    return [sorted(part.inputs[0][:, 0].astype(int).tolist()) for part in (rest, out)]


def test_validation_split_takes_the_last_rows_and_warns_when_that_drops_a_class(classifier):
    sorted_labels = np.repeat([0, 1, 2], 4)
    with pytest.warns(UserWarning, match=r"last 4 rows aside, and with them every row of class 2.*split='stratified'"):
        rest, out = held_out(classifier, sorted_labels, "last", fraction=1 / 3)
    assert out == [8, 9, 10, 11]
    assert rest == list(range(8))
    rest, out = held_out(classifier, np.tile([0, 1, 2], 4), "last")  # no warning
    assert out == [9, 10, 11]


def test_other_rows_may_be_held_out(classifier):
    labels = np.repeat([0, 1, 2], 8)
    rest, out = held_out(classifier, labels, "stratified")
    assert sorted(labels[out].tolist()) == [0, 0, 1, 1, 2, 2]
    assert sorted(rest + out) == list(range(24))
    rest, out = held_out(classifier, labels, "random")
    assert len(out) == 6
    assert out != list(range(18, 24))
    groups = np.arange(24) // 3
    rest, out = held_out(classifier, labels, "group", groups=groups)
    assert len(out) == 6
    assert not set(groups[rest]) & set(groups[out])


def test_fit_holds_out_what_it_is_told_to(classifier):
    labels = np.repeat([0, 1, 2], 8)
    x = np.zeros((24, 2))
    for kwargs in ({"split": "stratified"}, {"split": "random"}, {"split": "group", "groups": np.arange(24) // 3}):
        assert "val_loss" in classifier.fit(x, labels, validation_split=0.25, verbose=0, **kwargs).history
    with pytest.raises(ValueError, match="split='group' needs groups"):
        classifier.fit(x, labels, validation_split=0.25, split="group", verbose=0)
    with pytest.raises(ValueError, match="Unknown split 'stratifed'. Did you mean 'stratified'"):
        classifier.fit(x, labels, validation_split=0.25, split="stratifed", verbose=0)
    with pytest.raises(ValueError, match="validation_split must be a fraction"):
        classifier.fit(x, labels, validation_split=2, verbose=0)


def test_classes_to_stratify_by_must_be_there(echo):
    with pytest.raises(ValueError, match="split='stratified' needs classes"):
        echo.fit(np.zeros(8), np.zeros(8), validation_split=0.25, split="stratified", verbose=0)


# --- Memory ---


def growth_of_fit(megabytes, dtype, **kwargs):
    """How far resident memory rises above what the data takes, in MiB."""
    psutil = pytest.importorskip("psutil")
    model = Sequential([Dense(1, input_shape=(1024,))])
    model.compile("sgd", "mse")
    model.fit(np.zeros((512, 1024), "float32"), np.zeros(512), batch_size=256, verbose=0)
    rows = (megabytes << 20) // 1024 // np.dtype(dtype).itemsize
    x, y = np.full((rows, 1024), 1e-3, dtype), np.zeros((rows, 1), "float32")
    process, peak, done = psutil.Process(), [0], threading.Event()

    def watch():
        while not done.is_set():
            peak[0] = max(peak[0], process.memory_info().rss)
            time.sleep(0.002)

    before = process.memory_info().rss
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        model.fit(x, y, batch_size=256, verbose=0, **kwargs)
    finally:
        done.set()
        watcher.join()
    return (peak[0] - before) / 2**20


def test_memory_of_fit_does_not_grow_with_data_too_large_to_stay(monkeypatch):
    """200 MB stand for 2 GB: everything that is copied whole would be seen."""
    monkeypatch.setattr(data_module, "RESIDENT_BYTES", 1 << 20)
    assert growth_of_fit(200, "float64", validation_split=0.4) < 150
    assert growth_of_fit(200, "float32", validation_split=0.4) < 150


@pytest.mark.nightly
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_memory_of_fit_on_two_gigabytes_stays_under_data_and_300_megabytes(dtype):
    assert growth_of_fit(2048, dtype, validation_split=0.4) < 300
