"""A dense network on 60 000 rows of 784 numbers, as everybody trains it on MNIST: batches of 32, Adagrad.

What counts is the time of one epoch once everything is compiled.
"""

import numpy as np

import workload

LIMITS = {"keras": 0.55, "torch": 0.35}
CLAIMS = [workload.Claim("epoch_s", "one epoch, 784-512-512-10, batch 32, Adagrad, 60 000 rows", LIMITS)]
RUNS = 3

ROWS, BATCH = workload.size(60_000, smoke=330), 32


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
    return timed(workload.model_fit(build(library), x, y, BATCH))


def timed(fit):
    epoch_s, loss = workload.epochs_s(fit, epochs=2, times=2)
    return {"epoch_s": epoch_s, "loss": loss}


def measure_torch(torch, first):
    import torch_by_hand as by_hand

    torch.manual_seed(0)
    nn = torch.nn
    x, y = data()
    x, y = by_hand.tensors(x, y.argmax(1))
    model = nn.Sequential(nn.Linear(784, 512), nn.ReLU(), nn.Linear(512, 512), nn.ReLU(), nn.Linear(512, 10))
    optimizer = torch.optim.Adagrad(model.parameters(), lr=0.003, eps=1e-7)
    return timed(by_hand.trainer(model, optimizer, nn.CrossEntropyLoss(), x, y, BATCH, by_hand.correct))


def measure_jax(jax, first):
    import jax_by_hand as by_hand

    def loss_of(w, x, y, key):
        x = jax.nn.relu(x @ w["kernel_1"] + w["bias_1"])
        x = jax.nn.relu(x @ w["kernel_2"] + w["bias_2"])
        return by_hand.class_loss(x @ w["kernel_3"] + w["bias_3"], y)

    sizes = (784, 512, 512, 10)
    weights = by_hand.drawn(
        {f"kernel_{i}": sizes[i - 1 : i + 1] for i in (1, 2, 3)} | {f"bias_{i}": sizes[i : i + 1] for i in (1, 2, 3)}
    )
    return timed(by_hand.trainer(loss_of, weights, by_hand.adagrad(0.003), *data(), BATCH))


if __name__ == "__main__":
    workload.main(measure)
