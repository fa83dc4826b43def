"""EarlyStopping beside Keras, and TerminateOnNaN."""

import types

import keras
import numpy as np
import pytest

from hornbeam.training.callbacks import EarlyStopping, LambdaCallback, TerminateOnNaN
from hornbeam.training.hooks import Callback, CallbackList


class Model:
    """Weights are the number of the epoch that ended last."""

    def __init__(self):
        self.stop_training = False
        self.weights = [np.array(-1)]

    def get_weights(self):
        return list(self.weights)

    def set_weights(self, weights):
        self.weights = weights


def run(callback, name, values):
    """Train through `values`; returns the epochs it took and the model."""
    model = Model()
    callback.set_params({"metrics": [name]})
    callback.set_model(model)
    callback.on_train_begin()
    for epoch, value in enumerate(values):
        model.weights = [np.array(epoch)]
        callback.on_epoch_end(epoch, {name: value})
        if model.stop_training:
            break
    callback.on_train_end()
    return epoch + 1, model


SERIES = {
    "falling": [5.0, 4.0, 3.0, 2.0, 1.0, 0.5],
    "rising": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
    "valley": [3.0, 2.0, 1.0, 2.0, 3.0, 4.0],
    "steps": [3.0, 3.0, 2.9, 2.9, 2.8, 2.8],
    "nan": [3.0, float("nan"), float("nan"), float("nan"), 1.0, 1.0],
}


SETTINGS = [{}, {"patience": 2}, {"patience": 1, "min_delta": 0.15}, {"patience": 2, "start_from_epoch": 1}]
# To Keras the first value it sees is an improvement even if it is NaN; to the classics, and to us, NaN never is.
CASES = [(name, given) for name in SERIES for given in SETTINGS if not (name == "nan" and "start_from_epoch" in given)]


@pytest.mark.parametrize(("series", "settings"), CASES, ids=str)
@pytest.mark.parametrize("mode", ["min", "max"])
def test_stops_when_keras_does(series, mode, settings):
    ours, _ = run(EarlyStopping("loss", mode=mode, **settings), "loss", SERIES[series])
    theirs, _ = run(keras.callbacks.EarlyStopping("loss", mode=mode, **settings), "loss", SERIES[series])
    assert ours == theirs


@pytest.mark.parametrize(
    ("series", "epochs"),
    [
        ("falling", 2),  # 5 and 4 are above 2.5: two epochs without a value better than the best, which is 2.5
        ("valley", 5),  # 3; 2 and 1 are better; 2 and 3 are not
        ("steps", 2),
    ],
)
def test_the_classic_baseline_is_the_first_best(series, epochs):
    # Today's Keras lets any improvement pass until the baseline is beaten: 'falling' would go on to its end.
    assert run(EarlyStopping("loss", patience=2, baseline=2.5), "loss", SERIES[series])[0] == epochs


def test_keeps_the_last_weights_unless_asked():
    epochs, model = run(EarlyStopping("loss", patience=2), "loss", SERIES["valley"])
    assert (epochs, int(model.weights[0])) == (5, 4)


def test_restores_the_best_weights(capsys):
    stopping = EarlyStopping("loss", patience=2, restore_best_weights=True, verbose=1)
    epochs, model = run(stopping, "loss", SERIES["valley"])
    assert (epochs, int(model.weights[0])) == (5, 2)
    assert capsys.readouterr().out == "Restoring the weights of epoch 3, the best.\nEpoch 00005: early stopping\n"


def test_restores_only_where_it_stopped_training():
    # Classic: when the epochs run out the last weights stay. The best was epoch 3 of 4.
    stopping = EarlyStopping("loss", patience=5, restore_best_weights=True)
    _, model = run(stopping, "loss", SERIES["valley"][:4])
    assert int(model.weights[0]) == 3


