"""Names of Keras 1 that became several others: merge, Merge, TimeDistributedDense, classes from probabilities."""

import numpy as np

from hornbeam import layers, legacy
from hornbeam.models import Model, Sequential

__all__ = ["Merge", "TimeDistributedDense", "categorical_probas_to_classes", "merge", "probas_to_classes"]


def merge(
    inputs, mode="sum", concat_axis=-1, dot_axes=-1, output_shape=None, output_mask=None, arguments=None, name=None,
):  # fmt: skip
    """Keras 1's function of several tensors: sums, products, concatenation and so on, by `mode`.

    Args:
        inputs: list of tensors.
        mode: 'sum', 'mul', 'concat', 'ave', 'dot', 'cos', 'max', or a function of the list of tensors.
        concat_axis: of 'concat'.
        dot_axes: of 'dot' and 'cos'.
        output_shape, output_mask: not looked at; they follow from the function.
        arguments: dict of further arguments of the function.
        name: of the layer.

    Example:
        >>> import warnings
        >>> with warnings.catch_warnings():
        ...     warnings.simplefilter("ignore")
        ...     merge([layers.Input((2,)), layers.Input((3,))], mode="concat").shape
        (None, 5)
    """
    return _merging_layer("merge", mode, concat_axis, dot_axes, arguments, name)(inputs)


def _merging_layer(owner, mode, concat_axis, dot_axes, arguments, name):
    named = {} if name is None else {"name": name}
    if callable(mode):
        legacy.tell({(owner, "function")}, f"{owner}(mode=f) is the spelling of Keras 1; write Lambda(f)(inputs).")
        return layers.Lambda(mode, arguments=arguments, **named)
    class_name, settings = legacy.merge_class(mode, concat_axis, dot_axes)
    written = ", ".join(f"{key}={value!r}" for key, value in settings.items())
    legacy.tell(
        {(owner, mode)},
        f"{owner}(mode={mode!r}) is the spelling of Keras 1; write {class_name}({written})(inputs).",
    )
    return getattr(layers, class_name)(**settings, **named)


def Merge(
    layers=None, mode="sum", concat_axis=-1, dot_axes=-1, output_shape=None, output_mask=None, arguments=None,
    node_indices=None, tensor_indices=None, name=None,
):  # fmt: skip
    """Keras 1's layer of several inputs. Given `layers`, a model from their inputs to what was merged.

    Args:
        layers: layers or models whose outputs are merged, as at the beginning of a Sequential; None for a layer that is
            called on a list of tensors.
        mode, concat_axis, dot_axes, output_shape, output_mask, arguments, name: as for :func:`merge`.
        node_indices, tensor_indices: not looked at.
    """
    layer = _merging_layer("Merge", mode, concat_axis, dot_axes, arguments, None if layers else name)
    if not layers:
        return layer
    branches = [branch if isinstance(branch, Model) else Sequential([branch]) for branch in layers]
    inputs = [tensor for branch in branches for tensor in branch.inputs]
    return Model(inputs, layer([branch.output for branch in branches]), name=name)


def TimeDistributedDense(output_dim, input_dim=None, input_length=None, **kwargs):
    """Keras 1's Dense for each step: `TimeDistributed(Dense(units))`.

    Args:
        output_dim: size of the result.
        input_dim, input_length: size of a step and number of steps, for the first layer of a Sequential.
        kwargs: arguments of Dense, and `name`, `input_shape`, `batch_input_shape` of the whole.
    """
    legacy.tell(
        {"TimeDistributedDense"},
        "TimeDistributedDense is the spelling of Keras 1; write TimeDistributed(Dense(units)).",
    )
    outer = {key: kwargs.pop(key) for key in ("name", "input_shape", "batch_input_shape") if key in kwargs}
    if input_dim is not None:
        outer["input_shape"] = (input_length, input_dim)
    return layers.TimeDistributed(layers.Dense(output_dim, **kwargs), **outer)


def probas_to_classes(y_pred):
    """Classes from probabilities: the most probable one, or what is above one half if there is one column.

    Example:
        >>> probas_to_classes(np.array([[0.2, 0.8], [0.9, 0.1]])).tolist()
        [1, 0]
    """
    if np.ndim(y_pred) > 1 and np.shape(y_pred)[1] > 1:
        return categorical_probas_to_classes(y_pred)
    return np.array([1 if p > 0.5 else 0 for p in np.ravel(y_pred)])


def categorical_probas_to_classes(p):
    """The most probable class of each row."""
    return np.argmax(p, axis=1)
