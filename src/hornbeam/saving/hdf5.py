"""Whole models and weights as classic HDF5 files (.h5), which Keras 3 and Keras 2 open as well.

The layout is that of Keras 2: the architecture as JSON in root attributes, one group a layer with `weight_names`, one
dataset a weight, the optimizer's state beside. Our own files carry a manifest beside: the architecture in our own
words, and a SHA-256 of every tensor, so that a flipped bit is an error and not a wrong number.
"""

import hashlib

import numpy as np

from hornbeam.saving import guards
from hornbeam.saving.classic_layout import restored
from hornbeam.saving.digests import Digests
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.hdf5_guard import GuardedFile
from hornbeam.saving.hdf5_writing import (
    MANIFEST,
    MANIFEST_DIGEST,
    write_model,
    write_weights,
)  # fmt: skip
from hornbeam.saving.portable_activations import names_of_formulas
from hornbeam.saving.stored import CLASSIC_VERSION, OWN_WEIGHTS, Origin, StoredLayer, StoredModel

STORE = "weights.h5"  # the format of weights in Keras 3's layout; see :func:`arranged`
_CHANGED = (
    f"The file is damaged: take another copy. If you changed it on purpose, delete its attributes {MANIFEST!r} and "
    f"{MANIFEST_DIGEST!r} first."
)


def read_model(path, digests=None):
    """A whole model.

    Args:
        path: the file.
        digests: a Digests for the caller to verify before the arrays are trusted; None verifies at once.

    Raises:
        ModelFileError: the file is damaged, refused, or holds weights only.
    """
    with GuardedFile(path) as file:
        manifest = _read_manifest(file)
        if "model_weights" not in file.groups or not file.has("", "model_config"):
            raise file.refused(
                "this file holds weights only", "Build the model in code, then call model.load_weights(path)."
            )
        if manifest is not None:
            return _from_manifest(file, manifest, digests)
        architecture = _read_object(file, "model_config")
        origin = _origin(file, "")
        architecture = {"keras_version": origin.keras_version, "backend": origin.backend, **architecture}
        training = _read_object(file, "training_config") if file.has("", "training_config") else None
        return StoredModel(
            names_of_formulas(architecture),
            _read_layers(file, "model_weights"),
            _own_training(training),
            _read_state(file),
            origin,
        )


def read_weights(path):
    """The weights in a file of weights or of a whole model, without architecture.

    Raises:
        ModelFileError: the file is damaged, refused, or holds no weights.
    """
    with GuardedFile(path) as file:
        manifest = _read_manifest(file)
        if manifest is not None:
            stored = _from_manifest(file, {**manifest, "optimizer": None})
            return StoredModel(layers=stored.layers, origin=stored.origin)
        root = "model_weights" if "model_weights" in file.groups else ""
        if file.has(root, "layer_names"):
            return StoredModel(layers=_read_layers(file, root), origin=_origin(file, root))
        if file.has("", "nb_layers"):
            return StoredModel(layers=_read_numbered(file), origin=Origin("h5", "0", ""))
        if any(path.rpartition("/")[2].isdigit() for path in file.datasets):
            arrays = [(path, file.array(path)) for path in file.datasets if not path.startswith("optimizer/")]
            return StoredModel(layers=[StoredLayer("", arrays)], origin=Origin(STORE, "3", ""))
        raise file.refused("it holds no layers", "Weights are read from what save or save_weights of a Keras wrote.")


def arranged(stored, architecture, path):
    """Weights that :func:`read_weights` found in Keras 3's layout, as StoredLayers of a model.

    That layout says where a weight lies ('layers/dense_1/vars/0') but neither the layers' order nor their names.

    Args:
        stored: StoredModel whose origin's format is `STORE`.
        architecture: classic configuration of the model the weights are for.
        path: the file, for errors.

    Raises:
        ModelFileError: a layer's weights are missing.
    """
    from hornbeam.saving.keras3_config import in_keras3_order
    from hornbeam.saving.keras3_reading import read_layers

    with guards.refusing(path, "the weights"):
        layers, _ = read_layers(_Held(stored, path), in_keras3_order(architecture))
    return StoredModel(layers=layers, origin=Origin("h5", "3", ""))


def arranged_by(stored, model, path):
    """The same for a model of the user's own, which has no configuration: the live model says where its layers lie.

    Raises:
        ModelFileError: a layer's weights are missing.
    """
    from hornbeam.saving.keras3_live import by_attributes

    with guards.refusing(path, "the weights"):
        return by_attributes(_Held(stored, path), model)


class _Held:
    """Arrays already read, looking like the file they came from."""

    def __init__(self, stored, path):
        self.path = path
        self.datasets = dict(stored.layers[0].weights)
        parts = [name.split("/") for name in self.datasets]
        self.groups = {"/".join(part[:i]) for part in parts for i in range(len(part))}

    def array(self, path):
        return self.datasets[path]


