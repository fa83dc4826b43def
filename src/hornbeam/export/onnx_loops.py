"""ONNX loops, step by step: recurrent layers over any cell, ConvLSTM2D, K.rnn, and maps and folds."""

import numpy as np

from hornbeam import nest
from hornbeam.export.onnx_convolution import convolve
from hornbeam.export.onnx_graph import Graph, NoCounterpart
from hornbeam.export.onnx_layers import rows_and_steps, steps_again
from hornbeam.export.onnx_walk import layer_maker, word_maker
from hornbeam.layers import ConvLSTM2D
from hornbeam.layers.recurrent import _axes
from hornbeam.layers.recurrent_cells import GatedCell, StackedRNNCells, run_cell
from hornbeam.symbolic import SymbolicTensor

# --- Recurrent layers ---


def walk_cells(walk, layer, x, states, mask, constants):
    """(last output, outputs, states) of a layer's cell, walked along time."""
    cell, count = layer.cell, len(layer._state_sizes(x.shape))
    states = states or _start(walk, layer, x)

    def step(x, *states_and_constants):
        own, others = states_and_constants[:count], states_and_constants[count:]
        return run_cell(cell, x, own, list(others), False)

    def written(x, *states):
        _hold(cell, held=True)
        try:
            output, new = walk.recorded(step, x, *states, *constants, owner=cell)
        finally:
            _hold(cell, held=False)
        return output, new

    return scan(walk, written, x, states, mask, layer.go_backwards)


def _start(walk, layer, x):
    """Zeros, or what the user's cell begins with."""
    own = getattr(layer.cell, "get_initial_state", None)
    if own is not None:
        raise NoCounterpart(f"{type(layer.cell).__name__}.get_initial_state is code of its own; give initial_state")
    rows = walk.graph.size(x, 0)
    return [walk.graph.filled([rows, *_axes(size)], 0, x.dtype) for size in layer._state_sizes(x.shape)]


def _hold(cell, held):
    """Tell the cells of the house that nothing is dropped, so that they do not ask for sizes to draw masks."""
    if isinstance(cell, GatedCell):
        cell.hold_masks(([], []) if held else None)
    for inner in cell.cells if isinstance(cell, StackedRNNCells) else ():
        _hold(inner, held)


@layer_maker(ConvLSTM2D)
def _conv_lstm(walk, layer, call):
    if layer.stateful:
        raise NoCounterpart("stateful=True keeps states between calls, and a file keeps nothing. Hand the states in as "
                            "initial_state instead")  # fmt: skip
    x, states, _ = layer._sorted_inputs(call.inputs, call.kwargs.get("initial_state"), None)
    x, cell = walk.value(x, layer.dtype), layer.cell
    flat, sizes = rows_and_steps(walk, x)
    z = convolve(
        walk, flat, cell.kernel, cell.bias, cell.strides, cell.padding, cell.data_format, cell.dilation_rate
    )
    first = cell.data_format == "channels_first"
    state = layer._state_sizes(x.shape)[0]
    wide = (4 * cell.filters, *state[1:]) if first else (*state[:-1], 4 * cell.filters)
    z.shape = (flat.shape[0], *wide)
    z = steps_again(walk, z, sizes, (*x.shape[:2], *wide))
    if not states:
        places = [walk.graph.size(z, a + 2) for a in range(3)]
        places[0 if first else 2] = cell.filters
        states = [walk.graph.filled([walk.graph.size(x, 0), *places], 0, x.dtype)] * 2

    def step(z, *states):
        return walk.recorded(lambda z, *s: cell.advance(cell.split(z), list(s), []), z, *states, owner=cell)

    last, outputs, new_states = scan(walk, step, z, states, call.mask, layer.go_backwards)
    result = outputs if layer.return_sequences else last
    return [result, *new_states] if layer.return_state else result


# --- The loop ---


