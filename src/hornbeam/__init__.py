"""Hornbeam: the classic Keras system on a modern compiled engine.

Build with `Sequential` or `Model`, say how to learn with `compile`, then `fit`, `evaluate`, `predict`.
"""

from hornbeam import (
    activations,
    applications,
    backend,
    callbacks,
    constraints,
    datasets,
    distribution,
    export,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    preprocessing,
    regularizers,
    saving,
    utils,
    validation,
    wrappers,
)
from hornbeam.backend import GradientTape
from hornbeam.core import precision as mixed_precision
from hornbeam.layers import Input
from hornbeam.models import Model, Sequential

__version__ = "0.1.0"

__all__ = [
    "GradientTape",
    "Input",
    "Model",
    "Sequential",
    "activations",
    "applications",
    "backend",
    "callbacks",
    "constraints",
    "datasets",
    "distribution",
    "export",
    "initializers",
    "layers",
    "losses",
    "metrics",
    "mixed_precision",
    "models",
    "optimizers",
    "preprocessing",
    "regularizers",
    "saving",
    "utils",
    "validation",
    "wrappers",
]
