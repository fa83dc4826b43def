"""What an object has become since it was made, as plain data: for callbacks and sequences that go on after a restart.

Numbers, texts, None, arrays, lists, tuples, sets and dicts of these, variables, and the random generators of NumPy and
Python are understood. What else an object holds (models, files, functions) is made anew by the program's start.
"""

import inspect
import json
import math
import random
from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam.saving import guards

# Larger arrays are taken for data that the program loads again; an object that knows better defines `get_state`.
LARGEST_BYTES = 16 << 20
_NOT_STATE = frozenset("model _model params validation_data others_may_log".split())
_SETS = {"tuple": tuple, "set": set, "frozenset": frozenset}
_PLAIN = (bool, int, str, type(None))


class NotPlain(TypeError):
    """A value that is no plain data."""


class Held:
    """State of a thing that must be set where it is, because others may hold it too: a variable, a generator."""

    def __init__(self, kind, state):
        self.kind = kind
        self.state = state

    def set_into(self, thing):
        """Set `thing`, of the kind this was taken from."""
        if self.kind == "variable" and isinstance(thing, K.Variable):
            thing.assign(self.state)
        elif self.kind == "RandomState" and isinstance(thing, np.random.RandomState):
            thing.set_state(self.state)
        elif self.kind == "Generator" and isinstance(thing, np.random.Generator):
            thing.bit_generator.state = self.state
        elif self.kind == "Random" and isinstance(thing, random.Random):
            thing.setstate(self.state)

    @classmethod
    def of(cls, thing):
        """What `thing` holds, or None if it is no such thing."""
        if isinstance(thing, K.Variable):
            return cls("variable", np.asarray(K.get_value(thing)))
        if isinstance(thing, np.random.RandomState):
            return cls("RandomState", thing.get_state(legacy=False))
        if isinstance(thing, np.random.Generator):
            return cls("Generator", thing.bit_generator.state)
        if isinstance(thing, random.Random):
            return cls("Random", thing.getstate())
        return None


def attributes(thing):
    """Attributes of `thing` that are plain data and were not given to its constructor: a dict for :func:`restore`.

    Example:
        >>> class Counter:
        ...     def __init__(self, patience):
        ...         self.patience, self.wait = patience, 0
        >>> attributes(Counter(3))
        {'wait': 0}
    """
    found, given = {}, _constructor_arguments(type(thing))
    for name, value in vars(thing).items():
        if name in given or name in _NOT_STATE:
            continue
        held = Held.of(value)
        if held is not None:
            found[name] = held
        elif _is_small_and_plain(value):
            found[name] = value
    return found


def _is_small_and_plain(value):
    arrays = []
    try:
        encode(value, arrays)
    except NotPlain:
        return False
    return sum(array.nbytes for array in arrays) <= LARGEST_BYTES


def restore(thing, state):
    """Set the attributes that :func:`attributes` gave."""
    for name, value in state.items():
        if isinstance(value, Held):
            value.set_into(getattr(thing, name, None))
        else:
            setattr(thing, name, value)


def _constructor_arguments(cls):
    names = set()
    for owner in cls.__mro__:
        if "__init__" in vars(owner) and owner is not object:
            names.update(inspect.signature(owner.__init__).parameters)
    return names


# --- To JSON and back; arrays go into a list beside it ---


def encode(value: Any, arrays) -> Any:
    """`value` as what JSON can hold; its arrays are appended to `arrays` and stand there by their number.

    Raises:
        NotPlain: it holds something else than plain data.

    Example:
        >>> arrays = []
        >>> decode(encode({"best": float("inf"), 3: (1, np.ones(2))}, arrays), arrays)
        {'best': inf, 3: (1, array([1., 1.]))}
    """
    if isinstance(value, Held):
        return {"held": value.kind, "state": encode(value.state, arrays)}
    if isinstance(value, np.generic):
        value = value.item() if value.dtype.kind in "biuf" and value.dtype.itemsize <= 8 else np.asarray(value)
    if isinstance(value, _PLAIN) and type(value) in _PLAIN:
        return value
    if type(value) is float:
        return value if math.isfinite(value) else {"float": repr(value)}
    if isinstance(value, np.ndarray) and value.dtype.kind in "biufc" or K.is_tensor(value):
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}
    if isinstance(value, dict):
        return {"dict": [[encode(k, arrays), encode(v, arrays)] for k, v in value.items()]}
    if type(value) is list and len(value) > 8 and all(type(item) is float for item in value):
        arrays.append(np.array(value, "float64"))
        return {"floats": len(arrays) - 1}
    if type(value) is list:
        return [encode(item, arrays) for item in value]
    kind = type(value)
    if kind in _SETS.values():
        return {kind.__name__: [encode(item, arrays) for item in list(value)]}  # pyright: ignore
    raise NotPlain(f"{kind.__name__} is no plain data")


def decode(plain, arrays) -> Any:
    """The value that :func:`encode` was given."""
    if isinstance(plain, list):
        return [decode(item, arrays) for item in plain]
    if not isinstance(plain, dict):
        return plain
    if "held" in plain:
        return Held(plain["held"], decode(plain["state"], arrays))
    ((kind, content),) = plain.items()
    if kind == "float":
        return float(content)
    if kind == "array":
        return arrays[content]
    if kind == "floats":
        return arrays[content].tolist()
    if kind == "dict":
        return {decode(k, arrays): decode(v, arrays) for k, v in content}
    return _SETS[kind](decode(item, arrays) for item in content)


def to_text(value, arrays):
    """`value` as the bytes of a JSON text; its arrays are appended to `arrays`.

    Raises:
        TypeError: it holds something else than plain data.
    """
    return np.frombuffer(json.dumps(encode(value, arrays)).encode(), np.uint8)


def from_text(text, arrays) -> Any:
    """The value that :func:`to_text` was given."""
    return decode(guards.read_json(bytes(text), what="the state of the training"), arrays)
