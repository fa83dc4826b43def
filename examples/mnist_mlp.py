"""Handwritten digits with dense layers: 784 points, two hidden layers with dropout, ten classes.

    python examples/mnist_mlp.py                       seconds: generated pictures in the layout of MNIST
    python examples/mnist_mlp.py --real --epochs 20    MNIST itself (11 MB, fetched once)

The first thing to see is the pair of numbers a line, loss on the training pictures and on those held out (val_loss):
when the second rises while the first falls, the network learns its pictures by heart.
"""

import argparse

from hornbeam.datasets import mnist, synthetic
from hornbeam.layers import Dense, Dropout
from hornbeam.models import Sequential
from hornbeam.utils import set_random_seed, to_categorical

parser = argparse.ArgumentParser(description="A dense network on MNIST.")
parser.add_argument("--real", action="store_true", help="MNIST itself instead of generated pictures")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--rows", type=int, default=1000, help="generated pictures")
parser.add_argument("--units", type=int, default=512, help="width of the hidden layers")
args = parser.parse_args()
set_random_seed(0)

if args.real:
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
else:
    print("Generated pictures in the layout of MNIST; --real takes MNIST itself.")
    (x_train, y_train), (x_test, y_test) = synthetic.images(rows=args.rows)

x_train = x_train.reshape(-1, 784).astype("float32") / 255
x_test = x_test.reshape(-1, 784).astype("float32") / 255
y_train = to_categorical(y_train, 10)
y_test = to_categorical(y_test, 10)

model = Sequential()
model.add(Dense(args.units, activation="relu", input_shape=(784,)))
model.add(Dropout(0.2))
model.add(Dense(args.units, activation="relu"))
model.add(Dropout(0.2))
model.add(Dense(10, activation="softmax"))
model.summary()

model.compile(loss="categorical_crossentropy", optimizer="rmsprop", metrics=["accuracy"])
history = model.fit(x_train, y_train, batch_size=128, epochs=args.epochs, validation_split=0.1)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"Test loss {loss:.3f}, test accuracy {accuracy:.3f} (guessing: 0.1)")
