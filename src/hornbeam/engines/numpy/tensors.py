"""Tensors on the NumPy engine: arrays, their types and shapes. 64-bit numbers are narrowed, as elsewhere."""

import builtins
from typing import Any

import numpy as np

from hornbeam import config


def accelerated():
    """Nothing faster than the CPU computes here."""
    return False

_doubles = {"wanted": config.floatx() == "float64"}


def use_double_precision():
    """Keep 64-bit numbers as they are from now on."""
    _doubles["wanted"] = True


config.float_listeners.append(lambda floatx: use_double_precision() if floatx == "float64" else None)


def _dtype(name) -> Any:
    """NumPy type for a name; 64-bit types stand for 32-bit ones unless double precision is on."""
    if name is None:
        return None
    name = name if isinstance(name, str) else str(np.dtype(name))
    if name == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    if name == "float64":
        use_double_precision()
    if name in ("int64", "uint64") and not _doubles["wanted"]:
        name = name.replace("64", "32")
    return np.dtype(name)


def _narrow(x):
    """64-bit results become 32-bit ones unless double precision is on."""
    x = np.asarray(x)
    if _doubles["wanted"] or x.dtype.itemsize != 8 or x.dtype.kind not in "fiu":
        return x
    return x.astype(f"{x.dtype.name[:-2]}32")


def convert(x, dtype=None):
    return _narrow(x) if dtype is None else np.asarray(x, dtype=_dtype(dtype))


def own(x, dtype=None):
    return np.array(convert(x, dtype))


def own_each(arrays, dtypes):
    return [own(x, dtype) for x, dtype in zip(arrays, dtypes, strict=True)]


def take_over(x, dtype):
    return convert(x, dtype)


def own_all(tree):
    if isinstance(tree, dict):
        return {key: own_all(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(own_all(value) for value in tree)
    return None if tree is None else own(tree)


def to_numpy(x):
    return np.array(x)


def view(x):
    return x


def to_device(x):
    return np.asarray(x)


def is_tensor(x):
    return isinstance(x, np.ndarray)


def stand_for_arrays(kind):
    """Nothing is left to do: NumPy's functions ask for `__array__`."""


def is_traced(x):
    return False


def dtype_of(x):
    return str(_narrow(x).dtype)


def cast(x, dtype):
    return np.asarray(x).astype(_dtype(dtype))


def reshape(x, shape):
    return np.reshape(x, builtins.tuple(int(s) for s in shape))


def transpose(x, axes=None):
    return np.transpose(x, axes)


def concatenate(tensors, axis):
    return np.concatenate(tensors, axis)


def stack(tensors, axis):
    return np.stack(tensors, axis)


def expand_dims(x, axis):
    return np.expand_dims(x, axis)


def squeeze(x, axis):
    return np.squeeze(x, axis)


def broadcast_to(x, shape):
    return np.broadcast_to(x, shape)


def tile(x, repeats):
    return np.tile(x, repeats)


def repeat(x, times, axis):
    return np.repeat(x, times, axis)


def flip(x, axes):
    return np.flip(x, axes)


def pad(x, widths, mode: Any = "constant", value=0):
    return np.pad(x, widths, mode=mode, **({"constant_values": value} if mode == "constant" else {}))


def getitem(x, key):
    return x[key]


def take(x, indices, axis):
    """Slices at `indices`; an index out of range gives NaN rows for floats, as the compiled engine does."""
    x, indices = np.asarray(x), np.asarray(indices)
    size = x.shape[axis]
    inside = (indices >= -size) & (indices < size)
    found = np.take(x, np.where(inside, indices, 0), axis=axis)
    if inside.all() or x.dtype.kind != "f":
        return found
    spread = inside.reshape((1,) * (axis % x.ndim) + inside.shape + (1,) * (x.ndim - 1 - axis % x.ndim))
    return np.where(spread, found, np.nan).astype(x.dtype)


def where(condition, x, y):
    return _narrow(np.where(condition, x, y))


def zeros(shape, dtype):
    return np.zeros(shape, _dtype(dtype))


def ones(shape, dtype):
    return np.ones(shape, _dtype(dtype))


def full(shape, value, dtype):
    return np.full(shape, value, _dtype(dtype))


def eye(rows, columns, dtype):
    return np.eye(rows, columns, dtype=_dtype(dtype))


def arange(start, stop, step, dtype):
    return np.arange(start, stop, step, dtype=_dtype(dtype))


def one_hot(indices, classes, dtype):
    return (np.asarray(indices)[..., None] == np.arange(classes)).astype(_dtype(dtype))


def scatter_rows(x, indices, rows):
    x = np.array(x)
    x[indices] = rows
    return x


def dynamic_slice(x, starts, sizes):
    # Starts are moved inwards where a block would stick out, as in compiled programs.
    starts = [
        builtins.min(builtins.max(int(s), 0), n - size) for s, n, size in zip(starts, x.shape, sizes, strict=True)
    ]
    return x[builtins.tuple(slice(s, s + n) for s, n in zip(starts, sizes, strict=True))]


def random_access_update(x, block, starts):
    x = np.array(x)
    x[builtins.tuple(slice(int(s), int(s) + n) for s, n in zip(starts, block.shape, strict=True))] = block
    return x
