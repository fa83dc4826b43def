"""Weights files of Keras 3 into models of the user's own, whose architecture is code and stands in no configuration.

Keras 3 walks the attributes of such a model by name: 'encoder/vars/0' is the kernel of `self.encoder`; in lists the
class and a number follow. One attribute is `layers`, the list of all, so a layer whose attribute comes after it in the
alphabet lies at 'layers/dense_1'. The live model says all this, if it has the same attributes, set in the same order.
"""

from hornbeam import registry
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.keras3_config import in_keras3_order
from hornbeam.saving.keras3_reading import Store, read_branch
from hornbeam.saving.keras3_weights import branch_of, numbered
from hornbeam.saving.stored import OWN_WEIGHTS, Origin, StoredLayer, StoredModel

_CURE = ("Name the attributes as in the class that was saved there. Or save the weights there layer by layer, as NumPy "
         "arrays, and give them to layer.set_weights(...) here.")  # fmt: skip


def by_attributes(file, model):
    """Weights in Keras 3's layout as StoredLayers of `model`.

    Args:
        file: what has `datasets`, `groups`, `path` and `array(path)`.
        model: a built model of the user's own class.

    Raises:
        ModelFileError: a layer's weights are not where its attribute says.
    """
    store, candidates = Store(file), {}
    for path, layer in _held(model):
        candidates.setdefault(id(layer), []).append(path)
    found = []
    for layer in model.layers:
        paths = candidates.get(id(layer), [])
        path = next((p for p in paths if any(place.startswith(f"{p}/") for place in file.datasets)), None)
        if path is None and not layer.weights:
            continue
        if path is None or getattr(layer, "get_config", None) is None:
            said = f"under {paths[0]!r}" if paths else "for it"
            raise ModelFileError(file.path, f"it has nothing {said}, where the layer {layer.name!r} of the model "
                                            f"{model.name!r} would be", _CURE)  # fmt: skip
        found.append(read_branch(store, _branch(store, layer, path, file.path)))
    own = [(f"{i}", array) for i, array in enumerate(store.variables("vars"))]
    return StoredModel(layers=[*found, *([StoredLayer(OWN_WEIGHTS, own)] if own else [])], origin=Origin("h5", "3", ""))


def _branch(store, layer, path, where):
    try:
        entry = {"class_name": registry.get_registered_name(type(layer)), "config": layer.get_config()}
    except NotImplementedError as error:
        raise ModelFileError(where, f"the layer {layer.name!r} is a model of the user's own inside another, whose "
                                    f"weights in Keras 3's layout cannot be told apart", _CURE) from error  # fmt: skip
    if "layers" in entry["config"]:
        entry = in_keras3_order(entry)
    return branch_of(entry, path, unknown=lambda inner: store.count(f"{path}/vars") if inner is entry else None)


def _held(model):
    """(path in the file, layer) for every attribute that is a layer or holds some."""
    for name, value in vars(model).items():
        if _is_layer(value):
            yield name, value
        elif isinstance(value, (list, tuple, dict)):
            layers = [la for la in (value.values() if isinstance(value, dict) else value) if _is_layer(la)]
            yield from _in_list(name, layers)
    yield from _in_list("layers", model.layers)


def _in_list(name, layers):
    entries = [{"class_name": type(layer).__name__, "layer": layer} for layer in layers]
    return ((f"{name}/{place}", entry["layer"]) for place, entry in numbered(entries))


def _is_layer(value):
    return hasattr(value, "weights") and hasattr(value, "get_config") and not isinstance(value, type)
