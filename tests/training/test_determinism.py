"""One seed gives one result, to the bit; predict, a call and the evaluation agree to the bit.

That another process gives the same bits is seen in test_resume.py.
"""

import hashlib

import numpy as np
import pytest

from hornbeam import backend as K
from hornbeam import layers, utils
from hornbeam.callbacks import (
    BackupAndRestore,
    Callback,
    CSVLogger,
    EarlyStopping,
    LambdaCallback,
    ModelCheckpoint,
    ReduceLROnPlateau,
    TerminateOnNaN,
)
from hornbeam.models import Sequential

ROWS = 40
SHAPES = {"mlp": (6,), "cnn": (6, 6, 2), "lstm": (4, 3)}


def build(kind):
    body = {
        "mlp": lambda: [layers.Dense(8, "relu", input_shape=SHAPES[kind]), layers.BatchNormalization()],
        "cnn": lambda: [layers.Conv2D(3, 3, activation="relu", input_shape=SHAPES[kind]), layers.Flatten()],
        "lstm": lambda: [layers.LSTM(5, dropout=0.2, input_shape=SHAPES[kind])],
    }[kind]()
    model = Sequential([*body, layers.Dropout(0.3), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    return model


def data(kind):
    draw = np.random.RandomState(8)
    return draw.rand(ROWS, *SHAPES[kind]).astype("float32"), draw.rand(ROWS, 1).astype("float32")


def callbacks(folder):
    """Every kind of company a training may have; those of batches make it go step by step."""
    return {
        "nobody": list,
        "batches": lambda: [LambdaCallback(on_batch_end=lambda batch, logs: None), TerminateOnNaN()],
        "epochs": lambda: [EarlyStopping("loss", patience=5), ReduceLROnPlateau("loss", factor=0.5, patience=9)],
        "files": lambda: [CSVLogger(folder / "log.csv"), ModelCheckpoint(str(folder / "w.h5"), save_weights_only=True)],
        "backups": lambda: [BackupAndRestore(folder / "backup", 1)],
        "plain": lambda: [Callback()],
    }


@pytest.mark.parametrize("kind", SHAPES)
def test_twenty_runs_with_one_seed_give_one_hash(kind, tmp_path, capsys):
    (x, y), company = data(kind), callbacks(tmp_path)
    hashes = set()
    model = first = None
    for number in range(20):
        utils.set_random_seed(3)
        if number == 0 or (number == 10 and kind == "mlp"):  # a model made and compiled anew
            model = build(kind)
            first = model.get_weights()
        else:  # the same one, back at its beginning
            model.set_weights(first)
            model.optimizer.set_weights([np.zeros_like(w) for w in model.optimizer.get_weights()])
        utils.set_random_seed(4)
        who = list(company)[number % len(company)]
        history = model.fit(x, y, batch_size=9, epochs=2, verbose=number % 3, validation_split=0.2,
                            callbacks=company[who]())  # fmt: skip
        digest = hashlib.sha256(b"".join(w.tobytes() for w in model.get_weights()))
        digest.update(repr({name: history.history[name] for name in ("loss", "val_loss", "mae", "val_mae")}).encode())
        hashes.add(digest.hexdigest())
    assert len(hashes) == 1
    assert "Epoch 2/2" in capsys.readouterr().out


@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("size", [1, 8])
def test_predict_a_call_and_the_evaluation_give_the_same_bits_for_the_same_batches(models_that_show, kind, size):
    model, x = models_that_show(kind)
    batches = [x[i : i + size] for i in range(0, 32, size)]
    predicted = model.predict(x[:32], batch_size=size)
    called = np.concatenate([K.get_value(model(batch)) for batch in batches])
    one_by_one = np.concatenate([model.predict_on_batch(batch) for batch in batches])
    np.testing.assert_array_equal(predicted, called)
    np.testing.assert_array_equal(predicted, one_by_one)
    # The loss is the output itself, of the one row that counts.
    zeros = np.zeros((size, 1), "float32")
    for place, batch in enumerate(batches[:2]):
        seen = model.evaluate(batch, zeros, batch_size=size, sample_weight=np.eye(size)[0], verbose=0)
        assert np.float32(seen) == predicted[place * size, 0]


@pytest.mark.parametrize("kind", SHAPES)
def test_other_batch_sizes_change_no_more_than_the_last_bits(models_that_show, kind):
    model, x = models_that_show(kind)
    whole = model.predict(x, batch_size=ROWS)
    for size in (1, 8):
        np.testing.assert_allclose(model.predict(x, batch_size=size), whole, rtol=2e-6, atol=2e-7)


@pytest.fixture(scope="module")
def models_that_show():
    made = {}

    def model_of(kind):
        if kind not in made:
            made[kind] = build(kind)
            made[kind].compile("sgd", lambda y_true, y_pred: K.mean(y_pred, axis=-1))
        return made[kind], data(kind)[0]

    return model_of
