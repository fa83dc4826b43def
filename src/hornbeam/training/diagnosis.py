"""How training went, told from its numbers: diverged, too fast, overfitted, still improving, or at its end."""

import math

import numpy as np

# Overfitting is said to have begun if, after the best epoch, there are at least this many more ...
LEAST_EPOCHS_AFTER = 3
# ... over which validation loss rose by at least this share of its best value.
LEAST_RISE = 0.1
# The loss is said to have diverged if it ends at this many times its lowest value ...
DIVERGED = 3.0
# ... and the rate to be too high if, in so large a share of the epochs, the loss rose by so large a share of itself.
JUMPY_EPOCHS = 0.3
JUMP = 0.2
# Still improving: over the last third of the epochs, three at least, a line falls by this share of the level there.
LEAST_FALL = 0.02


def overfitting_began(loss, val_loss):
    """Index of the epoch after which the model overfitted, or None.

    The rule: take the last epoch with the lowest validation loss. Overfitting began there if at least 3 epochs follow,
    if over these a straight line through validation loss rises by 10 % of the lowest value or more, and if a straight
    line through training loss falls. Lines, because single epochs go up and down by chance; without the lowest
    epoch itself, because it is the lowest by chance as well.

    Args:
        loss: training loss of each epoch.
        val_loss: validation loss of each epoch.

    Example:
        >>> overfitting_began([9, 5, 3, 2, 1, 0.5], [9, 6, 5, 6, 7, 8])
        2
        >>> overfitting_began([9, 5, 3, 2, 1, 0.5], [9, 6, 5, 4, 4, 3]) is None
        True
    """
    best = best_index(val_loss, higher=False)
    if best is None or len(val_loss) - 1 - best < LEAST_EPOCHS_AFTER:
        return None
    val_after, after = np.asarray(val_loss[best + 1 :], float), np.asarray(loss[best + 1 :], float)
    if not (np.isfinite(val_after).all() and np.isfinite(after).all()):
        return None
    epochs = np.arange(len(after))
    rise = np.polyfit(epochs, val_after, 1)[0] * (len(epochs) - 1)
    fall = np.polyfit(epochs, after, 1)[0]
    return best if rise > 0 and rise >= LEAST_RISE * abs(val_loss[best]) and fall < 0 else None


def best_index(values, higher):
    """Index of the last best finite value, or None."""
    finite = [value for value in values if math.isfinite(value)]
    if not finite:
        return None
    best = max(finite) if higher else min(finite)
    return max(index for index, value in enumerate(values) if value == best)


def diagnose(history):
    """One paragraph on the numbers of a History. The first of these that holds is said:

    1. The loss was not a finite number, or ended at 3 times its lowest value or more: it diverged.
    2. In 30 % of the epochs or more it rose by 20 % or more: the learning rate is too high.
    3. :func:`overfitting_began` says so: overfitting, since the epoch of the lowest validation loss.
    4. A straight line through the last third of the epochs (three at least) of validation loss, or of the loss where
       there is no validation, falls by 2 % of the mean there or more: still improving.
    5. Otherwise it has levelled off.
    """
    loss = list(history.history.get("loss", []))
    if not loss:
        return "Nothing to tell: there is no epoch with a loss. Train first: history = model.fit(...)."
    numbers = [epoch + 1 for epoch in history.epoch]
    return (
        _diverged(loss, numbers)
        or _too_fast(loss)
        or _overfitted(history)
        or _trend(history, loss, numbers)
    )


def _diverged(loss, numbers):
    bad = next((i for i, value in enumerate(loss) if not math.isfinite(value)), None)
    if bad is not None:
        return (
            f"Diverged: the loss is {loss[bad]} from epoch {numbers[bad]} on"
            f"{f', after {loss[bad - 1]:.3g} in the epoch before' if bad else ''}. Lower the learning rate, by a "
            f"factor of 10 to begin with, and look for NaN in the data."
        )
    lowest = best_index(loss, higher=False)
    if loss[lowest] > 0 and loss[-1] >= DIVERGED * loss[lowest]:
        return (
            f"Diverging: the loss was lowest in epoch {numbers[lowest]} ({loss[lowest]:.3g}) and ended at "
            f"{loss[-1]:.3g}, {loss[-1] / loss[lowest]:.1f} times as much. The learning rate is too high: lower it, by "
            f"a factor of 3 to 10, or clip gradients (clipnorm=1)."
        )
    return None


def _too_fast(loss):
    rises = [after / before - 1 for before, after in zip(loss, loss[1:]) if before > 0]
    jumps = [rise for rise in rises if rise >= JUMP]
    if len(loss) < 4 or len(jumps) < JUMPY_EPOCHS * len(rises):
        return None
    return (
        f"The learning rate is too high: the training loss rose by {100 * JUMP:.0f} % or more in {len(jumps)} of "
        f"{len(rises)} epochs, by {100 * max(jumps):.0f} % at the most, and ended at {loss[-1]:.3g} (lowest "
        f"{min(loss):.3g}). Lower it by a factor of 3 to 10, or take larger batches."
    )


def _overfitted(history):
    began, sentence = history.overfitting()
    if began is None:
        return None
    return (
        f"Overfitting since epoch {began}: {sentence[0].lower()}{sentence[1:]} Stop there "
        f"(EarlyStopping(restore_best_weights=True)), or get more data, dropout, weight decay or a smaller model."
    )


def _trend(history, loss, numbers):
    name = "val_loss" if len(history.history.get("val_loss", [])) >= 3 else "loss"
    words = "validation loss" if name == "val_loss" else "training loss"
    values = [v for v in history.history[name] if math.isfinite(v)]
    span = max(3, -(-len(values) // 3))
    if len(values) < 3:
        return (
            f"Too early to tell: {len(loss)} epoch{'s' * (len(loss) > 1)}, loss {loss[0]:.3g} to {loss[-1]:.3g}. "
            f"Train for 3 or more."
        )
    last = np.asarray(values[-span:], float)
    fall = -float(np.polyfit(np.arange(len(last)), last, 1)[0]) * (len(last) - 1)
    share = fall / max(abs(float(last.mean())), 1e-12)
    found = f"over the last {len(last)} of {len(values)} epochs {words} went from {last[0]:.3g} to {last[-1]:.3g}"
    without = "" if name == "val_loss" else " Without validation data nobody can see overfitting: pass some to fit."
    if share >= LEAST_FALL:
        return f"Still improving: {found}, a fall of {100 * share:.0f} % of its mean. More epochs will help.{without}"
    lowest = best_index(history.history[name], higher=False)
    every = len(numbers) / len(history.history[name])
    epoch = numbers[round((lowest + 1) * every) - 1]
    return (
        f"Levelled off: {found}, a change of {-100 * share:+.1f} %; the lowest was {min(values):.3g} in epoch "
        f"{epoch}. More epochs alone will not help: try a lower learning rate (ReduceLROnPlateau), or a larger "
        f"model.{without}"
    )

