"""Attention without heads: weighted means of values, the weights from how well queries and keys match."""

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.core import Layer

# Scores where nothing may be looked at. Finite, so that a row without a single allowed place gives equal weights and
# not NaN; within the range of the type.
_NEVER = {"float16": -6e4}


def masked_softmax(scores, mask=None, axis: int | tuple = -1):
    """Softmax over `axis` (one or several) of the places where `mask`, spread over `scores`, is True; None for all."""
    if 0 in K.int_shape(scores):  # no places, so no weights
        return scores
    if mask is not None:
        scores = K.where(mask, scores, _NEVER.get(K.dtype(scores), -1e9))
    return K.softmax(scores, axis=axis)


def as_mask(mask):
    """`mask`, of any type or a nested list, as booleans; None stays."""
    if mask is None:
        return None
    return K.cast(mask if K.is_tensor(mask) else np.asarray(mask), "bool")


def causal_mask(queries, keys):
    """(queries, keys) booleans: may query i look at key j, that is j <= i?"""
    return K.greater_equal(K.expand_dims(K.arange(queries), -1), K.arange(keys))


class ScoringLayer(Layer):
    """A layer that may return its attention scores beside its result; the mask belongs to the result alone."""

    rowwise = True
    supports_masking = True

    def run(self, inputs, masks, args, kwargs):
        """See `Layer.run`."""
        outputs, mask = super().run(inputs, masks, args, kwargs)
        return outputs, [mask, None] if isinstance(outputs, tuple) else mask

    def _record_masks(self, inputs, outputs):
        super()._record_masks(inputs, outputs[0] if isinstance(outputs, tuple) else outputs)


