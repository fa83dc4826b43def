"""The part of a model that saves and loads, and the functions that make models of files and texts."""

import copy

from hornbeam import checks, registry
from hornbeam.models import copying
from hornbeam.saving import model_files, text
from hornbeam.saving.model_files import load_model, save_model  # noqa: F401


class ModelFiles:
    """Files, texts and copies of a model."""

    _waiting_weights = None  # from a file that did not tell the inputs' shape: they are set when that is known

    def save(self, filepath, overwrite=True, include_optimizer=True, **kwargs):
        """Write the whole model: architecture, weights, how it was compiled, and where its training stood.

        '.keras' is the current zip layout; every other suffix, or none, the classic HDF5. A crash while it writes
        leaves the file that was there before.

        Args:
            filepath: path, or an open h5py File or Group.
            overwrite: False asks on a terminal before a file is replaced, and is an error where there is none.
            include_optimizer: how it was compiled and the optimizer's state, too?

        Raises:
            NotImplementedError: a model whose architecture is the code of its class.
            ValueError: it holds a function that has no name to be found by.
            OSError: the file cannot be written.
        """
        model_files.save_model(self, filepath, overwrite, include_optimizer, **kwargs)

    def save_weights(self, filepath, overwrite=True, **kwargs):
        """Write the weights: '.npz' and '.safetensors' by suffix, else HDF5.

        Args:
            filepath: path, or an open h5py File or Group.
            overwrite: as for :meth:`save`.

        Raises:
            ValueError: the model is not built. OSError: the file cannot be written.
        """
        model_files.save_weights(self, filepath, overwrite, **kwargs)

    def load_weights(self, filepath, by_name=False, skip_mismatch=False, reshape=False, **kwargs):
        """Set the weights from a file of weights or of a whole model; on any error they stay as they were.

        Args:
            filepath: path, or an open h5py File or Group.
            by_name: match layers by their names and leave the others; else by their order.
            skip_mismatch: leave layers whose weights do not fit as they are, with a warning.
            reshape: bring arrays of the right size into the wanted shape.
            kwargs: `untrusted=True` reads the file in a process of its own.

        Raises:
            ModelFileError: the file is missing, damaged or refused.
            ValueError: the model is not built; the file is of another model.
        """
        model_files.load_weights(self, filepath, by_name, skip_mismatch, reshape, **kwargs)

    def to_json(self, **kwargs):
        """The architecture as JSON; `kwargs` go to json.dumps."""
        return text.to_json(self, **kwargs)

    def to_yaml(self, **kwargs):
        """The architecture as YAML; `kwargs` go to yaml.safe_dump.

        Raises:
            ImportError: PyYAML is not installed.
        """
        return text.to_yaml(self, **kwargs)

    def export(self, filepath, format="onnx", **kwargs):
        """Write the model's inference for programs that do not have Hornbeam; see :mod:`hornbeam.export`.

        Args:
            filepath: file to write.
            format: 'onnx' (for onnxruntime and its like), or 'stablehlo' (the engine's own programs).
            kwargs: `opset` for 'onnx', `batch_size` for 'stablehlo'.

        Raises:
            ValueError: another format, a model that is not built, or a layer that the format has no counterpart for.
        """
        known = [name for name in registry.names("exporter") if not name.startswith("to_")]
        if format not in known:
            raise checks.unknown_name("format", format, known)
        registry.find("exporter", format)(self, filepath, **kwargs)

    def _built_at_last(self):
        """Set the weights that waited for the model to be built."""
        waiting, self._waiting_weights = self._waiting_weights, None
        if waiting is not None:
            waiting()

    # --- Copies ---

    def __reduce_ex__(self, protocol):
        if copying.is_graph(self):
            return copying.rebuild, (copying.parts_of(self),)
        return super().__reduce_ex__(protocol)

    def __deepcopy__(self, memo):
        if copying.is_graph(self):
            return copying.rebuild(copying.parts_of(self, own_functions=True))
        made = self.__class__.__new__(self.__class__)
        memo[id(self)] = made
        vars(made).update(copy.deepcopy(self.__getstate__(), memo))
        return made

    def __getstate__(self):
        return copying.state_without_programs(super().__getstate__())


# --- Functions ---


def model_from_config(config, custom_objects=None):
    """A new model, with new weights, from {'class_name', 'config'}.

    Raises:
        ValueError: a class that is not known; pass it in `custom_objects`. TypeError: `config` is no dict.
    """
    if not isinstance(config, dict):
        raise TypeError("model_from_config takes a dict with 'class_name' and 'config'. For a list of layers use "
                        "Sequential.from_config.")  # fmt: skip
    return registry.deserialize("layer", model_files.classic_architecture(config), custom_objects)


def model_from_json(json_string, custom_objects=None):
    """A new model, with new weights, from what `model.to_json()` wrote.

    Raises:
        ValueError: it is not valid JSON, or names an unknown class.
    """
    return model_from_config(text.from_json(json_string), custom_objects)


def model_from_yaml(yaml_string, custom_objects=None):
    """A new model, with new weights, from what `model.to_yaml()` wrote. Read by a safe loader: it makes no objects.

    Raises:
        ValueError: it is not valid YAML, asks for objects, or names an unknown class. ImportError: no PyYAML.
    """
    return model_from_config(text.from_yaml(yaml_string), custom_objects)

