"""What makes a function a word: at once on arrays, recorded as a node on symbolic tensors."""

import functools

import numpy as np

from hornbeam import nest, scope
from hornbeam.backend.naming import get_uid
from hornbeam.backend.taped import Taped, Taping, untaped
from hornbeam.backend.taped import call as taped_call
from hornbeam.backend.variables import Recording, Variable
from hornbeam.engines import engine
from hornbeam.symbolic import Node, SymbolicTensor

WORDS = {}  # name -> word; saved graphs name the words they use

# Stand-ins for unknown sizes, one an axis, in two runs: a size that differs between the runs is unknown in the result.
_PROBES = ((83, 101, 107, 113, 131, 149, 163), (89, 103, 109, 127, 137, 151, 167))


class Word:
    """A vocabulary function as the operation of nodes."""

    __slots__ = ("name", "function")

    def __init__(self, name, function):
        self.name = name
        self.function = function

    def call_node(self, args, kwargs, masks):
        """Run the word on values; elementwise words pass the mask of their first masked argument on."""
        carried = next((m for m in nest.flatten(masks) if m is not None), None)
        return self.function(*args, **kwargs), carried if self.name in MASK_KEEPERS else None


# Words that leave rows and time steps where they were, so that a mask stays true of the result.
MASK_KEEPERS = frozenset(
    "add subtract multiply divide power negative abs square sqrt exp log sin cos round sign clip relu elu softplus "
    "softsign sigmoid hard_sigmoid tanh softmax dropout identity cast stop_gradient maximum minimum "
    "l2_normalize".split()
)


def word(function):
    """Decorator: the function computes on arrays, and records a node when a symbolic tensor is among its arguments.

    Variables among the arguments stand for their values.
    """
    operation = Word(function.__name__, None)

    @functools.wraps(function)
    def call(*args, **kwargs):
        found = _kinds(args) | _kinds(kwargs.values())
        if found & 1 or (found and isinstance(scope.current(), Recording)):
            return record(operation, args, kwargs)
        if isinstance(scope.current(), Taping) and (found or scope.current().watched or any(map(callable, args))):
            return taped_call(lambda a, k: call(*a, **k), (args, kwargs))
        if found:
            args = [_plain(a) for a in args]
            kwargs = {key: _plain(a) for key, a in kwargs.items()}
        return function(*args, **kwargs)

    operation.function = call
    WORDS[function.__name__] = call
    call.operation = operation
    return call


def _kinds(values):
    """1 if a symbolic tensor is among `values`, plus 2 for a variable, 4 for a taped value; looks into nests."""
    found = 0
    for value in values:
        if isinstance(value, SymbolicTensor):
            found |= 1
        elif isinstance(value, Variable):
            found |= 2
        elif type(value) is Taped:
            found |= 4
        elif type(value) in (list, tuple):
            found |= _kinds(value)
        elif type(value) is dict:
            found |= _kinds(value.values())
    return found


def _plain(value):
    if isinstance(value, Variable):
        return untaped(value.value)
    if type(value) is Taped:
        return untaped(value)
    if type(value) in (list, tuple):
        return type(value)(_plain(item) for item in value)
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value


def is_symbolic(*values):
    """True if a symbolic tensor is among `values` or inside them."""
    return bool(_kinds(values) & 1)


def record(operation, args, kwargs, name=None):
    """Make a node of `operation` and give back the symbolic tensors of its result, in the result's form."""
    node = Node(operation, args, kwargs)
    try:
        form, probes = infer(lambda a, k: operation.call_node(a, k, [None])[0], args, kwargs)
    except (TypeError, ValueError) as error:
        raise _does_not_fit(node, error) from error
    found = attach(node, form, name or get_uid_name(operation.name), probes)
    if operation.name in MASK_KEEPERS:
        carried = next((t._keras_mask for t in node.inputs if t._keras_mask is not None), None)
        for tensor in nest.flatten(found) if carried is not None else ():
            tensor._keras_mask = carried
    return found


