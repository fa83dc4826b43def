"""What data must be before the first step: shapes, numbers of rows, labels. Each check answers with the cure."""

import numpy as np


def not_numeric(what, array):
    """ValueError for text, dates, objects."""
    sample = array.reshape(-1)[:1].tolist()[0] if array.size else ""
    return ValueError(
        f"{what} holds {array.dtype} values such as {sample!r}, not numbers. Turn text into numbers first (Tokenizer, "
        f"one_hot), and give rows of equal length (pad_sequences)."
    )


def check_int32_range(array, what):
    """Integers are computed in 32 bits; one that does not fit would silently become another."""
    if array.size and (array.max() > 2**31 - 1 or array.min() < -(2**31)):
        worst = array.max() if array.max() > 2**31 - 1 else array.min()
        raise ValueError(f"{what} holds {worst}, which does not fit into 32 bits. Map ids to 0..n-1, or give floats.")


def check_rows(named):
    """All arrays have the same number of rows, and at least one.

    Args:
        named: list of (description, array).
    """
    counts = {what: len(array) for what, array in named if array is not None}
    if not counts:
        return
    if any(n == 0 for n in counts.values()):
        empty = next(what for what, n in counts.items() if n == 0)
        raise ValueError(f"{empty} is empty: it has 0 rows. Check how it was loaded or sliced.")
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{what}: {n}" for what, n in counts.items())
        raise ValueError(f"All arrays need the same number of rows; got {told}.")


def has_no_rows(x):
    """Is `x` an array, or a list of arrays, without rows?"""
    arrays = x if isinstance(x, (list, tuple)) else [x]
    return bool(arrays) and all(isinstance(array, np.ndarray) and array.shape[:1] == (0,) for array in arrays)


def fit_input(array, shape, what):
    """`array` as rows of `shape[1:]`: an axis is added to plain columns; anything else must fit.

    Raises:
        ValueError: it does not fit.
    """
    if array.ndim == len(shape) - 1 and shape[-1] in (1, None) and array.ndim >= 1:
        array = array[..., None]
    if array.ndim != len(shape) or any(
        w is not None and w != s for w, s in zip(shape[1:], array.shape[1:], strict=True)
    ):
        raise ValueError(
            f"{what} needs rows of shape {tuple(shape[1:])}, got an array of shape {array.shape}.{_cure(array, shape)}"
        )
    if shape[0] is not None and len(array) % shape[0]:
        raise ValueError(
            f"{what} was made for batches of exactly {shape[0]} rows, got {len(array)} rows. Give a multiple of "
            f"{shape[0]} rows."
        )
    return array


def _cure(array, shape):
    wanted = shape[1:]
    if array.shape == tuple(wanted):
        return " For one row, add the batch axis: x[None]."
    if None not in wanted and array.ndim and np.prod(array.shape[1:]) == np.prod(wanted):
        return f" The sizes multiply to the same: x.reshape({(-1, *map(int, wanted))})."
    if array.ndim == len(shape) - 1:
        return " An axis is missing: x[..., None] adds one at the end."
    return ""


def fit_target(array, shape, loss_name, integer, what):
    """`array` as targets for an output of `shape`, which may hold None.

    Args:
        integer: are targets class numbers (sparse losses)?

    Raises:
        ValueError: it does not fit, or a class number is outside the classes.
    """
    if integer:
        return _fit_labels(array, shape, loss_name, what)
    if loss_name == "binary_crossentropy":
        array = _looked_at(array, lambda rows: _check_yes_or_no(rows, what))
    if array.ndim == len(shape) - 1 and shape[-1] == 1:
        return array[..., None]
    fits = array.ndim == len(shape) and all(
        w is None or w == s for w, s in zip(shape[1:], array.shape[1:], strict=True)
    )
    if not fits:
        raise ValueError(
            f"{what} has shape {array.shape}, but the output gives rows of shape {tuple(shape[1:])}, and {loss_name} "
            f"compares element by element.{_target_cure(array, shape, loss_name)}"
        )
    return array


def _looked_at(array, check):
    """`array`, checked now if it is at hand, whenever rows of it are read otherwise."""
    if getattr(array, "is_column", False):
        return array.checked(check)
    check(array)
    return array


def _check_yes_or_no(array, what):
    if array.size and (array.min() < 0 or array.max() > 1):
        wrong = array.min() if array.min() < 0 else array.max()
        raise ValueError(
            f"{what} holds {wrong}, but binary_crossentropy takes targets from 0 (no) to 1 (yes). Turn -1 and 1 into 0 "
            f"and 1 with (y + 1) / 2, or use 'hinge'; for class numbers use 'sparse_categorical_crossentropy'."
        )


def _target_cure(array, shape, loss_name):
    one_column = array.ndim == 1 or array.shape[1:] == (1,)
    classes = shape[-1]
    if "categorical_crossentropy" in loss_name and one_column and array.dtype.kind in "iub":
        return (
            f" For class numbers use loss='sparse_categorical_crossentropy', or one-hot targets: "
            f"utils.to_categorical(y, {classes})."
        )
    if one_column and classes is not None and classes > 1:
        return f" Either the last layer should have 1 unit, or the targets {classes} columns."
    if array.ndim == len(shape) and array.shape[-1] != classes:
        return f" The last layer has {classes} units; these targets need {array.shape[-1]}."
    return ""


