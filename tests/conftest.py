"""What every test stands on: threads shared among workers, a private configuration folder, fixed seeds."""

import atexit
import os
import random
import subprocess
import sys
import tempfile
import textwrap

import numpy as np
import pytest

# All of this must be in the environment before anything imports an engine or Keras, hence here and not in a fixture.

# Each xdist worker takes its share of the cores. Without this every worker starts a thread for every core, and two
# workers on two cores spend their time waiting for each other.
_workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_threads = max(1, (os.cpu_count() or 1) // _workers)
for _variable in ("NPROC", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):  # NPROC is the one XLA reads
    os.environ.setdefault(_variable, str(_threads))

# The parity tests compare with Keras on the same engine.
os.environ["KERAS_BACKEND"] = "jax"

# Keras writes keras.json when it is imported, and Hornbeam reads it: neither touches the developer's own.
_settings = tempfile.TemporaryDirectory(prefix="hornbeam-tests-")
atexit.register(_settings.cleanup)
os.environ["KERAS_HOME"] = _settings.name

# Programs are compiled anew, so that counts and times of compilation are what they are for a first run.
os.environ["HORNBEAM_PROGRAM_CACHE"] = "off"

# Figures are drawn into files, on machines that have no screen.
os.environ["MPLBACKEND"] = "Agg"


@pytest.fixture(autouse=True)
def _same_numbers_every_time():
    """Seed what tests draw from, so that a failure comes back when the test is run alone."""
    random.seed(0)
    np.random.seed(0)
    if "hornbeam" in sys.modules:  # a test that never imports the library should not pay for it
        sys.modules["hornbeam"].utils.set_random_seed(0)


@pytest.fixture(scope="session")
def run_python():
    """Run source text in a fresh interpreter and return what it printed; for tests about imports and processes."""

    def run(source: str, *, timeout_s: float = 120, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(source)],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if done.returncode:
            raise AssertionError(f"The interpreter ended with status {done.returncode}:\n{done.stderr}")
        return done.stdout

    return run
