"""Arrays of a file into the weights of a model: layer by layer in their order, or by the layers' names.

Every array is matched before any weight is set, so an error leaves the model as it was.
"""

import warnings

import numpy as np

from hornbeam import backend as K
from hornbeam.saving import classic_layout, old_weights
from hornbeam.saving.stored import OWN_WEIGHTS, StoredLayer


class _OwnWeights:
    """Weights that a model made itself, looking like a layer."""

    def __init__(self, model):
        self.name = OWN_WEIGHTS
        self.weights = list(model._own_weights)


def holders(model):
    """What holds the model's weights: its layers in order, and itself where it made weights of its own."""
    return [*model.layers, *([_OwnWeights(model)] if model._own_weights else [])]


def stored_layers(model):
    """The weights of `model` as StoredLayers, to be written at once: the arrays are the model's own memory."""
    found = holders(model)
    plans = [None if isinstance(layer, _OwnWeights) else classic_layout.plan(layer) for layer in found]
    return [StoredLayer(layer.name, [(w.name, K.engine.view(w.value)) for w in layer.weights], plan)
            for layer, plan in zip(found, plans, strict=True)]  # fmt: skip


def set_in_order(model, stored, where, skip_mismatch=False, reshape=False):
    """Give the layers with weights those of the stored layers with weights, first to first.

    Args:
        model: built model.
        stored: StoredModel.
        where: what to call the file in messages.
        skip_mismatch: leave layers whose weights do not fit as they are, with a warning.
        reshape: bring arrays of the right size into the wanted shape.

    Raises:
        ValueError: another number of layers or weights, or a shape that differs.
    """
    own = [layer for layer in holders(model) if layer.weights]
    given = [layer for layer in stored.layers if layer.weights]
    if len(own) != len(given):
        raise ValueError(
            f"{where} holds weights for {_layers(given)}, but the model {model.name!r} has {_layers(own)} with "
            f"weights. Build the model the file was saved from, or match by name: load_weights(..., by_name=True)."
        )
    _set(zip(own, given, strict=True), stored.origin, where, skip_mismatch, reshape)


def has_names_of(model, stored):
    """Do the layers with weights have the names of the stored ones, each once? Keras 1 wrote them in another order."""
    own = [layer.name for layer in holders(model) if layer.weights]
    given = [layer.name for layer in stored.layers if layer.weights]
    return len(set(own)) == len(own) and sorted(own) == sorted(given)


def set_by_name(model, stored, where, skip_mismatch=False, reshape=False):
    """Give each layer the weights of the stored layer of its name; all others stay as they are.

    Raises:
        ValueError: as for :func:`set_in_order`.
    """
    by_name = {layer.name: layer for layer in holders(model)}
    pairs = [(by_name[given.name], given) for given in stored.layers if given.weights and given.name in by_name]
    if not pairs and any(given.weights for given in stored.layers):
        warnings.warn(
            f"{where}: no layer of the model {model.name!r} has a name that the file knows, so nothing was loaded. The "
            f"file has {_layers([given for given in stored.layers if given.weights])}.",
            stacklevel=4,
        )
    _set(pairs, stored.origin, where, skip_mismatch, reshape)


def _layers(layers):
    names = [layer.name for layer in layers]
    shown = ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
    return f"{len(names)} layer{'' if len(names) == 1 else 's'}" + (f" ({shown})" if names else "")


def _set(pairs, origin, where, skip_mismatch, reshape):
    found = []
    for layer, given in pairs:
        try:
            found += _fitted(layer, given, origin, reshape)
        except ValueError as error:
            if not skip_mismatch:
                raise ValueError(f"{where}: {error} Is it the file of another model? To leave out layers that do not "
                                 f"fit: load_weights(..., by_name=True, skip_mismatch=True).") from error  # fmt: skip
            warnings.warn(f"Left as it was: {error}", stacklevel=5)
    for variable, array in found:
        variable.adopt(K.engine.take_over(array, variable.dtype))  # read for this model: nobody else holds it


def _fitted(layer, given, origin, reshape):
    """(variable, array) for all weights of a layer."""
    arrays = [value for _, value in given.weights]
    if not isinstance(layer, _OwnWeights):
        arrays = old_weights.for_layer(layer, arrays, origin, [name for name, _ in given.weights])
    own = layer.weights
    what = f"layer {layer.name!r} ({type(layer).__name__})" if not isinstance(layer, _OwnWeights) else "the model"
    if len(own) != len(arrays):
        named = "" if given.name == layer.name else f" (its layer {given.name!r})"
        if not own:
            raise ValueError(f"{what} has no weights, the file{named} has {len(arrays)}: is the layer built?")
        raise ValueError(f"{what} has {len(own)} weights, the file{named} has {len(arrays)}.")
    found = []
    for variable, array in zip(own, arrays, strict=True):
        if tuple(np.shape(array)) != variable.shape:
            if not reshape or np.size(array) != int(np.prod(variable.shape)):
                raise ValueError(f"{what}: {variable.name} has shape {variable.shape}, in the file {np.shape(array)}.")
            array = np.reshape(array, variable.shape)
        found.append((variable, array))
    return found
