"""What training leaves behind: the numbers of each epoch as dict, table or picture, and a word on overfitting."""

import math

from hornbeam import backend as K
from hornbeam.training import diagnosis
from hornbeam.training.diagnosis import overfitting_began
from hornbeam.training.hooks import Callback
from hornbeam.training.logs import MetricDict, higher_is_better, known_as


class History(Callback):
    """The numbers of every epoch; `fit` returns one.

    `history.history['acc']` and `history.history['accuracy']` are the same list, whichever name the metric was given.
    A further `fit` starts a further history.

    Attributes:
        history: dict from name to list of floats, one an epoch; 'val_' names for validation.
        epoch: list of epoch numbers, from 0.
        compilations: list of (what was compiled during training, seconds); 'training' and 'validation' are the steps.
        params: facts of the run. model: the model that was trained.

    Example:
        >>> past = History()
        >>> past.on_train_begin()
        >>> past.on_epoch_end(0, {"loss": 0.5, "acc": 0.8})
        >>> past.history["accuracy"], past.epoch
        ([0.8], [0])
    """

    def __init__(self):
        self.history = MetricDict()
        self.epoch = []
        self.compilations = []
        self._seen = len(K.engine.compilations())  # those in the list, or from before

    def on_train_begin(self, logs=None):
        """Start from nothing."""
        self.history = MetricDict()
        self.epoch = []
        self.compilations = []
        self._seen = len(K.engine.compilations())

    def on_test_begin(self, logs=None):
        """What was compiled up to here was for training."""
        self._note_compilations("training")

    def on_test_end(self, logs=None):
        """What was compiled since was for validation."""
        self._note_compilations("validation")

    def _note_compilations(self, phase):
        done = K.engine.compilations()
        for name, seconds in done[self._seen :]:
            self.compilations.append((phase if name == "run" else name, seconds))
        self._seen = len(done)

    def on_epoch_end(self, epoch, logs=None):
        """Keep the epoch's numbers."""
        self._note_compilations("training")
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(known_as(name, self.history.keys()) or name, []).append(_plain(value))

    def get_state(self):
        """The numbers so far."""
        return {"history": dict(self.history), "epoch": list(self.epoch)}

    def set_state(self, state):
        """Go on from these numbers."""
        self.history, self.epoch = MetricDict(state["history"]), list(state["epoch"])

    def overfitting(self):
        """When overfitting began, and in words: see :func:`overfitting_began`.

        Returns:
            (epoch counted from 1, or None; a sentence)
        """
        if "val_loss" not in self.history or "loss" not in self.history:
            return None, (
                "Without validation data nobody can see overfitting: "
                "pass validation_data or validation_split to fit."
            )
        loss, val_loss = self.history["loss"], self.history["val_loss"]
        # Validation may come only every few epochs; training loss is then taken from those.
        loss = loss if len(loss) == len(val_loss) else _every(loss, len(val_loss))
        numbers = [epoch + 1 for epoch in _every(self.epoch, len(val_loss))]
        began = overfitting_began(loss, val_loss)
        if began is not None:
            return numbers[began], (
                f"Overfitting began after epoch {numbers[began]}: from there validation loss rose "
                f"({val_loss[began]:.3g} to {val_loss[-1]:.3g}) while training loss fell "
                f"({loss[began]:.3g} to {loss[-1]:.3g})."
            )
        best = diagnosis.best_index(val_loss, higher=False)
        if best is None:
            return None, "Validation loss was never a finite number."
        if best >= len(val_loss) - diagnosis.LEAST_EPOCHS_AFTER:
            return None, (
                f"No overfitting seen: validation loss was best in epoch {numbers[best]}. More epochs may help."
            )
        return None, (
            f"No overfitting seen: validation loss was best in epoch {numbers[best]}, and no steady rise followed."
        )

    def diagnose(self):
        """One paragraph on how training went, with the numbers it is based on: see :func:`diagnosis.diagnose`.

        Says whether it diverged, whether the learning rate was too high, since when the model overfits, whether it
        still improves, or has come to its end; and what to do.

        Example:
            >>> past = History()
            >>> for epoch, loss in enumerate([1.0, 0.8, 0.6, 0.5]):
            ...     past.on_epoch_end(epoch, {"loss": loss})
            >>> past.diagnose().split(":")[0]
            'Still improving'
        """
        return diagnosis.diagnose(self)

    def to_frame(self):
        """The numbers as a pandas DataFrame: a row an epoch, counted from 1, a column a name.

        Raises:
            ImportError: pandas is not installed.
        """
        from hornbeam.utils.optional import require

        pandas = require("pandas", "History.to_frame")
        epochs = pandas.Index([epoch + 1 for epoch in self.epoch], name="epoch")
        columns = {}
        for name, values in self.history.items():
            gap = [math.nan] * (len(epochs) - len(values))  # a name that came later than the first epoch
            columns[name] = gap + list(values)
        return pandas.DataFrame(columns, index=epochs)

    def plot(self, path=None, show=None):
        """Draw loss and every metric, training against validation, with the best epoch marked.

        Each number has a panel. Below, :meth:`overfitting` says in words where overfitting began; the loss panel is
        shaded from there on.

        Args:
            path: file to write ('curves.png', '.svg', '.pdf'), or None.
            show: open a window. None (default) does so unless a file is written or a notebook shows the figure anyway.

        Returns:
            the matplotlib figure.

        Raises:
            ImportError: matplotlib is not installed. ValueError: there is no epoch to draw.
        """
        from hornbeam.utils import plotting

        if not self.epoch:
            raise ValueError("History.plot: there is no epoch to draw yet. Train first: history = model.fit(...).")
        figure = plotting.new_figure("History.plot", on_screen=path is None if show is None else show)
        began, sentence = self.overfitting()
        epochs = [epoch + 1 for epoch in self.epoch]
        plotting.draw_curves(figure, epochs, self.history, began, sentence, higher_is_better)
        return plotting.hand_over(figure, path, show)


def _every(items, count):
    """`count` of `items`, evenly spaced, the last one among them."""
    return [items[round((index + 1) * len(items) / count) - 1] for index in range(count)]


def _plain(value):
    """A number as a Python float; anything else as it is."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return value
