"""The .keras archive of Keras 3: config.json, metadata.json and model.weights.h5, stored in a zip without packing.

Keras 3 opens what is written here. For our own reader, metadata.json says in addition what Keras 3's form cannot: the
classic configuration, and for every array its name, its place in the weights file and its SHA-256. So our own files
come back bit for bit, and without HDF5 being asked.

What Keras 3 has no counterpart for is saved all the same, and only Keras cannot open the file: layers of Keras 1 and 2
alone (LocallyConnected, ThresholdedReLU, CuDNN names, Highway, MaxoutDense), words such as `temporal_padding` between
layers, users' own classes that are not registered there. A loss or optimizer that it lacks leaves the model uncompiled
there. Two meanings stay apart: Keras 3's Bidirectional gives zeros where steps are masked, ours repeats the output
before; Adagrad and RMSprop have epsilon inside the root there.
"""

import contextlib
import hashlib
import os
import struct
import time
import zipfile
import zlib

import numpy as np

from hornbeam.host_memory import room_for
from hornbeam.saving import guards, keras3_config
from hornbeam.saving.digests import Digests
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.hdf5_stream import Layout
from hornbeam.saving.keras3_config import in_keras3_order, to_keras3, training_of
from hornbeam.saving.keras3_optimizer import optimizer_arrays
from hornbeam.saving.keras3_weights import UnknownWeights, branch_of
from hornbeam.saving.stored import CLASSIC_VERSION, Origin, StoredLayer, StoredModel

CONFIG, METADATA, WEIGHTS = "config.json", "metadata.json", "model.weights.h5"
MARK = "hornbeam"  # our own part of the metadata
_LAYOUT = 1  # number of that part's layout
_DATE = "%Y-%m-%d@%H:%M:%S"

# --- Writing ---


def write_model(stored, path):
    """Write a model as a .keras archive.

    Args:
        stored: StoredModel with an architecture.
        path: the file; it is written from its beginning.

    Raises:
        ValueError: the architecture is missing.
    """
    if stored.architecture is None:
        raise ValueError("A .keras archive holds a whole model; weights alone go into .weights.h5 or .safetensors.")
    config = guards.write_json(to_keras3(stored.architecture, stored.training)).encode()
    arrays, names, places = _arrays_by_path(stored)
    layout = Layout(arrays, names)
    with Digests() as digests, zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        checksum = digests.threads.submit(_crc32, layout)
        found = {path: digests.of(value) for path, value in layout.arrays.items()}
        _add(archive, CONFIG, config)
        _add_weights(archive, layout, checksum, digests.threads)
        own = _own_part(stored, config, places, layout, {path: digest.result() for path, digest in found.items()})
        metadata = {"keras_version": keras3_config.KERAS_VERSION, "date_saved": time.strftime(_DATE), MARK: own}
        _add(archive, METADATA, guards.write_json(metadata, "The metadata").encode())


def _member(name):
    member = zipfile.ZipInfo(name, time.localtime()[:6])
    member.external_attr = 0o644 << 16
    return member


def _add(archive, name, data):
    with archive.open(_member(name), "w") as stream:
        stream.write(data)


def _add_weights(archive, layout, checksum, threads):
    """Write the weights while threads work out their checksum, which zipfile would do first and alone."""
    member = _member(WEIGHTS)
    member.file_size = member.compress_size = layout.size
    member.CRC, member.header_offset = 0, archive.start_dir
    file = archive.fp
    file.seek(member.header_offset)
    file.write(member.FileHeader(zip64=True))
    for part in layout.parts():
        file.write(part)
    file.flush()
    with contextlib.suppress(AttributeError, OSError):
        threads.submit(os.fdatasync, file.fileno())  # the disk has something to do meanwhile
    end = file.tell()
    member.CRC = checksum.result()
    file.seek(member.header_offset)
    file.write(member.FileHeader(zip64=True))
    file.seek(end)
    archive.start_dir = end
    archive.filelist.append(member)
    archive.NameToInfo[member.filename] = member
    archive._didModify = True


def _crc32(layout):
    checksum = 0
    for part in layout.parts():
        checksum = zlib.crc32(part, checksum)
    return checksum


def _arrays_by_path(stored):
    """(path -> array, path of a group -> name of the layer, paths of the layers' and the optimizer's arrays)."""
    ordered = in_keras3_order(stored.architecture)
    by_name = {layer.name: layer for layer in stored.layers}
    arrays, branch = {}, None
    names: dict[str, str] = {}
    try:
        branch = branch_of(ordered, unknown=lambda entry: _count(entry, by_name))
        branches = {inner.name: inner for inner in branch.inner}
    except UnknownWeights:
        branches = {}
    places = []
    for number, layer in enumerate(stored.layers):
        slots = branches[layer.name].weights() if layer.name in branches else []
        paths = list(dict.fromkeys(slot.path for slot in slots))
        if len(paths) != len(layer.weights):  # no layer of Keras's, or weights shared in a way that files cannot tell
            paths = [f"{MARK}/layers/{number}/{i}" for i in range(len(layer.weights))]
        elif branches:
            names[f"{branches[layer.name].path}/vars"] = layer.name
        places.append(paths)
        arrays.update(zip(paths, (value for _, value in layer.weights), strict=True))
    state = []
    if stored.optimizer_weights is not None:
        given, state = optimizer_arrays(stored, branch)
        arrays.update(given)
    return arrays, names, (places, state)


