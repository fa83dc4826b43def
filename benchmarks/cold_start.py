"""`python script.py` from the shell: import, build, train the dense or the convolutional network for one epoch, exit.

The whole process counts, from its start to its end, with nothing compiled before. The second run of the same script
may find what the first one compiled, where a library keeps that.
"""

import importlib
import os
import subprocess
import sys
import tempfile

import cnn
import mlp
import workload

FIRST, SECOND = {"keras": 0.8}, {"keras": 0.5}
CLAIMS = [
    workload.Claim("first_run_s", "a script that trains one epoch of 6 000 rows, first run", FIRST),
    workload.Claim("second_run_s", "the same script again", SECOND),
    workload.Claim("cnn_first_run_s", "a script that trains one epoch of cnn, 1 920 rows, first run", FIRST),
    workload.Claim("cnn_second_run_s", "the same script of cnn again", SECOND),
]
RUNS = 5

ROWS = workload.size(6_000, smoke=320)


def script(name, module):
    library = importlib.import_module(module)
    file = {"mlp": mlp, "cnn": cnn}[name]
    x, y = mlp.data(ROWS) if name == "mlp" else cnn.data()
    file.build(library).fit(x, y, batch_size=file.BATCH, epochs=1, verbose=0, shuffle=False)


def measure(library, first):
    return runs_s("mlp", library) | {f"cnn_{name}": s for name, s in runs_s("cnn", library).items()}


def runs_s(name, library):
    """Seconds of the first and of the second run."""
    with tempfile.TemporaryDirectory() as home:
        # A home of its own is where a cache of compiled programs is not.
        environment = {**os.environ, "HOME": home, "XDG_CACHE_HOME": os.path.join(home, ".cache")}
        command = [sys.executable, __file__, "--script", name, library.__name__]

        def run():
            subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)

        return {"first_run_s": workload.seconds(run), "second_run_s": workload.seconds(run)}


if __name__ == "__main__":
    if sys.argv[1] == "--script":
        script(*sys.argv[2:])
    else:
        workload.main(measure)
