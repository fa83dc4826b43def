"""Whole models and weights to files and back: which format, what goes into it, and what is made of it."""

import contextlib
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from hornbeam import backend as K
from hornbeam import checks, registry
from hornbeam.config import ENGINES
from hornbeam.saving import keras0_configs, old_configs, old_weights, reading
from hornbeam.saving.digests import Digests
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.stored import CLASSIC_VERSION, Origin, StoredModel
from hornbeam.saving.training_state import describe_training, restore_training, training_config
from hornbeam.saving.weight_matching import has_names_of, set_by_name, set_in_order, stored_layers

_WEIGHTS_ONLY = (".npz", ".safetensors")
# What Keras of other ages takes beside, and what has no meaning here: formats follow from suffixes, and a file is never
# more trusted than another.
_OTHER_AGES = ("options", "safe_mode", "save_format", "save_traces", "signatures", "zipped")

# --- Models as plain data ---


def architecture_of(model):
    """Class, configuration and versions of a model, as Keras 2 writes them.

    Raises:
        NotImplementedError: a model whose architecture is the code of its class.
        ValueError: something in it cannot be written; says which layer it is in.
    """
    if _is_code(model):
        raise NotImplementedError(
            f"{type(model).__name__} {model.name!r} is a class of its own: its architecture is the code of `call`, "
            f"which no file holds. Use save_weights(path), and to get it back make {type(model).__name__}(...), call "
            f"it on data once, and load_weights(path)."
        )
    config = model.get_config()  # first, so that its error names the layer at fault
    architecture = {
        "class_name": registry.get_registered_name(type(model)),
        "config": config,
        "keras_version": CLASSIC_VERSION,
        "backend": K.backend(),
    }
    return _as_json(architecture, "")


def _is_code(model):
    """Is the model's architecture the code of its class?"""
    return getattr(model, "_graph", None) is None and not hasattr(model, "_stack")


def _as_json(value, place) -> Any:
    """`value` with the numbers of NumPy as Python's and tuples as lists; raises where that is not enough for JSON."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, dict):
        inside = f"layer {value['name']!r}" if isinstance(value.get("name"), str) else place
        return {str(key): _as_json(item, inside or str(key)) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_json(item, place) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return value.tolist()
    raise ValueError(
        f"The configuration of {place} holds {value!r}, which cannot be written into a file. Let get_config() give "
        f"numbers, strings, lists and dicts, and from_config() make objects of them."
    )


def describe(model, include_optimizer=True):
    """A model as a StoredModel: everything that a file holds of it.

    Args:
        model: a model whose architecture can be written.
        include_optimizer: how it was compiled, and the optimizer's state, too?

    Raises:
        NotImplementedError: a model of the user's own. ValueError: a function that has no name to be found by.
    """
    check_ready(model)
    architecture = architecture_of(model)
    training, state = describe_training(model) if include_optimizer else (None, None)
    training = None if training is None else _as_json(training, "the optimizer, loss and metrics")
    return StoredModel(architecture, stored_layers(model), training, state, _origin())


def describe_weights(model):
    """The weights of a model as a StoredModel, without architecture.

    Raises:
        ValueError: the model is not built, so that it has no weights yet.
    """
    if not model.weights and not getattr(model, "built", True):
        raise ValueError(
            f"The model {model.name!r} is not built yet, so it has no weights to save. Give its first layer an "
            f"input_shape, call model.build((None, ...)), or fit it first."
        )
    check_ready(model)
    return StoredModel(layers=stored_layers(model), origin=_origin())


def check_storable(model):
    """Raise, with the cure, if :func:`save_model` could not save `model`; before hours of training, say."""
    if getattr(model, "built", True):
        architecture_of(model)
    if getattr(model, "_compiled_with", None) is not None:
        training_config(model)


def check_ready(model):
    """Raise ValueError for a model that was loaded and still waits for data to tell its inputs' shape."""
    if getattr(model, "_waiting_weights", None) is not None:
        raise ValueError(
            f"The model {model.name!r} was loaded from a file that does not tell the shape of its inputs, and has not "
            f"seen any. Call it on data or model.build((None, ...)) first."
        )


