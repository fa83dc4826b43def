"""EfficientNetB0 to B7: one network, made deeper, wider and for larger pictures at once."""

import math
from typing import Any

from hornbeam import backend as K
from hornbeam import checks
from hornbeam.applications import building, sizes
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    Normalization,
    Rescaling,
    Reshape,
    ZeroPadding2D,
    add,
    multiply,
)

__all__ = [
    "EfficientNet", "EfficientNetB0", "EfficientNetB1", "EfficientNetB2", "EfficientNetB3", "EfficientNetB4",
    "EfficientNetB5", "EfficientNetB6", "EfficientNetB7", "decode_predictions", "preprocess_input",
]  # fmt: skip

_HASHES = {  # with head, without
    "b0": ("902e53a9f72be733fc0bcb005b3ebbac", "50bc09e76180e00e4465e1a485ddc09d"),
    "b1": ("1d254153d4ab51201f1646940f018540", "74c4e6b3e1f6a1eea24c589628592432"),
    "b2": ("b15cce36ff4dcbd00b6dd88e7857a6ad", "111f8e2ac8aa800a7a99e3239f7bfb39"),
    "b3": ("ffd1fdc53d0ce67064dc6a9c7960ede0", "af6d107764bb5b1abb91932881670226"),
    "b4": ("18c95ad55216b8f92d7e70b3a046e2fc", "ebc24e6d6c33eaebbd558eafbeedf1ba"),
    "b5": ("ace28f2a6363774853a83a0b21b9421a", "38879255a25d3c92d5e44e04ae6cec6f"),
    "b6": ("165f6e37dce68623721b423839de8be5", "9ecce42647a20130c1f39a5d4cb75743"),
    "b7": ("8c03f828fec3ef71311cd463b6759d99", "cbcfe4450ddf6f3ad90b1b398090fe4a"),
}
_URL = "https://storage.googleapis.com/keras-applications/efficientnet"
PUBLISHED: dict = {
    variant: {True: (f"{_URL}{variant}.h5", whole), False: (f"{_URL}{variant}_notop.h5", without_head)}
    for variant, (whole, without_head) in _HASHES.items()
}

_COLUMNS = ("kernel_size", "repeats", "filters_in", "filters_out", "expand_ratio", "id_skip", "strides", "se_ratio")
DEFAULT_BLOCKS_ARGS = tuple(
    dict(zip(_COLUMNS, row, strict=True))
    for row in (
        (3, 1, 32, 16, 1, True, 1, 0.25),
        (3, 2, 16, 24, 6, True, 2, 0.25),
        (5, 2, 24, 40, 6, True, 2, 0.25),
        (3, 3, 40, 80, 6, True, 2, 0.25),
        (5, 3, 80, 112, 6, True, 1, 0.25),
        (5, 4, 112, 192, 6, True, 2, 0.25),
        (3, 1, 192, 320, 6, True, 1, 0.25),
    )
)

CONV_KERNEL_INITIALIZER: Any = {
    "class_name": "VarianceScaling",
    "config": {"scale": 2.0, "mode": "fan_out", "distribution": "truncated_normal"},
}
DENSE_KERNEL_INITIALIZER: Any = {
    "class_name": "VarianceScaling",
    "config": {"scale": 1 / 3, "mode": "fan_out", "distribution": "uniform"},
}
_DEVIATION = (0.229, 0.224, 0.225)  # of ImageNet's red, green, blue


