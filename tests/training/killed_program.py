"""A program that trains, is killed, and is started again: `python killed_program.py FOLDER SECONDS`.

Everything that could differ is in it: arrays, a Sequence, a generator, dropout, statistics of batches, EarlyStopping,
ReduceLROnPlateau, a callback that counts, a CSV file. SIGKILL comes so many seconds after the first step (0: never).
When all is done, result.npz holds the weights and result.json the history.
"""

import json
import os
import signal
import sys
import threading
import time

import numpy as np

from hornbeam import layers, utils
from hornbeam.callbacks import BackupAndRestore, Callback, CSVLogger, EarlyStopping, ReduceLROnPlateau
from hornbeam.models import Sequential

FOLDER, KILL_AFTER_S = sys.argv[1], float(sys.argv[2])


class Clock(Callback):
    """Starts the killer's clock at the first step, and counts batches, which must survive too."""

    began = 0.0

    def __init__(self):
        self.batches = 0
        self.drawn = []

    def on_batch_end(self, batch, logs=None):
        self.batches += 1
        if not Clock.began:
            Clock.began = time.perf_counter()
            if KILL_AFTER_S:
                threading.Thread(target=kill, daemon=True).start()

    def on_epoch_end(self, epoch, logs=None):
        logs["batches"] = self.batches
        logs["drawn"] = np.random.rand()  # what the program draws itself must go on, too


def kill():
    time.sleep(KILL_AFTER_S)
    os.kill(os.getpid(), signal.SIGKILL)


class Numbers(utils.Sequence):
    """Batches in an order that changes after every epoch."""

    def __init__(self, x, y):
        self.x, self.y = x, y
        self.order = np.arange(len(x))

    def __len__(self):
        return 5

    def __getitem__(self, index):
        rows = self.order[index * 8 : index * 8 + 8]
        return self.x[rows], self.y[rows]

    def on_epoch_end(self):
        np.random.shuffle(self.order)


def endless(x, y):
    """A generator that draws from a source of its own."""
    draw = np.random.RandomState(3)
    while True:
        rows = draw.randint(0, len(x), 8)
        yield x[rows], y[rows]


def net():
    model = Sequential([
        layers.Dense(8, activation="relu", input_shape=(4,)), layers.BatchNormalization(), layers.Dropout(0.3),
        layers.Dense(1),
    ])  # fmt: skip
    model.compile("adam", "mse", metrics=["mae"])
    return model


def main():
    utils.set_random_seed(5)
    x = np.random.rand(48, 4).astype("float32")
    y = x.sum(1, keepdims=True) + np.random.rand(48, 1).astype("float32")
    held = (np.random.rand(16, 4), np.random.rand(16, 1))
    sources = {"array": ((x, y), {"batch_size": 9}), "sequence": ((Numbers(x, y),), {}),
               "generator": ((endless(x, y),), {"steps_per_epoch": 4})}  # fmt: skip
    weights, histories = {}, {}
    model = net()
    for name, (data, options) in sources.items():
        callbacks = [
            Clock(), EarlyStopping(patience=4, restore_best_weights=True), ReduceLROnPlateau(patience=1, factor=0.5),
            CSVLogger(f"{FOLDER}/{name}.csv"),
            BackupAndRestore(f"{FOLDER}/{name}", save_freq=2, delete_checkpoint=False),
        ]  # fmt: skip
        history = model.fit(*data, epochs=5, verbose=0, validation_data=held, callbacks=callbacks, **options)
        histories[name] = history.history
        weights.update({f"{name}{i}": w for i, w in enumerate([*model.get_weights(), *model.optimizer.get_weights()])})
    np.savez(f"{FOLDER}/result.npz", **weights)
    with open(f"{FOLDER}/result.json", "w", encoding="utf-8") as file:
        json.dump({"histories": histories, "seconds": time.perf_counter() - Clock.began}, file)


main()
