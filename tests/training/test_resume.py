"""A run that is killed and started again ends as one that was left alone, to the bit."""

import json
import os
import random
import runpy
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hornbeam import GradientTape, Input, layers, utils
from hornbeam import backend as K
from hornbeam.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping
from hornbeam.models import Model, Sequential
from hornbeam.saving.errors import ModelFileError
from hornbeam.training import resume
from hornbeam.training.callbacks import backup

PROGRAM = Path(__file__).with_name("killed_program.py")


# --- Killed with SIGKILL at any moment ---


def start(folder, kill_after_s=0.0):
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(folder), str(kill_after_s)],
        capture_output=True, text=True, timeout=1200, env={**os.environ, "PYTHONWARNINGS": "error"},
    )  # fmt: skip
    if done.returncode not in (0, -signal.SIGKILL):
        raise AssertionError(done.stderr)
    return done.returncode == 0


def outcome(folder):
    with np.load(folder / "result.npz") as weights:
        files = {path.name: path.read_text() for path in sorted(folder.glob("*.csv"))}
        result = json.loads((folder / "result.json").read_text())
        return {name: weights[name].tobytes() for name in weights}, result["histories"], files, result["seconds"]


def kill_and_compare(tmp_path, kills, chooser):
    """Start, kill at a random moment, start again, until so many kills are done; then let it end."""
    undisturbed, folder, killed = tmp_path / "undisturbed", tmp_path / "killed", 0
    for path in (undisturbed, folder):
        path.mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(PROGRAM), str(undisturbed), "0"])
        runpy.run_path(str(PROGRAM))
    *wanted, seconds = outcome(undisturbed)
    while killed < kills:
        if start(folder, chooser.uniform(0.0, 1.2 * seconds / max(1, min(kills, 4)))):
            *found, last_s = outcome(folder)
            assert found == wanted
            seconds = min(seconds, last_s)  # so that kills come soon enough though the first run was a slow one
            for path in folder.rglob("*"):  # ended before all kills were done: begin again
                if path.is_file():
                    path.unlink()
        else:
            killed += 1
    assert start(folder)
    *found, _ = outcome(folder)
    assert found == wanted
    assert not [path.name for path in folder.rglob("*.tmp")]  # what killed writers left behind is cleared away


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_four_times_at_random_the_run_ends_with_the_same_bits(tmp_path):
    kill_and_compare(tmp_path, 4, random.Random(11))


@pytest.mark.nightly
@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL")
def test_killed_at_fifty_random_moments_the_run_ends_with_the_same_bits(tmp_path):
    kill_and_compare(tmp_path, 50, random.Random())


# --- Stopped by an exception, in the same process ---


class Stop(Exception):
    """Raised by a callback in place of a kill."""


class StopAt(Callback):
    """Raises at the n-th batch."""

    stateless = True

    def __init__(self, batch):
        self.left = batch

    def on_batch_end(self, batch, logs=None):
        self.left -= 1
        if self.left == 0:
            raise Stop


X = np.random.RandomState(0).rand(20, 3).astype("float32")
Y = X.sum(1, keepdims=True)


@pytest.fixture(scope="module")
def model():
    model = Sequential([layers.Dense(4, input_shape=(3,)), layers.Dropout(0.4), layers.Dense(1)])
    model.compile("adam", "mse")
    model.fit(X, Y, batch_size=6, verbose=0)
    return model


@pytest.fixture
def train(model):
    """Train from the same beginning: (bytes of the weights, history)."""

    def train(epochs=3, callbacks=(), x=X, **kwargs):
        utils.set_random_seed(2)
        random_weights = np.random.RandomState(1)
        model.set_weights([random_weights.rand(*w.shape) for w in model.get_weights()])
        model.optimizer.set_weights([np.zeros_like(w) for w in model.optimizer.get_weights()])
        model.optimizer.lr = 0.01
        history = model.fit(x, Y[: len(x)], batch_size=6, epochs=epochs, verbose=0, callbacks=list(callbacks), **kwargs)
        return [w.tobytes() for w in model.get_weights()], history.history

    return train


@pytest.mark.parametrize("batch", [1, 3, 4, 5, 11])
@pytest.mark.parametrize("save_freq", ["epoch", 1, 2])
def test_stopped_at_any_batch_and_saved_at_any_step(train, tmp_path, batch, save_freq):
    wanted = train()
    with pytest.raises(Stop):
        train(callbacks=[StopAt(batch), BackupAndRestore(tmp_path, save_freq)])
    assert train(callbacks=[BackupAndRestore(tmp_path, save_freq)]) == wanted
    assert not list(tmp_path.glob("*"))  # delete_checkpoint


def test_resume_keeps_the_end_of_training_and_gives_it_at_once(train, tmp_path, model):
    wanted = train(resume=tmp_path / "run")
    seen = []
    watch = [Callback()]
    watch[0].on_epoch_begin = lambda epoch, logs=None: seen.append(epoch)
    assert train(callbacks=watch, resume=tmp_path / "run") == wanted
    assert seen == []
    assert train(5, resume=tmp_path / "run") == train(5)  # more epochs go on from there
    assert train(5) != wanted


def test_resume_goes_on_where_early_stopping_had_stopped(train, tmp_path, model):
    stopping = lambda: [EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)]  # noqa: E731
    wanted = train(6, stopping(), resume=tmp_path)
    assert len(wanted[1]["loss"]) == 2
    assert train(6, stopping(), resume=tmp_path) == wanted
    assert model.stop_training


