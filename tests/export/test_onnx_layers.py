"""Every layer as ONNX: what onnxruntime computes is what the layer computes, and what cannot be written says so."""

import numpy as np
import pytest

from harness import run_on_engine
from hornbeam import layers, nest
from hornbeam.core import Input
from hornbeam.export import onnx_model
from hornbeam.models import Model
from layers.catalogue import CASES, FEW

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")

STILL = [case for case in FEW if not case.training]


def session_of(model, **settings):
    """The model in onnxruntime, its file checked."""
    made = onnx_model(model, **settings)
    onnx.checker.check_model(made, full_check=True)
    return runtime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])


def run(session, arrays):
    names = [i.name for i in session.get_inputs()]
    return session.run(None, dict(zip(names, nest.to_list(arrays), strict=True)))


def check(model, arrays, **settings):
    """The file computes what the model does, for these arrays and for their first row alone."""
    session = session_of(model, **settings)
    for rows in (slice(None), slice(1)):
        given = nest.map_structure(lambda x, rows=rows: x[rows], arrays)
        wanted = nest.flatten(run_on_engine("numpy", model, given)[0])
        found = run(session, given)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


def model_of(case):
    """The case's layer in a model with an open batch."""
    inputs = case.inputs()
    symbols = [Input(x.shape[1:], dtype=str(x.dtype)) for x in nest.to_list(inputs)]
    return Model(symbols, case.built()(symbols if isinstance(inputs, list) else symbols[0])), inputs


@pytest.mark.parametrize("case", STILL, ids=str)
def test_layers_of_the_catalogue(case):
    check(*model_of(case))
