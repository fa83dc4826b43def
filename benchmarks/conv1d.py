"""Convolutions over word ids: vocabulary 20 000, 100 words, batches of 100.

What counts is the time of one step once everything is compiled.
"""

import numpy as np

import workload

LIMITS = {"keras-jax": 1.0, "keras-tensorflow": 1.0, "keras-torch": 1.0}
CLAIMS = [workload.Claim("step_s", "one step, Embedding 20 000 x 256, two Conv1D(128, 5), T 100, batch 100", LIMITS)]
RUNS = 3

STEPS, BATCH, TIME, VOCABULARY = workload.size(20, smoke=1), 100, 100, 20_000


def data():
    random = np.random.default_rng(0)
    x = random.integers(1, VOCABULARY, (STEPS * BATCH, TIME)).astype("int32")
    return x, np.eye(2, dtype=np.float32)[random.integers(0, 2, len(x))]


def build(library):
    layers = library.layers
    model = library.models.Sequential()
    model.add(library.layers.Input((TIME,), dtype="int32"))
    model.add(layers.Embedding(VOCABULARY, 256))
    model.add(layers.Conv1D(128, 5, activation="relu"))
    model.add(layers.MaxPooling1D(2))
    model.add(layers.Conv1D(128, 5, activation="relu"))
    model.add(layers.GlobalMaxPooling1D())
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(2, activation="softmax"))
    # Keras 3 adds epsilon under the root, the classics beside it: nearly the same rule for both.
    epsilon = 1e-7 if library.__name__ == "keras" else 3e-4
    optimizer = library.optimizers.RMSprop(learning_rate=0.001, epsilon=epsilon)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


def measure(library, first):
    library.utils.set_random_seed(0)
    x, y = data()
    step_s, loss = workload.training_step_s(build(library), x, y, BATCH, times=3)
    return {"step_s": step_s, "loss": loss}


if __name__ == "__main__":
    workload.main(measure)
