"""Layers of several inputs: sums, products, extremes, concatenation, dot products; and each as a function."""

import functools

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.core import Layer


class _Merge(Layer):
    """An elementwise function of two or more tensors, spread over each other where sizes are 1.

    Axes are matched from the last one; inputs with fewer axes get new ones of size 1 after the batch. Masks are
    combined by "and".
    """

    rowwise = True
    supports_masking = True
    _counts = (2, None)  # fewest and most inputs

    def build(self, input_shape):
        """Check that the inputs fit together."""
        self._check_count(input_shape)
        self.compute_output_shape(input_shape)
        super().build(input_shape)

    def _check_count(self, input_shape):
        """Raise ValueError if `input_shape` is not a list of as many shapes as the layer takes."""
        least, most = self._counts
        wanted = f"exactly {least}" if least == most else f"{least} or more"
        kind = f"{type(self).__name__} {self.name!r}"
        if not isinstance(input_shape, (list, tuple)) or not all(isinstance(s, (list, tuple)) for s in input_shape):
            raise ValueError(
                f"{kind} needs a list of {wanted} inputs, got one of shape {input_shape}. "
                f"Call it on a list: {type(self).__name__}(...)([a, b])."
            )
        if len(input_shape) < least or (most is not None and len(input_shape) > most):
            raise ValueError(f"{kind} needs a list of {wanted} inputs, got {len(input_shape)}: {list(input_shape)}.")

    def _merge_function(self, inputs):
        raise NotImplementedError(f"{type(self).__name__} must define _merge_function(inputs).")

    def call(self, inputs):
        """The inputs, brought to one rank and merged."""
        rank = max(K.ndim(x) for x in inputs)
        return self._merge_function([_with_rank(x, rank) for x in inputs])

    def compute_output_shape(self, input_shape):
        """The shape that all inputs are spread to."""
        self._check_count(input_shape)
        batches = {shape[0] for shape in input_shape} - {None}
        spread = functools.reduce(_spread, (tuple(shape[1:]) for shape in input_shape))
        if spread is None or len(batches) > 1:
            raise ValueError(
                f"{type(self).__name__} {self.name!r} cannot merge shapes {[tuple(s) for s in input_shape]}: sizes on "
                f"each axis, counted from the last, must be equal or 1. Put a Dense or Reshape before the odd one out."
            )
        return (batches.pop() if batches else None, *spread)

    def compute_output_dtype(self, dtypes):
        """The common type of the inputs, else the first float one."""
        return dtypes[0] if len(set(dtypes)) == 1 else super().compute_output_dtype(dtypes)

    def compute_mask(self, inputs, mask=None):
        """True where all masks are."""
        masks = [m for m in mask or [] if m is not None]
        return functools.reduce(K.logical_and, masks) if masks else None


def _with_rank(x, rank):
    while K.ndim(x) < rank:
        x = K.expand_dims(x, 1)
    return x


def _spread(one, other):
    """Common shape of two shapes without batch, or None; an open size takes the other's unless that is 1."""
    if one is None:
        return None
    one, other = (((1,) * (max(len(one), len(other)) - len(shape)) + shape) for shape in (one, other))
    sizes = []
    for a, b in zip(one, other, strict=True):
        if a is not None and b is not None and a != b and 1 not in (a, b):
            return None
        sizes.append(b if a == 1 or (a is None and b != 1) else a)
    return tuple(sizes)


@registry.register("layer")
class Add(_Merge):
    """x1 + x2 + ...

    Inputs are spread over each other where a size is 1; one with fewer axes gets new ones after the batch, so that
    (B, T, D) and (B, D) give (B, T, D).

    Shapes:
        list of x (B, ...) -> their common shape.

    Raises:
        ValueError: fewer than two inputs, or shapes that do not fit together.

    Example:
        >>> from hornbeam.layers import Add
        >>> Add()([K.constant([[1.0]]), K.constant([[2.0]])]).tolist()
        [[3.0]]
    """

    def _merge_function(self, inputs):
        return functools.reduce(K.add, inputs)


@registry.register("layer")
class Subtract(_Merge):
    """x1 - x2, of exactly two inputs; shapes as for :class:`Add`.

    Example:
        >>> from hornbeam.layers import Subtract
        >>> Subtract()([K.constant([[1.0]]), K.constant([[2.0]])]).tolist()
        [[-1.0]]
    """

    _counts = (2, 2)

    def _merge_function(self, inputs):
        return inputs[0] - inputs[1]


