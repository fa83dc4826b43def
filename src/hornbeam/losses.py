"""Losses: functions of (y_true, y_pred) with one value a row, and objects that carry settings and a reduction.

The functions average over the last axis and leave the others, so that weights and masks can be applied to what they
return. Targets and predictions that differ by a last axis of size 1 are brought to one rank.
"""

import inspect
from typing import Any

from hornbeam import backend as K
from hornbeam import checks, nest, registry

REDUCTIONS = ("sum_over_batch_size", "mean", "mean_with_sample_weight", "sum", "none", None)

# --- What losses and metrics share ---


def class_numbers(function):
    """Decorator: the targets of this function are class numbers, not to be compared in shape with the output."""
    function.integer_targets = True
    return function


def as_floats(x):
    """`x` as a tensor of a float type."""
    x = x if K.is_symbolic(x) else K.identity(x)
    return x if "float" in K.dtype(x) else K.cast(x, K.floatx())


def paired(y_true, y_pred):
    """Both as tensors of the type of `y_pred`, and of one rank if only a last axis of size 1 keeps them apart."""
    y_pred = as_floats(y_pred)
    y_true = K.cast(y_true, K.dtype(y_pred))
    true_shape, pred_shape = K.int_shape(y_true), K.int_shape(y_pred)
    if len(pred_shape) == len(true_shape) + 1 and pred_shape[-1] == 1 and true_shape:
        y_true = K.expand_dims(y_true, -1)
    elif len(true_shape) == len(pred_shape) + 1 and true_shape[-1] == 1 and pred_shape:
        y_pred = K.expand_dims(y_pred, -1)
    return y_true, y_pred


def fit_weights(weights, values):
    """`weights` (B,) or (B, T) ... as a tensor that broadcasts over `values` (B, ...)."""
    weights = K.cast(weights, K.dtype(values))
    if K.ndim(weights) == K.ndim(values) + 1 and K.int_shape(weights)[-1] == 1:
        weights = K.squeeze(weights, -1)
    while 0 < K.ndim(weights) < K.ndim(values):
        weights = K.expand_dims(weights, -1)
    return weights


def unwrapped(config):
    """The name inside the dict that Keras 3 writes for a function; anything else as it is."""
    if isinstance(config, dict) and config.get("class_name") == "function":
        inner = config["config"]
        return inner.get("name") if isinstance(inner, dict) else inner
    return config


def class_of_function(kind, base, class_name, function, order, **defaults):
    """A class, entered in the registry, that is `function` as an object.

    Args:
        kind: 'loss' or 'metric'.
        base: its base class, whose constructor takes the function and keyword arguments.
        order: the constructor's arguments, in the order in which they may come by position.
        defaults: their defaults where `function` has none or another.
    """
    own = {p.name: p.default for p in inspect.signature(function).parameters.values() if p.default is not p.empty}
    defaults = {"name": function.__name__, "dtype": None, **own, **defaults}
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    takes = [inspect.Parameter(argument, positional, default=defaults[argument]) for argument in order]
    signature = inspect.Signature(takes)

    def __init__(self, *args, **kwargs):
        if not kwargs.keys() <= set(order):
            raise checks.unknown_keywords(class_name, kwargs.keys() - set(order), order)
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        base.__init__(self, function, **bound.arguments)

    __init__.__signature__ = inspect.Signature([inspect.Parameter("self", positional), *takes])
    summary = (inspect.getdoc(function) or "").partition("\n")[0]
    doc = f"{summary}\n\n    :func:`{function.__name__}` as an object; the other settings are those of its base class."
    made = type(class_name, (base,), {"__init__": __init__, "__doc__": doc, "__module__": base.__module__})
    return registry.register(kind)(made)


# --- Regression ---


@registry.register("loss", "mse", "MSE")
def mean_squared_error(y_true, y_pred):
    """mean((y_pred - y_true) ** 2) over the last axis.

    The usual loss of regression. Outliers weigh with the square of their distance; `huber` is calmer.

    Shapes:
        (B, ..., D), (B, ..., D) -> (B, ...), as in all functions here.

    Example:
        >>> mean_squared_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
        [2.5]
    """
    y_true, y_pred = paired(y_true, y_pred)
    return K.mean(K.square(y_pred - y_true), axis=-1)


