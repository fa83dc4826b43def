"""ResNet50, ResNet101, ResNet152, and the frame that all residual networks of this kind share."""

from hornbeam.applications import building, imagenet_utils
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.layers import Activation, Add, BatchNormalization, Conv2D, MaxPooling2D, ZeroPadding2D

__all__ = ["ResNet50", "ResNet101", "ResNet152", "decode_predictions", "preprocess_input"]

_BASE = "https://storage.googleapis.com/tensorflow/keras-applications/resnet"
_HASHES = {
    "resnet50": ("2cb95161c43110f7111970584f804107", "4d473c1dd8becc155b73f8504c6f6626"),
    "resnet101": ("f1aeb4b969a6efcfb50fad2f0c20cfc5", "88cf7a10940856eca736dc7b7e228a21"),
    "resnet152": ("100835be76be38e30d865e96f2aaae62", "ee4c566cf9a93f14d82f913c2dc6dd0c"),
}


def published_files(hashes):
    """{network: {include_top: (URL, MD5)}} of residual networks, from {network: (MD5 with head, MD5 without)}."""
    return {
        name: {
            True: (f"{_BASE}/{name}_weights_tf_dim_ordering_tf_kernels.h5", whole),
            False: (f"{_BASE}/{name}_weights_tf_dim_ordering_tf_kernels_notop.h5", features),
        }
        for name, (whole, features) in hashes.items()
    }


PUBLISHED = published_files(_HASHES)


def ResNet50(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="resnet50", **kwargs,
):  # fmt: skip
    """ResNet50: 16 bottleneck blocks, relu(x + f(x)), of three convolutions each.

    A good first choice for features: 23 million numbers without its head. Its layers are named as from Keras 2.3 on
    (`conv2_block1_1_conv`); with the names before that (`res2a_branch2a`) it is
    :func:`hornbeam.applications.resnet50.ClassicResNet50`. Pictures go through `resnet.preprocess_input` first.

    Args:
        include_top: with the head that tells the classes? Without it, give the features to a head of your own.
        weights: 'imagenet' (published ones, fetched once into the folder `models` of the cache), None (random), or the
            path of a file of weights.
        input_tensor: tensor to start from, instead of a new Input.
        input_shape: (H, W, 3), in the default layout; without the head any size from 32 on, or None for all of them.
        pooling: what comes last where there is no head: None (the feature map), 'avg' or 'max' (a row a picture).
        classes: number of classes of the head, 1000; another one has no published weights.
        classifier_activation: activation of the head; None for logits.
        name: the model's name.
        kwargs: `backend`, `layers`, `models` and `utils`, which keras_applications took; they do nothing.

    Shapes:
        x (B, 224, 224, 3) -> (B, classes); without the head (B, H, W, 3) -> (B, H / 32, W / 32, 2048) or (B, 2048).

    Raises:
        ValueError: arguments that do not go together, a shape that is too small, a file of another network.
        OSError: the published weights cannot be fetched.

    Example:
        >>> ResNet50(weights=None, include_top=False, input_shape=(64, 64, 3)).output_shape
        (None, 2, 2, 2048)

    Reference:
        He et al. 2015, arXiv:1512.03385.
    """
    return _network("ResNet50", (3, 4, 6, 3), include_top, weights, input_tensor, input_shape, pooling, classes,
                    classifier_activation, name, kwargs)  # fmt: skip


def ResNet101(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="resnet101", **kwargs,
):  # fmt: skip
    """ResNet101: as :func:`ResNet50` with 33 blocks; its arguments, shapes and errors.

    Example:
        >>> ResNet101(weights=None, include_top=False, pooling="avg").output_shape
        (None, 2048)

    Reference:
        He et al. 2015, arXiv:1512.03385.
    """
    return _network("ResNet101", (3, 4, 23, 3), include_top, weights, input_tensor, input_shape, pooling, classes,
                    classifier_activation, name, kwargs)  # fmt: skip


def ResNet152(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="resnet152", **kwargs,
):  # fmt: skip
    """ResNet152: as :func:`ResNet50` with 50 blocks; its arguments, shapes and errors.

    Example:
        >>> ResNet152(weights=None, include_top=False, pooling="avg").output_shape
        (None, 2048)

    Reference:
        He et al. 2015, arXiv:1512.03385.
    """
    return _network("ResNet152", (3, 8, 36, 3), include_top, weights, input_tensor, input_shape, pooling, classes,
                    classifier_activation, name, kwargs)  # fmt: skip


