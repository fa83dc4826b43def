"""Configurations as .h5 files hold them: classic ones that Keras 3 and tf-keras read as well, and mean the same by.

Our own configuration goes into the file's manifest, untouched; this one is for others. It differs in what their readers
trip over: a stack names its input as a layer, a name that means another formula there is written as that formula,
settings only we have are left out, layers inside layers say the module of their class, and the calls of nested models
are numbered so that both ways of counting find them (docs/decisions/0006-model-files.md).
"""

from typing import Any

from hornbeam.saving.portable_activations import formula_of, name_of

# Settings that Keras 3 or tf-keras refuse; what they decide is either the default there, or of no matter for a result.
_OURS_ONLY = {"seed", "use_cudnn", "implementation_used", "optional", "ragged"}
_GRAPHS = ("Model", "Functional", "Sequential")
_INNER = ("layer", "backward_layer", "cell", "cells")
_INTEGER_INPUTS = ("Embedding",)


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
    return {**entry, "config": _settings(entry["class_name"], config)}


def _stack(config):
    """A Sequential's: the shape of the input becomes a layer of its own."""
    config = dict(config) if isinstance(config, dict) else {"name": "sequential", "layers": config}
    layers = list(config["layers"])
    shape = config.get("build_input_shape") or (layers[0]["config"].get("batch_input_shape") if layers else None)
    entries = [_model(layer) for layer in layers]
    if shape and layers[0]["class_name"] != "InputLayer":
        first = layers[0]["config"]
        kind = "int32" if layers[0]["class_name"] in _INTEGER_INPUTS else first.get("dtype", "float32")
        inner = {
            "batch_input_shape": list(shape), "dtype": kind, "sparse": False, "name": f"{first.get('name')}_input"
        }  # fmt: skip
        entries.insert(0, {"class_name": "InputLayer", "config": inner})
    return {"name": config.get("name"), "layers": entries}


def _graph(config):
    nested = {e["name"] for e in config["layers"] if e["class_name"] in _GRAPHS or "layers" in (e["config"] or {})}
    entries = []
    for entry in config["layers"]:
        calls = [_call(call, nested) for call in entry["inbound_nodes"]]
        if entry["name"] in nested:
            calls = [call for call in calls for _ in (0, 1)]
        made = _model({"class_name": entry["class_name"], "config": entry["config"]})
        entries.append({"name": entry["name"], **made, "inbound_nodes": calls})
    return {
        **config,
        "layers": entries,
        "input_layers": [_place(p, nested) for p in _rows(config["input_layers"])],
        "output_layers": [_place(p, nested) for p in _rows(config["output_layers"])],
    }


def _rows(places):
    return [places] if places and isinstance(places[0], str) else places


def _place(place, nested):
    """(layer, call, tensor) in the numbering of files.

    Keras 2 counts calls of a nested model from 1, Keras 3 from 0. Every call is written twice, so number 2 i + 1 is
    call i in both; the other of the two leads nowhere and is dropped when the graph is built.
    """
    name, call, tensor = place[:3]
    return [name, 2 * call + 1 if name in nested else call, tensor]


def _call(call, nested):
    """One call of a layer: rows of places as in Keras 2, or Keras 3's form where tensors are arguments by name."""
    if isinstance(call, list):
        kwargs = call[0][3] if len(call[0]) > 3 else {}
        if not kwargs:
            return [[*_place(row, nested), {}] for row in call]
        if not _has_tensors(kwargs) and "__args__" not in kwargs:
            return [[*_place(row, nested), dict(kwargs)] for row in call]
        first = [_tensor(row, nested) for row in call]
        rest = {key: value for key, value in kwargs.items() if key != "__args__"}
        args = [first if len(first) > 1 else first[0], *kwargs.get("__args__", [])]
        return {"args": _arguments(args, nested), "kwargs": _arguments(rest, nested)}
    return {"args": _arguments(call["args"], nested), "kwargs": _arguments(call["kwargs"], nested)}


def _has_tensors(value):
    if isinstance(value, dict):
        return "__tensor__" in value or any(map(_has_tensors, value.values()))
    return isinstance(value, list) and any(map(_has_tensors, value))


def _tensor(place, nested):
    history = _place(place, nested)
    return {
        "class_name": "__keras_tensor__",
        "config": {"shape": [None], "dtype": "float32", "keras_history": history},
    }


def _arguments(value, nested) -> Any:
    if isinstance(value, dict):
        if "__tensor__" in value:
            return _tensor(value["__tensor__"], nested)
        return value if "class_name" in value else {key: _arguments(item, nested) for key, item in value.items()}
    if isinstance(value, list):
        return [_arguments(item, nested) for item in value]
    return value


def _settings(class_name, config):
    """Settings of one layer."""
    if not isinstance(config, dict):
        return config
    drop = _OURS_ONLY if class_name == "InputLayer" else _OURS_ONLY | {"batch_input_shape"}
    found = {key: _setting(key, value) for key, value in config.items() if key not in drop}
    return found


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


# --- Reading: architectures ---


def own_architecture(value) -> Any:
    """A configuration read from a file, with formulas that stand for an activation under its name again."""
    if isinstance(value, dict):
        return name_of(value) or {key: own_architecture(item) for key, item in value.items()}
    return [own_architecture(item) for item in value] if isinstance(value, list) else value


# --- Training ---


def training(own):
    """How a model was compiled, as others read it; None where they cannot."""
    if own is None:
        return None
    return {**{key: value for key, value in own.items() if key != "optimizer"}, "optimizer_config": own["optimizer"]}


def state_names(stored):
    """Names of the optimizer's arrays: 'training/Adam/iterations:0', then one a slot and weight."""
    optimizer = (stored.training or {}).get("optimizer") or {}
    kind = str(optimizer.get("class_name") or "Optimizer").rsplit(">", 1)[-1].replace("/", "_")
    return [f"training/{kind}/variable_{i}:0" for i in range(len(stored.optimizer_weights))]
