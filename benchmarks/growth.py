"""How the time of a training step grows with one quantity while all others stay: what `plots.py` draws.

The variable BENCHMARK_SWEEP names the quantity. Run by hand: BENCHMARK_SWEEP=depth python benchmarks/growth.py hornbeam
"""

import os
import sys

import numpy as np

import kfold
import tiny
import workload

# Quantity -> (what stays, its values). The last sweep takes one value a process, since devices are made at the start.
SWEEPS = {
    "batch": ("256-256-256-10, RMSprop", (1, 4, 16, 64, 256, 1024)),
    "width": ("two hidden layers, batch 32, RMSprop", (32, 64, 128, 256, 512, 1024, 2048)),
    "depth": ("hidden layers of 64, batch 32, RMSprop", (1, 3, 10, 30, 100)),
    "length": ("Embedding 10 000 x 64, LSTM(64), batch 32, RMSprop", (10, 20, 50, 100, 200, 500)),
    "vocabulary": ("Embedding x 64, LSTM(64), 50 words, batch 32, RMSprop", (1_000, 10_000, 100_000, 1_000_000)),
    "folds": ("13-64-64-1, batch 1, 5 epochs, compiling included", (2, 4, 8, 16)),
    "devices": ("LSTM(64), 50 words, batch 64 in all, RMSprop", (1, 2, 4, 8)),
}
FOLD_EPOCHS = 5


def sweep():
    """Name and values of the one to measure."""
    name = os.environ["BENCHMARK_SWEEP"]
    values = SWEEPS[name][1]
    return name, values[: workload.size(len(values), smoke=2)]


def form(name, value):
    """(rows a batch, width, depth, length, vocabulary) at one point of a sweep."""
    fixed = {"batch": 32, "width": 64, "depth": 2, "length": 50, "vocabulary": 10_000} | {name: value}
    if name == "batch":
        fixed["width"] = 256
    if name == "devices":
        fixed["batch"] = 64
    return tuple(fixed[key] for key in ("batch", "width", "depth", "length", "vocabulary"))


def data(name, value):
    """(x, one-hot y, rows a batch): steps enough for what surrounds them to count little."""
    batch, width, _, length, vocabulary = form(name, value)
    random = np.random.default_rng(0)
    words = name in ("length", "vocabulary", "devices")
    rows = batch * workload.size(8 if words else 100, smoke=2)
    x = (
        random.integers(1, vocabulary, (rows, length)).astype("int32")
        if words
        else random.random((rows, width), dtype=np.float32)
    )
    return x, np.eye(10, dtype=np.float32)[random.integers(0, 10, rows)], batch


def build(library, name, value):
    _, width, depth, length, vocabulary = form(name, value)
    layers = library.layers
    model = library.models.Sequential()
    if name in ("length", "vocabulary", "devices"):
        model.add(layers.Input((length,), dtype="int32"))
        model.add(layers.Embedding(vocabulary, 64))
        model.add(layers.LSTM(64, recurrent_activation="sigmoid"))
    else:
        model.add(layers.Input((width,)))
        for _ in range(depth):
            model.add(layers.Dense(width, activation="relu"))
    model.add(layers.Dense(10, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=library.optimizers.RMSprop(learning_rate=0.001))
    return model


def step_s(fit, rows, batch):
    epoch_s, _ = workload.epochs_s(fit, epochs=1, times=workload.size(4, smoke=1))
    return epoch_s / (rows // batch)


def measure(library, first):
    library.utils.set_random_seed(0)
    name, values = sweep()
    if name == "folds":
        return {f"{folds}_s": fold_step_s(library, folds) for folds in values}
    if name == "devices":
        values = (spread_over_devices(library),)
    measured = {}
    for value in values:
        x, y, batch = data(name, value)
        fit = workload.model_fit(build(library, name, value), x, y, batch)
        measured[f"{value}_s"] = step_s(fit, len(x), batch)
    return measured


def spread_over_devices(library):
    """Number of devices that this process has; Keras is told to use them."""
    import jax

    devices = jax.local_device_count()
    if library.__name__ == "keras" and devices > 1:
        library.distribution.set_distribution(library.distribution.DataParallel())
    return devices


def fold_step_s(library, folds):
    """Seconds a training step of a whole validation."""
    x, y = tiny.data()
    rows = workload.size(160, smoke=32)
    run = kfold.ours if hasattr(library, "validation") else kfold.by_hand
    if folds == SWEEPS["folds"][1][0]:
        run(library, x[:rows], y[:rows], 1, folds)  # what a process does once
    seconds = workload.seconds(lambda: run(library, x[:rows], y[:rows], FOLD_EPOCHS, folds))
    return seconds / (folds * FOLD_EPOCHS * (rows - rows // folds))


def measure_torch(torch, first):
    import torch_by_hand as by_hand

    name, values = sweep()
    if name in ("folds", "devices"):
        return {}
    nn, measured = torch.nn, {}
    for value in values:
        x, y, batch = data(name, value)
        _, width, depth, _, vocabulary = form(name, value)
        if name in ("length", "vocabulary"):
            model = nn.Sequential(nn.Embedding(vocabulary, 64), by_hand.LastState(64, 64), nn.Linear(64, 10))
        else:
            hidden = [layer for _ in range(depth) for layer in (nn.Linear(width, width), nn.ReLU())]
            model = nn.Sequential(*hidden, nn.Linear(width, 10))
        x, y = by_hand.tensors(x, y.argmax(1))
        optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=1e-7)
        fit = by_hand.trainer(model, optimizer, nn.CrossEntropyLoss(), x, y, batch, lambda outputs, targets: 0)
        measured[f"{value}_s"] = step_s(fit, len(x), batch)
    return measured


if __name__ == "__main__":
    if "BENCHMARK_SWEEP" not in os.environ:
        sys.exit(f"BENCHMARK_SWEEP must name what grows: {', '.join(SWEEPS)}.")
    workload.main(measure)
