"""InceptionV3, InceptionResNetV2 and Xception beside those of Keras 3."""

import pytest

from applications import beside_keras
from hornbeam import Input, Model
from hornbeam.applications import inception_resnet_v2, inception_v3, xception
from hornbeam.models import load_model

NETWORKS = {"InceptionV3": inception_v3, "InceptionResNetV2": inception_resnet_v2, "Xception": xception}


def test_layers():
    beside_keras.check("Xception", 80, outputs=False)


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


def test_kinds_of_blocks():
    with pytest.raises(ValueError, match="Did you mean 'block35'"):
        inception_resnet_v2.inception_resnet_block(Input(shape=(8, 8, 3)), 0.1, "block_35", 1)


def test_the_names_of_classic_blocks():
    start = Input(shape=(8, 8, 3))
    x = inception_resnet_v2.conv2d_bn(start, 4, 3, name="first")
    x = inception_resnet_v2.inception_resnet_block(x, 0.1, "block8", 7)
    made = Model(start, x)
    names = [layer.name for layer in made.layers]
    assert names[1:4] == ["first", "first_bn", "first_ac"]
    assert names[-4:] == ["block8_7_mixed", "block8_7_conv", "block8_7", "block8_7_ac"]


def test_a_saved_block_comes_back(tmp_path):
    start = Input(shape=(4, 4, 3))
    made = Model(start, inception_resnet_v2.inception_resnet_block(start, 0.5, "block35", 1))
    made.save(tmp_path / "block.h5")
    again = load_model(tmp_path / "block.h5")
    assert again.get_config() == made.get_config()
    assert again.get_layer("block35_1").scale == 0.5
