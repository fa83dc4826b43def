"""Words that walk along an axis: recurrent networks (`rnn`, `lstm`, `gru`, `simple_rnn`), `map_fn`, `foldl`, `foldr`.

A function given to `rnn` and its like is run once per compiled loop, not once per step. On symbolic tensors its
result becomes a small graph of its own, and the loop over that graph one node.
"""

import numpy as np

from hornbeam import nest, scope, symbolic
from hornbeam.backend.graph import variables_of
from hornbeam.backend.taped import call as taped_call
from hornbeam.backend.words import get_uid_name, is_symbolic, record, word
from hornbeam.engines import engine
from hornbeam.symbolic import SymbolicTensor

# --- Functions as graphs, for symbolic arguments ---


class _Body:
    """A function of tensors as a graph: its own inputs, and the tensors of the outer graph that it uses.

    Args:
        function: the user's function.
        examples: tensors like those it will be given (shape and dtype count).
    """

    def __init__(self, function, examples):
        self.inputs = [SymbolicTensor(e[0], e[1], get_uid_name("slice")) for e in examples]
        self.form = function(*self.inputs)
        self.outputs = nest.flatten(self.form)
        found = [t for t in self.outputs if isinstance(t, SymbolicTensor)]
        inside, outer, self.order = set(self.inputs), {}, []
        for node in symbolic.order_nodes(found, self.inputs):
            if any(t in inside for t in node.inputs):
                self.order.append(node)
                inside.update(t for t in node.outputs if t is not None)
        for tensor in [t for node in self.order for t in node.inputs] + found:
            if tensor not in inside:
                outer[tensor] = None
        self.outer = list(outer)
        self.variables = variables_of(self.order, self.outputs)

    def function(self, outer_values):
        """The function on values, given those of the outer tensors."""
        given = dict(zip(self.outer, outer_values, strict=True))
        wanted = [t for t in self.outputs if isinstance(t, SymbolicTensor)]

        def run(*values):
            known = {**given, **dict(zip(self.inputs, values, strict=True))}
            results = iter(symbolic.evaluate(wanted, known, order=self.order)[0] if wanted else ())
            return nest.map_structure(lambda t: next(results) if isinstance(t, SymbolicTensor) else t, self.form)

        return run


class _Loop:
    """Operation of the node that a loop over symbolic tensors becomes: `loop(function, *args, **kwargs)`."""

    def __init__(self, name, loop, body):
        self.name, self.loop, self.body = name, loop, body
        self.weights = body.variables

    def call_node(self, args, kwargs, masks):
        """Run the loop on values; the outer tensors' values come first."""
        outer_values, *args = nest.map_structure(_as_value, list(args))
        return self.loop(self.body.function(outer_values), *args, **kwargs), None


def _loop_or_record(name, loop, function, examples, args, kwargs):
    """`loop(function, *args, **kwargs)`, at once if all is known, else recorded."""
    if not is_symbolic(args, kwargs):
        return taped_call(lambda f, a, k: loop(f, *_as_values(list(a)), **_as_values(k)), (function, args, kwargs))
    body = _Body(function, examples)
    operation = _Loop(name, loop, body)
    return record(operation, (body.outer, *args), kwargs)


def _as_values(tree):
    return nest.map_structure(_as_value, tree)


def _as_value(x):
    if isinstance(x, (np.ndarray, np.generic)) or engine.is_tensor(x):
        return engine.convert(x)
    return getattr(x, "value", x)


def _form_of(x, drop: int | None = 0):
    """(shape, dtype) of `x`, without its axis `drop`."""
    shape = list(np.shape(x) if not hasattr(x, "shape") else x.shape)
    if drop is not None:
        del shape[drop]
    return tuple(shape), x.dtype if isinstance(x, SymbolicTensor) else engine.dtype_of(_as_value(x))


# --- Recurrent networks, any step ---


