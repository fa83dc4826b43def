"""Settings: where they come from and who wins."""

import json

import pytest

from hornbeam import backend as K
from hornbeam import config


@pytest.fixture(autouse=True)
def _put_back():
    kept = config.floatx(), config.epsilon(), config.image_data_format()
    yield
    config.set_floatx(kept[0])
    config.set_epsilon(kept[1])
    config.set_image_data_format(kept[2])


def test_defaults():
    assert (K.backend(), K.floatx(), K.epsilon(), K.image_data_format()) == ("jax", "float32", 1e-7, "channels_last")


def test_setters_are_heard_everywhere():
    K.set_epsilon(1e-3)
    K.set_image_data_format("channels_first")
    assert (config.epsilon(), config.normalize_data_format(None)) == (1e-3, "channels_first")
    assert config.normalize_data_format("Channels_Last") == "channels_last"
    K.set_floatx("float16")
    assert K.variable([1.0]).dtype == "float16"
    assert K.zeros((2,)).dtype == "float16"


@pytest.mark.parametrize(
    ("setter", "value", "told"),
    [(config.set_floatx, "float8", "float16, bfloat16, float32, float64"),
     (config.set_image_data_format, "th", "channels_last, channels_first"),
     (config.normalize_data_format, "NHWC", "channels_last, channels_first")],
)  # fmt: skip
def test_a_wrong_setting_names_the_right_ones(setter, value, told):
    with pytest.raises(ValueError, match=told):
        setter(value)


SHOW = """
from hornbeam import config
print(config.backend(), config.floatx(), config.epsilon(), config.image_data_format())
"""
WARN = """
import warnings
with warnings.catch_warnings(record=True) as found:
    from hornbeam import config
print(found[0].message, config.floatx())
"""
TRY = """
try:
    from hornbeam import config
    print(config.backend())
except ValueError as error:
    print(error)
"""


def write(folder, text):
    (folder / "keras.json").write_text(text, encoding="utf-8")
    return {"KERAS_HOME": str(folder), "KERAS_BACKEND": ""}


def test_the_file_sets_everything(tmp_path, run_python):
    settings = {"floatx": "float16", "epsilon": 1e-4, "image_data_format": "channels_first", "backend": "tensorflow"}
    # Keras writes a backend of its own there unasked: no wish of the user's, so the default engine serves.
    found = run_python(SHOW, **write(tmp_path, json.dumps(settings))).split()
    assert found == ["jax", "float16", "0.0001", "channels_first"]


def test_the_environment_outdoes_the_file(tmp_path, run_python):
    environment = write(tmp_path, json.dumps({"backend": "abacus"}))
    assert run_python(TRY, **{**environment, "HORNBEAM_BACKEND": "jax"}).strip() == "jax"


def test_an_unknown_engine_is_an_error_naming_source_and_engines(tmp_path, run_python):
    told = run_python(TRY, KERAS_BACKEND="abacus")
    assert "KERAS_BACKEND asks for the engine 'abacus'" in told
    assert "It has: jax" in told
    told = run_python(TRY, KERAS_BACKEND="jax", HORNBEAM_BACKEND="abacus")
    assert "HORNBEAM_BACKEND asks for the engine 'abacus'" in told
    assert "keras.json asks for the engine 'abacus'" in run_python(TRY, **write(tmp_path, '{"backend": "abacus"}'))


def test_a_broken_file_is_reported_and_passed_over(tmp_path, run_python):
    told = run_python(WARN, **write(tmp_path, "{no json"))
    assert "is not valid JSON" in told
    assert told.strip().endswith("float32")
