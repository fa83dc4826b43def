"""Lets a test's child process import the readers and writers of files without the engine: its start takes 0.2 s, not 2.

Scripts import it by its name (it stands beside them or in their parent's folder) before anything of hornbeam.
"""

import sys
import types
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1] / "src" / "hornbeam"


def install():
    """Stand in for the packages whose own files would load an engine."""
    for name in ("hornbeam", "hornbeam.saving"):
        package = types.ModuleType(name)
        package.__path__ = [str(SOURCE.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package


def small_model(seed, units=32):
    """A StoredModel of two dense layers with its optimizer's state, its numbers drawn from `seed`."""
    import numpy as np

    from hornbeam.saving.stored import Origin, StoredLayer, StoredModel

    draw = np.random.default_rng(seed)

    def numbers(*shape):
        return draw.standard_normal(shape).astype("float32")

    names, sizes = ("dense_1", "dense_2"), ((units, units), (units, 3))
    layers = [
        StoredLayer(name, [(f"{name}/kernel:0", numbers(*size)), (f"{name}/bias:0", numbers(size[1]))])
        for name, size in zip(names, sizes)
    ]
    entries = [_dense(name, size) for name, size in zip(names, sizes)]
    architecture = {
        "class_name": "Sequential", "config": {"name": "sequential_1", "layers": entries}, "keras_version": "2.2.4",
        "backend": "tensorflow",
    }  # fmt: skip
    training = {
        "optimizer": {"class_name": "SGD", "config": {"lr": 0.01, "momentum": 0.9, "decay": 0.0, "nesterov": False}},
        "loss": "mse", "metrics": ["mae"], "weighted_metrics": None, "loss_weights": None, "sample_weight_mode": None,
    }  # fmt: skip
    state = [np.asarray(7, "int64"), *(numbers(*value.shape) for layer in layers for _, value in layer.weights)]
    return StoredModel(architecture, layers, training, state, Origin("h5", "2.2.4", "tensorflow"))


def _dense(name, size):
    config = {
        "name": name, "trainable": True, "batch_input_shape": [None, size[0]], "dtype": "float32", "units": size[1],
        "activation": "relu", "use_bias": True,
        "kernel_initializer": {"class_name": "VarianceScaling", "config": {
            "scale": 1.0, "mode": "fan_avg", "distribution": "uniform", "seed": None}},
        "bias_initializer": {"class_name": "Zeros", "config": {}}, "kernel_regularizer": None,
        "bias_regularizer": None, "activity_regularizer": None, "kernel_constraint": None, "bias_constraint": None,
    }  # fmt: skip
    return {"class_name": "Dense", "config": config}


def same_weights(one, other):
    """Do two StoredModels have the same layers with the same numbers, optimizer's state included where both have it?"""
    import numpy as np

    def facts(stored):
        pairs = [(layer.name, [value for _, value in layer.weights]) for layer in stored.layers if layer.weights]
        return [name for name, _ in pairs], [value for _, values in pairs for value in values]

    (names, values), (other_names, others) = facts(one), facts(other)
    if one.optimizer_weights is not None and other.optimizer_weights is not None:
        values, others = values + list(one.optimizer_weights), others + list(other.optimizer_weights)
    return names == other_names and len(values) == len(others) and all(map(np.array_equal, values, others))


WRITERS = ("h5", "keras", "safetensors", "npz")


def writer_and_reader(suffix):
    """(write, read) functions of a format."""
    if suffix == "h5":
        from hornbeam.saving import hdf5 as module
    elif suffix == "keras":
        from hornbeam.saving import archive as module
    else:
        from hornbeam.saving import tensors

        return (getattr(tensors, f"write_{suffix}"), getattr(tensors, f"read_{suffix}"))
    return module.write_model, module.read_model
