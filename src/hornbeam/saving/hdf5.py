"""Whole models and weights as classic HDF5 files (.h5), which Keras 3 and Keras 2 open as well.

The layout is that of Keras 2: the architecture as JSON in root attributes, one group a layer with `weight_names`, one
dataset a weight, the optimizer's state beside. Our own files carry a manifest beside: the architecture in our own
words, and a SHA-256 of every tensor, so that a flipped bit is an error and not a wrong number.
"""

import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hornbeam.saving import guards
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.hdf5_guard import GuardedFile
from hornbeam.saving.portable_activations import names_of_formulas
from hornbeam.saving.stored import Origin, StoredLayer, StoredModel

MANIFEST = "hornbeam_manifest"
_DIGEST = "hornbeam_manifest_sha256"
_CLASSIC_VERSION = "2.2.4"
_MOST_LIST_BYTES = 64512  # what HDF5 keeps in one attribute; longer lists are chopped, as Keras does
_CHANGED = (
    f"The file is damaged: take another copy. If you changed it on purpose, delete its attributes {MANIFEST!r} and "
    f"{_DIGEST!r} first."
)


# --- Writing ---


def write_model(stored, path):
    """Write a whole model.

    Args:
        stored: StoredModel with an architecture.
        path: file to make; a file that is there is replaced.

    Raises:
        OSError: the disk is full or the file cannot be written. ValueError: a weight or name that HDF5 cannot hold.
    """
    from hornbeam.saving import hdf5_portable

    with _new_file(path) as (file, tensors):
        texts = {"model_config": _json(hdf5_portable.architecture(stored.architecture))}
        training = hdf5_portable.training(stored.training, stored.architecture)
        if training is not None:
            texts["training_config"] = _json(training)
        for name, text in texts.items():
            file.attrs[name] = text.encode()  # a text of variable length, which no limit applies to
        _mark(file, stored)
        group = file.create_group("model_weights")
        manifest = _manifest(stored, _write_layers(group, stored, tensors))
        if stored.optimizer_weights:
            state = file.create_group("optimizer_weights")
            manifest["optimizer"] = _write_state(state, stored, tensors)
        manifest["texts"] = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in texts.items()}
        _write_manifest(file, manifest, tensors)


def write_weights(stored, path):
    """Write weights only, in the layout of Keras 2's `save_weights`.

    Args:
        stored: StoredModel.
        path: file to make; a file that is there is replaced.

    Raises:
        OSError: the disk is full or the file cannot be written. ValueError: a weight or name that HDF5 cannot hold.
    """
    with _new_file(path) as (file, tensors):
        manifest = _manifest(stored, _write_layers(file, stored, tensors))
        manifest.pop("architecture")
        manifest.pop("training")
        _write_manifest(file, manifest, tensors)


class _new_file:
    """An HDF5 file open for writing, and what hashes its tensors meanwhile."""

    def __init__(self, path):
        import h5py

        self.tensors = _Tensors()
        self.file = h5py.File(os.fspath(path), "w", libver="earliest")

    def __enter__(self):
        return self.file, self.tensors

    def __exit__(self, kind, error, trace):
        self.tensors.close()
        try:
            self.file.close()
        except (OSError, RuntimeError) as failure:
            if kind is None:
                raise OSError(f"The file cannot be written: {failure}") from failure
        if kind is RuntimeError:  # what h5py makes of some full disks
            raise OSError(f"The file cannot be written: {error}") from error


class _Tensors:
    """Writes tensors as they lie in memory; threads work out their digests meanwhile."""

    def __init__(self):
        self.pool = ThreadPoolExecutor(max_workers=2)
        self.waiting = []

    def write(self, group, name, value):
        """One dataset; returns its entry for the manifest, whose digest comes later."""
        from h5py import h5s

        array = np.asarray(value)
        entry = {"dtype": array.dtype.name, "shape": list(array.shape)}
        if array.dtype.name == "bfloat16":
            array = array.astype("float32")
        if array.dtype.kind not in "biuf":
            raise ValueError(f"The weight {name!r} has the type {array.dtype}, which HDF5 files of models do not hold.")
        array = np.ascontiguousarray(array).reshape(array.shape)
        array = array.astype(array.dtype.newbyteorder("<"), copy=False)
        dataset = group.create_dataset(name, array.shape, array.dtype, track_times=False)
        self.waiting.append((entry, self.pool.submit(_digest_of, array)))
        if array.size:
            dataset.id.write(h5s.ALL, h5s.ALL, array)
        return entry

    def finish(self):
        """Put the digests into the entries."""
        for entry, digest in self.waiting:
            entry["sha256"] = digest.result()
        self.waiting = []

    def close(self):
        self.pool.shutdown(cancel_futures=True)


def _digest_of(array):
    return hashlib.sha256(array.reshape(-1).view(np.uint8)).hexdigest()


def _mark(place, stored):
    place.attrs["keras_version"] = (stored.origin.keras_version or _CLASSIC_VERSION).encode()
    place.attrs["backend"] = (stored.origin.backend or "").encode()


