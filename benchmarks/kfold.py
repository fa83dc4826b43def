"""Cross-validation of a small regression: 4 folds of 100 epochs, batch 1, the folds' curves kept, as textbooks do it.

The others run the loop that textbooks print: for each fold a new model and a `fit` with the fold as validation data.
Compiling belongs to the work, since every run of such a script pays for it.
"""

import numpy as np

import tiny
import workload

CLAIMS = [workload.Claim("k_fold_s", "4 folds x 100 epochs, 13-64-64-1, batch 1, RMSprop, 404 rows", {"keras": 0.03})]
RUNS = 2

FOLDS, EPOCHS = 4, workload.size(100, smoke=2)


def measure(library, first):
    library.utils.set_random_seed(0)
    x, y = tiny.data()
    run = ours if hasattr(library, "validation") else by_hand
    run(library, x[:40], y[:40], 1)  # what a process does once
    losses = []
    seconds = workload.least_seconds(lambda: losses.append(run(library, x, y, EPOCHS)), times=2 if run is ours else 1)
    return {"k_fold_s": seconds, "loss": losses[-1]}


def ours(library, x, y, epochs, folds=FOLDS):
    found = library.validation.k_fold(
        lambda: tiny.build(library), x, y, k=folds, epochs=epochs, batch_size=1, shuffle=False, shuffle_epochs=False,
        verbose=0,
    )  # fmt: skip
    return float(found.curves["loss"][-1])


def by_hand(library, x, y, epochs, folds=FOLDS):
    size, histories = len(x) // folds, []
    for fold in range(folds):
        held_out = np.arange(fold * size, (fold + 1) * size)
        model = tiny.build(library)
        history = model.fit(
            np.delete(x, held_out, axis=0), np.delete(y, held_out, axis=0), epochs=epochs, batch_size=1, verbose=0,
            shuffle=False, validation_data=(x[held_out], y[held_out]),
        )  # fmt: skip
        histories.append(history.history)
    return float(np.mean([history["loss"][-1] for history in histories]))


if __name__ == "__main__":
    workload.main(measure)
