"""Names of classes and functions, by kind: how a saved configuration becomes an object without importing all rooms.

Every room enters its own things here as the face imports the house; a reader only looks names up. What is not
entered, or handed over as ``custom_objects``, cannot come to life from a file: there is no import by name.
"""

import contextlib
import inspect
import threading
import warnings
from typing import Any

from hornbeam import checks

_known = {}  # kind -> {name: object}
_later = {}  # kind -> {name: module that registers it when it is loaded}
_names = {}  # object -> registered name, for users' own classes
_scope = threading.local()
_copying = threading.local()

KINDS = (
    "layer", "activation", "initializer", "regularizer", "constraint", "loss", "metric", "optimizer", "schedule",
    "policy",
)  # fmt: skip

# Of these kinds functions are used as they are; of the others they make objects (`l2(0.01)`).
_PLAIN_FUNCTIONS = ("activation", "loss", "metric", "layer")


def register(kind, *names):
    """Decorator that enters a class or function under its own name and under `names` (aliases)."""

    def enter(thing):
        table = _known.setdefault(kind, {})
        for name in (thing.__name__, *names):
            table[name] = thing
        return thing

    return enter


def register_later(kind, modules):
    """Enter what is registered when its module is loaded, which happens when the name is first looked for.

    Args:
        kind: one of :data:`KINDS`.
        modules: dict from name to function that loads the module. A file chooses among these and nothing else.
    """
    _later.setdefault(kind, {}).update(modules)


def register_keras_serializable(package="Custom", name=None):
    """Decorator: make a user's class or function known to loaders as ``'package>name'``.

    Example:
        >>> @register_keras_serializable("mine")
        ... def double(x):
        ...     return 2 * x
        >>> get_registered_name(double)
        'mine>double'
    """

    def enter(thing):
        full = f"{package}>{name or thing.__name__}"
        _known.setdefault("custom", {})[full] = thing
        _names[thing] = full
        return thing

    return enter


def get_registered_name(thing):
    """Name under which `thing` is stored in configurations."""
    return _names.get(thing, getattr(thing, "__name__", None))


def get_registered_object(name, custom_objects=None):
    """The object a user registered as `name`, or None."""
    return {**_known.get("custom", {}), **_current_custom(), **(custom_objects or {})}.get(name)


def names(kind):
    """Known names of one kind."""
    return list(_known.get(kind, {}))


def _current_custom():
    return getattr(_scope, "objects", {})


def get_custom_objects():
    """The table of the running program's own classes and functions, which loaders may use."""
    if not hasattr(_scope, "objects"):
        _scope.objects = {}
    return _scope.objects


@contextlib.contextmanager
def custom_object_scope(*tables):
    """Within this scope, configurations may name the classes and functions in `tables` (dicts)."""
    before = dict(get_custom_objects())
    for table in tables:
        _scope.objects.update(table)
    try:
        yield _scope.objects
    finally:
        _scope.objects.clear()
        _scope.objects.update(before)


CustomObjectScope = custom_object_scope


def find(kind, name, custom_objects=None) -> Any:
    """The class or function called `name`.

    Raises:
        ValueError: nobody registered it; names the nearest known one.
    """
    own = (custom_objects or {}, _current_custom(), _known.get("custom", {}))
    if name in _later.get(kind, {}) and not any(name in table for table in own):
        _later[kind][name]()
    for table in (*own, _known.get(kind, {})):
        if name in table:
            return table[name]
    if isinstance(name, str) and ">" in name:
        return find(kind, name.rsplit(">", 1)[1], custom_objects)
    raise checks.unknown_name(
        kind, name, _known.get(kind, {}), f"If it is your own, pass custom_objects={{{name!r}: ...}}."
    )


@contextlib.contextmanager
def _within(name, value):
    """Within this scope `_copying` has `value` under `name`."""
    before = getattr(_copying, name, None)
    setattr(_copying, name, value)
    try:
        yield
    finally:
        setattr(_copying, name, before)


def functions_themselves():
    """Within this scope configurations hold users' functions and objects themselves and not their names, so that models
    can be copied within the program whether or not their functions have names."""
    return _within("on", True)


def copying():
    """Is :func:`functions_themselves` in force?"""
    return bool(getattr(_copying, "on", False))


def values_come_later(told):
    """Within this scope new weights of layers are blank, since a file will fill them: they need neither random numbers
    nor memory yet. `told(shape)` hears of each, and may refuse it."""
    return _within("told", told)


