"""The compiled programs of training do no more than is recorded in benchmarks/operation_counts.json."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "operation_counts.py"


@pytest.fixture(scope="module")
def gate():
    spec = importlib.util.spec_from_file_location("operation_counts", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_counts_are_those_recorded():
    # In a process of its own: what other tests compiled would count as compiled already.
    done = subprocess.run([sys.executable, str(SCRIPT)], capture_output=True, text=True, timeout=3000)
    assert done.returncode == 0, done.stdout + done.stderr


def counts(**changed):
    return {"mlp": {"flops": 1e6, "bytes": 1e6, "training_programs": 1, "compilations": 5} | changed}


@pytest.mark.parametrize("changed", [{"flops": 1.02e6}, {"bytes": 0.9e6}, {"bytes": 1.1e6}])
def test_small_changes_pass(gate, changed):
    assert gate.differences(counts(**changed), counts()) == []


@pytest.mark.parametrize(
    "changed", [{"flops": 1.03e6}, {"flops": 0.97e6}, {"bytes": 1.11e6}, {"training_programs": 2}, {"compilations": 6}]
)
def test_changes_are_told(gate, changed):
    (line,) = gate.differences(counts(**changed), counts())
    assert line.startswith("mlp:")
    assert next(iter(changed)) in line


def test_another_compiler_is_held_to_its_training_programs_alone(gate):
    assert gate.differences(counts(flops=9e6, bytes=9e6, compilations=6), counts(), same_compiler=False) == []
    assert gate.differences(counts(training_programs=2), counts(), same_compiler=False)


def test_networks_that_come_or_go_are_told(gate):
    assert gate.differences(counts(), {}) == ["mlp: not recorded"]
    assert gate.differences({}, counts()) == ["mlp: recorded, but not measured"]


def test_every_program_that_trains_is_counted(gate):
    import numpy as np

    import hornbeam
    from hornbeam.engines.jax import loop

    compile_function = loop.compile_function
    layers = [hornbeam.layers.Dense(50, use_bias=False, input_shape=(100,))]
    model = hornbeam.Sequential(layers)
    model.compile("sgd", "mse")
    x, y = np.ones((20, 100), "float32"), np.ones((20, 50), "float32")
    found = gate.count(lambda: model.fit(x, y, batch_size=10, epochs=2, verbose=0))
    assert loop.compile_function is compile_function
    assert found["training_programs"] == 1
    # Two products of 10 x 100 by 50 a step, two operations an element; what is done to single elements is little.
    assert 2 * 2 * 10 * 100 * 50 <= found["flops"] < 1.3 * 2 * 2 * 10 * 100 * 50
    assert found["bytes"] > 4 * (10 * 100 + 100 * 50 + 10 * 50)
