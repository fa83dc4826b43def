"""Words about the graph itself: placeholders, functions of the graph, gradients, the learning phase."""

import contextlib
import gc

import numpy as np

from hornbeam import config, nest, scope, symbolic
from hornbeam.backend import naming
from hornbeam.backend.captured import Captured
from hornbeam.backend.variables import Variable, get_value
from hornbeam.backend.words import Spec, attach, get_uid_name, is_symbolic, word
from hornbeam.engines import engine
from hornbeam.symbolic import Node, SymbolicTensor

# --- Placeholders ---


def placeholder(shape=None, ndim=None, dtype=None, sparse=False, name=None):
    """A symbolic tensor to be given a value later, by `K.function` or a model.

    Args:
        shape: sizes, None where unknown; or give `ndim`.

    Raises:
        ValueError: neither `shape` nor `ndim` came.
    """
    if shape is None:
        if ndim is None:
            raise ValueError("K.placeholder needs shape=(...) or ndim=... .")
        shape = (None,) * ndim
    return SymbolicTensor(shape, dtype or config.floatx(), name or get_uid_name("placeholder"), sparse=sparse)


def is_placeholder(x):
    """True for tensors from `K.placeholder` and `Input`."""
    return isinstance(x, SymbolicTensor) and x.node is None


# --- The learning phase: 1 while training, 0 otherwise ---

_PHASE_NAME = "keras_learning_phase"
_phase: dict = {"fixed": None, "tensor": None}


def learning_phase():
    """1 while training and 0 otherwise: a number if it was set, else a symbolic scalar that `K.function` can be fed.

    Inside a layer's `call` it is the phase of the evaluation under way.
    """
    if _phase["fixed"] is not None:
        return _phase["fixed"]
    here = scope.current()
    if here is not None:
        return here.training
    if _phase["tensor"] is None:
        _phase["tensor"] = SymbolicTensor((), "bool", _PHASE_NAME)
        _phase["tensor"]._uses_learning_phase = True
    return _phase["tensor"]


def fixed_phase():
    """The phase that `set_learning_phase` fixed, or None; compiled programs are kept apart by it."""
    return _phase["fixed"]


def is_learning_phase(x):
    """True for the symbolic scalar that `learning_phase` gives."""
    return isinstance(x, SymbolicTensor) and x.name == _PHASE_NAME and x.node is None


def set_learning_phase(value):
    """Fix the learning phase for all that follows.

    Args:
        value: 0 (inference) or 1 (training).

    Raises:
        ValueError: anything else.
    """
    if value not in (0, 1):
        raise ValueError(f"The learning phase is 0 or 1; got {value!r}.")
    _phase["fixed"] = int(value)


def training_now(training=None):
    """The training flag in force: `training` if given, else the fixed phase, else that of the scope, else False."""
    if training is not None and not isinstance(training, SymbolicTensor):
        return training
    if _phase["fixed"] is not None:
        return bool(_phase["fixed"])
    here = scope.current()
    return here.training if here is not None and here.training is not None else False


@word
def _choose_by_phase(x, alt, training):
    flag = training_now(training)
    if isinstance(flag, (bool, int, np.bool_)):
        return x if flag else alt
    return engine.where(engine.cast(flag, "bool"), x, alt)


def in_train_phase(x, alt, training=None):
    """`x` while training, else `alt`; either may be a function without arguments.

    Args:
        training: overrides the learning phase: True, False or None.
    """
    if isinstance(training, SymbolicTensor):
        training = None
    here = scope.current()
    if here is not None or training is not None or _phase["fixed"] is not None:
        flag = training_now(training)
        if isinstance(flag, (bool, int, np.bool_)):
            chosen = x if flag else alt
            return chosen() if callable(chosen) else chosen
    x, alt = (v() if callable(v) and not isinstance(v, SymbolicTensor) else v for v in (x, alt))
    result = _choose_by_phase(x, alt, training)
    if isinstance(result, SymbolicTensor):
        result._uses_learning_phase = training is None
    return result


def in_test_phase(x, alt, training=None):
    """`x` while not training, else `alt`; either may be a function without arguments."""
    return in_train_phase(alt, x, training)


@word
def _switch(condition, then, other):
    if np.ndim(condition) == 0:
        branches = [f if callable(f) else (lambda v=f: v) for f in (then, other)]
        return engine.conditional(engine.cast(condition, "bool"), *branches)
    then, other = (f() if callable(f) else f for f in (then, other))
    condition = engine.cast(condition, "bool")
    while condition.ndim < np.ndim(then):  # pyright: ignore[reportArgumentType]  (what a function gave)
        condition = engine.expand_dims(condition, -1)
    return engine.where(condition, then, other)


def switch(condition, then_expression, else_expression):
    """`then_expression` where `condition` holds, else `else_expression`; either may be a function without arguments.

    A scalar condition chooses between the two; one with axes chooses by element, spread over trailing axes.
    """
    if is_symbolic(condition, then_expression, else_expression):  # functions may close over symbolic tensors
        then_expression, else_expression = (
            f() if callable(f) and not isinstance(f, SymbolicTensor) else f for f in (then_expression, else_expression)
        )
    return _switch(condition, then_expression, else_expression)


