"""Overlap of predicted and true classes, from a confusion matrix over all batches: intersection over union."""

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.metrics.base import Metric, ratio


@registry.register("metric")
class IoU(Metric):
    """true positives / (true positives + false positives + false negatives), mean over `target_class_ids`.

    Classes that never occur, in targets or predictions, do not count.

    Args:
        num_classes: how many classes there are.
        target_class_ids: list of the classes to look at.
        name, dtype: see :class:`Metric`.
        ignore_class: class number of targets to leave out, such as 255 for a void border.
        sparse_y_true, sparse_y_pred: are these class numbers? Else the largest entry along `axis` is taken.
        axis: the class axis of what is not sparse.

    Raises:
        ValueError: a target class is not among the classes.

    Example:
        >>> round(float(IoU(2, [0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_true=True,
        sparse_y_pred=True, axis=-1,
    ):  # fmt: skip
        super().__init__(name, dtype)
        if not all(0 <= i < num_classes for i in target_class_ids):
            wanted = f"class numbers from 0 to {num_classes - 1}"
            raise checks.wrong_argument(type(self).__name__, "target_class_ids", target_class_ids, wanted)
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.integer_targets = sparse_y_true
        self.total_cm = self.add_weight((num_classes, num_classes), name="total_confusion_matrix")

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of class numbers (B, ...); weights (B,) or (B, T) ... count for all that follows in their row."""
        y_true = self._class_numbers(y_true, self.sparse_y_true)
        y_pred = self._class_numbers(y_pred, self.sparse_y_pred)
        if y_true.ndim == y_pred.ndim + 1:  # (B, H, W, 1) beside (B, H, W)
            y_true = K.squeeze(y_true, -1)
        elif y_pred.ndim == y_true.ndim + 1:
            y_pred = K.squeeze(y_pred, -1)
        weights = K.cast(K.ones_like(y_true), self.dtype)
        if sample_weight is not None:
            given = K.cast(sample_weight, self.dtype)
            while 0 < given.ndim < weights.ndim:
                given = given[..., None]
            weights = weights * (given[..., 0] if given.ndim > weights.ndim else given)
        if self.ignore_class is not None:
            weights = K.where(K.equal(y_true, self.ignore_class), K.zeros_like(weights), weights)
        inside = K.logical_and(_is_class(y_true, self.num_classes), _is_class(y_pred, self.num_classes))
        cells = K.where(inside, y_true * self.num_classes + y_pred, -K.ones_like(y_true))
        matrix = K.segment_sum(K.flatten(weights), K.flatten(cells), self.num_classes**2)
        self.total_cm.assign_add(K.reshape(matrix, (self.num_classes, self.num_classes)))

    def _class_numbers(self, y, sparse):
        y = K.identity(y)
        return K.cast(y if sparse else K.argmax(y, axis=self.axis), "int32")

    def result(self):
        matrix = self.total_cm.value
        shared = K.sum(matrix * np.eye(self.num_classes, dtype="float32"), axis=0)
        union = K.sum(matrix, axis=0) + K.sum(matrix, axis=1) - shared
        chosen = K.constant(self.target_class_ids, "int32")
        shared, union = K.gather(shared, chosen), K.gather(union, chosen)
        return ratio(K.sum(ratio(shared, union)), K.sum(K.cast(union > 0, self.dtype)))


def _is_class(y, num_classes):
    return K.logical_and(y >= 0, y < num_classes)


@registry.register("metric", "binary_io_u", "binary_iou")
class BinaryIoU(IoU):
    """Intersection over union of yes-or-no outputs, the mean of both answers; see :class:`IoU`.

    Args:
        target_class_ids: [0], [1] or both.
        threshold: predictions of at least this are 1.
        name, dtype: see :class:`Metric`.

    Example:
        >>> round(float(BinaryIoU([1])([[0], [1], [1]], [[0.1], [0.7], [0.3]])), 4)
        0.5
    """

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name, dtype)
        self.threshold = threshold
        self.integer_targets = False

    def update_state(self, y_true, y_pred, sample_weight=None):
        """Add a batch of probabilities (B, ...)."""
        super().update_state(y_true, K.greater_equal(K.identity(y_pred), self.threshold), sample_weight)


@registry.register("metric")
class MeanIoU(IoU):
    """Mean over classes of intersection over union; arguments as in :class:`IoU`.

    Example:
        >>> round(float(MeanIoU(2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
        0.3333
    """

    def __init__(
        self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_true=True, sparse_y_pred=True, axis=-1
    ):
        everything = range(num_classes)
        super().__init__(num_classes, everything, name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


@registry.register("metric")
class OneHotIoU(IoU):
    """:class:`IoU` for one-hot targets (B, ..., classes) and predicted probabilities; arguments as there.

    Example:
        >>> float(OneHotIoU(2, [1])([[0, 1], [1, 0]], [[0.2, 0.8], [0.6, 0.4]]))
        1.0
    """

    def __init__(
        self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


@registry.register("metric")
class OneHotMeanIoU(MeanIoU):
    """:class:`MeanIoU` for one-hot targets (B, ..., classes) and predicted probabilities; arguments as there.

    Example:
        >>> float(OneHotMeanIoU(2)([[0, 1], [1, 0]], [[0.2, 0.8], [0.6, 0.4]]))
        1.0
    """

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
