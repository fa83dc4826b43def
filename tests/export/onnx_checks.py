"""What the tests of ONNX files share: a model in onnxruntime, and the comparison with the model itself."""

import numpy as np
import pytest

from harness import run_on_engine
from hornbeam import backend as K
from hornbeam import nest
from hornbeam.core import Input
from hornbeam.export import onnx_model
from hornbeam.models import Model

onnx = pytest.importorskip("onnx")
runtime = pytest.importorskip("onnxruntime")


@pytest.fixture
def plain_engine():
    """Models are built and written by the engine that compiles nothing; a file does not depend on the engine."""
    with K.use_engine("numpy"):
        yield


def session_of(model, **settings):
    """The model in onnxruntime, its file checked."""
    made = onnx_model(model, **settings)
    onnx.checker.check_model(made, full_check=True)
    return runtime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])


def run(session, arrays):
    """What the file computes for a list of arrays, or one."""
    names = [i.name for i in session.get_inputs()]
    return session.run(None, dict(zip(names, nest.to_list(arrays), strict=True)))


def check(model, arrays, session=None, **settings):
    """The file computes what the model does, for these arrays and for their first row alone."""
    session = session or session_of(model, **settings)
    for rows in (slice(None), slice(1)):
        given = nest.map_structure(lambda x, rows=rows: x[rows], arrays)
        wanted = nest.flatten(run_on_engine("numpy", model, given)[0])
        found = run(session, given)
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            assert one.dtype == other.dtype
            assert one.shape == other.shape
            np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)
    return session


def model_of(case):
    """The layer of a row of the catalogue in a model with an open batch, and inputs for it."""
    inputs = case.inputs()
    symbols = [Input(x.shape[1:], dtype=str(x.dtype)) for x in nest.to_list(inputs)]
    return Model(symbols, case.built()(symbols if isinstance(inputs, list) else symbols[0])), inputs


def numbers(*shape, seed=3):
    """Repeatable normal numbers."""
    return np.random.default_rng(seed).normal(size=shape).astype("float32")
