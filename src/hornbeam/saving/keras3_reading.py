"""Weights files of Keras 3 ('layers/dense/vars/0' in HDF5) as arrays in the order of our layers."""

import contextlib

from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.hdf5_guard import GuardedFile
from hornbeam.saving.keras3_optimizer import optimizer_list
from hornbeam.saving.keras3_weights import UnknownWeights, branch_of
from hornbeam.saving.stored import StoredLayer

_OLD_LAYERS = "_layer_checkpoint_dependencies"  # what tf.keras 2.12 called 'layers'


@contextlib.contextmanager
def weights_file(archive, name, path):
    """The guarded HDF5 file that is the member `name` of an archive."""
    with archive.open(name) as member:
        data = member.read()
    try:
        with GuardedFile(f"{path}/{name}", data) as file:
            yield file
    except ModelFileError as error:
        raise ModelFileError(path, error.problem, error.cure) from None


class Store:
    """Variables of a file by the path of what owns them."""

    def __init__(self, file):
        self.file = file
        self._old = _OLD_LAYERS in file.groups
        self._counts = {}
        for path in file.datasets:
            folder, _, name = path.rpartition("/")
            if name.isdigit():
                self._counts[folder] = self._counts.get(folder, 0) + 1

    def _place(self, path):
        return path.replace("layers", _OLD_LAYERS) if self._old and path not in self.file.datasets else path

    def count(self, path):
        """Number of variables in the group `path`."""
        return self._counts.get(path) or (self._counts.get(path.replace("layers", _OLD_LAYERS), 0) if self._old else 0)

    def variables(self, path):
        """All variables in the group `path`, by number."""
        return [self.file.array(f"{path}/{i}") for i in range(self.count(path))]

    def array(self, path, owner):
        place = self._place(path)
        if place not in self.file.datasets:
            raise ModelFileError(
                self.file.path,
                f"the weights of the layer {owner!r} are not where they belong ({path!r} is missing)",
                "The file is not complete, or its configuration is another model's.",
            )
        return self.file.array(place)


def read_layers(file, architecture):
    """(StoredLayers of the top-level layers in our order, branch of the whole model).

    Args:
        file: GuardedFile.
        architecture: classic configuration, layers in the order of the file's configuration.

    Raises:
        ModelFileError: a layer's weights are missing, or there are more than it takes.
    """
    store = Store(file)
    try:
        branch = branch_of(architecture, unknown=lambda entry: None)
    except UnknownWeights:
        branch = _branch_by_counts(architecture, store)
    found = []
    inner = branch.inner if branch.inner_here is None else branch.inner_here
    for layer in inner:
        found.append(read_branch(store, layer))
    return found, branch


def read_branch(store, layer):
    """The StoredLayer of one branch.

    Raises:
        ModelFileError: as for :func:`read_layers`.
    """
    _check_counts(store, layer)
    slots = dict.fromkeys(slot.path for slot in layer.weights())
    return StoredLayer(layer.name, [(_name(layer, path), store.array(path, layer.name)) for path in slots])


def _name(layer, path):
    inside = path[len(layer.path) + 1 :].replace("vars/", "")
    return f"{layer.name}/{inside}:0"


def _check_counts(store, branch):
    """A layer with more variables than it takes here is another kind of layer (quantised, or changed by hand)."""
    waiting = [branch]
    while waiting:
        layer = waiting.pop()
        waiting.extend(layer.inner)
        count = store.count(f"{layer.path}/vars")
        if count > len(layer.own):
            raise ModelFileError(
                store.file.path,
                f"the layer {layer.name!r} has {count} variables in the file, {len(layer.own)} by its configuration",
                "Quantised layers and LoRA are not supported: save the model in Keras without them.",
            )


def _branch_by_counts(architecture, store):
    """Branch of a model with classes that are not known: their numbers of variables are read off the file."""
    first = branch_of(architecture, unknown=lambda entry: 0)
    by_path = {}
    waiting = [first]
    while waiting:
        layer = waiting.pop()
        waiting.extend(layer.inner)
        by_path.setdefault(layer.name, store.count(f"{layer.path}/vars"))
    return branch_of(architecture, unknown=lambda entry: by_path.get(entry["config"].get("name"), 0))


def read_optimizer(file, training, branch):
    """The optimizer's state in the order of `optimizer.get_weights()`, or None."""
    return optimizer_list(Store(file).variables("optimizer/vars"), training, branch)

