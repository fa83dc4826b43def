"""Measure how the time of a step grows, with Hornbeam and its peers by turns, and draw it: benchmarks/plots/*.png.

python benchmarks/plots.py                       all quantities, all installed peers
python benchmarks/plots.py depth vocabulary      some of them
python benchmarks/plots.py --draw                draw again what plots/growth.json holds, measure nothing
python benchmarks/plots.py --smoke               two values of each, nothing kept
"""

import argparse
import dataclasses
import datetime
import json
import os
import sys
from pathlib import Path

import growth
import results
import run
from peers import OURS, PEERS

FOLDER = Path(__file__).resolve().parent / "plots"
NUMBERS = FOLDER / "growth.json"
TITLES = {
    "batch": "rows in a batch",
    "width": "width of the layers",
    "depth": "number of layers",
    "length": "words in a row",
    "vocabulary": "words in the vocabulary",
    "folds": "number of folds",
    "devices": "simulated devices (one CPU's cores)",
}
COLOURS = {"hornbeam": "#1b7837", "keras-jax": "#762a83", "keras-tensorflow": "#e08214", "keras-torch": "#2166ac",
           "torch": "#b2182b"}  # fmt: skip


def variants(name, peer):
    """The peer as a sweep starts it: once, or once for each number of devices."""
    if name != "devices":
        return [peer]
    values = growth.SWEEPS[name][1]
    values = values[:2] if os.environ.get("BENCHMARK_SMOKE") else values
    if peer is OURS:
        return [with_variable(peer, "HORNBEAM_CPU_DEVICES", str(n)) for n in values]
    if peer.name == "keras-jax":
        return [with_variable(peer, "XLA_FLAGS", f"--xla_force_host_platform_device_count={n}") for n in values]
    return []  # the others have no devices of this kind


def with_variable(peer, name, value):
    return dataclasses.replace(peer, environment={**peer.environment, name: value})


def measure(name, peers, runs, timeout_s):
    """{'points': {peer: {value: seconds}}, 'date', 'machine', 'versions'}; each point the least of the runs."""
    os.environ["BENCHMARK_SWEEP"] = name
    points, versions = {}, {}
    for number in range(runs):
        for peer in peers:
            for variant in variants(name, peer):
                print(f"{name}: run {number + 1} of {runs}, {peer.name}", file=sys.stderr, flush=True)
                answer = run.run_once("growth", variant, number == 0, timeout_s)
                if "error" in answer:
                    print(f"{name} failed with {peer.name}:\n{answer['error']}", file=sys.stderr)
                    continue
                versions |= answer["versions"]
                for value, seconds in answer["measured"].items():
                    least = points.setdefault(peer.name, {})
                    least[value[:-2]] = min(seconds, least.get(value[:-2], seconds))
    about = {"date": datetime.date.today().isoformat(), "machine": results.machine(), "versions": versions}
    return {"points": {peer: found for peer, found in points.items() if found}} | about


def draw(name, found, folder):
    """One picture; both axes are logarithmic."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(6, 4), dpi=120)
    for peer, points in found["points"].items():
        values = sorted(map(int, points))
        axes.plot(values, [points[str(v)] * 1e3 for v in values], marker="o", markersize=4, label=peer,
                  color=COLOURS.get(peer), linewidth=2.5 if peer == OURS.name else 1.2)  # fmt: skip
    ticks = sorted({int(v) for points in found["points"].values() for v in points})
    axes.set(xscale="log", yscale="log", xlabel=TITLES[name], ylabel="milliseconds a step")
    axes.set_xticks(ticks, [f"{tick:,}".replace(",", " ") for tick in ticks])
    axes.minorticks_off()
    axes.set_title(f"{growth.SWEEPS[name][0]}\n{found['machine']}, {found['date']}", fontsize=9)
    axes.grid(alpha=0.3)
    axes.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(folder / f"{name}.png", metadata={"Software": None})
    pyplot.close(figure)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("quantities", nargs="*", metavar="quantity", help=", ".join(growth.SWEEPS))
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--peers", nargs="*", metavar="peer", help="the installed ones, if not given")
    parser.add_argument("--install", action="store_true", help="install the peers first")
    parser.add_argument("--timeout-s", type=float, default=900, help="the longest a run may take (default 900)")
    parser.add_argument("--draw", action="store_true", help="draw what was measured before")
    parser.add_argument("--smoke", action="store_true", help="two values each, one run, nothing kept")
    arguments = parser.parse_args()
    names = arguments.quantities or list(growth.SWEEPS)
    if unknown := set(names) - set(growth.SWEEPS):
        parser.error(f"no quantity {', '.join(sorted(unknown))}; there are {', '.join(growth.SWEEPS)}")
    if arguments.smoke:
        os.environ["BENCHMARK_SMOKE"] = "1"

    wanted = [p for p in PEERS if hasattr(growth, p.function) and p.name in (arguments.peers or [p.name])]
    for peer in wanted if arguments.install else []:
        peer.install()
    kept = json.loads(NUMBERS.read_text(encoding="utf-8")) if NUMBERS.exists() else {}
    FOLDER.mkdir(exist_ok=True)
    for name in names:
        if not arguments.draw:
            peers = [OURS, *(p for p in wanted if p.installed())]
            kept[name] = measure(name, peers, 1 if arguments.smoke else arguments.runs, arguments.timeout_s)
        if arguments.smoke:
            print(name, json.dumps(kept[name]["points"]))
            continue
        if name in kept:
            NUMBERS.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
            draw(name, kept[name], FOLDER)


if __name__ == "__main__":
    main()
