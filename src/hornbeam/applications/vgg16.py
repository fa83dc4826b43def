"""VGG16: thirteen small convolutions, three dense layers."""

from hornbeam.applications import building
from hornbeam.applications.imagenet_utils import decode_predictions, preprocess_input
from hornbeam.layers import Conv2D, Dense, Flatten, MaxPooling2D

__all__ = ["VGG16", "decode_predictions", "preprocess_input"]

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/vgg16/vgg16_weights_tf_dim_ordering_tf_kernels"
PUBLISHED = {
    True: (f"{_URL}.h5", "64373286793e3c8b2b4e3219cbf3544b"),
    False: (f"{_URL}_notop.h5", "6d6bbae143d832006294945121d1f1fc"),
}


def VGG16(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="vgg16", **kwargs,
):  # fmt: skip
    """VGG16: blocks of 2, 2, 3, 3, 3 convolutions of 3 x 3, a pooling after each, and three dense layers.

    Large (138 million numbers with its head, 15 million without) and plain: its features go well into styles and heat
    maps. Pictures go through `hornbeam.applications.vgg16.preprocess_input` first.

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
        x (B, 224, 224, 3) -> (B, classes); without the head (B, H, W, 3) -> (B, H // 32, W // 32, 512) or (B, 512).

    Raises:
        ValueError: arguments that do not go together, a shape that is too small, a file of another network.
        OSError: the published weights cannot be fetched.

    Example:
        >>> VGG16(weights=None, include_top=False, input_shape=(64, 64, 3), pooling="avg").output_shape
        (None, 512)

    Reference:
        Simonyan and Zisserman 2014, arXiv:1409.1556.
    """
    return network(
        "VGG16", (2, 2, 3, 3, 3), PUBLISHED, include_top, weights, input_tensor, input_shape, pooling, classes,
        classifier_activation, name, kwargs,
    )  # fmt: skip


def network(
    owner, depths, published, include_top, weights, input_tensor, input_shape, pooling, classes, activation, name, rest
):
    """VGG with `depths[i]` convolutions in block i + 1; the other arguments as those of :func:`VGG16`."""
    building.check_arguments(owner, include_top, weights, pooling, classes, activation, rest)
    x, inputs = building.input_of(owner, input_tensor, input_shape, 224, 32, include_top, weights)
    for block, (filters, depth) in enumerate(zip((64, 128, 256, 512, 512), depths, strict=True), 1):
        for i in range(1, depth + 1):
            x = Conv2D(filters, 3, activation="relu", padding="same", name=f"block{block}_conv{i}")(x)
        x = MaxPooling2D(2, strides=2, name=f"block{block}_pool")(x)
    if include_top:
        x = Flatten(name="flatten")(x)
        x = Dense(4096, activation="relu", name="fc1")(x)
        x = Dense(4096, activation="relu", name="fc2")(x)
        x = Dense(classes, activation=activation, name="predictions")(x)
    else:
        x = building.pooled(x, pooling)
    return building.finish(name, inputs, x, weights, include_top, published)
