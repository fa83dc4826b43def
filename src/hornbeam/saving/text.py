"""Architectures as text: JSON, and YAML read by a safe loader."""

import json
from typing import Any

from hornbeam.saving import guards
from hornbeam.saving.errors import ModelFileError
from hornbeam.saving.model_files import architecture_of
from hornbeam.utils.optional import require

_MOST_VALUES = 1_000_000  # of a YAML text with its references followed
_MOST_DEPTH = 200
_HARMLESS_TAGS = ("tag:yaml.org,2002:python/tuple", "tag:yaml.org,2002:python/unicode")  # Keras 1 and 2 wrote them


def to_json(model, **kwargs):
    """The architecture of `model` as JSON; `kwargs` go to json.dumps."""
    return json.dumps(architecture_of(model), **kwargs)


def to_yaml(model, **kwargs):
    """The architecture of `model` as YAML; `kwargs` go to yaml.safe_dump.

    Raises:
        ImportError: PyYAML is not installed.
    """
    yaml = require("yaml", "to_yaml")
    return yaml.safe_dump(architecture_of(model), **kwargs)


def from_json(text):
    """The configuration in a JSON text.

    Raises:
        ModelFileError: it is no JSON, or too large or deep.
    """
    return guards.read_json(text, None, "model_from_json: the text")


def from_yaml(text):
    """The configuration in a YAML text. Tags that would make objects are refused.

    Raises:
        ModelFileError: it is no YAML, asks for objects, or is too large or deep. ImportError: PyYAML is not installed.
    """
    yaml: Any = require("yaml", "model_from_yaml")

    class Loader(yaml.SafeLoader):
        """The safe loader, which knows numbers, strings, lists and dicts; and two tags that mean no more."""

    Loader.add_constructor(_HARMLESS_TAGS[0], lambda loader, node: loader.construct_sequence(node, deep=True))
    Loader.add_constructor(_HARMLESS_TAGS[1], lambda loader, node: loader.construct_scalar(node))
    if not isinstance(text, (str, bytes)):
        raise TypeError(f"model_from_yaml takes a YAML text; got {type(text).__name__}.")
    if len(text) > guards.MOST_JSON_BYTES:
        raise ModelFileError(None, "model_from_yaml: the text is too long")
    try:
        found = yaml.load(text, Loader)  # a SafeLoader
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, AttributeError, KeyError) as error:
        problem = " ".join(str(error).split())[:300] or type(error).__name__
        raise ModelFileError(None, f"model_from_yaml: the text cannot be read safely ({problem})") from None
    return _unfolded(found, [_MOST_VALUES], 0)


def _unfolded(value, left, depth):
    """`value` with references followed, each time a new copy; they can stand for far more than the text holds."""
    left[0] -= 1
    if left[0] < 0 or depth > _MOST_DEPTH:
        raise ModelFileError(None, "model_from_yaml: the text stands for too many values, or refers to itself")
    if isinstance(value, dict):
        return {key: _unfolded(item, left, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_unfolded(item, left, depth + 1) for item in value]
    return value
