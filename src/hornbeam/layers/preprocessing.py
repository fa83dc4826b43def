"""Layers that prepare images: Rescaling and Resizing."""

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.core import InputSpec, Layer


@registry.register("layer")
class Rescaling(Layer):
    """x * scale + offset.

    As the first layer, `Rescaling(1 / 255)` brings bytes to [0, 1] and `Rescaling(1 / 127.5, offset=-1)` to [-1, 1],
    and is saved with the model.

    Args:
        scale: number, or one for each channel.
        offset: number, or one for each channel.

    Shapes:
        any -> the same, as floats.

    Example:
        >>> from hornbeam.layers import Rescaling
        >>> Rescaling(0.5, offset=1.0)(K.constant([[2.0]])).tolist()
        [[2.0]]
    """

    rowwise = True
    supports_masking = True

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale
        self.offset = offset

    def call(self, inputs):
        """`inputs`, scaled and shifted."""
        scale, offset = (K.constant(np.asarray(v, "float64"), self.dtype) for v in (self.scale, self.offset))
        return K.cast(inputs, self.dtype) * scale + offset

    def compute_output_shape(self, input_shape):
        """The shape of the inputs."""
        return input_shape

    def compute_output_dtype(self, dtypes):
        """The layer's own type."""
        return self.dtype


def _triangle(t):
    return np.maximum(0, 1 - np.abs(t))


def _cubic(t):
    """Keys' kernel with a = -0.5."""
    t = np.abs(t)
    near, far = ((1.5 * t - 2.5) * t) * t + 1, ((-0.5 * t + 2.5) * t - 4) * t + 2
    return np.where(t < 1, near, np.where(t < 2, far, 0))


def _lanczos(radius):
    return lambda t: np.where(np.abs(t) < radius, np.sinc(t) * np.sinc(t / radius), 0)


_KERNELS = {"bilinear": _triangle, "bicubic": _cubic, "lanczos3": _lanczos(3), "lanczos5": _lanczos(5)}


def resize_matrix(size, target, interpolation="bilinear", antialias=False):
    """(size, target) array that, multiplied with an axis of `size` samples, gives `target` of them.

    Samples sit in the middle of their pixels. With `antialias`, kernels widen when an axis shrinks.
    """
    if interpolation == "nearest":
        nearest = np.floor((np.arange(target) + 0.5) * size / target).astype(int)
        return (np.arange(size)[:, None] == nearest).astype("float32")
    scale = target / size
    width = max(1 / scale, 1) if antialias else 1
    places = (np.arange(target) + 0.5) / scale - 0.5
    weights = _KERNELS[interpolation]((places[None] - np.arange(size)[:, None]) / width)
    total = weights.sum(0, keepdims=True)
    inside = (places >= -0.5) & (places <= size - 0.5)
    return np.where(inside & (np.abs(total) > 1e-4), weights / np.where(total == 0, 1, total), 0).astype("float32")


@registry.register("layer")
class Resizing(Layer):
    """Images in another size.

    Args:
        height, width: of the result.
        interpolation: 'bilinear', 'nearest', 'bicubic', 'lanczos3' or 'lanczos5'.
        crop_to_aspect_ratio: cut the image to the wanted form first, so that nothing is distorted?
        pad_to_aspect_ratio: add borders to get the wanted form first?
        fill_mode: 'constant', what borders are made of.
        fill_value: number the borders hold.
        antialias: average over what shrinking leaves out?
        data_format: 'channels_last', 'channels_first', or None for the default.

    Shapes:
        x (B, H, W, C) -> (B, height, width, C), or (B, C, H, W) -> (B, C, height, width), as floats.

    Raises:
        ValueError: an unknown interpolation, a size that is not positive, cropping together with padding.

    Example:
        >>> from hornbeam.layers import Resizing
        >>> Resizing(1, 1)(K.constant([[[[1.0], [3.0]], [[5.0], [7.0]]]])).ravel().tolist()
        [4.0]
    """

    rowwise = True

    def __init__(
        self, height, width, interpolation="bilinear", crop_to_aspect_ratio=False, pad_to_aspect_ratio=False,
        fill_mode="constant", fill_value=0.0, antialias=False, data_format=None, **kwargs,
    ):  # fmt: skip
        super().__init__(**kwargs)
        self.height = checks.integer("Resizing", "height", height, least=1)
        self.width = checks.integer("Resizing", "width", width, least=1)
        if interpolation not in ("nearest", *_KERNELS):
            raise checks.unknown_name("interpolation", interpolation, ["nearest", *_KERNELS])
        if fill_mode != "constant":
            raise checks.wrong_argument("Resizing", "fill_mode", fill_mode, "'constant'")
        if crop_to_aspect_ratio and pad_to_aspect_ratio:
            raise ValueError("Resizing: choose crop_to_aspect_ratio or pad_to_aspect_ratio, not both.")
        self.interpolation = interpolation
        self.crop_to_aspect_ratio = crop_to_aspect_ratio
        self.pad_to_aspect_ratio = pad_to_aspect_ratio
        self.fill_mode = fill_mode
        self.fill_value = fill_value
        self.antialias = antialias
        self.data_format = checks.data_format(type(self).__name__, data_format)
        self.input_spec = InputSpec(ndim=4)

    def call(self, inputs):
        """`inputs`, resized."""
        first = self.data_format == "channels_first"
        images = K.cast(inputs, self.dtype)
        images = K.permute_dimensions(images, (0, 2, 3, 1)) if first else images
        images = self._in_form(images)
        _, height, width, _ = K.int_shape(images)
        rows = resize_matrix(height, self.height, self.interpolation, self.antialias)
        columns = resize_matrix(width, self.width, self.interpolation, self.antialias)
        turned = K.dot(K.permute_dimensions(images, (0, 3, 2, 1)), K.constant(rows, self.dtype))  # (B, C, W, height)
        turned = K.dot(K.permute_dimensions(turned, (0, 1, 3, 2)), K.constant(columns, self.dtype))  # (B, C, h, w)
        return turned if first else K.permute_dimensions(turned, (0, 2, 3, 1))

    def _in_form(self, images):
        """`images` (B, H, W, C), cut or bordered to the wanted ratio of height and width, if that is asked for."""
        _, height, width, _ = K.int_shape(images)
        if 0 in (height, width):
            raise ValueError(
                f"Resizing {self.name!r} cannot enlarge images without pixels: got shape {K.int_shape(images)}. Leave "
                f"such images out."
            )
        if self.crop_to_aspect_ratio:
            tall = min(height, int(width * self.height / self.width))
            wide = min(width, int(height * self.width / self.height))
            top, left = int((height - tall) / 2), int((width - wide) / 2)
            return images[:, top : top + tall, left : left + wide]
        if self.pad_to_aspect_ratio:
            tall = max(height, int(width * self.height / self.width))
            wide = max(width, int(height * self.width / self.height))
            top, left = int((tall - height) / 2), int((wide - width) / 2)  # equal borders on both sides, as in Keras
            widths = ((top, top), (left, left))
            return K.spatial_2d_padding(images - self.fill_value, widths, "channels_last") + self.fill_value
        return images

    def compute_output_shape(self, input_shape):
        """The batch and channels of the inputs, height and width of the layer."""
        if self.data_format == "channels_first":
            return (*input_shape[:2], self.height, self.width)
        return (input_shape[0], self.height, self.width, input_shape[3])

    def compute_output_dtype(self, dtypes):
        """The layer's own type."""
        return self.dtype