@registry.register("layer")
class Attention(ScoringLayer):
    """softmax(query . key) . value: for each query, the mean of the values whose keys match it (Luong).

    Called on a list: [query, value] or [query, value, key]; without keys, the values are the keys. Further arguments
    of the call: `mask`, a list of booleans [query mask (B, T), value mask (B, S)], either may be None, which otherwise
    come with the tensors; `use_causal_mask=True`, by which no query looks past its own place;
    `return_attention_scores=True`, which gives (result, weights). Masked queries give zeros; where all values are
    masked, all weigh the same.

    Args:
        use_scale: multiply the scores by a weight that is learned, 1 at first?
        score_mode: 'dot' (product of query and key), or 'concat' (sum of tanh(query + key), times a learned weight).
        dropout: fraction of the weights set to 0 while training, in [0, 1).
        seed: number that fixes the stream of dropped weights.

    Shapes:
        query (B, T, D), value (B, S, V), key (B, S, D) -> (B, T, V); weights (B, T, S).

    Raises:
        ValueError: not two or three inputs, sizes that do not match, an unknown `score_mode`, `dropout` outside [0, 1).

    Example:
        >>> from hornbeam.layers import Attention, Input
        >>> Attention()([Input((5, 8)), Input((7, 8))]).shape
        (None, 5, 8)

    Reference:
        Luong et al. 2015, arXiv:1508.04025.
    """

    def __init__(self, use_scale=False, score_mode="dot", dropout=0.0, seed=None, **kwargs):
        super().__init__(**kwargs)
        self.use_scale = use_scale
        if score_mode not in ("dot", "concat"):
            raise checks.wrong_argument(type(self).__name__, "score_mode", score_mode, "'dot' or 'concat'")
        self.score_mode = score_mode
        self.dropout = checks.fraction(type(self).__name__, "dropout", dropout)
        self.seed = seed

    def build(self, input_shape):
        """Check the inputs' shapes; make the weights that scale the scores."""
        self._check_shapes(input_shape)
        self.scale = self.concat_score_weight = None
        if self.use_scale:
            self.scale = self.add_weight("scale", (), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight("concat_score_weight", (), initializer="ones")
        super().build(input_shape)

    def _check_shapes(self, shapes):
        """Raise ValueError unless `shapes` are those of [query, value] or [query, value, key] that fit together."""
        kind = f"{type(self).__name__} {self.name!r}"
        is_list = isinstance(shapes, (list, tuple)) and all(isinstance(s, (list, tuple)) for s in shapes)
        if not is_list or len(shapes) not in (2, 3):
            came = f"{len(shapes)} of them" if is_list else f"one of shape {shapes}"
            raise ValueError(f"{kind} needs a list of inputs, [query, value] or [query, value, key]; got {came}.")
        query, value, key = shapes if len(shapes) == 3 else (*shapes, shapes[1])
        if None not in (query[-1], key[-1]) and query[-1] != key[-1]:
            raise ValueError(
                f"{kind}: queries and keys must have the same number of features; got shapes {tuple(query)} and "
                f"{tuple(key)}. Put a Dense layer before one of them."
            )
        if None not in (value[-2], key[-2]) and value[-2] != key[-2]:
            raise ValueError(f"{kind}: each value needs its key; got shapes {tuple(value)} and {tuple(key)}.")

    def _calculate_scores(self, query, key):
        """(B, T, S): how well each query matches each key."""
        if self.score_mode == "dot":
            scores = K.einsum("...td,...sd->...ts", query, key)
            return scores if self.scale is None else scores * self.scale
        sums = K.expand_dims(query, -2) + K.expand_dims(key, -3)
        return self.concat_score_weight * K.sum(K.tanh(sums if self.scale is None else self.scale * sums), axis=-1)

    def call(self, inputs, mask=None, training=None, return_attention_scores=False, use_causal_mask=False):
        """Means of the values; with `return_attention_scores`, also the weights."""
        query, value, key = inputs if len(inputs) == 3 else (*inputs, inputs[1])
        scores = self._calculate_scores(query, key)
        query_mask, value_mask = (as_mask(m) for m in (mask or (None, None))[:2])
        allowed = None if value_mask is None else K.expand_dims(value_mask, -2)
        if use_causal_mask:
            causal = causal_mask(*K.int_shape(scores)[-2:])
            allowed = causal if allowed is None else K.logical_and(allowed, causal)
        weights = masked_softmax(scores, allowed)
        if self.dropout:
            weights = K.in_train_phase(
                lambda: K.dropout(weights, self.dropout, seed=self.seed), weights, training=training
            )
        outputs = K.matmul(weights, value)
        if query_mask is not None:
            outputs = K.where(K.expand_dims(query_mask, -1), outputs, K.zeros_like(outputs))
        return (outputs, weights) if return_attention_scores else outputs

    def compute_mask(self, inputs, mask=None):
        """The mask of the queries."""
        return mask[0] if mask else None

    def compute_output_shape(self, input_shape):
        """The shape of the queries, with the features of the values."""
        self._check_shapes(input_shape)
        return (*input_shape[0][:-1], input_shape[1][-1])


@registry.register("layer")
class AdditiveAttention(Attention):
    """softmax(sum(scale * tanh(query + key))) . value: attention by a small network for the scores (Bahdanau).

    Called like :class:`Attention`. It holds all B * T * S * D sums at once, so long sequences are better served by
    :class:`Attention`.

    Args:
        use_scale: weigh the features of tanh(query + key) by a vector that is learned?
        dropout: fraction of the weights set to 0 while training, in [0, 1).
        seed: number that fixes the stream of dropped weights.

    Shapes:
        query (B, T, D), value (B, S, V), key (B, S, D) -> (B, T, V); weights (B, T, S); scale (D,).

    Raises:
        ValueError: not two or three inputs, sizes that do not match, `dropout` outside [0, 1).

    Example:
        >>> from hornbeam.layers import AdditiveAttention, Input
        >>> AdditiveAttention()([Input((5, 8)), Input((7, 8))]).shape
        (None, 5, 8)

    Reference:
        Bahdanau et al. 2014, arXiv:1409.0473.
    """

    def __init__(self, use_scale=True, dropout=0.0, seed=None, **kwargs):
        super().__init__(use_scale, dropout=dropout, seed=seed, **kwargs)

    def build(self, input_shape):
        """Check the inputs' shapes; make the vector that weighs features."""
        self._check_shapes(input_shape)
        self.scale = None
        if self.use_scale:
            self.scale = self.add_weight("scale", (checks.known_size(self, input_shape[0], -1),))
        Layer.build(self, input_shape)

    def _calculate_scores(self, query, key):
        """(B, T, S): how well each query matches each key."""
        matches = K.tanh(K.expand_dims(query, -2) + K.expand_dims(key, -3))
        return K.sum(matches if self.scale is None else self.scale * matches, axis=-1)
