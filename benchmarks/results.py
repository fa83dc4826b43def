"""The published table: RESULTS.md read, updated by what was just measured, and written again."""

import datetime
import os
import platform
from pathlib import Path

FILE = Path(__file__).resolve().parent / "RESULTS.md"
CPUINFO = Path("/proc/cpuinfo")

COLUMNS = ("workload", "measured", "ours", "beside", "theirs", "ratio", "target", "met", "date", "machine", "versions")
# One row of the table is found again by these.
KEY = ("workload", "measured", "beside", "machine")

# What decides how fast products of matrices are, by the kernel's names, widest first.
VECTORS = {"avx512f": "AVX-512", "avx2": "AVX2"}

PREFACE = """\
# Results

`make bench` measures and writes this file; `python benchmarks/run.py tiny` renews the rows of one workload.

- Every number is the best of several runs, taken by turns: ours, theirs, ours, theirs. Each run is a process of its own
  with the same data, batch size and number of threads. Times of an epoch or a call do not include compilation,
  except in `cold_start` and `kfold`.
- *ratio* is ours divided by theirs, or ours less theirs where it carries a sign. *target* is the most it may be.
  A target beside Keras 3 is set against its best engine: it is met if the rows of all its engines say yes.
- `keras-jax`, `keras-tensorflow`, `keras-torch`: Keras 3 on that engine. `torch`, `jax-by-hand`: the same work written
  with that library alone.
- A row without a target is there to be read. What each workload does stands at the head of its file.
- [NOTES.md](NOTES.md) says why a target is missed, with the profile.
- Ratios travel between machines better than times do, but not perfectly: where several machines were measured, each has
  its rows. Measure on yours before you decide.
"""


def machine() -> str:
    """This machine in plain words: '2 vCPU x86-64 AVX-512, 24 GiB'."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    can = set(CPUINFO.read_text().split()) if CPUINFO.exists() else set()
    kind = "vCPU" if "hypervisor" in can else "cores"
    architecture = {"x86_64": "x86-64", "AMD64": "x86-64"}.get(platform.machine(), platform.machine())
    vectors = next((f" {name}" for flag, name in VECTORS.items() if flag in can), "")
    words = f"{cores} {kind} {architecture}{vectors}"
    try:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return words
    return f"{words}, {round(memory / 2**30)} GiB"


def quantity(value: float, measure: str) -> str:
    """A measured number with a unit one can picture."""
    units = {"MB": 1e6, "kB": 1e3, "B": 1} if measure.endswith("_bytes") else {"s": 1, "ms": 1e-3, "µs": 1e-6}
    unit, factor = next((pair for pair in units.items() if abs(value) >= pair[1]), list(units.items())[-1])
    return f"{value / factor:.3g} {unit}"


def row(workload, claim, ours: float, theirs: float | None, beside: str, versions: dict[str, str]) -> dict[str, str]:
    """One line of the table. Without a number beside it, the bound is on ours alone."""
    if theirs is None:
        judged, ratio = ours, ""
    elif claim.added:
        judged = ours - theirs
        ratio = f"{'+' if judged >= 0 else '-'}{quantity(abs(judged), claim.measure)}"
    elif theirs <= 0:  # memory can shrink, and nothing is a multiple of that
        judged, ratio = ours, "none"
    else:
        judged = ours / theirs
        ratio = f"{judged:.2f}" if judged >= 0.1 else f"{judged:.3f}"

    if claim.limit is None:
        target = met = ""
    else:
        met = "yes" if judged <= claim.limit else "no"
        target = f"{claim.limit:g}" if theirs is not None and not claim.added else quantity(claim.limit, claim.measure)
    return {
        "workload": workload,
        "measured": claim.title,
        "ours": quantity(ours, claim.measure),
        "beside": beside,
        "theirs": "" if theirs is None else quantity(theirs, claim.measure),
        "ratio": ratio,
        "target": target,
        "met": met,
        "date": datetime.date.today().isoformat(),
        "machine": machine(),
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


def read() -> list[dict[str, str]]:
    """The rows published so far."""
    if not FILE.exists():
        return []
    lines = [line for line in FILE.read_text(encoding="utf-8").splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return [dict(zip(COLUMNS, values)) for values in cells if len(values) == len(COLUMNS)]


def update(rows: list[dict[str, str]], order: list[str]) -> None:
    """Put new rows in the place of those they renew and write the table, workloads in the given order."""

    def key(row):
        return tuple(row[column] for column in KEY)

    # An old row stays if it was not measured now, unless its workload was and no longer has such a line.
    renewed = {key(row) for row in rows}
    workloads = {row["workload"] for row in rows}
    lines = {(row["workload"], row["measured"]) for row in rows}
    kept = [row for row in read() if key(row) not in renewed]
    kept = [row for row in kept if row["workload"] not in workloads or (row["workload"], row["measured"]) in lines]
    place = {workload: number for number, workload in enumerate(order)}
    everything = sorted(rows + kept, key=lambda row: (place.get(row["workload"], len(order)), row["machine"]))
    lines = ["| " + " | ".join(COLUMNS) + " |", "|" + "---|" * len(COLUMNS)]
    lines += ["| " + " | ".join(row[column] for column in COLUMNS) + " |" for row in everything]
    FILE.write_text(PREFACE + "\n" + "\n".join(lines) + "\n", encoding="utf-8")


def show(rows: list[dict[str, str]]) -> None:
    """Print the part of the table that fits a terminal."""
    columns = COLUMNS[:8]
    widths = {column: max(len(column), *(len(row[column]) for row in rows)) for column in columns}
    print("  ".join(column.ljust(widths[column]) for column in columns))
    for row in rows:
        print("  ".join(row[column].ljust(widths[column]) for column in columns).rstrip())
