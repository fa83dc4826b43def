"""NASNetMobile and NASNetLarge: two kinds of cells that a search found, repeated."""

from hornbeam import backend as K
from hornbeam.applications import building, sizes
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.applications.mobilenet import preprocess_input
from hornbeam.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Cropping2D,
    Dense,
    MaxPooling2D,
    SeparableConv2D,
    ZeroPadding2D,
    add,
    concatenate,
)

__all__ = ["NASNet", "NASNetLarge", "NASNetMobile", "decode_predictions", "preprocess_input"]

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/nasnet/NASNet-"
PUBLISHED = {  # by the default size
    224: {
        True: (f"{_URL}mobile.h5", "020fb642bf7360b370c678b08e0adf61", "nasnet_mobile.h5"),
        False: (f"{_URL}mobile-no-top.h5", "1ed92395b5b598bdda52abe5c0dbfd63", "nasnet_mobile_no_top.h5"),
    },
    331: {
        True: (f"{_URL}large.h5", "11577c9a518f0070763c2b964a382f17", "nasnet_large.h5"),
        False: (f"{_URL}large-no-top.h5", "d81d89dc07e6e56530c4e77faddd61b5", "nasnet_large_no_top.h5"),
    },
}


def NASNet(
    input_shape=None, penultimate_filters=4032, num_blocks=6, stem_block_filters=96, skip_reduction=True,
    filter_multiplier=2, include_top=True, weights: str | None = None, input_tensor=None, pooling=None, classes=1000,
    default_size=None, classifier_activation: str | None = "softmax", name="NASNet", **kwargs,
):  # fmt: skip
    """NASNet-A: a stem, then three times `num_blocks` normal cells with cells that halve the picture between them.

    NASNetMobile and NASNetLarge are two of these, named by `num_blocks` @ `penultimate_filters`: 4 @ 1056 and 6 @ 4032.
    Every cell takes the results of the two before it. Mind that `input_shape` comes first here. Pictures go through
    `hornbeam.applications.nasnet.preprocess_input` first.

    Args:
        input_shape: (H, W, 3) in the default layout, from 32 on and fixed; None for `default_size`.
        penultimate_filters: channels of the feature map, a multiple of 24 * filter_multiplier ** 2.
        num_blocks: normal cells in each of the three parts.
        stem_block_filters: filters of the first convolution.
        skip_reduction: does a cell after a halving one take what came before that one's input, rather than its input?
        filter_multiplier: how many times as many filters each part has as the one before.
        include_top: with the head that tells the classes? Without it, give the features to a head of your own.
        weights: None (random; NASNetMobile and NASNetLarge have 'imagenet', the published ones, fetched once into the
            folder `models` of the cache), or the path of a file of weights.
        input_tensor: tensor to start from, instead of a new Input.
        pooling: what comes last where there is no head: None (the feature map), 'avg' or 'max' (a row a picture).
        classes: number of classes of the head, 1000; another one has no published weights.
        default_size: height and width where `input_shape` is None, 331; with 224 or 331 there are published weights.
        classifier_activation: activation of the head; None for logits.
        name: the model's name.
        kwargs: `backend`, `layers`, `models` and `utils`, which keras_applications took; they do nothing.

    Shapes:
        x (B, H, W, 3) -> (B, classes); without the head (B, H / 32, W / 32, penultimate_filters) or
        (B, penultimate_filters).

    Raises:
        ValueError: arguments that do not go together, a shape that is too small, a file of another network.
        OSError: the published weights cannot be fetched.

    Example:
        >>> tiny = {"penultimate_filters": 96, "num_blocks": 1, "stem_block_filters": 4, "include_top": False}
        >>> NASNet((32, 32, 3), pooling="avg", **tiny).output_shape
        (None, 96)

    Reference:
        Zoph et al. 2018, arXiv:1707.07012. In the layout channels_first the model takes pictures of that layout;
        keras_applications built one for channels_last.
    """
    building.check_arguments("NASNet", include_top, weights, pooling, classes, classifier_activation, kwargs)
    if penultimate_filters % (24 * filter_multiplier**2):
        raise ValueError(
            f"NASNet: penultimate_filters must be a multiple of 24 * filter_multiplier ** 2 = "
            f"{24 * filter_multiplier**2}; got {penultimate_filters}."
        )
    size = 331 if default_size is None else default_size
    x, inputs = _input(input_tensor, input_shape, size, include_top, weights)
    x = Conv2D(stem_block_filters, 3, strides=2, use_bias=False, kernel_initializer="he_normal", name="stem_conv1")(x)
    x = _normalized(x, "stem_bn1")
    filters = penultimate_filters // 24
    x, before = _reduction_cell(x, None, filters // filter_multiplier**2, "stem_1"), x
    x, before = _reduction_cell(x, before, filters // filter_multiplier, "stem_2"), x
    for part in range(3):
        if part:
            label = f"reduce_{part * num_blocks}"
            halved = _reduction_cell(x, before, filters * filter_multiplier**part, label)
            x, before = halved, before if skip_reduction else x
        for i in range(num_blocks):
            label = str(part * num_blocks + i + (part > 0))
            x, before = _normal_cell(x, before, filters * filter_multiplier**part, label), x
    x = Activation("relu")(x)
    x = building.pooled(x, "avg" if include_top else pooling)
    if include_top:
        x = Dense(classes, activation=classifier_activation, name="predictions")(x)
    return building.finish(name, inputs, x, weights, include_top, PUBLISHED.get(size, {}))


def NASNetLarge(
    input_shape=None, include_top=True, weights: str | None = "imagenet", input_tensor=None, pooling=None,
    classes=1000, classifier_activation: str | None = "softmax", name="nasnet_large", **kwargs,
):  # fmt: skip
    """NASNet-A (6 @ 4032) for pictures of 331 x 331, of 89 million numbers. Arguments and errors: :func:`NASNet`.

    Example::

        NASNetLarge(include_top=False, pooling="avg").predict(x)
    """
    return NASNet(
        input_shape, 4032, 6, 96, True, 2, include_top, weights, input_tensor, pooling, classes, 331,
        classifier_activation, name, **kwargs,
    )  # fmt: skip


def NASNetMobile(
    input_shape=None, include_top=True, weights: str | None = "imagenet", input_tensor=None, pooling=None,
    classes=1000, classifier_activation: str | None = "softmax", name="nasnet_mobile", **kwargs,
):  # fmt: skip
    """NASNet-A (4 @ 1056) for pictures of 224 x 224, of 5.3 million numbers. Arguments and errors: :func:`NASNet`.

    Example::

        NASNetMobile(include_top=False, pooling="avg").predict(x)
    """
    return NASNet(
        input_shape, 1056, 4, 32, False, 2, include_top, weights, input_tensor, pooling, classes, 224,
        classifier_activation, name, **kwargs,
    )  # fmt: skip


def _input(input_tensor, input_shape, size, include_top, weights):
    """As :func:`building.input_of`, of fixed size always: which paths a cell must halve shows in the sizes."""
    if input_shape is None:
        input_shape = building.input_shape_of("NASNet", None, size, 32, True, weights)
    x, inputs = building.input_of("NASNet", input_tensor, input_shape, size, 32, include_top, weights)
    if None in K.int_shape(x)[1:]:
        raise ValueError(
            f"NASNet needs pictures of a fixed height and width, got shape {K.int_shape(x)}. Say input_shape, such as "
            f"({size}, {size}, 3)."
        )
    return x, inputs


def _normalized(x, name):
    return BatchNormalization(axis=building.channel_axis(), momentum=0.9997, epsilon=1e-3, name=name)(x)


def _pointwise(x, filters, name):
    """A convolution of 1 x 1, normalised by whoever calls it."""
    return Conv2D(filters, 1, padding="same", use_bias=False, kernel_initializer="he_normal", name=name)(x)


def _separable(x, filters, kernel_size, label, stride=1):
    """Twice relu, separable convolution and normalisation; the first time with the stride."""
    x = Activation("relu")(x)
    if stride == 2:
        x = ZeroPadding2D(sizes.padding_before(x, kernel_size), name=f"separable_conv_1_pad_{label}")(x)
    x = SeparableConv2D(
        filters, kernel_size, strides=stride, padding="valid" if stride == 2 else "same", use_bias=False,
        name=f"separable_conv_1_{label}",
    )(x)  # fmt: skip
    x = Activation("relu")(_normalized(x, f"separable_conv_1_bn_{label}"))
    x = SeparableConv2D(filters, kernel_size, padding="same", use_bias=False, name=f"separable_conv_2_{label}")(x)
    return _normalized(x, f"separable_conv_2_bn_{label}")


def _adjusted(x, like, filters, label):
    """`x`, an earlier result, with the height and width of `like` and `filters` channels; None is `like` itself."""
    if x is None:
        return like
    shape = K.int_shape(x)
    if sizes.height_and_width(shape[1:]) != sizes.height_and_width(K.int_shape(like)[1:]):
        return _halved(x, filters, label)
    if shape[building.channel_axis()] == filters:
        return x
    x = _pointwise(Activation("relu")(x), filters, f"adjust_conv_projection_{label}")
    return _normalized(x, f"adjust_bn_{label}")


def _halved(x, filters, label):
    """Every second pixel of every second row beside those one further down and right, so that none is lost."""
    x = Activation("relu", name=f"adjust_relu_1_{label}")(x)
    even = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_1_{label}")(x)
    even = _pointwise(even, filters // 2, f"adjust_conv_1_{label}")
    odd = ZeroPadding2D(((0, 1), (0, 1)))(x)  # pyright: ignore[reportArgumentType]
    odd = Cropping2D(((1, 0), (1, 0)))(odd)
    odd = AveragePooling2D(1, strides=2, name=f"adjust_avg_pool_2_{label}")(odd)
    odd = _pointwise(odd, filters // 2, f"adjust_conv_2_{label}")
    return _normalized(concatenate([even, odd], axis=building.channel_axis()), f"adjust_bn_{label}")


def _normal_cell(x, before, filters, label):
    """A cell that keeps the size: five sums of two paths each, beside the earlier result `before`."""
    before = _adjusted(before, x, filters, label)
    x = _normalized(_pointwise(Activation("relu")(x), filters, f"normal_conv_1_{label}"), f"normal_bn_1_{label}")
    left = _separable(x, filters, 5, f"normal_left1_{label}")
    right = _separable(before, filters, 3, f"normal_right1_{label}")
    first = add([left, right], name=f"normal_add_1_{label}")
    left = _separable(before, filters, 5, f"normal_left2_{label}")
    right = _separable(before, filters, 3, f"normal_right2_{label}")
    second = add([left, right], name=f"normal_add_2_{label}")
    left = _smoothed(x, f"normal_left3_{label}")
    third = add([left, before], name=f"normal_add_3_{label}")
    left, right = _smoothed(before, f"normal_left4_{label}"), _smoothed(before, f"normal_right4_{label}")
    fourth = add([left, right], name=f"normal_add_4_{label}")
    left = _separable(x, filters, 3, f"normal_left5_{label}")
    fifth = add([left, x], name=f"normal_add_5_{label}")
    parts = [before, first, second, third, fourth, fifth]
    return concatenate(parts, axis=building.channel_axis(), name=f"normal_concat_{label}")


def _smoothed(x, name):
    return AveragePooling2D(3, strides=1, padding="same", name=name)(x)


def _reduction_cell(x, before, filters, label):
    """A cell that halves the size: sums of two paths each, four of which are the result."""
    before = _adjusted(before, x, filters, label)
    x = _pointwise(Activation("relu")(x), filters, f"reduction_conv_1_{label}")
    x = _normalized(x, f"reduction_bn_1_{label}")
    padded = ZeroPadding2D(sizes.padding_before(x, 3), name=f"reduction_pad_1_{label}")(x)
    left = _separable(x, filters, 5, f"reduction_left1_{label}", stride=2)
    right = _separable(before, filters, 7, f"reduction_right1_{label}", stride=2)
    first = add([left, right], name=f"reduction_add_1_{label}")
    left = MaxPooling2D(3, strides=2, name=f"reduction_left2_{label}")(padded)
    right = _separable(before, filters, 7, f"reduction_right2_{label}", stride=2)
    second = add([left, right], name=f"reduction_add_2_{label}")
    left = AveragePooling2D(3, strides=2, name=f"reduction_left3_{label}")(padded)
    right = _separable(before, filters, 5, f"reduction_right3_{label}", stride=2)
    third = add([left, right], name=f"reduction_add3_{label}")
    fourth = add([second, _smoothed(first, f"reduction_left4_{label}")])
    left = _separable(first, filters, 3, f"reduction_left4_{label}")
    right = MaxPooling2D(3, strides=2, name=f"reduction_right5_{label}")(padded)
    fifth = add([left, right], name=f"reduction_add4_{label}")
    return concatenate(
        [second, third, fourth, fifth], axis=building.channel_axis(), name=f"reduction_concat_{label}"
    )  # fmt: skip
