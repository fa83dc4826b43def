"""ONNX makers of the attention layers."""

import math

from hornbeam.export.onnx_arithmetic import softmax
from hornbeam.export.onnx_products import einsum
from hornbeam.export.onnx_walk import layer_maker
from hornbeam.layers import Attention, MultiHeadAttention
from hornbeam.layers.attention import _NEVER


def _band(walk, query, key, axis, causal, window=None):
    """(T, S) booleans: may query i look at key j, by their distance?"""
    g = walk.graph

    def count(x, extra):
        end = g.size(x, axis)
        end = g.constant(end, "int64") if isinstance(end, int) else g.reshape(end, ())
        found = g.add("Range", [g.constant(0, "int64"), end, g.constant(1, "int64")], (x.shape[axis],), "int64")
        return g.unsqueeze(found, [extra])

    distance = g.add("Sub", [count(query, 1), count(key, 0)])
    allowed = [g.add("GreaterOrEqual", [distance, 0], dtype="bool")] if causal else []
    if window is not None:
        allowed.append(g.add("Less", [g.add("Abs", [distance]), window], dtype="bool"))
    return _and(walk, allowed)


def _and(walk, masks):
    found = None
    for mask in masks:
        if mask is not None:
            found = mask if found is None else walk.graph.add("And", [found, mask])
    return found


def _weights(walk, scores, allowed, axes):
    if allowed is not None:
        never = _NEVER.get(scores.dtype, -1e9)
        scores = walk.graph.add("Where", [allowed, scores, walk.graph.constant(never, scores.dtype)],
                                scores.shape, scores.dtype)  # fmt: skip
    return softmax(walk, scores, axes)


def _as_mask(walk, mask):
    return None if mask is None else walk.value(mask, "bool")


@layer_maker(Attention)
def _attention(walk, layer, call):
    query, value, key = call.inputs if len(call.inputs) == 3 else (*call.inputs, call.inputs[1])
    masks = call.kwargs.get("mask") or (call.masks if call.masked else None) or (None, None)
    query_mask, value_mask = (_as_mask(walk, m) for m in masks[:2])
    scores = walk.recorded(layer._calculate_scores, query, key)
    allowed = [None if value_mask is None else walk.graph.unsqueeze(value_mask, [-2])]
    if call.kwargs.get("use_causal_mask"):
        allowed.append(_band(walk, query, key, -2, causal=True))
    weights = _weights(walk, scores, _and(walk, allowed), [-1])
    outputs = walk.graph.add("MatMul", [weights, value], (*query.shape[:-1], value.shape[-1]))
    if query_mask is not None:
        real = walk.graph.unsqueeze(query_mask, [-1])
        outputs = walk.graph.add("Where", [real, outputs, walk.graph.constant(0, outputs.dtype)], outputs.shape,
                                 outputs.dtype)  # fmt: skip
    return (outputs, weights) if call.kwargs.get("return_attention_scores") else outputs


@layer_maker(MultiHeadAttention)
def _multi_head(walk, layer, call):
    query, value = call.inputs, call.more[0]
    key = call.more[1] if len(call.more) > 1 and call.more[1] is not None else value
    allowed = _places_allowed(walk, layer, call, query, value)
    gate = walk.one(layer.gate_dense, query) if layer.use_gate else None
    queries, keys, values = (
        walk.one(dense, x)
        for dense, x in ((layer.query_dense, query), (layer.key_dense, key), (layer.value_dense, value))
    )
    queries = walk.graph.add("Mul", [queries, 1.0 / math.sqrt(layer.key_dim)])
    axes = layer._axes
    others = [query.shape[a] for a in range(query.rank - 1) if a not in axes]
    shape = [*others, layer.num_heads, *(query.shape[a] for a in axes), *(key.shape[a] for a in axes)]
    scores = einsum(walk, layer._score_equation, [queries, keys], shape)
    weights = _weights(walk, scores, allowed, list(range(-len(axes), 0)))
    heads = einsum(walk, layer._mean_equation, [weights, values], (*query.shape[:-1], layer.num_heads, layer.value_dim))
    heads = heads if gate is None else walk.graph.add("Mul", [heads, gate])
    outputs = walk.one(layer.output_dense, heads)
    return (outputs, weights) if call.kwargs.get("return_attention_scores") else outputs


def _places_allowed(walk, layer, call, query, value):
    """All masks as one that spreads over the scores (B, other axes, heads, query axes, key axes), or None."""
    names = ("query_mask", "value_mask", "key_mask")
    given = [call.kwargs.get(name) for name in names]
    carried = [*call.all_masks, None, None, None]
    masks = [_as_mask(walk, carried[i] if m is None else m) for i, m in enumerate(given)]
    found, count = [], len(layer._axes)
    whole = _as_mask(walk, call.kwargs.get("attention_mask"))
    if whole is not None:
        while whole.rank < query.rank + count:
            whole = walk.graph.unsqueeze(whole, [whole.rank - 2 * count])
        found.append(whole)
    for mask, of_keys in zip(masks, (False, True, True), strict=True):
        if mask is not None:
            found.append(_spread(walk, mask, layer._places_of_axes(query.rank, of_keys)))
    if call.kwargs.get("use_causal_mask") or layer.sliding_window is not None:
        causal = bool(call.kwargs.get("use_causal_mask"))
        found.append(_band(walk, query, value, layer._axes[0], causal, layer.sliding_window))
    return _and(walk, found)


def _spread(walk, mask, places):
    """`mask` with its axes moved to `places` and sizes of 1 between; the last of `places` is the new rank."""
    *places, rank = places
    places = places[: mask.rank]
    order = sorted(range(len(places)), key=places.__getitem__)
    new = [a for a in range(rank) if a not in places]
    return walk.graph.unsqueeze(walk.graph.transpose(mask, order), new)
