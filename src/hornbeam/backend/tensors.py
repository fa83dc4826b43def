"""Words that make tensors, tell of them, and move their elements about."""

import builtins

import numpy as np

from hornbeam import config
from hornbeam.backend.taped import Taped, untaped
from hornbeam.backend.variables import Variable
from hornbeam.backend.words import Probe, Spec, attach, get_uid_name, is_symbolic, stand_in, word
from hornbeam.engines import engine
from hornbeam.symbolic import Node, SymbolicTensor

# --- What a tensor is ---


def is_tensor(x):
    """True for symbolic tensors, variables and the engine's arrays; False for NumPy arrays and numbers."""
    return isinstance(x, (SymbolicTensor, Variable, Taped)) or engine.is_tensor(x)


def is_keras_tensor(x):
    """True for a symbolic tensor that a layer (or `Input`) made.

    Raises:
        ValueError: `x` is no tensor at all.
    """
    if not is_tensor(x):
        raise ValueError(f"K.is_keras_tensor asks about tensors; got {type(x).__name__}.")
    return isinstance(x, SymbolicTensor) and x._keras_history is not None


def is_sparse(tensor):
    """True for tensors declared sparse; values are dense all the same."""
    return getattr(tensor, "sparse", False) is True


def to_dense(tensor):
    """`tensor` with all its zeros: SciPy's sparse matrices become arrays, dense ones stay."""
    return engine.convert(tensor.toarray()) if hasattr(tensor, "toarray") else tensor


def int_shape(x):
    """Shape as a tuple of integers, None where unknown."""
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


@word
def _shape(x):
    return np.array(np.shape(x), "int32")


def shape(x):
    """The shape as an integer tensor; `K.shape(x)[0]` may stand in shapes given to other words."""
    if not isinstance(x, SymbolicTensor):
        return _shape(x)
    probe = Probe([np.array(stand_in(x.shape, run), "int32") for run in (0, 1)])
    return attach(Node(_shape.operation, (x,), {}), Spec((x.ndim,), "int32"), get_uid_name("shape"), probe)


def ndim(x):
    """Number of axes."""
    return len(int_shape(x))


def dtype(x):
    """Name of the type, such as 'float32'."""
    return x.dtype if isinstance(x, (SymbolicTensor, Variable)) else engine.dtype_of(x)


def count_params(x):
    """Number of elements."""
    return int(np.prod(int_shape(x)))


def get_variable_shape(x):
    """Shape of a variable as a tuple."""
    return int_shape(x)


# --- Making ---


def constant(value, dtype=None, shape=None, name=None):
    """A tensor holding `value`, spread over `shape` if that is given."""
    made = engine.convert(untaped(value), dtype or config.floatx())
    return made if shape is None else engine.broadcast_to(made, tuple(shape))


def cast_to_floatx(x):
    """NumPy array (or tensor) of the default float type."""
    if is_symbolic(x) or is_tensor(x):
        return cast(x, config.floatx())
    return np.asarray(x, dtype=None if config.floatx() == "bfloat16" else config.floatx())


@word
def _filled(shape, value, dtype):
    return engine.full(builtins.tuple(int(s) for s in shape), value, dtype)


def zeros(shape, dtype=None, name=None):
    """A variable of zeros (a tensor if a size in `shape` is symbolic)."""
    return _maybe_variable(shape, 0, dtype, name)


def ones(shape, dtype=None, name=None):
    """A variable of ones (a tensor if a size in `shape` is symbolic)."""
    return _maybe_variable(shape, 1, dtype, name)


def _maybe_variable(shape, value, dtype, name):
    dtype = dtype or config.floatx()
    if is_symbolic(shape):
        return _filled(shape, value, dtype)
    shape = shape if isinstance(shape, (list, builtins.tuple)) or np.ndim(shape) else (shape,)
    filled = np.full(builtins.tuple(int(s) for s in shape), value, None if dtype == "bfloat16" else dtype)
    return Variable(filled, dtype=dtype, name=name)


def eye(size, dtype=None, name=None):
    """A variable holding the identity matrix of `size` rows (or (rows, columns))."""
    rows, columns = size if isinstance(size, (list, builtins.tuple)) else (size, size)
    return Variable(np.eye(rows, columns, dtype="float32"), dtype=dtype or config.floatx(), name=name)


@word
def zeros_like(x, dtype=None, name=None):
    """Zeros of the shape of `x`."""
    return engine.full(np.shape(x), 0, dtype or engine.dtype_of(x))


@word
def ones_like(x, dtype=None, name=None):
    """Ones of the shape of `x`."""
    return engine.full(np.shape(x), 1, dtype or engine.dtype_of(x))


