"""Arrays as old files hold them, made into the arrays that the layers here have.

Keras 1 had one array a gate and kernels with the filters first; Theano turned convolutions round; CuDNNLSTM and
CuDNNGRU have their matrices the way cuDNN reads them, and two biases; models inside models put frozen weights last.
"""

import warnings

import numpy as np

# Name of the class -> what is done with Keras 1's arrays; and those whose kernels Theano turned round.
_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose", "ConvLSTM2D")
_RECURRENT = ("LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU")


def for_layer(layer, arrays, origin, names=None):
    """The arrays of a file for `layer`, in the order, the shapes and the meaning of `layer.weights`.

    Args:
        layer: the built layer (or model inside a model).
        arrays: list of arrays as the file has them.
        origin: Origin of the file: its format, version and backend.
        names: names of the arrays in the file, if known; they tell which backend wrote a file of Keras 1.

    Returns:
        A list of arrays. What cannot be recognised comes back as it was, for the caller to compare shapes.

    Raises:
        ValueError: weights of a GRU that computes something else.
    """
    arrays = list(arrays)
    if origin.format not in ("h5", "") or origin.version[0] >= 3:
        return arrays
    return _Reader(origin, _backend(origin, names)).read(layer, arrays)


def _backend(origin, names):
    """'theano' or 'tensorflow': what a file of Keras 1 does not say, but TensorFlow's names end in ':0'."""
    if origin.backend or not names or origin.version[0] > 1:
        return origin.backend
    return "tensorflow" if all(":" in name for name in names) else "theano"


class _Reader:
    """What of the file the rules depend on."""

    def __init__(self, origin, backend):
        self.first = origin.version[0] <= 1
        self.oldest = origin.keras_version == "0"
        self.theano = backend == "theano"

    def read(self, layer, arrays):
        kind = _kind(layer)
        if kind == "model":
            return self._model(layer, arrays)
        if kind == "Bidirectional":
            half = len(arrays) // 2
            return self.read(layer.forward_layer, arrays[:half]) + self.read(layer.backward_layer, arrays[half:])
        if kind == "TimeDistributed":
            return self.read(layer.layer, arrays)
        if kind == "RNN":
            return arrays
        if self.first:
            arrays = _from_keras_1(kind, layer, arrays)
        if self.oldest and kind == "BatchNormalization" and len(arrays) == 4:
            arrays = [*arrays[:3], _variance(arrays[3], layer.epsilon)]
        if self.theano:
            _warn_of_theano(kind, layer)
        if self.theano and kind in _CONVOLUTIONS:
            arrays = [_turned(a) if i < (2 if kind == "ConvLSTM2D" else 1) else a for i, a in enumerate(arrays)]
        if kind in _RECURRENT and len(arrays) == 3:
            return _of_cudnn(kind, layer, arrays)
        if kind.startswith("LocallyConnected") and arrays:
            return [_local_kernel(layer, arrays[0]), *(_local_bias(layer, b) for b in arrays[1:])]
        return arrays

    def _model(self, model, arrays):
        """A model inside a model: trainable weights of all layers, then the others, where a frozen layer's are."""
        order = _file_order(model)
        if len(order) != len(arrays):
            return arrays
        given = {id(variable): array for variable, array in zip(order, arrays, strict=True)}
        found = {}
        for layer in model.layers:
            own = layer.weights
            if self.first and len(own) != len(_file_order(layer)):
                return arrays
            inner = [given[id(v)] for v in _file_order(layer)]
            for variable, array in zip(own, self.read(layer, inner), strict=False):
                found[id(variable)] = array
        return [found.get(id(variable), given[id(variable)]) for variable in model.weights]


def _kind(layer):
    """Name of the class of the house that `layer` is or is derived from."""
    if hasattr(layer, "layers") and hasattr(layer, "compile"):
        return "model"
    return next((base.__name__ for base in type(layer).__mro__ if base.__module__.startswith("hornbeam.layers")), "")


def _file_order(layer):
    """Variables in the order Keras 2 writes a layer's: those it trains, then those it does not."""
    return [*_trained(layer), *_not_trained(layer)]


def _trained(layer):
    inner = _inside(layer)
    if not layer.trainable:
        return []
    return [w for la in inner for w in _trained(la)] if inner else list(layer.trainable_weights)


def _not_trained(layer):
    inner = _inside(layer)
    if not inner:
        return list(layer.non_trainable_weights)
    rest = [w for la in inner for w in _not_trained(la)]
    return rest if layer.trainable else [w for la in inner for w in _trained(la)] + rest


def _inside(layer):
    return list(layer.layers) if _kind(layer) == "model" else []


# --- Keras 1 ---


