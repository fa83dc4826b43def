"""Thousands of damaged files of each format: each is refused or right, soon, in little memory, and no process dies."""

import json
import os
import sys
import tempfile
import time
from pathlib import Path

import pytest

import without_engine
from security import mutants

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits and measurements of Linux")
FREE_BYTES = 200 << 20
SECONDS = 5  # of the processor
FORMATS = ("h5", "keras", "safetensors", "npz", "json", "foreign h5", "foreign keras")
OWN = ("h5", "keras", "safetensors", "npz")  # written by us: no mutant loads with wrong weights


@pytest.fixture(scope="module")
def wholes():
    """Good files of each format, small, so that most of their bytes mean something."""
    with tempfile.TemporaryDirectory() as folder:
        found = {suffix: Path(folder) / f"whole.{suffix}" for suffix in (*OWN, "json")}
        stored = without_engine.small_model(7, 4)
        for suffix in OWN:
            without_engine.writer_and_reader(suffix)[0](stored, found[suffix])
        found["json"].write_text(json.dumps(stored.architecture))
        found["foreign h5"] = _without_manifest(found["h5"], Path(folder) / "foreign.h5")
        found["foreign keras"] = _by_keras(found["keras"], Path(folder) / "foreign.keras")
        yield found


def _without_manifest(path, foreign):
    import h5py

    foreign.write_bytes(path.read_bytes())
    with h5py.File(foreign, "r+") as file:
        for name in [name for name in file.attrs if name.startswith("hornbeam")]:
            del file.attrs[name]
    return foreign


def _by_keras(path, foreign):
    import zipfile

    with zipfile.ZipFile(path) as old, zipfile.ZipFile(foreign, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            if name == "metadata.json":
                content = json.dumps({k: v for k, v in json.loads(content).items() if k != "hornbeam"})
            new.writestr(name, content)
    return foreign


def faults_of(kind, answer, size):
    """What of an answer is against the promise."""
    if answer["outcome"] in ("died", "hung", "fault"):
        yield f"{answer['outcome']}: {answer['error']}"
    if answer["outcome"] == "other" and kind in (*OWN, "foreign keras"):
        yield "loaded with other weights"
    if answer["cpu_seconds"] > SECONDS:
        yield f"took {answer['cpu_seconds']:.1f} s"
    if answer["peak_bytes"] > 2 * size + FREE_BYTES:
        yield f"took {answer['peak_bytes'] >> 20} MB"


def try_mutants(kind, count, seed, reader, wholes, tmp_path, keep=None):
    whole = wholes[kind]
    data = whole.read_bytes()
    faults, outcomes, largest, longest = [], {}, 0, 0.0
    path = tmp_path / "mutant"
    asked = "json" if kind == "json" else "model"
    assert reader.ask(whole, whole, asked)["outcome"] == "same"
    for number in range(seed, seed + count):
        mutant = mutants.mutant(data, f"{kind} {number}")
        path.write_bytes(mutant)
        answer = reader.ask(path, whole, asked)
        outcomes[answer["outcome"]] = outcomes.get(answer["outcome"], 0) + 1
        largest, longest = max(largest, answer["peak_bytes"]), max(longest, answer["cpu_seconds"])
        faults += [f"mutant {number}: {fault}" for fault in faults_of(kind, answer, len(mutant))]
    print(f"\n{kind}: {count} mutants, {outcomes}, at most {longest:.2f} s and {largest >> 20} MB")
    assert not faults, "\n".join(faults[:20])
    assert outcomes.get("refused", 0) > count // 4, "hardly one was refused: nothing was damaged"


@pytest.mark.parametrize("kind", FORMATS)
def test_a_thousand_mutants(kind, reader, wholes, tmp_path):
    try_mutants(kind, 1000 if "foreign" not in kind else 300, 0, reader, wholes, tmp_path)


@pytest.mark.nightly
@pytest.mark.parametrize("kind", FORMATS)
def test_twenty_thousand_mutants(kind, reader, wholes, tmp_path):
    seed = int(os.environ.get("HORNBEAM_MUTANT_SEED", time.strftime("%y%m%d"))) * 100_000
    try_mutants(kind, 20_000, seed, reader, wholes, tmp_path)
