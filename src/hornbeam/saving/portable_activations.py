"""Activations whose name means another formula elsewhere, written as layers that say the formula itself.

`hard_sigmoid` is clip(0.2 x + 0.5, 0, 1) here, in Keras 2 and in tf-keras, but relu6(x + 3) / 6 in Keras 3, where an
LSTM read by that name predicts wrongly. Keras 3 takes a serialised layer in place of a name: a stack of Rescaling and
ReLU, which is our formula. Both writers (hdf5_portable for .h5, keras3_config for .keras) write it with
`formula_of`, and both readers recognise it with `name_of`, also after Keras 3 has written the model again.
"""

from typing import Any

# name -> the layers that are its formula, each with the settings that do something
_FORMULAS = {
    "hard_sigmoid": [("Rescaling", {"scale": 0.2, "offset": 0.5}), ("ReLU", {"max_value": 1.0})],
}
_IDLE = {"negative_slope": 0.0, "threshold": 0.0, "max_value": None, "scale": None, "offset": 0.0}


def formula_of(name):
    """Configuration of a stack of layers that computes the activation `name`; None where the name itself will do.

    Example:
        >>> [layer["class_name"] for layer in formula_of("hard_sigmoid")["config"]["layers"]]
        ['Rescaling', 'ReLU']
        >>> formula_of("tanh") is None
        True
    """
    layers = _FORMULAS.get(name) if isinstance(name, str) else None
    if layers is None:
        return None
    entries = [
        _entry("keras.layers", kind, {"name": f"{name}_{number}", "trainable": False, "dtype": "float32", **settings})
        for number, (kind, settings) in enumerate(layers)
    ]
    return _entry("keras", "Sequential", {"name": name, "trainable": True, "dtype": "float32", "layers": entries})


def _entry(module, kind, config):
    return {"module": module, "class_name": kind, "config": config, "registered_name": None}


def name_of(value):
    """The activation that a configuration from `formula_of` means, or None.

    Example:
        >>> name_of(formula_of("hard_sigmoid"))
        'hard_sigmoid'
    """
    if not isinstance(value, dict) or value.get("class_name") != "Sequential":
        return None
    config = value.get("config")
    layers = config.get("layers") if isinstance(config, dict) else None
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        return None
    found = [_facts(layer) for layer in layers if layer.get("class_name") != "InputLayer"]
    for name, wanted in _FORMULAS.items():
        if found == [(kind, settings) for kind, settings in wanted]:
            return name
    return None


def names_of_formulas(value) -> Any:
    """A configuration with every formula that stands for an activation replaced by the activation's name.

    Example:
        >>> names_of_formulas({"units": 3, "activation": formula_of("hard_sigmoid")})
        {'units': 3, 'activation': 'hard_sigmoid'}
    """
    if isinstance(value, dict):
        return name_of(value) or {key: names_of_formulas(item) for key, item in value.items()}
    return [names_of_formulas(item) for item in value] if isinstance(value, list) else value


def _facts(layer):
    """(class, the settings that do something) of one layer of a formula."""
    config = layer.get("config")
    config = config if isinstance(config, dict) else {}
    settings = {k: v for k, v in config.items() if k in _IDLE and v != _IDLE[k]}
    return layer.get("class_name"), settings
