"""Sequences in, sequences out: the four kinds of LSTM models, each on a small task of its own.

    python examples/sequence_to_sequence.py               all of them, in seconds; the data is generated
    python examples/sequence_to_sequence.py many-to-one   one of them

    one-to-one     a number -> a number          the square; one step in time, one row out
    many-to-one    a sequence -> a number        the mean of eight numbers: the LSTM gives its last output only
    one-to-many    a number -> a sequence        a line that starts there: RepeatVector shows the number at each step
    many-to-many   a sequence -> one as long     the running mean: return_sequences, and a Dense on every step
    encode-decode  a sequence -> another length  eight numbers to their last four, backwards: one LSTM reads, one writes

For each the mean squared error on new rows, beside that of always naming the mean of the training rows.
"""

import argparse

import numpy as np

from hornbeam.layers import LSTM, Dense, RepeatVector, TimeDistributed
from hornbeam.models import Sequential
from hornbeam.optimizers import Adam
from hornbeam.utils import set_random_seed

TASKS = ["one-to-one", "many-to-one", "one-to-many", "many-to-many", "encode-decode"]

parser = argparse.ArgumentParser(description="The kinds of sequence-to-sequence models.")
parser.add_argument("tasks", nargs="*", metavar="task", help=f"one or more of {', '.join(TASKS)}; none: all")
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--rows", type=int, default=1000)
parser.add_argument("--units", type=int, default=32)
args = parser.parse_args()
units, steps = args.units, 8


def one_to_one(sequences):
    x = sequences[:, :1]  # (rows, 1 step, 1 number)
    y = x[:, 0] ** 2  # (rows, 1)
    model = Sequential()
    model.add(LSTM(units, input_shape=(1, 1)))
    model.add(Dense(1))
    return x, y, model


def many_to_one(sequences):
    x = sequences  # (rows, steps, 1)
    y = x.mean(axis=1)  # (rows, 1)
    model = Sequential()
    model.add(LSTM(units, input_shape=(steps, 1)))
    model.add(Dense(1))
    return x, y, model


def one_to_many(sequences):
    x = sequences[:, 0]  # (rows, 1)
    y = x[:, :, None] * np.linspace(1, 0, steps)[:, None]  # (rows, steps, 1)
    model = Sequential()
    model.add(RepeatVector(steps, input_shape=(1,)))
    model.add(LSTM(units, return_sequences=True))
    model.add(TimeDistributed(Dense(1)))
    return x, y, model


def many_to_many(sequences):
    x = sequences  # (rows, steps, 1)
    y = x.cumsum(axis=1) / np.arange(1, steps + 1)[:, None]  # (rows, steps, 1)
    model = Sequential()
    model.add(LSTM(units, return_sequences=True, input_shape=(steps, 1)))
    model.add(TimeDistributed(Dense(1)))
    return x, y, model


def encode_decode(sequences):
    x = sequences  # (rows, steps, 1)
    y = x[:, : steps // 2 - 1 : -1]  # (rows, steps // 2, 1)
    model = Sequential()
    model.add(LSTM(units, input_shape=(steps, 1)))
    model.add(RepeatVector(steps // 2))
    model.add(LSTM(units, return_sequences=True))
    model.add(TimeDistributed(Dense(1)))
    return x, y, model


errors = {}
for task in args.tasks or TASKS:
    if task not in TASKS:
        parser.error(f"there is no task {task!r}; choose from {', '.join(TASKS)}")
    set_random_seed(0)
    x, y, model = globals()[task.replace("-", "_")](np.random.uniform(-1, 1, (args.rows + 200, steps, 1)))
    model.compile(loss="mse", optimizer=Adam(lr=0.01))
    model.fit(x[:-200], y[:-200], epochs=args.epochs, batch_size=32, verbose=0)
    error = model.evaluate(x[-200:], y[-200:], batch_size=200, verbose=0)
    baseline = np.mean((y[-200:] - y[:-200].mean(axis=0)) ** 2)
    errors[task] = (error, baseline)
    print(f"{task:14} {str(x.shape[1:]):7} -> {str(y.shape[1:]):7} error {error:.4f} (always the mean: {baseline:.4f})")
