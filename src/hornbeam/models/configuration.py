"""Configurations of models: layers and connections as plain data, the way Keras 2 writes them, and back."""

from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, nest, registry
from hornbeam.core.input_layer import InputLayer
from hornbeam.core.layer import Layer
from hornbeam.symbolic import SymbolicTensor


def layer_entry(layer):
    """{'class_name', 'config'} of one layer."""
    return {"class_name": registry.get_registered_name(type(layer)), "config": layer.get_config()}


# --- Writing a graph ---


def graph_config(model):
    """Name, layers with their inbound nodes, input and output layers."""
    graph = model._graph
    names = _operation_names(graph)
    places = _places(graph, names)
    entries = []
    for layer in graph.layers:
        nodes = [n for n in layer._inbound_nodes if n in places]
        entries.append(
            {
                "name": layer.name,
                **layer_entry(layer),
                "inbound_nodes": [] if isinstance(layer, InputLayer) else [_write_call(n, places) for n in nodes],
            }
        )
    for node in graph.order:
        if not isinstance(node.operation, Layer):
            entries.append(_write_word(node, names[node], places))

    def place(tensor):
        return list(_place_of(tensor, places))

    return {
        "name": model.name,
        "layers": entries,
        "input_layers": [place(t) for t in graph.inputs],
        "output_layers": [place(t) for t in graph.outputs],
    }


def _operation_names(graph):
    """Names for word nodes, which unlike layers have none of their own."""
    taken, names = {layer.name for layer in graph.layers}, {}
    for node in graph.order:
        if not isinstance(node.operation, Layer):
            name, number = f"{node.operation.name}_op", 1
            while f"{name}_{number}" in taken:
                number += 1
            names[node] = f"{name}_{number}"
            taken.add(names[node])
    return names


def _places(graph, names):
    """node -> (name, number of the call within this graph)."""
    places, calls, inside = {}, {}, set(graph.order)
    for layer in graph.layers:
        for node in layer._inbound_nodes:
            if node in inside or isinstance(layer, InputLayer):
                calls[layer] = calls.get(layer, -1) + 1
                places[node] = (layer.name, calls[layer])
    places.update((node, (name, 0)) for node, name in names.items())
    return places


def _place_of(tensor, places):
    node = tensor.node or tensor._keras_history[0]._inbound_nodes[0]
    return (*places[node], tensor.index if tensor.node is not None else 0)


def _write_call(node, places):
    """One call of a layer: [[name, node, tensor, kwargs], ...], one row an input, as Keras 2 writes it.

    Rows tell a tensor from a list of several. Other forms (a list of one, a dict) are written beside the arguments,
    except for merges, which always take lists.
    """
    inputs, *rest = node.args
    kwargs = _write_arguments(node.kwargs, places)
    if not _is_plain_form(inputs) and not _takes_a_list(node.operation):
        numbers = iter(range(len(nest.flatten(inputs))))
        kwargs["__form__"] = nest.map_structure(lambda _: next(numbers), inputs)
    if rest:
        kwargs["__args__"] = _write_arguments(list(rest), places)
    return [[*_place_of(t, places), kwargs] for t in nest.flatten(inputs)]


def _is_plain_form(inputs):
    """One tensor, or a flat list (or tuple) of several?"""
    if isinstance(inputs, (list, tuple)):
        return len(inputs) > 1 and all(isinstance(t, SymbolicTensor) for t in inputs)
    return not isinstance(inputs, dict)


def _takes_a_list(layer):
    return hasattr(layer, "_merge_function")


def _write_arguments(value, places) -> Any:
    if K.is_learning_phase(value):
        return {"__learning_phase__": True}
    if isinstance(value, SymbolicTensor):
        return {"__tensor__": list(_place_of(value, places))}
    if isinstance(value, dict):
        return {key: _write_arguments(item, places) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_write_arguments(item, places) for item in value]
    if isinstance(value, slice):
        return {"__slice__": [value.start, value.stop, value.step]}
    if value is Ellipsis:
        return {"__ellipsis__": True}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) or K.engine.is_tensor(value):
        array = K.get_value(value)
        return {"__array__": array.tolist(), "dtype": str(array.dtype)}
    raise ValueError(
        f"The graph holds {value!r}, which cannot be written into a configuration. Put the operation into a layer of "
        f"your own, with a weight or a constructor argument for it."
    )


def _write_word(node, name, places):
    if node.operation.name not in K.WORDS:
        raise ValueError(f"The operation {node.operation.name!r} in the graph cannot be written into a configuration.")
    return {
        "name": name,
        "class_name": "Operation",
        "config": {"name": name, "word": node.operation.name},
        "inbound_nodes": [
            {"args": _write_arguments(list(node.args), places), "kwargs": _write_arguments(node.kwargs, places)}
        ],
    }


# --- Reading a graph ---


