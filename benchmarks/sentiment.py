"""The documents' sentiment model on reviews of the documents' shape: 600 000 of them, 10 epochs, from a sample.

Lengths are log-normal, words follow Zipf's law over a vocabulary of 350 000, and a review's verdict is the sum of what
its words say. Rows are padded in front to 100 words. One epoch of a sample of 2 % is timed and multiplied: the time
of a step does not depend on how many there are. The model is that of `bilstm.py`: the documents print relu where it
has softmax, from which this loss is not a number after a few steps.
"""

import numpy as np

import bilstm
import workload

REVIEWS, EPOCHS, SAMPLE = 600_000, 10, 0.02
CLAIMS = [workload.Claim("training_s", "600 000 reviews, 10 epochs, vocabulary 350 000, batch 1 000: from a 2 % sample",
                         {"keras": 0.30, "torch": 0.20})]  # fmt: skip
RUNS = 2

VOCABULARY, TIME = workload.size(350_000, smoke=35_000), bilstm.TIME
BATCH = workload.size(1_000, smoke=120)


def data(rows=None):
    """Rows of word numbers, padded in front with 0, and one-hot verdicts."""
    rows = rows or workload.size(int(REVIEWS * SAMPLE), smoke=240)
    random = np.random.default_rng(0)
    chances = np.cumsum(1 / np.arange(1, VOCABULARY))
    opinions = np.random.default_rng(1).standard_normal(VOCABULARY, dtype=np.float32)
    opinions[0] = 0
    lengths = np.clip(random.lognormal(3.3, 0.8, rows), 1, TIME).astype(int)  # half of them below 27 words
    x = np.zeros((rows, TIME), np.int32)
    for start in range(0, rows, 10_000):
        part = x[start : start + 10_000]
        drawn = 1 + np.searchsorted(chances, random.random(part.shape) * chances[-1]).clip(max=VOCABULARY - 2)
        np.copyto(part, drawn, where=np.arange(TIME) >= TIME - lengths[start : start + 10_000, None])
    verdicts = opinions[x].sum(1) + random.standard_normal(rows)
    return x, np.eye(2, dtype=np.float32)[(verdicts > 0).astype(int)]


def measure(library, first):
    library.utils.set_random_seed(0)
    return timed(workload.model_fit(bilstm.build(library, VOCABULARY), *data(), BATCH))


def timed(fit):
    epoch_s, loss = workload.epochs_s(fit, epochs=1, times=1)
    return {"training_s": epoch_s / SAMPLE * EPOCHS, "loss": loss}


def measure_torch(torch, first):
    return timed(bilstm.torch_fit(torch, *data(), BATCH, VOCABULARY))


if __name__ == "__main__":
    workload.main(measure)
