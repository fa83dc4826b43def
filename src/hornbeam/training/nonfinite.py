"""When the loss is no number any more: where it began, and the weights from before."""

import warnings
from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import nest, scope
from hornbeam.training.data import ArrayData
from hornbeam.training.sources.columns import rows_of


class LossWatch:
    """Looks at the losses of a training run as they come.

    Args:
        model: the model.
        debug: find the first layer and the rows, and end with an error. Training goes one step at a time.
        keep: set the weights back to the last good ones, and stop.
    """

    def __init__(self, model, debug=False, keep=False):
        self.model = model
        self.debug = debug
        self.keep = keep
        self._noted = False
        self._good: Any = None  # weights, state of the optimizer, number of updates
        self._remember()

    def _remember(self):
        if self.debug or self.keep:
            weights, state = self.model.get_weights(), self.model.optimizer.get_weights()
            if all(np.isfinite(w).all() for w in weights + state if w.dtype.kind == "f") or self._good is None:
                self._good = weights, state, K.get_value(self.model.optimizer.iterations)

    def _restore(self):
        weights, state, updates = self._good
        self.model.set_weights(weights)
        self.model.optimizer.iterations.assign(updates)  # first: what some optimizers keep follows from it
        if state:
            self.model.optimizer.set_weights(state)
        else:  # there was none before the first step
            self.model.optimizer.forget()

    def look(self, logs, names, epoch, first, data):
        """Take in a chunk's logs (S, L, 2), whose first step is number `first` of its epoch.

        Raises:
            FloatingPointError: a loss is not finite, and `debug` was asked for.
        """
        if self._noted or "loss" not in names:
            return
        losses = logs[:, names.index("loss"), 0]
        bad = ~np.isfinite(losses)
        if not bad.any():
            self._remember()
            return
        self._noted = True
        at = int(np.argmax(bad))
        where = f"The loss is {losses[at]} from epoch {epoch + 1}, step {first + at + 1} on."
        if self.debug or self.keep:
            self._restore()
        kept = " The weights (and the optimizer's state) are the last good ones again, and training stops."
        kept = kept if self.keep else ""
        self.model.stop_training = self.model.stop_training or self.keep
        if self.debug:
            raise FloatingPointError(f"{where} {origin(self.model, data, first + at)}{kept}")
        advice = "" if self.keep else ", or stop at once with TerminateOnNaN()"
        warnings.warn(
            f"{where}{kept} Lower the learning rate, look for NaN in the data (fit(debug_nans=True) names the layer "
            f"and the rows){advice}.",
            stacklevel=5,
        )


def origin(model, data, batch, batch_size=256):
    """A sentence: the input, layer or target that first gives what is no finite number, and in which rows.

    Args:
        data: the ArrayData that is trained on; of a stream the number of the batch is all that is known.
        batch: how many batches of the epoch came before the one that showed it.
    """
    if not isinstance(data, ArrayData):
        return (
            f"It came with batch {batch} of the stream's epoch, counted from 0, or of the step before. The batch is "
            f"gone, so the layer and the rows cannot be found: look at that batch, or give arrays to fit."
        )
    found = {}
    for start in range(0, data.rows, batch_size):
        rows = np.arange(start, min(start + batch_size, data.rows))
        batch = nest.map_structure(lambda a, rows=rows: rows_of(a, rows), data.arrays())
        for name, values in _stages(model, data.form, batch):
            bad = ~np.isfinite(np.asarray(values, "float32").reshape(len(values), -1)).all(axis=1)
            if bad.any():
                found.setdefault(name, []).extend((np.flatnonzero(bad) + start).tolist())
    for name, rows in found.items():
        shown = ", ".join(map(str, rows[:8])) + (", ..." if len(rows) > 8 else "")
        return f"It begins at {name}, in {len(rows)} of {data.rows} rows: {shown}."
    return "All inputs, targets and outputs of layers are finite: it is the loss itself, or its gradient."


def _stages(model, form, batch):
    """(what, values by row) of inputs, targets, and the outputs of layers in the order they are computed."""
    for i, values in enumerate(batch["x"]):
        yield f"input {i + 1}", values
    for i, values in enumerate(batch["y"]):
        yield f"target {i + 1}", values
    rows = len(batch["x"][0])
    for name, values in _outputs(model, nest.pack_like(form, batch["x"])):
        if values.ndim and len(values) == rows:
            yield f"layer {name!r}", values


def _outputs(model, inputs):
    """(name, values) of every layer inside, as the model runs on `inputs`."""
    seen = []
    layers = [layer for layer in model.flat_layers() if layer is not model]
    for layer in layers:
        layer.__dict__["run"] = _listening(layer, seen)
    try:
        with scope.Scope({v: v.value for v in model.weights}, True, np.uint32(0)):  # what is assigned goes with it
            model.run(nest.map_structure(K.engine.convert, inputs), None, [], {})
    finally:
        for layer in layers:
            del layer.__dict__["run"]
    return seen


def _listening(layer, seen):
    run = type(layer).run

    def listening(*args):
        outputs, masks = run(layer, *args)
        for value in nest.flatten(outputs):
            if K.is_tensor(value) and "float" in K.dtype(value) and not K.engine.is_traced(value):
                seen.append((layer.name, np.asarray(value, "float32")))
        return outputs, masks

    return listening
