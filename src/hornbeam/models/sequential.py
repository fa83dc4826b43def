"""`Sequential`: a stack of layers, each fed by the one before."""

from hornbeam import backend as K
from hornbeam import nest, registry
from hornbeam.core.input_layer import Input, InputLayer
from hornbeam.core.layer import Layer
from hornbeam.models import configuration
from hornbeam.models.model import Model
from hornbeam.symbolic import SymbolicTensor


@registry.register("layer")
class Sequential(Model):
    """A stack of layers.

    The first layer may say what it is fed (`input_shape`, `input_dim`, `batch_input_shape`); if it does not, the
    stack is built at its first `fit`, call or `build(input_shape)`.

    Args:
        layers: list of layers, or none to begin with.
        name: the model's name.

    Example:
        >>> from hornbeam.layers import Dense
        >>> model = Sequential([Dense(3, input_shape=(4,)), Dense(2)])
        >>> model.output_shape
        (None, 2)
    """

    def __init__(self, layers=None, name=None, trainable=True, **kwargs):
        super().__init__(name=name, trainable=trainable, **kwargs)
        self._stack = []
        for layer in layers or ():
            self.add(layer)

    def _sublayers(self):
        return list(self.__dict__.get("_stack", ()))

    @property
    def layers(self):
        """The layers of the stack, without the input."""
        return list(self._stack)

    model = property(lambda self: self, doc="The model itself, as Keras 1 code asks for it.")

    def add(self, layer):
        """Put a layer (or model) on top.

        Raises:
            TypeError: it is no layer. ValueError: the layer has several outputs, or a name the stack has already.
        """
        if isinstance(layer, SymbolicTensor) and layer.node is None and layer._keras_history is not None:
            layer = layer._keras_history[0]  # Sequential([Input(...), ...]) as in Keras 3
        if not isinstance(layer, Layer):
            raise TypeError(f"Sequential.add takes layers; got {layer!r}. Wrap a function in Lambda(...).")
        if any(layer.name == other.name for other in self._stack) and layer not in self._stack:
            raise ValueError(f"The stack has a layer named {layer.name!r} already. Layer names must differ.")
        if isinstance(layer, InputLayer):
            self._start_from(layer.tensor)
            return
        if not self._stack and self._graph is None and self._pending_input is None:
            self._begin_with(layer)
        self._stack.append(layer)
        if self._graph is not None or self._pending_input is not None:
            self._extend(layer)

    _pending_input = None

    def _begin_with(self, layer):
        if isinstance(layer, Model) and layer._graph is not None and len(layer.inputs) > 1:  # Keras 1's Merge
            named = enumerate(layer.inputs, 1)
            self._start_from(
                [Input(batch_shape=K.int_shape(t), dtype=t.dtype, name=f"{layer.name}_input_{i}") for i, t in named]
            )
            return
        shape = getattr(layer, "batch_input_shape", None)
        if shape is None and isinstance(layer, Model) and layer._graph is not None:
            shape = K.int_shape(layer.inputs[0])
        if shape is not None:
            dtype = layer.inputs[0].dtype if isinstance(layer, Model) else _input_dtype(layer)
            self._start_from(Input(batch_shape=shape, dtype=dtype, name=f"{layer.name}_input"))

    def _start_from(self, tensor):
        if self._stack:
            raise ValueError("An Input must be the first thing in a Sequential.")
        self._pending_input = tensor

    def _extend(self, layer):
        first = self._pending_input
        source = first if self._graph is None else self._graph.outputs[0]
        try:
            outputs = layer(source)
        except Exception:
            self._stack.pop()
            raise
        if len(nest.flatten(outputs)) != 1:
            self._stack.pop()
            raise ValueError(
                f"Layer {layer.name!r} has {len(nest.flatten(outputs))} outputs; in a stack every layer has one. Use "
                f"Model(inputs=..., outputs=...)."
            )
        self._set_graph(first, nest.flatten(outputs)[0])

    def pop(self):
        """Take the last layer off.

        Raises:
            TypeError: the stack is empty.
        """
        if not self._stack:
            raise TypeError("There are no layers in the stack to take off.")
        layer = self._stack.pop()
        layer._inbound_nodes = layer._inbound_nodes[:-1]
        if self._graph is not None:
            if self._stack:
                self._set_graph(self._pending_input, self._graph.order[-1].inputs[0])
                self._stack[-1]._outbound_nodes = []
            else:
                self._graph, self.built = None, False
        self._forget_programs()

    def build(self, input_shape=None):
        """Build the stack for inputs of `input_shape`, the batch axis included.

        Raises:
            ValueError: no shape came and the first layer was not told one.
        """
        if self._graph is not None:
            return
        if input_shape is None:
            raise ValueError(
                f"Sequential {self.name!r} does not know its input's shape. Give the first layer input_shape=(...), or "
                f"call build((None, ...)) with the batch axis."
            )
        self._build_from(tuple(input_shape))

    def _build_from(self, shape, dtype=None):
        if not self._stack:
            raise ValueError(f"Sequential {self.name!r} has no layers. Add some first.")
        dtype = dtype if dtype is not None and "int" in dtype else _input_dtype(self._stack[0])
        stack, self._stack = self._stack, []
        self._start_from(Input(batch_shape=shape, dtype=dtype, name=f"{stack[0].name}_input"))
        for layer in stack:
            self._stack.append(layer)
            self._extend(layer)
        self._built_at_last()

    def _build_once(self, inputs, shapes):
        if self._graph is None:
            dtype = K.dtype(inputs)
            self._build_from((None, *shapes[0][1:]), None if "float" in dtype else dtype)

    def get_config(self):
        """Name and layers, as a dict."""
        config = {"name": self.name, "layers": [configuration.layer_entry(layer) for layer in self._stack]}
        if isinstance(self._pending_input, SymbolicTensor):  # a model of several inputs brings them itself
            config["build_input_shape"] = list(self._pending_input.shape)
        return config

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """A new stack, with new weights, from what :meth:`get_config` gave (or the list of layers Keras 2.2 wrote)."""
        return configuration.stack_from_config(cls, config, custom_objects)

    # --- Classic shorthands ---

    def predict_proba(self, x, batch_size=32, verbose=0):
        """Probabilities: what :meth:`predict` gives; warns where they are none."""
        predicted = self.predict(x, batch_size=batch_size, verbose=verbose)
        if predicted.size and (predicted.min() < 0.0 or predicted.max() > 1.0):
            import warnings

            warnings.warn(
                "predict_proba: some values lie outside 0 to 1. The last layer needs a softmax or sigmoid activation.",
                stacklevel=2,
            )
        return predicted

    def predict_classes(self, x, batch_size=32, verbose=0):
        """Class of each row: the largest of several outputs, or 1 where a single output is above 0.5."""
        predicted = self.predict(x, batch_size=batch_size, verbose=verbose)
        return predicted.argmax(axis=-1) if predicted.shape[-1] > 1 else (predicted > 0.5).astype("int32")


def _input_dtype(layer):
    return getattr(layer, "input_dtype_wanted", None) or layer.dtype
