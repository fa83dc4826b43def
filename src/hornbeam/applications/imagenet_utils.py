"""Pixels the way each ImageNet network wants them, and its 1000 outputs by their names."""

import json

import numpy as np

from hornbeam import backend as K
from hornbeam import checks
from hornbeam.utils.data_utils import get_file

CLASS_INDEX = None
CLASS_INDEX_PATH = "https://storage.googleapis.com/download.tensorflow.org/data/imagenet_class_index.json"
CLASS_INDEX_HASH = "c2c37ea517e94d9795004a39431a14cb"

# Mean and deviation of each channel of ImageNet, in the order that the mode gives the channels.
_CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red, of 0..255
_TORCH_MEAN, _TORCH_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # red, green, blue, of 0..1


def preprocess_input(x, data_format=None, mode="caffe", **kwargs):
    """Pixels of 0..255 as a network was trained on them: (x - mean) / deviation in the mode's scale and channel order.

    Each network's module has a `preprocess_input` of its own with the right mode. Integers come back as a new array of
    floatx. An array of floats is changed itself, as in every Keras: pass `x.copy()` to keep it. Tensors never change.

    Args:
        x: picture or batch of pictures in red, green, blue: an array, a tensor or a symbolic tensor.
        data_format: 'channels_last', 'channels_first', or None for the default layout.
        mode: 'caffe' (blue, green, red; less the mean), 'tf' (scaled to -1..1) or 'torch' (scaled to 0..1, less the
            mean, by the deviation).
        kwargs: the modules that keras_applications took; they do nothing.

    Shapes:
        x (H, W, 3), (B, H, W, 3), (3, H, W) or (B, 3, H, W) -> the same.

    Raises:
        ValueError: unknown mode or layout, not three channels.

    Example:
        >>> preprocess_input(np.array([[[255, 0, 0]]]), mode="tf").tolist()
        [[[1.0, -1.0, -1.0]]]
    """
    data_format = checks.data_format("preprocess_input", data_format)
    if mode not in ("caffe", "tf", "torch"):
        raise checks.wrong_argument("preprocess_input", "mode", mode, "'caffe', 'tf' or 'torch'")
    x = _floats(x)
    rank = len(x.shape)
    if rank not in (3, 4):
        raise checks.wrong_argument("preprocess_input", "x", tuple(x.shape), "of rank 3 (a picture) or 4 (a batch)")
    axis = rank - 3 if data_format == "channels_first" else rank - 1
    if mode != "tf" and x.shape[axis] not in (3, None):
        raise checks.wrong_argument("preprocess_input", "x", tuple(x.shape), f"of 3 channels on axis {axis}")
    steps = _steps(mode, (3, 1, 1) if data_format == "channels_first" else (3,))
    if mode == "caffe":
        x = x[tuple(slice(None, None, -1) if a == axis else slice(None) for a in range(rank))]
    if not isinstance(x, np.ndarray):
        for shift, scale in steps:
            x = (x - shift) / scale
        return x
    for shift, scale in steps:
        x -= shift
        x /= scale
    return x


def _floats(x):
    """`x` as an array that may be written, or a tensor, of a float type."""
    if K.is_tensor(x):
        return x if "float" in K.dtype(x) else K.cast(x, K.floatx())
    x = np.asarray(x)
    if not np.issubdtype(x.dtype, np.floating):
        return x.astype(K.floatx())
    return x if x.flags.writeable else x.copy()


def _steps(mode, shape):
    """(subtract, divide by), one after the other."""
    if mode == "tf":
        return [(0.0, 127.5), (1.0, 1.0)]
    if mode == "torch":
        return [(0.0, 255.0), (_by_channel(_TORCH_MEAN, shape), _by_channel(_TORCH_DEVIATION, shape))]
    return [(_by_channel(_CAFFE_MEAN, shape), 1.0)]


def _by_channel(numbers, shape):
    return np.reshape(np.array(numbers, K.floatx()), shape)


def decode_predictions(preds, top=5, **kwargs):
    """The likeliest ImageNet classes of each row: lists of (WordNet id, name, score), best first.

    The list of names is fetched once into the folder `models` of the cache.

    Args:
        preds: (B, 1000), what a network with its published head predicts.
        top: how many a row, 5.
        kwargs: the modules that keras_applications took; they do nothing.

    Raises:
        ValueError: another shape.
        OSError: the names cannot be fetched.

    Example::

        decode_predictions(model.predict(x), top=1)  # [[('n02504458', 'African_elephant', 0.87)]]
    """
    preds = np.asarray(preds if isinstance(preds, np.ndarray) else K.get_value(preds))
    if preds.ndim != 2 or preds.shape[1] != 1000:
        raise checks.wrong_argument(
            "decode_predictions", "preds", preds.shape, "of shape (B, 1000), from a network with its published head"
        )
    names = _class_index()
    found = []
    for row in preds:
        best = np.argsort(-row, kind="stable")[:top]
        found.append([(*names[str(i)], row[i]) for i in best])
    return found


def _class_index():
    """{'0': ['n01440764', 'tench'], ...}, read once."""
    global CLASS_INDEX
    if CLASS_INDEX is None:
        path = get_file(
            "imagenet_class_index.json", CLASS_INDEX_PATH, cache_subdir="models", file_hash=CLASS_INDEX_HASH
        )
        with open(path, encoding="utf-8") as file:
            CLASS_INDEX = json.load(file)
    return CLASS_INDEX
