"""Whether two models are configured alike, so that one may be trained in the compiled program of the other."""

import types
import warnings

import numpy as np

from hornbeam import backend as K

_PLAIN = (str, int, float, bool, bytes, complex, type(None), type(...), np.generic, np.dtype)

_OF_THE_RUN = ("iterations", "history", "stop_training", "optimizer")  # attributes that say nothing of how it is made


def fingerprint(model):
    """A value that is equal for models of one configuration: layers, connections, optimizer, losses and metrics.

    Names do not count, since every new layer gets a new one. What cannot be compared (a function of another library's
    compiled code, a variable that a closure holds) counts as different.

    Args:
        model: compiled and built.
    """
    layers = model.flat_layers()
    places = {id(layer): f"<layer {i}>" for i, layer in enumerate(layers)}
    places.update((id(weight), f"<weight {i}>") for i, weight in enumerate(model.weights))
    names = {layer.name: f"<layer {i}>" for i, layer in enumerate(layers)}
    reader = _Reader(places, names)
    parts: list = [("graph", _settings(model, reader))]
    for layer in layers:
        weights = [(w.shape, w.dtype, w.trainable) for w in layer._own_weights]
        rules = [reader.read(rule) for w in layer._own_weights for rule in (w.regularizer, w.constraint)]
        own = () if layer is model else _settings(layer, reader)
        parts.append((type(layer), bool(layer.trainable), tuple(weights), tuple(rules), own))
    parts.append(("optimizer", type(model.optimizer), _settings(model.optimizer, reader)))
    parts.append(("objectives", reader.read(list(model._compiled_with))))
    return tuple(parts)


def _settings(thing, reader):
    """The configuration of a layer or optimizer; without one, its attributes."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            config = thing.get_config()
    except Exception:  # users' classes need not have one, and say so in many ways
        config = {key: value for key, value in vars(thing).items() if key[0] != "_" and key not in _OF_THE_RUN}
    return reader.read(config)


class _Reader:
    """Turns settings into values that can be compared.

    Args:
        places: id of a layer of the model -> what stands for it.
        names: name of a layer of the model -> what stands for it.
    """

    def __init__(self, places, names):
        self.places = places
        self.names = names
        self.under_way = {}  # id -> number, of objects that are being read, which may hold themselves

    def read(self, value):
        """`value` as something that can be compared."""
        if isinstance(value, str):
            return self.names.get(value, value)
        if isinstance(value, _PLAIN):
            return (type(value).__name__, repr(value))
        if id(value) in self.places:
            return self.places[id(value)]
        if isinstance(value, type):
            return value
        if id(value) in self.under_way:
            return f"<above {self.under_way[id(value)]}>"
        self.under_way[id(value)] = len(self.under_way)
        try:
            return self._read_inside(value)
        finally:
            del self.under_way[id(value)]

    def _read_inside(self, value):
        if isinstance(value, dict):
            return tuple((self.read(k), self.read(v)) for k, v in value.items() if k != "name")
        if isinstance(value, (list, tuple, set, frozenset)):
            return (type(value).__name__, *map(self.read, value))
        if isinstance(value, K.Variable):
            return ("variable", id(value))
        if hasattr(value, "shape") and hasattr(value, "dtype"):
            array = np.asarray(value)
            return ("array", array.shape, str(array.dtype), array.tobytes())
        if isinstance(value, types.FunctionType):
            return self._function(value)
        if isinstance(value, types.MethodType):
            return ("method", value.__func__.__qualname__, self.read(value.__self__))
        if isinstance(value, (types.ModuleType, types.BuiltinFunctionType)):
            return value
        if hasattr(value, "get_config"):
            return (type(value), _settings(value, self))
        if hasattr(value, "__dict__"):
            return (type(value), self.read(vars(value)))
        return ("object", id(value))

    def _function(self, function):
        code = function.__code__
        held = [_content(cell) for cell in function.__closure__ or ()]
        inner = [c.co_code if isinstance(c, types.CodeType) else c for c in code.co_consts]
        return (
            "function", function.__module__, function.__qualname__, code.co_code, code.co_names,
            self.read(inner), self.read(held), self.read(function.__defaults__), self.read(function.__kwdefaults__),
        )  # fmt: skip


def _content(cell):
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None