class Remembers(Callback):
    """A user's callback: an argument, a count, a generator of its own, a list, and a function that is no data."""

    def __init__(self, step):
        self.step = step
        self.total, self.seen, self.function = 0, [], print
        self.generator = np.random.default_rng(4)

    def on_epoch_end(self, epoch, logs=None):
        self.total += self.step
        self.seen.append((epoch, self.generator.random()))


def test_plain_attributes_of_a_users_callback_go_on_and_its_arguments_stay(train, tmp_path, monkeypatch):
    monkeypatch.setattr(backup, "_LEAST_S", 1e9)  # so that 'auto' saves nothing before the end, on a slow machine too
    whole = Remembers(2)
    train(callbacks=[whole])
    with pytest.raises(Stop):
        train(callbacks=[Remembers(2), StopAt(10)], resume=tmp_path)
    with pytest.raises(Stop):
        train(callbacks=[Remembers(2), StopAt(10), BackupAndRestore(tmp_path)])
    again = Remembers(2)
    train(callbacks=[again, BackupAndRestore(tmp_path)])
    assert (again.total, again.seen) == (whole.total, whole.seen)
    assert set(again.get_state()) == {"total", "seen", "generator"}


def test_get_state_and_set_state_are_the_users_to_define(train, tmp_path):
    class Own(Callback):
        def __init__(self):
            self.inner = {"count": 0}
            self.given = None

        def on_epoch_end(self, epoch, logs=None):
            self.inner["count"] += 1

        def get_state(self):
            return {"count": self.inner["count"]}

        def set_state(self, state):
            self.given = state
            self.inner["count"] = state["count"]

    with pytest.raises(Stop):
        train(callbacks=[Own(), StopAt(10), BackupAndRestore(tmp_path)])
    again = Own()
    train(callbacks=[again, BackupAndRestore(tmp_path)])
    assert again.given == {"count": 2}
    assert again.inner == {"count": 3}


def test_rows_written_after_the_backup_are_cut_off_a_csv_file(train, tmp_path):
    log, folder = tmp_path / "log.csv", tmp_path / "run"
    train(callbacks=[CSVLogger(log)])
    wanted = log.read_text()
    stopped = CSVLogger(log)
    with pytest.raises(Stop):
        train(callbacks=[stopped, StopAt(10), BackupAndRestore(folder)])
    stopped.on_train_end()
    with open(log, "a", encoding="utf-8") as file:
        file.write("2,0.1\n")
    train(callbacks=[CSVLogger(log), BackupAndRestore(folder)])
    assert log.read_text() == wanted


# --- What is refused ---


def test_the_state_of_another_model_is_refused_and_nothing_is_changed(train, tmp_path):
    train(resume=tmp_path)
    other = Sequential([layers.Dense(5, input_shape=(3,)), layers.Dense(1)])
    other.compile("adam", "mse")
    before = other.get_weights()
    with pytest.raises(ValueError, match=r"The backup is of another run: of a model with .* of shape \(3, 4\); "):
        other.fit(X, Y, verbose=0, resume=tmp_path)
    np.testing.assert_array_equal(before[0], other.get_weights()[0])


def test_other_data_in_the_middle_of_an_epoch_is_refused(train, tmp_path):
    with pytest.raises(Stop):
        train(callbacks=[StopAt(3), BackupAndRestore(tmp_path, 1)])
    with pytest.raises(ValueError, match="epoch of 20 rows in batches of 6; this fit has 19 rows"):
        train(x=X[:19], callbacks=[BackupAndRestore(tmp_path, 1)])


def test_a_flipped_bit_is_found_and_the_state_before_serves(train, tmp_path):
    wanted = train()
    with pytest.raises(Stop):
        train(callbacks=[StopAt(10), BackupAndRestore(tmp_path, double_checkpoint=True)])
    path = tmp_path / resume.FILE
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert train(callbacks=[BackupAndRestore(tmp_path, double_checkpoint=True, delete_checkpoint=False)]) == wanted
    (tmp_path / resume.BEFORE).unlink()
    path.write_bytes(content)
    with pytest.raises(ModelFileError):
        train(callbacks=[BackupAndRestore(tmp_path)])


def test_wrong_arguments_are_answered():
    with pytest.raises(ValueError, match="'epoch', 'auto' or a whole number of steps; got 'batch'"):
        BackupAndRestore("folder", "batch")
    with pytest.raises(ValueError, match="the path of a folder"):
        BackupAndRestore(3)


class OfItsOwn(Model):
    """Trains by a step of its own, whose dropout draws by the number of steps that were done."""

    def train_step(self, data):
        x, y = data
        with GradientTape() as tape:
            loss = K.mean(K.square(self(x, training=True) - y))
        gradients = tape.gradient(loss, self.trainable_weights)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_weights))
        return {"loss": loss}


def test_a_step_of_ones_own_goes_on_to_the_same_bits(tmp_path):
    x = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")

    def trained(epochs, **kwargs):
        utils.set_random_seed(3)
        inputs = Input((4,))
        hidden = layers.Dropout(0.3)(layers.Dense(8, activation="relu")(inputs))
        model = OfItsOwn(inputs, layers.Dense(1)(hidden))
        model.compile("adam", "mse")
        return model.fit(x, x[:, :1], epochs=epochs, verbose=0, **kwargs).history["loss"], model.get_weights()

    losses, weights = trained(3)
    trained(2, resume=str(tmp_path))
    again, found = trained(3, resume=str(tmp_path))
    assert again == losses
    assert all(np.array_equal(a, b) for a, b in zip(found, weights, strict=True))
