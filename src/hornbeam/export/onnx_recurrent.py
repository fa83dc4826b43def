"""ONNX makers of SimpleRNN, GRU and LSTM by the operators of these names, masked sequences included.

The operators know how long each sequence is, but not of gaps. So where there is a mask, the real steps of each row are
moved to the front (in order), the operator runs over so many of them, and each step of the result is fetched from the
last real step before it. That is what a mask means here: a masked step changes nothing.
"""

import numpy as np

from hornbeam import nest
from hornbeam.export.onnx_graph import NoCounterpart, Value
from hornbeam.export.onnx_loops import walk_cells
from hornbeam.export.onnx_walk import layer_maker, word_maker
from hornbeam.layers.recurrent import RNN
from hornbeam.layers.recurrent_cells import StackedRNNCells

# Names of activations in these operators, and slope and shift of those that have them.
_NAMES = {"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "hard_sigmoid": "HardSigmoid", "linear": "Affine"}
_FIGURES = {"HardSigmoid": (0.2, 0.5), "Affine": (1.0, 0.0)}
# Operator and order of its gates among ours.
_KINDS = {"lstm": ("LSTM", [0, 3, 1, 2]), "gru": ("GRU", [0, 1, 2]), "simple_rnn": ("RNN", [0])}


@layer_maker(RNN)
def _rnn(walk, layer, call):
    """Any recurrent layer: by its operator if there is one for it, else step by step."""
    if layer.stateful:
        raise NoCounterpart("stateful=True keeps states between calls, and a file keeps nothing. Make the layer with "
                            "return_state=True and hand the states in as initial_state instead")  # fmt: skip
    x, states, constants = layer._sorted_inputs(
        call.inputs, call.kwargs.get("initial_state"), call.kwargs.get("constants")
    )
    x = walk.value(x, None if "float" in x.dtype else layer.dtype)
    states = [walk.value(s, x.dtype) for s in states]
    mask = call.mask
    if mask is not None:
        mask = walk.graph.squeeze(mask, [-1]) if mask.rank == 3 else mask
        mask = walk.graph.cast(mask, "bool")
    names = layer._walk_names() if x.rank == 3 and not constants else None
    if names is None:
        last, outputs, new_states = walk_cells(walk, layer, x, states, mask, constants)
    else:
        last, outputs, new_states = _by_operators(walk, layer, x, states, mask, names)
    result = outputs if layer.return_sequences else last
    return [result, *new_states] if layer.return_state else result


def _by_operators(walk, layer, x, states, mask, names):
    """An operator for each cell, over the outputs of the one below; see `StackedRNNCells.walk`."""
    cells, shares, names = [layer.cell], [states], [names]
    if isinstance(layer.cell, StackedRNNCells):
        cells, shares, names = layer.cell.cells, layer.cell.shares(states), names[0]
    last = outputs = None
    new_states, go_backwards, above = [], layer.go_backwards, len(cells)
    for cell, own, told in zip(cells, shares, names, strict=True):
        above -= 1
        last, outputs, new = whole_walk(
            walk, cell.word, x, own, cell.kernel, cell.recurrent_kernel, cell.biases(), mask, told, go_backwards,
            layer.return_sequences or above > 0, **cell.word_settings(),
        )  # fmt: skip
        new_states[:0] = new
        if go_backwards and mask is not None:
            mask = walk.graph.backwards(mask, [1])
        x, go_backwards = outputs, False
    return last, outputs, new_states


# --- The operators ---


def whole_walk(
    walk, kind, x, states, kernel, recurrent_kernel, bias, mask, names, go_backwards, return_sequences,
    reset_after=False,
):  # fmt: skip
    """(last output, outputs or None, states) of a whole sequence."""
    g = walk.graph
    lengths = places = None
    if mask is not None:
        lengths, places, x = _packed(walk, x, mask, go_backwards)
    op, order = _KINDS[kind]
    weights = _weights(walk, order, kernel, recurrent_kernel, bias)
    units = weights[1].shape[-1]
    count = 2 if kind == "lstm" else 1
    begin = [g.unsqueeze(s, [0]) for s in states] if states else []
    found = g.add(
        op, [g.transpose(x, (1, 0, 2)), *weights, lengths, *begin], outputs=[return_sequences, *[True] * count],
        hidden_size=units, direction="reverse" if go_backwards else "forward",
        **_activations(kind, names), linear_before_reset=int(reset_after) if kind == "gru" else None,
    )  # fmt: skip
    ends = []
    for value in found[1:]:
        value.shape = (1, x.shape[0], units)
        ends.append(g.squeeze(value, [0]))
    if mask is not None:
        some = g.unsqueeze(g.add("Greater", [lengths, 0], (x.shape[0],), "bool"), [1])
        zero = g.constant(0, x.dtype)
        ends = [g.add("Where", [some, end, s], dtype=x.dtype) for end, s in zip(ends, states or [zero, zero])]
    outputs = None
    if return_sequences:
        found[0].shape = (x.shape[1], 1, x.shape[0], units)
        outputs = g.transpose(g.squeeze(found[0], [1]), (1, 0, 2))
        if mask is not None:
            outputs = _unpacked(walk, outputs, places, states[0] if states else None)
        if go_backwards:
            outputs = g.backwards(outputs, [1])
    return ends[0], outputs, ends


def _activations(kind, names):
    """Attributes that name the activations, in the operator's order."""
    inner = _NAMES[names["activation"]]
    if kind == "simple_rnn":
        found = [inner]
    else:
        gate = _NAMES[names["recurrent_activation"]]
        found = [gate, inner, inner] if kind == "lstm" else [gate, inner]
    figures = [_FIGURES[name] for name in found if name in _FIGURES]
    given = {"activation_alpha": [f[0] for f in figures], "activation_beta": [f[1] for f in figures]}
    return {"activations": found, **(given if figures else {})}


def _weights(walk, order, kernel, recurrent_kernel, bias):
    """The three weights, gates in the operator's order: (1, gates H, D), (1, gates H, H), (1, 2 gates H) or None."""
    gates = len(order)
    name = getattr(kernel, "name", None)

    def ordered(v):
        blocks = np.split(v, gates, -1)
        return np.concatenate([blocks[i] for i in order], -1)

    def constant(array, weight):
        return walk.graph.constant(array, name=name and f"{name.rsplit('/', 1)[0]}/{weight}")

    arrays = [walk.value(v) for v in (kernel, recurrent_kernel)]
    if any(v.array is None for v in arrays):
        raise NoCounterpart("a recurrent word whose kernels are computed by the model is not written")
    found = [constant(ordered(v.array).T[None], n) for v, n in zip(arrays, ("kernel", "recurrent_kernel"))]
    if bias is None:
        return [*found, None]
    bias = walk.value(bias).array
    both = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    return [*found, constant(np.concatenate([ordered(b) for b in both])[None], "bias")]


# --- Masks ---


def _packed(walk, x, mask, go_backwards):
    """Real steps to the front: (how many a row has, where each step of the result comes from, the inputs so ordered).

    Places (B, T) are those in the ordered sequence; -1, or the row's length, where no real step came before.
    """
    g = walk.graph
    numbers = g.cast(mask, "int64")
    lengths = g.reduce("ReduceSum", numbers, [1])
    counted = g.add("CumSum", [numbers, np.asarray(1)], numbers.shape)
    places = g.add("Sub", [counted, numbers if go_backwards else 1])
    steps = g.add("Shape", [mask], (1,), "int64", start=1, end=2)
    # Largest first: T + (T - t) for real steps, T - t for the others; t is the number of steps up to this one.
    ones = g.add("Expand", [g.constant(1, "int64"), g.add("Shape", [mask], (2,), "int64")], mask.shape, "int64")
    left = g.add("Sub", [steps, g.add("CumSum", [ones, np.asarray(1)], mask.shape)])
    keys = g.add("Add", [g.add("Mul", [numbers, steps]), left])
    order = g.add("TopK", [keys, steps], mask.shape, "int64", outputs=2, axis=1)[1]
    ordered = g.add("GatherND", [x, g.unsqueeze(order, [-1])], x.shape, batch_dims=1)
    lengths32 = g.cast(lengths, "int32")
    return lengths32, (places, lengths), ordered


def _unpacked(walk, outputs, places, start):
    """Each step's output from the last real step up to it, or the state at the start."""
    g = walk.graph
    places, lengths = places
    lengths = g.unsqueeze(lengths, [1])
    none_yet = g.add("Or", [
        g.add("Less", [places, 0], dtype="bool"), g.add("GreaterOrEqual", [places, lengths], dtype="bool"),
    ])  # fmt: skip
    held = g.add("Max", [g.add("Min", [places, g.add("Sub", [lengths, 1])]), 0])
    fetched = g.add("GatherND", [outputs, g.unsqueeze(held, [-1])], outputs.shape, batch_dims=1)
    start = 0.0 if start is None else g.unsqueeze(start, [1])
    start = start if isinstance(start, Value) else g.constant(start, outputs.dtype)
    return g.add("Where", [g.unsqueeze(none_yet, [-1]), start, fetched], dtype=outputs.dtype)


# --- The words ---


def _enter_word(kind):
    @word_maker(kind)
    def make(
        walk, like, x, states, kernel, recurrent_kernel, bias=None, mask=None, recurrent_mask=None, activation="tanh",
        recurrent_activation="sigmoid", go_backwards=False, return_sequences=False, reset_after=False,
    ):  # fmt: skip
        if recurrent_mask or isinstance(x, (list, tuple)):
            raise NoCounterpart(f"K.{kind} with dropped inputs or states has no counterpart in ONNX")
        names = {"activation": activation, "recurrent_activation": recurrent_activation}
        states = [walk.value(s) for s in nest.to_list(states)]
        return whole_walk(
            walk, kind, x, states, kernel, recurrent_kernel, bias, mask, names, go_backwards, return_sequences,
            reset_after,
        )  # fmt: skip


for _word in _KINDS:
    _enter_word(_word)