def preprocess_input(x, data_format=None, **kwargs):
    """Blue, green, red, less the mean of ImageNet; see :func:`hornbeam.applications.imagenet_utils.preprocess_input`.

    Example:
        >>> import numpy as np
        >>> preprocess_input(np.zeros((1, 1, 3))).round(1).tolist()
        [[[-103.9, -116.8, -123.7]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="caffe")


def _network(
    owner, depths, include_top, weights, input_tensor, input_shape, pooling, classes, activation, name, rest
):  # fmt: skip
    def stacks(x):
        for stage, (filters, depth) in enumerate(zip((64, 128, 256, 512), depths, strict=True), 2):
            for i in range(1, depth + 1):
                strides = 2 if i == 1 and stage > 2 else 1
                x = _block(x, filters, strides, i == 1, f"conv{stage}_block{i}")
        return x

    return residual_network(
        owner, stacks, PUBLISHED[owner.lower()], include_top, weights, input_tensor, input_shape, pooling, classes,
        activation, name, rest,
    )  # fmt: skip


def _block(x, filters, strides, projected, name):
    """relu(shortcut + three convolutions); the shortcut is `x`, or a convolution of it where the sizes change."""
    shortcut = x
    if projected:
        shortcut = Conv2D(4 * filters, 1, strides=strides, name=f"{name}_0_conv")(x)
        shortcut = normalized(shortcut, f"{name}_0_bn")
    x = Conv2D(filters, 1, strides=strides, name=f"{name}_1_conv")(x)
    x = normalized(x, f"{name}_1_bn", f"{name}_1_relu")
    x = Conv2D(filters, 3, padding="same", name=f"{name}_2_conv")(x)
    x = normalized(x, f"{name}_2_bn", f"{name}_2_relu")
    x = Conv2D(4 * filters, 1, name=f"{name}_3_conv")(x)
    x = normalized(x, f"{name}_3_bn")
    x = Add(name=f"{name}_add")([shortcut, x])
    return Activation("relu", name=f"{name}_out")(x)


# --- What ResNet, ResNetV2 and ResNeXt share ---


def residual_network(
    owner, stacks, published, include_top, weights, input_tensor, input_shape, pooling, classes, activation, name, rest,
    normalized_first=False, use_bias=True,
):  # fmt: skip
    """A convolution and a pooling of the picture, `stacks` of residual blocks, and the head.

    Args:
        owner: name of the network's function, for messages.
        stacks: function from the tensor behind the first pooling to that behind the last block.
        published: {include_top: (URL, MD5)}.
        include_top, weights, input_tensor, input_shape, pooling, classes, name: as in :func:`ResNet50`.
        activation: its `classifier_activation`.
        rest: its further keyword arguments.
        normalized_first: do blocks normalise before they convolve (version 2)? Then there is one normalisation after
            the last block instead of one after the first convolution.
        use_bias: has the first convolution a bias?
    """
    building.check_arguments(owner, include_top, weights, pooling, classes, activation, rest)
    x, inputs = building.input_of(owner, input_tensor, input_shape, 224, 32, include_top, weights)
    x = ZeroPadding2D(3, name="conv1_pad")(x)
    x = Conv2D(64, 7, strides=2, use_bias=use_bias, name="conv1_conv")(x)
    if not normalized_first:
        x = normalized(x, "conv1_bn", "conv1_relu")
    x = ZeroPadding2D(1, name="pool1_pad")(x)
    x = MaxPooling2D(3, strides=2, name="pool1_pool")(x)
    x = stacks(x)
    if normalized_first:
        x = normalized(x, "post_bn", "post_relu")
    x = building.averaged_head(x, include_top, pooling, classes, activation, ("avg_pool", "max_pool"))
    return building.finish(name, inputs, x, weights, include_top, published)


def normalized(x, name, activation_name=None):
    """`x` through a batch normalisation called `name`, and through relu called `activation_name` if one is given."""
    x = BatchNormalization(axis=building.channel_axis(), epsilon=1.001e-5, name=name)(x)
    return x if activation_name is None else Activation("relu", name=activation_name)(x)
