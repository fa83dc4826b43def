"""Callbacks written for real Keras 3, and some of its own, work here unchanged."""

import csv

import numpy as np
import pytest
from keras import callbacks as theirs

from hornbeam import backend as K
from hornbeam import layers
from hornbeam.callbacks import BackupAndRestore
from hornbeam.models import Sequential

X = np.random.RandomState(0).rand(12, 3).astype("float32")
Y = X.sum(1, keepdims=True)


@pytest.fixture(scope="module")
def model():
    model = Sequential([layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def fit(model, *callbacks, epochs=4):
    model.optimizer.lr = 0.1
    model.set_weights([np.zeros((3, 1)), np.zeros(1)])
    return model.fit(X, Y, batch_size=4, epochs=epochs, verbose=0, validation_data=(X, Y), callbacks=list(callbacks))


class Everything(theirs.Callback):
    """A subclass of their Callback with every kind of hook, which adds to the logs and ends training."""

    def __init__(self):
        super().__init__()
        self.called = []

    def on_train_begin(self, logs=None):
        self.called.append("train begin")

    def on_epoch_begin(self, epoch, logs=None):
        self.called.append(("epoch", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.called.append((batch, sorted(logs)))

    def on_test_end(self, logs=None):
        self.called.append("test end")

    def on_epoch_end(self, epoch, logs=None):
        logs["twice"] = 2 * logs["loss"]
        if epoch == 1:
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        self.called.append("train end")


def test_a_subclass_of_their_callback_hears_every_hook_in_order(model):
    callback = Everything()
    history = fit(model, callback)
    batches = [(batch, ["batch", "loss", "mae", "size"]) for batch in range(3)]
    assert callback.called == [
        "train begin", ("epoch", 0), *batches, "test end", ("epoch", 1), *batches, "test end", "train end",
    ]  # fmt: skip
    assert history.history["twice"] == [2 * loss for loss in history.history["loss"]]
    assert callback.params["epochs"] == 4
    assert callback.model is model


def test_lambda_and_csv(model, tmp_path):
    seen = []
    fit(model, theirs.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append((epoch, logs["val_loss"]))),
        theirs.CSVLogger(tmp_path / "log.csv"))  # fmt: skip
    with open(tmp_path / "log.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(int(row["epoch"]), float(row["val_loss"])) for row in rows] == seen
    assert len(seen) == 4


def test_early_stopping_restores_the_best_weights(model):
    callback = theirs.EarlyStopping("val_loss", mode="max", patience=0, restore_best_weights=True)
    callback_weights = []
    keep = theirs.LambdaCallback(on_epoch_end=lambda epoch, logs: callback_weights.append(model.get_weights()))
    assert len(fit(model, keep, callback).epoch) == 2
    np.testing.assert_array_equal(model.get_weights()[0], callback_weights[0][0])


def test_rates_are_set(model):
    fit(model, theirs.LearningRateScheduler(lambda epoch, lr: lr / 2))
    assert float(K.get_value(model.optimizer.lr)) == pytest.approx(0.1 / 16)
    history = fit(model, theirs.ReduceLROnPlateau("val_loss", mode="max", patience=1, factor=0.5))
    assert float(K.get_value(model.optimizer.lr)) == pytest.approx(0.1 / 8)
    np.testing.assert_allclose(history.history["lr"], [0.1, 0.1, 0.05, 0.025], rtol=1e-6)


def test_model_checkpoint_writes_weights_that_load(model, tmp_path):
    path = str(tmp_path / "best.weights.h5")
    fit(model, theirs.ModelCheckpoint(path, save_weights_only=True, save_best_only=True, monitor="val_loss"))
    wanted = model.get_weights()[0]
    model.set_weights([np.zeros((3, 1)), np.zeros(1)])
    model.load_weights(path)
    np.testing.assert_array_equal(model.get_weights()[0], wanted)


def test_terminate_on_nan_and_history(model):
    past = theirs.History()
    fit(model, theirs.TerminateOnNaN(), past)
    assert len(past.history["loss"]) == 4


def test_their_state_goes_on_after_a_restart(model, tmp_path):
    class Stop(theirs.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 2:
                raise KeyboardInterrupt

    def patient():
        return theirs.EarlyStopping("val_loss", mode="max", patience=3)

    whole = fit(model, patient(), epochs=8).epoch
    with pytest.raises(KeyboardInterrupt):
        fit(model, patient(), Stop(), BackupAndRestore(tmp_path), epochs=8)
    assert fit(model, patient(), BackupAndRestore(tmp_path), epochs=8).epoch == whole == [0, 1, 2, 3]
