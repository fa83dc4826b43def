"""Files that are hostile as containers: each is refused with its reason, and nothing else is opened, made or run."""

import pickle
import shutil

import numpy as np
import pytest

from hornbeam import layers, models
from hornbeam.saving import ModelFileError, load_weights
from security import hostile_files
from security.place import attempt, check

HDF5, CONFIGURATIONS = hostile_files.hostile_hdf5()
# An attribute without a shape to speak of, a kernel of another type: what is there may do for what is wanted.
ARCHIVES_THAT_MAY_LOAD = ("bytes between", "bomb beside")


@pytest.fixture(scope="module")
def secrets(place):
    """The folder of secrets with files that hostile ones point to."""
    import h5py

    np.arange(6, dtype="f4").tofile(place.secret_folder / "secret.bin")
    with h5py.File(place.secret_folder / "secret.h5", "w") as file:
        file["x"] = np.arange(6, dtype="f4").reshape(3, 2)
    place.watch.seen()
    return place.secret_folder


@pytest.fixture(scope="module")
def model():
    return models.Sequential([layers.Dense(2, input_shape=(3,), name="good")])


def refused_as_model_and_weights(place, model, path, weights_too=True):
    before = [array.tolist() for array in model.get_weights()]
    check(attempt(place, lambda: models.load_model(path), path), ModelFileError)
    for by_name in (False, True) if weights_too else ():
        error = attempt(place, lambda by_name=by_name: load_weights(model, path, by_name=by_name), path)
        if error is not None or not by_name:  # by name, a file without the layer changes nothing
            check(error, ValueError)
        assert [array.tolist() for array in model.get_weights()] == before


@pytest.mark.parametrize("name", HDF5)
def test_hostile_hdf5(name, place, secrets, model):
    path = place.h5()
    HDF5[name](path, secrets)
    place.watch.seen()
    refused_as_model_and_weights(place, model, path)


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_hostile_configurations_of_hdf5(name, place, secrets, model):
    path = place.h5()
    CONFIGURATIONS[name](path, secrets)
    refused_as_model_and_weights(place, model, path, weights_too=False)


@pytest.fixture(scope="module")
def archives(place):
    return hostile_files.hostile_archives(place.members)


NAMES_OF_ARCHIVES = [
    "bomb as weights", "bomb as configuration", "bomb as metadata", "bomb beside", "archive as weights",
    "bomb in an archive", "text as weights", "no weights", "no configuration", "empty archive", "member that climbs",
    "member that climbs inside", "member from the root", "member with backslashes", "two of one name", "encrypted",
    "bzip2", "lzma", "unknown method", "wrong checksum", "declared too large", "declared too small", "stored too large",
    "offset behind the end", "local name differs", "name with a NUL", "overlapping members", "many members",
    "directory too long", "cut", "only the beginning", "bytes between", "deep configuration", "deep metadata",
    "a million layers", "configuration is no dict", "configuration is no text", "weights cut", "weights empty",
]  # fmt: skip


def test_all_archives_are_tried(archives):
    assert list(archives) == NAMES_OF_ARCHIVES


@pytest.mark.parametrize("name", NAMES_OF_ARCHIVES)
def test_hostile_archives(name, place, archives, model):
    path = place.work / "hostile.keras"
    path.write_bytes(archives[name])
    error = attempt(place, lambda: models.load_model(path), path)
    if error is not None or name not in ARCHIVES_THAT_MAY_LOAD:
        check(error, ModelFileError)


@pytest.mark.parametrize("name", [name for name in HDF5 if not name.startswith(("layer", "weight"))])
def test_hostile_hdf5_inside_an_archive(name, place, secrets, model):
    """The same things in the weights of a .keras file, whose groups are named otherwise."""
    import h5py

    path = place.work / "inside.h5"
    path.write_bytes(place.members["model.weights.h5"])
    with h5py.File(path, "r+") as file:
        found = []
        file.visititems(lambda name, thing: found.append(name) if isinstance(thing, h5py.Dataset) else None)
        kernel = next(name for name in found if "optimizer" not in name)
        file["model_weights/good/good/kernel:0"] = file[kernel][...]
        file["model_weights/good/good/bias:0"] = np.zeros(2, "f4")
    HDF5[name](path, secrets)
    place.watch.seen()
    hostile = place.keras(members={"model.weights.h5": path.read_bytes()})
    error = attempt(place, lambda: models.load_model(hostile), hostile)
    if error is not None or name not in ("nothing in the kernel's place", "a group in the kernel's place"):
        check(error, ModelFileError)


