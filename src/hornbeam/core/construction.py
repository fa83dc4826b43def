"""How layers are made: constructor arguments are remembered, so that a configuration can be read off a signature."""

import functools
import inspect

import numpy as np

from hornbeam import legacy, registry


@functools.lru_cache(maxsize=1024)  # a third of the time that a ResNet50 took to construct went into asking anew
def signature_of(function):
    """`inspect.signature` of a function, worked out once."""
    return inspect.signature(function)


class RecordsArguments(type):
    """Metaclass: keeps the arguments a layer was made with in `_made_with` (name -> value)."""

    @property
    def __signature__(cls):
        """What `help` and editors show: the constructor's arguments, and not those of the `__call__` below."""
        own = signature_of(cls.__init__)
        return own.replace(parameters=list(own.parameters.values())[1:])

    def __call__(cls, *args, **kwargs):
        args, kwargs = _in_todays_spelling(cls, args, kwargs)
        made = super().__call__(*args, **kwargs)
        if isinstance(made, cls):
            if "_inbound_nodes" not in vars(made):
                raise TypeError(
                    f"{cls.__name__}.__init__ does not call super().__init__(). Make it the first line of __init__."
                )
            try:
                bound = signature_of(cls.__init__).bind(None, *args, **kwargs)
            except TypeError:  # __new__ made something else of the arguments
                return made
            made._made_with = _named(cls, bound)
        return made


def _in_todays_spelling(cls, args, kwargs):
    """Arguments of a layer of the house, or of one derived from it, with old spellings replaced."""
    owners = [base for base in cls.__mro__ if base.__module__.startswith("hornbeam.")]
    names = [base.__name__ for base in owners]
    if "input_dim" in kwargs and "Embedding" not in names:
        legacy.note("layer", ["input_dim"], 3)
    if "Model" in names and cls is not owners[0]:  # a model of the user's own may call its arguments what it likes
        return args, kwargs
    if not any(name in legacy.RENAMED for name in names):
        return args, kwargs
    own_order = "__init__" in vars(cls) and cls not in owners
    found, kwargs = legacy.modernize(
        [cls.__name__, *names], signature_of(cls.__init__).parameters, None if own_order else args, kwargs
    )
    return (args if own_order else found), kwargs


def _named(cls, bound):
    named = {}
    for name, parameter in signature_of(cls.__init__).parameters.items():
        if name not in bound.arguments or name == "self":
            continue
        if parameter.kind is parameter.VAR_KEYWORD:
            named.update(bound.arguments[name])
        elif parameter.kind is not parameter.VAR_POSITIONAL:
            named[name] = bound.arguments[name]
    named.pop(next(iter(signature_of(cls.__init__).parameters)), None)
    return named


# Written by the layer base itself, or meaningful only at the first call.
_BASE_ARGUMENTS = {
    "self", "name", "trainable", "dtype", "input_shape", "batch_input_shape", "batch_size", "input_dim", "weights",
    "input_dtype", "input_length",
}  # fmt: skip


def config_from_signature(thing):
    """Constructor arguments of `thing` as they are now: attributes of the same name, else what was given."""
    given = getattr(thing, "_made_with", {})
    parameters = signature_of(type(thing).__init__).parameters
    named = [n for n, p in parameters.items() if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    config = {}
    for name in [*named, *(n for n in given if n not in named)]:
        if name in _BASE_ARGUMENTS and not (name == "input_length" and name in named):
            continue
        if hasattr(thing, name):
            config[name] = plain(getattr(thing, name), thing, name)
        elif name in given:
            config[name] = plain(given[name], thing, name)
        elif parameters[name].default is not inspect.Parameter.empty:
            config[name] = plain(parameters[name].default, thing, name)
    return config


def taken_by(cls, settings):
    """Those of `settings` that the constructor of `cls` can be given: all, if it takes any keyword."""
    parameters = signature_of(cls.__init__).parameters
    if any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        return settings
    return {name: value for name, value in settings.items() if name in parameters}


def plain(value, owner, name):
    """`value` as numbers, strings, lists and dicts, the way a configuration holds it.

    Raises:
        ValueError: it cannot be written down; says which argument of which layer.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (list, tuple)):
        return [plain(item, owner, name) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item, owner, name) for key, item in value.items()}
    if hasattr(value, "get_config") or callable(value):
        return registry.serialize(value)
    raise ValueError(
        f"{type(owner).__name__} {getattr(owner, 'name', '')!r}: the argument {name}={value!r} cannot be written into "
        f"a configuration. Override get_config() and from_config() in {type(owner).__name__}."
    )
