"""Networks for pictures beside those of real Keras 3: the same layers, and from the same weights the same numbers."""

import contextlib
import importlib
import operator
import re

import numpy as np

from hornbeam import applications


def keras_network(name, **arguments):
    """Keras' own network, with random weights: made anew, as hundreds of megabytes of each are not to be kept."""
    import keras

    with weights_of_numpy():
        package = importlib.import_module("keras.src.applications") if "." in name else keras.applications
        return _function(package, name)(weights=None, **arguments)


def _function(package, name):
    """`name` in the package or, as in 'nasnet.NASNet', in one of its modules."""
    return operator.attrgetter(name)(package)


@contextlib.contextmanager
def weights_of_numpy():
    """Within, Keras' weights are drawn by NumPy: Keras itself compiles a program for every new shape, in seconds."""
    from keras.src.initializers.random_initializers import VarianceScaling, compute_fans

    draw = np.random.default_rng(3)

    def fill(initializer, shape, dtype=None):
        inputs, outputs = compute_fans(shape)
        return draw.standard_normal(shape, "float32") * np.float32(np.sqrt(2 / (inputs + outputs)))

    original, VarianceScaling.__call__ = VarianceScaling.__call__, fill
    try:
        yield
    finally:
        VarianceScaling.__call__ = original


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


def same_outputs(ours, theirs, size, tolerance=1e-4, rows=2, brightest=1):
    """Assert that both give the same for random pictures once ours has their weights.

    The numbers of batch normalisation are drawn first, so that none of them is a neutral 0 or 1.

    Args:
        ours, theirs: the networks, channels last.
        size: height and width of the pictures.
        tolerance: largest difference, as a part of the largest output.
        rows: pictures.
        brightest: pixels are drawn from -brightest..brightest.
    """
    draw = np.random.default_rng(7)
    weights = [_stirred(w.path, np.asarray(w), draw) for w in theirs.weights]
    theirs.set_weights(weights)
    ours.set_weights([np.asarray(w) for layer in theirs.layers for w in layer.weights])
    x = draw.uniform(-brightest, brightest, (rows, size, size, 3)).astype("float32")
    expected, got = theirs.predict(x, verbose=0), ours.predict(x)
    scale = np.abs(expected).max()
    assert 0 < scale < np.inf
    assert got.shape == expected.shape
    np.testing.assert_allclose(got / scale, expected / scale, rtol=0, atol=tolerance)


def check(name, size, outputs=True, arguments=(), brightest=1, **options):
    """Both assertions for the network `name` without its head, averaged over places.

    Args:
        name: of the network.
        size: height and width of the pictures.
        outputs: compare them too? Both libraries compile the network for that.
        arguments: dict of further arguments of the network.
        brightest: see :func:`same_outputs`.
        options: for :func:`same_layers`.
    """
    arguments = {"include_top": False, "pooling": "avg", "input_shape": (size, size, 3), **dict(arguments)}
    theirs = keras_network(name, **arguments)
    ours = _function(applications, name)(weights=None, **arguments)
    same_layers(ours, theirs, **options)
    if outputs:
        same_outputs(ours, theirs, size, brightest=brightest)


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

    def get_file(fname, origin, cache_subdir, file_hash=None):
        found[include_top] = (origin, file_hash)
        raise Stop

    network = getattr(keras.applications, name)
    original, file_utils.get_file = file_utils.get_file, get_file
    try:
        for include_top in (True, False):
            with contextlib.suppress(Stop), weights_of_numpy():
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
    if kind in ("gamma", "moving_variance", "variance"):
        return draw.uniform(0.8, 1.2, value.shape).astype("float32")
    if kind in ("beta", "moving_mean", "mean", "bias"):
        return draw.uniform(-0.1, 0.1, value.shape).astype("float32")
    return value
