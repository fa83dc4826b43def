"""ONNX makers of layers that one operator stands for, or whose `call` asks for sizes that only the file knows."""

import math

import numpy as np

from hornbeam import backend as K
from hornbeam.export.onnx_tensors import flat_rows
from hornbeam.export.onnx_walk import Masked, layer_maker, word_maker
from hornbeam.layers import (
    BatchNormalization,
    Dense,
    Flatten,
    GroupNormalization,
    LayerNormalization,
    PReLU,
    Reshape,
)
from hornbeam.models import Model


@layer_maker(Model)
def _model(walk, model, call):
    graph = model._graph
    flat = graph.flatten_inputs(call.inputs)
    masks = dict.fromkeys(graph.inputs)
    for tensor, mask in zip(graph.inputs, _flat_masks(call.masks), strict=False):
        masks[tensor] = mask
    values = {t: walk.value(v, t.dtype) for t, v in zip(graph.inputs, flat, strict=True)}
    found, found_masks = walk.evaluate(graph.outputs, values, masks, graph.order)
    return Masked(graph.pack_outputs(found), found_masks)


def _flat_masks(masks):
    return list(masks) if isinstance(masks, (list, tuple)) else [masks]


@layer_maker(Dense)
def _dense(walk, layer, call):
    x = walk.value(call.inputs, layer.kernel.dtype)
    kernel, shape = walk.value(layer.kernel), (*x.shape[:-1], layer.units)
    if x.rank == 2 and layer.use_bias:
        found = walk.graph.add("Gemm", [x, kernel, walk.value(layer.bias)], shape)
    else:
        found = walk.graph.add("MatMul", [x, kernel], shape)
        found = walk.graph.add("Add", [found, walk.value(layer.bias)]) if layer.use_bias else found
    return walk.activate(layer.activation, found)


# --- Form ---


@layer_maker(Flatten)
def _flatten(walk, layer, call):
    x = call.inputs
    if layer.data_format == "channels_first" and x.rank > 2:
        x = walk.graph.transpose(x, (0, *range(2, x.rank), 1))
    return flat_rows(walk, x)


@layer_maker(Reshape)
def _reshape(walk, layer, call):
    x = call.inputs
    sizes = layer._sizes(x.shape)
    if None not in sizes:
        return walk.graph.reshape(x, (-1, *sizes), (x.shape[0], *sizes))
    return walk.graph.reshape(x, (walk.graph.size(x, 0), *(-1 if s is None else s for s in sizes)))


# --- Activations with weights ---


@layer_maker(PReLU)
def _prelu(walk, layer, call):
    return walk.graph.add("PRelu", [walk.value(call.inputs, layer.alpha.dtype), walk.value(layer.alpha)])


# --- Normalisation ---


def _scaled(walk, layer, x, kept):
    """gamma * x + beta, where the layer has them."""
    for op, weight in (("Mul", layer.gamma), ("Add", layer.beta)):
        if weight is not None:
            x = walk.graph.add(op, [x, walk.graph.reshape(walk.value(weight), kept)])
    return x


@layer_maker(BatchNormalization)
def _batch_normalization(walk, layer, call):
    mean, variance = (K.get_value(v) for v in (layer.moving_mean, layer.moving_variance))
    x = walk.value(call.inputs, str(mean.dtype))
    gamma = np.ones_like(mean) if layer.gamma is None else layer.gamma
    beta = np.zeros_like(mean) if layer.beta is None else layer.beta
    return normalized(walk, x, layer.moving_mean, layer.moving_variance, beta, gamma, layer.axis, layer.epsilon)


def normalized(walk, x, mean, variance, beta, gamma, axis, epsilon):
    """Batch normalisation by known averages: the operator where channels come second, else its two factors."""
    axis %= x.rank
    if axis == 1:
        weights = [walk.value(v) for v in (gamma, beta, mean, variance)]
        return walk.graph.add("BatchNormalization", [x, *weights], x.shape, epsilon=float(epsilon))
    mean, variance, beta, gamma = (walk.value(v).array.astype("float64") for v in (mean, variance, beta, gamma))
    scale = gamma / np.sqrt(variance + epsilon)
    shift = beta - mean * scale
    kept = [-1 if a == axis else 1 for a in range(x.rank)][axis:]
    place = "/".join(walk.graph.place)
    scale, shift = (
        walk.graph.constant(v.reshape(kept), x.dtype, f"{place}/{n}") for v, n in ((scale, "scale"), (shift, "shift"))
    )
    return walk.graph.add("Add", [walk.graph.add("Mul", [x, scale]), shift])