def EfficientNet(
    width_coefficient, depth_coefficient, default_size, dropout_rate=0.2, drop_connect_rate=0.2, depth_divisor=8,
    activation="swish", blocks_args="default", name="efficientnet", include_top=True, weights: str | None = "imagenet",
    input_tensor=None, input_shape=None, pooling=None, classes=1000, classifier_activation: str | None = "softmax",
    weights_name=None, **kwargs,
):  # fmt: skip
    """The network that EfficientNetB0 to B7 are, with numbers of filters and of blocks times two coefficients.

    Pictures go in as they are, numbers of 0..255: the first layers scale them.

    Args:
        width_coefficient, depth_coefficient: factors for numbers of filters and of blocks.
        default_size: height and width of the pictures.
        dropout_rate: rate before the head's last layer, 0.2.
        drop_connect_rate: rate at which whole pictures skip the last block while training; earlier blocks have
            proportionally less. 0.2.
        depth_divisor: numbers of filters are rounded to multiples of it, 8.
        activation: after the convolutions.
        blocks_args: list of dicts (keys as in `DEFAULT_BLOCKS_ARGS`), a dict for each stage; 'default' for the paper's.
        name: the model's name.
        weights_name: 'b0' to 'b7', whose published weights are meant by weights='imagenet'.
        include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, kwargs: see
            :func:`EfficientNetB0`.

    Shapes:
        x (B, H, W, 3) -> (B, classes); without the head (B, H / 32, W / 32, C) or (B, C), C = 1280 width_coefficient.

    Raises:
        ValueError: arguments that do not go together, a shape that is too small, a file of another network.
        OSError: the published weights cannot be fetched.

    Example:
        >>> blocks = [{**DEFAULT_BLOCKS_ARGS[0], "strides": 2}]
        >>> EfficientNet(0.25, 1.0, 32, blocks_args=blocks, weights=None, classes=3).output_shape
        (None, 3)

    Reference:
        Tan and Le 2019, arXiv:1905.11946. Layers as in Keras 3. The package keras_applications left scaling to
        `preprocess_input`, and published other weights.
    """
    activation, name = kwargs.pop("activation_fn", activation), kwargs.pop("model_name", name)
    building.check_arguments("EfficientNet", include_top, weights, pooling, classes, classifier_activation, kwargs)
    x, inputs = building.input_of("EfficientNet", input_tensor, input_shape, default_size, 32, include_top, weights)
    x = _scaled(x, weights)

    def width(filters):
        return sizes.round_filters(filters * width_coefficient, depth_divisor)

    x = ZeroPadding2D(sizes.padding_before(x, 3), name="stem_conv_pad")(x)
    x = _convolution(x, width(32), "stem_conv", 3, strides=2, padding="valid")
    x = _activated(x, activation, "stem_bn", "stem_activation")
    plans = _plans(DEFAULT_BLOCKS_ARGS if blocks_args == "default" else blocks_args, width, depth_coefficient)
    for number, (label, plan) in enumerate(plans):
        x = block(x, activation, drop_connect_rate * number / len(plans), label, **plan)
    x = _activated(_convolution(x, width(1280), "top_conv"), activation, "top_bn", "top_activation")
    if include_top:
        x = _head(x, dropout_rate, classes, classifier_activation)
    else:
        x = building.pooled(x, pooling, "avg_pool", "max_pool")
    return building.finish(name, inputs, x, weights, include_top, PUBLISHED.get(weights_name, {}))


def _scaled(x, weights):
    """Pixels of 0..255, normalised as the published weights are used to."""
    x = Rescaling(1 / 255)(x)
    axis = building.channel_axis()
    x = Normalization(axis=axis)(x)
    if weights != "imagenet":
        return x
    # The published file stores deviations where the layer expects variances; this makes up for the missing root.
    scale = [1 / math.sqrt(deviation) for deviation in _DEVIATION]
    return Rescaling([[[number]] for number in scale] if axis == 1 else scale)(x)


def _plans(stages, width, depth_coefficient):
    """[(name, arguments of :func:`block`)] of all blocks; only the first of a stage has its stride."""
    plans = []
    for number, stage in enumerate(stages, 1):
        stage = dict(stage)
        repeats = checks.integer("EfficientNet", "repeats", stage.pop("repeats"), least=1)
        stage["filters_in"], stage["filters_out"] = width(stage["filters_in"]), width(stage["filters_out"])
        for i in range(math.ceil(depth_coefficient * repeats)):
            plans.append((f"block{number}{chr(ord('a') + i)}_", stage))
            stage = {**stage, "strides": 1, "filters_in": stage["filters_out"]}
    return plans


def block(
    inputs, activation="swish", drop_rate=0.0, name="", filters_in=32, filters_out=16, kernel_size=3, strides=1,
    expand_ratio=1, se_ratio=0.0, id_skip=True,
):  # fmt: skip
    """An inverted residual block with squeeze and excitation.

    Args:
        inputs: (B, H, W, filters_in).
        activation: after the convolutions.
        drop_rate: how often a picture skips what the block adds, while training.
        name: what the names of its layers begin with.
        filters_in, filters_out: channels before and after.
        kernel_size: of the depthwise convolution.
        strides: 1 or 2.
        expand_ratio: how many times as wide the block is inside.
        se_ratio: channels the excitation is squeezed to, as a part of `filters_in`; 0 for none.
        id_skip: add the inputs, where the shapes are equal?

    Shapes:
        (B, H, W, filters_in) -> (B, H / strides, W / strides, filters_out)
    """
    x = inputs
    if expand_ratio != 1:
        x = _convolution(x, filters_in * expand_ratio, f"{name}expand_conv")
        x = _activated(x, activation, f"{name}expand_bn", f"{name}expand_activation")
    if strides == 2:
        x = ZeroPadding2D(sizes.padding_before(x, kernel_size), name=f"{name}dwconv_pad")(x)
    x = DepthwiseConv2D(
        kernel_size, strides=strides, padding="valid" if strides == 2 else "same", use_bias=False,
        depthwise_initializer=CONV_KERNEL_INITIALIZER, name=f"{name}dwconv",
    )(x)  # fmt: skip
    x = _activated(x, activation, f"{name}bn", f"{name}activation")
    if 0 < se_ratio <= 1:
        x = _excited(x, activation, max(1, int(filters_in * se_ratio)), name)
    x = _convolution(x, filters_out, f"{name}project_conv")
    x = BatchNormalization(axis=building.channel_axis(), name=f"{name}project_bn")(x)
    if not (id_skip and strides == 1 and filters_in == filters_out):
        return x
    if drop_rate > 0:
        x = Dropout(drop_rate, noise_shape=(None, 1, 1, 1), name=f"{name}drop")(x)
    return add([x, inputs], name=f"{name}add")


