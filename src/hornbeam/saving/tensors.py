"""Weights as .npz and .safetensors files, with a SHA-256 of every tensor, so that a flipped bit is found.

Both kinds hold one tensor a weight, named 'layer/weight:0', and a manifest: a JSON text with the layers in their order,
each with its weights' names, tensors, types, shapes and digests. Files that others wrote have no manifest; their
tensors are grouped into layers by name and cannot be checked.
"""

import hashlib
import os
import zipfile

import numpy as np

from hornbeam.host_memory import room_for
from hornbeam.saving import guards
from hornbeam.saving.digests import digest_of
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.stored import Origin, StoredLayer, StoredModel

MANIFEST = "hornbeam_manifest"  # the metadata entry, and the array of bytes in an .npz
_DIGEST = "hornbeam_manifest_sha256"
_MARKS = ("hornbeam", "sha256")  # what tells that there was a manifest, if its name is damaged
_FORMAT = 1
_CURE = "The file is damaged. Take another copy, or save the weights again."


# --- Writing ---


def write_safetensors(stored, path):
    """Write the weights of a StoredModel as a .safetensors file.

    Raises:
        OSError: the disk is full or the file cannot be written.
        ValueError: a weight has a type that the format does not know.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import save_file

    manifest, tensors = _describe(stored)
    text = _text(manifest)
    for name, array in tensors.items():
        if array.dtype.name not in guards.SAFETENSORS_TYPES.values():
            raise ValueError(
                f"The weight {name!r} has the type {array.dtype}, which .safetensors files cannot hold. Save to .npz."
            )
    try:
        save_file(tensors, os.fspath(path), metadata={"format": "np", MANIFEST: text, _DIGEST: _sha256(text.encode())})
    except SafetensorError as error:
        raise OSError(f"Cannot write {os.fspath(path)!r}: {error}") from error


def write_npz(stored, path):
    """Write the weights of a StoredModel as an .npz file, which `numpy.load` opens too.

    Raises:
        OSError: the disk is full or the file cannot be written.
    """
    manifest, tensors = _describe(stored)
    text = _text(manifest).encode()
    manifest_array = np.frombuffer(text + _sha256(text).encode(), np.uint8)
    with open(path, "wb") as file, zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, array in {MANIFEST: manifest_array, **tensors}.items():
            member = zipfile.ZipInfo(f"{name}.npy")  # of 1980, so that equal weights make equal files
            with archive.open(member, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, _plain(array), allow_pickle=False)


def _describe(stored):
    """The manifest and {tensor name: array} of a StoredModel."""
    layers, tensors = [], {}
    for layer in stored.layers:
        entries = []
        for name, value in layer.weights:
            if np.asarray(value).dtype.name not in guards.NUMBERS:
                raise ValueError(f"The weight {name!r} has the type {np.asarray(value).dtype}; only numbers are saved.")
            array = np.ascontiguousarray(value).reshape(np.shape(value))
            array = array.astype(array.dtype.newbyteorder("="), copy=False)
            key = _free_name(name if name.startswith(f"{layer.name}/") else f"{layer.name}/{name}", tensors)
            tensors[key] = array
            entries.append({"name": name, "tensor": key, **_facts(array)})
        layers.append({"name": layer.name, "weights": entries})
    origin = stored.origin
    manifest = {"format": _FORMAT, "keras_version": origin.keras_version, "backend": origin.backend, "layers": layers}
    return manifest, tensors


def _free_name(name, taken):
    """A name for a tensor that no other has and that no program takes for a way out of the archive."""
    name = name.encode("utf-8", "backslashreplace").decode().replace("\0", "_").replace("\\", "_").lstrip("/")
    name = "/".join("__" if part == ".." else part for part in name.split("/"))
    free, number = name, 1
    while free in taken or free in (MANIFEST, "__metadata__"):
        free, number = f"{name}_{number}", number + 1
    return free


def _facts(array):
    return {"dtype": array.dtype.name, "shape": list(array.shape), "sha256": digest_of(array)}


def _text(manifest):
    return guards.write_json(manifest, "The list of weights", separators=(",", ":"))


def _sha256(data):
    return hashlib.sha256(data).hexdigest()


def _plain(array):
    """The array in a type that .npy knows: bfloat16 and its kin go as the whole numbers of their bits."""
    return array if array.dtype.kind in "biufc" and array.dtype.isbuiltin == 1 else array.view(f"u{array.itemsize}")


# --- Reading ---


def read_safetensors(path):
    """The weights in a .safetensors file, as a StoredModel without architecture.

    Raises:
        ModelFileError: the file is damaged, or a tensor is not what its digest says.
    """
    with guards.refusing(path, "the file"), open(path, "rb") as file:
        metadata, tensors = guards.safetensors_header(file, path)
        arrays = {}
        for name, (dtype, shape, start) in tensors.items():
            arrays[name] = array = room_for(shape, dtype)
            file.seek(start)
            guards.fill(file, array)
        text = metadata.get(MANIFEST)
        if text is None:
            if any(mark in repr(metadata) for mark in _MARKS):
                raise ModelFileError(path, "its manifest is missing", _CURE)
            return _grouped(arrays, "safetensors")
        return _matched(_manifest(text.encode("utf-8", "replace"), metadata.get(_DIGEST), path), arrays,
                        "safetensors", path)  # fmt: skip


def read_npz(path):
    """The weights in an .npz file, as a StoredModel without architecture. Pickled objects are never read.

    Raises:
        ModelFileError: the file is damaged, holds anything but numbers, or an array is not what its digest says.
    """
    arrays = {}
    with guards.refusing(path, "the file"), guards.GuardedZip(path) as archive:
        for member in archive.names:
            if not member.endswith(".npy"):
                raise ModelFileError(path, f"the member {member!r} is no .npy array", "Save with save_weights.")
            arrays[member.removesuffix(".npy")] = _read_member(archive, member, path)
        text = arrays.pop(MANIFEST, None)
        if text is None:
            if any("hornbeam" in name or _is_manifest(array) for name, array in arrays.items()):
                raise ModelFileError(path, "its manifest is missing", _CURE)
            return _grouped(arrays, "npz")
        data = bytes(text)
        return _matched(_manifest(data[:-64], data[-64:].decode("ascii", "replace"), path), arrays, "npz", path)


def _is_manifest(array):
    """Has the manifest lost its name?"""
    return array.dtype == np.uint8 and array.ndim == 1 and any(m.encode() in array.tobytes() for m in _MARKS)


def _read_member(archive, member, path):
    what = f"the array {member!r}"
    with archive.stream(member) as stream:
        dtype, shape, fortran = guards.npy_header(stream, archive.size(member), path, what)
        array = np.empty(shape, dtype, order="F" if fortran else "C")
        guards.fill(stream, array.T if fortran else array)
        if stream.read(1):
            raise ModelFileError(path, f"{what} is longer than it declares", _CURE)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _manifest(data, digest, path):
    if digest != _sha256(data):
        raise ModelFileError(path, "its manifest is not what its SHA-256 says", _CURE)
    manifest = guards.read_json(data, path, "the manifest")
    if not isinstance(manifest, dict) or manifest.get("format") != _FORMAT:
        raise ModelFileError(path, f"its manifest has another format than {_FORMAT}", "Use a newer Hornbeam.")
    return manifest


def _matched(manifest, arrays, kind, path):
    """The layers that the manifest describes, every tensor compared with its digest."""
    layers, left = [], dict(arrays)
    with guards.refusing(path, "the manifest"):
        for entry in manifest["layers"]:
            weights = []
            for weight in entry["weights"]:
                if weight["tensor"] not in left:
                    raise ModelFileError(path, f"the tensor {weight['tensor']!r} is missing", _CURE)
                weights.append((str(weight["name"]), _checked(left.pop(weight["tensor"]), weight, path)))
            layers.append(StoredLayer(str(entry["name"]), weights))
        if left:
            raise ModelFileError(path, f"it holds the unknown tensor {next(iter(left))!r}", _CURE)
        origin = Origin(kind, str(manifest.get("keras_version", "")), str(manifest.get("backend", "")))
    return StoredModel(layers=layers, origin=origin)


def _checked(array, weight, path):
    dtype = guards.dtype_named(weight["dtype"])
    if array.dtype != dtype and array.dtype.name == f"uint{8 * dtype.itemsize}":
        array = array.view(dtype)
    if _facts(np.ascontiguousarray(array).reshape(array.shape)) != {k: weight[k] for k in ("dtype", "shape", "sha256")}:
        raise ModelFileError(path, f"the tensor {weight['tensor']!r} is not what its SHA-256 says", _CURE)
    return array


def _grouped(arrays, kind):
    """Layers made of the names alone: 'dense/kernel:0' and 'dense.kernel' belong to the layer 'dense'."""
    layers = {}
    for name, array in arrays.items():
        separator = "/" if "/" in name else "."
        layer = name.rpartition(separator)[0] or name
        layers.setdefault(layer, StoredLayer(layer)).weights.append((name, array))
    return StoredModel(layers=list(layers.values()), origin=Origin(kind))
