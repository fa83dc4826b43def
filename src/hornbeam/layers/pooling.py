"""Pooling layers: the maximum or mean under a moving window, or over all places."""

from hornbeam import backend as K
from hornbeam import config, registry
from hornbeam.layers.convolution import WindowLayer
from hornbeam.utils.conv_utils import normalize_padding


class _Pooling(WindowLayer):
    """Pooling with a moving window."""

    mode = None

    def __init__(self, pool_size: int | tuple | list = 2, strides=None, padding="valid", data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._set_layout(data_format)
        self.pool_size = self._numbers("pool_size", pool_size)
        self.strides = self.pool_size if strides is None else self._numbers("strides", strides)
        self.padding = normalize_padding(padding, type(self).__name__, ("valid", "same"))

    def build(self, input_shape):
        """Check that the window fits."""
        self.compute_output_shape(input_shape)
        super().build(input_shape)

    def call(self, inputs):
        """Maximum or mean under each window."""
        pool = {1: K.pool1d, 2: K.pool2d, 3: K.pool3d}[self.rank]
        return pool(inputs, self.pool_size, self.strides, self.padding, self.data_format, self.mode)

    def compute_output_shape(self, input_shape):
        """(B, *sizes, C) in the layer's layout."""
        once = (1,) * self.rank
        sizes = self._window_sizes(input_shape, self.pool_size, self.padding, self.strides, once)
        return self._shape_of(input_shape[0], sizes, input_shape[self._channel_axis])


class _MaxPooling(_Pooling):
    mode = "max"

    def compute_output_dtype(self, dtypes):
        """The type of the inputs."""
        return dtypes[0]


class _AveragePooling(_Pooling):
    mode = "avg"


@registry.register("layer", "MaxPool1D")
class MaxPooling1D(_MaxPooling):
    """Maximum under a window of `pool_size` steps.

    The gradient goes to the first of equal maxima.

    Args:
        pool_size: steps in the window, 2 by default.
        strides: steps it moves at a time; None for `pool_size`, windows side by side.
        padding: 'valid' (only whole windows) or 'same' (windows may reach over the end).
        data_format: 'channels_last', the default here, or 'channels_first'.

    Shapes:
        x (B, T, C) -> (B, T', C).

    Raises:
        ValueError: an argument out of its range, or a window longer than x.

    Example:
        >>> from hornbeam import backend as K
        >>> from hornbeam.layers import MaxPooling1D
        >>> MaxPooling1D(2)(K.constant([[[1.0], [3.0], [2.0], [0.0]]])).ravel().tolist()
        [3.0, 2.0]
    """

    rank = 1


@registry.register("layer", "MaxPool2D")
class MaxPooling2D(_MaxPooling):
    """Maximum under a window of `pool_size` pixels.

    Halves height and width (by default) and keeps what stands out. The gradient goes to the first of equal maxima.

    Args:
        pool_size: height and width of the window, one integer for both; 2 by default.
        strides: pixels it moves at a time; None for `pool_size`, windows side by side.
        padding: 'valid' (only whole windows) or 'same' (windows may reach over the edge).
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, H, W, C) -> (B, H', W', C), or (B, C, H, W) -> (B, C, H', W').

    Raises:
        ValueError: an argument out of its range, or a window larger than x.

    Example:
        >>> from hornbeam.layers import Input, MaxPooling2D
        >>> MaxPooling2D(2)(Input((28, 28, 32))).shape
        (None, 14, 14, 32)
    """

    rank = 2


@registry.register("layer", "MaxPool3D")
class MaxPooling3D(_MaxPooling):
    """Maximum under a window of `pool_size` places in volumes; see :class:`MaxPooling2D`.

    Args:
        pool_size: depth, height and width of the window, one integer for all; 2 by default.
        strides: places it moves at a time; None for `pool_size`.
        padding: 'valid' or 'same'.
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, D, H, W, C) -> (B, D', H', W', C), or with channels first in both.

    Raises:
        ValueError: an argument out of its range, or a window larger than x.

    Example:
        >>> from hornbeam.layers import Input, MaxPooling3D
        >>> MaxPooling3D(2)(Input((8, 8, 8, 1))).shape
        (None, 4, 4, 4, 1)
    """

    rank = 3


@registry.register("layer", "AvgPool1D")
class AveragePooling1D(_AveragePooling):
    """Mean under a window of `pool_size` steps; with padding='same', of what is inside.

    Args:
        pool_size: steps in the window, 2 by default.
        strides: steps it moves at a time; None for `pool_size`, windows side by side.
        padding: 'valid' (only whole windows) or 'same' (windows may reach over the end).
        data_format: 'channels_last', the default here, or 'channels_first'.

    Shapes:
        x (B, T, C) -> (B, T', C).

    Raises:
        ValueError: an argument out of its range, or a window longer than x.

    Example:
        >>> from hornbeam import backend as K
        >>> from hornbeam.layers import AveragePooling1D
        >>> AveragePooling1D(2, padding="same")(K.constant([[[1.0], [3.0], [5.0]]])).ravel().tolist()
        [2.0, 5.0]
    """

    rank = 1


@registry.register("layer", "AvgPool2D")
class AveragePooling2D(_AveragePooling):
    """Mean under a window of `pool_size` pixels; with padding='same', of what is inside.

    Args:
        pool_size: height and width of the window, one integer for both; 2 by default.
        strides: pixels it moves at a time; None for `pool_size`, windows side by side.
        padding: 'valid' (only whole windows) or 'same' (windows may reach over the edge).
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, H, W, C) -> (B, H', W', C), or (B, C, H, W) -> (B, C, H', W').

    Raises:
        ValueError: an argument out of its range, or a window larger than x.

    Example:
        >>> from hornbeam.layers import AveragePooling2D, Input
        >>> AveragePooling2D(2)(Input((28, 28, 32))).shape
        (None, 14, 14, 32)
    """

    rank = 2


@registry.register("layer", "AvgPool3D")
class AveragePooling3D(_AveragePooling):
    """Mean under a window of `pool_size` places in volumes; see :class:`AveragePooling2D`.

    Args:
        pool_size: depth, height and width of the window, one integer for all; 2 by default.
        strides: places it moves at a time; None for `pool_size`.
        padding: 'valid' or 'same'.
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, D, H, W, C) -> (B, D', H', W', C), or with channels first in both.

    Raises:
        ValueError: an argument out of its range, or a window larger than x.

    Example:
        >>> from hornbeam.layers import AveragePooling3D, Input
        >>> AveragePooling3D(2)(Input((8, 8, 8, 1))).shape
        (None, 4, 4, 4, 1)
    """

    rank = 3


# --- Over all places ---


class _GlobalPooling(WindowLayer):
    """One number a channel."""

    def __init__(self, data_format=None, keepdims=False, **kwargs):
        super().__init__(**kwargs)
        self._set_layout(data_format)
        self.keepdims = keepdims

    @property
    def _axes(self):
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.rank))

    def compute_output_shape(self, input_shape):
        """(B, C), or sizes of 1 between if `keepdims`."""
        if 0 in self._sizes_of(input_shape):
            raise ValueError(
                f"{type(self).__name__} {self.name!r} has nothing to pool over in inputs of shape "
                f"{tuple(input_shape)} ({self.data_format}). Leave such rows out."
            )
        channels = input_shape[self._channel_axis]
        if self.keepdims:
            return self._shape_of(input_shape[0], (1,) * self.rank, channels)
        return (input_shape[0], channels)


