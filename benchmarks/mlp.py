"""A dense network on 60 000 rows of 784 numbers, as everybody trains it on MNIST: batches of 32, Adagrad.

What counts is the time of one epoch once everything is compiled.
"""

import numpy as np

import workload

CLAIMS = [workload.Claim("epoch_s", "one epoch, 784-512-512-10, batch 32, Adagrad, 60 000 rows", limit=0.6)]
RUNS = 3

ROWS, BATCH = 60_000, 32


def data(rows=ROWS):
    """Rows whose class depends on them, so that training has something to learn."""
    random = np.random.default_rng(0)
    x = random.random((rows, 784), dtype=np.float32)
    labels = np.argmax((x - 0.5) @ random.standard_normal((784, 10), dtype=np.float32), axis=1)
    return x, np.eye(10, dtype=np.float32)[labels]


def build(library):
    Dense = library.layers.Dense
    model = library.models.Sequential()
    model.add(Dense(512, activation="relu", input_shape=(784,)))
    model.add(Dense(512, activation="relu"))
    model.add(Dense(10, activation="softmax"))
    # Keras 3 starts the accumulator at 0.1 and the classics at 0; the default rates differ by ten. Both get the same.
    start = {"initial_accumulator_value": 0.0} if library.__name__ == "keras" else {}
    optimizer = library.optimizers.Adagrad(learning_rate=0.003, **start)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


def measure(library, first):
    library.utils.set_random_seed(0)
    x, y = data()
    model = build(library)
    model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0)

    epochs = 2
    history = []
    fit_s = workload.least_seconds(
        lambda: history.append(model.fit(x, y, batch_size=BATCH, epochs=epochs, verbose=0)), times=2
    )
    return {"epoch_s": fit_s / epochs, "loss": float(history[-1].history["loss"][-1])}


if __name__ == "__main__":
    workload.main(measure)
