"""Handwritten digits with convolutions: two convolutions, pooling, dropout, a dense layer, ten classes.

    python examples/mnist_cnn.py                       seconds: generated pictures in the layout of MNIST
    python examples/mnist_cnn.py --real --epochs 12    MNIST itself (11 MB, fetched once)

Callbacks keep the best weights in a file, lower the learning rate where progress stops, and end training in time.
"""

import argparse
import os
import tempfile

from hornbeam import backend as K
from hornbeam.callbacks import EarlyStopping, ModelCheckpoint, ReduceLROnPlateau
from hornbeam.datasets import mnist, synthetic
from hornbeam.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from hornbeam.models import Sequential
from hornbeam.utils import set_random_seed, to_categorical

parser = argparse.ArgumentParser(description="A convolutional network on MNIST.")
parser.add_argument("--real", action="store_true", help="MNIST itself instead of generated pictures")
parser.add_argument("--epochs", type=int, default=4)
parser.add_argument("--rows", type=int, default=1000, help="generated pictures")
parser.add_argument("--filters", type=int, default=32, help="of the first convolution; the second has twice as many")
args = parser.parse_args()
set_random_seed(0)

if args.real:
    (x_train, y_train), (x_test, y_test) = mnist.load_data()
else:
    print("Generated pictures in the layout of MNIST; --real takes MNIST itself.")
    (x_train, y_train), (x_test, y_test) = synthetic.images(rows=args.rows)

# One channel of grey, in front of rows and columns or behind them, as ~/.keras/keras.json says.
input_shape = (1, 28, 28) if K.image_data_format() == "channels_first" else (28, 28, 1)
x_train = x_train.reshape((-1, *input_shape)).astype("float32") / 255
x_test = x_test.reshape((-1, *input_shape)).astype("float32") / 255
y_train = to_categorical(y_train, 10)
y_test = to_categorical(y_test, 10)

model = Sequential()
model.add(Conv2D(args.filters, kernel_size=(3, 3), activation="relu", input_shape=input_shape))
model.add(Conv2D(2 * args.filters, (3, 3), activation="relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(4 * args.filters, activation="relu"))
model.add(Dropout(0.5))
model.add(Dense(10, activation="softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

with tempfile.TemporaryDirectory() as folder:
    best = os.path.join(folder, "best.h5")
    model.fit(
        x_train, y_train, batch_size=32, epochs=args.epochs, validation_split=0.1,
        callbacks=[
            ModelCheckpoint(best, monitor="val_loss", save_best_only=True, save_weights_only=True),
            ReduceLROnPlateau(monitor="val_loss", factor=0.3, patience=1),
            EarlyStopping(monitor="val_loss", patience=3),
        ],
    )  # fmt: skip
    model.load_weights(best)

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"Test loss {loss:.3f}, test accuracy {accuracy:.3f} (guessing: 0.1)")
