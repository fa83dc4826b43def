"""Calls of layers in a graph: rows of tensors as Keras 2 writes them, arguments with tensors inside as Keras 3 does."""

from typing import Any

from hornbeam.saving.keras3_objects import is_object, object_from_keras3

# Layers whose further inputs are their initial states, which Keras 3 takes by name.
_RECURRENT = {"RNN", "SimpleRNN", "GRU", "LSTM", "ConvLSTM2D", "Bidirectional"}


def legal(name):
    """A name of a layer as Keras 3 allows it."""
    return name.replace("/", "_")


def call_to_keras3(entry, call):
    """A call of the layer `entry` in Keras 3's form: {'args', 'kwargs'}."""
    rows = [_tensor(row[:3]) for row in call]
    further = dict(call[0][3]) if call and len(call[0]) > 3 else {}
    others = further.pop("__args__", [])
    further = {k: v for k, v in further.items() if not (isinstance(v, dict) and "__learning_phase__" in v)}
    if entry["class_name"] in _RECURRENT and len(rows) > 1:
        rows, further = rows[:1], {"initial_state": rows[1:], **further}
    first = rows[0] if len(rows) == 1 else rows
    further = {key: v if key == "initial_state" else value_to_keras3(v) for key, v in further.items()}
    return {"args": [first, *value_to_keras3(others)], "kwargs": further}


def _tensor(place):
    # Keras 3 takes the tensor that the layer has made; the shape stands here for form's sake.
    history = [legal(place[0]), *place[1:]]
    return {"class_name": "__keras_tensor__",
            "config": {"shape": [None], "dtype": "float32", "keras_history": history}}  # fmt: skip


def value_to_keras3(value) -> Any:
    """An argument in Keras 3's form."""
    if isinstance(value, (list, tuple)):
        return [value_to_keras3(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "__tensor__" in value:
        return _tensor(value["__tensor__"])
    if "__slice__" in value:
        start, stop, step = value["__slice__"]
        return {"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}}
    if "__ellipsis__" in value:
        return {"class_name": "__ellipsis__", "config": {}}
    if "__array__" in value:
        kind = "__numpy__" if isinstance(value["__array__"], list) else "__tensor__"
        return {"class_name": kind, "config": {"value": value["__array__"], "dtype": value["dtype"]}}
    return {key: value_to_keras3(item) for key, item in value.items()}


def arguments_from_keras3(call, name):
    """(args, kwargs) of a call, tensors as references. Keras 2's lists of rows are read too."""
    if isinstance(call, list):
        rows = [{"__tensor__": list(row[:3])} for row in call]
        return [rows if len(rows) > 1 else rows[0]], dict(call[0][3]) if call and len(call[0]) > 3 else {}
    return [_value_from_keras3(v, name) for v in call.get("args") or []], {
        key: _value_from_keras3(value, name) for key, value in (call.get("kwargs") or {}).items()
    }


_FIRST = ("inputs", "sequences", "sequence", "query", "x", "input")


def call_from_keras3(args, kwargs):
    """A call as Keras 2 writes it: rows [layer, call, tensor, further arguments]."""
    # Whether it is training, Keras 3 decides anew at each run, so what it noted while building says nothing.
    kwargs = {key: value for key, value in kwargs.items() if key != "training" and value not in (None, False)}
    args = list(args)
    if not args:
        first = next((key for key in _FIRST if key in kwargs), next(iter(kwargs), None))
        args = [kwargs.pop(first)] if first is not None else []
        if first == "query":
            args += [kwargs.pop(key) for key in ("value", "key") if key in kwargs]
    if not args:
        return []
    tensors = args[0] if isinstance(args[0], list) else [args[0]]
    rest = args[1:]
    while rest and rest[-1] is None:
        rest.pop()
    states = kwargs.pop("initial_state", None)
    if states is not None:
        tensors = [*tensors, *(states if isinstance(states, list) else [states])]
    further = {**kwargs, **({"__args__": rest} if rest else {})}
    return [[*t["__tensor__"], further] for t in tensors]


def _value_from_keras3(value, owner) -> Any:
    if isinstance(value, (list, tuple)):
        return [_value_from_keras3(item, owner) for item in value]
    if not isinstance(value, dict):
        return value
    if not is_object(value):
        return {key: _value_from_keras3(item, owner) for key, item in value.items()}
    name, config = value["class_name"], value["config"]
    if name == "__keras_tensor__":
        return {"__tensor__": list(config["keras_history"])}
    if name == "__slice__":
        return {"__slice__": [_value_from_keras3(config[key], owner) for key in ("start", "stop", "step")]}
    if name == "__ellipsis__":
        return {"__ellipsis__": True}
    if name in ("__numpy__", "__tensor__"):
        return {"__array__": config["value"], "dtype": config["dtype"]}
    return object_from_keras3(value, owner)