class _GlobalMaxPooling(_GlobalPooling):
    def call(self, inputs):
        """Maximum over all places."""
        return K.max(inputs, axis=self._axes, keepdims=self.keepdims)

    def compute_output_dtype(self, dtypes):
        """The type of the inputs."""
        return dtypes[0]


class _GlobalAveragePooling(_GlobalPooling):
    def call(self, inputs):
        """Mean over all places."""
        return K.mean(inputs, axis=self._axes, keepdims=self.keepdims)


@registry.register("layer", "GlobalMaxPool1D")
class GlobalMaxPooling1D(_GlobalMaxPooling):
    """Maximum over all steps: was there such a pattern at all?

    Args:
        data_format: 'channels_last', the default here, or 'channels_first'.
        keepdims: keep the time axis, with size 1?

    Shapes:
        x (B, T, C) -> (B, C), or (B, 1, C).

    Example:
        >>> from hornbeam import backend as K
        >>> from hornbeam.layers import GlobalMaxPooling1D
        >>> GlobalMaxPooling1D()(K.constant([[[1.0], [3.0], [2.0]]])).tolist()
        [[3.0]]
    """

    rank = 1


@registry.register("layer", "GlobalMaxPool2D")
class GlobalMaxPooling2D(_GlobalMaxPooling):
    """Maximum over all pixels.

    Args:
        data_format: 'channels_last', 'channels_first', or None for the default.
        keepdims: keep the spatial axes, with size 1?

    Shapes:
        x (B, H, W, C), or (B, C, H, W) -> (B, C).

    Example:
        >>> from hornbeam.layers import GlobalMaxPooling2D, Input
        >>> GlobalMaxPooling2D()(Input((7, 7, 64))).shape
        (None, 64)
    """

    rank = 2


