"""Saving and loading a model of 100 MB as .h5 and as .keras, beside the disk's own speed.

The disk's is that of plain blocks, written and synced, in the same minute and folder. A save counts when it is on the
disk: ours syncs the file itself, for Keras 3 it is done here. To read the file from the disk and not from memory, its
pages are dropped before; reading from memory is measured too. All take turns, and the shortest time counts.
"""

import os
import tempfile

import numpy as np

import workload

CLAIMS = [
    *(
        workload.Claim(f"{kind}_write_s", f"save 100 MB as .{kind}", limit=1.25, beside="disk_write_s",
                       beside_title="the disk: write and sync")
        for kind in ("h5", "keras")
    ),
    *(workload.Claim(f"{kind}_write_s", f"save 100 MB as .{kind}", limit=1.0) for kind in ("h5", "keras")),
    *(
        workload.Claim(f"{kind}_read_s", f"load 100 MB from .{kind}", limit=1.25, beside="disk_read_s",
                       beside_title="the disk: read")
        for kind in ("h5", "keras")
    ),
    *(workload.Claim(f"{kind}_read_s", f"load 100 MB from .{kind}", limit=1.0) for kind in ("h5", "keras")),
    *(
        workload.Claim(f"{kind}_read_warm_s", f"load 100 MB from .{kind}, in memory already", limit=None)
        for kind in ("h5", "keras")
    ),
]  # fmt: skip
RUNS = 3

WIDTH, LAYERS = workload.size(2_236, smoke=100), 5  # five kernels of 20 MB
TIMES = workload.size(8, smoke=1)
BLOCK = 4 << 20


def build(library):
    Dense = library.layers.Dense
    model = library.models.Sequential([library.layers.Input((WIDTH,)), *(Dense(WIDTH) for _ in range(LAYERS))])
    random = np.random.default_rng(0)
    model.set_weights([random.standard_normal(w.shape, dtype=np.float32) for w in model.get_weights()])
    return model


def forget(path):
    """Drop the file's pages from memory, so that the next reader waits for the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
        if hasattr(os, "posix_fadvise"):
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(descriptor)


def save(model, path):
    model.save(path)
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def write_plainly(path, data):
    with open(path, "wb", buffering=0) as file:
        for start in range(0, len(data), BLOCK):
            file.write(data[start : start + BLOCK])
        os.fsync(file.fileno())


def read_plainly(path):
    with open(path, "rb", buffering=0) as file:
        data = np.empty(os.path.getsize(path), np.uint8)
        at = 0
        while at < len(data):
            at += file.readinto(data[at : at + BLOCK].data)


def measure(library, first):
    model = build(library)
    plain = memoryview(np.concatenate([w.ravel() for w in model.get_weights()]).view(np.uint8))
    load = library.models.load_model
    taken = {}

    def note(name, seconds):
        taken[name] = min(seconds, taken.get(name, seconds))

    # Not in memory of its own (/tmp may be), but where the caller works.
    with tempfile.TemporaryDirectory(dir=os.environ.get("BENCHMARK_FOLDER")) as folder:
        disk = os.path.join(folder, "plain")
        for _ in range(TIMES):
            note("disk_write_s", workload.seconds(lambda: write_plainly(disk, plain)))
            forget(disk)
            note("disk_read_s", workload.seconds(lambda: read_plainly(disk)))
            for kind in ("h5", "keras"):
                path = os.path.join(folder, f"m.{kind}")
                note(f"{kind}_write_s", workload.seconds(lambda path=path: save(model, path)))
                forget(path)
                note(f"{kind}_read_s", workload.seconds(lambda path=path: load(path, compile=False)))
                note(f"{kind}_read_warm_s", workload.seconds(lambda path=path: load(path, compile=False)))
    return taken


if __name__ == "__main__":
    workload.main(measure)
