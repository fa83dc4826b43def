"""How training went, in words with numbers: a worked example for each verdict."""

import math

import pytest

from hornbeam.training.history import History


def told(**columns):
    history = History()
    for epoch in range(len(next(iter(columns.values())))):
        history.on_epoch_end(epoch, {name: values[epoch] for name, values in columns.items()})
    return history.diagnose()


def test_still_improving():
    # The last third, three epochs: a line from 0.6 to 0.4 falls by 0.2, which is 40 % of the mean 0.5.
    text = told(loss=[1.0, 0.8, 0.6, 0.5, 0.4])
    assert text.startswith("Still improving: over the last 3 of 5 epochs training loss went from 0.6 to 0.4, a fall")
    assert "of 40 %" in text
    assert "nobody can see overfitting" in text


def test_still_improving_is_told_from_validation_where_there_is_some():
    text = told(loss=[1.0, 0.8, 0.6], val_loss=[1.2, 1.0, 0.8])
    assert "validation loss went from 1.2 to 0.8, a fall of 40 % of its mean. More epochs will help." in text


def test_levelled_off():
    # the last three: a line from 0.502 to 0.500 falls by 0.4 % of the mean
    text = told(loss=[1.0, 0.6, 0.52, 0.502, 0.501, 0.5], val_loss=[1.0, 0.7, 0.6, 0.6, 0.6, 0.6])
    assert text.startswith("Levelled off: over the last 3 of 6 epochs validation loss went from 0.6 to 0.6")
    assert "the lowest was 0.6 in epoch 6" in text
    assert "ReduceLROnPlateau" in text


def test_overfitting_since_an_epoch():
    text = told(loss=[2.0, 1.0, 0.8, 0.6, 0.4, 0.2], val_loss=[2.1, 1.5, 1.2, 1.4, 1.5, 1.9])
    assert text.startswith("Overfitting since epoch 3: overfitting began after epoch 3: from there validation loss")
    assert "(1.2 to 1.9) while training loss fell (0.8 to 0.2)" in text
    assert "EarlyStopping(restore_best_weights=True)" in text


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_diverged_to_no_number(bad):
    text = told(loss=[2.0, 9.0, bad, bad])
    assert text.startswith(f"Diverged: the loss is {bad} from epoch 3 on, after 9 in the epoch")
    assert told(loss=[bad]).startswith(f"Diverged: the loss is {bad} from epoch 1 on. Lower")


def test_diverging():
    # 6 / 1.5 = 4 times the lowest
    text = told(loss=[2.0, 1.5, 1.6, 2.5, 6.0])
    assert text.startswith("Diverging: the loss was lowest in epoch 2 (1.5) and ended at 6, 4.0 times as much.")


def test_learning_rate_too_high():
    # rises: 1.0 -> 1.5 (50 %), 1.2 -> 1.8 (50 %), 1.1 -> 1.4 (27 %): 3 of 6
    text = told(loss=[1.0, 1.5, 1.2, 1.8, 1.1, 1.4, 1.3])
    assert text.startswith("The learning rate is too high: the training loss rose by 20 % or more in 3 of 6 epochs")
    assert "by 50 % at the most" in text
    assert "ended at 1.3 (lowest 1)" in text


def test_a_single_jump_is_no_verdict():
    assert told(loss=[1.0, 1.5, 1.2, 1.1, 0.9, 0.8, 0.7]).startswith("Still improving")


def test_too_early_and_nothing():
    assert told(loss=[1.0, 0.9]) == "Too early to tell: 2 epochs, loss 1 to 0.9. Train for 3 or more."
    assert History().diagnose().startswith("Nothing to tell")


def test_validation_every_other_epoch_names_the_right_epoch():
    history = History()
    for epoch, value in enumerate([None, 0.6, None, 0.601, None, 0.602]):
        history.on_epoch_end(epoch, {"loss": 0.5, **({} if value is None else {"val_loss": value})})
    assert "the lowest was 0.6 in epoch 2" in history.diagnose()