def _origin(file, root):
    found = [file.attribute(place, name) for name in ("keras_version", "backend") for place in (root, "")]
    version, backend = found[0] or found[1], found[2] or found[3]
    return Origin("h5", version if isinstance(version, str) else "1", backend if isinstance(backend, str) else "")


def _read_object(file, name):
    value = guards.read_json(file.attribute("", name), file.path, f"the attribute {name!r}")
    if not isinstance(value, dict):
        raise file.refused(f"the attribute {name!r} is no JSON object")
    return value


def _read_layers(file, root):
    names, layers = file.texts(root, "layer_names"), []
    own = f"{root}/{OWN_WEIGHTS}".strip("/")
    if OWN_WEIGHTS not in names and own in file.groups and file.texts(own, "weight_names"):
        names = [*names, OWN_WEIGHTS]
    for name in names:
        place = f"{root}/{name}".strip("/")
        weights = [(weight, file.array(f"{place}/{weight}")) for weight in file.texts(place, "weight_names")]
        layers.append(StoredLayer(name, weights))
    return layers


def _read_numbered(file):
    """Layers of the first Keras, which had numbers and no names: groups 'layer_0', datasets 'param_0'."""
    layers = []
    count = _count(file, "", "nb_layers")
    for i in range(count):
        place = f"layer_{i}"
        names = [f"param_{j}" for j in range(_count(file, place, "nb_params"))]
        layers.append(StoredLayer(place, [(name, file.array(f"{place}/{name}")) for name in names]))
    return layers


def _count(file, place, name):
    value = file.attribute(place, name)
    if not isinstance(value, np.ndarray) or value.size != 1 or not 0 <= int(value.reshape(-1)[0]) <= 100_000:
        raise file.refused(f"the attribute {name!r} of {place or '/'!r} is no number of things")
    return int(value.reshape(-1)[0])


def _read_state(file):
    if "optimizer_weights" not in file.groups:
        return None
    names = file.texts("optimizer_weights", "weight_names")
    return [file.array(f"optimizer_weights/{name}") for name in names]


def _own_training(training):
    if training is None:
        return None
    rest = {key: value for key, value in training.items() if key != "optimizer_config"}
    return {"optimizer": training.get("optimizer_config"), **rest}


# --- Reading what we wrote ---


def _read_manifest(file):
    """The manifest of a file of ours, None for files of others."""
    held = [file.has("", name) for name in (MANIFEST, MANIFEST_DIGEST)]
    if not any(held):
        return None
    text, digest = file.attribute("", MANIFEST), file.attribute("", MANIFEST_DIGEST)
    if not all(held) or not isinstance(text, str) or hashlib.sha256(text.encode()).hexdigest() != digest:
        raise file.refused("its manifest is damaged", _CHANGED)
    manifest = guards.read_json(text, file.path, "the manifest")
    if not isinstance(manifest, dict) or manifest.get("format") != 1:
        raise file.refused("its manifest is of a kind that is not known", "A newer Hornbeam may read it.")
    for name, wanted in manifest.get("texts", {}).items():
        text = file.attribute("", name)
        if not isinstance(text, str) or hashlib.sha256(text.encode()).hexdigest() != wanted:
            raise file.refused(f"the attribute {name!r} is not what was written", _CHANGED)
    return manifest


def _from_manifest(file, manifest, digests=None):
    if digests is None:
        with Digests() as digests:
            stored = _from_manifest(file, manifest, digests)
            digests.verify()
            return stored
    with guards.refusing(file.path, "the manifest"):

        def read(entry):
            array = file.array(entry["path"])
            kind = "float32" if entry["dtype"] == "bfloat16" else entry["dtype"]
            if [array.dtype.name, *array.shape] != [kind, *entry["shape"]]:
                raise file.refused(f"{entry['path']!r} does not have the shape and type that were written", _CHANGED)
            changed = file.refused(f"{entry['path']!r} does not have the values that were written", _CHANGED)
            digests.expect(array, entry["sha256"], changed)
            return restored(_as_written(array, entry["dtype"]), entry.get("layout", ""))

        layers = [
            StoredLayer(layer["name"], [(entry["name"], read(entry)) for entry in layer["weights"]])
            for layer in manifest["layers"]
        ]
        state = manifest.get("optimizer")
        state = None if state is None else [read(entry) for entry in state]
        origin = Origin("hornbeam", manifest["keras_version"] or CLASSIC_VERSION, manifest["backend"] or "")
        return StoredModel(manifest.get("architecture"), layers, manifest.get("training"), state, origin)


def _as_written(array, dtype):
    if dtype != "bfloat16":
        return array
    import ml_dtypes

    return array.astype(ml_dtypes.bfloat16)


__all__ = ["ModelFileError", "read_model", "read_weights", "write_model", "write_weights"]
