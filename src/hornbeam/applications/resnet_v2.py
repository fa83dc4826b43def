"""ResNet50V2, ResNet101V2, ResNet152V2: residual blocks that normalise before they convolve."""

from hornbeam.applications import imagenet_utils, resnet
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.layers import Add, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["ResNet50V2", "ResNet101V2", "ResNet152V2", "decode_predictions", "preprocess_input"]

PUBLISHED = resnet.published_files({
    "resnet50v2": ("3ef43a0b657b3be2300d5770ece849e0", "fac2f116257151a9d068a22e544a4917"),
    "resnet101v2": ("6343647c601c52e1368623803854d971", "c0ed64b8031c3730f411d2eb4eea35b5"),
    "resnet152v2": ("a49b44d1979771252814e80f8ec446f9", "ed17cf2e0169df9d443503ef94b23b33"),
})  # fmt: skip


def ResNet50V2(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="resnet50v2", **kwargs,
):  # fmt: skip
    """ResNet50, version 2: 16 blocks x + f(relu(normalised x)), so that what is added passes through unchanged.

    Args, shapes and errors are those of :func:`hornbeam.applications.ResNet50`; pictures are scaled to -1..1 by
    `resnet_v2.preprocess_input`.

    Example:
        >>> ResNet50V2(weights=None, include_top=False, input_shape=(64, 64, 3)).output_shape
        (None, 2, 2, 2048)

    Reference:
        He et al. 2016, arXiv:1603.05027.
    """
    return _network("ResNet50V2", (3, 4, 6, 3), include_top, weights, input_tensor, input_shape, pooling, classes,
                    classifier_activation, name, kwargs)  # fmt: skip


def ResNet101V2(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="resnet101v2", **kwargs,
):  # fmt: skip
    """ResNet101, version 2: as :func:`ResNet50V2` with 33 blocks; its arguments, shapes and errors.

    Example:
        >>> ResNet101V2(weights=None, include_top=False, pooling="avg").output_shape
        (None, 2048)

    Reference:
        He et al. 2016, arXiv:1603.05027.
    """
    return _network("ResNet101V2", (3, 4, 23, 3), include_top, weights, input_tensor, input_shape, pooling, classes,
                    classifier_activation, name, kwargs)  # fmt: skip


def ResNet152V2(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="resnet152v2", **kwargs,
):  # fmt: skip
    """ResNet152, version 2: as :func:`ResNet50V2` with 50 blocks; its arguments, shapes and errors.

    Example:
        >>> ResNet152V2(weights=None, include_top=False, pooling="avg").output_shape
        (None, 2048)

    Reference:
        He et al. 2016, arXiv:1603.05027.
    """
    return _network("ResNet152V2", (3, 8, 36, 3), include_top, weights, input_tensor, input_shape, pooling, classes,
                    classifier_activation, name, kwargs)  # fmt: skip


def preprocess_input(x, data_format=None, **kwargs):
    """Pixels scaled to -1..1; see :func:`hornbeam.applications.imagenet_utils.preprocess_input`.

    Example:
        >>> import numpy as np
        >>> preprocess_input(np.full((1, 1, 3), 255)).tolist()
        [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")


def _network(
    owner, depths, include_top, weights, input_tensor, input_shape, pooling, classes, activation, name, rest
):  # fmt: skip
    def stacks(x):
        for stage, (filters, depth) in enumerate(zip((64, 128, 256, 512), depths, strict=True), 2):
            for i in range(1, depth + 1):
                strides = 2 if i == depth and stage < 5 else 1
                x = _block(x, filters, strides, i == 1, f"conv{stage}_block{i}")
        return x

    return resnet.residual_network(
        owner, stacks, PUBLISHED[owner.lower()], include_top, weights, input_tensor, input_shape, pooling, classes,
        activation, name, rest, normalized_first=True,
    )  # fmt: skip


def _block(x, filters, strides, projected, name):
    """shortcut + three convolutions of the normalised `x`."""
    before = resnet.normalized(x, f"{name}_preact_bn", f"{name}_preact_relu")
    shortcut = x
    if projected:
        shortcut = Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(before)
    elif strides > 1:
        shortcut = MaxPooling2D(1, strides=strides)(x)
    x = Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(before)
    x = resnet.normalized(x, f"{name}_1_bn", f"{name}_1_relu")
    x = ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = Conv2D(filters, 3, strides=strides, use_bias=False, name=f"{name}_2_conv")(x)
    x = resnet.normalized(x, f"{name}_2_bn", f"{name}_2_relu")
    x = Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    return Add(name=f"{name}_out")([shortcut, x])