def _origin():
    return Origin("hornbeam", CLASSIC_VERSION, K.backend())


def classic_architecture(config, origin=None):
    """The configuration of any Keras as a classic one, as far as it says which Keras it is of."""
    if keras0_configs.is_keras_0(config):
        return old_configs.upgrade(keras0_configs.to_keras_1(config), Origin("json", "0", ""))
    version = config.get("keras_version")
    if "module" in config or "registered_name" in config or str(version or "").startswith("3"):
        from hornbeam.saving import keras3_config

        return keras3_config.from_keras3(config)
    if origin is None and version is not None:
        origin = Origin("json", str(version), str(config.get("backend") or ""))
    if origin is not None and origin.format == "keras" and origin.version < (3, 0) and not origin.backend:
        return old_configs.upgrade(config, origin)  # tf.keras 2.12 to 2.15 wrote archives too
    own = version == CLASSIC_VERSION and config.get("backend") in ENGINES  # no other Keras 2 had these engines
    if origin is None or own or origin.format == "keras":  # the archive's reader gives classic ones
        return config
    return old_configs.upgrade(config, origin)


def assemble(stored, custom_objects=None, compile=True, where="the file"):
    """The model that a StoredModel describes, with its weights, compiled as it was.

    Args:
        stored: StoredModel with an architecture.
        custom_objects: dict from names to the caller's own classes and functions.
        compile: compile it, if the file says how?
        where: what to call the file in messages.

    Raises:
        ValueError: a name that is not known, weights that do not fit.
    """
    architecture = classic_architecture(stored.architecture, stored.origin)
    if not isinstance(architecture, dict) or "class_name" not in architecture:
        raise ValueError(f"the architecture is no configuration of a model: {str(architecture)[:80]!r}.")
    with registry.values_come_later(_Bound(stored)):
        model = registry.deserialize("layer", architecture, custom_objects)
    if not hasattr(model, "layers") or not hasattr(model, "compile"):
        raise ValueError(f"the architecture describes a {type(model).__name__}, not a model.")

    def fill():
        (set_by_name if has_names_of(model, stored) else set_in_order)(model, stored, where)

    if model.layers and not model.weights and not model.built and any(layer.weights for layer in stored.layers):
        model._waiting_weights = fill  # it learns its inputs' shape from the first data it meets
    else:
        fill()
    if compile and stored.training is not None:
        _compile(model, stored, custom_objects)
    return model


def _compile(model, stored, custom_objects):
    try:
        training = old_configs.upgrade_training(stored.training, stored.origin)
        shapes = [weight.shape for weight in model.trainable_weights]
        state = old_weights.optimizer_state(stored.optimizer_weights, shapes, stored.origin)
        restore_training(model, training, state, custom_objects)
    except (ValueError, TypeError, KeyError) as error:
        raise ValueError(
            f"the model cannot be compiled as it was: {error} To load it as it is and compile it anew: "
            f"load_model(..., compile=False)."
        ) from error


class _Bound:
    """Hears of the weights that a model is built with, and allows no more of them than the file can be about.

    Raises:
        ValueError: the architecture asks for much more than the file holds.
    """

    def __init__(self, stored):
        held = sum(np.size(value) for layer in stored.layers for _, value in layer.weights)
        self.left = 4 * held + (1 << 22)

    def __call__(self, shape):
        count = 1
        for size in shape:
            count *= size
        self.left -= count
        if self.left < 0:
            raise ValueError(f"the architecture asks for weights of shape {shape}, far more than the file holds.")


# --- Writing ---