def _count(entry, by_name):
    """Number of weights of a layer of the user's own, if it stands on the top level."""
    layer = by_name.get(entry["config"].get("name"))
    return None if layer is None else len(layer.weights)


def _own_part(stored, config, places, layout, digests):
    """What metadata.json says for our own reader."""

    def note(path):
        value = layout.arrays[path]
        return {"path": path, "dtype": value.dtype.name, "shape": list(value.shape), "offset": layout.places[path],
                "sha256": digests[path]}  # fmt: skip

    layers, state = places
    return {
        "layout": _LAYOUT,
        "formulas": "classic",  # names such as hard_sigmoid mean what they meant in Keras 2
        "architecture": stored.architecture,
        "training": stored.training,
        "layers": [
            {"name": layer.name, "weights": [{"name": name, **note(path)} for (name, _), path in
                                             zip(layer.weights, paths, strict=True)]}
            for layer, paths in zip(stored.layers, layers, strict=True)
        ],
        "optimizer": None if stored.optimizer_weights is None else [note(path) for path in state],
        "config_sha256": hashlib.sha256(config).hexdigest(),
        "weights_size": layout.size,
    }  # fmt: skip


# --- Reading ---


def read_model(path, digests=None):
    """A .keras archive as a StoredModel.

    Args:
        path: the file. It may be our own or any of Keras 3's.
        digests: a Digests for the caller to verify before the arrays are trusted; None verifies at once.

    Raises:
        ModelFileError: the file is damaged or refused, or holds something that is not supported; says what.
    """
    with guards.GuardedZip(path) as archive:
        config_text = archive.read(CONFIG)
        config = guards.read_json(config_text, path)
        metadata = guards.read_json(archive.read(METADATA), path, "the metadata") if METADATA in archive else {}
        with guards.refusing(path, "the configuration"):
            own = metadata.get(MARK)
            # Another program may have changed the configuration and left the metadata: then ours does not count.
            if isinstance(own, dict) and own["config_sha256"] == hashlib.sha256(config_text).hexdigest():
                return _read_own(archive, own, path, digests)
            return _read_keras(archive, config, str(metadata.get("keras_version") or "3"), path)


@contextlib.contextmanager
def _weights(archive):
    """(file, place of the weights in it, their size). Each array has a SHA-256, so the checksum of all is not asked."""
    member = archive._member(WEIGHTS)
    if member.compress_type != zipfile.ZIP_STORED:
        with archive.open(WEIGHTS) as window:
            yield window, 0, member.file_size
        return
    with open(archive.path, "rb", buffering=0) as file:
        file.seek(member.header_offset + 26)
        name_bytes, extra_bytes = struct.unpack("<HH", file.read(4))
        yield file, member.header_offset + 30 + name_bytes + extra_bytes, member.file_size


def _read_own(archive, own, path, digests=None):
    if digests is None:
        with Digests() as digests:
            stored = _read_own(archive, own, path, digests)
            digests.verify()
            return stored
    if own["layout"] != _LAYOUT:
        raise ModelFileError(path, f"it was written by a newer version (layout {own['layout']})", "Update Hornbeam.")
    with _weights(archive) as (file, start, size):

        def take(note):
            array = _read_array(file, start, size, note, path)
            problem = f"the array {note['path']!r} is not what was saved: its SHA-256 differs"
            changed = ModelFileError(path, problem, "The file is damaged; take another copy.")
            digests.expect(array, note["sha256"], changed)
            return array

        layers = [StoredLayer(str(layer["name"]), [(str(note["name"]), take(note)) for note in layer["weights"]])
                  for layer in own["layers"]]  # fmt: skip
        state = None if own["optimizer"] is None else [take(note) for note in own["optimizer"]]
    origin = Origin("keras", CLASSIC_VERSION, str(own["architecture"].get("backend") or ""))
    return StoredModel(own["architecture"], layers, own["training"], state, origin)


def _read_array(file, start, size, note, path):
    dtype, shape, offset = guards.dtype_named(note["dtype"]), tuple(note["shape"]), note["offset"]
    if not all(type(n) is int and n >= 0 for n in shape):
        raise ValueError(f"{note['path']!r} has the shape {shape}")
    count = 1
    for n in shape:
        count *= n
    if count == 0:
        return np.empty(shape, dtype)
    if type(offset) is not int or not 0 <= offset <= size - count * dtype.itemsize:
        raise ModelFileError(path, f"the array {note['path']!r} does not lie in the file", "The file is damaged.")
    array = room_for(shape, dtype)
    file.seek(start + offset)
    if file.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
        raise ModelFileError(path, f"the array {note['path']!r} is not whole", "The file is damaged.")
    return array


def _read_keras(archive, config, version, path):
    try:
        architecture = keras3_config.from_keras3(config)
        training = training_of(config)
    except ModelFileError as error:
        raise ModelFileError(path, error.problem, error.cure) from None
    if WEIGHTS not in archive:
        raise ModelFileError(path, f"the archive has no {WEIGHTS!r}", "Save the model again, in the .keras format.")
    from hornbeam.saving.keras3_reading import read_layers, read_optimizer, weights_file

    with weights_file(archive, WEIGHTS, path) as file:
        layers, branch = read_layers(file, architecture)
        state = read_optimizer(file, training, branch) if training is not None else None
    return StoredModel(architecture, layers, training, state, Origin("keras", version, ""))

