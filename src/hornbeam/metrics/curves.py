"""Metrics over all thresholds: the area under a curve, and one rate where another is high enough."""

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.losses import fit_weights
from hornbeam.metrics.base import ratio
from hornbeam.metrics.confusion import DecisionMetric, as_columns, count_decisions

CURVES = ("ROC", "PR")
SUMMATIONS = ("interpolation", "minoring", "majoring")


def _inner_thresholds(number):
    """`number` - 2 thresholds evenly spread between 0 and 1."""
    return [(i + 1) / (number - 1) for i in range(number - 2)]


@registry.register("metric", "auc")
class AUC(DecisionMetric):
    """Area under the ROC curve (or precision over recall), over all batches, from counts at fixed thresholds.

    Predictions are probabilities. When they crowd together, near 0 say, few thresholds separate them: raise
    `num_thresholds`.

    Args:
        num_thresholds: how many points the curve has, 2 or more; the error falls with its square.
        curve: 'ROC' or 'PR'.
        summation_method: how areas between points are taken: 'interpolation', 'minoring' or 'majoring'.
        name, dtype: see :class:`Metric`.
        thresholds: own thresholds in [0, 1] instead; 0 and 1 are added.
        multi_label: an area for each column of (B, labels), then their mean? Else all columns are counted together.
        num_labels: how many columns there are, for `multi_label`; None waits for the first batch.
        label_weights: weight of each column.
        from_logits: are predictions scores before the sigmoid?

    Raises:
        ValueError: an unknown curve or summation, or fewer than two thresholds.

    Example:
        >>> round(float(AUC()([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])), 4)
        0.75

    Reference: Davis and Goadrich, The Relationship Between Precision-Recall and ROC Curves, 2006 (interpolation).
    """

    def __init__(
        self, num_thresholds=200, curve="ROC", summation_method="interpolation", name=None, dtype=None,
        thresholds=None, multi_label=False, num_labels=None, label_weights=None, from_logits=False,
    ):  # fmt: skip
        inner = None if thresholds is None else sorted(float(t) for t in thresholds)
        self.num_thresholds = num_thresholds if inner is None else len(inner) + 2
        self._check("num_thresholds", self.num_thresholds, self.num_thresholds >= 2, "2 or more")
        self.curve = getattr(curve, "value", curve)
        self._check("curve", curve, self.curve in CURVES, f"one of {CURVES}")
        self.summation_method = str(getattr(summation_method, "value", summation_method)).lower()
        self._check("summation_method", summation_method, self.summation_method in SUMMATIONS, f"one of {SUMMATIONS}")
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else np.asarray(label_weights, "float32")
        self.from_logits = from_logits
        super().__init__(inner, name=name, dtype=dtype)
        inner = _inner_thresholds(self.num_thresholds) if inner is None else inner
        self.thresholds = [-K.epsilon(), *inner, 1.0 + K.epsilon()]
        if multi_label and num_labels:
            self.build((None, num_labels), (None, num_labels))

    def _check(self, argument, value, fits, wanted):
        if not fits:
            raise checks.wrong_argument(type(self).__name__, argument, value, wanted)

    def _make_counts(self, shape):
        self.true_positives = None
        if not self.multi_label:
            super()._make_counts((self.num_thresholds,))

    def build(self, y_true_shape, y_pred_shape):
        if self.multi_label and self.true_positives is None:
            super()._make_counts((self.num_thresholds, y_pred_shape[-1]))

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch; weights (B,) count for their whole row."""
        y_true, y_pred = as_columns(y_true, y_pred)
        self.ensure_built(self.true_positives, y_true.shape, y_pred.shape)
        weights = None if sample_weight is None else fit_weights(sample_weight, y_pred)
        if self.from_logits:
            y_pred = K.sigmoid(y_pred)
        if self.label_weights is not None and not self.multi_label:
            weights = self.label_weights if weights is None else weights * self.label_weights
        self._add(count_decisions(y_true, y_pred, self.thresholds, weights, self.multi_label))

    def result(self):
        if self.true_positives is None:
            return K.constant(0.0)
        tp, fp, tn, fn = (getattr(self, name).value for name in self.kept)
        if self.curve == "PR" and self.summation_method == "interpolation":
            return self._mean_over_labels(_interpolated_precision_recall(tp, fp, fn))
        across, up = (ratio(fp, fp + tn), ratio(tp, tp + fn))
        if self.curve == "PR":
            across, up = up, ratio(tp, tp + fp)
        heights = {
            "interpolation": lambda a, b: (a + b) / 2.0, "minoring": K.minimum, "majoring": K.maximum,
        }[self.summation_method](up[:-1], up[1:])  # fmt: skip
        return self._mean_over_labels(K.sum((across[:-1] - across[1:]) * heights, axis=0))

    def _mean_over_labels(self, areas):
        if not self.multi_label:
            return areas
        if self.label_weights is None:
            return K.mean(areas)
        return K.sum(areas * self.label_weights) / K.sum(K.constant(self.label_weights))


def _interpolated_precision_recall(tp, fp, fn):
    """Area of precision over recall, with counts taken as linear between points (precision is not)."""
    found = tp + fp
    tp_step, found_step = tp[:-1] - tp[1:], K.maximum(found[:-1] - found[1:], 0.0)
    slope = ratio(tp_step, found_step)
    offset = tp[1:] - slope * found[1:]
    both = K.logical_and(found[:-1] > 0, found[1:] > 0)
    quotient = K.where(both, ratio(found[:-1], found[1:]), K.ones_like(tp_step))
    return K.sum(ratio(slope * (tp_step + offset * K.log(quotient)), (tp + fn)[1:]), axis=0)


class _RateAtRate(DecisionMetric):
    """Base of: the best value of one rate among thresholds at which another is at least `value`."""

    def __init__(self, value, num_thresholds, class_id, name, dtype, argument):
        if not 0 <= value <= 1:
            raise checks.wrong_argument(type(self).__name__, argument, value, "a number in [0, 1]")
        if num_thresholds < 1:
            raise checks.wrong_argument(type(self).__name__, "num_thresholds", num_thresholds, "1 or more")
        self.num_thresholds = num_thresholds
        inner = [0.5] if num_thresholds == 1 else [0.0, *_inner_thresholds(num_thresholds), 1.0]
        super().__init__(inner, class_id=class_id, name=name, dtype=dtype)

    def _rates(self):
        tp, fp, tn, fn = (getattr(self, name).value for name in self.kept)
        return {
            "precision": ratio(tp, tp + fp), "sensitivity": ratio(tp, tp + fn), "specificity": ratio(tn, tn + fp),
        }  # fmt: skip

    def _best(self, rate, given, least):
        rates = self._rates()
        return K.max(K.where(rates[given] >= least, rates[rate], K.zeros_like(rates[rate])))


@registry.register("metric")
class PrecisionAtRecall(_RateAtRate):
    """Best precision among thresholds at which recall is at least `recall`; 0 if there is none.

    Args:
        recall: in [0, 1].
        num_thresholds: how many are tried, evenly spread over [0, 1].
        class_id: look at this column only.
        name, dtype: see :class:`Metric`.

    Example:
        >>> float(PrecisionAtRecall(0.5)([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.8]))
        1.0
    """

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(recall, num_thresholds, class_id, name, dtype, "recall")
        self.recall = recall

    def result(self):
        return self._best("precision", "sensitivity", self.recall)


@registry.register("metric")
class RecallAtPrecision(_RateAtRate):
    """Best recall among thresholds at which precision is at least `precision`. Others as in :class:`PrecisionAtRecall`.

    Example:
        >>> float(RecallAtPrecision(0.9)([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.8]))
        0.5
    """

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(precision, num_thresholds, class_id, name, dtype, "precision")
        self.precision = precision

    def result(self):
        return self._best("sensitivity", "precision", self.precision)


@registry.register("metric")
class SensitivityAtSpecificity(_RateAtRate):
    """Best share of positives found at a specificity (share of negatives spared) of at least `specificity`.

    Others as in :class:`PrecisionAtRecall`.

    Example:
        >>> float(SensitivityAtSpecificity(1.0)([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.8]))
        0.5
    """

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(specificity, num_thresholds, class_id, name, dtype, "specificity")
        self.specificity = specificity

    def result(self):
        return self._best("sensitivity", "specificity", self.specificity)


@registry.register("metric")
class SpecificityAtSensitivity(_RateAtRate):
    """Best share of negatives spared at a sensitivity (share of positives found) of at least `sensitivity`.

    Others as in :class:`PrecisionAtRecall`.

    Example:
        >>> float(SpecificityAtSensitivity(1.0)([0, 0, 1, 1], [0.1, 0.4, 0.3, 0.8]))
        0.5
    """

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        super().__init__(sensitivity, num_thresholds, class_id, name, dtype, "sensitivity")
        self.sensitivity = sensitivity

    def result(self):
        return self._best("specificity", "sensitivity", self.sensitivity)
