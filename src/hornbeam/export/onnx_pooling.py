"""ONNX makers of pooling and of changing the size of images and volumes."""

from hornbeam import config
from hornbeam.export.onnx_convolution import channels_back, channels_first
from hornbeam.export.onnx_tensors import repeat_each
from hornbeam.export.onnx_walk import word_maker
from hornbeam.utils.conv_utils import normalize_tuple


@word_maker("pool1d", "pool2d", "pool3d")
def _pool(walk, like, x, pool_size, strides=1, padding="valid", data_format=None, pool_mode="max"):
    rank, data_format = x.rank - 2, config.normalize_data_format(data_format)
    window = normalize_tuple(pool_size, rank, "pool_size", "to_onnx")
    strides = normalize_tuple(strides, rank, "strides", "to_onnx")
    turned = channels_first(walk.graph, walk.value(x, like.dtype), data_format)
    found = walk.graph.add(
        "MaxPool" if pool_mode == "max" else "AveragePool", [turned], (*turned.shape[:2], *[None] * rank),
        kernel_shape=window, strides=strides, auto_pad="SAME_UPPER" if padding == "same" else None,
    )  # fmt: skip
    return channels_back(walk.graph, found, data_format)


@word_maker("resize_images")
def _resize_images(walk, like, x, height_factor, width_factor, data_format, interpolation="nearest"):
    return _enlarged(walk, x, (height_factor, width_factor), data_format, interpolation == "bilinear")


@word_maker("resize_volumes")
def _resize_volumes(walk, like, x, depth_factor, height_factor, width_factor, data_format):
    return _enlarged(walk, x, (depth_factor, height_factor, width_factor), data_format, False)


def _enlarged(walk, x, factors, data_format, linear):
    """`x` so many times as large: elements repeated, or on straight lines from each to the next."""
    data_format = config.normalize_data_format(data_format)
    first = 2 if data_format == "channels_first" else 1
    if not linear:
        for axis, factor in enumerate(factors, first):
            x = repeat_each(walk, x, factor, axis) if factor > 1 else x
        return x
    turned = channels_first(walk.graph, x, data_format)
    scales = walk.graph.constant([1.0, 1.0, *map(float, factors)], "float32")
    shape = [s if s is None or i < 2 else s * factors[i - 2] for i, s in enumerate(turned.shape)]
    found = walk.graph.add(
        "Resize", [turned, None, scales], shape, mode="linear", coordinate_transformation_mode="asymmetric"
    )
    return channels_back(walk.graph, found, data_format)
