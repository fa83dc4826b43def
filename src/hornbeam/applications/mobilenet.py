"""MobileNet: depthwise convolutions, each followed by a pointwise one."""

from hornbeam import checks
from hornbeam.activations import relu6
from hornbeam.applications import building, imagenet_utils, sizes
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    Dropout,
    GlobalAveragePooling2D,
    ReLU,
    Reshape,
    ZeroPadding2D,
)

# relu6 and DepthwiseConv2D were here before they were activations and layers; old code imports them for load_model.
__all__ = ["DepthwiseConv2D", "MobileNet", "decode_predictions", "preprocess_input", "relu6"]

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet/mobilenet_"
_ALPHAS = {1.0: "1_0", 0.75: "7_5", 0.5: "5_0", 0.25: "2_5"}
_SIZES = (128, 160, 192, 224)

# Filters and stride of the thirteen blocks.
_BLOCKS = (
    (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1),
    (1024, 2), (1024, 1),
)  # fmt: skip


def MobileNet(
    input_shape=None, alpha=1.0, depth_multiplier=1, dropout=1e-3, include_top=True, weights: str | None = "imagenet",
    input_tensor=None, pooling=None, classes=1000, classifier_activation: str | None = "softmax", name=None, **kwargs,
):  # fmt: skip
    """MobileNet: a convolution and thirteen pairs of a depthwise and a pointwise convolution.

    Small and fast (4.3 million numbers at alpha=1): for phones, or as a first try. Mind that `input_shape` comes first
    here. Pictures go through `hornbeam.applications.mobilenet.preprocess_input` first.

    Args:
        input_shape: (H, W, 3), in the default layout; without the head any size from 32 on, or None for all of them.
            Published weights are for squares of 128, 160, 192 and 224.
        alpha: width, the factor for all numbers of filters; published weights are for 0.25, 0.5, 0.75 and 1.
        depth_multiplier: channels that a depthwise convolution makes of each channel; 1 with published weights.
        dropout: rate before the head's last layer, 0.001.
        include_top: with the head that tells the classes? Without it, give the features to a head of your own.
        weights: 'imagenet' (published ones, fetched once into the folder `models` of the cache; nobody published their
            hashes), None (random), or the path of a file of weights.
        input_tensor: tensor to start from, instead of a new Input.
        pooling: what comes last where there is no head: None (the feature map), 'avg' or 'max' (a row a picture).
        classes: number of classes of the head, 1000; another one has no published weights.
        classifier_activation: activation of the head; None for logits.
        name: the model's name; None for mobilenet_ALPHA_HEIGHT.
        kwargs: `backend`, `layers`, `models` and `utils`, which keras_applications took; they do nothing.

    Shapes:
        x (B, 224, 224, 3) -> (B, classes); without the head (B, H, W, 3) -> (B, H / 32, W / 32, 1024 alpha), or
        (B, 1024 alpha) with `pooling`.

    Raises:
        ValueError: arguments that do not go together, a shape that is too small, a file of another network.
        OSError: the published weights cannot be fetched.

    Example:
        >>> MobileNet((64, 64, 3), alpha=0.25, include_top=False, weights=None, pooling="avg").output_shape
        (None, 256)

    Reference:
        Howard et al. 2017, arXiv:1704.04861. Layers as in Keras 3; keras_applications padded the first convolution in
        a layer of its own and reshaped around the head, with the same weights.
    """
    building.check_arguments("MobileNet", include_top, weights, pooling, classes, classifier_activation, kwargs)
    if weights == "imagenet" and (depth_multiplier != 1 or alpha not in _ALPHAS):
        raise ValueError(
            f"MobileNet: the weights 'imagenet' are for depth_multiplier=1 and alpha 0.25, 0.5, 0.75 or 1; got "
            f"depth_multiplier={depth_multiplier}, alpha={alpha}."
        )
    size = sizes.size_of_input(input_shape, _SIZES)
    x, inputs = building.input_of("MobileNet", input_tensor, input_shape, size, 32, include_top, weights)
    rows = sizes.height_in_name("MobileNet", input_shape, size, include_top, weights, _SIZES)
    x = Conv2D(_width(32, alpha), 3, strides=2, padding="same", use_bias=False, name="conv1")(x)
    x = _normalized(x, "conv1")
    for number, (filters, stride) in enumerate(_BLOCKS, 1):
        x = _block(x, number, _width(filters, alpha), stride, depth_multiplier)
    x = _head(x, dropout, classes, classifier_activation) if include_top else building.pooled(x, pooling)
    url = f"{_URL}{_ALPHAS.get(alpha)}_{rows}_tf"
    published = {True: (f"{url}.h5", None), False: (f"{url}_no_top.h5", None)}
    return building.finish(name or f"mobilenet_{alpha:.2f}_{rows}", inputs, x, weights, include_top, published)


def _width(filters, alpha):
    if int(filters * alpha) < 1:
        raise checks.wrong_argument("MobileNet", "alpha", alpha, "1/32 or more, so that every layer keeps a filter")
    return int(filters * alpha)


def _normalized(x, name):
    x = BatchNormalization(axis=building.channel_axis(), name=f"{name}_bn")(x)
    return ReLU(6.0, name=f"{name}_relu")(x)


def _block(x, number, filters, stride, depth_multiplier):
    """A depthwise convolution over places, then a pointwise one over channels."""
    if stride == 2:
        x = ZeroPadding2D(((0, 1), (0, 1)), name=f"conv_pad_{number}")(x)  # pyright: ignore[reportArgumentType]
    x = DepthwiseConv2D(
        3, strides=stride, padding="valid" if stride == 2 else "same", depth_multiplier=depth_multiplier,
        use_bias=False, name=f"conv_dw_{number}",
    )(x)  # fmt: skip
    x = _normalized(x, f"conv_dw_{number}")
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"conv_pw_{number}")(x)
    return _normalized(x, f"conv_pw_{number}")


def _head(x, dropout, classes, activation):
    x = GlobalAveragePooling2D(keepdims=True)(x)
    x = Dropout(dropout, name="dropout")(x)
    x = Conv2D(classes, 1, padding="same", name="conv_preds")(x)
    x = Reshape((classes,), name="reshape_2")(x)
    return Activation(activation, name="predictions")(x)


def preprocess_input(x, data_format=None, **kwargs):
    """Pixels of 0..255 brought to -1..1; see :func:`hornbeam.applications.imagenet_utils.preprocess_input`."""
    return imagenet_utils.preprocess_input(x, data_format, mode="tf", **kwargs)