@registry.register("loss", "mae", "MAE")
def mean_absolute_error(y_true, y_pred):
    """mean(|y_pred - y_true|) over the last axis: in the unit of the target, and robust against outliers.

    Example:
        >>> mean_absolute_error([[0.0, 1.0]], [[1.0, 3.0]]).tolist()
        [1.5]
    """
    y_true, y_pred = paired(y_true, y_pred)
    return K.mean(K.abs(y_pred - y_true), axis=-1)


@registry.register("loss", "mape", "MAPE")
def mean_absolute_percentage_error(y_true, y_pred):
    """100 * mean(|y_true - y_pred| / max(|y_true|, epsilon)) over the last axis.

    Targets near zero make it huge: leave them out or use another loss.

    Example:
        >>> round(float(mean_absolute_percentage_error([[2.0, 4.0]], [[3.0, 3.0]])[0]), 3)
        37.5
    """
    y_true, y_pred = paired(y_true, y_pred)
    return 100.0 * K.mean(K.abs((y_true - y_pred) / K.clip(K.abs(y_true), K.epsilon(), None)), axis=-1)


@registry.register("loss", "msle", "MSLE")
def mean_squared_logarithmic_error(y_true, y_pred):
    """mean((log(y_pred + 1) - log(y_true + 1)) ** 2) over the last axis; values below epsilon count as epsilon.

    For targets that span orders of magnitude, when relative error counts.

    Example:
        >>> round(float(mean_squared_logarithmic_error([[1.0]], [[3.0]])[0]), 4)
        0.4805
    """
    y_true, y_pred = paired(y_true, y_pred)
    log_pred = K.log(K.clip(y_pred, K.epsilon(), None) + 1.0)
    log_true = K.log(K.clip(y_true, K.epsilon(), None) + 1.0)
    return K.mean(K.square(log_pred - log_true), axis=-1)


@registry.register("loss", "log_cosh")
def logcosh(y_true, y_pred):
    """mean(log(cosh(y_pred - y_true))) over the last axis.

    About x ** 2 / 2 for small errors and |x| - log(2) for large ones; written so that large errors do not overflow.

    Example:
        >>> round(float(logcosh([[0.0]], [[100.0]])[0]), 3)
        99.307
    """
    y_true, y_pred = paired(y_true, y_pred)
    error = y_pred - y_true
    return K.mean(error + K.softplus(-2.0 * error) - 0.6931471805599453, axis=-1)


@registry.register("loss", "huber_loss")
def huber(y_true, y_pred, delta=1.0):
    """mean of e ** 2 / 2 where |e| <= delta, else delta * |e| - delta ** 2 / 2, over the last axis.

    Args:
        delta: where the parabola becomes a line, above 0.

    Example:
        >>> huber([[0.0, 0.0]], [[0.5, 3.0]]).tolist()
        [1.3125]

    Reference: Huber, Robust Estimation of a Location Parameter, 1964.
    """
    y_true, y_pred = paired(y_true, y_pred)
    distance = K.abs(y_pred - y_true)
    near = K.minimum(distance, delta)  # near ** 2 / 2 + delta * (distance - near) is both branches at once
    return K.mean(0.5 * K.square(near) + delta * (distance - near), axis=-1)


@registry.register("loss")
def poisson(y_true, y_pred):
    """mean(y_pred - y_true * log(y_pred + epsilon)) over the last axis: counts, predicted by a positive rate.

    Example:
        >>> round(float(poisson([[2.0]], [[1.0]])[0]), 5)
        1.0
    """
    y_true, y_pred = paired(y_true, y_pred)
    return K.mean(y_pred - y_true * K.log(y_pred + K.epsilon()), axis=-1)


