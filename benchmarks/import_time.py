"""What the import costs: every script, every worker process and every test run pays it first."""

import subprocess
import sys

import workload

CLAIMS = [
    workload.Claim("import_s", "import", limit=0.15, beside="engine_s", beside_title="import jax", added=True),
    workload.Claim("import_s", "import", limit=None),
]
RUNS = 5


def import_s(module):
    """Seconds of the import statement in a fresh process; what starting Python takes is not ours."""
    source = f"import time; start = time.perf_counter(); import {module}; print(time.perf_counter() - start)"
    return float(subprocess.run([sys.executable, "-c", source], check=True, capture_output=True, text=True).stdout)


def measure(library, first):
    return {"engine_s": import_s("jax"), "import_s": import_s(library.__name__)}


if __name__ == "__main__":
    workload.main(measure)