def rnn(
    step_function, inputs, initial_states, go_backwards=False, mask=None, constants=None, unroll=False,
    input_length=None,
):  # fmt: skip
    """Run `step_function` along the time axis.

    Args:
        step_function: (slice (B, ...), list of states and constants) -> (output (B, ...), list of new states).
        inputs: tensor (B, T, ...).
        initial_states: list of tensors (B, ...).
        go_backwards: walk from the last step to the first; outputs come in the order of processing.
        mask: (B, T) or (B, T, 1); where False, states stay and the output of the step before is repeated (the first
            state, if it has the output's shape, as layers of this kind return their first state).
        constants: tensors handed to every step after the states.
        unroll: write the steps out instead of looping: faster to run for a few steps, slower to compile.
        input_length: accepted for old code; the length is read off the inputs.

    Returns:
        (last output (B, ...), outputs (B, T, ...), list of final states).

    Raises:
        ValueError: the inputs have no time axis, or `unroll` is asked for without a known number of steps.

    Example:
        >>> x = np.ones((1, 3, 2), "float32")
        >>> last, outputs, _ = rnn(lambda x, s: (x + s[0], [x + s[0]]), x, [np.zeros((1, 2), "float32")])
        >>> outputs[0, :, 0].tolist()
        [1.0, 2.0, 3.0]
    """
    shape = np.shape(inputs) if not hasattr(inputs, "shape") else inputs.shape
    if len(shape) < 2:
        raise ValueError(f"K.rnn needs inputs with batch and time axes, (B, T, ...); got shape {tuple(shape)}.")
    if unroll and shape[1] is None:
        raise ValueError("K.rnn can unroll only a known number of steps; the time axis of the inputs is None.")
    states, constants = list(initial_states or ()), list(constants or ())

    def flat_step(x, *states_and_constants):
        output, new = step_function(x, list(states_and_constants))
        return output, list(new)

    examples = [_form_of(inputs, 1), *(_form_of(s, None) for s in states + constants)]
    settings = {"go_backwards": bool(go_backwards), "unroll": bool(unroll)}
    return _loop_or_record("rnn", _rnn, flat_step, examples, (inputs, states, mask, constants), settings)


def _rnn(step, inputs, states, mask, constants, go_backwards, unroll):
    inputs = _time_first(inputs)
    states = [engine.convert(s) for s in states]
    mask = None if mask is None else engine.cast(_time_first(mask), "bool")
    blank = None
    if mask is not None or inputs.shape[0] == 0:
        blank = _blank_output(step, inputs, states, constants)
    carries_output = mask is not None and not (states and states[0].shape == blank.shape)

    def advance(carry, x, m):
        states, previous = carry
        output, new = step(x, *states, *constants)
        new = [engine.cast(n, engine.dtype_of(s)) for n, s in zip(new, states, strict=True)]
        if m is not None:
            output = engine.where(_spread(m, output), output, previous if carries_output else states[0])
            new = [engine.where(_spread(m, n), n, s) for n, s in zip(new, states, strict=True)]
        return (new, output if carries_output else None), output

    walk = _unrolled if unroll else _looped
    (states, _), outputs = walk(advance, (states, blank if carries_output else None), inputs, mask, go_backwards)
    if outputs is None or outputs.shape[0] == 0:
        return blank, engine.zeros((blank.shape[0], 0, *blank.shape[1:]), engine.dtype_of(blank)), states
    last = outputs[0 if go_backwards and not unroll else -1]
    outputs = _time_first(outputs)
    if go_backwards and not unroll:
        outputs = engine.flip(outputs, (1,))
    return last, outputs, states


def _time_first(x):
    return engine.transpose(x, (1, 0, *range(2, len(x.shape))))


def _spread(mask, x):
    """Mask (B,) or (B, 1) as (B, 1, ..., 1) to stand beside `x`."""
    return engine.reshape(mask, (mask.shape[0], *[1] * (len(x.shape) - 1)))


def _blank_output(step, inputs, states, constants):
    """Zeros of the shape of one output."""
    specs = [_form_of(inputs, 0), *(_form_of(s, None) for s in states)]

    def output_of(x, *states):
        with _own_scope():
            return step(x, *states, *constants)[0]

    form = engine.abstract(output_of, specs)
    return engine.zeros(form.shape, str(form.dtype))