def save_model(model, filepath, overwrite=True, include_optimizer=True, **other_ages):
    """Write a whole model: architecture, weights, how it was compiled, and where its training stood.

    The suffix decides: '.keras' is the current zip layout, everything else (or nothing) the classic HDF5. The file
    appears in one step, so an interrupted save leaves the one before.

    Args:
        model: the model.
        filepath: path, or an open h5py File or Group.
        overwrite: False asks on a terminal before a file is replaced, and is an error where there is none.
        include_optimizer: how it was compiled and the optimizer's state, too?

    Raises:
        NotImplementedError: a model whose architecture is the code of its class. ValueError: a function without a name.
        FileExistsError: there is a file, and nobody allows to replace it. OSError: the file cannot be written.
    """
    _check_keywords("save_model", other_ages, "overwrite", "include_optimizer")
    path = _target(filepath)
    if _suffix(path) in _WEIGHTS_ONLY:
        raise ValueError(
            f"A {_suffix(path)} file holds weights only. Use model.save_weights({str(path)!r}), or save the model to "
            f"'.keras' or '.h5'."
        )
    if not _may_write(path, overwrite):
        return
    stored = describe(model, include_optimizer)
    from hornbeam.saving import archive, hdf5

    _write(archive.write_model if _suffix(path) == ".keras" else hdf5.write_model, stored, path)


def save_weights(model, filepath, overwrite=True, **other_ages):
    """Write the weights of a model: '.npz', '.safetensors', or HDF5 for everything else.

    Args:
        model: the model, built.
        filepath: path, or an open h5py File or Group.
        overwrite: as for :func:`save_model`.

    Raises:
        ValueError: the model is not built, or the suffix means whole models. FileExistsError, OSError: as there.
    """
    _check_keywords("save_weights", other_ages, "overwrite")
    path = _target(filepath)
    if _suffix(path) == ".keras":
        raise ValueError(
            f"A .keras file holds a whole model: use model.save({str(path)!r}). Weights go to '.weights.h5', "
            f"'.safetensors' or '.npz'."
        )
    if not _may_write(path, overwrite):
        return
    stored = describe_weights(model)
    from hornbeam.saving import hdf5, tensors

    writers = {".npz": tensors.write_npz, ".safetensors": tensors.write_safetensors}
    _write(writers.get(_suffix(path), hdf5.write_weights), stored, path)


def _check_keywords(function, given, *known):
    unknown = set(given) - set(_OTHER_AGES)
    if unknown:
        raise checks.unknown_keywords(function, unknown, known)


def _write(writer, stored, path):
    from hornbeam.saving.atomic import replacing

    if not isinstance(path, Path):
        with _file_beside() as temporary:
            writer(stored, temporary)
            _copy_out(temporary, path)
        return
    with replacing(path) as temporary:
        writer(stored, temporary)


def _target(filepath):
    """The path as a Path; an open HDF5 group as it is."""
    if isinstance(filepath, (str, os.PathLike)):
        return Path(os.fspath(filepath)).expanduser()
    if _is_group(filepath):
        return filepath
    raise TypeError(f"A model is saved to a path or an open h5py.File; got {type(filepath).__name__}.")


def _suffix(path):
    return path.suffix.lower() if isinstance(path, Path) else ".h5"


def _may_write(path, overwrite):
    if overwrite or not isinstance(path, Path) or not path.exists():
        return True
    if sys.stdin is None or not sys.stdin.isatty():
        raise FileExistsError(f"{path} exists already, and overwrite=False. Give another name, or overwrite=True.")
    answer = ""
    while answer not in ("y", "n"):
        answer = input(f"{path} exists already. Replace it? [y/n] ").strip().lower()
    return answer == "y"


# --- Open HDF5 files ---


def _is_group(thing):
    h5py = sys.modules.get("h5py")  # without it nobody can have an open file
    return h5py is not None and isinstance(thing, h5py.Group)


@contextlib.contextmanager
def _file_beside():
    with tempfile.TemporaryDirectory(prefix="hornbeam-") as folder:
        yield Path(folder) / "model.h5"


def _copy_out(path, group):
    import h5py

    with h5py.File(path, "r") as source:
        for name in source:
            if name in group:
                del group[name]
            source.copy(name, group)
        for name, value in source.attrs.items():
            group.attrs[name] = value


