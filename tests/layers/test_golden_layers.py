"""Layers that Keras 3 does not have, or has with another formula, beside numbers worked by hand (tests/golden)."""

import json
from pathlib import Path

import numpy as np
import pytest

from harness import run_on_engine
from hornbeam import layers
from layers.catalogue import CASES

WORKED = json.loads((Path(__file__).parents[1] / "golden" / "layers.json").read_text())


@pytest.mark.parametrize("engine", ["jax", "numpy"])
@pytest.mark.parametrize("worked", WORKED, ids=lambda worked: worked["name"])
def test_worked_numbers(worked, engine):
    layer = getattr(layers, worked["name"])(**worked["settings"])
    x = np.array(worked["inputs"], "float32")
    layer.build(x.shape)
    layer.set_weights([np.array(w) for w in worked["weights"]])
    if "mask" in worked:
        found = layer.run(layers.Lambda(lambda v: v)(x), np.array(worked["mask"], bool), (), {})[0]
    else:
        found, weights = run_on_engine(engine, layer, x, worked.get("training", False))
        for one, other in zip(weights, worked.get("weights_after", worked["weights"]), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
    np.testing.assert_allclose(found, worked["output"], rtol=1e-6, atol=1e-6, err_msg=worked["derivation"])


def test_every_layer_without_an_oracle_has_worked_numbers():
    compared = {case.name for case in CASES if case.keras is not None}
    alone = {case.name for case in CASES} - compared - {"Lambda"}  # what a Lambda computes is its user's
    assert alone <= {worked["name"] for worked in WORKED}
