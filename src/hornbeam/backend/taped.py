"""What a gradient tape writes down: values that remember how they were computed, and the calls that made them.

While a tape is open the innermost scope is a :class:`Taping`. In it, every word on variables (or on values that came
from them) and every layer is carried out at once and noted as a :class:`Call`. A gradient carries the noted calls out
again under the engine's differentiation, with the same variables, masks and random numbers; compiled programs keep one
of the two passes.
"""

import numpy as np

from hornbeam import nest, scope
from hornbeam.engines import engine


class Taped:
    """A value that a tape knows the origin of; it is used like an array, and outside tapes it is nothing else.

    Attributes:
        value: the engine's array.
        call: the :class:`Call` it comes from; None for variables and watched tensors.
        variable: the variable whose value this is, or None.
    """

    __slots__ = ("_value", "call", "variable", "__weakref__")
    __array_priority__ = 1000  # NumPy operators give way to ours

    def __init__(self, value, call=None, variable=None):
        self._value = value
        self.call = call
        self.variable = variable

    shape = property(lambda self: tuple(self._value.shape), doc="Tuple of sizes.")
    dtype = property(lambda self: engine.dtype_of(self._value), doc="Name of the type.")
    ndim = property(lambda self: len(self._value.shape), doc="Number of axes.")
    value = property(lambda self: self._value, doc="The engine's array, whose origin nobody knows.")
    _keras_shape = shape

    def numpy(self):
        """The value as a NumPy array."""
        return engine.to_numpy(self._value)

    def as_engine_array(self):
        """The value, for functions of the engine's own library.

        Raises:
            TypeError: a tape is open, which does not see what such functions do.
        """
        if isinstance(scope.current(), Taping):
            raise TypeError(
                "Within GradientTape a function of another library was called on a value whose gradient is asked for, "
                "and the tape cannot see it. Use the K function of that name, or do it in a layer's call."
            )
        return self._value

    def __array__(self, dtype=None, copy=None):
        found = self.numpy()
        return found if dtype is None else found.astype(dtype)

    def __float__(self):
        return float(self._value)

    def __int__(self):
        return int(self._value)

    __index__ = __int__

    def __bool__(self):
        return bool(self._value)

    def __len__(self):
        return len(self._value)

    def __iter__(self):
        return (self[i] for i in range(len(self)))

    def __format__(self, form):
        return format(self.numpy()[()] if self.ndim == 0 else self.numpy(), form)

    def __repr__(self):
        return f"<Taped shape={self.shape} dtype={self.dtype} value={self._value}>"

    def __getattr__(self, name):
        """Methods and attributes of the engine's arrays (`reshape`, `sum`, `T`), noted as words are."""
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._value, name)
        if callable(found):
            return lambda *args, **kwargs: call(lambda x, a, k: getattr(x, name)(*a, **k), (self, args, kwargs))
        return call(lambda x: getattr(x, name), (self,)) if engine.is_tensor(found) else found

    __hash__ = object.__hash__


engine.stand_for_arrays(Taped)


def untaped(x):
    """`x` without its origin; anything that has none as it is. Where calls are carried out again, its value there."""
    if type(x) is not Taped:
        return x
    for here in reversed(scope.all_open()):
        if isinstance(here, Taping):
            break
        if isinstance(here, (_Noting, _Repeating)):
            return here.value_of(x)
    return x._value


def strip(tree):
    """A nest with :func:`untaped` values."""
    return nest.map_structure(untaped, tree)


def is_taping():
    """Is a tape open, and does it see what is done here?"""
    return isinstance(scope.current(), Taping)