def scan(walk, step, x, states, mask, go_backwards):
    """`output, states = step(x[:, t], *states)` along time: (last output, outputs (B, T, ...), states).

    Where the mask is False, states stay, and the output is that of the step before: the first state if it has the
    output's shape, else one carried along.
    """
    body = Graph(walk.graph)
    held = [body.input("state", s.shape, s.dtype) for s in states]
    slices = [body.input("step", (x.shape[0], *x.shape[2:]), x.dtype)]
    if mask is not None:
        slices.append(body.input("real", (mask.shape[0],), "bool"))
    before = None
    with walk.inside(body):
        output, new = step(slices[0], *held)
        new = [body.cast(n, h.dtype) for n, h in zip(new, held, strict=True)]
        if mask is not None:
            carried = output.shape != held[0].shape
            before = body.input("output", output.shape, output.dtype) if carried else held[0]
            output = _kept(body, slices[1], output, before)
            new = [_kept(body, slices[1], n, h) for n, h in zip(new, held, strict=True)]
    carries = before is not None and before is not held[0]
    begin = list(states)
    if carries:
        rows = walk.graph.size(x, 0)
        begin.append(walk.graph.filled([rows, *output.shape[1:]], 0, output.dtype))
        new = [*new, output]
    body.inputs = [*held, *([before] if carries else []), *slices]
    found = _run(walk, body, begin, [x, *([] if mask is None else [mask])], new, [output], go_backwards, axis=1)
    outputs = found[-1]
    outputs.shape = (x.shape[0], x.shape[1], *output.shape[1:])
    last = walk.graph.add("Gather", [outputs, np.asarray(-1)], output.shape, axis=1)
    return last, outputs, found[: len(states)]


def _kept(body, real, new, old):
    real = body.unsqueeze(real, range(1, new.rank)) if new.rank > 1 else real
    return body.add("Where", [real, new, old], new.shape, new.dtype)


def _run(walk, body, begin, sequences, new, outputs, backwards, axis):
    """The node: states at the end, then outputs of all steps."""
    results = []
    for value in [*new, *outputs]:
        # What comes out of a body is made in it, under a name of its own.
        with walk.inside(body):
            results.append(body.add("Identity", [value], value.shape))
    n = len(sequences)
    found = walk.graph.add(
        "Scan", [*begin, *sequences], outputs=[True] * len(results) if len(results) > 1 else 1,
        body=body.proto(walk.graph.unique("steps"), results), num_scan_inputs=n, scan_input_axes=[axis] * n,
        scan_input_directions=[int(backwards)] * n, scan_output_axes=[axis] * len(outputs) or None,
    )  # fmt: skip
    found = found if isinstance(found, list) else [found]
    for value, made, first in zip(found, results, [*begin, *[None] * len(outputs)], strict=True):
        value.dtype = made.dtype
        value.shape = made.shape if first is None else first.shape
    return found


# --- Loops over functions, as words ---


def _step_of(walk, body, outer):
    """A recorded function of a loop, given the values of the tensors around it."""
    given = dict(zip(body.outer, outer, strict=True))

    def step(*values):
        known = {**given, **dict(zip(body.inputs, values, strict=True))}
        wanted = [t for t in body.outputs if isinstance(t, SymbolicTensor)]
        found = iter(walk.evaluate(wanted, known, order=body.order)[0])
        leaves = [next(found) if isinstance(t, SymbolicTensor) else walk.value(t) for t in body.outputs]
        return nest.pack_like(body.form, leaves) if isinstance(body.form, (list, tuple, dict)) else leaves[0]

    return step


@word_maker("rnn")
def _rnn_word(walk, like, body, outer, inputs, states, mask, constants, go_backwards=False, unroll=False):
    step = _step_of(walk, body, outer)
    states, constants = [walk.value(s) for s in states], [walk.value(c) for c in constants]
    if mask is not None and mask.rank == 3:
        mask = walk.graph.squeeze(mask, [-1])
    return scan(walk, lambda x, *s: step(x, *s, *constants), walk.value(inputs), states, mask, go_backwards)


@word_maker("map_fn")
def _map_fn(walk, like, body, outer, elems):
    elems, step = [walk.value(e) for e in elems], _step_of(walk, body, outer)
    inner = Graph(walk.graph)
    slices = [inner.input("slice", e.shape[1:], e.dtype) for e in elems]
    with walk.inside(inner):
        form = step(*slices)
    found = _run(walk, inner, [], elems, [], nest.flatten(form), False, axis=0)
    for value in found:
        value.shape = (elems[0].shape[0], *value.shape)
    return nest.pack_like(form, found) if isinstance(form, (list, tuple, dict)) else found[0]


@word_maker("foldl", "foldr")
def _fold(walk, like, body, outer, start, elems, reverse=False):
    start, elems, step = walk.value(start, like.dtype), walk.value(elems), _step_of(walk, body, outer)
    inner = Graph(walk.graph)
    held = inner.input("held", start.shape, start.dtype)
    one = inner.input("slice", elems.shape[1:], elems.dtype)
    with walk.inside(inner):
        new = inner.cast(step(held, one), start.dtype)
    return _run(walk, inner, [start], [elems], [new], [], reverse, axis=0)[0]


