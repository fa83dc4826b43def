"""InceptionResNetV2: Inception's branches as the residuals of 40 blocks."""

from hornbeam import checks, registry
from hornbeam.applications import building, imagenet_utils
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    Layer,
    MaxPooling2D,
)

__all__ = ["InceptionResNetV2", "conv2d_bn", "decode_predictions", "inception_resnet_block", "preprocess_input"]

_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_resnet_v2/"
    "inception_resnet_v2_weights_tf_dim_ordering_tf_kernels"
)
PUBLISHED = {
    True: (f"{_URL}.h5", "e693bd0210a403b3192acc6073ad2e96"),
    False: (f"{_URL}_notop.h5", "d19885ff4a710c122648d3b5c3b684e4"),
}

# Kind of block -> its branches, each a chain of (filters, window).
_BRANCHES = {
    "block35": [[(32, 1)], [(32, 1), (32, 3)], [(32, 1), (48, 3), (64, 3)]],
    "block17": [[(192, 1)], [(128, 1), (160, (1, 7)), (192, (7, 1))]],
    "block8": [[(192, 1)], [(192, 1), (224, (1, 3)), (256, (3, 1))]],
}


def InceptionResNetV2(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="inception_resnet_v2", **kwargs,
):  # fmt: skip
    """InceptionResNetV2: 40 blocks x + scale * f(x), f of parallel branches with windows of 1 to 7 places.

    Deep (782 layers) and accurate, 54 million numbers without its head. Convolutions in the branches have counted names
    (`conv2d`, `conv2d_1`, ...), so files of weights are matched by order. Args and errors are those of
    :func:`hornbeam.applications.InceptionV3`, the smallest size (75) and the preprocessing of pictures too.

    Shapes:
        x (B, 299, 299, 3) -> (B, classes); without the head the feature map (B, 8, 8, 1536) of that size, or (B, 1536).

    Example:
        >>> InceptionResNetV2(weights=None, include_top=False, pooling="avg").output_shape
        (None, 1536)

    Reference:
        Szegedy et al. 2016, arXiv:1602.07261.
    """
    building.check_arguments("InceptionResNetV2", include_top, weights, pooling, classes, classifier_activation, kwargs)
    x, inputs = building.input_of("InceptionResNetV2", input_tensor, input_shape, 299, 75, include_top, weights)
    x = _chain(x, (32, 3, 2, "valid"), (32, 3, 1, "valid"), (64, 3))
    x = MaxPooling2D(3, strides=2)(x)
    x = _chain(x, (80, 1, 1, "valid"), (192, 3, 1, "valid"))
    x = MaxPooling2D(3, strides=2)(x)
    branches = [_chain(x, (96, 1)), _chain(x, (48, 1), (64, 5)), _chain(x, (64, 1), (96, 3), (96, 3))]
    x = _together("mixed_5b", *branches, _chain(AveragePooling2D(3, strides=1, padding="same")(x), (64, 1)))
    for i in range(1, 11):
        x = inception_resnet_block(x, 0.17, "block35", i)
    branches = [_chain(x, (384, 3, 2, "valid")), _chain(x, (256, 1), (256, 3), (384, 3, 2, "valid"))]
    x = _together("mixed_6a", *branches, MaxPooling2D(3, strides=2)(x))
    for i in range(1, 21):
        x = inception_resnet_block(x, 0.1, "block17", i)
    ends = [[(384, 3, 2, "valid")], [(288, 3, 2, "valid")], [(288, 3), (320, 3, 2, "valid")]]
    branches = [_chain(x, (256, 1), *end) for end in ends]
    x = _together("mixed_7a", *branches, MaxPooling2D(3, strides=2)(x))
    for i in range(1, 10):
        x = inception_resnet_block(x, 0.2, "block8", i)
    x = inception_resnet_block(x, 1.0, "block8", 10, activation=None)
    x = conv2d_bn(x, 1536, 1, name="conv_7b")
    x = building.averaged_head(x, include_top, pooling, classes, classifier_activation)
    return building.finish(name, inputs, x, weights, include_top, PUBLISHED)


def conv2d_bn(
    x, filters, kernel_size, strides=1, padding="same", activation: str | None = "relu", use_bias=False, name=None
):
    """activation(normalised convolution of `x`); with a bias there is no normalisation.

    Args:
        x: tensor.
        filters, kernel_size, strides, padding, use_bias: of the convolution.
        activation: None for none.
        name: name of the convolution; the others are `name` with '_bn' and '_ac'.
    """
    x = Conv2D(filters, kernel_size, strides=strides, padding=padding, use_bias=use_bias, name=name)(x)
    if not use_bias:
        x = BatchNormalization(axis=building.channel_axis(), scale=False, name=name and f"{name}_bn")(x)
    return x if activation is None else Activation(activation, name=name and f"{name}_ac")(x)


def inception_resnet_block(x, scale, block_type, block_idx, activation: str | None = "relu"):
    """activation(x + scale * f(x)), f the branches of `block_type` and a convolution back to the channels of `x`.

    Args:
        x: tensor.
        scale: factor of the residual; 0.1 to 0.3 keep deep networks steady.
        block_type: 'block35', 'block17' or 'block8', called after the size of the maps they are made for.
        block_idx: number of the block, for the layers' names.
        activation: None for none.

    Raises:
        ValueError: unknown `block_type`.
    """
    if block_type not in _BRANCHES:
        raise checks.unknown_name("block_type", block_type, _BRANCHES)
    name = f"{block_type}_{block_idx}"
    mixed = _together(f"{name}_mixed", *[_chain(x, *steps) for steps in _BRANCHES[block_type]])
    channels = x.shape[building.channel_axis()]
    up = conv2d_bn(mixed, channels, 1, activation=None, use_bias=True, name=f"{name}_conv")
    x = CustomScaleLayer(scale, name=name)([x, up])
    return x if activation is None else Activation(activation, name=f"{name}_ac")(x)


def preprocess_input(x, data_format=None, **kwargs):
    """Pixels scaled to -1..1; see :func:`hornbeam.applications.imagenet_utils.preprocess_input`.

    Example:
        >>> import numpy as np
        >>> preprocess_input(np.full((1, 1, 3), 255)).tolist()
        [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")


@registry.register("layer")
class CustomScaleLayer(Layer):
    """x + scale * r for the inputs [x, r]; where Keras 2 had a Lambda.

    Args:
        scale: factor of the second input.

    Shapes:
        [x, r], both of one shape -> the same.

    Example:
        >>> from hornbeam import backend as K
        >>> CustomScaleLayer(0.5)([K.constant([1.0]), K.constant([4.0])]).tolist()
        [3.0]
    """

    rowwise = True

    def __init__(self, scale, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        """x + scale * r."""
        x, residual = inputs
        return x + residual * self.scale


def _chain(x, *steps):
    """`x` through convolutions of (filters, window, strides, padding)."""
    for step in steps:
        x = conv2d_bn(x, *step)
    return x


def _together(name, *branches):
    return Concatenate(axis=building.channel_axis(), name=name)(list(branches))
