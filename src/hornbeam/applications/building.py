"""What all networks for pictures share: their arguments and input, the head, the published weights."""

import os
import warnings

from hornbeam import backend as K
from hornbeam import checks, symbolic
from hornbeam.core.input_layer import Input
from hornbeam.layers import Dense, GlobalAveragePooling2D, GlobalMaxPooling2D
from hornbeam.models import Model
from hornbeam.utils.data_utils import get_file

# Code that used the keras_applications package by itself handed it these modules; there is but one of each here.
_MODULES = ("backend", "layers", "models", "utils", "engine")


def check_arguments(owner, include_top, weights, pooling, classes, activation, rest):
    """Refuse arguments that do not go together, before anything is built.

    Args:
        owner: name of the network's function, for messages.
        include_top, weights, pooling, classes: as in every network; see :func:`hornbeam.applications.VGG16`.
        activation: `classifier_activation`.
        rest: dict of further keyword arguments; only the modules that keras_applications wanted are allowed.

    Raises:
        ValueError: unknown `pooling`, no such file of weights, another number of classes or another activation than
            the published weights are made for.
        TypeError: an unknown keyword.
    """
    unknown = set(rest) - set(_MODULES)
    if unknown:
        known = ["include_top", "weights", "input_tensor", "input_shape", "pooling", "classes",
                 "classifier_activation", "name"]  # fmt: skip
        raise checks.unknown_keywords(owner, unknown, known)
    if pooling not in (None, "avg", "max"):
        raise checks.wrong_argument(owner, "pooling", pooling, "None, 'avg' or 'max'")
    if not (weights is None or weights == "imagenet" or os.path.exists(weights)):
        raise checks.wrong_argument(owner, "weights", weights, "None, 'imagenet' or the path of a file that exists")
    if not include_top:
        return
    checks.integer(owner, "classes", classes, least=1)
    if weights == "imagenet" and classes != 1000:
        raise ValueError(
            f"{owner}: the weights 'imagenet' are for 1000 classes; got classes={classes}. Take include_top=False and "
            f"put a head of your own on top, or weights=None."
        )
    if weights == "imagenet" and activation not in (None, "softmax", "linear"):
        raise checks.wrong_argument(
            owner, "classifier_activation", activation, "'softmax' or None with the weights 'imagenet'"
        )


def input_of(owner, input_tensor, input_shape, default_size, minimum_size, include_top, weights, data_format=None):
    """The tensor a network starts from, and the inputs of the model around it.

    Args:
        owner: name of the network's function, for messages.
        input_tensor: tensor to start from, or None for a new Input.
        input_shape: the caller's, without the batch, or None.
        default_size: height and width the network was made for.
        minimum_size: smallest height and width it can work with.
        include_top: does it end in the head? Then None means the default size, else any size.
        weights: as given; the published ones want 3 channels, and with their head the default size.
        data_format: None for the default layout.

    Returns:
        (tensor, inputs): what the first layer is called on, and what the model is made from. They differ when
        `input_tensor` was itself computed from an input.

    Raises:
        ValueError: a shape the network cannot have.
    """
    if input_tensor is None:
        shape = input_shape_of(owner, input_shape, default_size, minimum_size, include_top, weights, data_format)
        tensor = Input(shape=shape)
        return tensor, tensor
    if not K.is_symbolic(input_tensor):
        raise checks.wrong_argument(
            owner, "input_tensor", type(input_tensor).__name__, "a tensor that Input or a layer gave"
        )
    inputs = symbolic.leaves_of([input_tensor])
    for tensor in inputs:
        if not K.is_keras_tensor(tensor):  # a placeholder
            Input(tensor=tensor)
    return input_tensor, inputs[0] if len(inputs) == 1 else inputs


def input_shape_of(owner, input_shape, default_size, minimum_size, include_top, weights, data_format=None):
    """The shape of the input without the batch: `input_shape` if it is a good one, else the network's own.

    Raises:
        ValueError: it is none of three sizes, too small, not fixed although there is a head, or not what the published
            weights are for.
    """
    first = checks.data_format(owner, data_format) == "channels_first"
    own = _shape(3, default_size, default_size, first)
    if input_shape is None:
        return own if include_top else _shape(3, None, None, first)
    shape = tuple(input_shape)
    if len(shape) != 3:
        raise checks.wrong_argument(owner, "input_shape", input_shape, f"three sizes such as {own}")
    channels, *sizes = shape if first else (shape[2], *shape[:2])
    if weights == "imagenet" and (channels != 3 or (include_top and shape != own)):
        wanted = f"{own}, what its head was trained on" if include_top else "one of 3 channels"
        raise checks.wrong_argument(owner, "input_shape", shape, f"{wanted}, with the weights 'imagenet'")
    if weights != "imagenet" and channels not in (1, 3):
        warnings.warn(f"{owner}: pictures have 1 or 3 channels; input_shape {shape} has {channels}.", stacklevel=4)
    if any(size is not None and size < minimum_size for size in sizes):
        raise checks.wrong_argument(
            owner, "input_shape", shape, f"at least {minimum_size} high and wide: the network halves it again and again"
        )
    if include_top and None in shape:
        raise checks.wrong_argument(owner, "input_shape", shape, "of fixed sizes where include_top=True")
    return shape


def _shape(channels, height, width, first):
    return (channels, height, width) if first else (height, width, channels)


def channel_axis():
    """Axis of the channels in the default layout: 1 or 3."""
    return 1 if K.image_data_format() == "channels_first" else 3


def pooled(x, pooling, average_name=None, maximum_name=None):
    """`x` averaged ('avg') or maximised ('max') over height and width, or as it is (None)."""
    if pooling == "avg":
        return GlobalAveragePooling2D(name=average_name)(x)
    return GlobalMaxPooling2D(name=maximum_name)(x) if pooling == "max" else x


def averaged_head(x, include_top, pooling, classes, activation: str | None = "softmax", pooling_names=(None, None)):
    """The head of most networks: the average of each channel and a Dense layer 'predictions'; else :func:`pooled`.

    Args:
        x: feature map.
        include_top, pooling, classes: as in every network.
        activation: of the layer 'predictions'.
        pooling_names: names of the layers that `pooling` adds where there is no head.
    """
    if not include_top:
        return pooled(x, pooling, *pooling_names)
    x = GlobalAveragePooling2D(name="avg_pool")(x)
    return Dense(classes, activation=activation, name="predictions")(x)


def finish(name, inputs, x, weights, include_top, published):
    """The model from `inputs` to `x`, with its weights: new ones, the published ones, or those of a file.

    Args:
        name: of the model.
        inputs: as :func:`input_of` gave them.
        x: last tensor.
        weights: None, 'imagenet' or a path.
        include_top: does it end in the head?
        published: {True: (URL, MD5), False: (URL, MD5)}, the files with and without head; a third item is the name in
            the cache where it is not the last part of the URL.

    Raises:
        ValueError: nobody published such weights, or they are those of another network.
        OSError: they cannot be fetched.
    """
    model = Model(inputs, x, name=name)
    if weights == "imagenet":
        weights = _fetched(name, published.get(bool(include_top)))
    if weights is not None:
        model.load_weights(weights)
    return model


def _fetched(name, entry):
    if entry is None:
        raise ValueError(f"Nobody published weights for {name} like this. Take weights=None, or the path of a file.")
    url, md5, *cached_as = entry
    return get_file(cached_as[0] if cached_as else None, url, cache_subdir="models", file_hash=md5)
