"""Metric functions of (y_true, y_pred): one value a row, so that any weighting and any batch size give exact means."""

from hornbeam import backend as K
from hornbeam import losses, registry
from hornbeam.losses import as_floats, class_numbers, paired


def _numbers(y_true, y_pred):
    """Class numbers (B, ...) from targets (B, ...) or (B, ..., 1), for predictions (B, ..., classes)."""
    y_true = K.cast(y_true, "int32")
    return K.squeeze(y_true, -1) if K.ndim(y_true) == K.ndim(y_pred) else y_true


def accuracy(y_true, y_pred):
    """1 where prediction and target are the same number, else 0; elementwise.

    `metrics=['accuracy']` does not mean this function: `compile` chooses by loss and output, see
    :func:`resolve_accuracy`.

    Example:
        >>> accuracy([1, 2], [1, 3]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = paired(y_true, y_pred)
    return K.cast(K.equal(y_true, y_pred), K.floatx())


@registry.register("metric")
def binary_accuracy(y_true, y_pred, threshold=None):
    """Share of outputs, over the last axis, whose rounded prediction is the target.

    Args:
        threshold: None rounds, as the classics do, so a linear output may predict any integer; a number counts
            predictions above it as 1 and all others as 0.

    Shapes:
        (B, ..., D), (B, ..., D) -> (B, ...).

    Example:
        >>> binary_accuracy([[1.0, 0.0]], [[0.7, 0.6]]).tolist()
        [0.5]
    """
    y_true, y_pred = paired(y_true, y_pred)
    decided = K.round(y_pred) if threshold is None else K.cast(K.greater(y_pred, threshold), K.dtype(y_pred))
    return K.mean(K.equal(y_true, decided), axis=-1)


def binary_accuracy_of_logits(y_true, y_pred):
    """:func:`binary_accuracy` of scores before the sigmoid: those above 0 count as 1."""
    return binary_accuracy(y_true, y_pred, threshold=0.0)


@registry.register("metric")
def categorical_accuracy(y_true, y_pred):
    """1 where the largest prediction stands at the largest target, else 0; targets are one-hot.

    Shapes:
        (B, ..., classes), (B, ..., classes) -> (B, ...).

    Example:
        >>> categorical_accuracy([[0, 1], [1, 0]], [[0.2, 0.8], [0.4, 0.6]]).tolist()
        [1.0, 0.0]
    """
    y_true, y_pred = as_floats(y_true), as_floats(y_pred)
    return K.cast(K.equal(K.argmax(y_true, axis=-1), K.argmax(y_pred, axis=-1)), K.floatx())


@registry.register("metric")
@class_numbers
def sparse_categorical_accuracy(y_true, y_pred):
    """1 where the largest prediction is that of the class `y_true` names, else 0.

    Shapes:
        y_true (B, ...) or (B, ..., 1), y_pred (B, ..., classes) -> (B, ...).

    Example:
        >>> sparse_categorical_accuracy([1, 0], [[0.2, 0.8], [0.4, 0.6]]).tolist()
        [1.0, 0.0]
    """
    y_pred = as_floats(y_pred)
    chosen = K.cast(K.argmax(y_pred, axis=-1), "int32")
    return K.cast(K.equal(_numbers(y_true, y_pred), chosen), K.floatx())


@registry.register("metric")
def top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where the class at the largest target is among the `k` largest predictions, else 0; targets are one-hot.

    Example:
        >>> top_k_categorical_accuracy([[1, 0, 0]], [[0.2, 0.7, 0.1]], k=2).tolist()
        [1.0]
    """
    return _in_top_k(K.argmax(as_floats(y_true), axis=-1), as_floats(y_pred), k)


@registry.register("metric")
@class_numbers
def sparse_top_k_categorical_accuracy(y_true, y_pred, k=5):
    """1 where the class `y_true` names is among the `k` largest predictions, else 0.

    Example:
        >>> sparse_top_k_categorical_accuracy([0], [[0.2, 0.7, 0.1]], k=2).tolist()
        [1.0]
    """
    y_pred = as_floats(y_pred)
    return _in_top_k(_numbers(y_true, y_pred), y_pred, k)


def _in_top_k(numbers, y_pred, k):
    if K.ndim(y_pred) == 2:
        return K.cast(K.in_top_k(y_pred, numbers, k), K.floatx())
    chosen = K.cast(K.one_hot(numbers, K.int_shape(y_pred)[-1]), K.dtype(y_pred))
    larger = K.greater(y_pred, K.sum(chosen * y_pred, axis=-1, keepdims=True))
    return K.cast(K.less(K.sum(K.cast(larger, K.floatx()), axis=-1), k), K.floatx())


def cosine_of_angle(y_true, y_pred, axis=-1):
    """sum(l2_normalize(y_true) * l2_normalize(y_pred)) over `axis`: 1 for one direction, -1 for opposite ones."""
    return -losses.cosine_similarity(y_true, y_pred, axis)


@registry.register("metric")
def pearson_correlation(y_true, y_pred, axis=-1):
    """Covariance over the product of standard deviations, over `axis`: within each row, not over the batch.

    Example:
        >>> round(float(pearson_correlation([[1.0, 2.0, 3.0]], [[2.0, 4.0, 6.0]])[0]), 4)
        1.0
    """
    y_true, y_pred = paired(y_true, y_pred)
    true, pred = (y - K.mean(y, axis=axis, keepdims=True) for y in (y_true, y_pred))
    return K.mean(true * pred, axis=axis) / (K.std(true, axis=axis) * K.std(pred, axis=axis))


@registry.register("metric")
def concordance_correlation(y_true, y_pred, axis=-1):
    """2 * covariance / (sum of variances + squared difference of means + epsilon), over `axis`, within each row.

    Example:
        >>> round(float(concordance_correlation([[1.0, 2.0, 3.0]], [[1.0, 2.0, 3.0]])[0]), 4)
        1.0

    Reference: Lin, A concordance correlation coefficient to evaluate reproducibility, 1989.
    """
    y_true, y_pred = paired(y_true, y_pred)
    true_mean, pred_mean = K.mean(y_true, axis=axis, keepdims=True), K.mean(y_pred, axis=axis, keepdims=True)
    covariance = K.mean((y_true - true_mean) * (y_pred - pred_mean), axis=axis)
    apart = K.mean(K.square(true_mean - pred_mean), axis=axis)
    return 2.0 * covariance / (K.var(y_true, axis=axis) + K.var(y_pred, axis=axis) + apart + K.epsilon())


# Every loss is a metric too, under the same names; only 'cosine_similarity' is a class, with the other sign.
for _function, _aliases in {
    losses.mean_squared_error: ("mse", "MSE"),
    losses.mean_absolute_error: ("mae", "MAE"),
    losses.mean_absolute_percentage_error: ("mape", "MAPE"),
    losses.mean_squared_logarithmic_error: ("msle", "MSLE"),
    losses.logcosh: ("log_cosh",),
    losses.huber: ("huber_loss",),
    losses.poisson: (),
    losses.cosine_proximity: ("cosine",),
    losses.hinge: (),
    losses.squared_hinge: (),
    losses.categorical_hinge: (),
    losses.categorical_crossentropy: ("cce", "CCE"),
    losses.sparse_categorical_crossentropy: ("scce", "SCCE"),
    losses.binary_crossentropy: ("bce", "BCE"),
    losses.kullback_leibler_divergence: ("kl_divergence", "kld", "KLD"),
    losses.binary_focal_crossentropy: (),
    losses.categorical_focal_crossentropy: (),
}.items():
    registry.register("metric", *_aliases)(_function)
