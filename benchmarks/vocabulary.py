"""How the time of a step grows with the vocabulary: a bidirectional LSTM over 20 000 and over 2 000 000 words.

The models train by turns, a short run each, so that both meet the same moods of the machine. The table is 64 wide, so
that the large one and its accumulator take a gigabyte.
"""

import time

import numpy as np

import workload

CLAIMS = [
    workload.Claim("step_2m_s", "one step, Embedding 2 000 000 x 64, BiLSTM(128), T 100, batch 100, RMSprop", 1.10,
                   "step_20k_s", "the same, 20 000 words"),
    workload.Claim("pooled_2m_s", "one step, Embedding 2 000 000 x 64 and its mean, T 100, batch 100, RMSprop", None,
                   "pooled_20k_s", "the same, 20 000 words"),
]  # fmt: skip
RUNS = 2
TIMES = workload.size(12, smoke=1)

SIZES = {"20k": workload.size(20_000, smoke=200), "2m": workload.size(2_000_000, smoke=20_000)}
BATCH, TIME, WIDTH = 100, 100, 64


def data(words, steps):
    random = np.random.default_rng(0)
    x = random.integers(1, words, (steps * BATCH, TIME)).astype("int32")
    return x, np.eye(2, dtype=np.float32)[random.integers(0, 2, len(x))]


def build(library, words, recurrent):
    layers = library.layers
    model = library.models.Sequential()
    model.add(layers.Input((TIME,), dtype="int32"))
    model.add(layers.Embedding(words, WIDTH))
    model.add(layers.Bidirectional(layers.LSTM(128)) if recurrent else layers.GlobalAveragePooling1D())
    model.add(layers.Dense(2, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer=library.optimizers.RMSprop(learning_rate=0.001))
    return model


def steps_s(library, recurrent, steps, times):
    """Shortest time of a step for each size of the vocabulary, taken by turns."""
    models = {name: (build(library, words, recurrent), *data(words, steps)) for name, words in SIZES.items()}
    found = dict.fromkeys(models, float("inf"))
    for turn in range(times + 1):
        for name, (model, x, y) in models.items():
            start = time.perf_counter()
            model.fit(x, y, batch_size=BATCH, epochs=1, verbose=0, shuffle=False)
            if turn:  # the first compiles
                found[name] = min(found[name], (time.perf_counter() - start) / steps)
    return found


def measure(library, first):
    library.utils.set_random_seed(0)
    measured = {f"step_{name}_s": s for name, s in steps_s(library, True, 4, TIMES).items()}
    measured |= {f"pooled_{name}_s": s for name, s in steps_s(library, False, 20, TIMES).items()}
    return measured


if __name__ == "__main__":
    workload.main(measure)