def test_a_name_that_climbs_makes_no_file_elsewhere(place, tmp_path):
    """CVE-2026-12479: a layer named '../../x' made Keras write there when the model was saved again."""
    work = tmp_path / "a" / "b" / "c"
    work.mkdir(parents=True)
    entry = {"class_name": "Dense", "config": {"name": "../../x", "units": 2, "batch_input_shape": [None, 3]}}
    model = models.model_from_config(place.classic(entry))
    for name in ("m.h5", "m.keras", "m.npz", "m.safetensors"):
        try:
            model.save_weights(work / name) if name.endswith(("npz", "safetensors")) else model.save(work / name)
        except ValueError as error:
            check(error, ValueError)
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b"]
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["c"]
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


NO_MODELS = {
    "empty": b"", "text": b"hello", "a pickle": pickle.dumps({"a": 1}), "an ELF program": b"\x7fELF" + bytes(100),
    "HDF5's first bytes": b"\x89HDF\r\n\x1a\n", "HDF5's first bytes and zeros": b"\x89HDF\r\n\x1a\n" + bytes(2000),
    "a zip's first bytes": b"PK\x03\x04", "an empty zip": b"PK\5\6" + bytes(18), "zeros": bytes(4096),
    "a NumPy array": b"\x93NUMPY\x01\0" + bytes(200), "gzip": b"\x1f\x8b\x08" + bytes(50), "JSON": b'{"class_name": 1}',
    "a long number and JSON": b"\xff" * 8 + b"{", "YAML": b"!!python/object/apply:os.system ['true']",
    "a script": b"#!/bin/sh\ntrue\n", "ones": b"\xff" * 4096,
}  # fmt: skip


@pytest.mark.parametrize("name", NO_MODELS)
@pytest.mark.parametrize("suffix", ["h5", "keras", "npz", "safetensors"])
def test_files_that_are_no_models(name, suffix, place, model):
    path = place.work / f"hostile.{suffix}"
    path.write_bytes(NO_MODELS[name])
    refused_as_model_and_weights(place, model, path)


@pytest.mark.parametrize("kind", ["folder", "pipe", "device", "link to nothing", "link to itself"])
def test_places_that_are_no_files(kind, place, model, tmp_path):
    import os

    path = tmp_path / "m.h5"
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path = "/dev/zero"
    else:
        path.symlink_to("m.h5" if "itself" in kind else "nothing")
    check(attempt(place, lambda: models.load_model(path), path), ModelFileError)


def test_yaml_that_wants_to_be_objects(place):
    payloads = hostile_files.yaml_payloads(place.mark)
    assert len(payloads) >= 50
    for text in payloads:
        error = attempt(place, lambda text=text: models.model_from_yaml(text))
        try:
            check(error, (ValueError, TypeError))
        except AssertionError as fault:
            raise AssertionError(f"{text}: {fault}") from error


def test_there_are_enough(archives):
    assert len(HDF5) + len(CONFIGURATIONS) + len(archives) + len(NO_MODELS) >= 60


def test_good_files_load_under_the_same_watch(place):
    """The watch sees no fault where there is none, so what it sees above is one."""
    for name in ("good.h5", "good.keras"):
        path = shutil.copy(place.work / name, place.work / f"copy-of-{name}")
        assert attempt(place, lambda path=path: models.load_model(path), path) is None


def test_the_watch_sees(place, secrets):
    import os
    import socket

    def connect():
        socket.socket().close()

    for act in (lambda: (secrets / "secret.bin").read_bytes(), lambda: os.system("true"), connect):
        with pytest.raises(AssertionError):
            attempt(place, act)
