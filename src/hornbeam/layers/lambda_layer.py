"""Lambda: a layer around any function, and how such a function is named in a configuration."""

import inspect
import warnings
from typing import Any

import numpy as np

from hornbeam import activations, checks, nest, registry
from hornbeam import backend as K
from hornbeam.core import Layer


@registry.register("layer")
class Lambda(Layer):
    """function(x): a layer without weights of its own, written in one line.

    Models with a Lambda can be saved if the function has a name: a `def`, a K word, or better a function entered
    with `register_keras_serializable`. What is saved is the name, never code. A function that reads weights of other
    layers does not make them weights of this one; subclass Layer for that.

    Args:
        function: called with the input (or list of inputs), and with `mask` and `training` if it takes them.
        output_shape: without need, shapes are traced. Sizes without the batch, or a function of the input shape.
        mask: mask of the result: a tensor, or a function of (inputs, mask). None: the result has none.
        arguments: dict of further keyword arguments for the function.

    Raises:
        TypeError: `function` cannot be called.

    Example:
        >>> from hornbeam.layers import Lambda
        >>> Lambda(lambda x: x ** 2)(K.constant([[3.0]])).tolist()
        [[9.0]]
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise TypeError(f"Lambda {self.name!r} needs a function; got {function!r}.")
        if output_shape is not None and not callable(output_shape) and not isinstance(output_shape, (tuple, list, int)):
            raise checks.wrong_argument("Lambda", "output_shape", output_shape, "a tuple, a function or None")
        self.function = function
        self.output_shape_rule: Any = (output_shape,) if isinstance(output_shape, int) else output_shape
        self.mask = mask
        self.arguments = dict(arguments or {})
        self.supports_masking = mask is not None
        self._takes = _parameters_of(function)

    def call(self, inputs, mask=None):
        """function(inputs)."""
        further = dict(self.arguments)
        if "mask" in self._takes:
            further["mask"] = mask
        if "training" in self._takes:
            further.setdefault("training", K.training_now())
        return self.function(inputs, **further)

    def compute_mask(self, inputs, mask=None):
        """What `mask` says; None without it."""
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def compute_output_shape(self, input_shape):
        """What `output_shape` says, or the shape traced from the function."""
        rule = self.output_shape_rule
        if rule is None:
            return super().compute_output_shape(input_shape)
        if isinstance(rule, (tuple, list)):
            several = isinstance(input_shape, list) and input_shape and isinstance(input_shape[0], (tuple, list))
            return ((input_shape[0] if several else input_shape)[0], *rule)
        shape = rule(input_shape)
        return tuple(shape) if not isinstance(shape[0], (tuple, list)) else [tuple(s) for s in shape]

    def _result_form(self, inputs, args, kwargs):
        """The traced form; sizes that tracing leaves open are filled in from `output_shape`."""
        try:
            form = self._traced_form(inputs, args, kwargs)
        except Exception as error:
            shapes = [K.int_shape(t) for t in nest.flatten(inputs)]
            error.add_note(f"This came from the function of Lambda {self.name!r}, called on shapes {shapes}.")
            raise
        if self.output_shape_rule is None or not isinstance(form, K.Spec):
            return form
        told = self.compute_output_shape(nest.map_structure(K.int_shape, inputs))
        if not _agree(form.shape, told):
            warnings.warn(
                f"Lambda {self.name!r}: output_shape says {told}, but its function gives {form.shape}, which counts. "
                f"Mend output_shape or leave it out.",
                stacklevel=4,
            )
            return form
        return K.Spec([b if a is None else a for a, b in zip(form.shape, told, strict=True)], form.dtype)

    def get_config(self):
        """Arguments, with functions by name.

        Raises:
            ValueError: the function has no name to be found by.
        """
        rule = self.output_shape_rule
        config = {
            "function": self._name_of(self.function, "function"),
            "function_type": "function",
            "output_shape": self._name_of(rule, "output_shape") if callable(rule) else rule and list(rule),
            "output_shape_type": "function" if callable(rule) else "raw",
            "mask": None if self.mask is None else self._name_of(self.mask, "mask"),
            "arguments": {key: _plain(value) for key, value in self.arguments.items()},
        }
        base = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        if hasattr(self, "batch_input_shape"):
            base["batch_input_shape"] = list(self.batch_input_shape)
        return {**base, **config}

    def _name_of(self, function, argument):
        if registry.copying():
            return function
        try:
            return registry.name_to_store(function)
        except ValueError as error:
            raise ValueError(f"Lambda {self.name!r}: its {argument} {error}") from None

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A new layer from what :meth:`get_config` gave.

        Args:
            custom_objects: dict from names to functions. A Lambda that Keras saved as code is found under the name of
                the layer.

        Raises:
            ValueError: no function has that name, or it was saved as code, which is not run.
        """
        config = dict(config)
        find = _Finder(config.get("name", "lambda"), custom_objects)
        kind = config.pop("function_type", "function")
        rule_kind = config.pop("output_shape_type", "raw")
        for unused in ("module", "output_shape_module"):
            config.pop(unused, None)
        config["function"] = find(config["function"], kind)
        if rule_kind != "raw":
            config["output_shape"] = find(config["output_shape"], rule_kind, required=False)
        if config.get("mask") is not None:
            config["mask"] = find(config["mask"], "function")
        config["arguments"] = {key: _restored(value) for key, value in (config.get("arguments") or {}).items()}
        return cls(**config)


class _Finder:
    """Looks up the functions of one saved Lambda."""

    def __init__(self, layer, custom_objects):
        self.layer = layer
        self.custom = {**registry.get_custom_objects(), **(custom_objects or {})}

    def __call__(self, name, kind, required=True):
        if callable(name):
            return name
        if isinstance(name, dict) and name.get("class_name") == "function":
            name, kind = name.get("registered_name") or name.get("config"), "function"
        if kind != "function" or not isinstance(name, str):
            if self.layer in self.custom:
                return self.custom[self.layer] if required else None
            raise ValueError(
                f"Lambda {self.layer!r} was saved as code, which Hornbeam does not run: a file could do anything. Load "
                f"with custom_objects={{{self.layer!r}: function}}, with the function written out."
            )
        found = registry.get_registered_object(name, self.custom) or K.WORDS.get(name)
        if found is None and name in registry.names("activation"):
            found = activations.get(name)
        if found is None:
            raise ValueError(
                f"Lambda {self.layer!r} needs the function {name!r}, which nobody registered. Load with "
                f"custom_objects={{{name!r}: function}}, or put @register_keras_serializable() above its `def`."
            )
        return found


def _parameters_of(function):
    try:
        return frozenset(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some built-in functions tell nothing
        return frozenset()


def _agree(traced, told):
    told_is_shape = isinstance(told, tuple) and len(told) == len(traced)
    return told_is_shape and all(a is None or b is None or a == b for a, b in zip(traced, told, strict=True))


def _plain(value):
    """Arrays as the classics write them, with their type; the rest as it is."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) or K.is_tensor(value):
        value = K.get_value(value)
        return {"type": "ndarray", "value": value.tolist(), "dtype": str(value.dtype)}
    return value


def _restored(value):
    if isinstance(value, dict) and value.get("type") == "ndarray":
        return np.asarray(value["value"], value.get("dtype"))
    return value