@contextlib.contextmanager
def _as_file(source):
    """A path for what may be an open group: its contents in a file of their own."""
    if not _is_group(source):
        if not isinstance(source, (str, os.PathLike)):
            raise TypeError(f"A model is loaded from a path or an open h5py.File; got {type(source).__name__}.")
        yield Path(os.fspath(source)).expanduser(), os.fspath(source)
        return
    import h5py

    with _file_beside() as path:
        with h5py.File(path, "w") as copy:
            for name in source:
                source.copy(name, copy)
            for name, value in source.attrs.items():
                copy.attrs[name] = value
        yield path, source.file.filename or "the open file"


# --- Reading ---


def load_model(filepath, custom_objects=None, compile=True, untrusted=False, **other_ages):
    """The model in a file of any Keras: weights, compiled as it was, ready to go on training where it stopped.

    What the file is follows from its first bytes, not its name. Nothing in it is run: it holds numbers, and names
    that are looked up among the layers here, what was registered, and `custom_objects`.

    Args:
        filepath: path, or an open h5py File or Group.
        custom_objects: dict from names to the caller's own classes and functions.
        compile: compile it, if the file says how?
        untrusted: read the file in a process of its own, with bounds on memory and time? For files of strangers.

    Raises:
        ModelFileError: the file is missing, damaged or refused, names what is not known, or its parts do not fit. It is
            a ValueError; that of a missing file is a FileNotFoundError too.
    """
    _check_keywords("load_model", other_ages, "custom_objects", "compile", "untrusted")
    with _as_file(filepath) as (path, shown), Digests() as digests:
        stored = _read(path, untrusted, weights_only=False, digests=digests)
        if stored.architecture is None:
            raise ModelFileError(shown, "this file holds weights only",
                                 "Build the model in code, then call model.load_weights(path).")  # fmt: skip
        try:
            model = assemble(stored, custom_objects, compile, where=str(shown))
            digests.verify()  # threads hashed while the model was built; nobody has seen it yet
            return model
        except ModelFileError:
            raise
        except MemoryError as error:
            raise ModelFileError(shown, "the model it describes does not fit into memory") from error
        except Exception as error:  # whatever an architecture that makes no sense leads to
            raise ModelFileError(shown, _problem(error, str(shown))) from error


def _problem(error, shown):
    text = str(error).removeprefix(f"{shown}: ")
    return text if isinstance(error, (ValueError, TypeError)) and text else f"{type(error).__name__}: {text}"


def _read(path, untrusted, weights_only, digests=None):
    if untrusted:
        from hornbeam.saving.isolation import read_apart

        return read_apart(path, weights_only)
    return reading.read_weights(path) if weights_only else reading.read_model(path, digests)


def load_weights(model, filepath, by_name=False, skip_mismatch=False, reshape=False, untrusted=False, **other_ages):
    """Set the weights of a model from a file of weights, or of a whole model, of any kind.

    Args:
        model: the model, built.
        filepath: path, or an open h5py File or Group.
        by_name: match layers by name and leave the others as they are; else by their order.
        skip_mismatch: leave layers whose weights do not fit as they are, with a warning.
        reshape: bring arrays of the right size into the wanted shape.
        untrusted: as for :func:`load_model`.

    Raises:
        ModelFileError: the file is missing, damaged or refused.
        ValueError: the model is not built; other numbers of layers or weights; shapes that differ.
    """
    _check_keywords("load_weights", other_ages, "by_name", "skip_mismatch", "reshape", "untrusted")
    if not model.weights and not getattr(model, "built", True):
        raise ValueError(
            f"The model {model.name!r} is not built yet, so it has no weights to set. Give its first layer an "
            f"input_shape, call model.build((None, ...)), or call it on data first."
        )
    with _as_file(filepath) as (path, shown):
        stored = _read(path, untrusted, weights_only=True)
        if stored.origin.format == "weights.h5":  # Keras 3's layout, which only the model can put into order
            from hornbeam.saving import hdf5

            if _is_code(model):
                stored = hdf5.arranged_by(stored, model, shown)
            else:
                stored = hdf5.arranged(stored, architecture_of(model), shown)
        (set_by_name if by_name else set_in_order)(model, stored, str(shown), skip_mismatch, reshape)