@registry.register("loss", "cosine")
def cosine_proximity(y_true, y_pred):
    """-sum(l2_normalize(y_true) * l2_normalize(y_pred)) over the last axis: -1 for one direction, 1 for opposite ones.

    The classic name and sign; as a metric it falls as the model gets better.

    Example:
        >>> cosine_proximity([[0.0, 2.0]], [[0.0, 5.0]]).tolist()
        [-1.0]
    """
    return cosine_similarity(y_true, y_pred)


@registry.register("loss")
def cosine_similarity(y_true, y_pred, axis=-1):
    """-sum(l2_normalize(y_true) * l2_normalize(y_pred)) over `axis`; :class:`metrics.CosineSimilarity` has no minus.

    Example:
        >>> cosine_similarity([[0.0, 2.0]], [[3.0, 0.0]]).tolist()
        [-0.0]
    """
    y_true, y_pred = paired(y_true, y_pred)
    return -K.sum(K.l2_normalize(y_true, axis) * K.l2_normalize(y_pred, axis), axis=axis)


# --- Margins: targets are -1 and 1 ---


@registry.register("loss")
def hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0)) over the last axis; targets are -1 and 1, and taken as given.

    Zeros are not turned into -1: a target of 0 gives the constant 1 and no gradient.

    Example:
        >>> hinge([[-1.0, 1.0]], [[0.5, 2.0]]).tolist()
        [0.75]
    """
    y_true, y_pred = paired(y_true, y_pred)
    return K.mean(K.maximum(1.0 - y_true * y_pred, 0.0), axis=-1)


@registry.register("loss")
def squared_hinge(y_true, y_pred):
    """mean(max(1 - y_true * y_pred, 0) ** 2) over the last axis; targets are -1 and 1, and taken as given.

    Example:
        >>> squared_hinge([[-1.0, 1.0]], [[0.5, 2.0]]).tolist()
        [1.125]
    """
    y_true, y_pred = paired(y_true, y_pred)
    return K.mean(K.square(K.maximum(1.0 - y_true * y_pred, 0.0)), axis=-1)


@registry.register("loss")
def categorical_hinge(y_true, y_pred):
    """max(0, 1 + largest score of a wrong class - score of the right one); targets are one-hot.

    Example:
        >>> round(float(categorical_hinge([[0.0, 1.0]], [[0.25, 0.75]])[0]), 4)
        0.5
    """
    y_true, y_pred = paired(y_true, y_pred)
    right = K.sum(y_true * y_pred, axis=-1)
    wrong = K.max((1.0 - y_true) * y_pred, axis=-1)
    return K.maximum(wrong - right + 1.0, 0.0)


# --- Probabilities ---


@registry.register("loss", "cce", "CCE")
def categorical_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """-sum(y_true * log(y_pred)) over `axis`; targets are one-hot or probabilities.

    Predictions are scaled to sum to 1 and clipped by epsilon. Belongs to a softmax output.

    Args:
        from_logits: are predictions scores before the softmax?
        label_smoothing: share of each target spread evenly over the classes, in [0, 1).
        axis: the class axis.

    Example:
        >>> round(float(categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_true, y_pred = paired(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / K.int_shape(y_pred)[axis]
    return K.categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)


@registry.register("loss", "scce", "SCCE")
@class_numbers
def sparse_categorical_crossentropy(y_true, y_pred, from_logits=False, ignore_class=None, axis=-1):
    """-log of the predicted probability of the class that `y_true` names.

    Classic arithmetic: probabilities are clipped by epsilon and then scaled to sum to 1.

    Args:
        from_logits: are predictions scores before the softmax?
        ignore_class: a class number, such as -1, whose rows give 0.
        axis: the class axis of `y_pred`.

    Shapes:
        y_true (B, ...) or (B, ..., 1), y_pred (B, ..., classes) -> (B, ...).

    Raises:
        ValueError: `y_true` has the shape of one-hot rows.

    Example:
        >>> round(float(sparse_categorical_crossentropy([1], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_pred = as_floats(y_pred)
    y_true = _without_class_axis(K.cast(y_true, "int32"), y_pred, axis, "sparse_categorical_crossentropy")
    if ignore_class is None:
        return K.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    counted = K.not_equal(y_true, ignore_class)
    y_true = K.where(counted, y_true, K.zeros_like(y_true))
    values = K.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    return K.where(counted, values, K.zeros_like(values))


def _without_class_axis(y_true, y_pred, axis, owner):
    """Class numbers without a last axis of size 1."""
    if K.ndim(y_true) != K.ndim(y_pred):
        return y_true
    if K.int_shape(y_true)[axis] not in (1, None):
        raise ValueError(
            f"{owner} needs class numbers of shape (B,) or (B, 1); y_true has shape {tuple(K.int_shape(y_true))}, like "
            f"y_pred. One-hot targets go with categorical_crossentropy, or take np.argmax(y_true, -1)."
        )
    return K.squeeze(y_true, axis)


@registry.register("loss", "bce", "BCE")
def binary_crossentropy(y_true, y_pred, from_logits=False, label_smoothing=0.0, axis=-1):
    """mean(-y_true * log(y_pred) - (1 - y_true) * log(1 - y_pred)) over `axis`; targets lie in [0, 1].

    Every output answers a yes-or-no question of its own: the loss of sigmoid outputs, one or many.

    Args:
        from_logits: are predictions scores before the sigmoid?
        label_smoothing: how far targets are drawn towards 0.5, in [0, 1).
        axis: what the mean is taken over.

    Example:
        >>> round(float(binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.6931
    """
    y_true, y_pred = paired(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    return K.mean(K.binary_crossentropy(y_true, y_pred, from_logits=from_logits), axis=axis)


@registry.register("loss", "kl_divergence", "kld", "KLD")
def kullback_leibler_divergence(y_true, y_pred):
    """sum(y_true * log(y_true / y_pred)) over the last axis; both are clipped to [epsilon, 1].

    Example:
        >>> round(float(kullback_leibler_divergence([[0.5, 0.5]], [[0.25, 0.75]])[0]), 4)
        0.1438
    """
    y_true, y_pred = paired(y_true, y_pred)
    y_true = K.clip(y_true, K.epsilon(), 1.0)
    y_pred = K.clip(y_pred, K.epsilon(), 1.0)
    return K.sum(y_true * K.log(y_true / y_pred), axis=-1)


@registry.register("loss")
def binary_focal_crossentropy(
    y_true, y_pred, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """mean((1 - p) ** gamma * binary crossentropy) over `axis`, p being the probability given to the truth.

    Easy rows count little, so that a rare class is heard.

    Args:
        apply_class_balancing: weigh positives by `alpha` and negatives by 1 - `alpha`?
        gamma: how fast easy rows fade; 0 gives the plain loss.
        from_logits, label_smoothing, axis: as in :func:`binary_crossentropy`.

    Example:
        >>> round(float(binary_focal_crossentropy([[1.0]], [[0.5]])[0]), 4)
        0.1733

    Reference: Lin et al., Focal Loss for Dense Object Detection, 2017.
    """
    y_true, y_pred = paired(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing
    if from_logits:
        y_pred = K.sigmoid(y_pred)
    given_to_truth = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    values = K.pow(1.0 - given_to_truth, gamma) * K.binary_crossentropy(y_true, y_pred)
    if apply_class_balancing:
        values = values * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return K.mean(values, axis=axis)


@registry.register("loss")
def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """-sum(alpha * (1 - y_pred) ** gamma * y_true * log(y_pred)) over `axis`.

    Args:
        alpha: weight, one number or one a class.
        gamma: how fast easy rows fade.
        from_logits, label_smoothing, axis: as in :func:`categorical_crossentropy`.

    Example:
        >>> round(float(categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]])[0]), 4)
        0.0433

    Reference: Lin et al., Focal Loss for Dense Object Detection, 2017.
    """
    y_true, y_pred = paired(y_true, y_pred)
    if label_smoothing:
        y_true = y_true * (1.0 - label_smoothing) + label_smoothing / K.int_shape(y_pred)[axis]
    if from_logits:
        y_pred = K.softmax(y_pred, axis)
    y_pred = K.clip(y_pred / K.sum(y_pred, axis=axis, keepdims=True), K.epsilon(), 1.0 - K.epsilon())
    weight = K.pow(1.0 - y_pred, gamma) * K.constant(alpha, K.dtype(y_pred))
    return -K.sum(weight * y_true * K.log(y_pred), axis=axis)


@registry.register("loss")
@class_numbers
def categorical_generalized_cross_entropy(y_true, y_pred, q=0.5):
    """(1 - p ** q) / q, p being the probability of the class that `y_true` names: robust against wrong labels.

    Args:
        q: between 0 (crossentropy) and 1 (absolute error).

    Example:
        >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]]).tolist()
        [1.0]

    Reference: Zhang and Sabuncu, Generalized Cross Entropy Loss for Training with Noisy Labels, 2018.
    """
    y_pred = as_floats(y_pred)
    y_true = _without_class_axis(K.cast(y_true, "int32"), y_pred, -1, "categorical_generalized_cross_entropy")
    chosen = K.cast(K.one_hot(y_true, K.int_shape(y_pred)[-1]), K.dtype(y_pred))
    return (1.0 - K.pow(K.sum(chosen * y_pred, axis=-1), q)) / q


# --- Overlap: one value for all that is summed over, the batch too unless `axis` says otherwise ---


@registry.register("loss")
def dice(y_true, y_pred, axis=None):
    """1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred) + epsilon) over `axis` (None: all, a scalar).

    For segmentation: what is not in the object hardly counts, however large the image.

    Example:
        >>> round(float(dice([[1.0, 0.0]], [[1.0, 1.0]])), 4)
        0.3333
    """
    y_true, y_pred = _real_rows(*paired(y_true, y_pred))
    shared = K.sum(y_true * y_pred, axis=axis)
    return 1.0 - 2.0 * shared / (K.sum(y_true, axis=axis) + K.sum(y_pred, axis=axis) + K.epsilon())


@registry.register("loss")
def tversky(y_true, y_pred, alpha=0.5, beta=0.5, axis=None):
    """1 - s / (s + alpha * sum((1 - y_pred) * y_true) + beta * sum(y_pred * (1 - y_true)) + epsilon), s shared mass.

    Args:
        alpha: weight of what was missed.
        beta: weight of what was found wrongly. Both 0.5 give :func:`dice`.
        axis: what is summed over; None means all, the batch too, and gives a scalar.

    Example:
        >>> round(float(tversky([[1.0, 0.0]], [[1.0, 1.0]], beta=1.0)), 4)
        0.5

    Reference: Salehi et al., Tversky loss function for image segmentation, 2017 (with alpha and beta exchanged).
    """
    y_true, y_pred = _real_rows(*paired(y_true, y_pred))
    shared = K.sum(y_true * y_pred, axis=axis)
    missed = K.sum((1.0 - y_pred) * y_true, axis=axis)
    wrong = K.sum(y_pred * (1.0 - y_true), axis=axis)
    return 1.0 - shared / (shared + alpha * missed + beta * wrong + K.epsilon())


def _real_rows(y_true, y_pred):
    """Both with zeros in the rows that only pad a short batch, so that sums over the batch are right."""
    real = None if K.is_symbolic(y_true, y_pred) or K.ndim(y_pred) == 0 else K.valid_rows_mask(y_pred)
    if real is None:
        return y_true, y_pred
    return y_true * fit_weights(real, y_true), y_pred * fit_weights(real, y_pred)


mse = MSE = mean_squared_error
mae = MAE = mean_absolute_error
mape = MAPE = mean_absolute_percentage_error
msle = MSLE = mean_squared_logarithmic_error
bce = BCE = binary_crossentropy
kld = KLD = kl_divergence = kullback_leibler_divergence
log_cosh = logcosh
cosine = cosine_proximity

# --- Objects ---


def reduce_values(values, sample_weight=None, mask=None, reduction="sum_over_batch_size"):
    """Values of rows, weighted, as one number.

    Args:
        sample_weight: a weight for each row, or for each value; None weighs all alike.
        mask: booleans in the shape of `values`; what is False neither adds nor counts.
        reduction: 'sum_over_batch_size' or 'mean' (divided by the number of values), 'mean_with_sample_weight'
            (divided by the sum of weights), 'sum', 'none' or None (no reduction).
    """
    counted = K.ones_like(values) if mask is None else fit_weights(mask, values) * K.ones_like(values)
    weights = counted if sample_weight is None else fit_weights(sample_weight, values) * counted
    values = values if sample_weight is None and mask is None else values * weights
    if reduction in (None, "none"):
        return values
    if reduction == "sum":
        return K.sum(values)
    count = K.sum(weights if reduction == "mean_with_sample_weight" else counted)
    return K.sum(values) / K.where(K.equal(count, 0), K.ones_like(count), count)


class Loss(checks.Constructed):
    """Base of loss objects: `call(y_true, y_pred)` gives a value a row, calling the object gives one number.

    Subclass it and write `call` when a loss has settings; without any, a plain function does.

    Args:
        name: shown in messages; None takes the class name.
        reduction: how a direct call makes one number, see :func:`reduce_values`. `compile` weighs rows by itself and
            always takes their mean.
        dtype: type to compute in; None takes floatx.

    Raises:
        ValueError: an unknown reduction.

    Example:
        >>> class Distance(Loss):
        ...     def call(self, y_true, y_pred):
        ...         return K.sum(K.abs(y_true - y_pred), axis=-1)
        >>> float(Distance()([[0.0, 0.0], [0.0, 0.0]], [[1.0, 2.0], [3.0, 4.0]]))
        5.0
    """

    integer_targets = False

    def __init__(self, name=None, reduction="sum_over_batch_size", dtype=None):
        reduction = "sum_over_batch_size" if reduction == "auto" else reduction
        if reduction not in REDUCTIONS:
            raise checks.wrong_argument(type(self).__name__, "reduction", reduction, f"one of {REDUCTIONS}")
        self.name = name or type(self).__name__
        self.reduction = reduction
        self.dtype = dtype

    def __call__(self, y_true, y_pred, sample_weight=None):
        """The values of :meth:`call`, weighted and reduced."""
        y_pred = _tensors(y_pred, self.dtype or K.floatx())
        y_true = _tensors(y_true, "int32" if self.integer_targets else self.dtype or K.floatx())
        values = self.call(y_true, y_pred)
        return reduce_values(values, sample_weight, self.compute_mask(y_true, y_pred), self.reduction)

    def call(self, y_true, y_pred):
        """One value a row: (B, ..., D), (B, ..., D) -> (B, ...)."""
        raise NotImplementedError(f"{type(self).__name__} needs a method call(self, y_true, y_pred).")

    def compute_mask(self, y_true, y_pred):
        """Booleans in the shape of the values: which of them count? None: all."""
        return None

    def get_config(self):
        """The constructor's arguments, for :meth:`from_config`."""
        config = {"name": self.name, "reduction": self.reduction}
        return config if self.dtype is None else {**config, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config):
        """The loss that `config` describes."""
        return cls(**config)


