"""Steps on single batches, and the quick ways to predict."""

from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import nest, scope
from hornbeam.core.precision import widened
from hornbeam.training.data import narrow
from hornbeam.training.data_checks import checked_ids
from hornbeam.training.runner import FEW_BYTES, Averages, Run, new_seed

_QUICK_ROWS = 32  # a batch of the default size


class OneBatch:
    """train_on_batch, test_on_batch, predict_on_batch; and predictions of few rows without the loop around them."""

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, reset_metrics=True, return_dict=False):
        """One step on one batch; the loss, or with metrics [loss, metric, ...]."""
        self._need_compiled("train_on_batch")
        data = self._prepare(x, y, sample_weight, class_weight, for_training=True)
        return self._one_batch("train", data, reset_metrics, return_dict)

    def test_on_batch(self, x, y=None, sample_weight=None, reset_metrics=True, return_dict=False):
        """Loss and metrics of one batch."""
        self._need_compiled("test_on_batch")
        data = self._prepare(x, y, sample_weight, for_training=True)
        return self._one_batch("test", data, reset_metrics, return_dict)

    def _one_batch(self, kind, data, reset_metrics, return_dict):
        steps = self._ready_steps(data)
        if reset_metrics:
            self._reset_metrics()
        seed = new_seed() if kind == "train" else 0
        averages = Averages(steps.latest)
        for _, _, logs in Run(steps, kind, data, data.rows, seed).chunks():
            averages.add(logs)
        found = dict(self._values(averages, steps.log_names[kind]))
        return found if return_dict else nest.unpack_singleton(list(found.values()))

    def predict_on_batch(self, x):
        """Outputs for one batch."""
        return self.predict(x, batch_size=len(nest.flatten(x)[0]) if not hasattr(x, "shape") else len(x))

    # --- Quick prediction ---

    def _predict_quickly(self, x, batch_size):
        """Predict a few rows of arrays with a single compiled call; None if that does not fit.

        A call of the loop costs more than the arithmetic of a small network. Measured in benchmarks/predict_one.py.
        """
        arrays = [x] if type(x) is np.ndarray else self._several_arrays(x)
        if arrays is None:
            return None
        forward = self.__dict__.get("_quick_forward")
        if forward is None or not forward.serves(arrays):
            forward = self._quick_for(arrays)
            if forward is None:
                return None
        rows = len(arrays[0])
        if not 0 < rows <= min(_QUICK_ROWS, batch_size or _QUICK_ROWS) or any(len(a) != rows for a in arrays):
            return None
        return forward(arrays, rows)

    def _several_arrays(self, x):
        """The arrays of a model with several inputs, in their order; None if `x` is something else."""
        graph = getattr(self, "_graph", None)
        if graph is None or len(graph.inputs) == 1 or not isinstance(x, (list, tuple, dict)):
            return None
        arrays: list[Any] = [x.get(name) for name in graph.input_names] if isinstance(x, dict) else list(x)
        return arrays if len(x) == len(graph.inputs) and all(type(a) is np.ndarray for a in arrays) else None

    def _quick_for(self, arrays):
        """The quick forward pass, if it may serve arrays of such forms."""
        graph = getattr(self, "_graph", None)
        if graph is None or len(graph.inputs) != len(arrays) or any(a.dtype.kind not in "fiub" for a in arrays):
            return None
        for tensor, array in zip(graph.inputs, arrays, strict=True):
            shape = tensor.shape
            if len(shape) != array.ndim or any(w not in (None, s) for w, s in zip(shape, array.shape, strict=True)):
                return None
        forward = self._quick()
        if forward is not None:
            forward.will_serve(arrays)
        return forward

    def _quick(self):
        """The quick forward pass in the learning phase that is in force; None if the model is not made for it."""
        if self._graph is None or self.run_eagerly or self.has_own_predict_step or self.state_variables:
            return None
        forward = self.__dict__.get("_quick_forward")
        if forward is None or forward.phase != K.fixed_phase():
            forward = self._quick_forward = QuickForward(self)
        return forward

    def _forget_quick(self):
        self.__dict__.pop("_quick_forward", None)
        self.__dict__.pop("_compiled_call", None)

    def _call_compiled(self, values):
        """Outputs of the model for engine values, by one compiled program a form of inputs."""
        compiled = self.__dict__.get("_compiled_call")
        stale = compiled is None or (self._graph is None and compiled.model_weights != self.weights)
        if stale or compiled.captured.changed():
            compiled = self._compiled_call = CompiledCall(self, None if stale else compiled.captured)
        return compiled(values)


