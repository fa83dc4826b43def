"""`model.predict(x[:1])` in a loop, as a service or a game does it: what a call costs and what many leave behind.

Beside it stands the least that is possible: the same network as one compiled function of its weights, called bare.
"""

import functools
import gc

import numpy as np

import bilstm
import cnn
import mlp
import workload

CLAIMS = [
    workload.Claim("predict_s", "predict one row", limit=2.0, beside="bare_s", beside_title="a bare jitted call"),
    workload.Claim("predict_s", "predict one row", {"keras": 0.25}),
    workload.Claim("cnn_predict_s", "predict one row, the network of cnn", {"keras": 0.25}),
    workload.Claim("bilstm_predict_s", "predict one row, the network of bilstm", {"keras": 0.25}),
    workload.Claim("growth_bytes", "memory kept after 100 000 calls", limit=5e6, beside=None),
    workload.Claim("growth_bytes", "memory kept after 100 000 calls", limit=None),
]
RUNS = 3

CALLS = workload.size(100_000, smoke=100)
BLOCK, BLOCKS = workload.size(200, smoke=10), 20
GROWTH_S = 300  # where so many calls take longer, the memory they keep is not looked for


def bare(model):
    """The model's network written by hand, a function from numpy to numpy."""
    import jax

    weights = [jax.device_put(weight) for weight in model.get_weights()]

    @jax.jit
    def forward(weights, x):
        (kernel_1, bias_1, kernel_2, bias_2, kernel_3, bias_3) = weights
        hidden = jax.nn.relu(x @ kernel_1 + bias_1)
        hidden = jax.nn.relu(hidden @ kernel_2 + bias_2)
        return jax.nn.softmax(hidden @ kernel_3 + bias_3)

    return lambda x: np.asarray(forward(weights, x))


def measure(library, first):
    model = mlp.build(library)
    x, _ = mlp.data(rows=32)
    row = x[:1]

    def calls(function, times):
        for _ in range(times):
            function(row)

    def predict(model):
        return lambda row: model.predict(row, verbose=0)

    works = {"predict_s": predict(model)}
    if library.__name__ == "hornbeam":
        works["bare_s"] = bare(model)
        np.testing.assert_allclose(works["predict_s"](row), works["bare_s"](row), rtol=1e-4)

    # Blocks of calls by turns, so that a busy moment of the machine meets both.
    spent = {name: [] for name in works}
    for _ in range(BLOCKS):
        for name, function in works.items():
            spent[name].append(workload.seconds(lambda function=function: calls(function, BLOCK)) / BLOCK)
    measured = {name: min(times) for name, times in spent.items()}
    for name, file in (("cnn", cnn), ("bilstm", bilstm)):
        one_row = functools.partial(predict(file.build(library)), file.data()[0][:1])
        one_row()
        measured[f"{name}_predict_s"] = workload.least_seconds(one_row, times=BLOCKS * BLOCK // 10)

    if first and measured["predict_s"] * CALLS < GROWTH_S:
        gc.collect()
        before = workload.resident_bytes()
        calls(works["predict_s"], CALLS)
        gc.collect()
        measured["growth_bytes"] = workload.resident_bytes() - before
    return measured


if __name__ == "__main__":
    workload.main(measure)
