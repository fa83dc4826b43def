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
from hornbeam.layers.reshaping import Flatten, Permute, RepeatVector, Reshape

__all__ = [
    "Activation", "ActivityRegularization", "Dense", "Dropout", "Flatten", "Identity", "Input", "InputLayer",
    "InputSpec", "Lambda", "Layer", "Masking", "Permute", "RepeatVector", "Reshape", "SpatialDropout1D",
    "SpatialDropout2D", "SpatialDropout3D",
]  # fmt: skip
