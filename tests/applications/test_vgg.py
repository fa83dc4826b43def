"""VGG16 and VGG19 beside those of Keras 3."""

import pytest

from applications import beside_keras
from hornbeam.applications import vgg16, vgg19

NETWORKS = {"VGG16": vgg16, "VGG19": vgg19}


@pytest.mark.parametrize("name", ["VGG16", pytest.param("VGG19", marks=pytest.mark.nightly)])
def test_layers_and_outputs(name):
    beside_keras.check(name, 32)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_layers_with_head(name):
    beside_keras.same_layers_with_head(name)


@pytest.mark.nightly
@pytest.mark.parametrize("name", NETWORKS)
def test_published_files(name):
    assert beside_keras.published(name) == NETWORKS[name].PUBLISHED
