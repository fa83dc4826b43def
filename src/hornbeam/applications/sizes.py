"""Sizes that several small networks work out alike: padding before a stride, numbers of filters, published pictures."""

import warnings
from typing import Any

from hornbeam import backend as K


def padding_before(x, kernel_size) -> Any:
    """Zeros around `x`, ((top, bottom), (left, right)), before an unpadded layer of odd `kernel_size` and stride 2.

    They give the size that padding 'same' gives, ceil(n / 2), with the surplus at the top and left where n is odd and
    at the bottom and right where it is even or unknown: what the published weights were trained with.
    """
    first = K.image_data_format() == "channels_first"
    shape = K.int_shape(x)
    half = kernel_size // 2
    even = [size is None or size % 2 == 0 for size in (shape[2:4] if first else shape[1:3])]
    return tuple((half - is_even, half) for is_even in even)


def round_filters(number, divisor=8):
    """The multiple of `divisor` nearest to `number`, but at least `divisor` and never less than 0.9 `number`.

    Example:
        >>> round_filters(11.2), round_filters(12), round_filters(3)
        (16, 16, 8)
    """
    rounded = max(divisor, int(number + divisor / 2) // divisor * divisor)
    return int(rounded + divisor if rounded < 0.9 * number else rounded)


def height_and_width(input_shape):
    """The two sizes of `input_shape` (without the batch) that are no channels, in the default layout."""
    return tuple(input_shape[1:3] if K.image_data_format() == "channels_first" else input_shape[:2])


def size_of_input(input_shape, published):
    """Default height and width of a network with weights for sizes `published`: those of `input_shape` or 224."""
    found = set() if input_shape is None else set(height_and_width(input_shape))
    return found.pop() if len(found) == 1 and found <= set(published) else 224


def height_in_name(owner, input_shape, size, include_top, weights, published):
    """The height that a network and its file are called after: its own or, for published weights, one of `published`.

    Args:
        owner: name of the network's function, for the warning when weights of another size are taken.
        input_shape: the caller's, without the batch, or None.
        size: height and width it has by default.
        include_top, weights: as in every network.
        published: sizes of squares with published weights; 224 is taken for all others.
    """
    default = size if include_top else None
    height, width = (default, default) if input_shape is None else height_and_width(input_shape)
    if weights != "imagenet" or (height == width and height in published):
        return height
    warnings.warn(
        f"{owner}: the weights 'imagenet' were trained on squares of {', '.join(map(str, published))}; those of 224 "
        f"are taken for pictures of {height} x {width}.",
        stacklevel=3,
    )
    return 224
