"""`python script.py` from the shell: import, build, train the dense network for one epoch of 6 000 rows, exit.

The whole process counts, from its start to its end, with nothing compiled before. The second run of the same script
may find what the first one compiled, where a library keeps that.
"""

import importlib
import os
import subprocess
import sys
import tempfile

import mlp
import workload

CLAIMS = [
    workload.Claim("first_run_s", "a script that trains one epoch of 6 000 rows, first run", limit=0.8),
    workload.Claim("second_run_s", "the same script again", limit=None),
]
RUNS = 5

ROWS = 6_000


def script(module):
    library = importlib.import_module(module)
    x, y = mlp.data(ROWS)
    model = mlp.build(library)
    model.fit(x, y, batch_size=mlp.BATCH, epochs=1, verbose=0)


def measure(library, first):
    with tempfile.TemporaryDirectory() as home:
        # A home of its own is where a cache of compiled programs is not.
        environment = {**os.environ, "HOME": home, "XDG_CACHE_HOME": os.path.join(home, ".cache")}
        command = [sys.executable, __file__, "--script", library.__name__]

        def run():
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

        return {"first_run_s": workload.seconds(run), "second_run_s": workload.seconds(run)}


if __name__ == "__main__":
    if sys.argv[1] == "--script":
        script(sys.argv[2])
    else:
        workload.main(measure)
