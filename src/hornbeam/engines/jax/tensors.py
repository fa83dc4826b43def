"""Tensors on the JAX engine: conversion, types, shapes, and moving elements about."""

import builtins
import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from hornbeam import config
from hornbeam.host_memory import room_for as _room_for


@functools.cache
def accelerated():
    """Does something faster than the CPU compute? Asked when first needed, since asking starts the engine's devices."""
    return jax.default_backend() != "cpu"


def _follow_floatx(floatx):
    if floatx == "float64":
        use_double_precision()


def use_double_precision():
    """Allow 64-bit numbers. The engine narrows them otherwise, because a stray NumPy float64 would slow every step."""
    if not jax.config.jax_enable_x64:
        jax.config.update("jax_enable_x64", True)


config.float_listeners.append(_follow_floatx)
_follow_floatx(config.floatx())


def _dtype(name) -> Any:
    """The engine's type for a name; asking for float64 switches double precision on."""
    if name is None:
        return None
    name = str(np.dtype(name)) if not isinstance(name, str) else name
    if name == "float64":
        use_double_precision()
    if name in ("int64", "uint64") and not jax.config.jax_enable_x64:
        return jnp.dtype(name.replace("64", "32"))  # ids are checked against their range on the host
    return jnp.dtype(name)


def _static(*values):
    """True for integers known before values flow (sizes from `K.shape`); they must stay outside the traced program."""
    return builtins.all(
        isinstance(v, (int, np.integer)) or (isinstance(v, np.ndarray) and v.dtype.kind in "iu") for v in values
    )


def convert(x, dtype=None):
    """`x` (array, number, list) as the engine's array, of type `dtype` if given. None leaves float64 to the engine."""
    wanted = _dtype(dtype)
    if isinstance(x, (list, tuple)) and builtins.any(isinstance(item, jax.Array) for item in x):
        x = jnp.stack([jnp.asarray(item) for item in x])
    return jnp.asarray(x, dtype=wanted)


def own(x, dtype=None):
    """A copy of `x` for a variable to keep: its memory is handed to compiled steps, so nobody else may hold it.

    Also inside a program being traced it is a real array, since layers may be built there.
    """
    if is_traced(x):
        return jnp.asarray(x, dtype=_dtype(dtype))
    if isinstance(x, jax.Array) and jax.default_backend() == "cpu":
        x = np.asarray(x)
    wanted = _dtype(dtype)
    with jax.ensure_compile_time_eval():
        if isinstance(x, (np.ndarray, np.generic)) or (wanted is not None and isinstance(x, (bool, int, float))):
            return _copied(np.asarray(x, wanted))
        return jnp.array(x, dtype=wanted, copy=True)


def own_each(arrays, dtypes):
    """:func:`own` of several NumPy arrays in one go: each by itself takes 30 microseconds to hand over."""
    with jax.ensure_compile_time_eval():
        kept = [_beside(np.asarray(x, _dtype(dtype))) for x, dtype in zip(arrays, dtypes, strict=True)]
        return jax.block_until_ready(jax.device_put(kept))


def _copied(x):
    """NumPy array `x` in memory of the engine's own; `jnp.array` makes a program for each shape, 10 to 40 ms."""
    return jax.block_until_ready(jax.device_put(_beside(x)))


def _beside(x):
    """`x`, or a copy, where the engine must copy it: what begins at 64 bytes it would share, also if told not to, and
    the first step could not write over it."""
    if x.ctypes.data % 64 == 0 or not x.flags.c_contiguous:
        room = _room_for(x.shape, x.dtype, in_place=False)
        room[...] = x
        x = room
    return x


def take_over(x, dtype):
    """NumPy array `x`, which nobody else will change, for a variable to keep: no copy if it begins at 64 bytes and has
    the type already."""
    with jax.ensure_compile_time_eval():
        return jax.device_put(np.asarray(x, _dtype(dtype)))


def own_all(tree):
    """:func:`own` for every array in a nest of any kind."""
    return jax.tree.map(own, tree)


def to_numpy(x):
    """`x` as a NumPy array of its own memory (a view would hold a buffer that the next step wants to reuse)."""
    return np.array(x)