def _from_keras_1(kind, layer, arrays):
    """One array a gate side by side; kernels with filters and channels last."""
    first = getattr(layer, "data_format", "") == "channels_first"
    if kind == "Conv1D" and arrays and np.ndim(arrays[0]) == 4:
        kernel = arrays[0]
        if kernel.shape[:2] != (layer.kernel_size[0], 1) or kernel.shape[3] != layer.filters:
            kernel = kernel.transpose(2, 3, 1, 0)  # before 1.1: (filters, channels, length, 1)
        return [kernel[:, 0], *arrays[1:]]
    if kind in ("Conv2D", "Conv3D") and first and arrays:
        return [_filters_last(arrays[0]), *arrays[1:]]
    if kind == "Conv2DTranspose" and arrays:
        return [arrays[0].transpose((2, 3, 0, 1) if first else (0, 1, 3, 2)), *arrays[1:]]
    if kind == "SeparableConv2D" and first and len(arrays) > 1:
        return [_filters_last(arrays[0]), _filters_last(arrays[1]), *arrays[2:]]
    if kind == "Highway" and len(arrays) == 4 and np.ndim(arrays[1]) == 1:
        return [arrays[i] for i in (0, 2, 1, 3)]  # each matrix had its bias beside it
    if kind == "GRU" and len(arrays) == 9:
        return _joined(arrays, (0, 1, 2))
    if kind == "LSTM" and len(arrays) == 12:
        return _joined(arrays, (0, 2, 1, 3))  # i, c, f, o there; i, f, c, o here
    if kind == "ConvLSTM2D" and len(arrays) == 12:
        if first:
            arrays = [_filters_last(a) if np.ndim(a) == 4 else a for a in arrays]
        return _joined(arrays, (0, 2, 1, 3))
    return arrays


def _variance(deviation, epsilon):
    """The variance by which a layer of today divides as Keras 0.x did: by the standard deviation plus epsilon."""
    return np.square(deviation + epsilon) - epsilon


def _filters_last(kernel):
    """(filters, channels, *window) as (*window, channels, filters)."""
    return np.transpose(kernel, (*range(2, np.ndim(kernel)), 1, 0))


def _joined(arrays, gates):
    """[W, U, b of each gate] as one W, one U and one b, with the gates in the order `gates`."""
    return [np.concatenate([arrays[3 * gate + part] for gate in gates], axis=-1) for part in range(3)]


def _warn_of_theano(kind, layer):
    """Theano put the zeros of padding='same' elsewhere, unless the window is odd and moves place by place."""
    if kind not in _CONVOLUTIONS or getattr(layer, "padding", "") != "same":
        return
    if any(size % 2 == 0 for size in layer.kernel_size) or set(layer.strides) != {1}:
        warnings.warn(
            f"{kind} {layer.name!r} was trained with Theano, which placed the zeros of padding='same' otherwise for a "
            f"window of {tuple(layer.kernel_size)} with strides {tuple(layer.strides)}: predictions will differ. Train "
            f"the model a little further, or put a ZeroPadding layer before it and use padding='valid'.",
            stacklevel=2,
        )


def _turned(kernel):
    """A kernel (*window, channels, filters) turned round: Theano convolved, where all others correlate."""
    window = np.ndim(kernel) - 2
    return np.ascontiguousarray(np.flip(kernel, tuple(range(window))))


# --- cuDNN ---


def _of_cudnn(kind, layer, arrays):
    """Weights of LSTM and GRU for whichever of the two kinds of layer this is.

    A bias of twice the length says that cuDNN's weights are given. Its matrices lie as (units, inputs), gate by gate.
    """
    kernel, recurrent, bias = arrays
    gates = 4 if "LSTM" in kind else 3
    units = np.shape(recurrent)[0]
    flat, wanted = np.shape(bias) == (2 * gates * units,), layer.weights[2].shape
    if flat:
        kernel, recurrent = _plain(kernel, gates), _plain(recurrent, gates)
    if np.shape(bias) == tuple(wanted):
        return [kernel, recurrent, bias]
    if gates == 4 and tuple(wanted) in ((4 * units,), (8 * units,)) and np.size(bias) in (4 * units, 8 * units):
        bias = bias.reshape(2, -1).sum(0) if flat else np.tile(bias / 2, 2)
        return [kernel, recurrent, bias]
    if gates == 3 and np.size(bias) == np.prod(wanted):
        return [kernel, recurrent, np.reshape(bias, wanted)]
    if gates == 3 and {np.size(bias), int(np.prod(wanted))} == {3 * units, 6 * units}:
        had = np.size(bias) == 6 * units
        raise ValueError(
            f"{kind} {layer.name!r}: the weights are of a GRU with reset_after={had}, which computes something else. "
            f"Make the layer with reset_after={had}" + (" and recurrent_activation='sigmoid'." if flat else ".")
        )
    return arrays


def _plain(kernel, gates):
    """cuDNN's matrix of each gate, (units, inputs) read row by row, as (inputs, units)."""
    return np.concatenate([k.reshape(k.shape[::-1]).T for k in np.split(np.asarray(kernel), gates, axis=1)], axis=1)