def _write_layers(group, stored, tensors):
    """The groups of all layers; returns their entries for the manifest."""
    names = [layer.name for layer in stored.layers]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"Two layers are named {twice!r}. Layer names must differ.")
    _write_list(group, "layer_names", names)
    _mark(group, stored)
    entries = [{"name": name, "weights": []} for name in names]
    # In order of names, so that a layer named 'a/b' finds the group of 'a' there already.
    for layer, entry in sorted(zip(stored.layers, entries), key=lambda pair: pair[0].name):
        place = group.require_group(_plain_name(layer.name))
        taken = {}
        for name, value in layer.weights:
            key = _free_name(name, taken)
            taken[key] = value
            found = tensors.write(place, key, value)
            found.update(name=name, path=_path_of(place, key))
            entry["weights"].append(found)
        _write_list(place, "weight_names", list(taken))
    return entries


def _write_state(group, stored, tensors):
    names = _state_names(stored)
    _write_list(group, "weight_names", names)
    found = []
    for name, value in zip(names, stored.optimizer_weights, strict=True):
        entry = tensors.write(group, name, value)
        entry["path"] = _path_of(group, name)
        found.append(entry)
    return found


def _state_names(stored):
    """Names of the optimizer's arrays, in one group so that no layer's name gets in the way."""
    optimizer = (stored.training or {}).get("optimizer") or {}
    kind = str(optimizer.get("class_name") or "Optimizer").rsplit(">", 1)[-1].replace("/", "_")
    return [f"training/{kind}/variable_{i}:0" for i in range(len(stored.optimizer_weights))]


def _path_of(group, name):
    return f"{group.name}/{name}".strip("/")


def _plain_name(name):
    """A layer's or weight's name as the path of its group, if it can be one."""
    parts = name.split("/")
    if not name or "\0" in name or any(part in ("", ".", "..") for part in parts):
        raise ValueError(f"The name {name!r} cannot stand in an HDF5 file. Give it another.")
    return name


def _free_name(name, taken):
    """`name`, or with a number where the layer has it already (two cells of one name, say)."""
    base, number = _plain_name(name), 1
    while name in taken or any(other.startswith(f"{name}/") or name.startswith(f"{other}/") for other in taken):
        head, colon, tail = base.rpartition(":")
        name = f"{head}_{number}:{tail}" if colon else f"{base}_{number}"
        number += 1
    return name


def _write_list(place, name, texts):
    """A list of names as an attribute, or as several with numbers behind the name where it is too long for one."""
    items = [text.encode() for text in texts]
    longest = max(map(len, items), default=0)
    if longest > _MOST_LIST_BYTES:
        raise ValueError(f"A name of {longest} bytes cannot stand in an HDF5 file; at most {_MOST_LIST_BYTES}.")
    whole = np.asarray(items)
    parts = 1
    while any(part.nbytes > _MOST_LIST_BYTES for part in np.array_split(whole, parts)):
        parts += 1
    for number, part in enumerate(np.array_split(whole, parts)):
        place.attrs[name if parts == 1 else f"{name}{number}"] = part


def _manifest(stored, layers):
    return {
        "format": 1, "keras_version": stored.origin.keras_version, "backend": stored.origin.backend,
        "architecture": stored.architecture, "training": stored.training, "layers": layers,
    }  # fmt: skip


def _write_manifest(file, manifest, tensors):
    tensors.finish()
    text = _json(manifest).encode()
    file.attrs[MANIFEST] = text
    file.attrs[_DIGEST] = hashlib.sha256(text).hexdigest().encode()


def _json(value):
    return json.dumps(value)


# --- Reading ---


def read_model(path):
    """A whole model.

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
            return _from_manifest(file, manifest)
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
            return StoredModel(layers=_read_numbered(file), origin=Origin("h5", "1", ""))
        raise file.refused("it holds no layers", "Weights are read from what save or save_weights of a Keras wrote.")


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
    layers = []
    for name in file.texts(root, "layer_names"):
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
    held = [file.has("", name) for name in (MANIFEST, _DIGEST)]
    if not any(held):
        return None
    text, digest = file.attribute("", MANIFEST), file.attribute("", _DIGEST)
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


def _from_manifest(file, manifest):
    with guards.refusing(file.path, "the manifest"), ThreadPoolExecutor(max_workers=2) as pool:
        checks = []

        def read(entry):
            array = file.array(entry["path"])
            kind = "float32" if entry["dtype"] == "bfloat16" else entry["dtype"]
            if [array.dtype.name, *array.shape] != [kind, *entry["shape"]]:
                raise file.refused(f"{entry['path']!r} does not have the shape and type that were written", _CHANGED)
            checks.append((entry, pool.submit(_digest_of, array)))
            return _as_written(array, entry["dtype"])

        layers = [
            StoredLayer(layer["name"], [(entry["name"], read(entry)) for entry in layer["weights"]])
            for layer in manifest["layers"]
        ]
        state = manifest.get("optimizer")
        state = None if state is None else [read(entry) for entry in state]
        for entry, digest in checks:
            if digest.result() != entry["sha256"]:
                raise file.refused(f"{entry['path']!r} does not have the values that were written", _CHANGED)
        origin = Origin("h5", manifest["keras_version"] or _CLASSIC_VERSION, manifest["backend"] or "")
        return StoredModel(manifest.get("architecture"), layers, manifest.get("training"), state, origin)


def _as_written(array, dtype):
    if dtype != "bfloat16":
        return array
    import ml_dtypes

    return array.astype(ml_dtypes.bfloat16)


__all__ = ["ModelFileError", "read_model", "read_weights", "write_model", "write_weights"]
