"""Writing classic HDF5 files: layers and optimizer as Keras 2 lays them out, and a manifest of our own beside."""

import hashlib
import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from hornbeam.saving import guards
from hornbeam.saving.classic_layout import laid_out
from hornbeam.saving.digests import Digests
from hornbeam.saving.hdf5_output import Output
from hornbeam.saving.stored import CLASSIC_VERSION, OWN_WEIGHTS

MANIFEST = "hornbeam_manifest"
MANIFEST_DIGEST = "hornbeam_manifest_sha256"
_MOST_LIST_BYTES = 64512  # what HDF5 keeps in one attribute; longer lists are chopped, as Keras does
_PUSH_BYTES = 16 << 20


def write_model(stored, path):
    """Write a whole model.

    Args:
        stored: StoredModel with an architecture.
        path: file to make; a file that is there is replaced.

    Raises:
        OSError: the disk is full or the file cannot be written. ValueError: a weight or name that HDF5 cannot hold.
    """
    from hornbeam.saving import hdf5_portable

    if stored.architecture is None:
        raise ValueError("A whole model needs an architecture; weights alone are written by write_weights.")
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

        self.output = Output(path)
        self.file = h5py.File(self.output, "w", libver="earliest")
        self.tensors = _Tensors(os.fspath(path))

    def __enter__(self):
        return self.file, self.tensors

    def __exit__(self, kind, error, trace):
        self.tensors.close()
        try:
            self.file.close()
        finally:
            self.output.close()


class _Tensors:
    """Writes tensors as they lie in memory; meanwhile threads work out digests and push written pages to the disk."""

    def __init__(self, path):
        self.digests, self.pusher = Digests(), ThreadPoolExecutor(max_workers=1)
        self.waiting = []
        self.unpushed, self.pushing = 0, None
        self.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))

    def _push(self, count):
        """Have the disk begin early, for whoever syncs the file in the end waits for it."""
        self.unpushed += count
        if self.unpushed >= _PUSH_BYTES and hasattr(os, "fdatasync") and (self.pushing is None or self.pushing.done()):
            self.unpushed, self.pushing = 0, self.pusher.submit(os.fdatasync, self.descriptor)

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
        self.waiting.append((entry, self.digests.of(array)))
        if array.size:
            dataset.id.write(h5s.ALL, h5s.ALL, array)
        self._push(array.nbytes)
        return entry

    def finish(self):
        """Put the digests into the entries."""
        self._push(_PUSH_BYTES if self.unpushed > _PUSH_BYTES // 4 else 0)
        for entry, digest in self.waiting:
            entry["sha256"] = digest.result()
        self.waiting = []

    def close(self):
        self.digests.threads.shutdown(cancel_futures=True)
        self.pusher.shutdown(cancel_futures=True)
        os.close(self.descriptor)


def _mark(place, stored):
    place.attrs["keras_version"] = (stored.origin.keras_version or CLASSIC_VERSION).encode()
    place.attrs["backend"] = (stored.origin.backend or "").encode()


def _write_layers(group, stored, tensors):
    """The groups of all layers; returns their entries for the manifest."""
    names = [layer.name for layer in stored.layers]
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"Two layers are named {twice!r}. Layer names must differ.")
    _write_list(group, "layer_names", [name for name in names if name != OWN_WEIGHTS])
    _mark(group, stored)
    entries = [{"name": name, "weights": []} for name in names]
    # In order of names, so that a layer named 'a/b' finds the group of 'a' there already.
    for layer, entry in sorted(zip(stored.layers, entries), key=lambda pair: pair[0].name):
        place = group.require_group(_plain_name(layer.name))
        taken, found = {}, {}
        for number, layout in layer.classic or [(i, "") for i in range(len(layer.weights))]:
            name, value = layer.weights[number]
            key = _free_name(name, taken)
            taken[key] = value
            found[number] = tensors.write(place, key, laid_out(value, layout))
            found[number].update(name=name, path=_path_of(place, key), **({"layout": layout} if layout else {}))
        entry["weights"] = [found[i] for i in range(len(layer.weights))]  # in our order; Keras's is in weight_names
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
    """`name`, or another where the layer has it already (two cells of one name, say), or has a group in its place."""

    def stands_in_the_way(other):
        return other == found or other.startswith(f"{found}/") or found.startswith(f"{other}/")

    found, number = _plain_name(name), 1
    head, colon, tail = name.replace("/", "_").rpartition(":")
    while any(map(stands_in_the_way, taken)):
        found = f"{head}_{number}{colon}{tail}" if colon else f"{tail}_{number}"
        number += 1
    return found


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
    file.attrs[MANIFEST_DIGEST] = hashlib.sha256(text).hexdigest().encode()


def _json(value):
    return guards.write_json(value)