def _excited(x, activation, squeezed, name):
    """Each channel of `x` times a number of 0..1 that the averages of all channels tell."""
    axis = building.channel_axis()
    channels = K.int_shape(x)[axis]
    shape = (channels, 1, 1) if axis == 1 else (1, 1, channels)
    scale = Reshape(shape, name=f"{name}se_reshape")(GlobalAveragePooling2D(name=f"{name}se_squeeze")(x))
    scale = _convolution(scale, squeezed, f"{name}se_reduce", use_bias=True, activation=activation)
    scale = _convolution(scale, channels, f"{name}se_expand", use_bias=True, activation="sigmoid")
    return multiply([x, scale], name=f"{name}se_excite")


def _convolution(x, filters, name, kernel_size=1, padding="same", use_bias=False, **arguments):
    return Conv2D(
        filters, kernel_size, padding=padding, use_bias=use_bias, kernel_initializer=CONV_KERNEL_INITIALIZER,
        name=name, **arguments,
    )(x)  # fmt: skip


def _activated(x, activation, normalization_name, name):
    x = BatchNormalization(axis=building.channel_axis(), name=normalization_name)(x)
    return Activation(activation, name=name)(x)


def _head(x, dropout_rate, classes, activation):
    x = GlobalAveragePooling2D(name="avg_pool")(x)
    if dropout_rate > 0:
        x = Dropout(dropout_rate, name="top_dropout")(x)
    return Dense(classes, activation=activation, kernel_initializer=DENSE_KERNEL_INITIALIZER, name="predictions")(x)


def _variant(number, width_coefficient, depth_coefficient, size, dropout_rate, millions):
    """The function EfficientNetB`number`."""
    variant = f"b{number}"

    def network(
        include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None,
        classes=1000, classifier_activation: str | None = "softmax", name=f"efficientnet{variant}", **kwargs,
    ):  # fmt: skip
        arguments = {"dropout_rate": dropout_rate, "weights_name": variant, **kwargs}
        return EfficientNet(
            width_coefficient, depth_coefficient, size, name=name, include_top=include_top, weights=weights,
            input_tensor=input_tensor, input_shape=input_shape, pooling=pooling, classes=classes,
            classifier_activation=classifier_activation, **arguments,
        )  # fmt: skip

    network.__name__ = network.__qualname__ = f"EfficientNetB{number}"
    channels = sizes.round_filters(1280 * width_coefficient)
    network.__doc__ = _DOC.format(number=number, size=size, millions=millions, channels=channels)
    return network


_DOC = """EfficientNetB{number}, for pictures of {size} x {size}, of {millions} million numbers.

    Pictures go in as they are, numbers of 0..255: the first layers scale them.

    Args:
        include_top: with the head that tells the classes? Without it, give the features to a head of your own.
        weights: 'imagenet' (published ones, fetched once into the folder `models` of the cache), None (random), or the
            path of a file of weights. The published ones come with one more layer that corrects the scale of the
            pictures; a path does not bring it, in Keras neither.
        input_tensor: tensor to start from, instead of a new Input.
        input_shape: (H, W, 3), in the default layout; without the head any size from 32 on, or None for all of them.
        pooling: what comes last where there is no head: None (the feature map), 'avg' or 'max' (a row a picture).
        classes: number of classes of the head, 1000; another one has no published weights.
        classifier_activation: activation of the head; None for logits.
        name: the model's name.
        kwargs: `drop_connect_rate`, `dropout_rate`, `activation`, `depth_divisor`, `blocks_args`: see
            :func:`EfficientNet`.

    Shapes:
        x (B, {size}, {size}, 3) -> (B, classes); without the head (B, H, W, 3) -> (B, H / 32, W / 32, {channels}) or
        (B, {channels}).

    Raises:
        ValueError: arguments that do not go together, a shape that is too small, a file of another network.
        OSError: the published weights cannot be fetched.

    Example::

        EfficientNetB{number}(include_top=False, pooling="avg").predict(x)

    Reference:
        Tan and Le 2019, arXiv:1905.11946.
    """

EfficientNetB0 = _variant(0, 1.0, 1.0, 224, 0.2, "5.3")
EfficientNetB1 = _variant(1, 1.0, 1.1, 240, 0.2, "7.9")
EfficientNetB2 = _variant(2, 1.1, 1.2, 260, 0.3, "9.2")
EfficientNetB3 = _variant(3, 1.2, 1.4, 300, 0.3, "12")
EfficientNetB4 = _variant(4, 1.4, 1.8, 380, 0.4, "19")
EfficientNetB5 = _variant(5, 1.6, 2.2, 456, 0.4, "31")
EfficientNetB6 = _variant(6, 1.8, 2.6, 528, 0.5, "43")
EfficientNetB7 = _variant(7, 2.0, 3.1, 600, 0.5, "67")


def preprocess_input(x, data_format=None, **kwargs):
    """`x` as it is: these networks scale their pictures themselves."""
    return x