# --- LocallyConnected ---


def _local_kernel(layer, kernel):
    """The kernel with one block a place, out of the two other layouts of tf.keras 2 (implementation 2 and 3)."""
    wanted = layer.weights[0].shape
    if np.shape(kernel) == tuple(wanted):
        return kernel
    size, channels = _sizes(layer)
    if np.ndim(kernel) == 2 * len(size) + 2:
        return _blocks(layer, kernel, size, channels)
    if np.ndim(kernel) == 1 and np.size(kernel) == np.prod(wanted):
        return _from_entries(layer, kernel, size, channels)
    return kernel


def _local_bias(layer, bias):
    """The bias (*places, filters) such that each place gets what it got: with channels first, Keras did not turn
    the axes of the bias but read it row by row as (filters, *places)."""
    wanted = tuple(layer.weights[1].shape)
    if layer.data_format != "channels_first" or np.shape(bias) != wanted:
        return bias
    return np.moveaxis(np.reshape(bias, (wanted[-1], *wanted[:-1])), 0, -1)


def _sizes(layer):
    shape = layer.input_spec.shape
    first = layer.data_format == "channels_first"
    return tuple(shape[2:] if first else shape[1:-1]), shape[1] if first else shape[-1]


def _places(layer, size):
    """For each place of the result, in order: (its index, the indices of the inputs that it sees)."""
    rows = zip(size, layer.kernel_size, layer.strides, strict=True)
    count = [(n - k) // s + 1 for n, k, s in rows]
    for place in np.ndindex(*count):
        starts = [p * s for p, s in zip(place, layer.strides, strict=True)]
        yield place, [tuple(np.add(starts, offset).tolist()) for offset in np.ndindex(*layer.kernel_size)]


def _blocks(layer, kernel, size, channels):
    """From a dense kernel (*inputs, channels, *places, filters), zero where a place does not look."""
    if layer.data_format == "channels_first":
        rank = len(size)
        kernel = np.transpose(kernel, (*range(1, rank + 1), 0, *range(rank + 2, 2 * rank + 2), rank + 1))
    found = []
    for place, window in _places(layer, size):
        block = np.stack([kernel[index][(slice(None), *place)] for index in window])  # (window, channels, filters)
        found.append(_as_seen(layer, block))
    return np.stack(found)


def _as_seen(layer, block):
    """(window, channels, filters) as the rows of a kernel here, whose order follows the layout of the inputs."""
    if layer.data_format == "channels_first":
        block = block.transpose(1, 0, 2)
    return block.reshape(-1, block.shape[-1])


def _from_entries(layer, kernel, size, channels):
    """From the list of entries that are not zero, sorted by the place in the result, then in the inputs."""
    filters = layer.filters
    first = layer.data_format == "channels_first"
    positions = {}
    pairs = []
    for number, (place, window) in enumerate(_places(layer, size)):
        for row, index in enumerate(window):
            for channel in range(channels):
                for f in range(filters):
                    out = (f, *place) if first else (*place, f)
                    inp = (channel, *index) if first else (*index, channel)
                    at = channel * len(window) + row if first else row * channels + channel
                    pairs.append(((out, inp), (number, at, f)))
    for value, (_, target) in zip(kernel, sorted(pairs), strict=True):
        positions[target] = value
    found = np.zeros(layer.weights[0].shape, np.asarray(kernel).dtype)
    for target, value in positions.items():
        found[target] = value
    return found


# --- Optimizers ---


def optimizer_state(arrays, shapes, origin):
    """The state of an optimizer as Keras 2.2.4 wrote it: the number of updates, then each slot over all weights.

    Since TensorFlow 2.11 the slots of each weight stand together, and the rate may come after the number of updates.

    Args:
        arrays: list as the file has it, or None.
        shapes: shapes of the trained weights, in order.
        origin: Origin of the file.

    Returns:
        A list; None if the file holds no state worth restoring.
    """
    if not arrays or origin.format != "h5" or np.ndim(arrays[0]) or origin.version[0] < 2:
        return arrays
    rest = arrays[1:]
    if len(rest) and not np.ndim(rest[0]) and origin.version >= (2, 11):
        rest = rest[1:]
    if not rest:  # SGD needs no more; others have not begun
        return arrays[:1] if arrays[0] else None
    slots, count = len(rest) // max(len(shapes), 1), len(shapes)
    together = min(slots, 2)  # a third slot, of amsgrad, follows after the others
    if origin.version >= (2, 11) and len(rest) == slots * count and _stand_together(rest, shapes, together):
        rest = [rest[i * together + j] for j in range(together) for i in range(count)] + rest[together * count :]
    return [arrays[0], *rest]


def _stand_together(arrays, shapes, slots):
    expected = [tuple(shape) for shape in shapes for _ in range(slots)]
    return [np.shape(array) for array in arrays[: len(expected)]] == expected
