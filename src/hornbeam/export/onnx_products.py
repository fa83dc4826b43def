"""ONNX makers of products: dot, matmul, batch_dot, einsum, adding a bias."""

import string

from hornbeam import config
from hornbeam.export.onnx_walk import word_maker


def einsum(walk, equation, operands, shape=None):
    """Sum of products along named axes."""
    return walk.graph.add("Einsum", operands, shape, equation=equation.replace(" ", ""))


@word_maker("einsum")
def _einsum(walk, like, equation, *operands):
    return einsum(walk, equation, [walk.value(x, like.dtype) for x in operands], like.shape)


@word_maker("matmul")
def _matmul(walk, like, x, y):
    return walk.graph.add("MatMul", [walk.value(x, like.dtype), walk.value(y, like.dtype)], like.shape)


@word_maker("dot")
def _dot(walk, like, x, y):
    x, y = walk.value(x, like.dtype), walk.value(y, like.dtype)
    if not x.rank or not y.rank:
        return walk.graph.add("Mul", [x, y], like.shape)
    if y.rank <= 2:
        return walk.graph.add("MatMul", [x, y], like.shape)
    letters = string.ascii_letters
    one, other = letters[: x.rank], letters[x.rank : x.rank + y.rank]
    other = f"{other[:-2]}{one[-1]}{other[-1]}"
    return einsum(walk, f"{one},{other}->{one[:-1]}{other[:-2]}{other[-1]}", [x, y], like.shape)


@word_maker("batch_dot")
def _batch_dot(walk, like, x, y, axes=None):
    x, y = walk.value(x, like.dtype), walk.value(y, like.dtype)
    if axes is None:
        axes = (x.rank - 1, 1 if y.rank == 2 else y.rank - 2)
    over_x, over_y = (axes, axes) if isinstance(axes, int) else axes
    one = list(string.ascii_letters[: x.rank])
    other = list(string.ascii_letters[x.rank : x.rank + y.rank])
    other[0], other[over_y % y.rank] = one[0], one[over_x % x.rank]
    summed = one[over_x % x.rank]
    kept = [c for c in [*one, *other[1:]] if c != summed]
    found = einsum(walk, f"{''.join(one)},{''.join(other)}->{''.join(kept)}", [x, y], [None] * len(kept))
    return walk.graph.unsqueeze(found, [1]) if len(kept) == 1 else found


@word_maker("bias_add")
def _bias_add(walk, like, x, bias, data_format=None):
    return with_bias(walk, x, bias, config.normalize_data_format(data_format))


def with_bias(walk, x, bias, data_format):
    """`x` plus `bias` (C,), or (..., C), over its channels."""
    bias = walk.value(bias, x.dtype)
    if data_format == "channels_first" and x.rank > 2:
        if bias.rank == 1:
            bias = walk.graph.reshape(bias, (-1, *[1] * (x.rank - 2)))
        else:
            bias = walk.graph.transpose(bias, (x.rank - 2, *range(x.rank - 2)))
    return walk.graph.add("Add", [x, bias])
