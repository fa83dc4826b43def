"""Xception: residual blocks of separable convolutions."""

from hornbeam.applications import building, imagenet_utils
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.layers import Activation, BatchNormalization, Conv2D, MaxPooling2D, SeparableConv2D, add

__all__ = ["Xception", "decode_predictions", "preprocess_input"]

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/xception/xception_weights_tf_dim_ordering_tf_kernels"
PUBLISHED = {
    True: (f"{_URL}.h5", "0a58e3b7378bc2990ea3b43d5981f1f6"),
    False: (f"{_URL}_notop.h5", "b0042744bf5b25fce3cb969f33bebb97"),
}


def Xception(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="xception", **kwargs,
):  # fmt: skip
    """Xception: 14 blocks that convolve each channel by itself and then mix the channels.

    21 million numbers without its head. Args and errors are those of :func:`hornbeam.applications.InceptionV3`, but
    that sizes begin at 71; pictures are scaled to -1..1 by `xception.preprocess_input`.

    Shapes:
        x (B, 299, 299, 3) -> (B, classes); without the head the feature map (B, 10, 10, 2048) of that size, or
        (B, 2048).

    Example:
        >>> Xception(weights=None, include_top=False, pooling="avg").output_shape
        (None, 2048)

    Reference:
        Chollet 2016, arXiv:1610.02357.
    """
    building.check_arguments("Xception", include_top, weights, pooling, classes, classifier_activation, kwargs)
    x, inputs = building.input_of("Xception", input_tensor, input_shape, 299, 71, include_top, weights)
    x = Conv2D(32, 3, strides=2, use_bias=False, name="block1_conv1")(x)
    x = _activated(_normalized(x, "block1_conv1_bn"), "block1_conv1_act")
    x = Conv2D(64, 3, use_bias=False, name="block1_conv2")(x)
    x = _activated(_normalized(x, "block1_conv2_bn"), "block1_conv2_act")
    x = _halving(x, 2, (128, 128), first_activation=False)
    x = _halving(x, 3, (256, 256))
    x = _halving(x, 4, (728, 728))
    for block in range(5, 13):
        x = add([_separable(x, block, (728, 728, 728)), x])
    x = _halving(x, 13, (728, 1024))
    for i, filters in enumerate((1536, 2048), 1):
        x = _separable_one(x, filters, f"block14_sepconv{i}")
        x = _activated(x, f"block14_sepconv{i}_act")
    x = building.averaged_head(x, include_top, pooling, classes, classifier_activation)
    return building.finish(name, inputs, x, weights, include_top, PUBLISHED)


def preprocess_input(x, data_format=None, **kwargs):
    """Pixels scaled to -1..1; see :func:`hornbeam.applications.imagenet_utils.preprocess_input`.

    Example:
        >>> import numpy as np
        >>> preprocess_input(np.full((1, 1, 3), 255)).tolist()
        [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")


def _halving(x, block, filters, first_activation=True):
    """Separable convolutions and a pooling, added to a convolution of `x` with strides."""
    shortcut = Conv2D(filters[-1], 1, strides=2, padding="same", use_bias=False)(x)
    shortcut = _normalized(shortcut, None)
    x = _separable(x, block, filters, first_activation)
    x = MaxPooling2D(3, strides=2, padding="same", name=f"block{block}_pool")(x)
    return add([x, shortcut])


def _separable(x, block, filters, first_activation=True):
    """A relu before each separable convolution; the first block's input comes out of one already."""
    for i, number in enumerate(filters, 1):
        name = f"block{block}_sepconv{i}"
        if i > 1 or first_activation:
            x = _activated(x, f"{name}_act")
        x = _separable_one(x, number, name)
    return x


def _separable_one(x, filters, name):
    return _normalized(SeparableConv2D(filters, 3, padding="same", use_bias=False, name=name)(x), f"{name}_bn")


def _normalized(x, name):
    return BatchNormalization(axis=building.channel_axis(), name=name)(x)


def _activated(x, name):
    return Activation("relu", name=name)(x)