def graph_from_config(cls, config, custom_objects=None, make=None, inputs=None):
    """The model a graph's configuration describes.

    Args:
        cls: class of the model.
        config: what `graph_config` gave.
        custom_objects: dict from names to the caller's own classes and functions.
        make: function (entry, custom_objects) -> layer, in place of making it from its configuration.
        inputs: dict from the name of an input layer to the tensor to use in its place.

    Raises:
        ValueError: a layer's class is unknown, or a connection leads nowhere.
    """
    try:
        return _graph_from_config(cls, config, custom_objects, make, inputs)
    except (KeyError, IndexError, AttributeError) as error:
        raise ValueError(
            f"The configuration of {config.get('name')!r} is not what get_config gives: it lacks something or names "
            f"what is not there ({error})."
        ) from error


def _graph_from_config(cls, config, custom_objects, make, inputs):
    made, waiting = {}, []
    for entry in config["layers"]:
        if entry["class_name"] == "Operation":
            waiting.append((None, entry, 0, entry["inbound_nodes"][0]))
            continue
        if inputs is not None and entry["name"] in inputs:
            made[entry["name"], 0] = [inputs[entry["name"]]]
            continue
        layer = (make or _layer_of)(entry, custom_objects)
        if isinstance(layer, InputLayer):
            made[entry["name"], 0] = [layer.tensor]
        waiting.extend((layer, entry, i, call) for i, call in enumerate(entry["inbound_nodes"]))
    while waiting:
        left = [item for item in waiting if not _make_call(*item, made)]
        if len(left) == len(waiting):
            raise ValueError(
                f"The configuration of {config.get('name')!r} does not connect: {left[0][1]['name']!r} waits "
                f"for inputs that nothing makes."
            )
        waiting = left
    first = [made[name, node][tensor] for name, node, tensor in _rows(config["input_layers"])]
    last = [made[name, node][tensor] for name, node, tensor in _rows(config["output_layers"])]
    return cls(inputs=nest.unpack_singleton(first), outputs=nest.unpack_singleton(last), name=config.get("name"))


def _layer_of(entry, custom_objects):
    return registry.deserialize("layer", entry, custom_objects)


def _rows(places):
    return [places] if places and isinstance(places[0], str) else places


def _make_call(layer, entry, number, call, made):
    """Carry out one call if all it needs is there; False if not yet."""
    if any(k not in made for k in _needs(call)) or (number and (entry["name"], number - 1) not in made):
        return False
    if layer is None:
        if not _needs(call):  # a word of constants alone would be computed here and now, however large
            raise ValueError(f"The operation {entry['name']!r} works on no tensor of the graph.")
        args, kwargs = _read(call["args"], made), _read(call["kwargs"], made)
        outputs = K.WORDS[_known_word(entry["config"]["word"])](*args, **kwargs)
    else:
        kwargs = _read(dict(call[0][3]) if len(call[0]) > 3 else {}, made)
        args = kwargs.pop("__args__", [])
        form = kwargs.pop("__form__", None)
        inputs: Any = [made[name, node][tensor] for name, node, tensor, *_ in call]
        if form is not None:
            inputs = nest.pack_like(form, inputs)
        elif not _takes_a_list(layer):
            inputs = nest.unpack_singleton(inputs)
        outputs = layer(inputs, *args, **kwargs)
    made[entry["name"], number] = nest.flatten(outputs)
    return True


def _known_word(name):
    if name not in K.WORDS:
        raise checks.unknown_name("operation", name, K.WORDS)
    return name


def _needs(call):
    found = []

    def walk(value):
        if isinstance(value, dict) and "__tensor__" in value:
            found.append(tuple(value["__tensor__"][:2]))
        elif isinstance(value, dict):
            for item in value.values():
                walk(item)
        elif isinstance(value, list):
            for item in value:
                walk(item)

    if isinstance(call, list):
        found.extend((name, node) for name, node, *_ in call)
    walk(call)
    return found


def _read(value, made) -> Any:
    if isinstance(value, dict):
        if "__tensor__" in value:
            name, node, tensor = value["__tensor__"]
            return made[name, node][tensor]
        if "__learning_phase__" in value:
            return K.learning_phase()
        if "__array__" in value:
            return np.asarray(value["__array__"], checks.data_type("A constant", value["dtype"]))
        if "__slice__" in value:
            return slice(*value["__slice__"])
        if "__ellipsis__" in value:
            return Ellipsis
        return {key: _read(item, made) for key, item in value.items()}
    if isinstance(value, list):
        items = [_read(item, made) for item in value]
        return tuple(items) if any(isinstance(i, slice) or i is Ellipsis for i in items) else items
    return value


# --- Stacks ---


def stack_from_config(cls, config, custom_objects=None):
    """The Sequential that a configuration describes: a dict with 'layers', or the plain list that Keras 2.1 wrote."""
    settings = config if isinstance(config, dict) else {"layers": config}
    model = cls(name=settings.get("name"))
    for entry in settings["layers"]:
        model.add(registry.deserialize("layer", entry, custom_objects))
    shape = settings.get("build_input_shape")
    if model._graph is None and shape:
        model.build(tuple(shape))
    return model
