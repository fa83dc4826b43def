"""Mean 0 and deviation 1, as the training rows have them."""

import numpy as np

PIECE = 4096  # rows of a file that are read at a time

class Standardization:
    """(x - mean) / deviation by feature, where mean and deviation are those of the rows it was made from.

    A feature is a place on the last axis; a constant one stays at 0. Arrays of whole numbers (ids, classes) are left
    as they are.

    Args:
        arrays: list of arrays (N, ..., C) or (N,).
        rows: numbers of the rows to learn from; None takes all.

    Raises:
        ValueError: no array holds fractions, so that there is nothing to do.

    Example:
        >>> learned = Standardization([np.array([[1.0], [3.0], [100.0]])], rows=[0, 1])
        >>> learned([np.array([[1.0], [5.0]])])[0].tolist()
        [[-1.0], [3.0]]
    """

    def __init__(self, arrays, rows=None):
        arrays = [a if hasattr(a, "mapped") else np.asarray(a) for a in arrays]
        if not any(a.dtype.kind == "f" for a in arrays):
            raise ValueError(
                "standardize: the inputs are whole numbers, which are left as they are because they may be ids. Give "
                "quantities as x.astype('float32')."
            )
        self.parts = [_mean_and_deviation(a, rows) if a.dtype.kind == "f" else None for a in arrays]

    def __call__(self, arrays):
        """The arrays, standardised; types are kept."""
        return [a if part is None else _standardized(a, *part) for a, part in zip(arrays, self.parts, strict=True)]


def _standardized(array, mean, deviation):
    if hasattr(array, "mapped"):  # rows of a file, read as they are needed
        return array.mapped(lambda read: _standardized(read, mean, deviation))
    array = np.asarray(array)
    return ((array - mean) / deviation).astype(array.dtype)


def _mean_and_deviation(array, rows):
    """Of the rows, in double precision; those of a file are read piece by piece."""
    rows = np.arange(len(array)) if rows is None else np.asarray(rows)
    pieces = np.array_split(rows, -(-len(rows) // PIECE)) if hasattr(array, "mapped") else [rows]
    axes = tuple(range(array.ndim - 1)) if array.ndim > 1 else (0,)
    means, variances, counts = [], [], []
    for piece in pieces:
        read = np.asarray(array[piece])
        means.append(read.mean(axes, dtype="float64"))
        variances.append(read.var(axes, dtype="float64"))
        counts.append(len(piece) / len(rows))
    mean = np.tensordot(counts, np.array(means), 1)
    spread = np.array(variances) + (np.array(means) - mean) ** 2
    deviation = np.sqrt(np.tensordot(counts, spread, 1))
    return mean, np.where(deviation > 1e-7 * np.abs(mean), deviation, 1.0)
