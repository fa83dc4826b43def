"""Attention with several heads, each looking at its own projection of queries, keys and values."""

import math
import string

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, constraints, initializers, registry, regularizers, scope
from hornbeam.layers.attention import ScoringLayer, as_mask, causal_mask, masked_softmax
from hornbeam.layers.einsum_dense import EinsumDense

# What a call takes after query, value and key, in order.
_OPTIONS = (
    "query_mask", "value_mask", "key_mask", "attention_mask", "return_attention_scores", "training", "use_causal_mask",
)  # fmt: skip


@registry.register("layer")
class MultiHeadAttention(ScoringLayer):
    """softmax(q . k / sqrt(key_dim)) . v in each head, where q, k, v are projections; then all heads are projected.

    Called as `layer(query, value)` or `layer(query, value, key)`; `layer(x, x)` is self-attention. Options of the call:
    `attention_mask` (B, T, S) or (B, heads, T, S), True where a query may look; `query_mask` (B, T), `value_mask`,
    `key_mask` (B, S), True for real steps, which otherwise come with the tensors; `use_causal_mask=True`, by which no
    query looks past its own place; `return_attention_scores=True`, which gives (result, weights). A query that may
    look nowhere looks everywhere alike, so its result means nothing but is finite.

    Args:
        num_heads: number of heads, 1 or more.
        key_dim: size of the queries and keys of one head.
        value_dim: size of the values of one head; `key_dim` if None.
        dropout: fraction of the weights set to 0 while training, in [0, 1).
        use_bias: add biases in the projections?
        output_shape: sizes that take the place of the result's last axis, or one number; that of the query if None.
        attention_axes: axes of the inputs that are looked along, all between batch and features if None.
        sliding_window: look only at places less than this many steps away; None for no limit.
        flash_attention: taken for compatibility; the engine chooses its own way.
        kernel_initializer, bias_initializer: how the weights of the projections start.
        kernel_regularizer, bias_regularizer: penalties on the weights.
        activity_regularizer: penalty on the result of each projection.
        kernel_constraint, bias_constraint: applied to the weights after each update.
        use_gate: multiply each head's result by the sigmoid of one more projection of the query?
        seed: number that fixes the stream of dropped weights.

    Shapes:
        query (B, T, D), value (B, S, E), key (B, S, F) -> (B, T, D); weights (B, num_heads, T, S).

    Raises:
        ValueError: a size is not positive, `dropout` is outside [0, 1), an axis cannot be looked along, or the
            shapes of query, value and key do not fit together.

    Example:
        >>> from hornbeam.layers import Input, MultiHeadAttention
        >>> x = Input((10, 16))
        >>> MultiHeadAttention(num_heads=2, key_dim=8)(x, x).shape
        (None, 10, 16)

    Reference:
        Vaswani et al. 2017, arXiv:1706.03762. Unlike Keras 3, a `query_mask` given by hand counts.
    """

    def __init__(
        self, num_heads, key_dim, value_dim=None, dropout=0.0, use_bias=True, output_shape=None, attention_axes=None,
        sliding_window=None, flash_attention=None, kernel_initializer="glorot_uniform", bias_initializer="zeros",
        kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
        bias_constraint=None, use_gate=False, seed=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        kind = type(self).__name__
        self.num_heads = checks.integer(kind, "num_heads", num_heads, least=1)
        self.key_dim = checks.integer(kind, "key_dim", key_dim, least=1)
        self.value_dim = checks.integer(kind, "value_dim", value_dim or key_dim, least=1)
        self.dropout = checks.fraction(kind, "dropout", dropout)
        self.use_bias = use_bias
        self._output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape or ()) or None
        self.attention_axes = (attention_axes,) if isinstance(attention_axes, int) else attention_axes
        self.sliding_window = sliding_window
        if sliding_window is not None:
            self.sliding_window = checks.integer(kind, "sliding_window", sliding_window, least=1)
        self.flash_attention = flash_attention
        self.use_gate = use_gate
        self.seed = seed
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self._activity_regularizer = regularizers.get(activity_regularizer)  # of the projections, not of this layer
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)

    # --- Weights ---

    def build(self, query_shape, value_shape=None, key_shape=None):
        """Make the projections, for three shapes or a list of two or three."""
        query, value, key = self._check_shapes(query_shape, value_shape, key_shape)
        self._axes = self._axes_looked_along(query, key)
        self._score_equation, self._mean_equation = _equations(len(query) + 1, self._axes)
        self.query_dense = self._projection("query", query, "...d,dhk->...hk", (self.num_heads, self.key_dim))
        self.key_dense = self._projection("key", key, "...d,dhk->...hk", (self.num_heads, self.key_dim))
        if self.use_gate:
            self.gate_dense = self._projection(
                "gate", query, "...d,dhk->...hk", (self.num_heads, self.value_dim), activation="sigmoid"
            )
        self.value_dense = self._projection("value", value, "...d,dhk->...hk", (self.num_heads, self.value_dim))
        sizes = self._output_shape or (checks.known_size(self, query, -1),)
        letters = "opqrstuvw"[: len(sizes)]
        self.output_dense = self._projection(
            "attention_output", (*query[:-1], self.num_heads, self.value_dim), f"...hk,hk{letters}->...{letters}", sizes
        )
        super().build(query)

    def _projection(self, name, shape, equation, sizes, **kwargs):
        """A built EinsumDense; its bias covers all new axes."""
        made = EinsumDense(
            equation, sizes, bias_axes=equation.split("...")[-1] if self.use_bias else None,
            kernel_initializer=self.kernel_initializer, bias_initializer=self.bias_initializer,
            kernel_regularizer=self.kernel_regularizer, bias_regularizer=self.bias_regularizer,
            activity_regularizer=self._activity_regularizer, kernel_constraint=self.kernel_constraint,
            bias_constraint=self.bias_constraint, name=f"{self.name}/{name}", dtype=self.dtype, **kwargs,
        )  # fmt: skip
        made.build(shape)
        return made

    def _check_shapes(self, query, value=None, key=None):
        """The three shapes; ValueError if they do not fit together."""
        if value is None:
            query, value, *rest = query
            key = rest[0] if rest else None
        query, value, key = (tuple(shape) for shape in (query, value, value if key is None else key))
        if value[1:-1] != key[1:-1] and None not in value[1:-1] + key[1:-1]:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: value and key must have the same steps; got shapes {value} "
                f"and {key}."
            )
        if len(query) != len(value) or len(query) < 3:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} needs query and value of the same rank, 3 or more; got shapes "
                f"{query} and {value}. Add an axis of steps: K.expand_dims(x, 1)."
            )
        return query, value, key

    def _axes_looked_along(self, query, key):
        """The attention axes, counted from the front."""
        rank = len(query)
        axes = tuple(a % rank for a in self.attention_axes or range(1, rank - 1) if -rank <= a < rank)
        if not set(axes) <= set(range(1, rank - 1)) or len(axes) != len(self.attention_axes or axes):
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: attention_axes must lie between batch and features; got "
                f"{self.attention_axes} for a query of shape {query}."
            )
        for axis in set(range(1, rank - 1)) - set(axes):
            if None not in (query[axis], key[axis]) and query[axis] != key[axis]:
                raise ValueError(
                    f"{type(self).__name__} {self.name!r}: axis {axis} is not looked along, so query and key must "
                    f"have the same size there; got shapes {query} and {key}."
                )
        return axes

    # --- Calling ---

    def __call__(self, query, value, key=None, *options, **kwargs):
        kwargs = {**dict(zip(_OPTIONS, options, strict=False)), **kwargs}
        tensors = [_as_tensor(t) for t in (query, value, key) if t is not None]
        self._build_once(tensors, [K.int_shape(t) for t in tensors])
        return super().__call__(*tensors, **kwargs)

    def _call_on_values(self, inputs, args, kwargs):
        here = scope.current()
        masks = [None, *(None if here is None else here.mask_of(value) for value in args)]
        return super()._call_on_values(inputs, args, _with_masks(kwargs, masks))

    def call_node(self, args, kwargs, masks):
        """Run the layer as a node of a graph, with the masks of all three tensors."""
        return super().call_node(args, _with_masks(kwargs, masks), masks)

    def run(self, inputs, masks, args, kwargs):
        """See `Layer.run`; `masks` is the mask of the query."""
        return super().run(inputs, masks, args, _with_masks(kwargs, [masks]))

    def call(
        self, query, value, key=None, query_mask=None, value_mask=None, key_mask=None, attention_mask=None,
        return_attention_scores=False, training=None, use_causal_mask=False,
    ):  # fmt: skip
        """The heads' means of the values, projected; with `return_attention_scores`, also the weights."""
        masks = [as_mask(m) for m in (query_mask, value_mask, key_mask, attention_mask)]
        allowed = self._places_allowed(query, value, *masks, use_causal_mask=use_causal_mask)
        gate = self.gate_dense(query) if self.use_gate else None
        key = self.key_dense(value if key is None else key)
        query = self.query_dense(query) * (1.0 / math.sqrt(self.key_dim))
        value = self.value_dense(value)
        scores = K.einsum(self._score_equation, query, key)
        weights = masked_softmax(scores, allowed, axis=tuple(range(-len(self._axes), 0)))
        kept = weights
        if self.dropout:
            kept = K.in_train_phase(
                lambda: K.dropout(weights, self.dropout, seed=self.seed), weights, training=training
            )
        heads = K.einsum(self._mean_equation, kept, value)
        outputs = self.output_dense(heads if gate is None else heads * gate)
        return (outputs, weights) if return_attention_scores else outputs

    def _places_allowed(self, query, value, query_mask, value_mask, key_mask, attention_mask, use_causal_mask):
        """All masks as one that spreads over the scores (B, other axes, heads, query axes, key axes), or None."""
        found = []
        if attention_mask is not None:
            rank = K.ndim(query) + len(self._axes)
            while K.ndim(attention_mask) < rank:
                attention_mask = K.expand_dims(attention_mask, -2 * len(self._axes) - 1)
            found.append(attention_mask)
        found.extend(
            _spread(mask, self._places_of_axes(K.ndim(query), of_keys))
            for mask, of_keys in ((query_mask, False), (value_mask, True), (key_mask, True))
            if mask is not None
        )
        if use_causal_mask or self.sliding_window is not None:
            found.append(self._band(query, value, use_causal_mask))
        allowed = None
        for mask in found:
            allowed = mask if allowed is None else K.logical_and(allowed, mask)
        return allowed

    def _places_of_axes(self, rank, of_keys):
        """For each axis of a query (or key) but the last: its place in the scores, whose rank comes at the end."""
        others = [axis for axis in range(rank - 1) if axis not in self._axes]
        first = len(others) + 1 + (len(self._axes) if of_keys else 0)
        places = {axis: i for i, axis in enumerate(others)}
        places.update({axis: first + i for i, axis in enumerate(self._axes)})
        return [*(places[axis] for axis in range(rank - 1)), len(others) + 1 + 2 * len(self._axes)]

    def _band(self, query, value, causal):
        """(T, S) booleans: the places by their distance."""
        if len(self._axes) != 1:
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: causal masks and sliding windows need one attention axis, not "
                f"{self._axes}. Give an attention_mask."
            )
        queries, keys = (K.int_shape(x)[self._axes[0]] for x in (query, value))
        allowed = causal_mask(queries, keys) if causal else None
        if self.sliding_window is None:
            return allowed
        near = K.less(K.abs(K.expand_dims(K.arange(queries), -1) - K.arange(keys)), self.sliding_window)
        return near if allowed is None else K.logical_and(allowed, near)

    def compute_output_shape(self, query_shape, value_shape=None, key_shape=None):
        """The shape of the query, its last axis replaced by `output_shape` if that was given."""
        query, _, _ = self._check_shapes(query_shape, value_shape, key_shape)
        return (*query[:-1], *(self._output_shape or query[-1:]))

    def get_config(self):
        """The constructor's arguments."""
        return {
            **super().get_config(),
            "output_shape": None if self._output_shape is None else list(self._output_shape),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
        }