def _own_scope(time=None):
    """A copy of the scope under way, so that nothing of a loop's inside leaks out; noise differs from step to step."""
    here = scope.current()
    if here is None:
        return scope.Scope(training=False)
    seed = here.seed
    if seed is not None and time is not None:
        seed = engine.cast(seed, "uint32") * np.uint32(747796405) + engine.cast(time, "uint32")
    own = scope.Scope(here.values.copy(), here.training, seed, here.valid_rows)
    own.draws = here.draws
    return own


def _looped(advance, carry, inputs, mask, go_backwards):
    if inputs.shape[0] == 0:
        return carry, None
    owners = []

    def one(carry, slices):
        time, x, m = slices
        with _own_scope(time) as own:
            carry, output = advance(carry, x, m)
        owners[:] = [layer for layer, _ in own.losses]
        return carry, (output, [loss for _, loss in own.losses])

    times = engine.arange(0, inputs.shape[0], 1, "int32")
    carry, (outputs, losses) = engine.scan(one, carry, (times, inputs, mask), reverse=go_backwards)
    here = scope.current()
    if here is not None:  # what the steps added to the loss counts for every step
        here.losses.extend((layer, engine.sum(loss, 0)) for layer, loss in zip(owners, losses, strict=True))
        here.draws += 64
    return carry, outputs


def _unrolled(advance, carry, inputs, mask, go_backwards):
    outputs, steps = [], range(inputs.shape[0])
    for t in reversed(steps) if go_backwards else steps:
        carry, output = advance(carry, inputs[t], None if mask is None else mask[t])
        outputs.append(output)
    return carry, engine.stack(outputs, 0) if outputs else None


# --- Recurrent networks whose step the engine knows ---


def fused_activations():
    """Names of the activations that the whole-sequence words `lstm`, `gru` and `simple_rnn` take."""
    return engine.fused_activations()


@word
def lstm(
    x, states, kernel, recurrent_kernel, bias=None, mask=None, recurrent_mask=None, activation="tanh",
    recurrent_activation="sigmoid", go_backwards=False, return_sequences=False,
):  # fmt: skip
    """A whole LSTM: i, f, g, o = gates(x W + h U + b); c' = f c + i g; h' = o activation(c').

    Args:
        x: (B, T, D), or a list of 4 (one a gate, when each has its own dropout).
        states: [h, c], each (B, H).
        kernel, recurrent_kernel, bias: (D, 4 H), (H, 4 H), (4 H,); blocks in the order i, f, g, o.
        mask: (B, T); where False, states stay.
        recurrent_mask: None, or a list of 1 or 4 factors (B, H) for the states that enter the gates.
        activation, recurrent_activation: names among :func:`fused_activations`.

    Returns:
        (last output (B, H), outputs (B, T, H) or None, [h, c]).
    """
    outputs, (h, c) = engine.lstm(
        x, states, kernel, recurrent_kernel, bias, mask, recurrent_mask, activation, recurrent_activation,
        go_backwards, return_sequences,
    )  # fmt: skip
    return h, outputs, [h, c]


@word
def gru(
    x, states, kernel, recurrent_kernel, bias=None, mask=None, recurrent_mask=None, activation="tanh",
    recurrent_activation="sigmoid", reset_after=False, go_backwards=False, return_sequences=False,
):  # fmt: skip
    """A whole GRU: z, r = gates(x W + h U + b); h' = z h + (1 - z) activation(x W + (r h) U + b).

    With `reset_after` the candidate is activation(x W + b + r (h U + b')), as cuDNN has it.

    Args:
        x: (B, T, D), or a list of 3 (one a gate).
        states: [h], (B, H).
        kernel, recurrent_kernel: (D, 3 H), (H, 3 H); blocks in the order z, r, h.
        bias: (3 H,), or (2, 3 H) with `reset_after`: for inputs and for states.
        mask: (B, T); where False, states stay.
        recurrent_mask: None, or a list of 1 or 3 factors (B, H) for the states that enter the gates.
        activation, recurrent_activation: names among :func:`fused_activations`.

    Returns:
        (last output (B, H), outputs (B, T, H) or None, [h]).
    """
    recurrent_bias = None
    if bias is not None and len(bias.shape) == 2:
        bias, recurrent_bias = bias[0], bias[1]
    outputs, (h,) = engine.gru(
        x, states, kernel, recurrent_kernel, bias, recurrent_bias, mask, recurrent_mask, activation,
        recurrent_activation, reset_after, go_backwards, return_sequences,
    )  # fmt: skip
    return h, outputs, [h]


