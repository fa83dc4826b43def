"""Configurations as .h5 files hold them: classic ones that Keras 3 and tf-keras read as well, and mean the same by.

Our own configuration goes into the file's manifest, untouched; this one is for others. It differs in what their readers
trip over: a stack names its input as a layer, a name that means another formula there is written as that formula,
settings only we have are left out, layers inside layers say the module of their class, and the calls of nested models
are numbered so that both ways of counting find them (docs/decisions/0006-model-files.md).
"""

from typing import Any

from hornbeam.saving.keras3_calls import call_to_keras3, legal
from hornbeam.saving.keras3_config import _input_dtype, _word_to_keras3
from hornbeam.saving.keras3_training import training_to_keras3
from hornbeam.saving.portable_activations import formula_of

# Settings that Keras 3 or tf-keras refuse; what they decide is either the default there, or of no matter for a result.
_OURS_ONLY = ("seed", "use_cudnn", "optional", "ragged", "input_length")
_DROPPED = dict.fromkeys(("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), ("trainable",))
# Settings that one of them refuses: left out where they ask for nothing, written where they ask for something.
_AT_REST = {
    "Cropping1D": {"data_format": "channels_last"},
    "ZeroPadding1D": {"data_format": "channels_last"},
    "LeakyReLU": {"negative_slope": None},
    "Resizing": {"pad_to_aspect_ratio": False, "fill_mode": "constant", "fill_value": 0.0, "antialias": False,
                 "data_format": "channels_last"},
    # A function of this name is in keras.layers, and its reader of old files takes every such text for the function.
    "Attention": {"score_mode": "dot"},
}  # fmt: skip
# Layers whose classic formula no other Keras has: under a name they do not know, for an error there is better than a
# wrong number.
_OURS_ALONE = {"UpSampling2D": ("interpolation", "bilinear")}
_GRAPHS = ("Model", "Functional", "Sequential")
_RECURRENT = ("RNN", "SimpleRNN", "GRU", "LSTM", "ConvLSTM2D", "Bidirectional")
# Keras 3 knows the short names when it compiles, but not all of them when it loads.
_LONG_NAMES = {
    "mse": "mean_squared_error", "mae": "mean_absolute_error", "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
}  # fmt: skip
_INNER = ("layer", "backward_layer", "cell", "cells")


# --- Writing: architectures ---


def architecture(own):
    """A classic configuration of ours as one that others read too.

    Args:
        own: {'class_name', 'config', ...} of a model; it is not changed.
    """
    return _model({"class_name": own["class_name"], "config": own["config"]})


def _model(entry):
    config = entry["config"]
    if entry["class_name"] == "Sequential":
        return {**entry, "config": _stack(config)}
    if isinstance(config, dict) and "layers" in config and "input_layers" in config:
        return {**entry, "config": _graph(config)}
    name = entry["class_name"]
    setting, value = _OURS_ALONE.get(name, (None, None))
    if setting is not None and config.get(setting) == value:
        name = f"Hornbeam>{name}"
    return {**entry, "class_name": name, "config": _settings(entry["class_name"], config)}


def _stack(config):
    """A Sequential's: the shape of the input becomes a layer of its own."""
    config = dict(config) if isinstance(config, dict) else {"name": "sequential", "layers": config}
    layers = list(config["layers"])
    shape = config.get("build_input_shape")
    entries = [_model(layer) for layer in layers]
    if shape and layers and layers[0]["class_name"] != "InputLayer":
        name = f"{legal(layers[0]['config'].get('name') or 'stack')}_input"
        inner = {
            "batch_input_shape": list(shape), "dtype": _input_dtype(layers[0]), "sparse": False, "name": name
        }  # fmt: skip
        entries.insert(0, {"class_name": "InputLayer", "config": inner})
    return {"name": legal(config.get("name") or "sequential"), "layers": entries}


def _graph(config):
    nested = {e["name"] for e in config["layers"] if e["class_name"] in _GRAPHS or "layers" in (e["config"] or {})}
    entries = [_entry(entry, nested) for entry in config["layers"]]
    return {
        **config,
        "name": legal(config.get("name") or "model"),
        "layers": entries,
        "input_layers": _ends(config["input_layers"], nested),
        "output_layers": _ends(config["output_layers"], nested),
    }


def _ends(places, nested):
    """Inputs or outputs; a single one is no list, lest Keras 3 gives lists of one."""
    rows = [places] if places and isinstance(places[0], str) else places
    found = [_place(row, nested) for row in rows]
    return found[0] if len(found) == 1 else found


def _entry(entry, nested):
    """One layer of a graph, with its calls."""
    if entry["class_name"] == "Operation":
        made = _word_to_keras3(entry)
        nodes = made["inbound_nodes"]
        return {**made, "inbound_nodes": [_renumbered(node, nested) for node in nodes]}
    calls = [_call(entry, call, nested) for call in entry["inbound_nodes"]]
    if entry["name"] in nested:
        calls = [call for call in calls for _ in (0, 1)]
    made = _model({"class_name": entry["class_name"], "config": entry["config"]})
    return {"name": legal(entry["name"]), **made, "inbound_nodes": calls}


def _place(place, nested):
    """(layer, call, tensor) in the numbering of files.

    Keras 2 counts calls of a nested model from 1, Keras 3 from 0. Every call is written twice, so number 2 i + 1 is
    call i in both; the other of the two leads nowhere and is dropped when the graph is built.
    """
    name, call, tensor = place[:3]
    return [legal(name), 2 * call + 1 if name in nested else call, tensor]


def _call(entry, call, nested):
    """One call of a layer: rows of places as in Keras 2, or Keras 3's form where rows cannot say it there."""
    kwargs = call[0][3] if len(call[0]) > 3 else {}
    states = entry["class_name"] in _RECURRENT and len(call) > 1
    if states or "__args__" in kwargs or _has_references(kwargs):
        return _renumbered(call_to_keras3(entry, call), nested)
    return [[*_place(row, nested), dict(kwargs)] for row in call]


def _has_references(value):
    if isinstance(value, dict):
        return any(str(key).startswith("__") for key in value) or any(map(_has_references, value.values()))
    return isinstance(value, list) and any(map(_has_references, value))


def _renumbered(value, nested) -> Any:
    """A call in Keras 3's form with the places in it numbered as in files."""
    if isinstance(value, dict):
        return {
            key: _place(item, nested) if key == "keras_history" else _renumbered(item, nested)
            for key, item in value.items()
        }
    return [_renumbered(item, nested) for item in value] if isinstance(value, list) else value


def _settings(class_name, config):
    """Settings of one layer."""
    if not isinstance(config, dict):
        return config
    drop = (*_OURS_ONLY, *_DROPPED.get(class_name, ()), *(() if class_name == "InputLayer" else ("batch_input_shape",)))
    rest = _AT_REST.get(class_name, {})
    return {
        key: legal(value) if key == "name" and isinstance(value, str) else _setting(key, value)
        for key, value in config.items()
        if key not in drop and not (key in rest and rest[key] == value)
    }


def _setting(key, value):
    if key in _INNER and isinstance(value, dict) and "class_name" in value:
        return _inner(value)
    if key in _INNER and isinstance(value, list):
        return [_inner(item) for item in value]
    if key.endswith("activation"):
        formula = formula_of(value)
        # Keras 2 makes an object of what is marked so before the layer sees it; Keras 3 goes by the module.
        return value if formula is None else {**formula, "__passive_serialization__": True}
    return value


def _inner(entry):
    """A layer inside a layer: Keras 3 finds its class only by module, or by the name it was registered under."""
    from hornbeam import registry

    made, name = _model(entry), entry["class_name"]
    if name not in registry.names("layer"):
        return {**made, "module": None, "registered_name": name}
    return {**made, "module": "keras" if name in _GRAPHS else "keras.layers", "registered_name": None}


# --- Training ---


def training(own, architecture):
    """How a model was compiled, as others read it; None where they cannot, and it must be compiled anew."""
    found = None if own is None else training_to_keras3(own, architecture)
    if found is None:
        return None
    optimizer = found["optimizer"]
    # Settings at rest are left out: tf-keras does not know all of them.
    settings = {key: value for key, value in optimizer["config"].items() if value is not None}
    for name in ("use_ema", "ema_momentum"):
        settings.pop(name, None)
    parts = {key: _long_names(found[key]) for key in ("loss", "metrics", "weighted_metrics", "loss_weights")}
    kind = {"class_name": optimizer["class_name"], "config": settings}
    return {"optimizer_config": kind, **parts, "sample_weight_mode": own.get("sample_weight_mode")}


def _long_names(value) -> Any:
    if isinstance(value, dict):
        return {key: _long_names(item) for key, item in value.items()} if "class_name" not in value else value
    if isinstance(value, list):
        return [_long_names(item) for item in value]
    return _LONG_NAMES.get(value.lower(), value) if isinstance(value, str) else value
