"""The catalogue beside real Keras 3: the same weights in, the same results and gradients out; and how many rows."""

import importlib.util
import inspect
import math
from pathlib import Path

import keras
import pytest

from harness import check_against_keras
from layers.catalogue import CASES

COMPARABLE = [case for case in CASES if case.keras is not None]


@pytest.mark.parametrize("case", COMPARABLE, ids=str)
def test_is_keras(case):
    layer, inputs = case.built(), case.inputs()
    check_against_keras(layer, case.make(keras.layers, **case.keras), inputs, case.training or None)


# --- How many configurations the whole suite compares ---


def parity_tests(path):
    """(name, number of configurations) of the tests in a file that call `check_against_keras`."""
    source = importlib.util.spec_from_file_location(f"counted_{path.stem}", path)
    module = importlib.util.module_from_spec(source)
    source.loader.exec_module(module)
    for name, function in inspect.getmembers(module, inspect.isfunction):
        if name.startswith("test_") and "check_against_keras(" in inspect.getsource(function):
            marks = [mark for mark in getattr(function, "pytestmark", []) if mark.name == "parametrize"]
            yield name, math.prod(len(mark.args[1]) for mark in marks)


def test_at_least_400_configurations_are_compared():
    here = Path(__file__).parent
    others = [
        p for p in sorted(here.glob("test_*.py")) if "check_against_keras(" in p.read_text() and p != Path(__file__)
    ]
    counts = {path.stem: sum(count for _, count in parity_tests(path)) for path in others}
    counts["catalogue"] = len({str(case) for case in COMPARABLE})
    assert counts["catalogue"] == len(COMPARABLE), "a row stands in the catalogue twice"
    assert sum(counts.values()) >= 400, counts
