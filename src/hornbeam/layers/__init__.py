"""All layers. Others' code finds them here: `from hornbeam.layers import Dense`."""

from hornbeam.core import Input, InputLayer, InputSpec, Layer
from hornbeam.layers.core import Dense

__all__ = ["Dense", "Input", "InputLayer", "InputSpec", "Layer"]
