"""`keras.utils.generic_utils`: custom objects, configurations, the progress line, small tools for lists and shapes."""

import inspect

from hornbeam import registry
from hornbeam.registry import CustomObjectScope, custom_object_scope, get_custom_objects
from hornbeam.training.progress import Progbar

__all__ = [
    "CustomObjectScope", "Progbar", "custom_object_scope", "deserialize_keras_object", "func_dump", "func_load",
    "get_custom_objects", "has_arg", "is_all_none", "object_list_uid", "serialize_keras_object", "slice_arrays",
    "to_list", "transpose_shape", "unpack_singleton",
]  # fmt: skip


def serialize_keras_object(instance):
    """The configuration of an object, or the name of a function."""
    return registry.serialize(instance)


def deserialize_keras_object(identifier, module_objects=None, custom_objects=None, printable_module_name="object"):
    """The object that a configuration or a name describes.

    Args:
        identifier: {'class_name', 'config'}, a name, or the object itself.
        module_objects: dict of names to look in, such as globals().
        custom_objects: dict of the caller's own names, looked in first.
        printable_module_name: what it is called in messages.

    Raises:
        ValueError: an unknown name.

    Example:
        >>> deserialize_keras_object("double", {"double": lambda x: 2 * x})(3)
        6
    """
    if identifier is None or not isinstance(identifier, (str, dict)):
        return identifier
    known = {**(module_objects or {}), **(custom_objects or {})}
    return registry.deserialize(printable_module_name, identifier, known)


def func_dump(func):
    """Refused: code is never saved.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(f"func_dump: {_NO_CODE}")


def func_load(code, defaults=None, closure=None, globs=None):
    """Refused: code is never read.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError(f"func_load: {_NO_CODE}")


_NO_CODE = (
    "Hornbeam neither saves nor reads code, which would run whatever stands in a file. Write the function with def, "
    "put @register_keras_serializable() above it or hand it over as custom_objects, and its name is saved."
)


def has_arg(fn, name, accept_all=False):
    """Can `fn` be called with the keyword `name`?

    Args:
        fn: function.
        name: of an argument.
        accept_all: is **kwargs enough?

    Example:
        >>> has_arg(lambda x, y=1: x, "y"), has_arg(lambda **rest: rest, "y")
        (True, False)
    """
    parameters = inspect.signature(fn).parameters
    if name in parameters:
        return parameters[name].kind in (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return accept_all and any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def to_list(x, allow_tuple=False):
    """`x` as a list: itself if it is one.

    Args:
        x: anything.
        allow_tuple: is a tuple a list of its items? Else it is one item.
    """
    if isinstance(x, list):
        return x
    return list(x) if allow_tuple and isinstance(x, tuple) else [x]


def unpack_singleton(x):
    """The item of a list or tuple of one; anything else as it is."""
    return x[0] if len(x) == 1 else x


def object_list_uid(object_list):
    """A text that tells one list of objects from another."""
    return ", ".join(str(abs(id(item))) for item in to_list(object_list))


def is_all_none(iterable_or_element):
    """Is it None, or a list or tuple of nothing else?"""
    items = iterable_or_element if isinstance(iterable_or_element, (list, tuple)) else [iterable_or_element]
    return all(item is None for item in items)


def slice_arrays(arrays, start=None, stop=None):
    """Rows `start` to `stop` of each array in a list, or the rows that a list `start` names.

    Example:
        >>> slice_arrays([[1, 2, 3], None], 1, 3)
        [[2, 3], None]
    """
    if arrays is None:
        return [None]
    if isinstance(start, list) and stop is not None:
        raise ValueError("slice_arrays: a list of rows as `start` leaves no room for `stop`. Give one of them.")
    rows = getattr(start, "tolist", lambda: start)()
    if isinstance(arrays, list):
        return [None if array is None else _rows_of(array, start, stop, rows) for array in arrays]
    return _rows_of(arrays, start, stop, rows) if rows is not None else [None]


def _rows_of(array, start, stop, rows):
    return array[rows] if hasattr(start, "__len__") else array[start:stop]


def transpose_shape(shape, target_format, spatial_axes):
    """`shape` of channels last, as it is in the layout `target_format`.

    Args:
        shape: tuple.
        target_format: 'channels_first' or 'channels_last'.
        spatial_axes: places of height, width and so on in `shape`.

    Example:
        >>> transpose_shape((16, 128, 64, 3), "channels_first", spatial_axes=(1, 2))
        (16, 3, 128, 64)
    """
    if target_format not in ("channels_first", "channels_last"):
        raise ValueError(
            f"transpose_shape: target_format must be 'channels_first' or 'channels_last'; got {target_format!r}."
        )
    if target_format == "channels_last":
        return shape
    found = [*shape[: spatial_axes[0]], shape[-1], *(shape[axis] for axis in spatial_axes)]
    return type(shape)(found)
