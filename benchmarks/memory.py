"""Memory: what `fit` adds to a process that holds the data, and the most that whole processes hold.

The data lies in memory as numpy arrays already. One further copy of it and two batches are allowed. A short fit goes
before, so that the compiled program and the optimizer's state are not counted as the data's.

Beside that, the peak of a process that imports the library, makes the data and trains for one epoch: the dense
network, the convolutional one, and the sentiment model on its sample.
"""

import gc
import importlib
import subprocess
import sys

import bilstm
import cnn
import mlp
import sentiment
import workload

ADDED = "memory that fit adds, 60 000 rows of 784 numbers"
LIMITS = {"keras": 0.7}
CLAIMS = [
    workload.Claim("added_bytes", ADDED, 1.0, beside="allowed_bytes", beside_title="the data and two batches"),
    workload.Claim("added_bytes", ADDED, limit=None),
    workload.Claim("mlp_peak_bytes", "the most a process holds that trains mlp for one epoch", LIMITS),
    workload.Claim("cnn_peak_bytes", "the most a process holds that trains cnn for one epoch", LIMITS),
    workload.Claim("sentiment_peak_bytes", "the most a process holds that trains sentiment on its sample", LIMITS),
]
RUNS = 2


def added(library):
    """What `fit` adds."""
    x, y = mlp.data()
    model = mlp.build(library)
    model.fit(x[:6_400], y[:6_400], batch_size=mlp.BATCH, epochs=1, verbose=0)

    gc.collect()
    before = workload.resident_bytes()
    workload.forget_peak()
    model.fit(x, y, batch_size=mlp.BATCH, epochs=2, verbose=0)
    data = x.nbytes + y.nbytes
    allowed = data + 2 * mlp.BATCH * data // len(x)
    return {"added_bytes": workload.peak_resident_bytes() - before, "allowed_bytes": allowed}


def train(name, module):
    """Train for one epoch and print the peak of this process."""
    library = importlib.import_module(module)
    file = {"mlp": mlp, "cnn": cnn, "sentiment": sentiment}[name]
    model = bilstm.build(library, sentiment.VOCABULARY) if name == "sentiment" else file.build(library)
    workload.model_fit(model, *file.data(), file.BATCH)(1)
    print(workload.peak_resident_bytes())


def measure(library, first):
    measured = added(library)
    for name in ("mlp", "cnn", "sentiment"):
        command = [sys.executable, __file__, "--train", name, library.__name__]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        measured[f"{name}_peak_bytes"] = int(done.stdout.splitlines()[-1])
    return measured


if __name__ == "__main__":
    if sys.argv[1] == "--train":
        train(*sys.argv[2:])
    else:
        workload.main(measure)