@word
def identity(x, name=None):
    """`x` as a tensor."""
    return engine.convert(x)


@word
def arange(start, stop=None, step=1, dtype="int32"):
    """Integers from `start` (0 if `stop` is missing) up to, not including, `stop`."""
    if stop is None:
        start, stop = 0, start
    return engine.arange(start, stop, step, dtype)


@word
def cast(x, dtype):
    """`x` as type `dtype`."""
    return engine.cast(x, dtype)


# --- Form ---


@word
def reshape(x, shape):
    """The elements of `x` in `shape`; one size may be -1."""
    return engine.reshape(x, shape)


@word
def permute_dimensions(x, pattern):
    """Axes in the order of `pattern`: (B, H, W, C) with (0, 3, 1, 2) gives (B, C, H, W)."""
    return engine.transpose(x, builtins.tuple(pattern))


@word
def transpose(x):
    """Axes in reverse order."""
    return engine.transpose(x)


@word
def expand_dims(x, axis=-1):
    """A new axis of size 1 at `axis`."""
    return engine.expand_dims(x, axis)


@word
def squeeze(x, axis):
    """`x` without its axis `axis`, which must have size 1."""
    return engine.squeeze(x, axis)


@word
def flatten(x):
    """All elements in one axis."""
    return engine.reshape(x, (-1,))


@word
def batch_flatten(x):
    """(B, ...) -> (B, product of the rest)."""
    return engine.reshape(x, (x.shape[0], int(np.prod(x.shape[1:]))))


@word
def concatenate(tensors, axis=-1):
    """`tensors` joined along `axis`."""
    return engine.concatenate(list(tensors), axis)


@word
def stack(x, axis=0):
    """Tensors of one shape, along a new axis."""
    return engine.stack(list(x), axis)


@word
def repeat(x, n):
    """(B, D) -> (B, n, D), the row n times.

    Raises:
        ValueError: `x` is no matrix.
    """
    if np.ndim(x) != 2:
        raise ValueError(f"K.repeat needs a tensor of shape (B, D), got {np.shape(x)}. K.repeat_elements takes any.")
    return engine.tile(engine.expand_dims(x, 1), (1, n, 1))


@word
def repeat_elements(x, rep, axis):
    """Each slice along `axis`, `rep` times in a row."""
    return engine.repeat(x, rep, axis)


@word
def tile(x, n):
    """`x` laid side by side, `n` times (a number for the last axis, or one an axis)."""
    repeats = [int(n)] if np.ndim(n) == 0 else [int(i) for i in n]
    return engine.tile(x, builtins.tuple(repeats))


@word
def reverse(x, axes):
    """`x` backwards along `axes` (a number or a list)."""
    return engine.flip(x, builtins.tuple(axes) if isinstance(axes, (list, builtins.tuple)) else (axes,))


@word
def slice(x, start, size):
    """The block of `size` that begins at `start`; a size of -1 takes the rest."""
    sizes = [x.shape[a] - int(start[a]) if int(n) == -1 else int(n) for a, n in enumerate(size)]
    return engine.dynamic_slice(x, builtins.tuple(int(s) for s in start), builtins.tuple(sizes))


@word
def getitem(x, key):
    """`x[key]`."""
    return engine.getitem(x, key)


@word
def gather(reference, indices):
    """Slices of `reference` along its first axis: (V, ...) at (B, T) gives (B, T, ...)."""
    return engine.look_up(reference, indices)


@word
def one_hot(indices, num_classes):
    """(...) integers -> (..., num_classes) with a 1 at each index."""
    return engine.one_hot(indices, num_classes, config.floatx())


@word
def where(condition, x, y):
    """Elements of `x` where `condition` holds, else of `y`."""
    return engine.where(condition, x, y)


@word
def temporal_padding(x, padding=(1, 1)):
    """(B, T, C) with zeros before and after the time axis."""
    return engine.pad(x, ((0, 0), builtins.tuple(padding), (0, 0)))


@word
def spatial_2d_padding(x, padding=((1, 1), (1, 1)), data_format=None):
    """Images with zeros around them: ((top, bottom), (left, right))."""
    return engine.pad(x, _spatial_widths(padding, data_format))


@word
def spatial_3d_padding(x, padding=((1, 1), (1, 1), (1, 1)), data_format=None):
    """Volumes with zeros around them, one (before, after) for each of three axes."""
    return engine.pad(x, _spatial_widths(padding, data_format))


def _spatial_widths(padding, data_format):
    inner = [builtins.tuple(p) for p in padding]
    first = config.normalize_data_format(data_format) == "channels_first"
    return ((0, 0), (0, 0), *inner) if first else ((0, 0), *inner, (0, 0))
