"""Film reviews, good or bad: each review as the set of its words, two small dense layers, one sigmoid.

    python examples/imdb_reviews.py                      seconds: generated reviews in the layout of imdb
    python examples/imdb_reviews.py --real --epochs 20   IMDB itself (17 MB, fetched once), 10 000 words

As in the books: train too long first, look at val_loss for the epoch from which on it rises, then train a new network
for as long as was best.
"""

import argparse

import numpy as np

from hornbeam.datasets import imdb, synthetic
from hornbeam.layers import Dense
from hornbeam.models import Sequential
from hornbeam.preprocessing.text import Tokenizer
from hornbeam.utils import set_random_seed

parser = argparse.ArgumentParser(description="Two classes of film reviews.")
parser.add_argument("--real", action="store_true", help="IMDB itself instead of generated reviews")
parser.add_argument("--epochs", type=int, default=10)
parser.add_argument("--rows", type=int, default=2000, help="generated reviews")
parser.add_argument("--plot", metavar="FILE", help="write the curves there, for instance curves.png")
args = parser.parse_args()
set_random_seed(0)

if args.real:
    num_words = 10000
    (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=num_words)
else:
    print("Generated reviews in the layout of imdb; --real takes IMDB itself.")
    num_words = 1000
    (x_train, y_train), (x_test, y_test) = synthetic.reviews(rows=args.rows, num_words=num_words)

# A row of num_words zeros a review, with a one for each word in it.
tokenizer = Tokenizer(num_words=num_words)
x_train = tokenizer.sequences_to_matrix(x_train.tolist(), mode="binary").astype("float32")
x_test = tokenizer.sequences_to_matrix(x_test.tolist(), mode="binary").astype("float32")


def build_model():
    model = Sequential()
    model.add(Dense(16, activation="relu", input_shape=(num_words,)))
    model.add(Dense(16, activation="relu"))
    model.add(Dense(1, activation="sigmoid"))
    model.compile(optimizer="rmsprop", loss="binary_crossentropy", metrics=["acc"])
    return model


batch_size = 512 if args.real else 64
held_out = len(x_train) * 2 // 5
x_val, partial_x_train = x_train[:held_out], x_train[held_out:]
y_val, partial_y_train = y_train[:held_out], y_train[held_out:]

model = build_model()
history = model.fit(
    partial_x_train, partial_y_train, epochs=args.epochs, batch_size=batch_size, validation_data=(x_val, y_val)
)
if args.plot:
    history.plot(args.plot)
best_epoch = int(np.argmin(history.history["val_loss"])) + 1
print(f"val_loss was lowest in epoch {best_epoch}: a new network is trained for as long, on all training reviews.")

model = build_model()
model.fit(x_train, y_train, epochs=best_epoch, batch_size=batch_size, verbose=0)
loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"First review is good with probability {model.predict(x_test[:1])[0, 0]:.2f}; it is {y_test[0]}.")
print(f"Test loss {loss:.3f}, test accuracy {accuracy:.3f} (guessing: 0.5)")
