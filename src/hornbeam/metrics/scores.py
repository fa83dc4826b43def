"""Scores made from sums over columns: F-beta, F1, R squared."""

from typing import Any

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.losses import fit_weights, paired
from hornbeam.metrics.base import Metric, ratio
from hornbeam.metrics.confusion import as_columns

AVERAGES = (None, "micro", "macro", "weighted")
AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


@registry.register("metric")
class FBetaScore(Metric):
    """(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall), over all batches.

    Args:
        average: None gives a score for each column; 'micro' counts all columns together, 'macro' takes the mean over
            columns, 'weighted' one weighted by how often each is true.
        beta: how many times as much recall counts as precision, above 0.
        threshold: predictions above are positive, in (0, 1]. None takes the largest of each row, or above 0.5 when
            there is one column only.
        name, dtype: see :class:`Metric`.

    Shapes:
        targets (B, C) of 0 and 1, or class numbers (B,); predictions (B, C).

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> score = FBetaScore(average="macro", beta=2.0)
        >>> round(float(score([[1, 0], [0, 1], [0, 1]], [[0.9, 0.1], [0.4, 0.6], [0.7, 0.3]])), 4)
        0.6944
    """

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        owner = type(self).__name__
        if average not in AVERAGES:
            raise checks.wrong_argument(owner, "average", average, f"one of {AVERAGES}")
        if not beta > 0:
            raise checks.wrong_argument(owner, "beta", beta, "a number above 0")
        if threshold is not None and not 0 < threshold <= 1:
            raise checks.wrong_argument(owner, "threshold", threshold, "a number in (0, 1], or None")
        super().__init__(name, dtype)
        self.average = average
        self.beta = float(beta)
        self.threshold = threshold
        self.true_positives: Any = None

    def build(self, y_true_shape, y_pred_shape):
        if self.true_positives is not None:
            return
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        self.true_positives = self.add_weight(shape, name="true_positives")
        self.false_positives = self.add_weight(shape, name="false_positives")
        self.false_negatives = self.add_weight(shape, name="false_negatives")
        self.intermediate_weights = self.add_weight(shape, name="intermediate_weights")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch; weights (B,) count for their whole row."""
        y_true, y_pred = as_columns(y_true, y_pred)
        if y_pred.ndim == 1:
            y_true, y_pred = y_true[:, None], y_pred[:, None]
        self.ensure_built(self.true_positives, y_true.shape, y_pred.shape)
        weights = 1.0 if sample_weight is None else fit_weights(sample_weight, y_pred)
        decided = K.cast(self._decide(y_pred), self.dtype)
        y_true = K.cast(y_true, self.dtype)
        axis = None if self.average == "micro" else list(range(y_pred.ndim - 1))
        self.true_positives.assign_add(K.sum(decided * y_true * weights, axis=axis))
        self.false_positives.assign_add(K.sum(decided * (1.0 - y_true) * weights, axis=axis))
        self.false_negatives.assign_add(K.sum((1.0 - decided) * y_true * weights, axis=axis))
        self.intermediate_weights.assign_add(K.sum(y_true * weights, axis=axis))

    def _decide(self, y_pred):
        if self.threshold is not None:
            return y_pred > self.threshold
        if y_pred.shape[-1] == 1:
            return y_pred > 0.5
        return K.logical_and(y_pred >= K.max(y_pred, axis=-1, keepdims=True), K.abs(y_pred) > 1e-9)

    def result(self):
        if self.true_positives is None:
            return K.constant(0.0)
        found = self.true_positives.value
        precision = found / (found + self.false_positives.value + K.epsilon())
        recall = found / (found + self.false_negatives.value + K.epsilon())
        square = self.beta**2
        score = (1.0 + square) * precision * recall / (square * precision + recall + K.epsilon())
        if self.average == "weighted":
            weights = self.intermediate_weights.value
            return K.sum(score * weights / (K.sum(weights) + K.epsilon()))
        return score if self.average is None else K.mean(score)


@registry.register("metric")
class F1Score(FBetaScore):
    """2 * precision * recall / (precision + recall), over all batches; see :class:`FBetaScore`.

    The strings 'f1' and 'f1_score' mean this with `average='macro'`.

    Args:
        average, threshold, name, dtype: as in :class:`FBetaScore`.

    Example:
        >>> round(float(F1Score("micro")([2, 0], [[0.1, 0.2, 0.7], [0.3, 0.6, 0.1]])), 4)
        0.5
    """

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)


@registry.register("metric", "r2_score", "r2")
class R2Score(Metric):
    """1 - sum((y_true - y_pred) ** 2) / sum((y_true - mean(y_true)) ** 2), over all batches.

    1 is perfect, 0 no better than the mean of the targets.

    Args:
        class_aggregation: None gives a score for each column; 'uniform_average' their mean,
            'variance_weighted_average' their mean weighted by the variance of the targets.
        num_regressors: number of input variables, for the adjusted score; 0 gives the plain one.
        name, dtype: see :class:`Metric`.

    Raises:
        ValueError: an argument outside its range.

    Example:
        >>> round(float(R2Score()([[1.0], [4.0], [3.0]], [[2.0], [4.0], [4.0]])), 4)
        0.5714
    """

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        if class_aggregation not in AGGREGATIONS:
            raise checks.wrong_argument("R2Score", "class_aggregation", class_aggregation, f"one of {AGGREGATIONS}")
        if num_regressors < 0:
            raise checks.wrong_argument("R2Score", "num_regressors", num_regressors, "0 or more")
        super().__init__(name, dtype)
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_weight(name="num_samples")
        self.squared_sum: Any = None

    def build(self, y_true_shape, y_pred_shape):
        if self.squared_sum is not None:
            return
        shape = tuple(y_pred_shape[1:])
        self.origin = self.add_weight(shape, name="origin")
        self.squared_sum = self.add_weight(shape, name="squared_sum")
        self.sum = self.add_weight(shape, name="sum")
        self.residual = self.add_weight(shape, name="residual")
        self.count = self.add_weight(shape, name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch; weights (B,) count for their whole row."""
        y_true, y_pred = paired(y_true, y_pred)
        self.ensure_built(self.squared_sum, y_true.shape, y_pred.shape)
        weights = K.ones_like(y_true)
        if sample_weight is not None:
            weights = weights * fit_weights(sample_weight, y_true)
        # Sums are taken about the first batch's mean: squares of targets far from 0 would swallow their variance.
        seen = K.greater(self.count.value, 0)
        self.origin.assign(
            K.where(seen, self.origin.value, ratio(K.sum(y_true * weights, axis=0), K.sum(weights, axis=0)))
        )
        centred = y_true - self.origin.value
        self.sum.assign_add(K.sum(centred * weights, axis=0))
        self.squared_sum.assign_add(K.sum(K.square(centred) * weights, axis=0))
        self.residual.assign_add(K.sum(K.square(y_true - y_pred) * weights, axis=0))
        self.count.assign_add(K.sum(weights, axis=0))
        self.num_samples.assign_add(K.sum(K.cast(K.not_equal(weights, 0), self.dtype)))

    def result(self):
        if self.squared_sum is None:
            return K.constant(0.0)
        mean = ratio(self.sum.value, self.count.value)
        total = self.squared_sum.value - self.sum.value * mean
        scores = K.where(K.equal(total, 0), K.zeros_like(total), 1.0 - ratio(self.residual.value, total))
        if self.class_aggregation == "uniform_average":
            scores = K.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            scores = ratio(K.sum(total * scores), K.sum(total))
        if not self.num_regressors:
            return scores
        samples = self.num_samples.value
        left = samples - self.num_regressors - 1.0
        return K.where(left > 0, 1.0 - ratio((1.0 - scores) * (samples - 1.0), left), scores)
