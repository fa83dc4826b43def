"""Functions of functions on the NumPy engine: nothing is compiled, nothing is differentiated, loops are Python's."""

import contextlib
from typing import Any

import numpy as np

from hornbeam import nest
from hornbeam.engines.numpy.tensors import _dtype, convert

_NO_GRADIENTS = (
    "The NumPy engine computes no gradients, so it cannot train: it is for reading and for prediction. Train with the "
    "default engine: unset HORNBEAM_BACKEND and KERAS_BACKEND."
)


def compilations():
    """What was compiled: nothing."""
    return []


def give_memory_back(least_bytes=0):
    """Nothing: the allocator is as it was, and gives back by itself."""
    return False


def giving_back_beside(least_bytes=0):
    """Nothing: there is no scratch area."""
    return contextlib.nullcontext()


def compile_ahead(program, *given):
    """Nothing: there is nothing to compile."""


def is_compiled(program):
    """False: there is nothing to compile."""
    return False


def compile_function(function, donate=(), static=()):
    return function


def at_once():
    """Nothing is ever traced here."""
    return contextlib.nullcontext()


def abstract(function, specs):
    """Runs the function on zeros; their shapes are what is asked for."""
    with np.errstate(all="ignore"):
        return function(*[np.zeros(shape, _dtype(dtype)) for shape, dtype in specs])


def gradients(function, values):
    raise NotImplementedError(_NO_GRADIENTS)


def value_and_gradients(function, values):
    raise NotImplementedError(_NO_GRADIENTS)


def stop_gradient(x):
    return x


def custom_gradient(forward, backward):
    return lambda *args: forward(*args)[0]


def conditional(predicate, if_true, if_false):
    return if_true() if predicate else if_false()


def scan(function, initial, sequences, length: Any = None, reverse=False, unroll=1):
    leaves = [leaf for leaf in nest.flatten(sequences) if leaf is not None]
    steps = range(len(leaves[0]) if leaves else length)
    carry, outs = initial, []
    for i in reversed(steps) if reverse else steps:
        carry, out = function(carry, nest.map_structure(lambda s, i=i: None if s is None else s[i], sequences))
        outs.append(out)
    outs = outs[::-1] if reverse else outs
    return carry, nest.map_structure(
        lambda *parts: None if parts[0] is None else np.stack(parts), *outs
    ) if outs else None


def while_loop(condition, body, initial):
    carry = initial
    while condition(carry):
        carry = body(carry)
    return carry


def map_rows(function, x):
    rows = [function(nest.map_structure(lambda a, i=i: a[i], x)) for i in range(len(nest.flatten(x)[0]))]
    return nest.map_structure(lambda *parts: np.stack(parts), *rows)


def constant(value, dtype=None):
    return convert(value, dtype)


def block_until_ready(x):
    return x


def print_value(message, x):
    print(f"{message}{x}")
    return x
