"""Small coloured pictures: four convolutions, and an ImageDataGenerator that moves the pictures about in every epoch.

    python examples/cifar10_cnn.py                        seconds: generated pictures in the layout of CIFAR-10
    python examples/cifar10_cnn.py --real --epochs 50     CIFAR-10 itself (170 MB, fetched once)
    python examples/cifar10_cnn.py --no-augmentation      the pictures as they are

A picture that is shifted a little still shows the same thing: the network never sees one picture twice, and learns
what they have in common.
"""

import argparse

from hornbeam.datasets import cifar10, synthetic
from hornbeam.layers import Activation, Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from hornbeam.models import Sequential
from hornbeam.optimizers import RMSprop
from hornbeam.preprocessing.image import ImageDataGenerator
from hornbeam.utils import set_random_seed, to_categorical

parser = argparse.ArgumentParser(description="A convolutional network on CIFAR-10.")
parser.add_argument("--real", action="store_true", help="CIFAR-10 itself instead of generated pictures")
parser.add_argument("--epochs", type=int, default=5)
parser.add_argument("--rows", type=int, default=1000, help="generated pictures")
parser.add_argument("--filters", type=int, default=32, help="of the first block; the second has twice as many")
parser.add_argument("--augmentation", action=argparse.BooleanOptionalAction, default=True)
args = parser.parse_args()
set_random_seed(0)
batch_size = 32

if args.real:
    (x_train, y_train), (x_test, y_test) = cifar10.load_data()
else:
    print("Generated pictures in the layout of CIFAR-10; --real takes CIFAR-10 itself.")
    (x_train, y_train), (x_test, y_test) = synthetic.images(shape=(32, 32, 3), rows=args.rows)

x_train = x_train.astype("float32") / 255
x_test = x_test.astype("float32") / 255
y_train = to_categorical(y_train, 10)
y_test = to_categorical(y_test, 10)

model = Sequential()
model.add(Conv2D(args.filters, (3, 3), padding="same", input_shape=x_train.shape[1:]))
model.add(Activation("relu"))
model.add(Conv2D(args.filters, (3, 3)))
model.add(Activation("relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Conv2D(2 * args.filters, (3, 3), padding="same"))
model.add(Activation("relu"))
model.add(Conv2D(2 * args.filters, (3, 3)))
model.add(Activation("relu"))
model.add(MaxPooling2D(pool_size=(2, 2)))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(16 * args.filters))
model.add(Activation("relu"))
model.add(Dropout(0.5))
model.add(Dense(10))
model.add(Activation("softmax"))

model.compile(loss="categorical_crossentropy", optimizer=RMSprop(lr=0.0005), metrics=["accuracy"])

if args.augmentation:
    # Real photographs may be mirrored too; the generated patterns must not, as text must not.
    generator = ImageDataGenerator(width_shift_range=0.1, height_shift_range=0.1, horizontal_flip=args.real)
    generator.fit(x_train)  # needed by featurewise options only; here for form
    model.fit_generator(
        generator.flow(x_train, y_train, batch_size=batch_size), steps_per_epoch=len(x_train) // batch_size,
        epochs=args.epochs, validation_data=(x_test, y_test), workers=1,
    )  # fmt: skip
else:
    model.fit(x_train, y_train, batch_size=batch_size, epochs=args.epochs, validation_data=(x_test, y_test))

loss, accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"Test loss {loss:.3f}, test accuracy {accuracy:.3f} (guessing: 0.1)")