def told_of_weights():
    """What :func:`values_come_later` was given, or None."""
    return getattr(_copying, "told", None)


def name_to_store(thing):
    """The name by which a function can be found again: registered, in the custom objects, or its own.

    Raises:
        ValueError: it has none, as a lambda.
    """
    for name, known in get_custom_objects().items():
        if known is thing:
            return name
    name = get_registered_name(thing)
    if not isinstance(name, str) or "<lambda>" in name:
        raise ValueError(
            f"{thing!r} has no name to be saved under. Write it as `def`, put @register_keras_serializable() above, "
            f"and hand that over; code itself is never saved."
        )
    namesakes = [_known.get(kind, {}).get(name) for kind in ("loss", "metric", "activation")]
    # Written in Python, so probably by the user; `np.tanh` and its like mean what their names say.
    own = inspect.isfunction(thing) and not _is_own(thing)
    if own and any(other is not None and other is not thing for other in namesakes):
        warnings.warn(
            f"Your function {name!r} is stored by a name that Hornbeam's own {name!r} has, and will load as that one. "
            f"Rename it, put @register_keras_serializable() above it, or load with custom_objects={{{name!r}: ...}}.",
            stacklevel=3,
        )
    return name


def serialize(thing):
    """Configuration of an object (``{'class_name', 'config'}``), or the name of a function. None stays None.

    Raises:
        ValueError: a lambda, or an object without `get_config`.
    """
    if thing is None or isinstance(thing, (str, int, float, bool)):
        return thing
    if copying() and callable(thing) and not _is_own(thing):
        return thing
    if hasattr(thing, "get_config"):
        return {"class_name": get_registered_name(type(thing)), "config": thing.get_config()}
    if hasattr(thing, "__name__"):
        return name_to_store(thing)
    raise ValueError(
        f"Cannot turn {thing!r} into a configuration. Give it get_config(), or use a function that has a name."
    )


def _is_own(thing):
    """Is it of this package, or a layer? Those are always copied by configuration."""
    module = getattr(thing, "__module__", None) or type(thing).__module__
    return module.startswith("hornbeam.") or hasattr(thing, "flat_layers")


def deserialize(kind, config, custom_objects=None) -> Any:
    """The object a configuration describes; the inverse of :func:`serialize`.

    Args:
        kind: one of :data:`KINDS`.
        config: a dict with ``class_name`` and ``config``, or a name.
        custom_objects: dict of the caller's own names.

    Raises:
        ValueError: an unknown name, or a dict without ``class_name``.
    """
    if isinstance(config, str):
        found = find(kind, config, custom_objects)
        return found() if inspect.isclass(found) else found
    if not isinstance(config, dict) or "class_name" not in config:
        raise ValueError(f"A {kind} configuration is a dict with 'class_name' and 'config'; got {config!r}.")
    name = config["class_name"]
    found = find(kind, name, custom_objects)
    settings = config.get("config") or {}
    if not inspect.isclass(found):
        if not isinstance(settings, dict) or not settings:
            return found
        given = [*(custom_objects or {}).values(), *_current_custom().values()]  # a factory, handed over as such
        if (kind in _PLAIN_FUNCTIONS or found in _names) and found not in given:
            raise ValueError(f"{name!r} is a function, which a configuration names and does not call.")
        return found(**settings)
    try:
        return _from_config(found, settings, custom_objects)
    except KeyError as error:
        raise ValueError(f"The configuration of {name!r} has no {error}: {str(settings)[:200]}") from error


def _from_config(found, settings, custom_objects):
    if not hasattr(found, "from_config"):
        return found(**settings)
    if custom_objects and "custom_objects" in inspect.signature(found.from_config).parameters:
        return found.from_config(settings, custom_objects=custom_objects)
    with custom_object_scope(custom_objects or {}):
        return found.from_config(settings)


def get(kind, identifier, custom_objects=None) -> Any:
    """The object an identifier means: a name, a configuration, a callable itself, or None.

    Raises:
        ValueError: the name is unknown. TypeError: something that is none of these came.
    """
    if identifier is None or callable(identifier):
        return identifier
    if isinstance(identifier, (str, dict)):
        return deserialize(kind, identifier, custom_objects)
    raise TypeError(f"A {kind} is given by name, function, object or configuration; got {identifier!r}.")
