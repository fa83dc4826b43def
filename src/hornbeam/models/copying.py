"""Copies of models: `clone_model`, and what `pickle` and `copy.deepcopy` carry, by configuration and arrays."""

import copy
import warnings

from hornbeam import backend as K
from hornbeam import nest, registry
from hornbeam.core.input_layer import InputLayer
from hornbeam.models import configuration
from hornbeam.saving.model_files import check_ready
from hornbeam.saving.training_state import optimizer_state, set_optimizer_state

# What a model keeps that is compiled, or found again from the rest.
_PROGRAMS = ("_steps", "_predict_steps", "_objectives", "_quick_forward", "_compiled_call", "history")


def is_graph(model):
    """Do layers and their connections tell the model's architecture, and not the code of its class?"""
    return getattr(model, "_graph", None) is not None or hasattr(model, "_stack")


def clone_model(model, input_tensors=None, clone_function=None):
    """A model of the same architecture with new layers and new weights.

    Args:
        model: a graph of layers, or a Sequential.
        input_tensors: tensors from :func:`Input` to build it on, in place of new inputs.
        clone_function: called with each layer, gives the layer to use; None makes a new one from its configuration.

    Raises:
        ValueError: a model of the user's own, whose architecture is code; or another number of tensors than inputs.

    Example:
        >>> from hornbeam.layers import Dense
        >>> from hornbeam.models import Sequential
        >>> clone_model(Sequential([Dense(2, input_shape=(3,))])).output_shape
        (None, 2)
    """
    if not is_graph(model):
        raise ValueError(
            f"clone_model copies graphs of layers; {type(model).__name__} {model.name!r} is a class of your own. Make "
            f"another of it: {type(model).__name__}(...)."
        )
    with registry.functions_themselves(), registry.custom_object_scope(own_classes(model)):
        make = _Maker(model, clone_function)
        tensors = None if input_tensors is None else nest.to_list(input_tensors)
        if hasattr(model, "_stack"):
            return _cloned_stack(model, tensors, make)
        config = configuration.graph_config(model)
        return configuration.graph_from_config(_plain_class(model), config, None, make, _inputs(model, tensors))


def _plain_class(model):
    """The class of the house that the model is of: a class of the user's own may build its graph in its constructor."""
    return next(kind for kind in type(model).__mro__ if kind.__module__.startswith("hornbeam."))


class _Maker:
    """Gives new layers for the entries of a configuration."""

    def __init__(self, model, function):
        self.layers = {layer.name: layer for layer in model.layers}
        self.function = function

    def __call__(self, entry, custom_objects=None):
        layer = self.layers.get(entry["config"].get("name", entry.get("name")))
        if self.function is None or layer is None or isinstance(layer, InputLayer):
            return registry.deserialize("layer", entry, custom_objects)
        return self.function(layer)


def _inputs(model, tensors):
    """Name of each input layer -> tensor to use in its place."""
    if tensors is None:
        return None
    if len(tensors) != len(model.inputs):
        raise ValueError(f"Model {model.name!r} has {len(model.inputs)} inputs, got {len(tensors)} input_tensors.")
    return dict(zip(model.input_names, tensors, strict=True))


def _cloned_stack(model, tensors, make):
    made = _plain_class(model)(name=model.name)
    if tensors is not None:
        if len(tensors) != 1:
            raise ValueError(f"Sequential {model.name!r} has one input, got {len(tensors)} input_tensors.")
        made._start_from(tensors[0])
    elif model._pending_input is not None:
        first = model._pending_input._keras_history[0]
        made._start_from(InputLayer.from_config(first.get_config()).tensor)
    for layer in model.layers:
        made.add(make(configuration.layer_entry(layer)))
    return made


def own_classes(model):
    """Classes of the user's own among the layers inside, by the names configurations give them."""
    kinds = {type(layer) for layer in model.flat_layers()}
    return {registry.get_registered_name(k): k for k in kinds if not k.__module__.startswith("hornbeam.")}


# --- pickle and deepcopy ---


def parts_of(model, own_functions=False):
    """What a copy of a graph model needs, as a dict that pickle takes if the user's functions can be.

    Args:
        own_functions: the copy stays in this process, so optimizers made of functions can come along.
    """
    check_ready(model)
    with registry.functions_themselves():
        config = copy.deepcopy(model.get_config())
    parts = {
        "class": type(model),
        "config": config,
        "classes": own_classes(model),
        "weights": model.get_weights(),
        "states": K.batch_get_value(model.state_variables),
        "frozen": [i for i, layer in enumerate(model.flat_layers()) if not layer.trainable],
        "compiled": None,
    }
    if model._compiled_with is not None:
        parts["compiled"] = _compiled_parts(model, own_functions)
    return parts


def _compiled_parts(model, own_functions):
    optimizer, state = model.optimizer, optimizer_state(model)
    if hasattr(optimizer, "transformation"):  # made of functions by another library
        if not own_functions:
            warnings.warn(
                f"The optimizer of {model.name!r} is made of functions, so the copy will have to be compiled again.",
                stacklevel=5,
            )
            return None
        made = type(optimizer)(optimizer.transformation)
        made.iterations.assign(optimizer.iterations)
    else:
        made = copy.deepcopy(optimizer) if own_functions else optimizer
    loss, metrics, loss_weights, weighted = model._compiled_with
    settings = {"loss": loss, "metrics": metrics, "loss_weights": loss_weights, "weighted_metrics": weighted,
                "sample_weight_mode": model.sample_weight_mode}  # fmt: skip
    return {"optimizer": made, "state": state, "settings": copy.deepcopy(settings) if own_functions else settings}


def rebuild(parts):
    """The model that :func:`parts_of` took apart."""
    with registry.custom_object_scope(parts["classes"]):
        model = _of_class(parts["class"], parts["config"])
    if parts["weights"]:
        model.set_weights(parts["weights"])
    K.batch_set_value(list(zip(model.state_variables, parts["states"], strict=False)))
    layers = model.flat_layers()
    for i in parts["frozen"]:
        layers[i].trainable = False
    compiled = parts["compiled"]
    if compiled is not None:
        model.compile(compiled["optimizer"], **compiled["settings"])
        if compiled["state"] is not None:
            set_optimizer_state(model, compiled["state"])
    return model


def _of_class(kind, config):
    """A model from its configuration. A constructor of the user's own that builds the layers must not do so twice."""
    house = next(k for k in kind.__mro__ if k.__module__.startswith("hornbeam."))
    if kind.__init__ is house.__init__ or "layers" not in config:
        return kind.from_config(config)
    model = house.from_config(config)
    model.__class__ = kind
    return model


def state_without_programs(state):
    """The attributes of a model of the user's own, less what is compiled; it is made again when needed."""
    return {key: value for key, value in state.items() if key not in _PROGRAMS}
