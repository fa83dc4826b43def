"""All layers. Others' code finds them here: `from hornbeam.layers import Dense`."""

from hornbeam.core import Input, InputLayer, InputSpec, Layer
from hornbeam.layers.core import (
    Activation,
    ActivityRegularization,
    Dense,
    Dropout,
    Identity,
    Masking,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)
from hornbeam.layers.lambda_layer import Lambda
from hornbeam.layers.merge import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
    add,
    average,
    concatenate,
    dot,
    maximum,
    minimum,
    multiply,
    subtract,
)
from hornbeam.layers.reshaping import Flatten, Permute, RepeatVector, Reshape

__all__ = [
    "Activation", "ActivityRegularization", "Add", "Average", "Concatenate", "Dense", "Dot", "Dropout", "Flatten",
    "Identity", "Input", "InputLayer", "InputSpec", "Lambda", "Layer", "Masking", "Maximum", "Minimum", "Multiply",
    "Permute", "RepeatVector", "Reshape", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "Subtract",
    "add", "average", "concatenate", "dot", "maximum", "minimum", "multiply", "subtract",
]  # fmt: skip
