"""Counts of right and wrong decisions at thresholds, and the precision and recall made from them."""

from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.losses import as_floats, fit_weights, paired
from hornbeam.metrics.base import Metric, ratio


def as_columns(y_true, y_pred):
    """Targets and predictions of one shape; class numbers (B,) or (B, 1) for (B, classes) become one-hot rows.

    Raises:
        ValueError: the shapes do not belong together.
    """
    y_pred = as_floats(y_pred)
    true, pred = tuple(K.int_shape(y_true)), tuple(K.int_shape(y_pred))
    if len(pred) > 1 and pred[-1] > 1 and true in (pred[:-1], (*pred[:-1], 1)):
        y_true = K.one_hot(K.reshape(K.cast(y_true, "int32"), pred[:-1]), pred[-1])
    y_true, y_pred = paired(y_true, y_pred)
    if K.int_shape(y_true) != K.int_shape(y_pred):
        raise ValueError(f"A metric got targets of shape {true} and predictions of shape {pred}; they do not match.")
    return y_true, y_pred


def only_top_k(y_pred, k):
    """`y_pred` with all but the `k` largest entries of each row at minus infinity."""
    least = K.sort(y_pred)[..., -k:][..., :1]
    return K.where(K.greater_equal(y_pred, least), y_pred, K.zeros_like(y_pred) - np.inf)


def count_decisions(y_true, y_pred, thresholds, weights=None, by_label=False):
    """Weights of (true positives, false positives, true negatives, false negatives) at each threshold.

    Args:
        y_true, y_pred: floats of one shape; targets above 0 are positive, predictions above the threshold.
        thresholds: T numbers.
        weights: broadcasts over `y_pred`, or None.
        by_label: count each column of (B, labels) by itself?

    Returns:
        four tensors (T,), or (T, labels).
    """
    weights = K.ones_like(y_pred) if weights is None else weights * K.ones_like(y_pred)
    if not by_label:
        y_true, y_pred, weights = (K.reshape(x, (-1, 1)) for x in (y_true, y_pred, weights))
    positive = K.where(K.not_equal(y_true, 0), weights, K.zeros_like(weights))
    negative = weights - positive
    counts = _by_places if _evenly_spread(thresholds) else _by_comparing
    counts = counts(y_pred, positive, negative, np.asarray(thresholds, "float32"))
    return counts if by_label else tuple(count[:, 0] for count in counts)


def _evenly_spread(thresholds):
    """True for many thresholds, evenly spread over [0, 1]; the ends may lie a little outside."""
    count = len(thresholds)
    return count > 8 and np.allclose(thresholds, np.linspace(0, 1, count), rtol=0, atol=1e-6)


def _by_comparing(y_pred, positive, negative, thresholds):
    """Counts (T, L) from (B, L): each prediction is held against each threshold."""
    decided = K.greater(
        y_pred, K.constant(thresholds[:, None, None], K.dtype(y_pred))
    )  # (T, B, L), summed as it arises
    nothing = K.zeros_like(positive)
    pairs = ((decided, positive), (decided, negative), (~decided, negative), (~decided, positive))
    return tuple(K.sum(K.where(chosen, amount, nothing), axis=1) for chosen, amount in pairs)


