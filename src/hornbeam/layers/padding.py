"""Layers that add zeros around sequences, images and volumes, cut their edges off, or repeat their elements."""

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.layers.convolution import WindowLayer


def _pairs_of(items) -> tuple:
    """Integers doubled, the rest as tuples; nothing if one is neither."""
    try:
        return tuple((i, i) if isinstance(i, int) else tuple(i) for i in items)
    except TypeError:
        return ()


class _Edges(WindowLayer):
    """A number of places before and after each spatial axis."""

    def _set_edges(self, name, value):
        """`value` as pairs (before, after): from one integer, one for each axis, or pairs."""
        if isinstance(value, int):
            items = (value,) * self.rank
        else:
            items = (value,) if self.rank == 1 else value
        pairs = _pairs_of(items)
        whole = all(len(p) == 2 and all(isinstance(n, int) and n >= 0 for n in p) for p in pairs)
        if len(pairs) != self.rank or not whole:
            several = f"{self.rank} integers, or {self.rank} pairs" if self.rank > 1 else "or a pair"
            raise checks.wrong_argument(
                type(self).__name__, name, value, f"an integer, {several} (before, after), 0 or more"
            )
        self._pairs = pairs
        return pairs if self.rank > 1 else pairs[0]

    def compute_output_dtype(self, dtypes):
        """The type of the inputs."""
        return dtypes[0]


class _ZeroPadding(_Edges):
    def __init__(self, padding=1, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._set_layout(data_format)
        self.padding = self._set_edges("padding", padding)

    def call(self, inputs):
        """The inputs with zeros around."""
        if self.rank == 2:
            return K.spatial_2d_padding(inputs, self.padding, self.data_format)
        if self.rank == 3:
            return K.spatial_3d_padding(inputs, self.padding, self.data_format)
        if self.data_format == "channels_last":
            return K.temporal_padding(inputs, self.padding)
        turned = K.permute_dimensions(inputs, (0, 2, 1))
        return K.permute_dimensions(K.temporal_padding(turned, self.padding), (0, 2, 1))

    def compute_output_shape(self, input_shape):
        """(B, *larger sizes, C) in the layer's layout."""
        sizes = zip(self._sizes_of(input_shape), self._pairs, strict=True)
        sizes = [None if n is None else n + before + after for n, (before, after) in sizes]
        return self._shape_of(input_shape[0], sizes, input_shape[self._channel_axis])


@registry.register("layer")
class ZeroPadding1D(_ZeroPadding):
    """Zeros before and after the steps of x.

    Args:
        padding: steps on both ends, or a pair (before, after).
        data_format: 'channels_last', the default here, or 'channels_first'.

    Shapes:
        x (B, T, C) -> (B, T + before + after, C).

    Raises:
        ValueError: `padding` has another form.

    Example:
        >>> from hornbeam import backend as K
        >>> from hornbeam.layers import ZeroPadding1D
        >>> ZeroPadding1D((1, 0))(K.constant([[[5.0]]])).ravel().tolist()
        [0.0, 5.0]
    """

    rank = 1


@registry.register("layer")
class ZeroPadding2D(_ZeroPadding):
    """Zeros around images.

    Args:
        padding: pixels on all sides; or (height, width); or ((top, bottom), (left, right)).
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, H, W, C) -> (B, H + top + bottom, W + left + right, C), or with channels first in both.

    Raises:
        ValueError: `padding` has another form.

    Example:
        >>> from hornbeam.layers import Input, ZeroPadding2D
        >>> ZeroPadding2D(((1, 0), (2, 2)))(Input((8, 8, 3))).shape
        (None, 9, 12, 3)
    """

    rank = 2


@registry.register("layer")
class ZeroPadding3D(_ZeroPadding):
    """Zeros around volumes.

    Args:
        padding: places on all sides; or three integers; or three pairs (before, after).
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, D, H, W, C) -> the same with larger D, H, W, or with channels first in both.

    Raises:
        ValueError: `padding` has another form.

    Example:
        >>> from hornbeam.layers import Input, ZeroPadding3D
        >>> ZeroPadding3D((0, 1, 2))(Input((4, 4, 4, 1))).shape
        (None, 4, 6, 8, 1)
    """

    rank = 3


class _Cropping(_Edges):
    def __init__(self, cropping=1, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._set_layout(data_format)
        self.cropping = self._set_edges("cropping", cropping)

    def build(self, input_shape):
        """Check that something is left."""
        self.compute_output_shape(input_shape)
        super().build(input_shape)

    def call(self, inputs):
        """The inputs without their edges."""
        inner = tuple(slice(before, -after if after else None) for before, after in self._pairs)
        front = (slice(None),) * (2 if self.data_format == "channels_first" else 1)
        return inputs[(*front, *inner)]

    def compute_output_shape(self, input_shape):
        """(B, *smaller sizes, C) in the layer's layout."""
        rules = zip(self._sizes_of(input_shape), self._pairs, strict=True)
        sizes = [None if n is None else n - before - after for n, (before, after) in rules]
        if any(n is not None and n < 1 for n in sizes):
            raise ValueError(
                f"{type(self).__name__} {self.name!r}: cropping {self.cropping} leaves nothing of inputs of shape "
                f"{tuple(input_shape)} ({self.data_format}). Crop less."
            )
        return self._shape_of(input_shape[0], sizes, input_shape[self._channel_axis])


@registry.register("layer")
class Cropping1D(_Cropping):
    """Sequences without their first and last steps.

    Args:
        cropping: steps to cut off on both ends, or a pair (before, after).
        data_format: 'channels_last', the default here, or 'channels_first'.

    Shapes:
        x (B, T, C) -> (B, T - before - after, C).

    Raises:
        ValueError: `cropping` has another form, or nothing is left.

    Example:
        >>> from hornbeam import backend as K
        >>> from hornbeam.layers import Cropping1D
        >>> Cropping1D((1, 0))(K.constant([[[5.0], [6.0]]])).ravel().tolist()
        [6.0]
    """

    rank = 1


@registry.register("layer")
class Cropping2D(_Cropping):
    """Images without their edges.

    Args:
        cropping: pixels to cut off on all sides; or (height, width); or ((top, bottom), (left, right)).
            None are cut off by default.
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, H, W, C) -> (B, H - top - bottom, W - left - right, C), or with channels first in both.

    Raises:
        ValueError: `cropping` has another form, or nothing is left.

    Example:
        >>> from hornbeam.layers import Cropping2D, Input
        >>> Cropping2D(((1, 0), (2, 2)))(Input((8, 8, 3))).shape
        (None, 7, 4, 3)
    """

    rank = 2

    def __init__(self, cropping=((0, 0), (0, 0)), data_format=None, **kwargs):
        super().__init__(cropping, data_format, **kwargs)


@registry.register("layer")
class Cropping3D(_Cropping):
    """Volumes without their edges.

    Args:
        cropping: places to cut off on all sides, 1 by default; or three integers; or three pairs (before, after).
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, D, H, W, C) -> the same with smaller D, H, W, or with channels first in both.

    Raises:
        ValueError: `cropping` has another form, or nothing is left.

    Example:
        >>> from hornbeam.layers import Cropping3D, Input
        >>> Cropping3D((0, 1, (2, 1)))(Input((4, 4, 4, 1))).shape
        (None, 4, 2, 1, 1)
    """

    rank = 3
