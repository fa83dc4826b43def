"""What `fit` adds to the process: the peak of resident memory while it trains, less what was there before.

The data lies in memory as numpy arrays already. One further copy of it and two batches are allowed. A short fit goes
before, so that the compiled program and the optimizer's state are not counted as the data's.
"""

import gc

import mlp
import workload

CLAIMS = [
    workload.Claim(
        "added_bytes",
        "memory that fit adds, 60 000 rows of 784 numbers",
        limit=1.0,
        beside="allowed_bytes",
        beside_title="the data and two batches",
    ),
    workload.Claim("added_bytes", "memory that fit adds, 60 000 rows of 784 numbers", limit=None),
]
RUNS = 2


def measure(library, first):
    x, y = mlp.data()
    model = mlp.build(library)
    model.fit(x[:6_400], y[:6_400], batch_size=mlp.BATCH, epochs=1, verbose=0)

    gc.collect()
    before = workload.resident_bytes()
    workload.forget_peak()
    model.fit(x, y, batch_size=mlp.BATCH, epochs=2, verbose=0)
    added = workload.peak_resident_bytes() - before

    data = x.nbytes + y.nbytes
    return {"added_bytes": added, "allowed_bytes": data + 2 * mlp.BATCH * data // len(x)}


if __name__ == "__main__":
    workload.main(measure)
