"""What every layer and model is built on: the layer base, input layers, and the order of a graph of layers."""

from hornbeam.core.input_layer import Input, InputLayer
from hornbeam.core.layer import Layer
from hornbeam.core.spec import InputSpec

__all__ = ["Input", "InputLayer", "InputSpec", "Layer"]
