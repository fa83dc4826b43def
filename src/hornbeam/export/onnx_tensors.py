"""ONNX makers of words about form: making tensors, shapes, indexing, joining, repeating, padding."""

import math

import numpy as np

from hornbeam import config
from hornbeam.export.onnx_graph import _SMALLEST, NoCounterpart, Value
from hornbeam.export.onnx_walk import word_maker

# --- Making ---


@word_maker("_shape")
def _shape(walk, like, x):
    return walk.graph.cast(walk.graph.add("Shape", [x], (x.rank,), "int64"), "int32")


@word_maker("_filled")
def _filled(walk, like, shape, value, dtype):
    parts = list(shape) if isinstance(shape, (list, tuple)) else shape
    if isinstance(parts, Value):
        raise NoCounterpart("a shape that is itself a tensor is not written")
    return walk.graph.filled([p if isinstance(p, Value) else int(p) for p in parts], value, like.dtype)


@word_maker("zeros_like")
def _zeros_like(walk, like, x, dtype=None, name=None):
    return _all(walk, like, x, 0)


@word_maker("ones_like")
def _ones_like(walk, like, x, dtype=None, name=None):
    return _all(walk, like, x, 1)


def _all(walk, like, x, number):
    if None not in x.shape:
        return walk.graph.filled(x.shape, number, like.dtype)
    shape = walk.graph.add("Shape", [x], (x.rank,), "int64")
    return walk.graph.add("Expand", [walk.graph.constant(number, like.dtype), shape], x.shape, like.dtype)


@word_maker("arange")
def _arange(walk, like, start, stop=None, step=1, dtype="int32"):
    start, stop = (0, start) if stop is None else (start, stop)
    bounds = [_scalar(walk, v, "int64") for v in (start, stop, step)]
    return walk.graph.cast(walk.graph.add("Range", bounds, like.shape, "int64"), like.dtype)


def _scalar(walk, value, dtype):
    value = walk.value(value, dtype)
    return walk.graph.reshape(value, ()) if value.shape != () else value


@word_maker("one_hot")
def _one_hot(walk, like, indices, num_classes):
    wide = walk.graph.unsqueeze(walk.graph.cast(indices, "int64"), [-1])
    same = walk.graph.add("Equal", [wide, np.arange(num_classes)], like.shape, "bool")
    return walk.graph.cast(same, config.floatx())


@word_maker("gather")
def _gather(walk, like, reference, indices):
    indices = walk.value(indices)
    indices = indices if indices.dtype in ("int32", "int64") else walk.graph.cast(indices, "int32")
    return walk.graph.add("Gather", [walk.value(reference), indices], like.shape, axis=0)


# --- Form ---


@word_maker("reshape")
def _reshape(walk, like, x, shape):
    x = walk.value(x)
    if isinstance(shape, Value):
        return walk.graph.add("Reshape", [x, walk.graph.cast(shape, "int64")], like.shape)
    return walk.graph.reshape(x, [p if isinstance(p, Value) else int(p) for p in shape], like.shape)


@word_maker("permute_dimensions")
def _permute(walk, like, x, pattern):
    return walk.graph.transpose(walk.value(x), [int(a) for a in pattern])


@word_maker("transpose")
def _transpose(walk, like, x):
    return walk.graph.transpose(x, range(x.rank)[::-1])


@word_maker("expand_dims")
def _expand_dims(walk, like, x, axis=-1):
    return walk.graph.unsqueeze(walk.value(x), [axis])


@word_maker("squeeze")
def _squeeze(walk, like, x, axis):
    return walk.graph.squeeze(x, [axis])


@word_maker("flatten")
def _flatten(walk, like, x):
    return walk.graph.reshape(x, [-1], like.shape)


@word_maker("batch_flatten")
def _batch_flatten(walk, like, x):
    return flat_rows(walk, x)


def flat_rows(walk, x):
    """(B, ...) as (B, product of the rest)."""
    if x.rank == 1:
        return walk.graph.unsqueeze(x, [1])
    rest = x.shape[1:]
    return walk.graph.add("Flatten", [x], (x.shape[0], None if None in rest else math.prod(rest)), axis=1)


@word_maker("concatenate")
def _concatenate(walk, like, tensors, axis=-1):
    parts = [walk.value(t, like.dtype) for t in tensors]
    return parts[0] if len(parts) == 1 else walk.graph.add("Concat", parts, like.shape, axis=axis % parts[0].rank)


@word_maker("stack")
def _stack(walk, like, x, axis=0):
    axis %= len(like.shape)
    parts = [walk.graph.unsqueeze(walk.value(t, like.dtype), [axis]) for t in x]
    return walk.graph.add("Concat", parts, like.shape, axis=axis)


@word_maker("repeat")
def _repeat(walk, like, x, n):
    wide = walk.graph.unsqueeze(x, [1])
    return walk.graph.add("Tile", [wide, walk.graph.sizes([1, n, 1])], like.shape)


@word_maker("repeat_elements")
def _repeat_elements(walk, like, x, rep, axis):
    return repeat_each(walk, x, rep, axis)


