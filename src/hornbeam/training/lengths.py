"""Padded rows by length: how long each is, and in which order they come so that batches hold rows of like length."""

import numpy as np

from hornbeam import backend as K
from hornbeam.training.sources.columns import is_column, rows_of

WINDOW = 100  # batches whose rows are sorted among themselves, where rows are shuffled
_BLOCK = 1 << 22  # numbers looked at at a time


def measured(model, data):
    """Length of each row of `data` up to its padding, as `model` masks it; None if it masks none of its inputs.

    Padding is what stands in front of the real steps, or behind them, whichever is more in the data as a whole.

    Args:
        model: whose first layer over an input is an Embedding with `mask_zero` or a Masking.
        data: an ArrayData; it keeps what was found.
    """
    place, layer = _first_mask(model)
    if layer is None:
        return None
    if data.lengths is None:
        data.lengths = _lengths(data.inputs[place], layer)
    return data.lengths


def _first_mask(model):
    """(number of an input, the layer that masks it), of the first input that is masked as it comes."""
    graph = getattr(model, "_graph", None)
    for node in graph.order if graph is not None else ():
        for place, tensor in enumerate(graph.inputs):
            alone = len(node.inputs) == 1 and node.inputs[0] is tensor
            if alone and len(tensor.shape) == getattr(node.operation, "padded_rank", None):
                return place, node.operation
    return None, None


def _lengths(array, layer):
    rows, steps = array.shape[:2]
    size = max(1, _BLOCK // max(1, int(np.prod(array.shape[1:]))))
    first, last = np.full(rows, steps), np.full(rows, -1)
    for start in range(0, rows, size):
        block = slice(start, min(start + size, rows))
        real = layer.real_steps(rows_of(array, np.arange(block.start, block.stop)))
        some = real.any(1)
        first[block] = np.where(some, real.argmax(1), steps)
        last[block] = np.where(some, steps - 1 - real[:, ::-1].argmax(1), -1)
    some = last >= 0
    in_front = first[some].sum() >= (steps - 1 - last[some]).sum()
    return (steps - first if in_front else last + 1).astype(np.int32)


def order_by_length(lengths, batch_size, shuffle):
    """Order of the rows in which batches hold rows of like length.

    The rows of each `WINDOW` batches are sorted, the shortest first; those that fill no batch stay the last ones.

    Args:
        lengths: (N,).
        shuffle: True: rows come into the windows, and then batches into the order, at random. 'batch': only the batches
            do. False: rows come into the windows as they stand, and batches follow each other as they are made.

    Example:
        >>> order_by_length(np.array([3, 1, 2, 1]), 2, False).tolist()
        [1, 3, 2, 0]
    """
    rows = len(lengths)
    whole = rows - rows % batch_size
    order = np.random.permutation(rows) if shuffle and shuffle != "batch" else np.arange(rows)
    for start in range(0, whole, WINDOW * batch_size):
        part = order[start : min(start + WINDOW * batch_size, whole)]
        part[:] = part[np.argsort(lengths[part], kind="stable")]
    if shuffle:
        batches = order[:whole].reshape(-1, batch_size)
        order[:whole] = batches[np.random.permutation(len(batches))].reshape(-1)
    return order


# --- Who is sorted ---


def for_training(model, run):
    """Lengths by which the rows of a training run are sorted, as the user wished.

    Raises:
        ValueError: the model does not tell padding from data.
    """
    if not hasattr(run.data, "inputs"):
        return None  # a stream, whose batches are bucketed by now
    found = measured(model, run.data)
    if found is None:
        raise ValueError(
            "bucket_by_length: x is an array, so its rows are padded to one length, but the model masks no padding in "
            "it. Begin the model with Embedding(..., mask_zero=True) or Masking(), or give x as a list of rows of "
            "different lengths."
        )
    return found


def unseen(model, run, steps, one_by_one):
    """Lengths by which the rows of an evaluation or prediction are sorted, if nobody can see that they are; or None.

    Args:
        run: its Run.
        steps: number of batches asked for, if not all.
        one_by_one: does a callback look at each batch?
    """
    data = run.data
    if steps is not None or one_by_one or not run.may_pad or not hasattr(data, "inputs"):
        return None
    if data.rows <= run.batch_size or any(is_column(array) for array in data.inputs):
        return None
    layers = model.flat_layers()
    gains = any(getattr(layer, "passes_over_padding", False) for layer in layers)
    if not gains or model.run_eagerly or model.state_variables or not _is_quiet(model, layers):
        return None
    if model.has_own_predict_step if run.kind == "predict" else not _adds_up(model, data):
        return None
    return measured(model, data)


def _is_quiet(model, layers):
    """Are all layers the house's own, and none draws random numbers, whose places in a batch could be told?"""
    ours = all(type(layer).__module__.startswith("hornbeam.") and type(layer).__name__ != "Lambda" for layer in layers)
    graphs = [layer._graph for layer in (model, *layers) if getattr(layer, "_graph", None) is not None]
    nodes = [node for graph in graphs for node in graph.order]
    calm = not any(node.kwargs.get("training") for node in nodes) and not K.fixed_phase()
    return ours and calm and all(hasattr(node.operation, "rowwise") for node in nodes)


def _adds_up(model, data):
    """Are loss and metrics sums over rows, whatever batches they were in?"""
    objectives = model._objectives
    if model.has_own_steps or any(w is not None for w in data.weights):
        return False
    masked = any(t._keras_mask is not None for t in model._graph.outputs)
    masked = masked or any(getattr(t.given, "compute_mask", None) for t in objectives.losses if t is not None)
    ours = all(type(metric).__module__.startswith("hornbeam.") for _, metric in objectives.stateful_metrics)
    return ours and not masked