def _tensors(value, dtype):
    """Arrays and lists of numbers as tensors; lists and dicts of tensors are looked into."""
    if isinstance(value, dict):
        return {key: _tensors(item, dtype) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and any(hasattr(item, "shape") for item in nest.flatten(value)):
        return type(value)(_tensors(item, dtype) for item in value)
    return K.cast(value, dtype)


@registry.register("loss")
class LossFunctionWrapper(Loss):
    """A function (y_true, y_pred, **settings) as a loss object.

    Args:
        fn: the function.
        reduction, name, dtype: see :class:`Loss`.
        kwargs: settings passed to `fn` at every call.

    Example:
        >>> float(LossFunctionWrapper(huber, delta=2.0)([[0.0]], [[3.0]]))
        4.0
    """

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **kwargs):
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self.settings = kwargs
        self.integer_targets = getattr(fn, "integer_targets", False)

    def call(self, y_true, y_pred):
        return self.fn(y_true, y_pred, **self.settings)

    def compute_mask(self, y_true, y_pred):
        ignored = self.settings.get("ignore_class")
        if ignored is None:
            return None
        return K.not_equal(_without_class_axis(y_true, y_pred, self.settings.get("axis", -1), self.name), ignored)

    def get_config(self):
        fn = {"fn": serialize(self.fn)} if type(self) is LossFunctionWrapper else {}
        return {**super().get_config(), **fn, **self.settings}

    @classmethod
    def from_config(cls, config):
        return cls(**{**config, "fn": get(config["fn"])} if "fn" in config else config)


