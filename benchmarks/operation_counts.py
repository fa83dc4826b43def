"""What the compiled programs of training do, counted: operations, bytes and compilations, which do not depend on the
machine's mood.

python benchmarks/operation_counts.py             print the counts beside the recorded ones; status 1 if they differ
python benchmarks/operation_counts.py --record    record them

The networks are those of the workloads of the same names, trained by `fit` or `k_fold` on a few rows. XLA counts the
body of a loop once, so the numbers are those of one step and what goes on around it. They belong to one release of
the compiler: with another one, only the number of programs that train is compared, until all are recorded anew.
"""

import argparse
import importlib.metadata
import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np

FILE = Path(__file__).resolve().with_suffix(".json")
# How far a count may lie above or below the recorded one, as a part of it.
TOLERANCES = {"flops": 0.02, "bytes": 0.10, "training_programs": 0, "compilations": 0}
OF_THE_COMPILER = ("flops", "bytes", "compilations")


def compiler():
    """What most counts depend on."""
    return f"jaxlib {importlib.metadata.version('jaxlib')}"


def count(work):
    """Counts of what is compiled while `work` runs: {'flops', 'bytes', 'training_programs', 'compilations'}.

    `flops` and `bytes` are those of the programs that train.
    """
    from hornbeam import backend as K
    from hornbeam.engines.jax import loop

    costs, compile_function = [], loop.compile_function

    def counted(function, donate=()):
        """`function` compiled once for each form of arguments, as otherwise, and every program's costs noted."""
        import jax

        jitted, programs = compile_function(function, donate=donate), {}

        def run(*arguments):
            leaves, form = jax.tree.flatten(arguments)
            key = (form, *((np.shape(a), getattr(a, "dtype", type(a)), getattr(a, "weak_type", 0)) for a in leaves))
            if key not in programs:
                programs[key] = jitted.lower(*arguments).compile()
                costs.append(programs[key].cost_analysis())
            return programs[key](*arguments)

        return run

    before = len(K.engine.compilations())
    loop.compile_function = counted
    try:
        work()
    finally:
        loop.compile_function = compile_function
    return {
        "flops": sum(cost["flops"] for cost in costs),
        "bytes": sum(cost["bytes accessed"] for cost in costs),
        "training_programs": len(costs),
        "compilations": len(K.engine.compilations()) - before,
    }


def works():
    """Name -> function that trains. Two epochs, and a last batch that is short: neither may cost a compilation."""
    import bilstm
    import cnn
    import hornbeam
    import kfold
    import mlp
    import tiny

    def fit(file, x, y, batch_size):
        hornbeam.utils.set_random_seed(0)
        file.build(hornbeam).fit(x, y, batch_size=batch_size, epochs=2, verbose=0)

    def folds():
        x, y = tiny.data()
        kfold.ours(hornbeam, x[:40], y[:40], 2)

    def rows(file, count):
        x, y = file.data()
        return x[:count], y[:count]

    return {
        "mlp": lambda: fit(mlp, *mlp.data(4 * mlp.BATCH - 5), mlp.BATCH),
        "tiny": lambda: fit(tiny, *rows(tiny, 40), 1),
        "cnn": lambda: fit(cnn, *rows(cnn, 2 * cnn.BATCH - 5), cnn.BATCH),
        "bilstm": lambda: fit(bilstm, *rows(bilstm, 15), 10),
        "kfold": folds,
    }


def measured():
    """Counts of all networks, in an order that does not change: what one compiles, the next may use."""
    return {name: count(work) for name, work in works().items()}


def differences(found, recorded, same_compiler=True):
    """Lines that say which counts left their bounds.

    Args:
        found, recorded: network -> count's name -> number.
        same_compiler: compare also what depends on the compiler.
    """
    lines = [f"{name}: not recorded" for name in found if name not in recorded]
    lines += [f"{name}: recorded, but not measured" for name in recorded if name not in found]
    for name in found.keys() & recorded.keys():
        for key, tolerance in TOLERANCES.items():
            if key in OF_THE_COMPILER and not same_compiler:
                continue
            now, then = found[name][key], recorded[name][key]
            if abs(now - then) > tolerance * then:
                lines.append(f"{name}: {now:.6g} {key} where {then:.6g} are recorded")
    return sorted(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--record", action="store_true", help=f"write {FILE.name}")
    record = parser.parse_args().record
    with tempfile.TemporaryDirectory() as home:
        # Nothing compiled before; one device, whatever this machine has.
        os.environ |= {"HOME": home, "XDG_CACHE_HOME": home, "KERAS_HOME": home}
        os.environ["HORNBEAM_CPU_DEVICES"] = "1"
        found = measured()
    if record:
        FILE.write_text(json.dumps({"compiler": compiler(), "counts": found}, indent=2) + "\n", encoding="utf-8")
    published = json.loads(FILE.read_text(encoding="utf-8"))
    for name, counts in found.items():
        print(name, ", ".join(f"{value:.6g} {key}" for key, value in counts.items()))
    same = published["compiler"] == compiler()
    if not same:
        print(f"Recorded with {published['compiler']}, here is {compiler()}: only training programs are compared.")
    lines = differences(found, published["counts"], same)
    if lines:
        print("\n".join(["The compiled programs have changed:", *lines]))
        print("If that is what was wanted: python benchmarks/operation_counts.py --record, and say why.")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main())
