"""Newswires in 46 topics: each text as the set of its words, two dense layers of 64, softmax.

    python examples/reuters_newswires.py                      seconds: generated texts in the layout of reuters
    python examples/reuters_newswires.py --real --epochs 9    Reuters itself (2 MB, fetched once), 10 000 words

Hidden layers are wider than there are topics: what a narrow layer drops, none behind it can bring back. Topics are of
very different sizes, so the accuracy to beat is that of always naming the largest.
"""

import argparse

import numpy as np

from hornbeam.datasets import reuters, synthetic
from hornbeam.layers import Dense
from hornbeam.models import Sequential
from hornbeam.preprocessing.text import Tokenizer
from hornbeam.utils import set_random_seed, to_categorical

parser = argparse.ArgumentParser(description="46 topics of newswires.")
parser.add_argument("--real", action="store_true", help="Reuters itself instead of generated texts")
parser.add_argument("--epochs", type=int, default=8)
parser.add_argument("--rows", type=int, default=2000, help="generated texts")
args = parser.parse_args()
set_random_seed(0)

if args.real:
    num_words = 10000
    (x_train, train_labels), (x_test, test_labels) = reuters.load_data(num_words=num_words)
else:
    print("Generated texts in the layout of reuters; --real takes Reuters itself.")
    num_words = 1000
    (x_train, train_labels), (x_test, test_labels) = synthetic.newswires(rows=args.rows, num_words=num_words)

tokenizer = Tokenizer(num_words=num_words)
x_train = tokenizer.sequences_to_matrix(x_train.tolist(), mode="binary").astype("float32")
x_test = tokenizer.sequences_to_matrix(x_test.tolist(), mode="binary").astype("float32")
y_train = to_categorical(train_labels, 46)
y_test = to_categorical(test_labels, 46)

model = Sequential()
model.add(Dense(64, activation="relu", input_shape=(num_words,)))
model.add(Dense(64, activation="relu"))
model.add(Dense(46, activation="softmax"))
model.compile(optimizer="rmsprop", loss="categorical_crossentropy", metrics=["accuracy"])

held_out = len(x_train) // 8
model.fit(
    x_train[held_out:], y_train[held_out:], epochs=args.epochs, batch_size=512 if args.real else 64,
    validation_data=(x_train[:held_out], y_train[:held_out]),
)  # fmt: skip

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
largest = np.mean(test_labels == np.bincount(train_labels).argmax())
probabilities = model.predict(x_test[:1])[0]
print(f"First text: topic {probabilities.argmax()} with probability {probabilities.max():.2f}; it is {test_labels[0]}.")
print(f"Test loss {loss:.3f}, test accuracy {accuracy:.3f} (always the largest topic: {largest:.3f})")