def test_a_baseline_never_beaten_leaves_the_weights():
    stopping = EarlyStopping("loss", patience=1, baseline=0.1, restore_best_weights=True)
    epochs, model = run(stopping, "loss", SERIES["falling"])
    assert (epochs, int(model.weights[0])) == (1, 0)


def test_a_second_training_starts_afresh():
    stopping = EarlyStopping("loss", patience=1)
    assert run(stopping, "loss", SERIES["rising"])[0] == 2
    assert run(stopping, "loss", SERIES["rising"])[0] == 2


@pytest.mark.parametrize(("monitor", "upward"), [("val_acc", True), ("auc", True), ("val_loss", False), ("mse", False)])
def test_the_direction_follows_the_name(monitor, upward):
    assert EarlyStopping(monitor).upward is upward


def test_both_names_of_accuracy_are_one():
    assert run(EarlyStopping("acc"), "accuracy", SERIES["valley"])[0] == 2  # 3, 2: accuracy fell


def test_classic_order_of_arguments():
    stopping = EarlyStopping("acc", 0.1, 3, 1, "max", 0.5, True)
    assert (stopping.monitor, stopping.min_delta, stopping.patience, stopping.verbose) == ("acc", 0.1, 3, 1)
    assert (stopping.mode, stopping.baseline, stopping.restore_best_weights) == ("max", 0.5, True)


def test_an_unknown_mode():
    with pytest.raises(ValueError, match="mode must be 'auto', 'min' or 'max'; got 'maximum'"):
        EarlyStopping(mode="maximum")


@pytest.mark.parametrize(
    ("monitor", "names", "message"),
    [
        ("val_loss", ["loss", "acc"], "produce: loss, acc. Pass validation_data or validation_split"),
        ("val_acuracy", ["loss", "val_loss", "val_accuracy"], "Did you mean 'val_accuracy'"),
        ("f1", ["loss", "val_loss"], "EarlyStopping looks for 'f1', which this training will not produce"),
    ],
)
def test_a_name_that_cannot_come_is_an_error_before_the_first_epoch(monitor, names, message):
    callbacks = CallbackList([EarlyStopping(monitor)], model=Model(), metrics=names)
    with pytest.raises(ValueError, match=message):
        callbacks.on_train_begin()


WRITERS = [LambdaCallback(on_epoch_end=print), type("F1", (Callback,), {"on_epoch_end": print})()]


@pytest.mark.parametrize("writer", WRITERS)
def test_a_users_callback_may_bring_the_name(writer):
    CallbackList([writer, EarlyStopping("val_f1")], model=Model(), metrics=["loss"]).on_train_begin()
    with pytest.raises(ValueError, match="val_f1"):  # it would come too late
        CallbackList([EarlyStopping("val_f1"), writer], model=Model(), metrics=["loss"]).on_train_begin()


def test_a_name_that_did_not_come_after_all_is_warned_about():
    stopping = EarlyStopping("val_f1")
    stopping.set_params({"metrics": ["loss"]})
    with pytest.warns(RuntimeWarning, match="does nothing: it looks for 'val_f1', and this epoch has: loss"):
        stopping.on_epoch_end(0, {"loss": 1.0})


def test_an_epoch_without_validation_is_passed_over():
    stopping = EarlyStopping("val_loss")
    stopping.set_params({"metrics": ["loss", "val_loss"]})
    stopping.set_model(Model())
    stopping.on_epoch_end(0, {"loss": 1.0})
    assert stopping.wait == 0


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), -float("inf"), np.float32("nan")])
def test_a_loss_that_is_no_number_ends_training(loss, capsys):
    watch = TerminateOnNaN()
    watch.set_model(types.SimpleNamespace(stop_training=False))
    watch.on_train_batch_end(1, {"loss": 0.5})
    assert not watch.model.stop_training
    watch.on_train_batch_end(2, {"loss": loss})
    assert watch.model.stop_training
    assert capsys.readouterr().out == "Batch 2: Invalid loss, terminating training\n"
