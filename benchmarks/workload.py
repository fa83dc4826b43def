"""What a workload file is made of: the claims it measures, and the main function that runs it with one library."""

import argparse
import importlib
import importlib.metadata
import json
import os
import platform
import re
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Claim:
    """One line of the table: a measured quantity, what it stands beside, and the bound it must keep.

    Args:
        measure: key in the dictionary that the workload's function returns. Its ending is its unit: `_s` or `_bytes`.
        title: what is measured, in words.
        limit: the bound, or None where the number is only reported; a dictionary of bounds by peer if several have one,
            in which "keras" stands for every engine of Keras 3: who keeps within it beside all, does beside the best.
        beside: what ours is compared with. The name of a peer compares the same measure there; a key of our own
            dictionary compares within our process; None is an absolute bound.
        beside_title: what the table calls a key of our own.
        added: the bound is on ours minus theirs, not on ours divided by theirs.
    """

    measure: str
    title: str
    limit: float | dict[str, float] | None
    beside: str | None = "keras-jax"
    beside_title: str = ""
    added: bool = False


def main(measure: Callable) -> None:
    """Run a workload with the library named on the command line and print what it measured as one line of JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("module", help="hornbeam, keras, or what the peer imports")
    parser.add_argument("--function", default="measure", help="the function that does the work")
    parser.add_argument("--first", action="store_true", help="measure also what is long and needs no second run")
    arguments = parser.parse_args()

    library = importlib.import_module(arguments.module)
    function = getattr(sys.modules["__main__"], arguments.function, measure)
    measured = function(library, arguments.first)
    print(json.dumps({"measured": measured, "versions": versions(arguments.module)}))


def size(full: int, smoke: int) -> int:
    """`full`, or `smoke` where somebody only looks whether a workload runs (`run.py --smoke`)."""
    return smoke if os.environ.get("BENCHMARK_SMOKE") else full


def versions(*packages: str) -> dict[str, str]:
    """The versions a number depends on."""
    found = {"Python": platform.python_version()}
    for package in dict.fromkeys((*packages, "jax", "numpy")):
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def least_seconds(work: Callable[[], object], times: int) -> float:
    """The shortest of several runs: what the work costs when nothing else on the machine gets in its way."""
    return min(seconds(work) for _ in range(times))


def seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def training_step_s(model, x, y, batch_size: int, times: int) -> tuple[float, float]:
    """Time of one training step over `x` and `y` after everything is compiled, and the last epoch's loss."""
    steps = -(-len(x) // batch_size)
    epoch_s, loss = epochs_s(model_fit(model, x, y, batch_size), 1, times)
    return epoch_s / steps, loss


def model_fit(model, x, y, batch_size: int) -> Callable[[int], float]:
    """fit(epochs) -> loss of the last one, in the API of Keras. The rows' order is random already and stays as it is,
    so that all libraries meet the same batches.
    """

    def fit(epochs):
        history = model.fit(x, y, batch_size=batch_size, epochs=epochs, verbose=0, shuffle=False)
        return float(history.history["loss"][-1])

    return fit


def epochs_s(fit: Callable[[int], float], epochs: int, times: int) -> tuple[float, float]:
    """Shortest time of one of `epochs` epochs after one that compiles, and the loss after the last."""
    fit(1)
    losses = []
    fit_s = least_seconds(lambda: losses.append(fit(epochs)), times)
    return fit_s / epochs, losses[-1]


def resident_bytes() -> int:
    """What this process holds in memory now."""
    if sys.platform == "linux":
        return _status_bytes("VmRSS")
    import psutil

    return psutil.Process().memory_info().rss


def peak_resident_bytes() -> int:
    """The most this process held since `forget_peak`. On Linux only: elsewhere the peak cannot be forgotten."""
    return _status_bytes("VmHWM")


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _status_bytes(field: str) -> int:
    status = Path(f"/proc/{os.getpid()}/status").read_text()
    return int(re.search(rf"{field}:\s+(\d+) kB", status)[1]) * 1024
