"""`keras.utils.layer_utils`: summaries, kernels turned around, the inputs that a tensor comes from."""

import math

from hornbeam import backend as K
from hornbeam import checks, symbolic
from hornbeam.layers import deserialize as layer_from_config
from hornbeam.models.summary import print_summary
from hornbeam.utils.conv_utils import convert_kernel

__all__ = [
    "convert_all_kernels_in_model", "convert_dense_weights_data_format", "count_params", "get_source_inputs",
    "layer_from_config", "print_summary",
]  # fmt: skip

_CONVOLUTIONS = ("Conv1D", "Conv2D", "Conv3D", "Conv2DTranspose")


def count_params(weights):
    """How many numbers are in `weights`, each weight counted once."""
    return int(sum(K.count_params(weight) for weight in {id(weight): weight for weight in weights}.values()))


def convert_all_kernels_in_model(model):
    """Turn the kernels of all convolutions around, as weights of Theano's engine need it; works in place."""
    for layer in model.layers:
        if type(layer).__name__ in _CONVOLUTIONS:
            K.set_value(layer.kernel, convert_kernel(K.get_value(layer.kernel)))


def convert_dense_weights_data_format(dense, previous_feature_map_shape, target_data_format="channels_first"):
    """Reorder the rows of a Dense kernel that follows a Flatten, when the layout of the images changes; in place.

    Args:
        dense: the Dense layer.
        previous_feature_map_shape: of the images before Flatten, in the new layout, without the batch.
        target_data_format: the new layout, 'channels_first' or 'channels_last'.
    """
    shape = tuple(previous_feature_map_shape)
    if target_data_format not in ("channels_first", "channels_last"):
        raise checks.wrong_argument(
            "convert_dense_weights_data_format", "target_data_format", target_data_format,
            "'channels_first' or 'channels_last'",
        )  # fmt: skip
    first = target_data_format == "channels_first"
    old = (*shape[1:], shape[0]) if first else (shape[-1], *shape[:-1])
    axes = (len(shape) - 1, *range(len(shape) - 1)) if first else (*range(1, len(shape)), 0)
    kernel, *rest = dense.get_weights()
    units = kernel.shape[1]
    moved = kernel.reshape(*old, units).transpose(*axes, len(shape)).reshape(math.prod(shape), units)
    dense.set_weights([moved, *rest])


def get_source_inputs(tensor, layer=None, node_index=None):
    """The inputs that a tensor is computed from, as a list.

    Args:
        tensor: output of layers.
        layer, node_index: not looked at; the tensor knows.
    """
    return list(symbolic.leaves_of([tensor]))
