"""A trained network and few pictures: bottleneck features, a new head on frozen layers, fine-tuning of the last block.

    python examples/fine_tuning.py               seconds: 32 x 32 pixels and random weights, nothing is fetched
    python examples/fine_tuning.py --no-small    minutes: 96 x 96 pixels and the weights of ImageNet (58 MB, once)

The pictures are generated: stripes that lie (0) or stand (1), in random colours, widths and places, under noise.
"""

import argparse

import numpy as np

from hornbeam.applications.vgg16 import VGG16, preprocess_input
from hornbeam.layers import BatchNormalization, Dense
from hornbeam.models import Model, Sequential
from hornbeam.optimizers import SGD, Adam
from hornbeam.utils import set_random_seed


def pictures(count, size, draw):
    """`count` pictures (count, size, size, 3) of 0 to 255, and what they show (count,)."""
    y = np.arange(count) % 2
    places = np.linspace(0, 2 * np.pi, size)
    x = np.empty((count, size, size, 3), "float32")
    for i in range(count):
        waves = np.sin(draw.uniform(3, 6) * places + draw.uniform(0, 2 * np.pi))
        stripes = np.broadcast_to(waves[:, None] if y[i] == 0 else waves[None, :], (size, size))
        dark, light = draw.uniform(0, 120, 3), draw.uniform(136, 255, 3)
        x[i] = np.where(stripes[..., None] > 0, light, dark) + draw.normal(0, 80, (size, size, 3))
    return x.clip(0, 255), y


def new_head(features):
    """Two layers that tell the classes from `features` numbers a picture."""
    return Sequential([
        BatchNormalization(momentum=0.8, input_shape=(features,)),
        Dense(16, activation="relu"),
        Dense(1, activation="sigmoid"),
    ], name="head")  # fmt: skip


def main(arguments=None):
    """Train in three steps; gives the accuracy on new pictures after each of them."""
    parser = argparse.ArgumentParser(description="Bottleneck features and fine-tuning with VGG16.")
    parser.add_argument("--small", action=argparse.BooleanOptionalAction, default=True)
    small = parser.parse_args(arguments).small
    size, count, weights = (32, 64, None) if small else (96, 400, "imagenet")
    set_random_seed(7)
    draw = np.random.default_rng(7)
    (x, y), (x_new, y_new) = pictures(count, size, draw), pictures(count, size, draw)
    x, x_new = preprocess_input(x), preprocess_input(x_new)
    accuracies = {}

    # 1. Bottleneck features: every picture goes through the network once, and only the head is trained, on a table.
    base = VGG16(weights=weights, include_top=False, pooling="avg", input_shape=(size, size, 3))
    features, features_new = base.predict(x), base.predict(x_new)
    head = new_head(features.shape[1])
    head.compile(Adam(lr=0.01), "binary_crossentropy", metrics=["accuracy"])
    head.fit(features, y, epochs=30, batch_size=32, verbose=0)
    accuracies["bottleneck features"] = head.evaluate(features_new, y_new, verbose=0)[1]

    # 2. The same head on the frozen network: one model from pixels to classes, which computes what step 1 did.
    base.trainable = False
    model = Model(base.input, head(base.output))
    model.compile(Adam(lr=0.01), "binary_crossentropy", metrics=["accuracy"])
    accuracies["new head on frozen layers"] = model.evaluate(x_new, y_new, verbose=0)[1]

    # 3. Fine-tuning: the last block learns too, slowly, now that the head no longer throws it about.
    base.trainable = True
    for layer in base.layers:
        layer.trainable = layer.name.startswith("block5")
    model.compile(SGD(lr=0.01, momentum=0.9), "binary_crossentropy", metrics=["accuracy"])  # takes the new flags up
    model.fit(x, y, epochs=5, batch_size=32, verbose=0)
    accuracies["fine-tuned last block"] = model.evaluate(x_new, y_new, verbose=0)[1]

    for step, accuracy in accuracies.items():
        print(f"{step:26} {accuracy:6.1%} of new pictures right")
    return accuracies


if __name__ == "__main__":
    main()