class CompiledCall:
    """A compiled forward pass for inputs of any form.

    Args:
        model: the model.
        captured: variables known to be read beside the model's weights, or None.
    """

    def __init__(self, model, captured=None):
        self.model = model
        self.model_weights = model.weights
        self.captured = captured or K.Captured()
        self.variables = variables = [*self.model_weights, *self.captured.known]
        seen = self.captured.seen

        def run(weights, seed, inputs):
            context = scope.Scope(dict(zip(variables, weights, strict=True)), False, seed, outside=seen)
            with context:
                return model.run(inputs, None, [], {})[0]

        self.program = K.engine.compile_function(run)

    def __call__(self, inputs):
        inputs = K.engine.block_until_ready(inputs)  # they may still be copied: see `to_device`
        return self.program([v.value for v in self.variables], np.uint32(0), inputs)


def _forms(arrays):
    if len(arrays) == 1:  # half a microsecond less
        return arrays[0].shape[1:], arrays[0].dtype
    return tuple([(a.shape[1:], a.dtype) for a in arrays])


class QuickForward:
    """A compiled forward pass for few rows; their number is rounded up to a power of two.

    Each form of arrays has a program of its own, which is made when it is first met.
    """

    def __init__(self, model):
        self.phase = K.fixed_phase()
        self.model = model
        self.rowwise = all(layer.rowwise for layer in model.flat_layers())
        self._single = len(model.outputs) == 1
        self._forms = {}  # of arrays that it is known to serve -> (may they be taken as they are?, bytes of a row)
        self._tables = [(i, la) for i, t in enumerate(model._graph.inputs) for la in model._tables_fed_by(t)]
        self.captured = K.Captured()
        self._compile()

    def _compile(self):
        model, seen = self.model, self.captured.seen
        self.variables = variables = [*model.weights, *self.captured.known]

        def run(weights, arrays):
            context = scope.Scope(dict(zip(variables, weights, strict=True)), False, np.uint32(0), outside=seen)
            with context:
                return widened(nest.flatten(model.run(model._in_input_form(arrays), None, [], {})[0]))

        self.program = K.engine.compile_function(run)

    def share(self, other):
        """Use the program of one that was made for a model of the same configuration."""
        self.captured, self.program = other.captured, other.program
        self.variables = [*self.model.weights, *self.captured.known]

    def serves(self, arrays):
        """Are they of forms that it is known to serve, and the learning phase the one that it was made for?"""
        return _forms(arrays) in self._forms and self.phase == K.fixed_phase()

    def will_serve(self, arrays):
        """Arrays like these fit the model's inputs."""
        plain = not self._tables and all(a.dtype.itemsize < 8 for a in arrays)
        self._forms[_forms(arrays)] = plain, sum(a.nbytes // max(1, len(a)) for a in arrays)

    def __call__(self, arrays, rows):
        plain, row_bytes = self._forms[_forms(arrays)]
        if not plain:
            arrays = self._checked(arrays)
        if self.rowwise and rows & (rows - 1):
            arrays = [_filled_up(a, 1 << rows.bit_length()) for a in arrays]
        if self.captured.seen and self.captured.changed():
            self._compile()
        if row_bytes * rows > FEW_BYTES:
            arrays = [K.engine.to_device(a) for a in arrays]
        outputs = self.program([v._value for v in self.variables], arrays)
        if self._single:
            return np.array(outputs[0])[:rows]
        return self.model._in_output_form([np.array(o)[:rows] for o in outputs])

    def _checked(self, arrays):
        """The arrays as the engine computes with them, as `_prepare` gives them to the loop."""
        names = self.model._graph.input_names
        arrays = [narrow(array, f"input {name!r}") for array, name in zip(arrays, names, strict=True)]
        for i, layer in self._tables:
            arrays[i] = checked_ids(arrays[i], layer)
        return arrays


def _filled_up(array, rows):
    padded = np.zeros((rows, *array.shape[1:]), array.dtype)
    padded[: len(array)] = array
    return padded
