"""Short runs of fit: one batch of everything, few batches by heart, a limit of time."""

import numpy as np
import pytest

from hornbeam.callbacks import Callback, CSVLogger, ModelCheckpoint
from hornbeam.layers import Dense
from hornbeam.models import Sequential
from hornbeam.training.rehearsal import TimeLimit

draw = np.random.default_rng(0)
X = draw.normal(size=(40, 3)).astype("float32")
Y = draw.normal(size=(40, 1)).astype("float32")


def _model():
    model = Sequential([Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse")
    return model


class Heard(Callback):
    needs_batches = False

    def __init__(self):
        self.hooks = []

    def on_epoch_end(self, epoch, logs=None):
        self.hooks.append(sorted(logs))

    def on_train_end(self, logs=None):
        self.hooks.append("end")


def test_fast_dev_run_is_one_batch_of_everything_and_writes_nothing(tmp_path):
    model, heard = _model(), Heard()
    writers = [CSVLogger(tmp_path / "log.csv"), ModelCheckpoint(str(tmp_path / "m.h5"))]
    history = model.fit(
        X, Y, batch_size=8, epochs=50, validation_split=0.4, callbacks=[*writers, heard], fast_dev_run=True, verbose=0
    )
    assert int(model.optimizer.iterations) == 1
    assert sorted(history.history) == ["loss", "val_loss"]
    assert len(history.history["loss"]) == 1
    assert heard.hooks == [["loss", "val_loss"], "end"]
    assert list(tmp_path.iterdir()) == []


def test_overfit_batches_sees_the_first_batches_only():
    model = _model()
    start = model.get_weights()
    found = model.fit(X, Y, batch_size=4, epochs=2, validation_data=(X, Y), overfit_batches=2, verbose=0).history
    same = _model()
    same.set_weights(start)
    expected = same.fit(X[:8], Y[:8], batch_size=4, epochs=2, shuffle=False, validation_data=(X[:8], Y[:8]), verbose=0)
    assert found["loss"] == expected.history["loss"]
    assert found["val_loss"] == expected.history["val_loss"]
    with pytest.raises(ValueError, match="overfit_batches"):
        model.fit(X, Y, overfit_batches=0, verbose=0)


def test_max_time_ends_in_good_order():
    model, heard = _model(), Heard()
    history = model.fit(X, Y, epochs=10**6, validation_data=(X, Y), callbacks=[heard], max_time_s=0.5, verbose=0)
    epochs = len(history.history["loss"])
    assert 0 < epochs < 10**6
    assert len(history.history["val_loss"]) == epochs
    assert heard.hooks[-1] == "end"
    with pytest.raises(ValueError, match="max_time_s"):
        TimeLimit(0)