@word_maker("batch_normalization")
def _batch_normalization_word(walk, like, x, mean, var, beta, gamma, axis=-1, epsilon=1e-3):
    x, g = walk.value(x, like.dtype), walk.graph
    kept = [-1 if a == axis % x.rank else 1 for a in range(x.rank)]

    def spread(v):
        v = walk.value(v, like.dtype)
        return v if v.rank > 1 else g.reshape(v, kept)

    deviation = g.add("Sqrt", [g.add("Add", [spread(var), float(epsilon)])])
    found = g.add("Div", [g.add("Sub", [x, spread(mean)]), deviation])
    found = found if gamma is None else g.add("Mul", [found, spread(gamma)])
    return found if beta is None else g.add("Add", [found, spread(beta)])


def _standardised(walk, x, axes, epsilon):
    g = walk.graph
    away = g.add("Sub", [x, g.reduce("ReduceMean", x, axes, True)])
    variance = g.reduce("ReduceMean", g.add("Mul", [away, away]), axes, True)
    return g.add("Div", [away, g.add("Sqrt", [g.add("Add", [variance, float(epsilon)])])])


@layer_maker(LayerNormalization)
def _layer_normalization(walk, layer, call):
    x = walk.value(call.inputs, layer.dtype)
    axes = layer._axes(x.rank)
    kept = [x.shape[a] if a in axes else 1 for a in range(x.rank)]
    if axes != list(range(axes[0], x.rank)):
        return _scaled(walk, layer, _standardised(walk, x, axes, layer.epsilon), kept)
    sizes = kept[axes[0] :]
    gamma = np.ones(sizes, x.dtype) if layer.gamma is None else layer.gamma
    weights = [x, walk.value(gamma), *([] if layer.beta is None else [walk.value(layer.beta)])]
    return walk.graph.add("LayerNormalization", weights, x.shape, axis=axes[0], epsilon=float(layer.epsilon))


@layer_maker(GroupNormalization)
def _group_normalization(walk, layer, call):
    x, g = walk.value(call.inputs, layer.dtype), walk.graph
    axis = layer.axis % x.rank
    channels = x.shape[axis]
    groups = channels if layer.groups == -1 else layer.groups
    sizes = [g.size(x, a) for a in range(x.rank)]
    parts = [*sizes[:axis], groups, channels // groups, *sizes[axis + 1 :]]
    shape = [s if isinstance(s, int) else None for s in parts]
    over = [a for a in range(1, x.rank + 1) if a != axis]
    found = _standardised(walk, g.reshape(x, _open_once(parts), shape), over, layer.epsilon)
    kept = [channels if a == axis else 1 for a in range(x.rank)]
    return _scaled(walk, layer, g.reshape(found, _open_once(sizes), x.shape), kept)


def _open_once(parts):
    """`parts` with -1 for an only size that is not known yet."""
    unknown = [i for i, p in enumerate(parts) if not isinstance(p, int)]
    return [-1 if [i] == unknown else p for i, p in enumerate(parts)]


def rows_and_steps(walk, x):
    """(B, T, ...) as (B T, ...), and the two sizes that lead back."""
    inner = [walk.graph.size(x, a) for a in range(2, x.rank)]
    rows = None if None in x.shape[:2] else math.prod(x.shape[:2])
    flat = walk.graph.reshape(x, (-1, *inner), (rows, *x.shape[2:]))
    return flat, (walk.graph.size(x, 0), walk.graph.size(x, 1))


def steps_again(walk, x, sizes, shape):
    """The way back: (B T, ...) as (B, T, ...)."""
    inner = [walk.graph.size(x, a) for a in range(1, x.rank)]
    return walk.graph.reshape(x, _open_once([*sizes, *inner]), shape)
