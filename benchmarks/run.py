"""Run the workloads with Hornbeam and its peers by turns, print the table and renew RESULTS.md.

python benchmarks/run.py                     all workloads, all installed peers
python benchmarks/run.py mlp --runs 3        one workload
python benchmarks/run.py --install           make the peers' virtual environments first
python benchmarks/run.py --check             end with status 1 when a target is missed
python benchmarks/run.py --smoke             does every workload run? tiny sizes, one run, nothing written
"""

import argparse
import dataclasses
import importlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import results
from peers import OURS, PEERS, Peer

HERE = Path(__file__).resolve().parent
WORKLOADS = ["mlp", "tiny", "kfold", "imdb", "cnn", "bilstm", "bilstm_350k", "sentiment", "resnet50", "predict_one",
             "cold_start", "import_time", "build", "memory", "gru", "conv1d", "separable", "layer_by_layer",
             "image_models", "ways_of_use", "saving", "vocabulary", "text_preprocessing", "padding"]  # fmt: skip

# What would change the work of one library and not of the other: nobody's shell settings belong in the table.
DROPPED = ("GLIBC_", "HORNBEAM_", "JAX_", "KERAS_", "LD_", "MALLOC_", "MKL_", "NPROC", "OMP_", "OPENBLAS_", "PJRT_",
           "PYTHON", "TF_", "XLA_")  # fmt: skip


def run_once(workload: str, peer: Peer, first: bool, timeout_s: float) -> dict:
    """Run a workload with one library in a process of its own; return what it measured, or its error."""
    with tempfile.TemporaryDirectory() as settings:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(DROPPED)}
        environment |= {"KERAS_HOME": settings, **peer.environment}
        command = [str(peer.python), str(HERE / f"{workload}.py"), peer.module, "--function", peer.function]
        try:
            done = subprocess.run(
                command + ["--first"] * first,
                env=environment,
                cwd=settings,
                capture_output=True,
                text=True,
                timeout=timeout_s,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"took longer than {timeout_s:g} s"}
    if done.returncode:
        return {"error": done.stderr.strip()[-2000:]}
    return json.loads(done.stdout.splitlines()[-1])


def run_by_turns(workload: str, peers: list[Peer], runs: int, timeout_s: float) -> dict[str, dict]:
    """Run a workload `runs` times with every library, one after the other, and keep the best of each measure.

    The load of a machine changes over minutes. Taken by turns, all libraries meet the same changes.
    """
    answers = {peer.name: [] for peer in peers}
    for number in range(runs):
        for peer in peers:
            print(f"{workload}: run {number + 1} of {runs}, {peer.name}", file=sys.stderr, flush=True)
            answer = run_once(workload, peer, number == 0, timeout_s)
            answers[peer.name].append(answer)
            if "error" in answer:
                print(f"{workload} failed with {peer.name}:\n{answer['error']}", file=sys.stderr)
                peers = [other for other in peers if other is not peer]
    return {name: best(list_) for name, list_ in answers.items() if not any("error" in answer for answer in list_)}


def best(answers: list[dict]) -> dict:
    """The shortest times and the largest amounts of memory of several runs."""
    kept = {}
    for measure in dict.fromkeys(name for answer in answers for name in answer["measured"]):
        values = [answer["measured"][measure] for answer in answers if measure in answer["measured"]]
        kept[measure] = max(values) if measure.endswith("_bytes") else min(values)
    return {"measured": kept, "versions": answers[0]["versions"]}


def rows_of(workload: str, claims: list, best_of: dict[str, dict]) -> list[dict[str, str]]:
    """Turn what was measured into lines of the table."""
    ours = best_of[OURS.name]
    rows = []
    for claim in claims:
        if claim.beside is None or claim.beside in ours["measured"]:
            theirs = ours["measured"].get(claim.beside)
            beside = claim.beside_title or "nothing"
            rows.append(results.row(workload, claim, ours["measured"][claim.measure], theirs, beside, ours["versions"]))
            continue
        for name, theirs in best_of.items():
            if name == OURS.name or claim.measure not in theirs["measured"]:
                continue
            # Targets are set against some peers; the others are shown beside them.
            limits = claim.limit if isinstance(claim.limit, dict) else {claim.beside: claim.limit}
            family = "keras" if name.startswith("keras-") else name
            judged = dataclasses.replace(claim, limit=limits.get(name, limits.get(family)))
            numbers = ours["measured"][claim.measure], theirs["measured"][claim.measure]
            rows.append(results.row(workload, judged, *numbers, name, ours["versions"] | theirs["versions"]))
    return rows


def warn_of_other_work(workload: str, best_of: dict[str, dict]) -> None:
    """Losses that lie far apart mean that the libraries did not do the same work."""
    losses = {name: answer["measured"]["loss"] for name, answer in best_of.items() if "loss" in answer["measured"]}
    if losses and max(losses.values()) > 2 * min(losses.values()):
        print(f"{workload}: the losses differ, so the work may: {losses}", file=sys.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", metavar="workload", help=", ".join(WORKLOADS))
    parser.add_argument("--runs", type=int, help="runs of each workload (each has its own default)")
    parser.add_argument("--peers", nargs="*", metavar="peer", help=", ".join(peer.name for peer in PEERS))
    parser.add_argument("--install", action="store_true", help="install the peers first")
    parser.add_argument("--timeout-s", type=float, default=900, help="the longest a run may take (default 900)")
    parser.add_argument("--dry", action="store_true", help="leave RESULTS.md alone")
    parser.add_argument("--smoke", action="store_true", help="tiny sizes, one run, RESULTS.md left alone")
    parser.add_argument("--check", action="store_true", help="end with status 1 when a target is missed")
    arguments = parser.parse_args()

    unknown = set(arguments.workloads) - set(WORKLOADS)
    if unknown:
        parser.error(f"no workload {', '.join(sorted(unknown))}; there are {', '.join(WORKLOADS)}")
    wanted = [peer for peer in PEERS if arguments.peers is None or peer.name in arguments.peers]
    for peer in wanted if arguments.install else []:
        peer.install()
    missing = [peer.name for peer in wanted if not peer.installed()]
    if missing:
        print(f"not installed, so left out: {', '.join(missing)} (--install makes them)", file=sys.stderr)
    present = [peer for peer in wanted if peer.installed()]

    if arguments.smoke:
        os.environ["BENCHMARK_SMOKE"] = "1"
        arguments.runs, arguments.dry = 1, True

    rows, failed = [], False
    for name in arguments.workloads or WORKLOADS:
        file = importlib.import_module(name)
        able = [OURS] + [peer for peer in present if hasattr(file, peer.function)]
        best_of = run_by_turns(name, able, arguments.runs or file.RUNS, arguments.timeout_s)
        failed |= len(best_of) < len(able)
        if OURS.name not in best_of:
            continue
        warn_of_other_work(name, best_of)
        new = rows_of(name, file.CLAIMS, best_of)
        rows += new
        if not arguments.dry:
            results.update(new, WORKLOADS)

    if rows:
        results.show(rows)
    missed = any(row["met"] == "no" for row in rows)
    return 1 if failed or arguments.check and missed else 0


if __name__ == "__main__":
    sys.exit(main())