def _as_tensor(x):
    return x if K.is_tensor(x) else K.constant(np.asarray(x))


def _with_masks(kwargs, masks):
    """`kwargs` with the masks of query, value and key where none were given by hand."""
    names = zip(("query_mask", "value_mask", "key_mask"), masks, strict=False)
    return {**kwargs, **{name: m for name, m in names if m is not None and kwargs.get(name) is None}}


def _spread(mask, places):
    """`mask` with its axes moved to `places` and sizes of 1 between; the last of `places` is the new rank."""
    *places, rank = places
    places = places[: K.ndim(mask)]
    order = sorted(range(len(places)), key=places.__getitem__)
    shape = [1] * rank
    for axis, place in enumerate(places):
        shape[place] = K.int_shape(mask)[axis]
    return K.reshape(K.permute_dimensions(mask, order), shape)


def _equations(rank, axes):
    """Einsum equations for scores and for means, of projections of this rank that are looked along `axes`."""
    letters = iter(string.ascii_letters)
    query = [next(letters) for _ in range(rank)]
    key = [next(letters) if axis in axes else query[axis] for axis in range(rank)]
    value = [*key[:-1], next(letters)]
    others = [query[axis] for axis in range(rank - 2) if axis not in axes]
    scores = [*others, query[-2], *(query[a] for a in axes), *(key[a] for a in axes)]
    query_, key_, value_, scores_, means = map("".join, (query, key, value, scores, [*query[:-1], value[-1]]))
    return f"{query_},{key_}->{scores_}", f"{scores_},{value_}->{means}"
