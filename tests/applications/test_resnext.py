"""ResNeXt: its grouped convolutions beside Keras 3's, its size beside the published one."""

import keras
import numpy as np
import pytest

from hornbeam import Input, Model
from hornbeam import backend as K
from hornbeam.applications import resnext
from hornbeam.applications.inception_resnet_v2 import CustomScaleLayer
from hornbeam.layers import DepthwiseConv2D


def test_a_saved_model_comes_back_where_nobody_imported_its_family(run_python, tmp_path):
    """Here for all families: the registry knows where their own layers are."""
    for name, layer in (("a", resnext.SumOfGroups(2)), ("b", CustomScaleLayer(0.5))):
        start = Input(shape=(3, 3, 8))
        Model(start, layer(start) if name == "a" else layer([start, start])).save(tmp_path / f"{name}.h5")
    source = f"""
        import sys
        from hornbeam.models import load_model
        print("hornbeam.applications.resnext" in sys.modules)
        for name in "ab":
            print(type(load_model({str(tmp_path)!r} + f"/{{name}}.h5").layers[-1]).__name__)
    """
    assert run_python(source).split() == ["False", "SumOfGroups", "CustomScaleLayer"]


@pytest.fixture(params=["channels_last", "channels_first"])
def layout(request):
    before = K.image_data_format()
    K.set_image_data_format(request.param)
    yield request.param
    K.set_image_data_format(before)


def test_a_grouped_convolution(layout):
    """Of depthwise kernels, and sums; sizes may be unknown. Keras keeps one kernel (3, 3, c, F) for it."""
    groups, width = 3, 2
    filters = groups * width
    start = Input(shape=(None, None, filters) if layout == "channels_last" else (filters, None, None))
    convolved = DepthwiseConv2D(3, depth_multiplier=width, use_bias=False)
    made = Model(start, resnext.SumOfGroups(groups)(convolved(start)))
    draw = np.random.default_rng(0)
    kernel = draw.normal(size=(3, 3, filters, width)).astype("float32")
    convolved.set_weights([kernel])
    x = draw.normal(size=(2, 5, 6, filters)).astype("float32")
    theirs = keras.layers.Conv2D(filters, 3, groups=groups, use_bias=False, data_format="channels_last")
    theirs.build((None, 5, 6, filters))
    grouped = kernel.reshape(3, 3, groups, width, width).transpose(0, 1, 3, 2, 4).reshape(3, 3, width, filters)
    theirs.set_weights([grouped])
    got = made.predict(x if layout == "channels_last" else x.transpose(0, 3, 1, 2))
    got = got if layout == "channels_last" else got.transpose(0, 2, 3, 1)
    np.testing.assert_allclose(got, np.asarray(theirs(x)), atol=1e-5)


def test_layers():
    net = resnext.ResNeXt50(weights=None)
    assert net.count_params() == 25_097_128
    assert net.output_shape == (None, 1000)
    names = [layer.name for layer in net.layers]
    at = names.index("conv3_block2_1_conv")
    assert names[at : at + 12] == [f"conv3_block2_{part}" for part in (
        "1_conv", "1_bn", "1_relu", "2_pad", "2_conv", "2_reduce", "2_bn", "2_relu", "3_conv", "3_bn", "add", "out",
    )]  # fmt: skip
    assert net.get_layer("conv2_block1_2_conv").get_weights()[0].shape == (3, 3, 128, 4)


@pytest.mark.nightly
def test_the_larger_one():
    assert resnext.ResNeXt101(weights=None).count_params() == 44_315_560
