"""How a model was compiled, as plain data and back: optimizer, loss, metrics, and where training stood."""

import inspect
import warnings
from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import registry

_PARTS = ("loss", "metrics", "loss_weights", "weighted_metrics")
# Names whose meaning depends on the loss, which no registry can hold; compile knows them.
_BY_LOSS = ("acc", "accuracy", "ce", "crossentropy")
_KIND = {"loss": "loss", "metrics": "metric", "weighted_metrics": "metric"}


def describe_training(model):
    """(training configuration, optimizer's state) of a compiled model; (None, None) if it is not compiled or its
    optimizer is made of functions.

    Raises:
        ValueError: a loss, metric or schedule that has no name to be found by.
    """
    if getattr(model, "_compiled_with", None) is None or model.optimizer is None:
        return None, None
    training = training_config(model)
    if training is None:
        warnings.warn(
            f"The optimizer of {model.name!r} is made of functions, so the model is saved without it and will have to "
            f"be compiled after loading.",
            stacklevel=4,
        )
        return None, None
    return training, optimizer_state(model)


def training_config(model):
    """How the model was compiled, as plain data; None if its optimizer is made of functions.

    Raises:
        ValueError: a loss, metric or schedule that has no name to be found by.
    """
    try:
        settings = registry.serialize(model.optimizer)
    except TypeError:  # made by another library
        return None
    except ValueError as error:
        raise ValueError(
            f"The optimizer of model {model.name!r}: {error} Or save with include_optimizer=False."
        ) from error
    training: dict[str, Any] = {"optimizer": settings}
    for part, value in zip(_PARTS, model._compiled_with, strict=True):
        try:
            training[part] = _stored(value)
        except ValueError as error:
            raise ValueError(
                f"The {part} of model {model.name!r}: {error} Or save with include_optimizer=False, and compile again "
                f"after loading."
            ) from error
    training["sample_weight_mode"] = getattr(model, "sample_weight_mode", None)
    return training


def optimizer_state(model):
    """The optimizer's arrays for this very model, the number of updates first; None before any training."""
    optimizer = model.optimizer
    trainable = getattr(model, "_trainable_at_compile", None)
    if trainable and getattr(optimizer, "_states", None):
        optimizer.build(trainable)  # it may serve other models too
    found = list(optimizer.get_weights())
    if found and not getattr(optimizer, "iterations_in_weights", True):
        found.insert(0, np.asarray(K.get_value(optimizer.iterations)))
    return found or None


def _stored(value):
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _stored(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_stored(item) for item in value]
    if isinstance(value, (K.Variable, np.generic)):
        return np.asarray(K.get_value(value)).item()
    if isinstance(value, dict):
        return value
    if inspect.isclass(value):
        value = value()
    return registry.serialize(value)


# --- And back ---


def restore_training(model, training, optimizer_weights, custom_objects=None):
    """Compile `model` as it was compiled, and set the optimizer to where it stood.

    Raises:
        ValueError: a name that is not known.
    """
    with registry.custom_object_scope(custom_objects or {}):
        model.compile(
            optimizer=_optimizer(training["optimizer"]),
            loss=_restored(training.get("loss"), "loss"),
            metrics=_restored(training.get("metrics"), "metrics"),
            loss_weights=training.get("loss_weights"),
            weighted_metrics=_restored(training.get("weighted_metrics"), "weighted_metrics"),
            sample_weight_mode=training.get("sample_weight_mode"),
        )
    if optimizer_weights:
        set_optimizer_state(model, optimizer_weights)


def set_optimizer_state(model, arrays):
    """Set the optimizer's state; if it does not fit, it begins anew, with a warning."""
    try:
        if model._trainable_at_compile:
            model.optimizer.build(model._trainable_at_compile)
        model.optimizer.set_weights(arrays)
    except (ValueError, TypeError) as error:
        warnings.warn(
            f"The optimizer of {model.name!r} begins anew, for its stored state does not fit: {error}", stacklevel=5
        )


def _optimizer(config):
    """The stored optimizer; a schedule that is a plain function is looked up by its name."""
    if isinstance(config, dict) and isinstance(config.get("config"), dict):
        settings = dict(config["config"])
        for name in ("lr", "learning_rate"):
            if isinstance(settings.get(name), str):
                settings[name] = registry.find("schedule", settings[name])
        return {**config, "config": settings}
    return config


def _restored(value, part):
    """Losses and metrics out of their configurations. Names stay names, except those of the caller's own things."""
    kind = _KIND[part]
    if isinstance(value, dict) and "class_name" in value:
        return registry.deserialize(kind, value)
    if isinstance(value, dict):
        return {key: _restored(item, part) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_restored(item, part) for item in value]
    if isinstance(value, str) and value not in _BY_LOSS and registry.get_registered_object(value) is not None:
        return registry.find(kind, value)
    return value
