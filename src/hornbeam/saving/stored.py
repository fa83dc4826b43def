"""A model as plain data: what stands between a file and a model, in both directions.

Files are read into these (by code that meets hostile bytes, if need be in a process of its own) and models are made
from these (by code that knows layers). So this module, and every reader that a child process runs (hdf5, hdf5_guard,
hdf5_layout, guards, keras3_weights, errors), imports neither the backend nor layers at its top.
"""

from dataclasses import dataclass, field

import numpy as np

# What is written as `keras_version`: the classic whose meaning the layers have (hard_sigmoid, GRU, BatchNormalization).
CLASSIC_VERSION = "2.2.4"
OWN_WEIGHTS = "top_level_model_weights"  # stands for the weights that a model has beside those of its layers


@dataclass
class Origin:
    """Where a file comes from: its kind and who wrote it, which decides how its numbers are to be understood.

    Args:
        format: 'h5', 'keras', 'safetensors' or 'npz'; 'hornbeam' for arrays just as our layers have them, be they from
            a model or by the manifest of an .h5 file of ours.
        keras_version: what the file says, '2.2.4'; '1' where it says nothing, as the files of Keras 1 do; '3.x' for
            current ones.
        backend: 'tensorflow', 'theano', 'cntk' and so on; '' where it says nothing.
    """

    format: str = ""
    keras_version: str = ""
    backend: str = ""

    @property
    def version(self):
        """(major, minor) as numbers; parts that cannot be read are 0.

        Example:
            >>> Origin("h5", "2.2.4-tf").version
            (2, 2)
        """
        parts = (self.keras_version or "").split(".")[:2]
        numbers = ["".join(c for c in part if c.isdigit()) for part in parts]
        major, minor = ([int(n) if n else 0 for n in numbers] + [0, 0])[:2]
        return major, minor


@dataclass
class StoredLayer:
    """One top-level layer: its name, and its weights' names and values in the order of `layer.weights`.

    Args:
        classic: [(place in `weights`, layout)] as Keras 2 has them (saving/classic_layout.py); None if just so.
    """

    name: str
    weights: list[tuple[str, np.ndarray]] = field(default_factory=list)
    classic: list | None = None


@dataclass
class StoredModel:
    """A whole model, or (with `architecture` None) its weights only.

    Args:
        architecture: classic configuration {'class_name', 'config', 'keras_version', 'backend'}, or None.
        layers: one a top-level layer, in the model's order, those without weights too.
        training: {'optimizer', 'loss', 'metrics', 'weighted_metrics', 'loss_weights', 'sample_weight_mode'} in their
            serialised classic form, or None.
        optimizer_weights: the state in the order of `optimizer.get_weights()`, or None.
        origin: where it comes from.
    """

    architecture: dict | None = None
    layers: list[StoredLayer] = field(default_factory=list)
    training: dict | None = None
    optimizer_weights: list[np.ndarray] | None = None
    origin: Origin = field(default_factory=Origin)
