"""ResNeXt50 and ResNeXt101: residual blocks whose middle convolution works on 32 groups of channels."""

from hornbeam import backend as K
from hornbeam import registry
from hornbeam.applications import building, imagenet_utils, resnet
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.layers import Activation, Add, Conv2D, DepthwiseConv2D, Layer, ZeroPadding2D

__all__ = ["ResNeXt50", "ResNeXt101", "decode_predictions", "preprocess_input"]

_GROUPS = 32

PUBLISHED = resnet.published_files({
    "resnext50": ("67a5b30d522ed92f75a1f16eef299d1a", "62527c363bdd9ec598bed41947b379fc"),
    "resnext101": ("34fb605428fcc7aa4d62f44404c11509", "0f678c91647380debd923963594981b3"),
})  # fmt: skip


def ResNeXt50(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="resnext50", **kwargs,
):  # fmt: skip
    """ResNeXt50: as :func:`hornbeam.applications.ResNet50` with twice the filters, convolved in 32 groups.

    Args, shapes and errors are those of ResNet50; pictures go through `resnext.preprocess_input` first. The grouped
    convolution is a depthwise one and sums over its results, which is how the published weights are stored.

    Example:
        >>> ResNeXt50(weights=None, include_top=False, input_shape=(64, 64, 3)).output_shape
        (None, 2, 2, 2048)

    Reference:
        Xie et al. 2016, arXiv:1611.05431.
    """
    return _network("ResNeXt50", (3, 4, 6, 3), include_top, weights, input_tensor, input_shape, pooling, classes,
                    classifier_activation, name, kwargs)  # fmt: skip


def ResNeXt101(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="resnext101", **kwargs,
):  # fmt: skip
    """ResNeXt101: as :func:`ResNeXt50` with 33 blocks; its arguments, shapes and errors.

    Example:
        >>> ResNeXt101(weights=None, include_top=False, pooling="avg").output_shape
        (None, 2048)

    Reference:
        Xie et al. 2016, arXiv:1611.05431.
    """
    return _network("ResNeXt101", (3, 4, 23, 3), include_top, weights, input_tensor, input_shape, pooling, classes,
                    classifier_activation, name, kwargs)  # fmt: skip


def preprocess_input(x, data_format=None, **kwargs):
    """Pixels scaled to 0..1, less the mean of ImageNet, by its deviation; see
    :func:`hornbeam.applications.imagenet_utils.preprocess_input`.

    Example:
        >>> import numpy as np
        >>> preprocess_input(np.zeros((1, 1, 3))).round(2).tolist()
        [[[-2.12, -2.04, -1.8]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="torch")


@registry.register("layer")
class SumOfGroups(Layer):
    """Of each group of c * c channels the sums over every c-th one: what makes a depthwise convolution a grouped one.

    Args:
        groups: number of groups; with F filters a group has c = F / groups of them.

    Shapes:
        x (B, H, W, groups * c * c) -> (B, H, W, groups * c), or channels first, by the default layout.

    Example:
        >>> SumOfGroups(1)(K.reshape(K.constant([1.0, 2.0, 3.0, 4.0]), (1, 1, 1, 4))).tolist()
        [[[[4.0, 6.0]]]]
    """

    rowwise = True

    def __init__(self, groups, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups

    def call(self, inputs):
        """Sums over the inputs of each filter."""
        axis = building.channel_axis()
        sizes = K.shape(inputs)
        before, after = [sizes[i] for i in range(axis)], [sizes[i] for i in range(axis + 1, 4)]
        width = round((K.int_shape(inputs)[axis] // self.groups) ** 0.5)
        grouped = K.reshape(inputs, (*before, self.groups, width, width, *after))
        return K.reshape(K.sum(grouped, axis=axis + 1), (*before, self.groups * width, *after))


def _network(
    owner, depths, include_top, weights, input_tensor, input_shape, pooling, classes, activation, name, rest
):  # fmt: skip
    def stacks(x):
        for stage, (filters, depth) in enumerate(zip((128, 256, 512, 1024), depths, strict=True), 2):
            for i in range(1, depth + 1):
                strides = 2 if i == 1 and stage > 2 else 1
                x = _block(x, filters, strides, i == 1, f"conv{stage}_block{i}")
        return x

    return resnet.residual_network(
        owner, stacks, PUBLISHED[owner.lower()], include_top, weights, input_tensor, input_shape, pooling, classes,
        activation, name, rest, use_bias=False,
    )  # fmt: skip


def _block(x, filters, strides, projected, name):
    """relu(shortcut + a convolution, a grouped one, a convolution)."""
    shortcut = x
    if projected:
        shortcut = Conv2D(2 * filters, 1, strides=strides, use_bias=False, name=f"{name}_0_conv")(x)
        shortcut = resnet.normalized(shortcut, f"{name}_0_bn")
    x = Conv2D(filters, 1, use_bias=False, name=f"{name}_1_conv")(x)
    x = resnet.normalized(x, f"{name}_1_bn", f"{name}_1_relu")
    x = ZeroPadding2D(1, name=f"{name}_2_pad")(x)
    x = DepthwiseConv2D(
        3, strides=strides, depth_multiplier=filters // _GROUPS, use_bias=False, name=f"{name}_2_conv"
    )(x)  # fmt: skip
    x = SumOfGroups(_GROUPS, name=f"{name}_2_reduce")(x)
    x = resnet.normalized(x, f"{name}_2_bn", f"{name}_2_relu")
    x = Conv2D(2 * filters, 1, use_bias=False, name=f"{name}_3_conv")(x)
    x = resnet.normalized(x, f"{name}_3_bn")
    x = Add(name=f"{name}_add")([shortcut, x])
    return Activation("relu", name=f"{name}_out")(x)
