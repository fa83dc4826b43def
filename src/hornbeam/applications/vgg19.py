"""VGG19: sixteen small convolutions, three dense layers."""

from hornbeam.applications import vgg16
from hornbeam.applications.imagenet_utils import decode_predictions, preprocess_input

__all__ = ["VGG19", "decode_predictions", "preprocess_input"]

_URL = "https://storage.googleapis.com/tensorflow/keras-applications/vgg19/vgg19_weights_tf_dim_ordering_tf_kernels"
PUBLISHED = {
    True: (f"{_URL}.h5", "cbe5617147190e668d6c5d5026f83318"),
    False: (f"{_URL}_notop.h5", "253f8cb515780f3b799900260a226db6"),
}


def VGG19(
    include_top=True, weights: str | None = "imagenet", input_tensor=None, input_shape=None, pooling=None, classes=1000,
    classifier_activation: str | None = "softmax", name="vgg19", **kwargs,
):  # fmt: skip
    """VGG19: as :func:`hornbeam.applications.VGG16` with four convolutions in each of the last three blocks.

    Args, shapes and errors are those of VGG16; so is the preprocessing of pictures.

    Example:
        >>> len(VGG19(weights=None, include_top=False).layers)
        22

    Reference:
        Simonyan and Zisserman 2014, arXiv:1409.1556.
    """
    return vgg16.network(
        "VGG19", (2, 2, 4, 4, 4), PUBLISHED, include_top, weights, input_tensor, input_shape, pooling, classes,
        classifier_activation, name, kwargs,
    )  # fmt: skip
