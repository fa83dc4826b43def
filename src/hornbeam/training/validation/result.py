"""What validation found: scores by fold, mean and spread, curves, the best epoch, and a model trained on all rows."""

import numpy as np

from hornbeam import nest
from hornbeam.training.logs import MetricDict, higher_is_better, known_as
from hornbeam.utils.standardization import Standardization


class ValidationResult:
    """Scores of K models, each judged on rows it was not trained on.

    Printed, it is a table of the folds.

    Attributes:
        scores: dict from name ('loss', 'mae') to an array with a number a fold: the held-out rows after the last epoch.
        mean: dict from name to the mean over folds.
        std: dict from name to the spread over folds, as `np.std` has it.
        curves: dict from name ('loss', 'val_loss') to an array with a number an epoch: the mean over folds.
        fold_curves: the same with a row a fold, (K, epochs).
        best_epoch: number of the epoch, from 1, in which the mean of `monitor` was best.
        best: dict from name to the mean over folds in that epoch.
        monitor: name in `curves` by which the best epoch is found.
        folds: list of (training rows, held-out rows).
        notes: list of sentences on what was unusual.
    """

    def __init__(self, session, folds, histories, monitor, title):
        self._session, self._title, self._learned = session, title, None
        self.folds, self.notes = folds, list(session.notes)
        names = list(histories[0])
        shortest = min(len(history["loss"]) for history in histories)
        if shortest < max(len(history["loss"]) for history in histories):
            self.notes.append(f"Training ended at different epochs; curves are means over the first {shortest}.")
        self.fold_curves = MetricDict(
            (name, np.array([history[name][:shortest] for history in histories], float)) for name in names
        )
        self.curves = MetricDict((name, values.mean(axis=0)) for name, values in self.fold_curves.items())
        self.scores = MetricDict(
            (name[4:], np.array([history[name][-1] for history in histories], float))
            for name in names
            if name.startswith("val_")
        )
        self.mean = MetricDict((name, _number(values.mean(axis=0))) for name, values in self.scores.items())
        self.std = MetricDict((name, _number(values.std(axis=0))) for name, values in self.scores.items())
        self.monitor = known_as(f"val_{monitor}", self.curves) or known_as(monitor, self.curves)

    @property
    def best_epoch(self):
        """Number of the epoch, from 1, in which the mean of `monitor` was best; the first if there are several."""
        curve = self.curves[self.monitor]
        if not np.isfinite(curve).any():
            return len(curve)
        return int((np.nanargmax if higher_is_better(self.monitor) else np.nanargmin)(curve)) + 1

    @property
    def best(self):
        """Mean of each score over folds in the best epoch."""
        at = self.best_epoch - 1
        return MetricDict((name, _number(self.curves[f"val_{name}"][at])) for name in self.scores)

    def refit(self, epochs=None):
        """A new model, trained on all rows by the program that the folds have used.

        Args:
            epochs: number of epochs; None takes :attr:`best_epoch`.

        Returns:
            The model. If inputs were standardised, give new ones as `result.standardize(x)`: the means are now those
            of all rows.
        """
        session = self._session
        rows = np.arange(session.data.rows)
        trained, model, _ = session.train(rows, rows[:0], epochs or self.best_epoch, "refit")
        shared = session.shared_with(trained)
        shared.give_to(model)
        self._learned = shared.standardization
        return model

    def standardize(self, x):
        """New inputs, put to the mean and deviation of all rows; only after validation with standardize=True.

        Raises:
            ValueError: the inputs were not standardised.
        """
        if not self._session.settings.standardize:
            raise ValueError("The inputs were not standardised. Validate with standardize=True.")
        if self._learned is None:
            self._learned = Standardization(self._session.data.inputs)
        return nest.pack_like(x, self._learned(nest.flatten(x)))

    # --- Looking at it ---

    def __repr__(self):
        names = list(self.scores)
        plain = [n for n in names if self.scores[n].ndim == 1]
        rows = [["fold", "trained on", "held out", *plain]]
        for number, (rest, held_out) in enumerate(self.folds):
            shown = [f"{self.scores[n][number]:.4f}" for n in plain]
            rows.append([str(number + 1), str(len(rest)), str(len(held_out)), *shown])
        if len(self.folds) > 1:
            rows.append(["mean", "", "", *(f"{self.mean[n]:.4f}" for n in plain)])
            rows.append(["std", "", "", *(f"{self.std[n]:.4f}" for n in plain)])
        widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
        lines = ["  ".join(cell.rjust(width) for cell, width in zip(row, widths)) for row in rows]
        rule = "-" * len(lines[0])
        lines = [self._title, lines[0], rule, *lines[1:]]
        if len(self.folds) > 1:
            lines.insert(-2, rule)
        return "\n".join([*lines, self._summary(), *self.notes])

    def _summary(self):
        best = self.curves[self.monitor][self.best_epoch - 1]
        epochs = len(self.curves["loss"])
        return f"{self.monitor} is best in epoch {self.best_epoch} of {epochs}: {best:.4g}"

    def to_frame(self):
        """The table as a pandas DataFrame: a row a fold, counted from 1.

        Raises:
            ImportError: pandas is not installed.
        """
        from hornbeam.utils.optional import require

        pandas = require("pandas", "ValidationResult.to_frame")
        sizes = {"trained_on": [len(rest) for rest, _ in self.folds], "held_out": [len(held) for _, held in self.folds]}
        index = pandas.Index(range(1, len(self.folds) + 1), name="fold")
        return pandas.DataFrame({**sizes, **{name: list(values) for name, values in self.scores.items()}}, index=index)

    def plot(self, path=None, show=None):
        """Draw the curves, averaged over folds, with the best epoch marked and the range of the folds behind.

        Args:
            path: file to write, or None.
            show: open a window; see `History.plot`.

        Returns:
            the matplotlib figure.

        Raises:
            ImportError: matplotlib is not installed.
        """
        from hornbeam.utils import plotting

        figure = plotting.new_figure("ValidationResult.plot", on_screen=path is None if show is None else show)
        curves = {name: list(values) for name, values in self.curves.items() if values.ndim == 1}
        epochs = list(range(1, len(curves["loss"]) + 1))
        ranges = {name: (self.fold_curves[name].min(axis=0), self.fold_curves[name].max(axis=0)) for name in curves}
        sentence = f"Mean over {len(self.folds)} folds. {self._summary()}." if len(self.folds) > 1 else self._summary()
        plotting.draw_curves(figure, epochs, curves, None, sentence, higher_is_better, ranges)
        return plotting.hand_over(figure, path, show)


def _number(value):
    """A number as a float; a metric of several numbers as an array of them."""
    return float(value) if np.ndim(value) == 0 else value
