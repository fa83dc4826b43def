"""What every test stands on: threads shared among workers, a private configuration folder, fixed seeds."""

import atexit
import os
import random
import subprocess
import sys
import tempfile
import textwrap
import zlib

import numpy as np
import psutil
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


# Large families of cases, of which `make test` runs one in three and `make nightly` the others: file -> names of tests,
# or None for all that have cases. Which ones follows from their names, so it is the same everywhere.
THINNED = {
    "backend/test_convolution.py": None,
    "engines/test_convolution.py": None,
    "engines/test_engines_agree.py": None,
    "engines/test_pooling.py": None,
    "engines/test_recurrent.py": None,
    "layers/test_catalogue_engines.py": None,
    "layers/test_catalogue_gradients.py": None,
    "layers/test_catalogue_parity.py": None,
    "saving/test_keras3_config.py": None,
    "test_activations.py": None,
    "test_losses.py": None,
    "test_metrics.py": (
        "test_objects_agree_with_keras_over_weighted_batches",
        "test_accuracy_functions_agree_with_keras",
    ),
    "training/test_determinism.py": ("test_twenty_runs_with_one_seed_give_one_hash",),
    "training/test_steps.py": (
        "test_a_short_last_batch_gives_the_numbers_it_gives_by_itself",
        "test_training_is_that_of_keras_3_with_a_short_last_batch",
    ),
}
TESTS = os.path.dirname(__file__)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    for item in items:
        file = os.path.relpath(item.path, TESTS).replace(os.sep, "/")
        names = THINNED.get(file, ())
        name = getattr(item, "originalname", item.name)
        if hasattr(item, "callspec") and (names is None or name in names) and zlib.crc32(item.name.encode()) % 3:
            item.add_marker(pytest.mark.nightly)


# What is compiled stays in the engine's caches, 1.3 MB a program: after 38 modules a worker held 4.1 GB, 2.8 of them
# programs. Dropping them after every module kept it below 1.2 GB and took as long as keeping them: 306 s, not 304.
KEPT_BYTES = 1 << 30


@pytest.hookimpl(trylast=True)  # when the module's fixtures are gone
def pytest_runtest_teardown(item, nextitem):
    """A worker that goes on to another module drops the programs of those before it, once they are many."""
    if nextitem is None or nextitem.path == item.path or not {"hornbeam", "jax"} <= set(sys.modules):
        return
    if psutil.Process().memory_info().rss > KEPT_BYTES:
        sys.modules["jax"].clear_caches()
        sys.modules["hornbeam"].backend.engine.give_memory_back(0)  # the allocator was told to keep what it has


@pytest.fixture(autouse=True)
def _same_numbers_every_time():
    """Seed what tests draw from, so that a failure comes back when the test is run alone."""
    _seed()


@pytest.hookimpl(tryfirst=True)
def pytest_fixture_setup(fixturedef):
    """What several tests share is made before the first of them is seeded, and must not depend on what ran before."""
    if fixturedef.scope != "function":
        _seed()


def _seed():
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
