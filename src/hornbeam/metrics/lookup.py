"""Metrics by name, and what 'accuracy' and 'crossentropy' mean for a given loss and output."""

import inspect
from typing import Any

from hornbeam import losses, registry
from hornbeam.losses import unwrapped
from hornbeam.metrics import functions
from hornbeam.metrics.base import Metric
from hornbeam.metrics.scores import F1Score, FBetaScore

ACCURACY_NAMES = ("acc", "accuracy")
CROSSENTROPY_NAMES = ("ce", "crossentropy")

# A string should mean one number a line of the log, so these take the mean over classes.
_MEANS = {
    "f1": lambda: F1Score("macro", name="f1"),
    "f1_score": lambda: F1Score("macro"),
    "fbeta_score": lambda: FBetaScore("macro"),
}


def serialize(metric):
    """Name of a metric function, or configuration of a metric object."""
    return registry.serialize(metric)


def deserialize(config, custom_objects=None):
    """The metric that a name or a configuration describes; the inverse of :func:`serialize`."""
    config = unwrapped(config)
    if isinstance(config, str):
        if config in _MEANS and config not in (custom_objects or {}):
            return _MEANS[config]()
        found: Any = registry.find("metric", config, custom_objects)
        if not inspect.isclass(found):
            return found
        named = config.islower() and issubclass(found, Metric) and "name" in inspect.signature(found).parameters
        return found(**({"name": config} if named else {}))
    return registry.deserialize("metric", config, custom_objects)


def get(identifier):
    """The metric that `identifier` means: a name, function, class, object, configuration, or None.

    Names of functions give functions, names of classes objects, lower-case names of classes ('precision', 'recall',
    'auc', 'f1', 'rmse') objects of that name.

    Raises:
        ValueError: an unknown name, answered with the nearest known one; or a name that means nothing without the
            loss. TypeError: something else came.

    Example:
        >>> get("mae").__name__, get("auc")
        ('mean_absolute_error', <AUC 'auc'>)
    """
    if inspect.isclass(identifier):
        return identifier()
    if isinstance(identifier, str) and identifier in (*ACCURACY_NAMES, *CROSSENTROPY_NAMES):
        raise ValueError(
            f"{identifier!r} means another function for each loss and output: compile(metrics=[{identifier!r}]) finds "
            f"it. By hand, name one, such as 'binary_accuracy' or 'categorical_accuracy'."
        )
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    return registry.get("metric", identifier)


def resolve_accuracy(loss, y_true_shape, output_shape):
    """The accuracy function that 'acc' and 'accuracy' mean.

    Args:
        loss: loss function, object, or name.
        y_true_shape: shape of the targets, or None if unknown.
        output_shape: shape of the output.

    Returns:
        `binary_accuracy` for one output unit or under binary crossentropy (cut at 0 if that takes logits),
        `sparse_categorical_accuracy` for class numbers, else `categorical_accuracy`.

    Example:
        >>> resolve_accuracy("sparse_categorical_crossentropy", (None, 1), (None, 10)).__name__
        'sparse_categorical_accuracy'
    """
    logits = getattr(losses.get(loss), "settings", {}).get("from_logits", False)
    return {
        "binary": functions.binary_accuracy_of_logits if logits else functions.binary_accuracy,
        "sparse": functions.sparse_categorical_accuracy,
        "categorical": functions.categorical_accuracy,
    }[_kind(loss, y_true_shape, output_shape)]


def resolve_crossentropy(loss, y_true_shape, output_shape):
    """The crossentropy function that 'ce' and 'crossentropy' mean; chosen as in :func:`resolve_accuracy`.

    Example:
        >>> resolve_crossentropy("mse", (None, 1), (None, 1)).__name__
        'binary_crossentropy'
    """
    return {
        "binary": losses.binary_crossentropy,
        "sparse": losses.sparse_categorical_crossentropy,
        "categorical": losses.categorical_crossentropy,
    }[_kind(loss, y_true_shape, output_shape)]


def _kind(loss, y_true_shape, output_shape):
    loss = losses.get(loss)
    function = getattr(loss, "fn", loss)
    if output_shape[-1] == 1 or function in (losses.binary_crossentropy, losses.binary_focal_crossentropy):
        return "binary"
    if getattr(loss, "integer_targets", False):
        return "sparse"
    if y_true_shape is None:
        return "categorical"
    numbers = len(y_true_shape) == len(output_shape) - 1 or (
        len(y_true_shape) == len(output_shape) and y_true_shape[-1] == 1
    )
    return "sparse" if numbers else "categorical"
