"""Small tools for scripts: seeds, class vectors, custom objects, pictures of models."""

from hornbeam.registry import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)
from hornbeam.utils.batches import pack_x_y_sample_weight, unpack_x_y_sample_weight
from hornbeam.utils.data_utils import get_file, validate_file
from hornbeam.utils.io_utils import HDF5Matrix
from hornbeam.utils.np_utils import normalize, to_categorical
from hornbeam.utils.random import set_random_seed
from hornbeam.utils.sequences import GeneratorEnqueuer, OrderedEnqueuer, PyDataset, Sequence, SequenceEnqueuer
from hornbeam.utils.vis_utils import model_to_dot, plot_model

__all__ = [
    "CustomObjectScope",
    "GeneratorEnqueuer",
    "HDF5Matrix",
    "OrderedEnqueuer",
    "PyDataset",
    "Sequence",
    "SequenceEnqueuer",
    "custom_object_scope",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "plot_model",
    "register_keras_serializable",
    "set_random_seed",
    "to_categorical",
    "unpack_x_y_sample_weight",
    "validate_file",
]