@registry.register("layer")
class Multiply(_Merge):
    """x1 * x2 * ..., element by element; shapes as for :class:`Add`.

    Example:
        >>> from hornbeam.layers import Multiply
        >>> Multiply()([K.constant([[3.0]]), K.constant([[2.0]])]).tolist()
        [[6.0]]
    """

    def _merge_function(self, inputs):
        return functools.reduce(K.multiply, inputs)


@registry.register("layer")
class Average(_Merge):
    """(x1 + x2 + ... + xn) / n; shapes as for :class:`Add`.

    Example:
        >>> from hornbeam.layers import Average
        >>> Average()([K.constant([[1.0]]), K.constant([[2.0]])]).tolist()
        [[1.5]]
    """

    def _merge_function(self, inputs):
        return functools.reduce(K.add, inputs) / len(inputs)

    def compute_output_dtype(self, dtypes):
        """The first float type: means of integers are floats."""
        return Layer.compute_output_dtype(self, dtypes)


@registry.register("layer")
class Maximum(_Merge):
    """The largest of x1, x2, ..., element by element; shapes as for :class:`Add`.

    Example:
        >>> from hornbeam.layers import Maximum
        >>> Maximum()([K.constant([[1.0]]), K.constant([[2.0]])]).tolist()
        [[2.0]]
    """

    def _merge_function(self, inputs):
        return functools.reduce(K.maximum, inputs)


@registry.register("layer")
class Minimum(_Merge):
    """The smallest of x1, x2, ..., element by element; shapes as for :class:`Add`.

    Example:
        >>> from hornbeam.layers import Minimum
        >>> Minimum()([K.constant([[1.0]]), K.constant([[2.0]])]).tolist()
        [[1.0]]
    """

    def _merge_function(self, inputs):
        return functools.reduce(K.minimum, inputs)


@registry.register("layer")
class Concatenate(_Merge):
    """The inputs side by side along one axis.

    A time step of the result is masked if it is masked in any input that has a mask.

    Args:
        axis: the axis that grows, -1 by default. 0 is the batch.

    Shapes:
        list of x (B, ..., D1), (B, ..., D2) -> (B, ..., D1 + D2).

    Raises:
        ValueError: the inputs differ on another axis or in rank, or have no such axis.

    Example:
        >>> from hornbeam.layers import Concatenate
        >>> Concatenate()([K.constant([[1.0]]), K.constant([[2.0, 3.0]])]).tolist()
        [[1.0, 2.0, 3.0]]
    """

    _counts = (1, None)

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = checks.integer("Concatenate", "axis", axis)
        self.rowwise = self.axis != 0

    def build(self, input_shape):
        """Check that the inputs differ on `axis` alone."""
        super().build(input_shape)
        self.rowwise = self.axis % len(input_shape[0]) != 0

    def call(self, inputs):
        """The inputs side by side."""
        return K.concatenate(inputs, axis=self.axis)

    def compute_output_shape(self, input_shape):
        """The shape of the first input, with the sizes on `axis` added up."""
        self._check_count(input_shape)
        rank = len(input_shape[0])
        fits = -rank <= self.axis < rank and all(len(shape) == rank for shape in input_shape)
        columns = list(zip(*input_shape, strict=True)) if fits else []
        for axis, sizes in enumerate(columns):
            fits = fits and (axis == self.axis % rank or len({*sizes} - {None}) <= 1)
        if not fits:
            raise ValueError(
                f"Concatenate {self.name!r} cannot join shapes {[tuple(s) for s in input_shape]} along axis "
                f"{self.axis}: all other sizes must be equal. Reshape the odd one out, or choose another axis."
            )
        found = [next((size for size in sizes if size is not None), None) for sizes in columns]
        along = columns[self.axis]
        found[self.axis] = None if None in along else sum(along)
        return tuple(found)

    def compute_mask(self, inputs, mask=None):
        """The masks side by side, as an input of ones where there is none; True where all features are."""
        if mask is None or all(m is None for m in mask):
            return None
        rank = K.ndim(inputs[0])
        if self.axis % rank == rank - 1:  # features grow, so the time steps stay where they are
            found = [m if m is None or K.ndim(m) < rank else K.all(m, axis=-1) for m in mask]
            return super().compute_mask(inputs, found)
        masks = []
        for x, m in zip(inputs, mask, strict=True):
            full = K.ones_like(x, dtype="bool")
            masks.append(full if m is None else K.logical_and(full, _with_trailing(m, rank)))
        return K.all(K.concatenate(masks, axis=self.axis), axis=-1)


