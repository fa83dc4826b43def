"""InceptionV3, InceptionResNetV2 and Xception beside those of Keras 3."""

import pytest

from applications import beside_keras
from hornbeam.applications import inception_resnet_v2, inception_v3, xception

NETWORKS = {"InceptionV3": inception_v3, "InceptionResNetV2": inception_resnet_v2, "Xception": xception}


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_layers_and_outputs(name):
    beside_keras.check(name, 80)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_layers_with_head(name):
    beside_keras.same_layers_with_head(name)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_published_files(name):
    assert beside_keras.published(name) == NETWORKS[name].PUBLISHED
