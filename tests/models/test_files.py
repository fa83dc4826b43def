"""Architectures as texts and configurations, and the face of saving on models. Files themselves: tests/saving."""

import json

import numpy as np
import pytest

import hornbeam
from hornbeam import models, saving
from hornbeam.layers import Dense, Input
from hornbeam.models import Model, Sequential, model_from_config, model_from_json, model_from_yaml
from hornbeam.saving import ModelFileError

yaml = pytest.importorskip("yaml")


def small():
    return Sequential([Dense(2, activation="relu", input_shape=(3,)), Dense(1)], name="small")


def test_the_face():
    assert hornbeam.saving is saving
    for name in ("save_model", "load_model", "model_from_config", "model_from_json", "model_from_yaml", "clone_model"):
        assert name in models.__all__
    assert issubclass(ModelFileError, ValueError)


def test_yaml_there_and_back():
    model = small()
    text = model.to_yaml()
    assert "class_name: Sequential" in text
    assert "&" not in text
    assert model_from_yaml(text).get_config() == model.get_config()
    x = Input((3,))
    graph = Model(x, Dense(2)(x))
    assert model_from_yaml(graph.to_yaml(indent=4)).get_config() == graph.get_config()


def test_yaml_as_keras_2_wrote_it():
    old = """
        backend: tensorflow
        class_name: Sequential
        config:
        - class_name: Dense
          config: {batch_input_shape: !!python/tuple [null, 3], name: !!python/unicode 'd', units: 2}
        keras_version: 2.2.4
    """
    assert model_from_yaml(old).input_shape == (None, 3)


PAYLOADS = [
    "!!python/object/apply:os.system ['true']",
    "!!python/object/new:os.system ['true']",
    "!!python/name:os.system",
    "!!python/module:os",
    "!!python/object:object {}",
    "!<tag:yaml.org,2002:python/object/apply:subprocess.Popen> [['true']]",
    "!own {}",
    "{class_name: !!python/name:os.system , config: {}}",
    "&a [*a]",
    "{class_name: Sequential, config: &a {layers: *a}}",
    "[" * 400 + "]" * 400,
    "a: &a [x, x, x, x, x, x, x, x, x]\n"
    + "".join(f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)),
    "key: [unclosed",
]


@pytest.mark.parametrize("text", PAYLOADS)
def test_yaml_that_wants_more_than_data_is_refused(text):
    with pytest.raises(ModelFileError, match="model_from_yaml: the text (cannot be read safely|stands for too many)"):
        model_from_yaml(text)


def test_yaml_that_is_no_text():
    with pytest.raises(TypeError, match="takes a YAML text; got dict"):
        model_from_yaml({})


def test_json_has_limits_too():
    model = small()
    assert model_from_json(model.to_json(indent=1)).get_config() == model.get_config()
    with pytest.raises(ModelFileError, match="model_from_json: the text is refused: 100000 levels"):
        model_from_json("[" * 100_000 + "]" * 100_000)
    assert json.loads(model.to_json())["keras_version"] == "2.2.4"


def test_a_configuration_is_a_dict():
    with pytest.raises(TypeError, match="For a list of layers use"):
        model_from_config([])
    with pytest.raises(ValueError, match="does not describe|A layer configuration is a dict"):
        model_from_config({"layers": []})


def test_numbers_of_numpy_are_written():
    model = Sequential([Dense(np.int64(2), input_shape=(np.int32(3),))])
    assert model_from_json(model.to_json()).output_shape == (None, 2)