def _fit_labels(array, shape, loss_name, what):
    classes = shape[-1]
    if array.ndim == len(shape) and array.shape[-1] == classes and classes not in (1, None):
        raise ValueError(
            f"{what} has shape {array.shape}: one-hot rows, it seems. {loss_name} takes class numbers: use "
            f"y.argmax(-1), or loss='categorical_crossentropy'."
        )
    if array.ndim == len(shape) and array.shape[-1] == 1:
        array = array[..., 0]
    if array.ndim != len(shape) - 1:
        raise ValueError(f"{what} has shape {array.shape}; {loss_name} needs class numbers of shape (rows, ...), one "
                         f"for each prediction of shape {tuple(shape[1:])}.")  # fmt: skip
    return array if classes is None else _looked_at(array, lambda rows: _check_labels(rows, classes, what))


def _outside(array, limit):
    """(row, value, greatest value) of whole numbers that are not all from 0 to limit - 1; None if they are."""
    if not array.size:
        return None
    low, high = array.min(), array.max()
    if low >= 0 and high < limit:
        return None
    wrong = low if low < 0 else high
    return int(np.argwhere(array == wrong)[0][0]), wrong, int(high)


def _check_labels(array, classes, what):
    found = _outside(array, classes)
    if found is not None:
        row, wrong, high = found
        raise ValueError(
            f"{what} holds the class {wrong} (row {row}), but the output has {classes} classes, 0 to "
            f"{classes - 1}. Give the last layer {high + 1} units, or number the classes from 0."
        )


def fit_weight(array, shape, what):
    """`array` as weights for an output of `shape`: one a row, or one a step where the output has steps.

    Raises:
        ValueError: it has another shape.
    """
    if array.ndim == 2 and array.shape[1] == 1 and len(shape) == 2:
        return array[..., 0]
    steps = shape[1 : max(array.ndim, 1)]
    if array.ndim in range(1, max(2, len(shape))) and all(
        w is None or w == s for w, s in zip(steps, array.shape[1:], strict=True)
    ):
        return array
    by_step = f", or by step ({', '.join(['rows', *map(str, shape[1:-1])])})" if len(shape) > 2 else ""
    raise ValueError(
        f"{what} has shape {array.shape}; the output gives rows of shape {tuple(shape[1:])}, so weights have the shape "
        f"(rows,){by_step}."
    )


def checked_ids(array, layer):
    """`array`, whose word ids lie within the table of an Embedding."""
    return _looked_at(array, lambda rows: _check_ids(rows, layer))


def _check_ids(array, layer):
    limit = layer.input_dim
    found = _outside(array, limit)
    if found is not None:
        row, wrong, high = found
        raise ValueError(
            f"Embedding {layer.name!r} has ids 0 to {limit - 1}, but row {row} of its input holds {wrong}. Use "
            f"input_dim={high + 1} or more, or map rare words to one id."
        )


def check_class_weight(class_weight, classes, what):
    """A dict from class number to weight, which names no class that the output has not.

    Args:
        class_weight: what the user gave.
        classes: number of classes, or None if that is open.

    Raises:
        TypeError: it is no dict. ValueError: it names an unknown class.
    """
    if not isinstance(class_weight, dict):
        raise TypeError(
            f"class_weight is a dict from class number to weight, such as {{0: 1.0, 1: 5.0}}; got {class_weight!r}."
        )
    for name in class_weight:
        number = int(name) if isinstance(name, (int, float, np.number)) and int(name) == name else None
        if number is None or number < 0 or (classes is not None and number >= classes):
            raise ValueError(
                f"class_weight names the class {name!r}, which {what} cannot hold"
                f"{f': its classes are 0 to {classes - 1}' if classes else ''}. Classes are numbers from 0."
            )


def class_weights(labels, class_weight, what):
    """Weight of each row by its class.

    Args:
        labels: targets of one output: class numbers (N,) or (N, 1), or one-hot rows (N, C).
        class_weight: dict from class number to weight.

    Raises:
        ValueError: a class of the data has no weight, or the targets have too many axes.
    """
    if labels.ndim > 2:
        raise ValueError(
            f"class_weight needs targets of rank 1 or 2; {what} has shape {labels.shape}. Use sample_weight."
        )
    classes = labels.argmax(1) if labels.ndim == 2 and labels.shape[1] > 1 else labels.reshape(-1).astype("int64")
    present = np.unique(classes)
    missing = [int(c) for c in present if int(c) not in class_weight]
    if missing:
        raise ValueError(
            f"class_weight has no weight for class {missing[0]} of {what}. Classes in the data: "
            f"{', '.join(str(c) for c in present[:20])}; weighted: {', '.join(map(str, class_weight))}."
        )
    table = np.zeros(int(present.max()) + 1, "float32")
    for c in present:
        table[c] = class_weight[int(c)]
    return table[classes]
