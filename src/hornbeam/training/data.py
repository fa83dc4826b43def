"""Anything -> batches: arrays checked against the model, and plans that say which rows each step takes."""

import numpy as np

from hornbeam import backend as K
from hornbeam import config, nest
from hornbeam.host_memory import room_for
from hornbeam.training import data_checks
from hornbeam.training.lengths import order_by_length
from hornbeam.training.sources import tables
from hornbeam.training.sources.columns import as_column, is_column, rows_of

# Data up to this size stays where the engine computes, and batches are gathered there; larger data is fed in chunks.
RESIDENT_BYTES = 1 << 30
CHUNK_BYTES = 8 << 20  # of stacked batches handed over at a time, when data is fed in chunks


class ArrayData:
    """Rows of arrays: inputs, and where there are any, targets and weights.

    Args:
        inputs: list of arrays (N, ...), or of columns that are read when needed, one an input of the model.
        targets: list of the same, one an output; empty for prediction.
        weights: list of arrays (N,) or (N, T) or None, one an output.
        form: nest that gives the inputs their form when the model is called.

    Attributes:
        rows: N.
        may_stay: False for parts of data that is too large to stay where the engine computes.
    """

    may_stay = True

    def __init__(self, inputs, targets=(), weights=(), form=None):
        self.inputs = list(inputs)
        self.targets = list(targets)
        self.weights = list(weights)
        self.form = form
        self.rows = len(self.inputs[0])
        self._on_device = None
        self.lengths = None  # of the rows, once somebody measured them

    def arrays(self):
        """The arrays a step is given: {'x', 'y', 'w'}; outputs without weights are left out of 'w'."""
        return {
            "x": self.inputs,
            "y": [t for t in self.targets if t is not None],
            "w": [w for w in self.weights if w is not None],
        }

    @property
    def nbytes(self):
        """Size of all arrays."""
        return sum(a.nbytes for a in nest.flatten(self.arrays()))

    @property
    def resident(self):
        """Small enough to stay where the engine computes, and nothing that is read as it is needed?"""
        small = self.may_stay and self.nbytes <= RESIDENT_BYTES
        return small and not any(is_column(a) for a in nest.flatten(self.arrays()))

    def filled_up(self, rows):
        """The arrays, with zeros behind up to so many `rows`."""
        return nest.map_structure(lambda array: _filled_up(array, rows), self.arrays())

    def on_device(self, rows=None):
        """The arrays, moved to the engine once; filled up to `rows` if they are fewer."""
        rows = rows or self.rows
        if self._on_device is None or self._on_device[0] != rows:
            self._on_device = rows, nest.map_structure(K.engine.to_device, self.filled_up(rows))
        return self._on_device[1]

    def stacked(self, plan):
        """The batches that `plan` (S, B) names, stacked: (S, B, ...)."""
        rows = plan.reshape(-1)
        return nest.map_structure(lambda a: rows_of(a, rows).reshape(*plan.shape, *a.shape[1:]), self.arrays())

    def chunk_steps(self, batch_size):
        """How many batches fit into a chunk."""
        return max(1, CHUNK_BYTES // max(1, self.nbytes // self.rows * batch_size))


def _filled_up(array, rows):
    if len(array) >= rows:
        return array
    room = room_for((rows, *array.shape[1:]), array.dtype, in_place=True)
    room[: len(array)] = array
    room[len(array) :] = 0
    return room


def plan_epoch(rows, batch_size, shuffle=False, steps=None, lengths=None):
    """Which rows each step takes.

    Args:
        rows: number of rows N.
        batch_size: B.
        shuffle: True for a new order from NumPy's global generator, 'batch' to shuffle whole batches, or False.
        steps: number of steps, if not one pass over the data; rows then come round again.
        lengths: of the rows, where batches are to hold rows of like length; see :func:`lengths.order_by_length`.

    Returns:
        (plan (S, B) int32, counts (S,) int32 or None). A short last batch is filled up with row 0; `counts` says how
        many rows of each step are real, None that all are.

    Example:
        >>> plan, counts = plan_epoch(5, 2)
        >>> plan.tolist(), counts.tolist()
        ([[0, 1], [2, 3], [4, 0]], [2, 2, 1])
    """
    if steps is None:
        order = _order(rows, batch_size, shuffle, lengths)
    else:
        passes = -(-steps * batch_size // rows)
        orders = [_order(rows, batch_size, shuffle, lengths) for _ in range(passes)]
        order = np.concatenate(orders)[: steps * batch_size]
    count = -(-len(order) // batch_size)
    missing = count * batch_size - len(order)
    plan = np.zeros(count * batch_size, np.int32)
    plan[: len(order)] = order
    counts = None
    if missing:
        counts = np.full(count, batch_size, np.int32)
        counts[-1] -= missing
    return plan.reshape(count, batch_size), counts


def _order(rows, batch_size, shuffle, lengths=None):
    if lengths is not None:
        return order_by_length(lengths, batch_size, shuffle)
    if shuffle == "batch":  # neighbours stay together, which files like
        whole = rows // batch_size
        starts = np.random.permutation(whole) * batch_size
        order = (starts[:, None] + np.arange(batch_size)).reshape(-1)
        return np.concatenate([order, np.arange(whole * batch_size, rows)])
    return np.random.permutation(rows) if shuffle else np.arange(rows)


# --- From what users hand over to lists of arrays ---


def as_array(value, what):
    """`value` (array, list, frame, series, another library's tensor) as a NumPy array, or as a column if it is best
    read batch by batch: files, sparse matrices, big arrays of a type that is not computed with.

    Raises:
        ValueError: it holds objects, or rows of different lengths. TypeError: it is no data at all.
    """
    column = as_column(value, config.floatx())
    if column is not None:
        return _narrow_column(column, what)
    if isinstance(value, np.ndarray):
        array = value
    elif tables.is_frame(value):
        array = tables.frame_array(value, what)
    elif hasattr(value, "to_numpy"):
        array = tables.series_array(value, what)
    elif hasattr(value, "detach") and hasattr(value, "cpu"):  # a torch tensor, perhaps part of a graph or elsewhere
        array = _from_torch(value)
    else:
        array = _from_objects(value, what)
    if array.dtype == object:
        raise data_checks.not_numeric(what, array)
    return narrow(array, what)


def _from_torch(tensor):
    tensor = tensor.detach().cpu()
    return (tensor.float() if str(tensor.dtype).endswith("bfloat16") else tensor).numpy()


def _from_objects(value, what):
    if isinstance(value, K.Variable):
        value = value.value
    elif K.is_symbolic(value):
        raise TypeError(
            f"{what} is {value!r}, which a model is made of and which has no rows. Give the array of numbers it "
            "stands for."
        )
    elif isinstance(value, (list, tuple)) and value and hasattr(value[0], "detach") and hasattr(value[0], "cpu"):
        value = [_from_torch(item) for item in value]
    try:
        return np.asarray(value)
    except ValueError as error:
        raise ValueError(
            f"{what}: the rows have different lengths, so they make no array ({error}). Pad them to one length: "
            f"preprocessing.sequence.pad_sequences(rows), or let fit do it: fit(..., bucket_by_length=True)."
        ) from None


def _narrow_column(column, what):
    """A column whose rows come as the engine computes with them."""
    form = narrow(np.zeros(1, column.dtype), what)
    if form.dtype == column.dtype:
        return column
    return column.mapped(lambda array: narrow(array, what), dtype=form.dtype)


def narrow(array, what):
    """64-bit arrays become 32-bit ones, as the engine computes with those; text and dates are refused."""
    kind = array.dtype.kind
    if kind == "f" and array.dtype.itemsize == 8 and config.floatx() != "float64":
        return array.astype("float32")
    if kind in "iu" and array.dtype.itemsize == 8:
        data_checks.check_int32_range(array, what)
        return array.astype("int32")
    if kind not in "fiub" and str(array.dtype) != "bfloat16":
        raise data_checks.not_numeric(what, array)
    return array


def by_name(value, names, what):
    """Values for `names` out of one value, a list or a dict by name; a list with None where the dict lacks one.

    Raises:
        ValueError: another number of values than names, or a name nobody has.
    """
    if len(names) > 1 and tables.is_frame(value):
        columns = tables.frame_columns(value)
        value = {name: columns[name] for name in names if name in columns} or value
    if isinstance(value, dict):
        unknown = [n for n in value if n not in names]
        if unknown:
            from hornbeam import checks

            raise checks.unknown_name(f"{what} name", unknown[0], names)
        return [value.get(n) for n in names]
    if isinstance(value, (list, tuple)) and _holds_arrays(value, len(names)):
        if len(value) != len(names):
            raise ValueError(
                f"The model has {len(names)} {what}s ({', '.join(names)}), got a list of {len(value)} arrays."
            )
        return list(value)
    if len(names) != 1:
        raise ValueError(
            f"The model has {len(names)} {what}s ({', '.join(names)}), got one array. Give a list or a dict by name."
        )
    return [value]


def _holds_arrays(value, wanted):
    """Is this list one of arrays (one an input), not itself the data of a single input?"""
    return bool(value) and (wanted > 1 or len(value) == 1) and all(
        hasattr(v, "shape") or hasattr(v, "to_numpy") or (wanted > 1 and isinstance(v, (list, tuple))) for v in value
    ) or (len(value) > 1 and all(hasattr(v, "shape") and len(getattr(v, "shape", ())) > 0 for v in value)
          and len({len(v.shape) for v in value}) > 1)  # fmt: skip
