"""Reviews as rows of 10 000 zeros and ones, one for each frequent word, into a network of 16-16-1: batches of 512.

The network is next to nothing beside its inputs: what is measured is how wide rows come to where they are needed.
"""

import numpy as np

import workload

TITLE = "one epoch, 10 000-16-16-1, multi-hot rows, batch 512, RMSprop, 15 000 rows"
CLAIMS = [workload.Claim("epoch_s", TITLE, {"keras": 0.9, "torch": 0.9})]
RUNS = 3

ROWS, WORDS, BATCH = workload.size(15_000, smoke=600), 10_000, 512


def data():
    """Reviews of about 230 words, and a verdict that depends on them."""
    random = np.random.default_rng(0)
    x = np.zeros((ROWS, WORDS), np.float32)
    for row in x:
        row[np.minimum(random.zipf(1.2, random.poisson(230)), WORDS) - 1] = 1
    verdict = x @ random.standard_normal((WORDS, 1), dtype=np.float32)
    return x, (verdict > np.median(verdict)).astype(np.float32)


def build(library):
    Dense = library.layers.Dense
    model = library.models.Sequential()
    model.add(Dense(16, activation="relu", input_shape=(WORDS,)))
    model.add(Dense(16, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    # Keras 3 adds epsilon under the root, the classics beside it: nearly the same rule for both.
    epsilon = 1e-7 if library.__name__ == "keras" else 3e-4
    optimizer = library.optimizers.RMSprop(learning_rate=0.001, epsilon=epsilon)
    model.compile(loss="binary_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


def measure(library, first):
    library.utils.set_random_seed(0)
    return timed(workload.model_fit(build(library), *data(), BATCH))


def timed(fit):
    epoch_s, loss = workload.epochs_s(fit, epochs=2, times=3)
    return {"epoch_s": epoch_s, "loss": loss}


def measure_torch(torch, first):
    import torch_by_hand as by_hand

    torch.manual_seed(0)
    nn = torch.nn
    x, y = by_hand.tensors(*data())
    model = nn.Sequential(nn.Linear(WORDS, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=3e-4)

    def correct(outputs, targets):
        return ((outputs > 0) == (targets > 0.5)).sum()

    return timed(by_hand.trainer(model, optimizer, nn.BCEWithLogitsLoss(), x, y, BATCH, correct))


if __name__ == "__main__":
    workload.main(measure)