def _object(class_name, function, order="", **defaults):
    order = order.split() if "reduction" in order else [*order.split(), "reduction", "name", "dtype"]
    defaults = {"reduction": "sum_over_batch_size", **defaults}
    return class_of_function("loss", LossFunctionWrapper, class_name, function, order, **defaults)


MeanSquaredError = _object("MeanSquaredError", mean_squared_error)
MeanAbsoluteError = _object("MeanAbsoluteError", mean_absolute_error)
MeanAbsolutePercentageError = _object("MeanAbsolutePercentageError", mean_absolute_percentage_error)
MeanSquaredLogarithmicError = _object("MeanSquaredLogarithmicError", mean_squared_logarithmic_error)
LogCosh = _object("LogCosh", logcosh, name="log_cosh")
Huber = _object("Huber", huber, "delta", name="huber_loss")
Poisson = _object("Poisson", poisson)
CosineSimilarity = _object("CosineSimilarity", cosine_similarity, "axis")
Hinge = _object("Hinge", hinge)
SquaredHinge = _object("SquaredHinge", squared_hinge)
CategoricalHinge = _object("CategoricalHinge", categorical_hinge)
CategoricalCrossentropy = _object(
    "CategoricalCrossentropy", categorical_crossentropy, "from_logits label_smoothing axis"
)
SparseCategoricalCrossentropy = _object(
    "SparseCategoricalCrossentropy",
    sparse_categorical_crossentropy,
    "from_logits ignore_class reduction axis name dtype",
)
BinaryCrossentropy = _object("BinaryCrossentropy", binary_crossentropy, "from_logits label_smoothing axis")
KLDivergence = _object("KLDivergence", kullback_leibler_divergence, name="kl_divergence")
BinaryFocalCrossentropy = _object(
    "BinaryFocalCrossentropy",
    binary_focal_crossentropy,
    "apply_class_balancing alpha gamma from_logits label_smoothing axis",
)
CategoricalFocalCrossentropy = _object(
    "CategoricalFocalCrossentropy", categorical_focal_crossentropy, "alpha gamma from_logits label_smoothing axis"
)
CategoricalGeneralizedCrossEntropy = _object(
    "CategoricalGeneralizedCrossEntropy", categorical_generalized_cross_entropy, "q"
)
Dice = _object("Dice", dice, "reduction name axis dtype")
Tversky = _object("Tversky", tversky, "alpha beta reduction name axis dtype")

# --- By name ---


def serialize(loss):
    """Name of a loss function, or configuration of a loss object."""
    return registry.serialize(loss)


def deserialize(name, custom_objects=None):
    """The loss that a name or a configuration describes; the inverse of :func:`serialize`."""
    return registry.deserialize("loss", unwrapped(name), custom_objects)


def get(identifier) -> Any:
    """The loss that `identifier` means: a name, function, class, object, configuration, or None.

    Raises:
        ValueError: an unknown name, answered with the nearest known one. TypeError: something else came.

    Example:
        >>> get("mse").__name__
        'mean_squared_error'
    """
    if inspect.isclass(identifier):
        return identifier()
    return registry.get("loss", unwrapped(identifier))
