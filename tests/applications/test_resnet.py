"""ResNet, ResNetV2 and ResNeXt beside those of Keras 3."""

import pytest

from applications import beside_keras
from hornbeam.applications import resnet, resnet_v2

NETWORKS = {
    "ResNet50": resnet, "ResNet101": resnet, "ResNet152": resnet, "ResNet50V2": resnet_v2, "ResNet101V2": resnet_v2,
    "ResNet152V2": resnet_v2,
}  # fmt: skip


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_layers_and_outputs(name):
    beside_keras.check(name, 64)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["ResNet50", "ResNet50V2"])
def test_layers_with_head(name):
    beside_keras.same_layers_with_head(name)


@pytest.mark.nightly
@pytest.mark.parametrize("name", ["ResNet50", "ResNet50V2"])
def test_published_files(name):
    assert beside_keras.published(name) == NETWORKS[name].PUBLISHED[name.lower()]
