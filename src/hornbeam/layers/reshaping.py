"""Layers that change the form of tensors and leave the elements alone: Flatten, Reshape, Permute, RepeatVector."""

import math

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.core import InputSpec, Layer


class _Reform(Layer):
    """A layer whose result has the type of its inputs."""

    rowwise = True

    def compute_output_dtype(self, dtypes):
        """The type of the inputs."""
        return dtypes[0]


@registry.register("layer")
class Flatten(_Reform):
    """Each row as one long vector.

    Stands between convolutions and dense layers. Elements keep the order of (B, H, W, C) in both layouts, so weights
    trained in one serve in the other.

    Args:
        data_format: layout of x: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, ...) -> (B, product of the rest); (B,) -> (B, 1).

    Example:
        >>> from hornbeam.layers import Flatten, Input
        >>> Flatten()(Input((4, 4, 3))).shape
        (None, 48)
    """

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = checks.data_format(type(self).__name__, data_format)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs):
        """Rows as vectors."""
        rank = K.ndim(inputs)
        if self.data_format == "channels_first" and rank > 2:
            inputs = K.permute_dimensions(inputs, (0, *range(2, rank), 1))
        sizes = K.int_shape(inputs)
        return K.reshape(inputs, (sizes[0], math.prod(sizes[1:])))

    def compute_output_shape(self, input_shape):
        """(B, product of the rest), None if a size is unknown."""
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))


@registry.register("layer")
class Reshape(_Reform):
    """The elements of each row in another form.

    Args:
        target_shape: sizes without the batch; one may be -1, which stands for what is left.

    Shapes:
        x (B, ...) -> (B, *target_shape).

    Raises:
        ValueError: two sizes are -1, or the sizes do not multiply out to those of the inputs.

    Example:
        >>> from hornbeam.layers import Input, Reshape
        >>> Reshape((3, -1))(Input((12,))).shape
        (None, 3, 4)
    """

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        sizes = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        self.target_shape = tuple(checks.integer("Reshape", "target_shape", size, least=-1) for size in sizes)
        if self.target_shape.count(-1) > 1:
            raise checks.wrong_argument("Reshape", "target_shape", target_shape, "a shape with at most one -1")

    def build(self, input_shape):
        """Check that the sizes multiply out."""
        self._sizes(input_shape)
        super().build(input_shape)

    def _sizes(self, input_shape):
        """`target_shape` with -1 replaced, None if it cannot be known yet."""
        given = math.prod(size for size in self.target_shape if size != -1)
        if None in input_shape[1:]:
            return tuple(None if size == -1 else size for size in self.target_shape)
        wanted = math.prod(input_shape[1:])
        open_size = -1 in self.target_shape
        if wanted != given and not (open_size and given and wanted % given == 0):
            raise ValueError(
                f"Reshape {self.name!r} cannot make rows of shape {self.target_shape} ({given} elements"
                f"{' times a whole number' if open_size else ''}) out of {tuple(input_shape[1:])} ({wanted} elements). "
                f"Give a target_shape whose sizes multiply to {wanted}, or use -1 for one of them."
            )
        left = wanted // given if given else 0
        return tuple(left if size == -1 else size for size in self.target_shape)

    def call(self, inputs):
        """`inputs`, reshaped."""
        sizes = K.int_shape(inputs)
        return K.reshape(inputs, (sizes[0], *self._sizes(sizes)))

    def compute_output_shape(self, input_shape):
        """(B, *target_shape) with -1 replaced."""
        return (input_shape[0], *self._sizes(input_shape))


@registry.register("layer")
class Permute(_Reform):
    """The axes of each row in another order.

    Args:
        dims: for each axis of the result, the axis of the inputs that goes there. The first axis after the batch
            is 1.

    Shapes:
        x (B, T, D) with dims (2, 1) -> (B, D, T).

    Raises:
        ValueError: `dims` does not hold each of 1 .. n once.

    Example:
        >>> from hornbeam.layers import Input, Permute
        >>> Permute((2, 1))(Input((10, 64))).shape
        (None, 64, 10)
    """

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(checks.integer("Permute", "dims", axis) for axis in dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise checks.wrong_argument("Permute", "dims", self.dims, f"an order of 1 .. {len(self.dims)}, each once")
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs):
        """`inputs` with axes in the order of `dims`."""
        return K.permute_dimensions(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape):
        """Sizes in the order of `dims`."""
        return (input_shape[0], *(input_shape[axis] for axis in self.dims))


@registry.register("layer")
class RepeatVector(_Reform):
    """Each row, `n` times in a row: a sequence that stands still.

    Hands an encoder's summary to every step of a decoder.

    Args:
        n: number of steps, 1 or more.

    Shapes:
        x (B, D) -> (B, n, D).

    Raises:
        ValueError: `n` is not a positive integer, or x is not of rank 2.

    Example:
        >>> from hornbeam.layers import Input, RepeatVector
        >>> RepeatVector(3)(Input((32,))).shape
        (None, 3, 32)
    """

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        self.n = checks.integer("RepeatVector", "n", n, least=1)
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs):
        """`inputs`, repeated along a new axis 1."""
        return K.repeat(inputs, self.n)

    def compute_output_shape(self, input_shape):
        """(B, n, D)."""
        return (input_shape[0], self.n, input_shape[1])
