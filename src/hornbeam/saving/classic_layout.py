"""How the classic part of an .h5 file differs from `layer.weights`: in which order arrays stand, and how some lie.

Keras 2 and 3 read frozen weights of a model inside a model last, CuDNN's matrices transposed gate by gate, and the bias
of LocallyConnected with channels first row by row. A plan says this as plain data, so that the reader can undo it
without layers; nothing here rounds, so arrays come back bit for bit.
"""

import numpy as np

from hornbeam.saving.old_weights import _file_order, _kind

_CUDNN = {"cudnn_lstm": 4, "cudnn_gru": 3}  # layout -> gates
_FILTERS_FIRST = "filters_first"


def plan(layer):
    """[(place in `layer.weights`, layout)] in the order in which Keras 2 writes the weights of `layer`.

    A layout is the name of what is done with the array, '' for nothing.

    Example:
        >>> from hornbeam.layers import Dense, Input
        >>> layer = Dense(2)
        >>> _ = layer(Input((3,)))
        >>> plan(layer)
        [(0, ''), (1, '')]
    """
    places = {id(variable): i for i, variable in enumerate(layer.weights)}
    found = [(places.get(id(variable)), layout) for variable, layout in _ordered(layer)]
    if sorted(place for place, _ in found if place is not None) != list(range(len(places))):
        return [(i, "") for i in places.values()]  # a model with weights of its own, say
    return found


def _ordered(layer):
    """[(variable, layout)] in the order of files."""
    kind = _kind(layer)
    if kind == "Bidirectional":
        return _ordered(layer.forward_layer) + _ordered(layer.backward_layer)
    if kind == "TimeDistributed":
        return _ordered(layer.layer)
    if kind == "model":
        layouts = {id(v): layout for inner in layer.layers for v, layout in _ordered(inner)}
        return [(v, layouts.get(id(v), "")) for v in _file_order(layer)]
    own = list(layer.weights)
    layouts = [""] * len(own)
    if kind in ("CuDNNLSTM", "CuDNNGRU") and len(own) == 3:
        layouts[:2] = ["cudnn_lstm" if kind == "CuDNNLSTM" else "cudnn_gru"] * 2
    if kind.startswith("LocallyConnected") and len(own) == 2 and layer.data_format == "channels_first":
        layouts[1] = _FILTERS_FIRST
    return list(zip(own, layouts, strict=True))


def laid_out(array, layout):
    """An array of a layer as the file has it.

    Raises:
        ValueError: there is no such layout.
    """
    if not layout:
        return array
    if layout == _FILTERS_FIRST:  # (*places, filters), kept in the order of (filters, *places)
        return np.moveaxis(array, -1, 0).reshape(np.shape(array))
    return np.concatenate([k.T.reshape(k.shape) for k in np.split(array, _gates(layout), axis=1)], axis=1)


def restored(array, layout):
    """The reverse of :func:`laid_out`.

    Example:
        >>> kernel = np.arange(24).reshape(2, 12)
        >>> np.array_equal(restored(laid_out(kernel, "cudnn_lstm"), "cudnn_lstm"), kernel)
        True
    """
    if not layout:
        return array
    if layout == _FILTERS_FIRST:
        return np.moveaxis(np.reshape(array, (array.shape[-1], *array.shape[:-1])), 0, -1)
    return np.concatenate([k.reshape(k.shape[::-1]).T for k in np.split(array, _gates(layout), axis=1)], axis=1)


def _gates(layout):
    if layout not in _CUDNN:
        raise ValueError(f"the layout {layout!r} of an array is not known")
    return _CUDNN[layout]
