"""Looking into a model on some rows of its data: outputs of the layers, and gradients of the weights."""

from types import SimpleNamespace

import numpy as np

from hornbeam import backend as K
from hornbeam import nest


class Probe:
    """Outputs and gradients of a model, compiled once, for the first rows of some data.

    Args:
        model: the model, compiled.
        steps: its Steps.
        data: an ArrayData.
        rows: how many of its rows.
    """

    def __init__(self, model, steps, data, rows):
        self.model = model
        self.steps = steps
        self.data = data
        self.batch = nest.map_structure(lambda array: np.asarray(array[:rows]), data.arrays())
        self._outputs = self._gradients = None

    def outputs(self):
        """Pairs (name of a layer, its output) for the layers of a model that has a graph."""
        if getattr(self.model, "_graph", None) is None:
            return []
        layers = [layer for layer in self.model.layers if getattr(layer, "_inbound_nodes", None)]
        tensors = [nest.flatten(layer.get_output_at(0))[0] for layer in layers]
        if self._outputs is None:
            self._outputs = K.function(self.model.inputs, tensors)
        found = self._outputs([np.asarray(a) for a in nest.flatten(self.batch["x"])])
        return [(layer.name, np.asarray(v, "float32")) for layer, v in zip(layers, found, strict=True)]

    def gradients(self):
        """Pairs (name of a weight, gradient of the loss) for every weight that is trained, in training mode."""
        if self._gradients is None:
            self._gradients = self._compile_gradients()
        found = self._gradients()
        return [(v.name, np.asarray(g, "float32")) for v, g in zip(self.steps.trainable, found, strict=True)]

    def _compile_gradients(self):
        steps = type(self.steps)(self.model, self.steps.objectives, _Recorder(), self.steps.trainable)
        steps._form, steps._weighted = self.data.form, [w is not None for w in self.data.weights]

        def run(fixed, state, batch):
            return steps._train_step(fixed, state, batch, None)[0]["optimizer"]

        program = K.engine.compile_function(run)
        return lambda: program(steps.fixed("train", np.uint32(0)), steps.state("train"), self.batch)


class _Recorder:
    """Stands where an optimizer stands, changes nothing, and keeps the gradients as its state."""

    def __init__(self):
        self.iterations = SimpleNamespace(value=np.int32(0))
        self.variables_read = []

    def build(self, weights):
        return [w.value for w in weights]

    def update(self, gradients, state, weights, step):
        return list(weights), list(gradients)