def run_either(condition, then, other):
    """What `then()` gives where the scalar `condition` holds, else what `other()` gives: nests of one form, of values.

    Example:
        >>> run_either(True, lambda: {"a": np.float32(1)}, lambda: {"a": np.float32(2)})["a"].tolist()
        1.0
    """
    return engine.conditional(engine.cast(condition, "bool"), then, other)


@word
def print_tensor(x, message=""):
    """`x`; whenever it is computed, `message` and its value are printed, within compiled programs too.

    Use its result, or nothing prints: `x = K.print_tensor(x, "x is ")`.
    """
    return engine.print_value(message, engine.convert(x))


# --- Functions of the graph ---


class Function:
    """Compiled function from values of `inputs` to values of `outputs`, which also carries out `updates`.

    Args:
        inputs: list of symbolic tensors without a node, or any tensors of the graph to be overridden.
        outputs: list of symbolic tensors (or variables, or arrays, which are given back).
        updates: list of (variable, symbolic new value), as `K.update` makes them.
    """

    def __init__(self, inputs, outputs, updates=(), name=None, **session_kwargs):
        if not isinstance(inputs, (list, tuple)) or not isinstance(outputs, (list, tuple)):
            raise TypeError("K.function takes lists: K.function([inputs], [outputs]).")
        self.inputs = list(inputs)
        self.outputs = list(outputs)
        self.updates = [u for u in updates if isinstance(u, tuple)]
        self.name = name or "function"
        self._wanted = [t for t in [*outputs, *(new for _, new in self.updates)] if isinstance(t, SymbolicTensor)]
        fed = [t for t in self.inputs if isinstance(t, SymbolicTensor)]
        missing = symbolic.leaves_of(self._wanted, fed)
        self._phases = [t for t in missing if is_learning_phase(t)]
        missing = [t for t in missing if t not in self._phases]
        if missing:
            raise ValueError(
                f"K.function: the outputs depend on {missing[0].name!r} {tuple(missing[0].shape)}, which is not among "
                f"the inputs. Add it."
            )
        self._order = symbolic.order_nodes(self._wanted, fed)
        self._variables = variables_of(self._order, [*self.outputs, *(v for v, _ in self.updates)])
        self._captured = Captured()
        self._compiled = engine.compile_function(self._run, static=(2,))

    def _run(self, variable_values, values, training, seed):
        values = dict(zip([t for t in self.inputs if isinstance(t, SymbolicTensor)], values, strict=True))
        values.update(dict.fromkeys(self._phases, training))
        values_here = dict(zip(self._variables, variable_values, strict=True))
        context = scope.Scope(values_here, training, seed, outside=self._captured.seen)
        with context:
            found, _ = symbolic.evaluate(self._wanted, values, order=self._order)
            found = dict(zip(self._wanted, found, strict=True))
            results = [
                found[t] if isinstance(t, SymbolicTensor) else t.value if isinstance(t, Variable) else t
                for t in self.outputs
            ]
            for variable, new in self.updates:
                variable.assign(found[new])
        return results, [context.values[v] for v in self._variables]

    def __call__(self, inputs):
        """NumPy values of the outputs, a list.

        Raises:
            TypeError: `inputs` is no list. ValueError: another number of inputs than there are, or a shape that
                does not fit.
        """
        if not isinstance(inputs, (list, tuple)):
            raise TypeError("A K.function is called with a list of values, one for each input.")
        if len(inputs) != len(self.inputs):
            raise ValueError(f"{self.name} takes {len(self.inputs)} values, got {len(inputs)}.")
        training, values = bool(_phase["fixed"]), []
        for tensor, value in zip(self.inputs, inputs, strict=True):
            if is_learning_phase(tensor):
                training = bool(value)
            if not isinstance(tensor, SymbolicTensor):
                continue  # a fixed learning phase stands here as a number
            value = value.toarray() if hasattr(value, "toarray") else value
            value = engine.convert(value.value if isinstance(value, Variable) else value, tensor.dtype)
            _check_fed(tensor, value)
            values.append(value)
        seed = np.uint32(np.random.randint(0, 2**32, dtype=np.uint64))
        if self._captured.seen and self._captured.changed():
            self._variables = list(dict.fromkeys([*self._variables, *self._captured.known]))
            self._compiled = engine.compile_function(self._run, static=(2,))
        values = engine.block_until_ready(values)  # they may still be copied: see `to_device`
        results, new_values = self._compiled([v.value for v in self._variables], values, training, seed)
        for variable, new in zip(self._variables, new_values, strict=True):
            variable.assign(new)
        return [get_value(r) for r in results]


