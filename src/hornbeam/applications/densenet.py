"""DenseNet121, 169 and 201: every layer of a block sees all layers before it."""

from hornbeam import backend as K
from hornbeam import checks
from hornbeam.applications import building, imagenet_utils
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Concatenate,
    Conv2D,
    MaxPooling2D,
    ZeroPadding2D,
)

__all__ = [
    "DenseNet", "DenseNet121", "DenseNet169", "DenseNet201", "conv_block", "decode_predictions", "dense_block",
    "preprocess_input", "transition_block",
]  # fmt: skip

_BLOCKS = {121: (6, 12, 24, 16), 169: (6, 12, 32, 32), 201: (6, 12, 48, 32)}
_HASHES = {  # with head, without
    121: ("9d60b8095a5708f2dcce2bca79d332c7", "30ee3e1110167f948a6b9946edeeb738"),
    169: ("d699b8f76981ab1b30698df4c175e90b", "b8c4d4c20dd625c148057b9ff1c1176b"),
    201: ("1ceb130c1ea1b78c3bf6114dbdfd8807", "c13680b51ded0fb44dff2d8f86ac8bb1"),
}
_URL = "https://storage.googleapis.com/tensorflow/keras-applications/densenet/densenet"
PUBLISHED: dict = {
    depth: {
        True: (f"{_URL}{depth}_weights_tf_dim_ordering_tf_kernels.h5", whole),
        False: (f"{_URL}{depth}_weights_tf_dim_ordering_tf_kernels_notop.h5", without_head),
    }
    for depth, (whole, without_head) in _HASHES.items()
}


def DenseNet(
    blocks, include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None,
    classes=1000, classifier_activation: str | None = "softmax", name=None, **kwargs,
):  # fmt: skip
    """DenseNet with `blocks[i]` pairs of convolutions in its block i; each pair's result is put beside all it saw.

    Few numbers for what it can do (8 million in DenseNet121), but much memory while it trains. Pictures go through
    `hornbeam.applications.densenet.preprocess_input` first.

    Args:
        blocks: four numbers; DenseNet121, 169 and 201 have (6, 12, 24, 16), (6, 12, 32, 32) and (6, 12, 48, 32), and
            only for these there are published weights.
        include_top: with the head that tells the classes? Without it, give the features to a head of your own.
        weights: 'imagenet' (published ones, fetched once into the folder `models` of the cache), None (random), or the
            path of a file of weights.
        input_tensor: tensor to start from, instead of a new Input.
        input_shape: (H, W, 3), in the default layout; without the head any size from 32 on, or None for all of them.
        pooling: what comes last where there is no head: None (the feature map), 'avg' or 'max' (a row a picture).
        classes: number of classes of the head, 1000; another one has no published weights.
        classifier_activation: activation of the head; None for logits.
        name: the model's name; None for densenet121, densenet169, densenet201 or densenet.
        kwargs: `backend`, `layers`, `models` and `utils`, which keras_applications took; they do nothing.

    Shapes:
        x (B, 224, 224, 3) -> (B, classes); without the head (B, H, W, 3) -> (B, H // 32, W // 32, C) or (B, C), where
        C is 1024, 1664, 1920 for DenseNet121, 169, 201.

    Raises:
        ValueError: arguments that do not go together, a shape that is too small, a file of another network.
        OSError: the published weights cannot be fetched.

    Example:
        >>> DenseNet([1, 1, 1, 1], False, None, input_shape=(32, 32, 3), pooling="avg").output_shape
        (None, 68)

    Reference:
        Huang et al. 2017, arXiv:1608.06993.
    """
    building.check_arguments("DenseNet", include_top, weights, pooling, classes, classifier_activation, kwargs)
    blocks = tuple(checks.integer("DenseNet", "blocks", number, least=0) for number in blocks)
    if len(blocks) != 4:
        raise checks.wrong_argument("DenseNet", "blocks", blocks, "four numbers such as (6, 12, 24, 16)")
    depth = next((depth for depth, known in _BLOCKS.items() if known == blocks), "")
    x, inputs = building.input_of("DenseNet", input_tensor, input_shape, 224, 32, include_top, weights)
    x = ZeroPadding2D(3)(x)
    x = Conv2D(64, 7, strides=2, use_bias=False, name="conv1_conv")(x)
    x = Activation("relu", name="conv1_relu")(_normalized(x, "conv1_bn"))
    x = ZeroPadding2D(1)(x)
    x = MaxPooling2D(3, strides=2, name="pool1")(x)
    for number, pairs in enumerate(blocks, 2):
        if number > 2:
            x = transition_block(x, 0.5, f"pool{number - 1}")
        x = dense_block(x, pairs, f"conv{number}")
    x = Activation("relu", name="relu")(_normalized(x, "bn"))
    x = building.averaged_head(x, include_top, pooling, classes, classifier_activation, ("avg_pool", "max_pool"))
    return building.finish(name or f"densenet{depth}", inputs, x, weights, include_top, PUBLISHED.get(depth, {}))


