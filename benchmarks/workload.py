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
        limit: the bound, or None where the number is only reported; a dictionary of bounds by peer if several have one.
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
    model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0)
    history = []
    epoch_s = least_seconds(
        lambda: history.append(model.fit(x, y, batch_size=batch_size, epochs=1, verbose=0)), times=times
    )
    return epoch_s / steps, float(history[-1].history["loss"][-1])


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