class Call:
    """One call of a function on values, as it was carried out.

    Attributes:
        function: of (*args); it may read and assign variables and use random words.
        args: nest with Taped leaves.
        inputs: taped values it depends on: among the arguments, held in closures, and variables' values.
        outputs: its results and added losses in flat order; None where no gradient can flow.
    """

    __slots__ = ("function", "args", "inputs", "outputs", "_reads", "_constants", "_context", "_masks")

    def __init__(self, function, args, noting):
        self.function, self.args = function, args
        self._reads, self._constants = noting.reads, noting.constants
        self._context = noting.start
        taped = [leaf for leaf in nest.flatten(args) if type(leaf) is Taped]
        self.inputs = list(dict.fromkeys([*taped, *noting.enclosed, *noting.reads.values()]))
        self._masks = [(t, m) for t in taped if (m := noting.mask_of(t._value)) is not None]
        self.outputs = []

    def repeat(self, value_of):
        """The results anew: dict from output to value, given the inputs' values."""
        values = _Sealed({v: value_of[t] for v, t in self._reads.items()})
        values.update(self._constants)
        training, seed, draws, frozen, compute_dtype = self._context
        here = _Repeating(values, training, seed)
        here.draws, here.frozen, here.compute_dtype, here.given = draws, frozen, compute_dtype, value_of
        for taped, mask in self._masks:
            here.set_mask(value_of[taped], mask)
        args = nest.map_structure(lambda leaf: value_of[leaf] if type(leaf) is Taped else leaf, self.args)
        with here:
            flat = nest.flatten(strip(self.function(*args)))
        flat += [value for _, value in here.losses]
        return {taped: value for taped, value in zip(self.outputs, flat, strict=True) if taped is not None}


def order_calls(targets):
    """Calls that lead to `targets`, each after those it needs."""

    def makers(tensors):
        return [t.call for t in tensors if t.call is not None]

    return nest.after_what_it_needs(makers(targets), lambda call: makers(call.inputs))


# --- Scopes ---


class Taping(scope.Scope):
    """The scope in which words and layers are noted; what is assigned and added goes on to the scope around it."""

    __slots__ = ("around", "leaves", "watched", "depth", "concrete")

    def __init__(self, around):
        super().__init__(_TapedValues(self))
        self.around = around
        self.leaves = {}  # variable -> its present value, taped
        self.watched = {}  # id of an array -> (the array, the same taped)
        self.depth = 0
        if around is not None:
            for name in ("training", "seed", "draws", "losses", "metrics", "masks", "valid_rows", "outside", "frozen"):
                setattr(self, name, getattr(around, name))
        if self.seed is None:  # fixed, so that a second pass draws the same numbers
            self.seed = np.uint32(np.random.randint(0, 2**32, dtype=np.uint64))
        self.concrete = not engine.is_traced(self.seed)

    def close(self):
        """Hand on how many random words were called."""
        if self.around is not None:
            self.around.draws = self.draws

    def mask_of(self, value):
        """Mask that came with `value`, or None."""
        return super().mask_of(untaped(value))

    def set_mask(self, value, mask):
        """Remember `mask` for `value`."""
        super().set_mask(untaped(value), mask)

    def leaf(self, variable):
        """The variable's value, taped if gradients can flow through it."""
        found = self.leaves.get(variable)
        if found is None:
            here, value = self.around, None
            if here is not None and variable in here.values:
                value = here.values[variable]
            else:
                value = variable._value
                if self.outside is not None:
                    self.outside[variable] = value
            if not _differentiable(value):
                return value
            found = self.leaves[variable] = Taped(untaped(value), variable=variable)
        return found

    def assign(self, variable, value):
        """Set the variable in the scope around this one."""
        self.leaves.pop(variable, None)
        here = self.around
        if here is not None and (variable in here.values or engine.is_traced(value)):
            here.values[variable] = value
        else:
            variable._value = value

    def run_layer(self, layer, inputs, masks, args, kwargs):
        """`layer.run`, noted as one call. Users' layers on concrete values run word by word, once, for the debugger."""
        own = not type(layer).__module__.startswith("hornbeam.")
        if self.concrete and (own or _holds_users_layers(layer)):
            try:
                return layer.run(self.with_watched(inputs), masks, args, kwargs)
            except (TypeError, ValueError):  # the engine's own functions refuse taped values
                pass
        return call(lambda *parts: layer.run(*parts), (inputs, masks, args, kwargs))

    def with_watched(self, tree):
        """A nest with watched arrays as their taped selves."""
        return nest.map_structure(self._watched_or_same, tree) if self.watched else tree

    def _watched_or_same(self, leaf):
        known = self.watched.get(id(leaf))
        return leaf if known is None else known[1]


