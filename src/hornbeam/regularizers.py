"""Regularizers: functions weights -> scalar, a penalty that training adds to the loss."""

import inspect
import math
import numbers

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, registry


def _checked_factor(owner, argument, value):
    """`value` as a float; None counts as 0."""
    if value is None:
        return 0.0
    number = np.ndim(value) == 0 and (isinstance(value, (numbers.Real, np.ndarray)) or K.is_tensor(value))
    if not number or not math.isfinite(value) or value < 0:
        raise checks.wrong_argument(type(owner).__name__, argument, value, "a finite number, 0 or more")
    return float(value)


class Regularizer(checks.Constructed):
    """weights -> scalar: what all regularizers are. Derive from it, or pass a plain function.

    Example:
        >>> class Largest(Regularizer):
        ...     def __call__(self, x):
        ...         return 0.1 * K.max(K.abs(x))
        >>> float(Largest()(K.constant([2.0, -5.0])))
        0.5
    """

    def __call__(self, x):
        """The penalty on `x`, a scalar."""
        return 0.0

    def get_config(self):
        """Constructor arguments, as plain data."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The regularizer that `config` describes."""
        return cls(**config)


@registry.register("regularizer")
class L1L2(Regularizer):
    """l1 * sum(|x|) + l2 * sum(x ** 2).

    The first draws small weights to exactly 0, the second shrinks all in proportion. Sums, not means: a layer with
    more weights is penalised more.

    Args:
        l1: factor of the sum of absolute values, 0 or more; 0 by default.
        l2: factor of the sum of squares, 0 or more; 0 by default. There is no 1/2 in it.

    Raises:
        ValueError: a factor is negative, infinite or no number.

    Example:
        >>> float(L1L2(l1=1.0, l2=0.5)(K.constant([1.0, -2.0])))
        5.5
    """

    def __init__(self, l1=0.0, l2=0.0):
        self.l1 = _checked_factor(self, "l1", l1)
        self.l2 = _checked_factor(self, "l2", l2)

    def __call__(self, x):
        penalty = 0.0
        if self.l1:
            penalty = penalty + self.l1 * K.sum(K.abs(x))
        if self.l2:
            penalty = penalty + self.l2 * K.sum(K.square(x))
        return penalty

    def get_config(self):
        return {"l1": self.l1, "l2": self.l2}


@registry.register("regularizer")
class L1(L1L2):
    """l1 * sum(|x|); the name in today's files of :func:`l1`.

    Args:
        l1: factor, 0 or more; 0.01 by default.

    Example:
        >>> float(L1(0.5)(K.constant([1.0, -2.0])))
        1.5
    """

    def __init__(self, l1=0.01):
        super().__init__(l1=0.01 if l1 is None else l1)

    def get_config(self):
        return {"l1": self.l1}


@registry.register("regularizer")
class L2(L1L2):
    """l2 * sum(x ** 2); the name in today's files of :func:`l2`.

    Args:
        l2: factor, 0 or more; 0.01 by default.

    Example:
        >>> float(L2(0.5)(K.constant([1.0, -2.0])))
        2.5
    """

    def __init__(self, l2=0.01):
        super().__init__(l2=0.01 if l2 is None else l2)

    def get_config(self):
        return {"l2": self.l2}


@registry.register("regularizer", "orthogonal_regularizer")
class OrthogonalRegularizer(Regularizer):
    """factor * mean of |cosine| over all pairs of rows (or columns) of a matrix: draws them apart.

    A single row has no pair, and the penalty is 0.

    Args:
        factor: number, 0 or more; 0.01 by default.
        mode: 'rows' or 'columns'. Rows of a Dense kernel belong to inputs, columns to units.

    Raises:
        ValueError: `factor` or `mode` is out of range, or the weights are no matrix.

    Example:
        >>> float(OrthogonalRegularizer(1.0)(K.constant([[1.0, 0.0], [0.0, 2.0]])))
        0.0
    """

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _checked_factor(self, "factor", factor)
        if mode not in ("rows", "columns"):
            raise checks.wrong_argument("OrthogonalRegularizer", "mode", mode, "'rows' or 'columns'")
        self.mode = mode

    def __call__(self, x):
        shape = K.int_shape(x)
        if len(shape) != 2:
            raise ValueError(f"OrthogonalRegularizer judges matrices, got weights of shape {shape}. Leave it out here.")
        rows = K.l2_normalize(x if self.mode == "rows" else K.transpose(x), axis=1)
        size = shape[0 if self.mode == "rows" else 1]
        off_diagonal = K.abs(K.dot(rows, K.transpose(rows))) * (1.0 - np.eye(size, dtype="float32"))
        return self.factor * K.sum(off_diagonal) / max(1, size * (size - 1))

    def get_config(self):
        return {"factor": self.factor, "mode": self.mode}


# --- The classic functions ---


@registry.register("regularizer")
def l1(l=0.01, l1=None):  # noqa: E741
    """l * sum(|x|).

    Args:
        l: factor, 0 or more; 0.01 by default.
        l1: today's name of `l`; the one that is given counts.

    Example:
        >>> l1(0.1).get_config()
        {'l1': 0.1, 'l2': 0.0}
    """
    return L1L2(l1=l if l1 is None else l1)


@registry.register("regularizer")
def l2(l=0.01, l2=None):  # noqa: E741
    """l * sum(x ** 2).

    Args:
        l: factor, 0 or more; 0.01 by default.
        l2: today's name of `l`; the one that is given counts.

    Example:
        >>> l2(l2=0.1).get_config()
        {'l1': 0.0, 'l2': 0.1}
    """
    return L1L2(l2=l if l2 is None else l2)


@registry.register("regularizer", "l1l2")
def l1_l2(l1=0.01, l2=0.01):
    """l1 * sum(|x|) + l2 * sum(x ** 2), with factors of 0.01 as in Keras 2 (Keras 3 has 0).

    Args:
        l1, l2: factors, 0 or more; 0.01 by default.

    Example:
        >>> l1_l2().get_config()
        {'l1': 0.01, 'l2': 0.01}
    """
    return L1L2(l1=l1, l2=l2)


_MAKERS = (l1, l2, l1_l2)

orthogonal_regularizer = OrthogonalRegularizer


# --- From and to configurations ---


def serialize(regularizer):
    """The configuration of a regularizer, or the name of a plain function.

    Example:
        >>> serialize(l2(0.5))
        {'class_name': 'L1L2', 'config': {'l1': 0.0, 'l2': 0.5}}
    """
    return registry.serialize(regularizer)


def deserialize(config, custom_objects=None):
    """The regularizer that a configuration or a name describes.

    Args:
        config: what :func:`serialize` gave, or a name.
        custom_objects: dict of the caller's own names.

    Raises:
        ValueError: an unknown name; says the nearest known one.
    """
    return _made(registry.deserialize("regularizer", config, custom_objects))


def get(identifier):
    """The regularizer that `identifier` means: a name, configuration, class, object or function. None stays None.

    Raises:
        ValueError: an unknown name. TypeError: something that is none of these.

    Example:
        >>> get("l2").l2
        0.01
    """
    return _made(registry.get("regularizer", identifier))


def _made(found):
    """Classes and the classic functions above make a regularizer when called; all else is one already."""
    return found() if inspect.isclass(found) or found in _MAKERS else found
