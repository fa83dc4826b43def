"""The bidirectional LSTM of `bilstm.py` with the vocabulary of the documents' sentiment model, 350 000 words.

Its table and that of the optimizer have 90 million numbers each, of which a step needs one in thirty-five.
"""

import bilstm
import workload

VOCABULARY = workload.size(350_000, smoke=35_000)
TITLE = "one step, Embedding 350 000 x 256, BiLSTM(128), T 100, batch 100"
CLAIMS = [workload.Claim("step_s", TITLE, {"keras": 0.40, "torch": 0.18})]
RUNS = 3


def measure(library, first):
    return bilstm.measure(library, first, VOCABULARY)


def measure_torch(torch, first):
    return bilstm.measure_torch(torch, first, VOCABULARY)


def measure_jax(jax, first):
    return bilstm.measure_jax(jax, first, VOCABULARY)


if __name__ == "__main__":
    workload.main(measure)
