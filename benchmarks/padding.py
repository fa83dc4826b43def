"""A bidirectional LSTM that masks padding, on reviews of log-normal length: training and prediction.

The rows are those of `sentiment.py`: half of them have fewer than 27 words, all are padded in front to 100. The peers
train on the same rows in the same batches; ours also on batches of rows of like length, which the others cannot be
asked for. A prediction's rows are sorted by ours alone, and come back in their own order.
"""

import numpy as np

import bilstm
import sentiment
import workload

BATCH = workload.size(100, smoke=20)
ROWS = workload.size(2_000, smoke=100)

CLAIMS = [
    workload.Claim("bucketed_step_s", "one step, mask_zero, half of the rows below 27 of 100 words, in batches of "
                   "rows of like length", 0.60, "step_s", "in batches as they come"),
    workload.Claim("step_s", "the same, batches as they come", None),  # beside the peers it was not measured in quiet
    workload.Claim("predict_s", "prediction of 2 000 rows", None),
]  # fmt: skip
RUNS = 3


def measure(library, first):
    library.utils.set_random_seed(0)
    x, y = sentiment.data(ROWS)
    x = np.where(x > 0, 1 + x % (bilstm.VOCABULARY - 1), 0).astype("int32")  # the padding stays 0, and nothing joins it
    model = bilstm.build(library, mask_zero=True)
    found = {}
    found["step_s"], found["loss"] = workload.training_step_s(model, x, y, BATCH, 3)
    if library.__name__ == "hornbeam":
        found["bucketed_step_s"] = bucketed_step_s(model, x, y)
    model.predict(x, batch_size=BATCH, verbose=0)  # compiles
    found["predict_s"] = workload.least_seconds(lambda: model.predict(x, batch_size=BATCH, verbose=0), 3)
    return found


def bucketed_step_s(model, x, y):
    def fit():
        model.fit(x, y, batch_size=BATCH, verbose=0, shuffle=False, bucket_by_length=True)

    fit()
    return workload.least_seconds(fit, 3) / -(-len(x) // BATCH)


if __name__ == "__main__":
    workload.main(measure)
