"""Layers that enlarge sequences, images and volumes by whole factors."""

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.layers.convolution import WindowLayer


class _UpSampling(WindowLayer):
    """Sizes times whole factors; subclasses set `size` as a tuple in `_factors`."""

    def _set_factors(self, size, data_format):
        self._set_layout(data_format)
        self._factors = self._numbers("size", size)

    def compute_output_shape(self, input_shape):
        """(B, *larger sizes, C) in the layer's layout."""
        rules = zip(self._sizes_of(input_shape), self._factors, strict=True)
        sizes = [None if n is None else n * factor for n, factor in rules]
        return self._shape_of(input_shape[0], sizes, input_shape[self._channel_axis])


@registry.register("layer")
class UpSampling1D(_UpSampling):
    """Each step `size` times in a row.

    Args:
        size: how often, 2 by default.

    Shapes:
        x (B, T, C) -> (B, T * size, C).

    Raises:
        ValueError: `size` is not a positive integer.

    Example:
        >>> from hornbeam import backend as K
        >>> from hornbeam.layers import UpSampling1D
        >>> UpSampling1D(2)(K.constant([[[1.0], [2.0]]])).ravel().tolist()
        [1.0, 1.0, 2.0, 2.0]
    """

    rank = 1

    def __init__(self, size=2, **kwargs):
        super().__init__(**kwargs)
        self._set_factors(size, None)
        self.size = self._factors[0]

    def call(self, inputs):
        """The inputs with each step repeated."""
        return K.repeat_elements(inputs, self.size, axis=1)

    def compute_output_dtype(self, dtypes):
        """The type of the inputs."""
        return dtypes[0]


@registry.register("layer")
class UpSampling2D(_UpSampling):
    """Images `size` times as large.

    Args:
        size: factors of height and width, one integer for both; 2 by default.
        data_format: 'channels_last', 'channels_first', or None for the default.
        interpolation: 'nearest' repeats pixels; 'bilinear' draws straight lines from each pixel to the next, pixels
            standing at the left edge of their cell (as in Keras 2; Keras 3 has them in the middle).

    Shapes:
        x (B, H, W, C) -> (B, H * size[0], W * size[1], C), or with channels first in both.

    Raises:
        ValueError: an argument out of its range.

    Example:
        >>> from hornbeam.layers import Input, UpSampling2D
        >>> UpSampling2D((1, 2), interpolation="bilinear")(Input((8, 8, 3))).shape
        (None, 8, 16, 3)
    """

    rank = 2

    def __init__(self, size=(2, 2), data_format=None, interpolation="nearest", **kwargs):
        super().__init__(**kwargs)
        self._set_factors(size, data_format)
        self.size = self._factors
        if interpolation not in ("nearest", "bilinear"):
            raise checks.wrong_argument("UpSampling2D", "interpolation", interpolation, "'nearest' or 'bilinear'")
        self.interpolation = interpolation

    def call(self, inputs):
        """The inputs, enlarged."""
        return K.resize_images(inputs, *self.size, data_format=self.data_format, interpolation=self.interpolation)


@registry.register("layer")
class UpSampling3D(_UpSampling):
    """Volumes `size` times as large, each place repeated.

    Args:
        size: factors of depth, height and width, one integer for all; 2 by default.
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, D, H, W, C) -> the same with larger D, H, W, or with channels first in both.

    Raises:
        ValueError: an argument out of its range.

    Example:
        >>> from hornbeam.layers import Input, UpSampling3D
        >>> UpSampling3D(2)(Input((4, 4, 4, 1))).shape
        (None, 8, 8, 8, 1)
    """

    rank = 3

    def __init__(self, size=(2, 2, 2), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self._set_factors(size, data_format)
        self.size = self._factors

    def call(self, inputs):
        """The inputs, enlarged."""
        return K.resize_volumes(inputs, *self.size, data_format=self.data_format)

    def compute_output_dtype(self, dtypes):
        """The type of the inputs."""
        return dtypes[0]
