"""A process that reads mutants of files into plain data, under limits; test_mutants.py starts it and talks to it.

It loads no engine. For each line on its input, a JSON list [path, path of the whole file or null, kind], it answers a
line: {"outcome": "refused" | "same" | "other" | "fault", "error", "seconds", "cpu_seconds", "peak_bytes"}; the last is
what reading added to the memory that the process had before.
"""

import json
import os
import resource
import sys
import time
import warnings
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import without_engine

without_engine.install()

import h5py  # noqa: E402, F401  (counted before the limits)

from hornbeam.saving import archive, guards, hdf5, reading, tensors  # noqa: E402, F401
from hornbeam.saving.errors import ModelFileError  # noqa: E402

LIMIT_BYTES = 1 << 30  # beyond what is taken at the start: more than any mutant may use, so its peak is measured
CPU_SECONDS = 20  # for one file; then the kernel ends this process


def memory_bytes(name):
    with open("/proc/self/status", encoding="ascii") as file:
        for line in file:
            if line.startswith(name):
                return int(line.split()[1]) * 1024
    return 0


def reset_peak():
    """Have the kernel count the peak of memory anew; False where it cannot."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True


def read(path, kind):
    if kind == "json":
        return guards.read_json(Path(path).read_bytes(), path)
    if kind == "weights":
        return reading.read_weights(path)
    return reading.read_model(path) if reading.kind_of(path) in ("h5", "keras") else reading.read_weights(path)


def same(found, whole):
    if isinstance(found, dict) or found is None or isinstance(whole, dict):
        return True  # JSON has no checksum: what it says is judged by who reads it
    return without_engine.same_weights(found, whole)


def limit_processor():
    """Bound what the next file may compute: a soft limit may be moved on as often as one likes."""
    most = int(time.process_time()) + CPU_SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def answer(path, whole, kind):
    limit_processor()
    measured = reset_peak()
    before, started, cpu_started = memory_bytes("VmRSS"), time.perf_counter(), time.process_time()
    error, found = None, None
    try:
        found = read(path, kind)
        outcome = "same" if whole is None or same(found, whole) else "other"
    except ModelFileError as refusal:
        outcome, error = "refused", str(refusal)
    except BaseException as fault:
        outcome, error = "fault", f"{type(fault).__name__}: {fault}"
    seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu_started
    peak = memory_bytes("VmHWM") - before if measured else 0
    del found
    return {"outcome": outcome, "error": error, "seconds": seconds, "cpu_seconds": cpu_seconds, "peak_bytes": peak}


def serve():
    warnings.simplefilter("error")
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) if sys.platform == "linux" else 0
    if pages:
        present = pages * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (present + LIMIT_BYTES, present + LIMIT_BYTES))
    wholes = {}
    print("ready", flush=True)
    for line in sys.stdin:
        path, whole, kind = json.loads(line)
        if whole is not None and whole not in wholes:
            wholes[whole] = read(whole, kind)
        result = answer(path, wholes.get(whole), kind)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
