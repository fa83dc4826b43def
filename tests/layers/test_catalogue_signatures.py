"""Constructors take what Keras 2 takes: the same names, in the same order, with defaults that mean the same."""

import inspect
import json
from pathlib import Path

import pytest

from hornbeam import layers

# name -> [[argument] or [argument, default], ...] of Keras 2.2.4
FACTS = json.loads((Path(__file__).parents[1] / "golden" / "keras2_layers.json").read_text())


def meaning(value):
    """(1, 1) means what 1 means, as a window's size or stride on all axes."""
    if isinstance(value, (list, tuple)):
        parts = [meaning(part) for part in value]
        return parts[0] if parts and all(part == parts[0] for part in parts) else parts
    return value


def arguments_of(thing):
    """[[argument] or [argument, default], ...], `**` and `*` before the names that collect."""
    found = []
    for p in inspect.signature(thing).parameters.values():
        prefix = {p.VAR_KEYWORD: "**", p.VAR_POSITIONAL: "*"}.get(p.kind, "")
        found.append([prefix + p.name] if p.default is p.empty else [p.name, p.default])
    return found


def same_default(name, argument, classic, own):
    if argument == "data_format" and name[-2:] == "1D" and classic == "channels_last":
        return own in (None, "channels_last")  # None means that in one dimension; see the test below
    return meaning(own) == meaning(classic) and type(meaning(own)) is type(meaning(classic))


@pytest.mark.parametrize("name", sorted(FACTS))
def test_arguments_are_those_of_keras_2(name):
    wanted, found = FACTS[name], arguments_of(getattr(layers, name))
    named = [argument for argument in wanted if not argument[0].startswith("*")]
    if ["*args"] in found:  # an alias hands everything on
        assert ["*args"] in wanted
        return
    assert [argument[0] for argument in found[: len(named)]] == [argument[0] for argument in named]
    for own, classic in zip(found, named, strict=False):
        assert len(own) == len(classic), f"{name}: is {own[0]} required?"
        if len(own) == 2:
            assert same_default(name, own[0], classic[1], own[1]), f"{name}: {own} where Keras 2 has {classic}"
    if ["**kwargs"] in wanted and not inspect.isroutine(getattr(layers, name)):
        assert ["**kwargs"] in found


def test_arguments_that_are_newer_have_defaults():
    for name in FACTS:
        for argument in arguments_of(getattr(layers, name))[len(FACTS[name]) :]:
            assert len(argument) == 2 or argument[0].startswith("*"), f"{name}: {argument[0]} would be required"


@pytest.mark.parametrize("name", [n for n in FACTS if n[-2:] == "1D" and ["data_format", "channels_last"] in FACTS[n]])
def test_sequences_have_channels_last(name):
    required = [argument[0] for argument in FACTS[name] if len(argument) == 1 and "*" not in argument[0]]
    assert getattr(layers, name)(*(3 for _ in required)).get_config()["data_format"] == "channels_last"


def test_every_name_is_there():
    assert set(FACTS) <= set(layers.__all__)
    assert all(hasattr(layers, name) for name in FACTS)
