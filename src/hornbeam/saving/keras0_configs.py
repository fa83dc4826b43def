"""Architectures of Keras 0.x (2015), written again as Keras 1 would have: old_configs takes them from there.

They had no 'class_name': an entry was its layer's arguments with the name of the class among them, the shape of the
inputs had no batch in it, and a stack was the list of its layers. Weights were in a file of their own, by number.
"""

import itertools
from typing import Any

# Arguments that say how Theano computed, or nothing at all.
_IDLE = ("cache_enabled", "truncate_gradient", "ignore_border", "name", "custom_name", "input_shape", "layers", "layer")
_IDLE_OF = {"Activation": ("target", "beta")}
_RENAMED = {"Reshape": {"dims": "target_shape"}}
_MODELS = ("Sequential", "Graph", "AutoEncoder")
_PLANAR = ("Convolution2D", "Convolution3D", "MaxPooling2D", "MaxPooling3D", "AveragePooling2D", "AveragePooling3D")


def is_keras_0(config):
    """Is this the architecture of a Keras before 1.0?

    Example:
        >>> is_keras_0({"name": "Sequential", "layers": []}), is_keras_0({"class_name": "Sequential", "config": []})
        (True, False)
    """
    return isinstance(config, dict) and "class_name" not in config and config.get("name") in _MODELS


def to_keras_1(config):
    """{'class_name', 'config'} of a model of Keras 0.x; how it was compiled is left out, as `to_json` does today.

    Raises:
        ValueError: a Graph or an AutoEncoder, which have no counterpart.

    Example:
        >>> stack = {"name": "Sequential", "layers": [{"name": "Dense", "output_dim": 2, "input_shape": [3]}]}
        >>> to_keras_1(stack)["config"][0]["config"]
        {'output_dim': 2, 'batch_input_shape': [None, 3], 'name': 'dense_1'}
    """
    return _entry(config, set())


def _entry(old, names) -> dict:
    """One layer; `names` are those that are taken."""
    kind = str(old.get("name"))
    if kind in ("Graph", "AutoEncoder"):
        raise ValueError(
            f"This is a {kind} of Keras 0.x, which Keras 1 dropped: only its Sequential can be read. Build the model "
            f"in code and call model.load_weights(path)."
        )
    if kind == "Sequential":
        return {"class_name": kind, "config": [_entry(layer, names) for layer in old.get("layers", [])]}
    idle = (*_IDLE, *_IDLE_OF.get(kind, ()))
    renamed = _RENAMED.get(kind, {})
    config: dict[Any, Any] = {renamed.get(k, k): v for k, v in old.items() if k not in idle}
    if old.get("input_shape") is not None and kind != "Merge":
        shape = [old.get("input_length")] if kind == "Embedding" else list(old["input_shape"])
        config["batch_input_shape"] = [None, *shape]  # an Embedding told how many words there are
    if kind in _PLANAR:
        config.setdefault("dim_ordering", "th")  # there was no other before 0.3
    if "layers" in old:
        config["layers"] = [_entry(layer, names) for layer in old["layers"]]
    if "layer" in old:
        config["layer"] = _entry(old["layer"], names)
    return {"class_name": kind, "config": {**config, "name": _name(kind, old.get("custom_name"), names)}}


def _name(kind, own, names):
    """A name that no other layer has: Keras 0.x called all layers of a class the same."""
    numbered = (f"{kind.lower()}_{number}" for number in itertools.count(1))
    given = [own] if isinstance(own, str) and own != kind.lower() else []
    name = next(name for name in itertools.chain(given, numbered) if name not in names)
    names.add(name)
    return name
