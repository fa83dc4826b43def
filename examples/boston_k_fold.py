"""House prices from 404 rows of 13 numbers: K-fold validation in one call, and the classic loop with the same scores.

    python examples/boston_k_fold.py                 seconds: generated rows in the layout of boston_housing
    python examples/boston_k_fold.py --real          Boston itself (57 kB, fetched once; docs/datasets.md on its ethics)
    python examples/boston_k_fold.py --real --epochs 100 --batch-size 1    as the books do it

With so few rows one held-out part would be a matter of luck. K-fold trains K networks, judges each on the K-th part it
has not seen, and takes the mean. `k_fold` runs all of it as one compiled program; `by_hand` is what one writes
otherwise, and gives the same numbers.
"""

import argparse

import numpy as np

from hornbeam.datasets import boston_housing, synthetic
from hornbeam.layers import Dense
from hornbeam.models import Sequential
from hornbeam.utils import set_random_seed
from hornbeam.validation import k_fold

parser = argparse.ArgumentParser(description="K-fold validation on house prices.")
parser.add_argument("--real", action="store_true", help="Boston housing itself instead of generated rows")
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--batch-size", type=int, default=16)
parser.add_argument("--k", type=int, default=4)
args = parser.parse_args()

if args.real:
    (x_train, y_train), (x_test, y_test) = boston_housing.load_data()
else:
    print("Generated rows in the layout of boston_housing; --real takes Boston itself.")
    (x_train, y_train), (x_test, y_test) = synthetic.housing()


def build_model():
    model = Sequential()
    model.add(Dense(64, activation="relu", input_shape=(13,)))
    model.add(Dense(64, activation="relu"))
    model.add(Dense(1))
    model.compile(optimizer="rmsprop", loss="mse", metrics=["mae"])
    return model


def by_hand(x, y, k):
    num_val_samples = len(x) // k
    all_scores = []
    for i in range(k):
        start, stop = i * num_val_samples, (i + 1) * num_val_samples
        val_data, val_targets = x[start:stop], y[start:stop]
        partial_data = np.concatenate([x[:start], x[stop:]])
        partial_targets = np.concatenate([y[:start], y[stop:]])
        mean, std = partial_data.mean(axis=0), partial_data.std(axis=0)
        model = build_model()
        model.fit(
            (partial_data - mean) / std, partial_targets, epochs=args.epochs, batch_size=args.batch_size, verbose=0
        )
        val_mse, val_mae = model.evaluate((val_data - mean) / std, val_targets, verbose=0)
        all_scores.append(val_mae)
    return all_scores


rows = len(x_train) // args.k * args.k  # the loop leaves out the rows that are left over
x, y = x_train[:rows], y_train[:rows]

set_random_seed(0)
result = k_fold(
    build_model, x, y, k=args.k, epochs=args.epochs, batch_size=args.batch_size, shuffle=False, standardize=True,
    monitor="val_mae", verbose=0,
)  # fmt: skip
set_random_seed(0)
scores_by_hand = by_hand(x, y, args.k)
print(result)
for fold, (score, other) in enumerate(zip(result.scores["mae"], scores_by_hand), 1):
    print(f"Fold {fold}: mean absolute error {score:.3f} from k_fold, {other:.3f} from the loop")

# At last: one network on all rows, for as many epochs as were best, judged on rows that nothing was chosen by.
model = result.refit()
test_mae = model.evaluate(result.standardize(x_test), y_test, verbose=0)[1]
baseline = np.abs(y_test - np.median(y_train)).mean()
print(f"Mean over folds {result.mean['mae']:.3f}; test rows {test_mae:.3f} (always the median price: {baseline:.3f})")
