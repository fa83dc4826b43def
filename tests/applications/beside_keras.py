"""Networks for pictures beside those of real Keras 3: the same layers, and from the same weights the same numbers."""

import contextlib
import functools
import re

import numpy as np

from hornbeam import applications


@functools.cache
def keras_network(name, **arguments):
    """Keras' own network, with random weights; made once a session for each set of arguments."""
    import keras

    return getattr(keras.applications, name)(weights=None, **arguments)


def same_layers(ours, theirs, without_place=()):
    """Assert that all layers have the same class, the same weight shapes, and the same name if it was given by hand.

    Args:
        ours, theirs: the networks.
        without_place: class names of layers without weights that one of the two does without.
    """
    mine = [layer for layer in ours.layers if type(layer).__name__ not in without_place]
    others = [layer for layer in theirs.layers if type(layer).__name__ not in without_place]
    assert [type(layer).__name__ for layer in mine] == [type(layer).__name__ for layer in others]
    for layer, other in zip(mine, others, strict=True):
        assert [tuple(w.shape) for w in layer.weights] == [tuple(w.shape) for w in other.weights], other.name
        if _named_by_hand(other):
            assert layer.name == other.name
    assert ours.count_params() == theirs.count_params()


def same_outputs(ours, theirs, size, tolerance=1e-4, rows=2):
    """Assert that both give the same for random pictures once ours has their weights.

    The numbers of batch normalisation are drawn first, so that none of them is a neutral 0 or 1.

    Args:
        ours, theirs: the networks, channels last.
        size: height and width of the pictures.
        tolerance: largest difference, as a part of the largest output.
        rows: pictures.
    """
    draw = np.random.default_rng(7)
    weights = [_stirred(w.path, np.asarray(w), draw) for w in theirs.weights]
    theirs.set_weights(weights)
    ours.set_weights([np.asarray(w) for layer in theirs.layers for w in layer.weights])
    x = draw.uniform(-1, 1, (rows, size, size, 3)).astype("float32")
    expected, got = theirs.predict(x, verbose=0), ours.predict(x)
    scale = np.abs(expected).max()
    assert 0 < scale < np.inf
    assert got.shape == expected.shape
    np.testing.assert_allclose(got / scale, expected / scale, rtol=0, atol=tolerance)


def check(name, size, arguments=(), **options):
    """Both assertions for the network `name` without its head, averaged over places."""
    arguments = {"include_top": False, "pooling": "avg", "input_shape": (size, size, 3), **dict(arguments)}
    theirs = keras_network(name, **arguments)
    ours = getattr(applications, name)(weights=None, **arguments)
    same_layers(ours, theirs, **options)
    same_outputs(ours, theirs, size)


def same_layers_with_head(name, **options):
    """Compare the layers of the whole network, head and all, at the size it was made for."""
    same_layers(getattr(applications, name)(weights=None), keras_network(name), **options)


def published(name):
    """{include_top: (URL, hash)} of the files that Keras would fetch for its network `name`."""
    import keras
    from keras.src.utils import file_utils

    found = {}

    class Stop(Exception):
        pass

    def get_file(fname, origin, cache_subdir, file_hash):
        found[include_top] = (origin, file_hash)
        raise Stop

    network = getattr(keras.applications, name)
    original, file_utils.get_file = file_utils.get_file, get_file
    try:
        for include_top in (True, False):
            with contextlib.suppress(Stop):
                network(weights="imagenet", include_top=include_top)
    finally:
        file_utils.get_file = original
    return found


def _named_by_hand(layer):
    """Is it no name that Keras counted, such as conv2d, conv2d_1, input_layer?"""
    from keras.src.utils.naming import to_snake_case

    counted = "input_layer" if type(layer).__name__ == "InputLayer" else to_snake_case(type(layer).__name__)
    return not re.fullmatch(rf"{counted}(_\d+)?", layer.name)


def _stirred(path, value, draw):
    """Numbers of batch normalisation that are not neutral; kernels stay."""
    kind = path.split("/")[-1]
    if kind in ("gamma", "moving_variance"):
        return draw.uniform(0.8, 1.2, value.shape).astype("float32")
    if kind in ("beta", "moving_mean", "bias"):
        return draw.uniform(-0.1, 0.1, value.shape).astype("float32")
    return value
