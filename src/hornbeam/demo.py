"""The demo: a small convolutional network learns to read handwritten digits, in seconds and without a network."""

import time
from pathlib import Path

import numpy as np

from hornbeam import backend as K
from hornbeam.datasets import digits
from hornbeam.layers import Conv2D, Dense, Dropout, Flatten, MaxPooling2D
from hornbeam.models import Sequential
from hornbeam.training.callbacks import ReduceLROnPlateau
from hornbeam.utils import plotting
from hornbeam.utils.np_utils import to_categorical
from hornbeam.utils.random import set_random_seed
from hornbeam.utils.splits import stratified_split

CLASSES = 10
EPOCHS = 16
BATCH_SIZE = 32
DRAWN = 24  # test digits in the picture


def load():
    """Digits as (training, validation, test), each (x, y): points in 0..1, classes one-hot, every digit in proportion.

    Shapes:
        x (B, 8, 8, 1), y (B, 10)
    """
    (x, y), (x_test, y_test) = digits.load_data()
    x, x_test = (images[..., None].astype("float32") / 16 for images in (x, x_test))
    y, y_test = to_categorical(y, CLASSES), to_categorical(y_test, CLASSES)
    rest, held_out = stratified_split(y.argmax(-1), 0.15, seed=113)
    return (x[rest], y[rest]), (x[held_out], y[held_out]), (x_test, y_test)


def with_shifts(x, y):
    """The images, and each of them moved by one point to the left, right, top and bottom: five times as many.

    A digit stays what it is when it moves, and 1 200 images are few: this halves the errors.

    Shapes:
        x (B, H, W, C), y (B, K) -> (5 B, H, W, C), (5 B, K)

    Example:
        >>> images, labels = with_shifts(np.ones((1, 2, 2, 1)), np.ones((1, 10)))
        >>> images.shape, images[1, :, :, 0].tolist()
        ((5, 2, 2, 1), [[0.0, 0.0], [1.0, 1.0]])
    """
    padded = np.pad(x, ((0, 0), (1, 1), (1, 1), (0, 0)))
    height, width = x.shape[1:3]
    corners = ((1, 1), (0, 1), (2, 1), (1, 0), (1, 2))
    moved = [padded[:, top : top + height, left : left + width] for top, left in corners]
    return np.concatenate(moved), np.concatenate([y] * len(corners))


def build():
    """The network, compiled."""
    model = Sequential()
    model.add(Conv2D(32, (3, 3), activation="relu", padding="same", input_shape=(8, 8, 1)))
    model.add(Conv2D(64, (3, 3), activation="relu", padding="same"))
    model.add(MaxPooling2D((2, 2)))
    model.add(Dropout(0.25))
    model.add(Flatten())
    model.add(Dense(128, activation="relu"))
    model.add(Dropout(0.5))
    model.add(Dense(CLASSES, activation="softmax"))
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    return model


def draw(model, history, x, y, out):
    """Write curves.png and digits.png into the folder `out`; returns their paths."""
    out = Path(out)
    out.mkdir(parents=True, exist_ok=True)
    curves, picture = out / "curves.png", out / "digits.png"
    history.plot(curves)
    probabilities = model.predict(x)
    labels = y.argmax(-1)
    right = probabilities.argmax(-1) == labels
    # The wrong ones first: they say more. At most half the picture.
    chosen = np.concatenate([np.flatnonzero(~right)[: DRAWN // 2], np.flatnonzero(right)])[:DRAWN]
    figure = plotting.new_figure("the demo's picture")
    plotting.draw_predictions(figure, x[chosen, :, :, 0], labels[chosen], probabilities[chosen])
    plotting.hand_over(figure, picture)
    return curves, picture


def run(epochs=EPOCHS, out="demo", seed=0):
    """Train, test, draw, and say what came out.

    Args:
        epochs: passes over the training images, 16.
        out: folder for the pictures, 'demo'.
        seed: for the same numbers every time, 0.

    Returns:
        accuracy on the test images.

    Raises:
        ImportError: scikit-learn, which brings the images, is not installed.
    """
    start = time.perf_counter()
    set_random_seed(seed)
    training, validation, (x_test, y_test) = load()
    x, y = with_shifts(*training)
    print(
        f"Handwritten digits, 8 x 8 points: {len(x)} images to train on ({len(training[0])}, each also moved by a "
        f"point in four directions),\n{len(validation[0])} to validate on, {len(x_test)} to test on. "
        f"Engine: {K.backend()}."
    )
    model = build()
    model.summary()
    history = model.fit(
        x, y, batch_size=BATCH_SIZE, epochs=epochs, validation_data=validation,
        callbacks=[ReduceLROnPlateau(factor=0.3, patience=2, min_lr=1e-5)],
    )  # fmt: skip
    accuracy = float(model.evaluate(x_test, y_test, verbose=0)[1])
    wrong = round(len(x_test) * (1 - accuracy))
    print(
        f"\nTest accuracy: {accuracy:.4f} ({wrong} of {len(x_test)} digits wrong), "
        f"{time.perf_counter() - start:.0f} s in all."
    )
    print(history.overfitting()[1])
    try:
        print("Pictures: {} (how it learned), {} (what it reads)".format(*draw(model, history, x_test, y_test, out)))
    except ImportError as error:
        print(f"No pictures: {error}")
    print(
        f"\nNext: train longer and compare the curves:  hornbeam demo --epochs 40 --out {out}-40\n"
        f"Then make it yours, it is plain Keras:       {__file__}"
    )
    return accuracy