class _Noting(scope.Scope):
    """The scope of one call while it is carried out first: takes down what it reads beside its arguments."""

    __slots__ = ("taping", "reads", "constants", "enclosed", "written", "start")

    def __init__(self, taping):
        super().__init__(_NotedValues(self), taping.training, taping.seed, taping.valid_rows, taping.outside)
        self.taping = taping
        self.draws, self.frozen, self.masks = taping.draws, taping.frozen, taping.masks
        self.compute_dtype = taping.compute_dtype
        self.start = (self.training, self.seed, self.draws, self.frozen, self.compute_dtype)
        self.reads, self.constants, self.enclosed, self.written = {}, {}, {}, {}

    def value_of(self, taped):
        """Value of something that a closure holds."""
        self.enclosed[taped] = None
        return taped._value


class _Repeating(scope.Scope):
    """The scope of one call while it is carried out again; nothing that it assigns gets out."""

    __slots__ = ("given",)

    def value_of(self, taped):
        """Value of something that a closure holds."""
        return self.given.get(taped, taped._value)


class _AllValues(dict):
    """Values of scopes in which every variable has one."""

    def __contains__(self, variable):
        return True

    def copy(self):
        """Values for a scope within: they follow these until set there."""
        return _Within(self)


class _Within(_AllValues):
    """Values that follow others; assignments stay inside."""

    def __init__(self, outer):
        super().__init__()
        self.outer = outer

    def __missing__(self, variable):
        return self.outer[variable]


class _TapedValues(_AllValues):
    """The values of a :class:`Taping`: every variable has one there."""

    def __init__(self, taping):
        super().__init__()
        self.taping = taping

    def __getitem__(self, variable):
        return self.taping.leaf(variable)

    def __setitem__(self, variable, value):
        self.taping.assign(variable, value)


class _NotedValues(_AllValues):
    """The values of a :class:`_Noting`: read from the tape's scope once, written there at the end."""

    def __init__(self, noting):
        super().__init__()
        self.noting = noting

    def __missing__(self, variable):
        found = self.noting.taping.leaf(variable)
        if type(found) is Taped:
            self.noting.reads[variable] = found
            found = found._value
        else:
            self.noting.constants[variable] = found
        dict.__setitem__(self, variable, found)
        return found

    def __setitem__(self, variable, value):
        self.noting.written[variable] = value
        dict.__setitem__(self, variable, value)


class _Sealed(_AllValues):
    """Values of all variables: those given, and for others the ones they hold; assignments stay inside."""

    def __missing__(self, variable):
        return variable._value


# --- Calls ---


def call(function, args):
    """`function(*args)`, noted if a tape is open; taped values in its results where gradients can flow.

    Args:
        function: pure but for variables, random words, added losses and masks; it gets plain values.
        args: nest of anything.
    """
    taping = scope.current()
    if not isinstance(taping, Taping):
        return function(*strip(tuple(args)))
    args = taping.with_watched(tuple(args))
    noting = _Noting(taping)
    with noting:
        result = strip(function(*nest.map_structure(lambda leaf: leaf._value if type(leaf) is Taped else leaf, args)))
    taping.draws = noting.draws
    noted = Call(function, args, noting)
    tapes = bool(noted.inputs)

    def wrap(value):
        found = Taped(value, noted) if tapes and _differentiable(value) else None
        noted.outputs.append(found)
        return value if found is None else found

    result = nest.map_structure(wrap, result)
    taping.losses.extend([(layer, wrap(value)) for layer, value in noting.losses])
    taping.metrics.extend(noting.metrics)
    for variable, value in noting.written.items():
        taping.assign(variable, value)
    return result


def run(function, args):
    """`function(*args)` for code that users had a hand in: noted word by word on concrete values, else as one call."""
    taping = scope.current()
    if isinstance(taping, Taping) and taping.concrete:
        try:
            return function(*taping.with_watched(tuple(args)))
        except (TypeError, ValueError):  # the engine's own functions refuse taped values
            pass
    return call(function, args)


def _differentiable(value):
    return type(value) is Taped or (engine.is_tensor(value) and "float" in engine.dtype_of(value))


def _holds_users_layers(layer):
    if getattr(layer, "_graph", None) is None:
        return False
    return any(not type(inner).__module__.startswith("hornbeam.") for inner in layer.flat_layers())