def _check_fed(tensor, value):
    fits = len(value.shape) == len(tensor.shape) and all(
        wanted is None or wanted == size for wanted, size in zip(tensor.shape, value.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{tensor.name!r} needs a value of shape {tuple(tensor.shape)}, got {tuple(value.shape)}.")


def variables_of(order, others=()):
    """Variables that the nodes in `order` read: those among their arguments and those their operations own."""
    found = {v: None for v in others if isinstance(v, Variable)}
    for node in order:
        for leaf in nest.flatten([list(node.args), node.kwargs]):
            if isinstance(leaf, Variable):
                found[leaf] = None
        for v in getattr(node.operation, "weights", ()):
            found[v] = None
        for v in getattr(node.operation, "state_variables", ()):
            found[v] = None
    return list(found)


def function(inputs, outputs, updates=None, **kwargs):
    """Compiled function from a list of values to a list of NumPy values.

    Example:
        >>> x = placeholder(shape=(None, 2))
        >>> double = function([x], [x * 2])
        >>> double([np.ones((1, 2))])[0].tolist()
        [[2.0, 2.0]]
    """
    return Function(inputs, outputs, updates or (), **kwargs)


def eval(x):
    """The value of a variable, an array, or a symbolic tensor that depends on no input, as NumPy array."""
    if isinstance(x, SymbolicTensor):
        return Function([], [x])([])[0]
    return get_value(x)


# --- Gradients ---


class Gradients:
    """Operation of the node that `K.gradients` records: runs the graph below a scalar again, differentiated."""

    name = "gradients"

    def __init__(self, loss, with_respect_to):
        self.loss = loss
        self.wanted = with_respect_to
        self.tensors = [t for t in with_respect_to if isinstance(t, SymbolicTensor)]
        self.leaves = symbolic.leaves_of([loss], self.tensors)
        self.order = symbolic.order_nodes([loss], self.tensors)
        self.weights = variables_of(self.order)

    def call_node(self, args, kwargs, masks):
        leaf_values, tensor_values = args
        given = dict(zip(self.leaves, leaf_values, strict=True))
        variables = [v for v in self.wanted if isinstance(v, Variable)]
        outer = scope.current()

        def loss_of(values):
            in_tensors = dict(zip(self.tensors, values[: len(self.tensors)], strict=True))
            in_variables = dict(zip(variables, values[len(self.tensors) :], strict=True))
            values_here = outer.values.copy() if outer else {}
            values_here.update(in_variables)
            inner = scope.Scope(
                values_here,
                outer.training if outer else False,
                outer.seed if outer else None,
                outer.valid_rows if outer else None,
            )
            with inner:
                (loss,), _ = symbolic.evaluate([self.loss], {**given, **in_tensors}, order=self.order)
            return engine.sum(loss)

        found = engine.gradients(loss_of, [*tensor_values, *(v.value for v in variables)])
        by_thing = dict(zip([*self.tensors, *variables], found, strict=True))
        return [by_thing[thing] for thing in self.wanted], None


def gradients(loss, variables):
    """Gradients of `loss` (summed, if it is no scalar) with respect to tensors of its graph and variables.

    Args:
        loss: symbolic tensor.
        variables: an input, layer output or variable, or a list of them.

    Returns:
        list of symbolic tensors, one for each of `variables`.

    Raises:
        TypeError: `loss` is no symbolic tensor.
    """
    if not isinstance(loss, SymbolicTensor):
        raise TypeError(
            "K.gradients differentiates symbolic tensors, and this loss is a value already. Build it from an Input, "
            "a placeholder or a model's output."
        )
    wanted = list(variables) if isinstance(variables, (list, tuple)) else [variables]
    # A tensor inside the graph is taken as given where its gradient is asked for. Other things may act through it, so
    # each such tensor gets a walk of its own; what the walks share is computed once in the compiled program.
    inner = [t for t in wanted if isinstance(t, SymbolicTensor) and t.node is not None]
    groups = [[t] for t in inner] + [[t for t in wanted if t not in inner]]
    found = {}
    for group in filter(None, groups):
        found.update(zip(group, _record_gradients(loss, group), strict=True))
    return [found[thing] for thing in wanted]


def _record_gradients(loss, wanted):
    operation = Gradients(loss, wanted)
    node = Node(operation, (operation.leaves, operation.tensors), {})
    form = [Spec(thing.shape, thing.dtype) for thing in wanted]  # a gradient has the form of what it is taken by
    return attach(node, form, get_uid_name("gradients"))


# --- Sessions: names from TensorFlow's time, without effect where nothing is left to do ---


def clear_session():
    """Forget names and the fixed learning phase, and give back the memory of models and programs nobody holds.

    Models in use stay as they are. One that is left in a variable is in use: `del model` first.
    """
    naming.reset_uids()
    _phase.update(fixed=None, tensor=None)
    gc.collect()  # a model is part of circles, so it outlives its last name by a while
    engine.give_memory_back()


def manual_variable_initialization(value):
    """Accepted for old code; variables are always initialised when made."""


@contextlib.contextmanager
def name_scope(name):
    """Accepted for old code; names are given where things are made.

    Example:
        >>> with name_scope("optimizer"):
        ...     float(Variable(2.0))
        2.0
    """
    yield name


def get_session():
    """None: there are no sessions here."""
    return None


def set_session(session):
    """Accepted for old code; there are no sessions here."""