def _does_not_fit(node, error):
    """The engine's complaint, led by what it is about in the user's terms."""
    shapes = ", ".join(str(tuple(t.shape)) for t in node.inputs)
    stood_in = " (In there, 83 and other primes stand for sizes that are unknown.)" if "None" in shapes else ""
    kind = TypeError if isinstance(error, TypeError) and "argument" in str(error) else ValueError
    return kind(f"{node.operation.name} cannot be computed for {shapes}: {str(error).splitlines()[0]}{stood_in}")


def get_uid_name(prefix):
    """`prefix` with the next free number, as layers are named: 'add_1'."""
    return f"{prefix}_{get_uid(prefix)}"


def attach(node, form, name, probes=None):
    """Give `node` its output tensors; `form` is the nest of (shape, dtype) of its result, with None for no value."""
    node.form = form if isinstance(form, (list, dict)) or type(form) is tuple else None
    flat = nest.flatten(form)
    flat_probes = nest.flatten(probes) if probes is not None else [None] * len(flat)
    for i, (spec, probe) in enumerate(zip(flat, flat_probes, strict=True)):
        if spec is None:
            node.outputs.append(None)
            continue
        tensor_name = name if len(flat) == 1 else f"{name}:{i}"
        tensor = SymbolicTensor(spec.shape, spec.dtype, tensor_name, node, i, probe)
        tensor._uses_learning_phase = any(t._uses_learning_phase for t in node.inputs)
        node.outputs.append(tensor)
    return nest.pack_like(form, node.outputs)


class Spec:
    """Shape (None where unknown) and dtype name of a result."""

    __slots__ = ("shape", "dtype")

    def __init__(self, shape, dtype):
        self.shape = tuple(shape)
        self.dtype = str(dtype)


class Probe:
    """The two probing values of a tensor that depends on shapes alone."""

    __slots__ = ("values",)

    def __init__(self, values):
        self.values = values


def infer(function, args, kwargs):
    """Form of `function(args, kwargs)`: a nest of :class:`Spec`, and the probes (or None) that go with it.

    The function is traced, not run, twice if some size is unknown. A result that comes out as plain integers
    although the arguments are traced depends on shapes alone; it becomes a probe.
    """
    tensors = list(dict.fromkeys(t for t in nest.flatten([list(args), kwargs]) if isinstance(t, SymbolicTensor)))
    unknown = any(None in t.shape or t.probe is not None for t in tensors)
    first, first_raw = _trace(function, args, kwargs, tensors, 0)
    if not unknown:
        return nest.map_structure(lambda s: None if s is None else Spec(s.shape, s.dtype), first), None
    second, second_raw = _trace(function, args, kwargs, tensors, 1)
    probes = nest.map_structure(lambda a, b: Probe([a, b]) if _plain_integers(a) else None, first_raw, second_raw)
    return nest.map_structure(_common, first, second), probes


def _plain_integers(value):
    return isinstance(value, (int, np.integer)) or (isinstance(value, np.ndarray) and value.dtype.kind in "iu")


def _common(first, second):
    if first is None:
        return None
    sizes = zip(first.shape, second.shape, strict=True)
    return Spec([a if a == b else None for a, b in sizes], first.dtype)


def _trace(function, args, kwargs, tensors, run):
    real = [t for t in tensors if t.probe is None]
    specs = [(stand_in(t.shape, run), t.dtype) for t in real]
    raw = []

    def on_values(*values):
        value_of = dict(zip(real, values, strict=True))
        value_of.update((t, t.probe.values[run]) for t in tensors if t.probe is not None)

        def fill(leaf):
            return value_of[leaf] if isinstance(leaf, SymbolicTensor) else leaf

        with scope.Scope(seed=0):
            raw.append(function(nest.map_structure(fill, list(args)), nest.map_structure(fill, kwargs)))
        return raw[0]

    return engine.abstract(on_values, specs), raw[0]


def stand_in(shape, run):
    """`shape` with a prime for every unknown size."""
    return tuple(_PROBES[run][min(axis, 6)] if size is None else size for axis, size in enumerate(shape))
