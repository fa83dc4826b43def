"""InceptionV3: blocks of parallel branches, long convolutions split into a row and a column."""

from hornbeam.applications import building, imagenet_utils
from hornbeam.applications.imagenet_utils import decode_predictions
from hornbeam.layers import Activation, AveragePooling2D, BatchNormalization, Conv2D, MaxPooling2D, concatenate

__all__ = ["InceptionV3", "conv2d_bn", "decode_predictions", "preprocess_input"]

_URL = (
    "https://storage.googleapis.com/tensorflow/keras-applications/inception_v3/"
    "inception_v3_weights_tf_dim_ordering_tf_kernels"
)
PUBLISHED = {
    True: (f"{_URL}.h5", "9a0d58056eeedaa3f26cb7ebd46da564"),
    False: (f"{_URL}_notop.h5", "bcbd6486424b2319ff4ef7d526e38f63"),
}


def InceptionV3(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="inception_v3", **kwargs,
):  # fmt: skip
    """InceptionV3: eleven blocks whose branches see windows of 1 to 7 places, put together by channels.

    Blocks are named 'mixed0' to 'mixed10'; its other layers are counted (`conv2d`, `conv2d_1`, ...), so files of
    weights are matched by order. Pictures are scaled to -1..1 by `inception_v3.preprocess_input`.

    Args:
        include_top: with the head that tells the classes? Without it, give the features to a head of your own.
        weights: 'imagenet' (published ones, fetched once into the folder `models` of the cache), None (random), or the
            path of a file of weights.
        input_tensor: tensor to start from, instead of a new Input.
        input_shape: (H, W, 3), in the default layout; without the head any size from 75 on, or None for all of them.
        pooling: what comes last where there is no head: None (the feature map), 'avg' or 'max' (a row a picture).
        classes: number of classes of the head, 1000; another one has no published weights.
        classifier_activation: activation of the head; None for logits.
        name: the model's name.
        kwargs: `backend`, `layers`, `models` and `utils`, which keras_applications took; they do nothing.

    Shapes:
        x (B, 299, 299, 3) -> (B, classes); without the head the feature map (B, 8, 8, 2048) of that size, or (B, 2048).

    Raises:
        ValueError: arguments that do not go together, a shape that is too small, a file of another network.
        OSError: the published weights cannot be fetched.

    Example:
        >>> InceptionV3(weights=None, include_top=False, pooling="avg").output_shape
        (None, 2048)

    Reference:
        Szegedy et al. 2015, arXiv:1512.00567.
    """
    building.check_arguments("InceptionV3", include_top, weights, pooling, classes, classifier_activation, kwargs)
    x, inputs = building.input_of("InceptionV3", input_tensor, input_shape, 299, 75, include_top, weights)
    x = _chain(x, (32, 3, 3, "valid", 2), (32, 3, 3, "valid"), (64, 3, 3))
    x = MaxPooling2D(3, strides=2)(x)
    x = _chain(x, (80, 1, 1, "valid"), (192, 3, 3, "valid"))
    x = MaxPooling2D(3, strides=2)(x)
    for i, pool_filters in enumerate((32, 64, 64)):
        x = _fives(x, pool_filters, f"mixed{i}")
    x = _together(
        "mixed3",
        conv2d_bn(x, 384, 3, 3, "valid", 2),
        _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3, "valid", 2)),
        MaxPooling2D(3, strides=2)(x),
    )
    for i, width in enumerate((128, 160, 160, 192), 4):
        x = _sevens(x, width, f"mixed{i}")
    x = _together(
        "mixed8",
        _chain(x, (192, 1, 1), (320, 3, 3, "valid", 2)),
        _chain(x, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3, "valid", 2)),
        MaxPooling2D(3, strides=2)(x),
    )
    for i in range(2):
        x = _spread(x, i)
    x = building.averaged_head(x, include_top, pooling, classes, classifier_activation)
    return building.finish(name, inputs, x, weights, include_top, PUBLISHED)


def conv2d_bn(x, filters, num_row, num_col, padding="same", strides=(1, 1), name=None):
    """relu of the normalised convolution of `x`, without bias and without gamma.

    Args:
        x: tensor.
        filters: number of filters.
        num_row, num_col: height and width of the window.
        padding, strides: of the convolution.
        name: name of the activation; the others are `name` with '_conv' and '_bn'.
    """
    conv_name, norm_name = (None, None) if name is None else (f"{name}_conv", f"{name}_bn")
    x = Conv2D(filters, (num_row, num_col), strides=strides, padding=padding, use_bias=False, name=conv_name)(x)
    x = BatchNormalization(axis=building.channel_axis(), scale=False, name=norm_name)(x)
    return Activation("relu", name=name)(x)


def preprocess_input(x, data_format=None, **kwargs):
    """Pixels scaled to -1..1; see :func:`hornbeam.applications.imagenet_utils.preprocess_input`.

    Example:
        >>> import numpy as np
        >>> preprocess_input(np.full((1, 1, 3), 255)).tolist()
        [[[1.0, 1.0, 1.0]]]
    """
    return imagenet_utils.preprocess_input(x, data_format, mode="tf")


# --- Blocks: (filters, rows, columns, padding, strides) stands for a convolution ---


def _chain(x, *steps):
    for step in steps:
        x = conv2d_bn(x, *step)
    return x


def _together(name, *branches):
    return concatenate(list(branches), axis=building.channel_axis(), name=name)


def _averaged(x, filters):
    return conv2d_bn(AveragePooling2D(3, strides=1, padding="same")(x), filters, 1, 1)


def _fives(x, pool_filters, name):
    """Windows of 1, 5 and twice 3 places, on maps of 35 x 35."""
    return _together(
        name,
        conv2d_bn(x, 64, 1, 1),
        _chain(x, (48, 1, 1), (64, 5, 5)),
        _chain(x, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
        _averaged(x, pool_filters),
    )


def _sevens(x, width, name):
    """Windows of 1, 7 and twice 7 places, as rows and columns, on maps of 17 x 17."""
    return _together(
        name,
        conv2d_bn(x, 192, 1, 1),
        _chain(x, (width, 1, 1), (width, 1, 7), (192, 7, 1)),
        _chain(x, (width, 1, 1), (width, 7, 1), (width, 1, 7), (width, 7, 1), (192, 1, 7)),
        _averaged(x, 192),
    )


def _spread(x, i):
    """Rows and columns side by side, on maps of 8 x 8."""
    one = conv2d_bn(x, 320, 1, 1)
    three = conv2d_bn(x, 384, 1, 1)
    three = _together(f"mixed9_{i}", conv2d_bn(three, 384, 1, 3), conv2d_bn(three, 384, 3, 1))
    twice = _chain(x, (448, 1, 1), (384, 3, 3))
    twice = _together(None, conv2d_bn(twice, 384, 1, 3), conv2d_bn(twice, 384, 3, 1))
    return _together(f"mixed{9 + i}", one, three, twice, _averaged(x, 192))
