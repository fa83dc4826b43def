"""The benchmarks' own logic: who is judged by which target, and that every workload has what the runner asks of it."""

import importlib
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture(scope="module", autouse=True)
def importable():
    before = set(sys.modules)
    sys.path.insert(0, str(FOLDER))
    yield
    sys.path.remove(str(FOLDER))
    for name in set(sys.modules) - before:
        if str(getattr(sys.modules[name], "__file__", "")).startswith(str(FOLDER)):
            del sys.modules[name]


def load(name):
    return importlib.import_module(name)


def judged(limit, **seconds):
    """peer -> (target, met) for ours of 1 s."""
    answers = {"hornbeam": 1.0, **{name.replace("_", "-"): s for name, s in seconds.items()}}
    best_of = {name: {"measured": {"step_s": s}, "versions": {}} for name, s in answers.items()}
    rows = load("run").rows_of("some", [load("workload").Claim("step_s", "a step", limit)], best_of)
    return {row["beside"]: (row["target"], row["met"]) for row in rows}


def test_a_target_beside_keras_holds_for_all_its_engines():
    found = judged({"keras": 0.5, "torch": 0.2}, keras_jax=4.0, keras_tensorflow=1.5, torch=10.0, jax_by_hand=0.1)
    assert found["keras-jax"] == ("0.5", "yes")
    assert found["keras-tensorflow"] == ("0.5", "no")
    assert found["torch"] == ("0.2", "yes")
    assert found["jax-by-hand"] == ("", "")


def test_a_target_beside_one_engine_goes_before():
    found = judged({"keras": 0.5, "keras-jax": 0.1}, keras_jax=4.0, keras_torch=4.0)
    assert found == {"keras-jax": ("0.1", "no"), "keras-torch": ("0.5", "yes")}


def test_each_machine_renews_its_own_rows(tmp_path, monkeypatch):
    results, claim = load("results"), load("workload").Claim("step_s", "a step", 0.5)
    monkeypatch.setattr(results, "FILE", tmp_path / "RESULTS.md")
    for machine, seconds in (("B", 1.0), ("A", 2.0), ("B", 3.0)):
        monkeypatch.setattr(results, "machine", lambda name=machine: name)
        results.update([results.row("some", claim, seconds, 10.0, "torch", {})], ["some"])
    assert [(row["machine"], row["ours"]) for row in results.read()] == [("A", "2 s"), ("B", "3 s")]


@pytest.mark.parametrize(
    ("words", "name"), [("flags : fpu avx avx2 avx512f", " AVX-512"), ("flags : fpu avx avx2", " AVX2"), ("", "")]
)
def test_a_machine_is_named_by_its_vectors(words, name, tmp_path, monkeypatch):
    results = load("results")
    monkeypatch.setattr(results, "CPUINFO", tmp_path / "cpuinfo")
    results.CPUINFO.write_text(words)
    monkeypatch.setattr(results.platform, "machine", lambda: "x86_64")
    assert f" cores x86-64{name}" in results.machine().partition(",")[0]


def test_workloads_have_what_the_runner_asks():
    workload = load("workload")
    for name in load("run").WORKLOADS:
        file = load(name)
        assert file.RUNS >= 1, name
        assert all(isinstance(claim, workload.Claim) for claim in file.CLAIMS), name
        assert file.__doc__, name
        limits = [claim.limit for claim in file.CLAIMS if isinstance(claim.limit, dict)]
        for peer in load("peers").PEERS:
            wanted = any(peer.name in limit for limit in limits)
            assert not wanted or hasattr(file, peer.function), f"{name} has a target beside {peer.name}"


def test_smoke_sizes(monkeypatch):
    size = load("workload").size
    assert size(60_000, smoke=10) == 60_000
    monkeypatch.setenv("BENCHMARK_SMOKE", "1")
    assert size(60_000, smoke=10) == 10


def test_reviews_have_the_shape_the_documents_tell(monkeypatch):
    sentiment = load("sentiment")
    x, y = sentiment.data(2_000)
    lengths = (x > 0).sum(1)
    assert lengths.min() >= 1
    assert lengths.max() == sentiment.TIME == x.shape[1]
    assert 22 < sorted(lengths)[1_000] < 32
    # Padded in front, and nowhere else.
    assert all((row[sentiment.TIME - n :] > 0).all() for row, n in zip(x, lengths, strict=True))
    assert x.max() < sentiment.VOCABULARY
    # Zipf: the first word is met twice as often as the second, ten times as often as the tenth.
    counts = [(x == word).sum() for word in (1, 2, 10)]
    assert 1.7 < counts[0] / counts[1] < 2.3
    assert 8 < counts[0] / counts[2] < 12.5
    assert 0.4 < y[:, 0].mean() < 0.6


def test_steps_of_plots_have_one_quantity_that_grows():
    growth = load("growth")
    for name, (_, values) in growth.SWEEPS.items():
        if name in ("folds", "devices"):
            continue
        forms = [growth.form(name, value) for value in values]
        for one, other in zip(forms, forms[1:]):
            assert sum(a != b for a, b in zip(one, other)) == 1, name
    assert 100 in growth.SWEEPS["depth"][1]
    assert growth.SWEEPS["devices"][1] == (1, 2, 4, 8)