@word
def simple_rnn(
    x, states, kernel, recurrent_kernel, bias=None, mask=None, recurrent_mask=None, activation="tanh",
    go_backwards=False, return_sequences=False,
):  # fmt: skip
    """A whole SimpleRNN: h' = activation(x W + h U + b). Arguments and results as those of :func:`gru`."""
    outputs, (h,) = engine.simple_rnn(
        x, states, kernel, recurrent_kernel, bias, mask, recurrent_mask, activation, go_backwards, return_sequences
    )
    return h, outputs, [h]


# --- Maps and folds over the first axis ---


def map_fn(fn, elems, name=None, dtype=None):
    """`fn` applied to each slice of the first axis, results stacked.

    Args:
        fn: slice -> tensor (or a nest of them); a tuple of slices if `elems` is a tuple.
        elems: tensor, or tuple or list of tensors of one length.
        dtype: type the results are cast to.

    Example:
        >>> map_fn(lambda row: row * 2, np.array([[1.0, 2.0], [3.0, 4.0]])).tolist()
        [[2.0, 4.0], [6.0, 8.0]]
    """

    def apply(*slices):
        result = fn(nest.pack_like(elems, slices))
        return result if dtype is None else nest.map_structure(lambda r: _cast(r, dtype), result)

    flat = nest.flatten(elems)
    return _loop_or_record("map_fn", _map, apply, [_form_of(e) for e in flat], (flat,), {})


@word
def _cast(x, dtype):
    return engine.cast(x, dtype)


def _map(function, elems):
    def one(slices):
        with _own_scope():
            return function(*slices)

    return engine.map_rows(one, list(elems))


def foldl(fn, elems, initializer=None, name=None):
    """fn(... fn(fn(start, elems[0]), elems[1]) ..., elems[-1]).

    Args:
        fn: (accumulated, slice) -> accumulated.
        elems: tensor whose first axis is walked.
        initializer: start; the first slice if None.

    Raises:
        ValueError: there is nothing to start from.

    Example:
        >>> float(foldl(lambda a, x: 10 * a + x, np.array([1.0, 2.0, 3.0])))
        123.0
    """
    return _fold("foldl", fn, elems, initializer, reverse=False)


def foldr(fn, elems, initializer=None, name=None):
    """As :func:`foldl`, from the last slice to the first.

    Example:
        >>> float(foldr(lambda a, x: 10 * a + x, np.array([1.0, 2.0, 3.0])))
        321.0
    """
    return _fold("foldr", fn, elems, initializer, reverse=True)


def _fold(name, fn, elems, initializer, reverse):
    if initializer is None:
        if elems.shape[0] == 0:
            raise ValueError(f"K.{name} over nothing needs an initializer; got elems of shape {tuple(elems.shape)}.")
        elems = _as_value(elems)
        initializer, elems = (elems[-1], elems[:-1]) if reverse else (elems[0], elems[1:])
    examples = [_form_of(initializer, None), _form_of(elems)]
    return _loop_or_record(name, _fold_values, fn, examples, (initializer, elems), {"reverse": reverse})


def _fold_values(function, start, elems, reverse):
    def one(carry, x):
        with _own_scope():
            return engine.cast(function(carry, x), engine.dtype_of(carry)), None

    return engine.scan(one, engine.convert(start), elems, reverse=reverse)[0]
