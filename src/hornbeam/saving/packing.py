"""A StoredModel as one run of bytes and back, without pickle: what a child process hands to its parent."""

import json
import struct

import numpy as np

from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.stored import Origin, StoredLayer, StoredModel

_NUMERIC = "biufc"


def pack(stored):
    """List of byte strings: length of the header, header as JSON, then every array.

    Example:
        >>> layer = StoredLayer("d", [("kernel:0", np.ones((2, 3), "float32"))])
        >>> unpack(b"".join(pack(StoredModel(None, [layer])))).layers[0].weights[0][1].shape
        (2, 3)
    """
    arrays = []

    def note(array):
        array = np.asarray(array, order="C")
        arrays.append(array)
        return [array.dtype.str if array.dtype.kind in _NUMERIC else array.dtype.name, list(array.shape)]

    header = {
        "architecture": stored.architecture,
        "training": stored.training,
        "origin": [stored.origin.format, stored.origin.keras_version, stored.origin.backend],
        "layers": [[layer.name, [[name, *note(value)] for name, value in layer.weights]] for layer in stored.layers],
        "optimizer": None if stored.optimizer_weights is None else [note(a) for a in stored.optimizer_weights],
    }
    text = json.dumps(header).encode()
    return [struct.pack("<Q", len(text)), text, *(a.tobytes() for a in arrays)]


def unpack(data, path=None):
    """The StoredModel in the bytes `data`; arrays are views of them.

    Raises:
        ModelFileError: the bytes are not what :func:`pack` makes.
    """
    try:
        length = struct.unpack_from("<Q", data)[0]
        header = json.loads(bytes(data[8 : 8 + length]))
        place = 8 + length
        layers = []

        def take(kind, shape):
            nonlocal place
            dtype = _dtype(kind)
            count = int(np.prod(shape, dtype=object))
            array = np.frombuffer(data, dtype, count, place).reshape(shape)
            place += array.nbytes
            return array

        for name, weights in header["layers"]:
            layers.append(StoredLayer(name, [(own, take(kind, shape)) for own, kind, shape in weights]))
        optimizer = header["optimizer"]
        optimizer = None if optimizer is None else [take(kind, shape) for kind, shape in optimizer]
        return StoredModel(header["architecture"], layers, header["training"], optimizer, Origin(*header["origin"]))
    except (ValueError, TypeError, KeyError, struct.error, RecursionError, OverflowError, AttributeError) as error:
        raise ModelFileError(path, f"its reader broke off ({type(error).__name__})") from error


def _dtype(kind):
    if kind == "bfloat16":
        import ml_dtypes

        return np.dtype(ml_dtypes.bfloat16)
    dtype = np.dtype(kind)
    if dtype.kind not in _NUMERIC:
        raise ValueError(f"arrays of {kind!r} are no weights")
    return dtype