def _by_places(y_pred, positive, negative, thresholds):
    """Counts (T, L) from (B, L): weights go to the place of their prediction among the thresholds, then are summed up.

    Takes time for B + T numbers instead of B * T.
    """
    steps, labels = len(thresholds) - 1, y_pred.shape[-1]
    ceiling = -((-y_pred * steps) // 1.0)
    place = K.cast(K.clip(ceiling, 1 if thresholds[0] < 0 else 0, steps), "int32")  # how many thresholds are below
    cells = K.flatten(place * labels + np.arange(labels, dtype="int32"))
    amounts = K.stack([K.flatten(positive), K.flatten(negative)], axis=-1)
    amounts = K.reshape(K.segment_sum(amounts, cells, (steps + 1) * labels), (steps + 1, labels, 2))
    from_here_up = K.reverse(K.cumsum(K.reverse(amounts, 0), axis=0), 0)
    above = K.concatenate([from_here_up[1:], K.zeros_like(amounts[:1])], axis=0)
    below = K.cumsum(amounts, axis=0)
    return above[..., 0], above[..., 1], below[..., 1], below[..., 0]


def checked_thresholds(owner, thresholds, default):
    """List of thresholds in [0, 1] from a number, a list or None."""
    if thresholds is None:
        return [default]
    listed = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    if not listed or not all(isinstance(t, (int, float, np.number)) and 0 <= t <= 1 for t in listed):
        raise checks.wrong_argument(owner, "thresholds", thresholds, "a number in [0, 1] or a list of them")
    return [float(t) for t in listed]


class DecisionMetric(Metric):
    """Base of metrics made from counts of decisions; `kept` says which of the four counts it keeps as variables.

    Targets may be 0 and 1 in the shape of the predictions, or class numbers for predictions (B, classes).

    Args:
        thresholds: predictions above count as positive; a number, or a list, which makes the result a vector.
        top_k: only the `k` largest predictions of a row can be positive (and the default threshold falls away).
        class_id: look at this column only.
        name, dtype: see :class:`Metric`.
    """

    kept = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    true_positives: Any
    false_positives: Any
    true_negatives: Any
    false_negatives: Any

    def __init__(self, thresholds=None, top_k=None, class_id=None, name=None, dtype=None):
        super().__init__(name, dtype)
        self.init_thresholds = thresholds
        self.thresholds = checked_thresholds(type(self).__name__, thresholds, 0.5 if top_k is None else -np.inf)
        self.top_k = top_k
        self.class_id = class_id
        self._make_counts((len(self.thresholds),))

    def _make_counts(self, shape):
        for name in self.kept:
            setattr(self, name, self.add_weight(shape, name=name))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch; weights (B,) count for their whole row."""
        y_true, y_pred = as_columns(y_true, y_pred)
        weights = None if sample_weight is None else fit_weights(sample_weight, y_pred)
        if self.top_k is not None:
            y_pred = only_top_k(y_pred, self.top_k)
        if self.class_id is not None:
            y_true, y_pred = y_true[..., self.class_id, None], y_pred[..., self.class_id, None]
            weights = (
                weights if weights is None or weights.shape[-1:] in ((), (1,)) else weights[..., self.class_id, None]
            )
        self._add(count_decisions(y_true, y_pred, self.thresholds, weights))

    def _add(self, counts):
        for name, count in zip(DecisionMetric.kept, counts, strict=True):
            if name in self.kept:
                getattr(self, name).assign_add(count)

    def _one_or_all(self, values):
        return values[0] if len(self.thresholds) == 1 else values

    def get_config(self):
        config = super().get_config()
        return {**config, "thresholds": self.init_thresholds} if "thresholds" in config else config


class _Count(DecisionMetric):
    """Base of single counts."""

    def __init__(self, thresholds=None, name=None, dtype=None):
        super().__init__(thresholds, name=name, dtype=dtype)

    def result(self):
        return self._one_or_all(getattr(self, self.kept[0]).value)


@registry.register("metric", "true_positives")
class TruePositives(_Count):
    """Weight of positives predicted as such.

    Args:
        thresholds: predictions above count as positive, 0.5 by default; a list makes the result a vector.
        name, dtype: see :class:`Metric`.

    Example:
        >>> float(TruePositives()([0, 1, 1], [0.9, 0.8, 0.1]))
        1.0
    """

    kept = ("true_positives",)


@registry.register("metric", "false_positives")
class FalsePositives(_Count):
    """Weight of negatives predicted as positives. Arguments as in :class:`TruePositives`.

    Example:
        >>> float(FalsePositives()([0, 1, 1], [0.9, 0.8, 0.1]))
        1.0
    """

    kept = ("false_positives",)


@registry.register("metric", "true_negatives")
class TrueNegatives(_Count):
    """Weight of negatives predicted as such. Arguments as in :class:`TruePositives`.

    Example:
        >>> float(TrueNegatives()([0, 0, 1], [0.9, 0.2, 0.1]))
        1.0
    """

    kept = ("true_negatives",)


@registry.register("metric", "false_negatives")
class FalseNegatives(_Count):
    """Weight of positives predicted as negatives. Arguments as in :class:`TruePositives`.

    Example:
        >>> float(FalseNegatives()([0, 1, 1], [0.9, 0.8, 0.1]))
        1.0
    """

    kept = ("false_negatives",)


@registry.register("metric", "precision")
class Precision(DecisionMetric):
    """true positives / (true positives + false positives), over all batches: how much of what was found is right?

    Without `class_id` all columns are counted together. Arguments as in :class:`DecisionMetric`.

    Example:
        >>> float(Precision()([0, 1, 1, 1], [1, 0, 1, 1]))
        0.6666666865348816
    """

    kept = ("true_positives", "false_positives")

    def result(self):
        found = self.true_positives.value
        return self._one_or_all(ratio(found, found + self.false_positives.value))


@registry.register("metric", "recall")
class Recall(DecisionMetric):
    """true positives / (true positives + false negatives), over all batches: how much of what is there was found?

    Without `class_id` all columns are counted together. Arguments as in :class:`DecisionMetric`.

    Example:
        >>> float(Recall()([0, 1, 1, 1], [1, 0, 1, 1]))
        0.6666666865348816
    """

    kept = ("true_positives", "false_negatives")

    def result(self):
        found = self.true_positives.value
        return self._one_or_all(ratio(found, found + self.false_negatives.value))