def repeat_each(walk, x, times, axis):
    """Each slice along `axis`, `times` times in a row."""
    axis %= x.rank
    wide = walk.graph.unsqueeze(x, [axis + 1])
    counts = [times if a == axis + 1 else 1 for a in range(x.rank + 1)]
    wide = walk.graph.add("Tile", [wide, walk.graph.sizes(counts)])
    size = x.shape[axis]
    sizes = [walk.graph.size(x, a) for a in range(x.rank) if a != axis]
    sizes.insert(axis, -1 if size is None else size * times)
    shape = [s * times if a == axis and s is not None else s for a, s in enumerate(x.shape)]
    return walk.graph.reshape(wide, sizes, shape)


@word_maker("tile")
def _tile(walk, like, x, n):
    counts = list(n) if isinstance(n, (list, tuple)) else [n]
    if len(counts) > x.rank:
        x = walk.graph.unsqueeze(x, range(len(counts) - x.rank))
    counts = [1] * (x.rank - len(counts)) + counts
    return walk.graph.add("Tile", [x, walk.graph.sizes(counts)], like.shape)


@word_maker("reverse")
def _reverse(walk, like, x, axes):
    return walk.graph.backwards(x, list(axes) if isinstance(axes, (list, tuple)) else [axes])


# --- Indexing ---


@word_maker("slice")
def _slice(walk, like, x, start, size):
    if any(isinstance(v, Value) for v in [*start, *size]):
        raise NoCounterpart("K.slice with places that depend on the data is not written")
    starts = [int(s) for s in start]
    ends = [2**31 if int(n) == -1 else s + int(n) for s, n in zip(starts, size, strict=True)]
    return walk.graph.cut(x, starts, ends, list(range(len(starts))))


@word_maker("getitem")
def _getitem(walk, like, x, key):
    keys = list(key) if isinstance(key, tuple) else [key]
    x = walk.value(x)
    if any(isinstance(k, Value) for k in keys):
        return _gathered(walk, like, x, keys)
    if any(k is Ellipsis for k in keys):
        place = next(i for i, k in enumerate(keys) if k is Ellipsis)
        named = sum(k is not None and k is not Ellipsis for k in keys)
        keys[place : place + 1] = [slice(None)] * (x.rank - named)
    return _indexed(walk, x, keys)


def _gathered(walk, like, x, keys):
    """One tensor of places among whole slices: x[..., places]."""
    whole = [isinstance(k, slice) and k == slice(None) for k in keys]
    if sum(not w for w in whole) != 1 or isinstance(keys[whole.index(False)], slice):
        raise NoCounterpart("indexing with several tensors has no counterpart in ONNX")
    axis = whole.index(False)
    return walk.graph.add("Gather", [x, walk.graph.cast(keys[axis], "int64")], like.shape, axis=axis)


def _indexed(walk, x, keys):
    starts, ends, axes, steps, gone, new = [], [], [], [], [], []
    axis = place = 0
    for k in keys:
        if k is None:
            new.append(place)
            place += 1
            continue
        if isinstance(k, slice):
            bounds = _bounds(k)
            place += 1
        else:
            index = int(k)
            bounds = (index, index + 1 if index != -1 else 2**31, 1)
            gone.append(axis)
        if bounds is not None:
            for one, items in zip((*bounds, axis), (starts, ends, steps, axes), strict=True):
                items.append(one)
        axis += 1
    if axes:
        x = walk.graph.cut(x, starts, ends, axes, steps if set(steps) != {1} else None)
    if gone:
        x = walk.graph.squeeze(x, gone)
    return walk.graph.unsqueeze(x, new) if new else x


def _bounds(key):
    if any(isinstance(v, Value) for v in (key.start, key.stop, key.step)):
        raise NoCounterpart("slices with bounds that depend on the data are not written")
    step = 1 if key.step is None else int(key.step)
    if key == slice(None) or (key.start is None and key.stop is None and step == 1):
        return None
    start = (0 if step > 0 else 2**31 - 1) if key.start is None else int(key.start)
    stop = (2**31 if step > 0 else _SMALLEST) if key.stop is None else int(key.stop)
    return start, stop, step


# --- Padding ---


@word_maker("temporal_padding")
def _temporal_padding(walk, like, x, padding=(1, 1)):
    return padded(walk, x, [(0, 0), tuple(padding), (0, 0)])


@word_maker("spatial_2d_padding", "spatial_3d_padding")
def _spatial_padding(walk, like, x, padding=None, data_format=None):
    inner = [tuple(p) for p in padding or ((1, 1),) * (x.rank - 2)]
    first = config.normalize_data_format(data_format) == "channels_first"
    return padded(walk, x, [(0, 0), (0, 0), *inner] if first else [(0, 0), *inner, (0, 0)])


def padded(walk, x, widths):
    """Zeros before and after each axis."""
    shape = [None if s is None else s + before + after for s, (before, after) in zip(x.shape, widths, strict=True)]
    ends = [before for before, _ in widths] + [after for _, after in widths]
    return walk.graph.add("Pad", [x, np.asarray(ends, "int64")], shape)
