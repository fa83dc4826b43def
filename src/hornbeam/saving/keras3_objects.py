"""Small objects in Keras 3's configurations: initializers, regularizers, constraints, activations, types; both ways."""

from typing import Any

from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.portable_activations import formula_of, name_of

DTYPES = (
    "float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "bool",
)  # fmt: skip
POLICIES = ("mixed_bfloat16",)  # of several types; core.precision has the same
_HOMES = {"initializer": "keras.initializers", "regularizer": "keras.regularizers", "constraint": "keras.constraints"}
_KINDS = tuple(_HOMES)
# Activations that Keras 3 calls by another name; the classic hard_sigmoid, a formula without one, is written as layers.
_ACTIVATIONS = {"relu6_sigmoid": "hard_sigmoid"}
_ACTIVATIONS_BACK = {theirs: ours for ours, theirs in _ACTIVATIONS.items()}


def is_object(value):
    """Is this the configuration of an object?"""
    return isinstance(value, dict) and "class_name" in value and "config" in value


def kind_of_setting(name):
    """'initializer', 'regularizer', 'constraint', 'activation' by the end of a setting's name; None for others.

    Example:
        >>> kind_of_setting("recurrent_activation"), kind_of_setting("units")
        ('activation', None)
    """
    return next((kind for kind in (*_KINDS, "activation") if name == kind or name.endswith(f"_{kind}")), None)


def public(module, class_name, config):
    """An object of Keras's own as Keras 3 writes it."""
    return {"module": module, "class_name": class_name, "config": config, "registered_name": None}


def named(function, module=None):
    """A function of the user's own, by its name."""
    return {"module": module, "class_name": "function", "config": function, "registered_name": function}


# --- To Keras 3 ---


def setting_to_keras3(name, value):
    """One setting of a layer as Keras 3 writes it; `value` in its classic form."""
    kind = kind_of_setting(name)
    if kind == "activation":
        return _activation_to_keras3(value)
    if kind is not None and is_object(value):
        return object_to_keras3(value, _HOMES[kind])
    return _plain_to_keras3(value)


def object_to_keras3(value, home):
    """An object with the classic configuration `value` out of the module `home` of Keras 3."""
    class_name, config = value["class_name"], value["config"]
    if ">" in class_name:
        return {"module": None, "class_name": class_name.rsplit(">", 1)[1], "config": config,
                "registered_name": class_name}  # fmt: skip
    if class_name == "VarianceScaling":
        config = {k: v for k, v in config.items() if k not in ("input_axes", "output_axes") or v is not None}
    return public(home, class_name, _plain_to_keras3(config))


def _activation_to_keras3(value):
    if isinstance(value, str) and ">" in value:
        return named(value)
    if not isinstance(value, str):
        return value
    return formula_of(value) or _ACTIVATIONS.get(value, value)


def _plain_to_keras3(value):
    if isinstance(value, dict):
        return {key: _plain_to_keras3(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain_to_keras3(item) for item in value]
    return value


# --- From Keras 3 ---


def dtype_from_keras3(value, owner):
    """Name of the type, or of the policy of mixed types.

    Args:
        value: name, or configuration of a policy.
        owner: the layer, for messages.

    Raises:
        ModelFileError: a policy of quantised types.
    """
    name = value["config"].get("name") if is_object(value) else value
    if value is None or name in DTYPES or name in POLICIES:
        return name
    raise ModelFileError(
        None,
        f"the layer {owner!r} has the dtype policy {name!r}, which is not supported",
        f"In Keras, set every layer's dtype to 'float32' (layer.dtype_policy = 'float32'), save the model, and load "
        f"that; or rebuild the model here and load the weights of {owner!r} by name.",
    )


def setting_from_keras3(name, value, owner) -> Any:
    """One setting of a layer in its classic form."""
    kind = kind_of_setting(name)
    if name == "dtype":
        return dtype_from_keras3(value, owner)
    if kind == "activation":
        return _activation_from_keras3(value, owner)
    return object_from_keras3(value, owner)


def object_from_keras3(value, owner) -> Any:
    """Objects anywhere in `value` in their classic form: {'class_name', 'config'}, names of functions, plain lists.

    Names are only compared, nothing is looked up here: what a name means is found in the registry later, or not at all.

    Raises:
        ModelFileError: a Python lambda, or a policy of types that is not supported.
    """
    if isinstance(value, (list, tuple)):
        return [object_from_keras3(item, owner) for item in value]
    if not isinstance(value, dict):
        return value
    if not is_object(value):
        return {key: object_from_keras3(item, owner) for key, item in value.items()}
    class_name, config = value["class_name"], value["config"]
    if class_name in ("__numpy__", "__tensor__"):
        return config["value"]
    if class_name in ("__lambda__", "__bytes__", "__typespec__"):
        raise ModelFileError(
            None,
            f"{owner!r} was saved as Python code, which is never run",
            "Write the function as a layer of your own, and load with custom_objects={...}.",
        )
    if str(class_name).startswith("DTypePolicy"):
        return dtype_from_keras3(value, owner)
    if class_name == "function":
        return _name_of_function(value)
    name = value.get("registered_name") or class_name
    if str(value.get("module", "")).startswith("keras"):
        name = class_name
    config = {key: object_from_keras3(item, owner) for key, item in (config or {}).items()}
    return {"class_name": name, "config": config}


def _name_of_function(value):
    """The name a function goes by; of one that nobody registered Keras 3 says that it is registered as 'function'."""
    registered = value.get("registered_name")
    return value["config"] if registered in (None, "", "function") else registered


def _activation_from_keras3(value, owner):
    known = name_of(value)
    if known is not None:
        return known
    if is_object(value) and value["class_name"] == "function":
        name = _name_of_function(value)
        own = value.get("module") not in (None, "builtins", "keras.activations")
        return name if own else _ACTIVATIONS_BACK.get(name, name)
    if isinstance(value, str):
        return _ACTIVATIONS_BACK.get(value, value)
    if is_object(value):
        from hornbeam.saving.keras3_config import layer_from_keras3

        return layer_from_keras3(value)
    return value
