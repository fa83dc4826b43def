"""OptunaPruning, with stand-ins for the library and the trial."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from hornbeam import layers
from hornbeam.callbacks import OptunaPruning
from hornbeam.models import Sequential


class TrialPruned(Exception):
    pass


class Trial:
    def __init__(self, prune_at):
        self.prune_at, self.reported = prune_at, []

    def report(self, value, step):
        self.reported.append((step, value))

    def should_prune(self):
        return len(self.reported) >= self.prune_at


@pytest.fixture(scope="module")
def model():
    model = Sequential([layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    return model


def fit(model, trial, monitor="loss", **kwargs):
    callback = OptunaPruning(trial, monitor, **kwargs)
    return model.fit(np.ones((4, 2)), np.ones((4, 1)), epochs=4, verbose=0, callbacks=[callback])


def test_values_are_reported_and_the_trial_is_ended(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", SimpleNamespace(TrialPruned=TrialPruned))
    trial = Trial(2)
    with pytest.raises(TrialPruned, match="Pruned after epoch 2: loss was"):
        fit(model, trial)
    assert [step for step, _ in trial.reported] == [0, 1]
    trial = Trial(9)
    history = fit(model, trial, interval=2).history["loss"]
    assert trial.reported == [(1, history[1]), (3, history[3])]


def test_a_name_that_will_not_exist_is_an_error_before_the_first_epoch(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", SimpleNamespace(TrialPruned=TrialPruned))
    with pytest.raises(ValueError, match="OptunaPruning looks for 'val_loss'.* It will produce: loss"):
        fit(model, Trial(9), "val_loss")


def test_without_the_library_the_line_that_installs_it_is_said(model, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ImportError, match="OptunaPruning needs optuna"):
        fit(model, Trial(9))