def DenseNet121(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None,
    classes=1000, classifier_activation: str | None = "softmax", name="densenet121", **kwargs,
):  # fmt: skip
    """DenseNet with 121 layers, of 8 million numbers. Arguments, shapes and errors: :func:`DenseNet`.

    Example:
        >>> DenseNet121(weights=None, include_top=False, input_shape=(32, 32, 3), pooling="avg").output_shape
        (None, 1024)
    """
    return DenseNet(
        _BLOCKS[121], include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name,
        **kwargs,
    )  # fmt: skip


def DenseNet169(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None,
    classes=1000, classifier_activation: str | None = "softmax", name="densenet169", **kwargs,
):  # fmt: skip
    """DenseNet with 169 layers, of 14 million numbers. Arguments, shapes and errors: :func:`DenseNet`.

    Example::

        DenseNet169(include_top=False, pooling="avg").predict(x)
    """
    return DenseNet(
        _BLOCKS[169], include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name,
        **kwargs,
    )  # fmt: skip


def DenseNet201(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None,
    classes=1000, classifier_activation: str | None = "softmax", name="densenet201", **kwargs,
):  # fmt: skip
    """DenseNet with 201 layers, of 20 million numbers. Arguments, shapes and errors: :func:`DenseNet`.

    Example::

        DenseNet201(include_top=False, pooling="avg").predict(x)
    """
    return DenseNet(
        _BLOCKS[201], include_top, weights, input_tensor, input_shape, pooling, classes, classifier_activation, name,
        **kwargs,
    )  # fmt: skip


def dense_block(x, blocks, name):
    """`x` after `blocks` pairs of convolutions (:func:`conv_block`) of 32 new channels each; (B, H, W, C) ->
    (B, H, W, C + 32 `blocks`)."""
    for i in range(1, blocks + 1):
        x = conv_block(x, 32, f"{name}_block{i}")
    return x


def transition_block(x, reduction, name):
    """`x` with the part `reduction` of its channels and half its size: (B, H, W, C) -> (B, H // 2, W // 2,
    int(C * reduction))."""
    channels = K.int_shape(x)[building.channel_axis()]
    x = Activation("relu", name=f"{name}_relu")(_normalized(x, f"{name}_bn"))
    x = Conv2D(int(channels * reduction), 1, use_bias=False, name=f"{name}_conv")(x)
    return AveragePooling2D(2, strides=2, name=f"{name}_pool")(x)


def conv_block(x, growth_rate, name):
    """`x` and beside it `growth_rate` new channels, from a pointwise convolution and one of 3 x 3."""
    new = Activation("relu", name=f"{name}_0_relu")(_normalized(x, f"{name}_0_bn"))
    new = Conv2D(4 * growth_rate, 1, use_bias=False, name=f"{name}_1_conv")(new)
    new = Activation("relu", name=f"{name}_1_relu")(_normalized(new, f"{name}_1_bn"))
    new = Conv2D(growth_rate, 3, padding="same", use_bias=False, name=f"{name}_2_conv")(new)
    return Concatenate(axis=building.channel_axis(), name=f"{name}_concat")([x, new])


def _normalized(x, name):
    return BatchNormalization(axis=building.channel_axis(), epsilon=1.001e-5, name=name)(x)


def preprocess_input(x, data_format=None, **kwargs):
    """Pixels of 0..255 brought to 0..1, less the mean and by the deviation of ImageNet; see
    :func:`hornbeam.applications.imagenet_utils.preprocess_input`."""
    return imagenet_utils.preprocess_input(x, data_format, mode="torch", **kwargs)
