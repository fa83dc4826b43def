"""Classes as rows of zeros and a one, and rows brought to length one: the classic NumPy helpers."""

import numpy as np

from hornbeam.legacy import takes_old_names


@takes_old_names("to_categorical")
def to_categorical(y, num_classes=None, dtype="float32"):
    """Class numbers as one-hot rows: row i is zero but for a one at place y[i].

    What `categorical_crossentropy` wants as targets; `sparse_categorical_crossentropy` takes the class numbers
    themselves. A last axis of size one is dropped first, so (B, 1) labels become (B, num_classes).

    Args:
        y: whole numbers in [0, num_classes), of any shape.
        num_classes: how many classes there are; None takes the greatest label plus one.
        dtype: type of the result, 'float32'.

    Shapes:
        y (...) or (..., 1) -> (..., num_classes)

    Raises:
        ValueError: a label is not whole or lies outside the classes.

    Example:
        >>> to_categorical([0, 2], 3)
        array([[1., 0., 0.],
               [0., 0., 1.]], dtype=float32)
    """
    given = np.asarray(y)
    labels = given.astype("int64")
    if given.dtype.kind == "f" and not np.array_equal(labels, given):
        raise ValueError(
            f"to_categorical takes class numbers, whole and from 0 on; got {given[labels != given].flat[0]!r}. "
            "Scores are turned into classes by y.argmax(axis=-1)."
        )
    shape = labels.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    labels = labels.ravel()
    if num_classes is None or num_classes == 0:
        num_classes = int(labels.max()) + 1 if labels.size else 0
    wrong = labels[(labels < 0) | (labels >= num_classes)]
    if wrong.size:
        raise ValueError(
            f"to_categorical: label {wrong[0]} is outside the {num_classes} classes 0 to {num_classes - 1}. "
            "Give num_classes the greatest label plus one, or renumber the labels from 0."
        )
    rows = np.zeros((labels.size, num_classes), dtype)
    rows[np.arange(labels.size), labels] = 1
    return rows.reshape((*shape, num_classes))


def normalize(x, axis=-1, order=2):
    """x / ||x||: each vector along `axis` divided by its norm.

    Zero vectors stay zero. A single vector comes back as one row, (1, n), as it always has.

    Args:
        x: numbers of any shape.
        axis: along which the vectors lie, -1 (the last).
        order: of the norm: 2 Euclidean (default), 1 sum of absolute values, np.inf the greatest.

    Shapes:
        x (...) -> (...), but (n,) -> (1, n)

    Example:
        >>> normalize([3.0, 4.0])
        array([[0.6, 0.8]])
    """
    x = np.asarray(x)
    lengths = np.atleast_1d(np.linalg.norm(x, order, axis))
    lengths[lengths == 0] = 1
    return x / np.expand_dims(lengths, axis)
