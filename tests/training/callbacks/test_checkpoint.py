"""ModelCheckpoint: when it saves, under which name, and what it refuses."""

import os

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam.layers import Dense
from hornbeam.models import Model, Sequential, load_model
from hornbeam.training.callbacks import ModelCheckpoint
from hornbeam.training.hooks import Callback


class Noted:
    """Writes down what it is asked to save."""

    def __init__(self):
        self.saved = []

    built = False

    def save(self, path, overwrite):
        self.saved.append(("model", path, overwrite))

    def save_weights(self, path, overwrite):
        self.saved.append(("weights", path, overwrite))


def run(checkpoint, values, name="val_loss"):
    """Train through `values`; returns what was saved."""
    checkpoint.set_params({"metrics": ["loss", name]})
    checkpoint.set_model(Noted())
    checkpoint.on_train_begin()
    for epoch, value in enumerate(values):
        checkpoint.on_epoch_end(epoch, {"loss": 0.125, name: value})
    return checkpoint.model.saved


def test_saves_every_epoch():
    assert run(ModelCheckpoint("m.h5"), [1, 2]) == [("model", "m.h5", True)] * 2


def test_the_name_is_formatted():
    saved = run(ModelCheckpoint("w.{epoch:02d}-{val_loss:.2f}-{loss:.1e}.h5", save_weights_only=True), [1.234, 0.5])
    assert saved == [("weights", "w.01-1.23-1.2e-01.h5", True), ("weights", "w.02-0.50-1.2e-01.h5", True)]


def test_the_name_knows_both_names_of_accuracy():
    assert run(ModelCheckpoint("{val_acc:.1f}"), [0.9], "val_accuracy") == [("model", "0.9", True)]


def test_saves_the_best_only():
    saved = run(ModelCheckpoint("{epoch}", save_best_only=True), [3.0, 4.0, 2.0, 2.0, 1.0])
    assert [path for _, path, _ in saved] == ["1", "3", "5"]


def test_the_best_accuracy_is_the_highest():
    saved = run(ModelCheckpoint("{epoch}", "val_acc", save_best_only=True), [0.5, 0.4, 0.6], "val_accuracy")
    assert [path for _, path, _ in saved] == ["1", "3"]


def test_a_threshold_must_be_beaten_first():
    checkpoint = ModelCheckpoint("{epoch}", save_best_only=True, initial_value_threshold=2.5)
    assert [path for _, path, _ in run(checkpoint, [3.0, 2.0])] == ["2"]


def test_every_third_epoch():
    assert [path for _, path, _ in run(ModelCheckpoint("{epoch}", period=3), range(7))] == ["3", "6"]


def test_what_it_says(capsys):
    run(ModelCheckpoint("m.h5", verbose=1, save_best_only=True), [2.0, 3.0])
    assert capsys.readouterr().out.splitlines() == [
        "Epoch 00001: val_loss improved from inf to 2.00000, saving model to m.h5",
        "Epoch 00002: val_loss did not improve from 2.00000",
    ]


def test_folders_are_made(tmp_path):
    path = tmp_path / "a" / "b" / "m.h5"
    assert run(ModelCheckpoint(path), [1]) == [("model", str(path), True)]
    assert path.parent.is_dir()


def test_classic_order_of_arguments():
    checkpoint = ModelCheckpoint("f", "acc", 1, True, True, "max", 2)
    assert (checkpoint.monitor, checkpoint.verbose, checkpoint.save_best_only) == ("acc", 1, True)
    assert (checkpoint.save_weights_only, checkpoint.mode, checkpoint.period) == (True, "max", 2)


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (ModelCheckpoint("m", "val_acc", save_best_only=True), "looks for 'val_acc', which"),
        (ModelCheckpoint("{epoch}-{val_acc:.2f}"), "looks for 'val_acc', which"),
    ],
)
def test_names_that_cannot_come_are_errors_before_the_first_epoch(checkpoint, message):
    checkpoint.set_params({"metrics": ["loss", "val_loss"]})
    with pytest.raises(ValueError, match=message):
        checkpoint.on_train_begin()


def test_the_monitor_matters_only_if_it_is_read():
    assert run(ModelCheckpoint("m", "val_acc"), [1]) == [("model", "m", True)]


def test_a_name_that_did_not_come_after_all():
    checkpoint = ModelCheckpoint("{f1}")
    checkpoint.set_model(Noted())
    with pytest.raises(ValueError, match="cannot form the file name '{f1}': there is no 'f1'; there are: loss, epoch"):
        checkpoint.on_epoch_end(0, {"loss": 1.0})


@pytest.mark.parametrize("period", [0, -1, 1.5])
def test_a_wrong_period(period):
    with pytest.raises(ValueError, match="period must be a whole number"):
        ModelCheckpoint("m", period=period)


# --- With real models ---


def small(loss="mse"):
    model = Sequential([Dense(1, input_shape=(2,))])
    model.compile("sgd", loss)
    return model


X, Y = np.ones((4, 2), "float32"), np.zeros((4, 1), "float32")


def test_the_best_model_of_a_training(tmp_path):
    model = small()
    model.layers[0].set_weights([np.ones((2, 1)), np.zeros(1)])
    model.optimizer.lr = 0.0

    class Worsen(Callback):
        """Moves the bias away, nearer, and away again."""

        def on_epoch_end(self, epoch, logs=None):
            model.layers[0].set_weights([np.ones((2, 1)), np.full(1, [5.0, -1.0, 3.0][epoch])])

    best, weights = tmp_path / "best.{epoch}.h5", tmp_path / "all" / "{epoch}.npz"
    watchers = [
        ModelCheckpoint(best, "loss", save_best_only=True), ModelCheckpoint(weights, save_weights_only=True), Worsen()
    ]  # fmt: skip
    losses = model.fit(X, Y, epochs=3, verbose=0, callbacks=watchers).history["loss"]
    assert losses == [4.0, 49.0, 1.0]
    assert sorted(os.listdir(tmp_path)) == ["all", "best.1.h5", "best.3.h5"]
    assert sorted(os.listdir(tmp_path / "all")) == ["1.npz", "2.npz", "3.npz"]
    loaded = load_model(tmp_path / "best.3.h5")
    assert loaded.evaluate(X, Y, verbose=0) == 1.0
    assert int(loaded.optimizer.iterations) == 3
    loaded.load_weights(tmp_path / "all" / "2.npz")
    assert loaded.get_weights()[1].tolist() == [5.0]


def test_a_model_that_cannot_be_saved_is_told_before_training():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = Dense(1)

        def call(self, inputs):
            return self.dense(inputs)

    own = Own()
    own.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match="save_weights"):
        own.fit(X, Y, verbose=0, callbacks=[ModelCheckpoint("never.h5")])
    with pytest.raises(ValueError, match="no name to be saved under"):
        small(lambda y, p: K.mean(K.abs(y - p))).fit(X, Y, verbose=0, callbacks=[ModelCheckpoint("never.h5")])
    assert not os.path.exists("never.h5")