def _with_trailing(mask, rank):
    while K.ndim(mask) < rank:
        mask = K.expand_dims(mask, -1)
    return mask


@registry.register("layer")
class Dot(_Merge):
    """Products of two inputs, summed over one axis of each, row by row.

    With `normalize`, the cosine of the angle between vectors. The result has no mask.

    Args:
        axes: the axis of both inputs that is summed over, or one for each. Negative ones count from the end.
        normalize: scale both inputs to length 1 along that axis first?

    Shapes:
        x1 (B, T, D), x2 (B, S, D) with axes=2 -> (B, T, S); x1 (B, D), x2 (B, D) with axes=1 -> (B, 1).

    Raises:
        TypeError: `axes` is neither an integer nor two of them. ValueError: not exactly two inputs, an axis they do
            not have, the batch axis, or sizes that differ.

    Example:
        >>> from hornbeam.layers import Dot
        >>> Dot(axes=1)([K.constant([[1.0, 2.0]]), K.constant([[3.0, 4.0]])]).tolist()
        [[11.0]]
    """

    _counts = (2, 2)

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        pair = axes if isinstance(axes, (list, tuple)) else (axes, axes)
        if len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise TypeError(f"Dot: axes must be an integer or a pair of them; got {axes!r}.")
        self.axes = axes
        self.normalize = normalize

    def _axes_of(self, shapes):
        """The axis to sum over, of each input, counted from the front."""
        pair = self.axes if isinstance(self.axes, (list, tuple)) else (self.axes, self.axes)
        places = [axis + len(shape) if axis < 0 else axis for axis, shape in zip(pair, shapes, strict=True)]
        there = all(0 < place < len(shape) for place, shape in zip(places, shapes, strict=True))
        sizes = {shape[place] for place, shape in zip(places, shapes, strict=True)} - {None} if there else ()
        if not there or len(sizes) > 1:
            raise ValueError(
                f"Dot {self.name!r} cannot sum over axes {self.axes} of shapes {[tuple(s) for s in shapes]}: "
                + ("their sizes differ there." if there else "each must be an axis after the batch.")
                + " Choose other axes, or put a Permute or Dense layer before one input."
            )
        return places

    def call(self, inputs):
        """K.batch_dot of the inputs, scaled to length 1 if asked."""
        axes = self._axes_of([K.int_shape(x) for x in inputs])
        if self.normalize:
            inputs = [K.l2_normalize(x, axis=axis) for x, axis in zip(inputs, axes, strict=True)]
        return K.batch_dot(*inputs, axes=axes)

    def compute_output_shape(self, input_shape):
        """The sizes that are left, those of the first input before those of the second."""
        self._check_count(input_shape)
        first, second = self._axes_of(input_shape)
        one, other = ([*shape] for shape in input_shape)
        batch = one[0] if one[0] is not None else other[0]
        left = [s for i, s in enumerate(one) if i not in (0, first)]
        left += [s for i, s in enumerate(other) if i not in (0, second)]
        return (batch, *left) if left else (batch, 1)

    def compute_mask(self, inputs, mask=None):
        """None."""
        return None


# --- The same as functions ---


def add(inputs, **kwargs):
    """:class:`Add` of a list of tensors."""
    return Add(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """:class:`Subtract` of two tensors."""
    return Subtract(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """:class:`Multiply` of a list of tensors."""
    return Multiply(**kwargs)(inputs)


def average(inputs, **kwargs):
    """:class:`Average` of a list of tensors."""
    return Average(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """:class:`Maximum` of a list of tensors."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """:class:`Minimum` of a list of tensors."""
    return Minimum(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """:class:`Concatenate` of a list of tensors along `axis`."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs, axes, normalize=False, **kwargs):
    """:class:`Dot` of two tensors."""
    return Dot(axes=axes, normalize=normalize, **kwargs)(inputs)
