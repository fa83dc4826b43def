"""History: the dict that knows both names, the table, the word on overfitting, the picture."""

import math
import sys

import numpy as np
import pytest

from hornbeam.training.history import History, overfitting_began


def history_of(**columns):
    """A History of training with these numbers."""
    history = History()
    history.on_train_begin()
    for epoch in range(len(next(iter(columns.values())))):
        history.on_epoch_end(epoch, {name: values[epoch] for name, values in columns.items()})
    return history


GENTLE = {"loss": [3.0, 2.0, 1.0], "val_loss": [3.0, 2.5, 2.0]}
TRAINED_TOO_LONG = {
    "loss": [2.0, 1.0, 0.8, 0.6, 0.4, 0.2, 0.1],
    "accuracy": [0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99],
    "val_loss": [2.1, 1.5, 1.2, 1.3, 1.5, 1.4, 1.9],
    "val_accuracy": [0.4, 0.6, 0.7, 0.75, 0.74, 0.74, 0.73],
}


def test_both_names_find_the_list():
    history = history_of(acc=[0.1, 0.2], val_acc=[0.3, 0.4])
    assert history.history["accuracy"] is history.history["acc"]
    assert history.history["val_accuracy"] == [0.3, 0.4]
    assert set(history.history) == {"acc", "val_acc"}
    assert history.epoch == [0, 1]


def test_numbers_become_floats():
    history = history_of(loss=[np.float32(0.5)], acc=[np.array(1)])
    assert [type(values[0]) for values in history.history.values()] == [float, float]


def test_training_again_starts_again():
    history = history_of(**GENTLE)
    history.on_train_begin()
    assert history.history == {}
    assert history.epoch == []


@pytest.mark.parametrize(
    ("loss", "val_loss", "began"),
    [
        ([5, 4, 3, 2, 1, 0.5], [5, 3, 4, 5, 6, 7], 1),
        ([5, 4, 3, 2, 1, 0.5], [5, 3, 5, 4, 6, 5], 1),  # up and down, but up
        ([5, 4, 3, 2, 1, 0.5], [6, 5, 4, 3, 2, 1], None),  # still improving
        ([5, 4, 3, 2, 1, 0.5], [5, 4, 3, 2, 9, 9], None),  # two epochs are too few to judge by
        ([5, 4, 3, 3, 4, 5], [5, 3, 4, 5, 6, 7], None),  # training loss rises as well: that is divergence
        ([5, 4, 3, 2, 1, 0.5], [5, 3, 3.01, 3.02, 3.03, 3.04], None),  # rises by 1 %, less than 10
        # a lowest value by chance, then up and down: what the digits demo gave
        ([0.03, 0.029, 0.028, 0.027, 0.02], [0.0312, 0.0345, 0.0449, 0.0354, 0.036], None),
        ([5, 4, 3, 2, 1, 0.5], [5, 3, 4, math.nan, 6, 7], None),
        ([5], [math.nan], None),
        ([], [], None),
    ],
)
def test_where_overfitting_began(loss, val_loss, began):
    assert overfitting_began(loss, val_loss) == began


def test_overfitting_in_words():
    began, words = history_of(**TRAINED_TOO_LONG).overfitting()
    assert began == 3  # counted from 1: the validation loss of 1.2
    assert words == (
        "Overfitting began after epoch 3: from there validation loss rose (1.2 to 1.9) "
        "while training loss fell (0.8 to 0.1)."
    )


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (GENTLE, "best in epoch 3. More epochs may help"),
        ({"loss": [3, 2, 1, 1, 1], "val_loss": [3, 1, 1.01, 1.02, 1.01]}, "best in epoch 2, and no steady rise"),
        ({"loss": [1.0]}, "pass validation_data or validation_split"),
        ({"loss": [1.0], "val_loss": [math.nan]}, "never a finite number"),
    ],
)
def test_no_overfitting_in_words(columns, words):
    began, sentence = history_of(**columns).overfitting()
    assert began is None
    assert words in sentence


def test_validation_every_other_epoch_is_matched_to_its_epochs():
    history = History()
    for epoch in range(10):
        logs = {"loss": 10.0 - epoch}
        if epoch % 2:
            logs["val_loss"] = [5.0, 4.0, 6.0, 7.0, 9.0][epoch // 2]
        history.on_epoch_end(epoch, logs)
    assert history.overfitting()[0] == 4  # its second validation, which came after epoch 4


def test_table():
    frame = history_of(**GENTLE).to_frame()
    assert frame.index.tolist() == [1, 2, 3]
    assert frame.index.name == "epoch"
    assert frame["val_loss"].tolist() == [3.0, 2.5, 2.0]


def test_table_with_a_number_that_came_late():
    history = history_of(loss=[1.0])
    history.on_epoch_end(1, {"loss": 0.5, "lr": 0.1})
    assert history.to_frame()["lr"].fillna(-1).tolist() == [-1, 0.1]


def _labels(panel):
    return [text.get_text() for text in panel.get_legend().get_texts()]


def test_picture(tmp_path):
    path = tmp_path / "curves.png"
    figure = history_of(**TRAINED_TOO_LONG, lr=[0.1] * 7).plot(path)
    assert path.read_bytes().startswith(b"\x89PNG")
    loss, accuracy, rate = figure.axes
    assert [panel.get_title(loc="left") for panel in figure.axes] == ["Loss", "Accuracy", "Learning rate"]
    assert _labels(loss) == ["training", "validation", "best: 1.2 in epoch 3"]
    assert _labels(accuracy) == ["training", "validation", "best: 0.75 in epoch 4"], "the highest, not the lowest"
    assert loss.lines[0].get_ydata().tolist() == TRAINED_TOO_LONG["loss"]
    assert loss.lines[1].get_xdata().tolist() == [1, 2, 3, 4, 5, 6, 7]
    assert [text.get_text() for text in loss.texts] == ["overfitting"]
    assert figure.get_supxlabel().replace("\n", " ").startswith("Overfitting began after epoch 3")
    assert rate.get_legend() is None


def test_picture_without_validation():
    figure = history_of(loss=[3.0, 1.0, 2.0]).plot(show=False)
    assert _labels(figure.axes[0]) == ["training", "best: 1 in epoch 2"]


def test_picture_of_diverged_training():
    figure = history_of(loss=[1.0, math.nan], val_loss=[math.nan, math.inf]).plot(show=False)
    assert _labels(figure.axes[0]) == ["training", "validation"]


def test_drawing_leaves_no_figure_open():
    from matplotlib import pyplot

    history_of(**GENTLE).plot(show=False)
    assert pyplot.get_fignums() == []


def test_nothing_to_draw():
    with pytest.raises(ValueError, match="no epoch to draw"):
        History().plot()


@pytest.mark.parametrize(
    ("library", "extra", "method"), [("matplotlib", "plot", "plot"), ("pandas", "data", "to_frame")]
)
def test_a_missing_library_is_answered_with_the_line_to_type(library, extra, method, monkeypatch):
    monkeypatch.setitem(sys.modules, library, None)  # makes importing it fail
    with pytest.raises(ImportError, match=rf'History\.{method} needs {library}.*: pip install "hornbeam\[{extra}\]"'):
        getattr(history_of(**GENTLE), method)()