@registry.register("layer", "GlobalMaxPool3D")
class GlobalMaxPooling3D(_GlobalMaxPooling):
    """Maximum over all places of a volume.

    Args:
        data_format: 'channels_last', 'channels_first', or None for the default.
        keepdims: keep the spatial axes, with size 1?

    Shapes:
        x (B, D, H, W, C), or (B, C, D, H, W) -> (B, C).

    Example:
        >>> from hornbeam.layers import GlobalMaxPooling3D, Input
        >>> GlobalMaxPooling3D()(Input((4, 4, 4, 8))).shape
        (None, 8)
    """

    rank = 3


@registry.register("layer", "GlobalAvgPool1D")
class GlobalAveragePooling1D(_GlobalAveragePooling):
    """Mean over all steps; with a mask, over those it marks as real.

    A sequence without any real step gives zeros.

    Args:
        data_format: 'channels_last', the default here, or 'channels_first'.
        keepdims: keep the time axis, with size 1?

    Shapes:
        x (B, T, C) -> (B, C), or (B, 1, C). Uses the mask (B, T) up.

    Example:
        >>> from hornbeam import backend as K
        >>> from hornbeam.layers import GlobalAveragePooling1D
        >>> GlobalAveragePooling1D()(K.constant([[[1.0], [3.0], [2.0]]])).tolist()
        [[2.0]]
    """

    rank = 1
    supports_masking = True

    def compute_mask(self, inputs, mask=None):
        """None: no time axis is left."""
        return None

    def call(self, inputs, mask=None):
        """Mean over all real steps."""
        if mask is None:
            return super().call(inputs)
        weight = K.cast(mask, config.floatx() if "float" not in K.dtype(inputs) else K.dtype(inputs))
        weight = K.expand_dims(weight, 1 if self.data_format == "channels_first" else -1)
        total = K.sum(inputs * weight, axis=self._axes, keepdims=self.keepdims)
        return total / K.maximum(K.sum(weight, axis=self._axes, keepdims=self.keepdims), 1.0)


@registry.register("layer", "GlobalAvgPool2D")
class GlobalAveragePooling2D(_GlobalAveragePooling):
    """Mean over all pixels: stands for Flatten and dense layers at the end of many image networks.

    Args:
        data_format: 'channels_last', 'channels_first', or None for the default.
        keepdims: keep the spatial axes, with size 1?

    Shapes:
        x (B, H, W, C), or (B, C, H, W) -> (B, C).

    Example:
        >>> from hornbeam.layers import GlobalAveragePooling2D, Input
        >>> GlobalAveragePooling2D()(Input((7, 7, 64))).shape
        (None, 64)
    """

    rank = 2


@registry.register("layer", "GlobalAvgPool3D")
class GlobalAveragePooling3D(_GlobalAveragePooling):
    """Mean over all places of a volume.

    Args:
        data_format: 'channels_last', 'channels_first', or None for the default.
        keepdims: keep the spatial axes, with size 1?

    Shapes:
        x (B, D, H, W, C), or (B, C, D, H, W) -> (B, C).

    Example:
        >>> from hornbeam.layers import GlobalAveragePooling3D, Input
        >>> GlobalAveragePooling3D()(Input((4, 4, 4, 8))).shape
        (None, 8)
    """

    rank = 3


MaxPool1D, MaxPool2D, MaxPool3D = MaxPooling1D, MaxPooling2D, MaxPooling3D
AvgPool1D, AvgPool2D, AvgPool3D = AveragePooling1D, AveragePooling2D, AveragePooling3D
GlobalMaxPool1D, GlobalMaxPool2D, GlobalMaxPool3D = GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D
GlobalAvgPool1D, GlobalAvgPool2D = GlobalAveragePooling1D, GlobalAveragePooling2D
GlobalAvgPool3D = GlobalAveragePooling3D