def view(x):
    """`x` as a NumPy array that may not be written: its own memory where that can be shared, so drop it soon. A step
    that is to reuse a buffer which is looked at copies it first."""
    try:
        return np.from_dlpack(x)
    except (BufferError, RuntimeError, TypeError, ValueError):  # a type that NumPy lacks, or memory of a device
        return np.array(x)


def is_tensor(x):
    """True for the engine's arrays, traced ones too."""
    return isinstance(x, jax.Array)


def stand_for_arrays(kind):
    """Let objects of the class `kind` serve as arrays in the engine's own functions, by their `as_engine_array`."""
    kind.__jax_array__ = kind.as_engine_array


def is_traced(x):
    """True for a value inside a program being compiled."""
    return isinstance(x, jax.core.Tracer)


def dtype_of(x):
    """Name of the type of `x`, such as 'float32'."""
    return str(x.dtype) if hasattr(x, "dtype") else str(jnp.asarray(x).dtype)


def cast(x, dtype):
    if _static(x) and np.dtype(dtype).kind in "iu":
        return np.asarray(x, dtype)
    return jnp.asarray(x).astype(_dtype(dtype))


def reshape(x, shape):
    return jnp.reshape(x, builtins.tuple(_size(s) for s in shape))


def _size(size):
    """A size as an integer; one that stays open in an exported program, as it is."""
    try:
        return int(size)
    except jax.errors.InconclusiveDimensionOperation:
        return size


def transpose(x, axes=None):
    return jnp.transpose(x, axes)


def concatenate(tensors, axis):
    tensors = [t if hasattr(t, "shape") else np.asarray(t) for t in tensors]
    return np.concatenate(tensors, axis) if _static(*tensors) else jnp.concatenate(tensors, axis)


def stack(tensors, axis):
    return np.stack(tensors, axis) if _static(*tensors) else jnp.stack([jnp.asarray(t) for t in tensors], axis)


def expand_dims(x, axis):
    return np.expand_dims(x, axis) if _static(x) else jnp.expand_dims(x, axis)


def squeeze(x, axis):
    return jnp.squeeze(x, axis)


def broadcast_to(x, shape):
    return jnp.broadcast_to(x, shape)


def tile(x, repeats):
    return jnp.tile(x, repeats)


def repeat(x, times, axis):
    return jnp.repeat(x, times, axis)


def flip(x, axes):
    return jnp.flip(x, axes)


def pad(x, widths, mode="constant", value=0):
    """`x` with `widths` ((before, after) an axis) added; `mode` as in numpy.pad."""
    return jnp.pad(x, widths, mode=mode, constant_values=value) if mode == "constant" else jnp.pad(x, widths, mode=mode)


def getitem(x, key):
    return x[key]


def take(x, indices, axis):
    """Slices of `x` at `indices` along `axis`; an index out of range gives rows of NaN for floats."""
    return jnp.take(x, indices, axis=axis)


def where(condition, x, y):
    return jnp.where(condition, x, y)


def zeros(shape, dtype):
    return jnp.zeros(shape, _dtype(dtype))


def ones(shape, dtype):
    return jnp.ones(shape, _dtype(dtype))


def full(shape, value, dtype):
    return jnp.full(shape, value, _dtype(dtype))


def eye(rows, columns, dtype):
    return jnp.eye(rows, columns, dtype=_dtype(dtype))


def arange(start, stop, step, dtype):
    return jnp.arange(start, stop, step, _dtype(dtype))


def one_hot(indices, classes, dtype):
    """(..., classes): 1 at each index, all zeros for an index out of range."""
    return jax.nn.one_hot(indices, classes, dtype=_dtype(dtype))


def scatter_rows(x, indices, rows):
    """`x` with `rows` written at `indices` of the first axis."""
    return x.at[indices].set(rows)


def dynamic_slice(x, starts, sizes):
    """Block of `sizes` starting at `starts`, which may be traced."""
    return jax.lax.dynamic_slice(x, starts, sizes)


def random_access_update(x, block, starts):
    """`x` with `block` written at `starts`, which may be traced."""
    return jax.lax.dynamic_update_slice(x, block, starts)
