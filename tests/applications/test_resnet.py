"""ResNet and ResNetV2 beside those of Keras 3, and the ResNet50 of Keras 2.2 beside today's."""

import re

import numpy as np
import pytest

from applications import beside_keras
from hornbeam.applications import resnet, resnet50, resnet_v2, resnext

NETWORKS = {
    "ResNet50": resnet, "ResNet101": resnet, "ResNet152": resnet, "ResNet50V2": resnet_v2, "ResNet101V2": resnet_v2,
    "ResNet152V2": resnet_v2,
}  # fmt: skip


@pytest.mark.parametrize("name", ["ResNet50", "ResNet50V2"])
def test_layers(name):
    beside_keras.check(name, 64, outputs=False)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_layers_and_outputs(name):
    beside_keras.check(name, 64)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["ResNet50", "ResNet50V2"])
def test_layers_with_head(name):
    beside_keras.same_layers_with_head(name)


def test_published_files():
    from keras.src.applications.resnet import BASE_WEIGHTS_PATH, WEIGHTS_HASHES

    ours = {**resnet.PUBLISHED, **resnet_v2.PUBLISHED, **resnext.PUBLISHED}
    file = "{}_weights_tf_dim_ordering_tf_kernels{}.h5"
    assert ours == {
        name: {top: (BASE_WEIGHTS_PATH + file.format(name, "" if top else "_notop"), hashes[0 if top else 1])
               for top in (True, False)}
        for name, hashes in WEIGHTS_HASHES.items()
    }  # fmt: skip


# --- Keras 2.2 ---


def test_the_layers_of_keras_2_2():
    net = resnet50.ClassicResNet50(weights=None)
    named = [layer.name for layer in net.layers if not layer.name.startswith(("activation", "add", "input"))]
    assert named[:5] == ["conv1_pad", "conv1", "bn_conv1", "pool1_pad", named[4]]
    assert named[5:13] == [
        "res2a_branch2a", "bn2a_branch2a", "res2a_branch2b", "bn2a_branch2b", "res2a_branch2c", "res2a_branch1",
        "bn2a_branch2c", "bn2a_branch1",
    ]  # fmt: skip
    assert named[-4:] == ["res5c_branch2c", "bn5c_branch2c", "avg_pool", "fc1000"]
    assert net.count_params() == 25_636_712
    assert sum(layer.name.startswith("activation") for layer in net.layers) == 49
    assert resnet50.ResNet50 is resnet.ResNet50


def todays_name(classic):
    """'res3b_branch2c' is 'conv3_block2_3_conv'."""
    if classic in ("conv1", "bn_conv1"):
        return {"conv1": "conv1_conv", "bn_conv1": "conv1_bn"}[classic]
    kind, stage, block, branch = re.fullmatch(r"(res|bn)(\d)([a-f])_branch(1|2[abc])", classic).groups()
    place = {"1": 0, "2a": 1, "2b": 2, "2c": 3}[branch]
    return f"conv{stage}_block{'abcdef'.index(block) + 1}_{place}_{'conv' if kind == 'res' else 'bn'}"


@pytest.mark.nightly
def test_both_resnet50_compute_the_same():
    draw = np.random.default_rng(0)
    arguments = {"weights": None, "include_top": False, "pooling": "avg", "input_shape": (64, 64, 3)}
    old, new = resnet50.ClassicResNet50(**arguments), resnet.ResNet50(**arguments)
    for layer in old.layers:
        if layer.weights:
            other = new.get_layer(todays_name(layer.name))
            stirred = [w * draw.uniform(0.9, 1.1, w.shape) for w in layer.get_weights()]
            layer.set_weights(stirred)
            other.set_weights(stirred)
            if layer.name.startswith("bn"):
                layer.epsilon = other.epsilon
    x = draw.normal(size=(2, 64, 64, 3)).astype("float32")
    expected = new.predict(x)
    np.testing.assert_allclose(old.predict(x), expected, rtol=0, atol=1e-5 * np.abs(expected).max())
