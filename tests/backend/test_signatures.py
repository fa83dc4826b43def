"""The words of K take what those of Keras 2 take: the same names, in the same order, with the same defaults."""

import inspect
import json
from pathlib import Path

import pytest

from hornbeam import backend as K

# name -> [[argument] or [argument, default], ...] of Keras 2.2.4
FACTS = json.loads((Path(__file__).parents[1] / "golden" / "keras2_backend.json").read_text())


def plain(value):
    """Defaults as JSON has them; no updates are no updates."""
    return [plain(part) for part in value] or None if isinstance(value, (list, tuple)) else value


@pytest.mark.parametrize("name", sorted(FACTS))
def test_arguments_are_those_of_keras_2(name):
    found = list(inspect.signature(getattr(K, name)).parameters.values())
    collects = [p for p in found if p.kind is p.VAR_KEYWORD]
    found = [[p.name] if p.default is p.empty else [p.name, plain(p.default)] for p in found if p not in collects]
    wanted = [argument for argument in FACTS[name] if not argument[0].startswith("**")]
    assert found[: len(wanted)] == wanted
    assert all(len(argument) == 2 for argument in found[len(wanted) :]), "newer arguments need defaults"
    assert collects or len(wanted) == len(FACTS[name])


def test_all_of_them():
    assert len(FACTS) == 156
