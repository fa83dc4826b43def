"""`Model`: a graph of layers from inputs to outputs, or a class of the user's own with a `call`."""

from hornbeam import backend as K
from hornbeam import checks, nest, registry, scope
from hornbeam.core.graph import Graph
from hornbeam.core.layer import Layer
from hornbeam.models import configuration
from hornbeam.models.drawing import Drawable
from hornbeam.models.files import ModelFiles
from hornbeam.models.summary import print_summary
from hornbeam.symbolic import SymbolicTensor
from hornbeam.training.trainer import Trainer


class _MasksOf:
    """The masks of a model's outputs, as the operation of a node."""

    def __init__(self, model):
        self.model = model
        self.name = f"{model.name}_mask"

    def call_node(self, args, kwargs, masks):
        """Walk the model's graph for its masks."""
        return self.model._masks_of(*args), None


@registry.register("layer", "Functional")
class Model(Drawable, ModelFiles, Trainer, Layer):
    """A network that can be trained.

    Give `inputs` and `outputs` to make a graph of layers a model, or subclass and write `call`. A model is a layer
    itself: call it on tensors to use it, weights and all, inside another.

    Args:
        inputs: tensor(s) from :func:`Input`.
        outputs: tensor(s) computed from them.
        name: the model's name.

    Raises:
        ValueError: outputs that do not follow from the inputs, layers of one name.

    Example:
        >>> from hornbeam.layers import Dense, Input
        >>> x = Input(shape=(4,))
        >>> Model(x, Dense(2)(x)).output_shape
        (None, 2)
    """

    supports_masking = True

    def __init__(self, *args, inputs=None, outputs=None, name=None, trainable=True, **kwargs):
        inputs = kwargs.pop("input", inputs)  # Keras 1
        outputs = kwargs.pop("output", outputs)
        if args:
            inputs, outputs, name = (*args, *(inputs, outputs, name)[len(args) :])
        if (inputs is None) != (outputs is None):
            raise TypeError("A Model takes inputs=... and outputs=... together (or neither, in a class with `call`).")
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._graph = None
        if inputs is not None:
            self._set_graph(inputs, outputs)

    def _set_graph(self, inputs, outputs):
        self._graph = Graph(inputs, outputs, self.name)
        self.built = True
        self._forget_programs()

    def _sublayers(self):
        graph = self.__dict__.get("_graph")
        inside = [] if graph is None else graph.layers
        return list(dict.fromkeys([*inside, *super()._sublayers()]))

    # --- Layers ---

    @property
    def layers(self):
        """The layers, inputs first; for a model of the user's own, those held in its attributes."""
        return self._sublayers()

    def get_layer(self, name=None, index=None):
        """The layer with that name, or at that place in :attr:`layers`.

        Raises:
            ValueError: there is none.
        """
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"Model {self.name!r} has {len(self.layers)} layers; there is none at {index}.")
            return self.layers[index]
        if name is None:
            raise ValueError("get_layer needs name=... or index=... .")
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise checks.unknown_name(f"layer of model {self.name!r}", name, [la.name for la in self.layers])

    def get_weights(self):
        """Values of all weights, layer by layer."""
        return K.batch_get_value(self._weights_by_layer())

    def set_weights(self, weights):
        """Set all weights, in the order of :meth:`get_weights`.

        Raises:
            ValueError: another number of arrays, or a shape that does not fit.
        """
        own = self._weights_by_layer()
        if len(weights) != len(own):
            raise ValueError(
                f"Model {self.name!r} has {len(own)} weights, got {len(weights)} arrays."
                + ("" if own else " It is not built yet: call it, fit it, or give an input shape.")
            )
        K.batch_set_value(list(zip(own, weights, strict=True)))

    def _weights_by_layer(self):
        found = [w for layer in self._sublayers() for w in layer.weights]
        return list(dict.fromkeys([*found, *self._own_weights]))

    # --- Inputs and outputs ---

    def _need_graph(self, what):
        if self._graph is None:
            raise AttributeError(
                f"{type(self).__name__} {self.name!r} has no {what}: it is not a graph from inputs to outputs"
                + (", or not built yet. Give its first layer an input_shape." if not self.built else ".")
            )
        return self._graph

    inputs = property(lambda self: self._need_graph("inputs").inputs, doc="Input tensors, a list.")
    outputs = property(lambda self: self._need_graph("outputs").outputs, doc="Output tensors, a list.")
    input_names = property(lambda self: self._need_graph("input_names").input_names, doc="Names of the inputs.")

    @property
    def output_names(self):
        """Names of the outputs: those of the layers that make them."""
        return self._graph.output_names if self._graph is not None else self._guessed_output_names

    input = property(lambda self: nest.unpack_singleton(self.inputs), doc="Input tensor, or the list of them.")
    output = property(lambda self: nest.unpack_singleton(self.outputs), doc="Output tensor, or the list of them.")
    input_shape = property(
        lambda self: nest.unpack_singleton([K.int_shape(t) for t in self.inputs]), doc="Shape(s) of the input(s)."
    )
    output_shape = property(
        lambda self: nest.unpack_singleton([K.int_shape(t) for t in self.outputs]), doc="Shape(s) of the output(s)."
    )

    @property
    def rowwise(self):
        """Do the words between the layers keep rows apart? Layers are asked one by one; a `call` may do anything."""
        if self._graph is None or type(self).call is not Model.call:
            return False
        return self._graph.keeps_rows

    @property
    def state_updates(self):
        """Updates of stateful layers; they happen by themselves here."""
        return []

    @property
    def stateful(self):
        """Does a layer inside keep state between batches?"""
        return any(layer.stateful for layer in self._sublayers())

    def reset_states(self):
        """Set the states of all stateful layers to zero."""
        for layer in self._sublayers():
            if hasattr(layer, "reset_states") and getattr(layer, "stateful", False):
                layer.reset_states()

    @property
    def state_variables(self):
        """Variables that layers keep between batches even in inference."""
        return [v for layer in self._sublayers() for v in layer.state_variables]

    # --- Calling ---

    def call(self, inputs, mask=None):
        """Outputs for `inputs`; a subclass without a graph writes its own."""
        if self._graph is None:
            raise NotImplementedError(
                f"{type(self).__name__} {self.name!r} has neither inputs and outputs nor a `call`. Write "
                f"`def call(self, inputs)`, or make it Model(inputs=..., outputs=...)."
            )
        flat, _, _ = self._graph.run(self._graph.flatten_inputs(inputs), nest.to_list(mask))
        return self._graph.pack_outputs(flat)

    def run(self, inputs, masks, args, kwargs):
        """See `Layer.run`; a graph gives its outputs and their masks in one walk."""
        here = scope.current()
        outer = here.frozen if here is not None else False
        if here is not None:
            here.frozen = outer or not self.trainable
        outputs, out_masks, _ = self.run_with(inputs, masks, args, kwargs)
        if here is not None:
            here.frozen = outer
        return outputs, out_masks

    def run_with(self, inputs, masks, args, kwargs, extra=()):
        """As :meth:`run`, with the values of the symbolic tensors `extra` of the same graph."""
        if self._graph is None or type(self).call is not Model.call:
            return (*super().run(inputs, masks, args, kwargs), [])
        flat = self._graph.flatten_inputs(inputs)
        here, training = scope.current(), kwargs.get("training")
        outer = here.training if here is not None else None
        if training is not None and here is not None:
            here.training = training
        found, found_masks, extras = self._graph.run(flat, nest.flatten(masks) if masks is not None else None, extra)
        if training is not None and here is not None:
            here.training = outer
        outputs = self._graph.pack_outputs(found)
        self._add_activity_loss(outputs, here)
        return outputs, found_masks, extras

    def _result_form(self, inputs, args, kwargs):
        return self._traced_form(inputs, args, kwargs)

    def compute_mask(self, inputs, mask=None):
        """Masks of the outputs for `inputs` with the masks `mask`: values, or symbolic tensors."""
        if self._graph is None:
            return super().compute_mask(inputs, mask)
        given = nest.flatten(mask) if mask is not None else []
        if all(m is None for m in [*given, *(t._keras_mask for t in self._graph.outputs)]):
            return nest.unpack_singleton([None for _ in self._graph.outputs])
        if K.is_symbolic(inputs, mask):
            return nest.unpack_singleton(K.record(_MasksOf(self), (inputs, mask), {}))
        return nest.unpack_singleton(self._masks_of(inputs, mask))

    def _masks_of(self, inputs, mask):
        flat = self._graph.flatten_inputs(inputs)
        return self._graph.run(flat, nest.flatten(mask) if mask is not None else None)[1]

    def compute_output_shape(self, input_shape):
        """Output shape(s) for inputs of `input_shape`."""
        return Layer.compute_output_shape(self, input_shape)

    def build(self, input_shape):
        """Make the weights for inputs of `input_shape` (with the batch axis), by tracing `call`."""
        if self._graph is None:
            self.built = True
            self.compute_output_shape(tuple(input_shape))

    def _build_once(self, inputs, shapes):
        if self._graph is not None or self.built:
            return
        self.built = True
        if scope.current() is None and not self.run_eagerly:
            # Layers build themselves as `call` reaches them; a trace gets them all before any program is compiled.
            symbols = nest.map_structure(lambda v: SymbolicTensor(tuple(v.shape), K.dtype(v), "input"), inputs)
            K.infer(lambda args, kwargs: self.run(args[0], None, [], {})[0], [symbols], {})

    # --- Telling of itself ---

    def summary(self, line_length=None, positions=None, print_fn=None):
        """Print a table of the layers: names, output shapes, parameters, connections.

        Args:
            line_length: characters a line.
            positions: where columns end, as fractions of a line or numbers of characters.
            print_fn: called with each line instead of printing.
        """
        print_summary(self, line_length, positions, print_fn)

    def get_config(self):
        """Layers and their connections as numbers, strings, lists and dicts.

        Raises:
            NotImplementedError: a model of the user's own that does not say how.
        """
        if self._graph is None or type(self) is not Model and not type(self).__module__.startswith("hornbeam."):
            return Layer.get_config(self)
        return configuration.graph_config(self)

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A new model, with new weights, from what :meth:`get_config` gave."""
        if "layers" not in config:
            if cls is Model:
                raise ValueError(f"The configuration of a model has no layers: {str(config)[:200]}")
            return cls(**config)
        return configuration.graph_from_config(cls, config, custom_objects)
