"""Steps on single batches, and the quick ways to predict."""

import numpy as np

from hornbeam import backend as K
from hornbeam import nest, scope
from hornbeam.core.precision import widened
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
        """Predict a few rows of one float array with a single compiled call; None if that does not fit.

        A call of the loop costs more than the arithmetic of a small network. Measured in benchmarks/predict_one.py.
        """
        forward = self.__dict__.get("_quick_forward")
        if forward is None or type(x) is not np.ndarray or x.dtype != np.float32 or not forward.serves(x):
            forward = self._quick_for(x)
            if forward is None:
                return None
        rows = x.shape[0]
        if not 0 < rows <= min(_QUICK_ROWS, batch_size or _QUICK_ROWS):
            return None
        return forward(x, rows)

    def _quick_for(self, x):
        """A quick forward pass for arrays like `x`, if the model and they permit one."""
        graph = getattr(self, "_graph", None)
        if graph is None or type(x) is not np.ndarray or x.dtype != np.float32 or len(graph.inputs) != 1:
            return None
        if self.run_eagerly or self.has_own_predict_step:
            return None
        shape = graph.inputs[0].shape
        fits = len(shape) == x.ndim and all(w in (None, s) for w, s in zip(shape, x.shape, strict=True))
        if not fits or graph.inputs[0].dtype != "float32" or self.state_variables:
            return None
        self._quick_forward = QuickForward(self, x.shape[1:])
        return self._quick_forward

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


class QuickForward:
    """A compiled forward pass for few rows of one shape; their number is rounded up to a power of two."""

    def __init__(self, model, shape):
        self.shape = tuple(shape)
        self.phase = K.fixed_phase()
        self.model = model
        self.rowwise = all(layer.rowwise for layer in model.flat_layers())
        self._single = len(model.outputs) == 1
        self.captured = K.Captured()
        self._compile()

    def _compile(self):
        model, seen = self.model, self.captured.seen
        self.variables = variables = [*model.weights, *self.captured.known]

        def run(weights, x):
            context = scope.Scope(dict(zip(variables, weights, strict=True)), False, np.uint32(0), outside=seen)
            with context:
                return widened(nest.flatten(model.run(x, None, [], {})[0]))

        self.program = K.engine.compile_function(run)

    def serves(self, x):
        """Was this made for arrays of the shape of `x`, and for the learning phase in force?"""
        return self.shape == x.shape[1:] and self.phase == K.fixed_phase()

    def __call__(self, x, rows):
        if self.rowwise and rows & (rows - 1):
            padded = np.zeros((1 << rows.bit_length(), *self.shape), np.float32)
            padded[:rows] = x
            x = padded
        if self.captured.seen and self.captured.changed():
            self._compile()
        if x.nbytes > FEW_BYTES:
            x = K.engine.to_device(x)
        outputs = self.program([v._value for v in self.variables], x)
        if self._single:
            return np.array(outputs[0])[:rows]
        return self.model._in_output_form([np.array(o)[:rows] for o in outputs])
