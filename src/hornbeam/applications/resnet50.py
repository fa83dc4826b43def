"""ResNet50 under its old module name, and with the layers and names it had up to Keras 2.2."""

from hornbeam.applications import building
from hornbeam.applications.imagenet_utils import decode_predictions, preprocess_input
from hornbeam.applications.resnet import ResNet50
from hornbeam.layers import (
    Activation,
    BatchNormalization,
    Conv2D,
    Dense,
    GlobalAveragePooling2D,
    MaxPooling2D,
    ZeroPadding2D,
    add,
)

__all__ = ["ClassicResNet50", "ResNet50", "conv_block", "decode_predictions", "identity_block", "preprocess_input"]

# The folder of models may hold the file of ResNet50 under the last part of these URLs.
_URL = "https://github.com/fchollet/deep-learning-models/releases/download/v0.2/resnet50_weights_tf_dim_ordering_tf_kernels"
PUBLISHED = {
    True: (f"{_URL}.h5", "a7b3fe01876f51b976af0dea6bc144eb", "resnet50_classic.h5"),
    False: (f"{_URL}_notop.h5", "a268eb855778b3df3c7506639542a6af", "resnet50_classic_notop.h5"),
}


def ClassicResNet50(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="resnet50", **kwargs,
):  # fmt: skip
    """ResNet50 of Keras 2.0 to 2.2: layers `res2a_branch2a`, `bn2a_branch2a`, ..., `fc1000`, and the weights of then.

    For weight files saved from that network, and for code that asks for its layers by name. It computes what
    :func:`hornbeam.applications.ResNet50` does with epsilon 0.001 in its normalisations; arguments, shapes, errors and
    the preprocessing of pictures are the same.

    Example:
        >>> ClassicResNet50(weights=None, include_top=False).get_layer("res5c_branch2c").filters
        2048

    Reference:
        He et al. 2015, arXiv:1512.03385.
    """
    building.check_arguments("ClassicResNet50", include_top, weights, pooling, classes, classifier_activation, kwargs)
    x, inputs = building.input_of("ClassicResNet50", input_tensor, input_shape, 224, 32, include_top, weights)
    x = ZeroPadding2D(3, name="conv1_pad")(x)
    x = _convolved(x, 64, 7, "conv1", "bn_conv1", strides=2)
    x = ZeroPadding2D(1, name="pool1_pad")(x)
    x = MaxPooling2D(3, strides=2)(x)
    for stage, blocks in ((2, "abc"), (3, "abcd"), (4, "abcdef"), (5, "abc")):
        width = 16 * 2**stage
        x = conv_block(x, 3, (width, width, 4 * width), stage, "a", strides=1 if stage == 2 else 2)
        for block in blocks[1:]:
            x = identity_block(x, 3, (width, width, 4 * width), stage, block)
    if include_top:
        x = GlobalAveragePooling2D(name="avg_pool")(x)
        x = Dense(classes, activation=classifier_activation, name="fc1000")(x)
    else:
        x = building.pooled(x, pooling)
    return building.finish(name, inputs, x, weights, include_top, PUBLISHED)


def identity_block(input_tensor, kernel_size, filters, stage, block):
    """relu(x + f(x)), f of three convolutions.

    Args:
        input_tensor: x.
        kernel_size: of the middle convolution.
        filters: of the three convolutions; the last number is that of the channels of x.
        stage, block: number and letter, for the layers' names: 2 and 'b' give 'res2b_branch2a'.
    """
    x = _three(input_tensor, kernel_size, filters, stage, block, strides=1)
    return Activation("relu")(add([x, input_tensor]))


def conv_block(input_tensor, kernel_size, filters, stage, block, strides=(2, 2)):
    """relu(g(x) + f(x)), f of three convolutions, g of one; both have `strides`. See :func:`identity_block`."""
    x = _three(input_tensor, kernel_size, filters, stage, block, strides)
    shortcut = _convolved(
        input_tensor, filters[2], 1, f"res{stage}{block}_branch1", f"bn{stage}{block}_branch1", strides, activated=False
    )
    return Activation("relu")(add([x, shortcut]))


def _three(x, kernel_size, filters, stage, block, strides):
    sizes = (1, kernel_size, 1)
    for i, (number, size) in enumerate(zip(filters, sizes, strict=True)):
        place = f"{stage}{block}_branch2{'abc'[i]}"
        x = _convolved(x, number, size, f"res{place}", f"bn{place}", strides if i == 0 else 1, activated=i < 2,
                       padding="same" if i == 1 else "valid")  # fmt: skip
    return x


def _convolved(x, filters, size, name, norm_name, strides, activated=True, padding="valid"):
    x = Conv2D(filters, size, strides=strides, padding=padding, kernel_initializer="he_normal", name=name)(x)
    x = BatchNormalization(axis=building.channel_axis(), name=norm_name)(x)
    return Activation("relu")(x) if activated else x
