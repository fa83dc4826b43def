"""Numbers that stand for words, users or items, turned into vectors."""

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, constraints, initializers, registry, regularizers, scope
from hornbeam.core import Layer

_OF_IDS = ("uint8", "int32", "int64")  # once said of what the layer reads; rows of whole numbers would all be 0


@registry.register("layer")
class Embedding(Layer):
    """embeddings[id]: a row of a table for each id, learnt like any weight.

    Ids must lie in 0 .. input_dim - 1; data is checked against `id_range` before training, and a row looked up
    outside it is not a number. Give it integers: floats are cut to integers, and those above 2**24 are not exact.

    Args:
        input_dim: number of rows: the largest id + 1.
        output_dim: size of a row.
        embeddings_initializer: how the table starts.
        embeddings_regularizer: penalty on the table.
        activity_regularizer: penalty on the result.
        embeddings_constraint: applied to the table after each update.
        mask_zero: does id 0 stand for padding, to be skipped by the layers above? The table keeps a row for it.
        input_length: number of ids a row of data holds, if fixed (a number, or a tuple for more axes); a Flatten and
            Dense above need it.

    Shapes:
        ids (B, ...) -> (B, ..., output_dim); embeddings (input_dim, output_dim).

    Raises:
        ValueError: a size below 1, or inputs of another length than `input_length`.

    Example:
        >>> from hornbeam.layers import Embedding
        >>> Embedding(10, 4, input_length=3)(np.array([[1, 2, 3]])).shape
        (1, 3, 4)
    """

    rowwise = True
    supports_masking = True
    input_dtype_wanted = "int32"

    def __init__(
        self, input_dim, output_dim, embeddings_initializer="uniform", embeddings_regularizer=None,
        activity_regularizer=None, embeddings_constraint=None, mask_zero=False, input_length=None, **kwargs,
    ):  # fmt: skip
        if not {"input_shape", "batch_input_shape"} & set(kwargs):
            length = input_length if isinstance(input_length, (list, tuple)) else (input_length,)
            kwargs["batch_input_shape"] = (kwargs.pop("batch_size", None), *length)
        kwargs = {k: v for k, v in kwargs.items() if k not in ("dtype", "input_dtype") or v not in _OF_IDS}
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        self.input_dim = checks.integer("Embedding", "input_dim", input_dim, least=1)
        self.output_dim = checks.integer("Embedding", "output_dim", output_dim, least=1)
        self.embeddings_initializer = initializers.get(embeddings_initializer)
        self.embeddings_regularizer = regularizers.get(embeddings_regularizer)
        self.embeddings_constraint = constraints.get(embeddings_constraint)
        self.mask_zero = mask_zero
        self.input_length = input_length

    @property
    def id_range(self):
        """(smallest, largest + 1) of the ids it has rows for; who holds the data checks it."""
        return (0, self.input_dim)

    @property
    def tables(self):
        """Weights that it looks rows up in."""
        return [self.embeddings] if self.built else []

    def build(self, input_shape):
        """Make the table."""
        self.embeddings = self.add_weight(
            "embeddings", (self.input_dim, self.output_dim), initializer=self.embeddings_initializer,
            regularizer=self.embeddings_regularizer, constraint=self.embeddings_constraint,
        )  # fmt: skip
        super().build(input_shape)

    def _call_on_values(self, inputs, args, kwargs):
        if scope.current() is None and isinstance(inputs, (np.ndarray, list)):  # the user's own: to be looked at
            self._check_ids(np.asarray(inputs))
        return super()._call_on_values(inputs, args, kwargs)

    def _check_ids(self, ids):
        wrong = ids[~((ids >= 0) & (ids < self.input_dim))]
        if wrong.size:
            raise ValueError(
                f"Embedding {self.name!r} has ids 0 to {self.input_dim - 1}, but its input holds {wrong[0]}. "
                f"Use input_dim={max(int(ids.max()) + 1, self.input_dim)} or more and no negative ids, or map rare "
                f"words to one id."
            )

    def call(self, inputs):
        """The rows at `inputs`."""
        self._check_length(K.int_shape(inputs))
        return K.gather(self.embeddings, inputs if "int" in K.dtype(inputs) else K.cast(inputs, "int32"))

    def _check_length(self, shape):
        lengths = self._lengths()
        fits = len(lengths) == len(shape) - 1 and all(
            wanted is None or size is None or wanted == size for wanted, size in zip(lengths, shape[1:], strict=True)
        )
        if lengths and not fits:
            raise ValueError(
                f"Embedding {self.name!r} was made with input_length={self.input_length}, got inputs of shape "
                f"{tuple(shape)}. Pad them to that length, or leave input_length away."
            )

    def _lengths(self):
        if self.input_length is None:
            return ()
        return tuple(self.input_length) if isinstance(self.input_length, (list, tuple)) else (self.input_length,)

    def compute_mask(self, inputs, mask=None):
        """False at id 0 if that is padding; no mask otherwise."""
        return K.not_equal(inputs, 0) if self.mask_zero else None

    padded_rank = property(lambda self: 2 if self.mask_zero else None, doc="Rank of ids that hold padding.")

    def real_steps(self, ids):
        """Which of these ids, an array, are no padding: the mask, for who looks at data before it is fed."""
        return ids != 0

    def compute_output_shape(self, input_shape):
        """(B, ..., output_dim), with the sizes `input_length` tells."""
        self._check_length(input_shape)
        inner = self._lengths() or tuple(input_shape[1:])
        known = [size if wanted is None else wanted for wanted, size in zip(inner, input_shape[1:], strict=True)]
        return (input_shape[0], *known, self.output_dim)

    def compute_output_dtype(self, dtypes):
        """The table's own type."""
        return self.dtype

    def get_config(self):
        """Constructor arguments."""
        return {**super().get_config(), "input_dim": self.input_dim}
