"""A small regression one row at a time, as with the Boston house prices: 404 rows of 13 numbers, batch 1, RMSprop.

The arithmetic of a step is next to nothing, so this measures what a step and what a call of `fit` cost by themselves.
"""

import numpy as np

import workload

CLAIMS = [
    workload.Claim("epoch_in_20_s", "one epoch in a fit of 20, 13-64-64-1, batch 1, RMSprop, 404 rows",
                   {"keras": 0.03, "torch": 0.02}),
    workload.Claim("epoch_in_1_s", "the same in fits of one epoch", {"keras-jax": 0.15}),
]  # fmt: skip
RUNS = 3

ROWS = workload.size(404, smoke=40)


def data():
    random = np.random.default_rng(0)
    x = random.standard_normal((ROWS, 13), dtype=np.float32)
    return x, x @ random.standard_normal((13, 1), dtype=np.float32) + 20


def build(library):
    Dense = library.layers.Dense
    model = library.models.Sequential()
    model.add(Dense(64, activation="relu", input_shape=(13,)))
    model.add(Dense(64, activation="relu"))
    model.add(Dense(1))
    model.compile(loss="mse", optimizer=library.optimizers.RMSprop(learning_rate=0.001, rho=0.9), metrics=["mae"])
    return model


def measure(library, first):
    library.utils.set_random_seed(0)
    x, y = data()
    return timed(workload.model_fit(build(library), x, y, 1))


def timed(fit):
    # The same number of epochs for every library before its loss is compared.
    loss = fit(20)
    fit(1)
    return {
        "epoch_in_20_s": workload.least_seconds(lambda: fit(20), times=3) / 20,
        "epoch_in_1_s": workload.least_seconds(lambda: fit(1), times=20),
        "loss": loss,
    }


def measure_torch(torch, first):
    import torch_by_hand as by_hand

    torch.manual_seed(0)
    nn = torch.nn
    x, y = by_hand.tensors(*data())
    model = nn.Sequential(nn.Linear(13, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 1))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=1e-7)

    def absolute(outputs, targets):
        return (outputs - targets).abs().sum()

    return timed(by_hand.trainer(model, optimizer, nn.MSELoss(), x, y, 1, absolute))


if __name__ == "__main__":
    workload.main(measure)
