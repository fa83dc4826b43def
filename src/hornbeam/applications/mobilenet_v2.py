"""MobileNetV2: inverted residual blocks, wide inside and narrow where they are added."""

from hornbeam import backend as K
from hornbeam import checks
from hornbeam.applications import building, sizes
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.applications.mobilenet import preprocess_input
from hornbeam.layers import Add, BatchNormalization, Conv2D, Dense, DepthwiseConv2D, ReLU, ZeroPadding2D

__all__ = ["MobileNetV2", "decode_predictions", "preprocess_input"]

_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/mobilenet_v2/"
    "mobilenet_v2_weights_tf_dim_ordering_tf_kernels"
)
_ALPHAS = (0.35, 0.5, 0.75, 1.0, 1.3, 1.4)
_SIZES = (96, 128, 160, 192, 224)

# Filters and stride of block 0, 1, ... 16.
_BLOCKS = (
    (16, 1), (24, 2), (24, 1), (32, 2), (32, 1), (32, 1), (64, 2), (64, 1), (64, 1), (64, 1), (96, 1), (96, 1),
    (96, 1), (160, 2), (160, 1), (160, 1), (320, 1),
)  # fmt: skip


def MobileNetV2(
    input_shape=None, alpha=1.0, include_top=True, weights: str | None = "imagenet", input_tensor=None, pooling=None,
    classes=1000, classifier_activation: str | None = "softmax", name=None, **kwargs,
):  # fmt: skip
    """MobileNetV2: seventeen blocks that widen, filter each channel by itself and narrow again, added to their input.

    Small and fast (3.5 million numbers at alpha=1), and better than MobileNet. Mind that `input_shape` comes first
    here. Pictures go through `hornbeam.applications.mobilenet_v2.preprocess_input` first.

    Args:
        input_shape: (H, W, 3), in the default layout; without the head any size from 32 on, or None for all of them.
            Published weights are for squares of 96, 128, 160, 192 and 224.
        alpha: width, the factor for the numbers of filters, rounded to multiples of 8; below 1 the last 1280 stay.
            Published weights are for 0.35, 0.5, 0.75, 1, 1.3 and 1.4.
        include_top: with the head that tells the classes? Without it, give the features to a head of your own.
        weights: 'imagenet' (published ones, fetched once into the folder `models` of the cache; nobody published their
            hashes), None (random), or the path of a file of weights.
        input_tensor: tensor to start from, instead of a new Input.
        pooling: what comes last where there is no head: None (the feature map), 'avg' or 'max' (a row a picture).
        classes: number of classes of the head, 1000; another one has no published weights.
        classifier_activation: activation of the head; None for logits.
        name: the model's name; None for mobilenetv2_ALPHA_HEIGHT.
        kwargs: `backend`, `layers`, `models` and `utils`, which keras_applications took; they do nothing.

    Shapes:
        x (B, 224, 224, 3) -> (B, classes); without the head (B, H, W, 3) -> (B, H / 32, W / 32, 1280) or (B, 1280).

    Raises:
        ValueError: arguments that do not go together, a shape that is too small, a file of another network.
        OSError: the published weights cannot be fetched.

    Example:
        >>> MobileNetV2((64, 64, 3), alpha=0.35, include_top=False, weights=None, pooling="avg").output_shape
        (None, 1280)

    Reference:
        Sandler et al. 2018, arXiv:1801.04381. Layers as in Keras 3; keras_applications padded the first convolution in
        a layer of its own and called the last one 'Logits', with the same weights.
    """
    building.check_arguments("MobileNetV2", include_top, weights, pooling, classes, classifier_activation, kwargs)
    if weights == "imagenet" and alpha not in _ALPHAS:
        raise checks.wrong_argument("MobileNetV2", "alpha", alpha, f"one of {_ALPHAS} with the weights 'imagenet'")
    given = K.int_shape(input_tensor)[1:] if input_shape is None and K.is_symbolic(input_tensor) else input_shape
    size = sizes.size_of_input(given, _SIZES)
    x, inputs = building.input_of("MobileNetV2", input_tensor, input_shape, size, 32, include_top, weights)
    rows = sizes.height_in_name("MobileNetV2", input_shape, size, include_top, weights, _SIZES)
    x = Conv2D(sizes.round_filters(32 * alpha), 3, strides=2, padding="same", use_bias=False, name="Conv1")(x)
    x = ReLU(6.0, name="Conv1_relu")(_normalized(x, "bn_Conv1"))
    for number, (filters, stride) in enumerate(_BLOCKS):
        x = _block(x, number, sizes.round_filters(int(filters * alpha)), stride)
    x = Conv2D(sizes.round_filters(1280 * max(alpha, 1.0)), 1, use_bias=False, name="Conv_1")(x)
    x = ReLU(6.0, name="out_relu")(_normalized(x, "Conv_1_bn"))
    x = building.pooled(x, "avg" if include_top else pooling)
    if include_top:
        x = Dense(classes, activation=classifier_activation, name="predictions")(x)
    url = f"{_URL}_{float(alpha)}_{rows}"
    published = {True: (f"{url}.h5", None), False: (f"{url}_no_top.h5", None)}
    return building.finish(name or f"mobilenetv2_{alpha:.2f}_{rows}", inputs, x, weights, include_top, published)


def _normalized(x, name):
    return BatchNormalization(axis=building.channel_axis(), epsilon=1e-3, momentum=0.999, name=name)(x)


def _block(inputs, number, filters, stride):
    """`inputs` made six times as wide, each channel filtered by itself, brought down to `filters`."""
    x = inputs
    channels = K.int_shape(x)[building.channel_axis()]
    prefix = f"block_{number}_" if number else "expanded_conv_"
    if number:  # the first block has wide enough an input
        x = Conv2D(6 * channels, 1, padding="same", use_bias=False, name=f"{prefix}expand")(x)
        x = ReLU(6.0, name=f"{prefix}expand_relu")(_normalized(x, f"{prefix}expand_BN"))
    if stride == 2:
        x = ZeroPadding2D(sizes.padding_before(x, 3), name=f"{prefix}pad")(x)
    padding = "valid" if stride == 2 else "same"
    x = DepthwiseConv2D(3, strides=stride, padding=padding, use_bias=False, name=f"{prefix}depthwise")(x)
    x = ReLU(6.0, name=f"{prefix}depthwise_relu")(_normalized(x, f"{prefix}depthwise_BN"))
    x = Conv2D(filters, 1, padding="same", use_bias=False, name=f"{prefix}project")(x)
    x = _normalized(x, f"{prefix}project_BN")
    if channels == filters and stride == 1:
        return Add(name=f"{prefix}add")([inputs, x])
    return x
