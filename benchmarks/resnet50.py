"""ResNet50 on 224 x 224 images, batches of 8, written from its layers.

What counts is the time of one training step once everything is compiled.
"""

import numpy as np

import workload

LIMITS = {"keras-jax": 1.0, "keras-tensorflow": 1.0, "keras-torch": 1.0}
CLAIMS = [workload.Claim("step_s", "one training step, ResNet50, 224 px, batch 8", LIMITS)]
RUNS = 2

STEPS, BATCH = 4, 8


def data():
    random = np.random.default_rng(0)
    x = random.random((STEPS * BATCH, 224, 224, 3), dtype=np.float32)
    return x, np.eye(1000, dtype=np.float32)[random.integers(0, 1000, len(x))]


def block(layers, x, filters, strides=1, widen=False):
    shortcut = x
    if widen:
        shortcut = layers.Conv2D(4 * filters, 1, strides=strides)(x)
        shortcut = layers.BatchNormalization()(shortcut)
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(filters, 1, strides=strides)(x)))
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(x)))
    x = layers.BatchNormalization()(layers.Conv2D(4 * filters, 1)(x))
    return layers.Activation("relu")(layers.add([x, shortcut]))


def build(library):
    layers = library.layers
    inputs = layers.Input((224, 224, 3))
    x = layers.Conv2D(64, 7, strides=2)(layers.ZeroPadding2D(3)(inputs))
    x = layers.Activation("relu")(layers.BatchNormalization()(x))
    x = layers.MaxPooling2D(3, strides=2)(layers.ZeroPadding2D(1)(x))
    for filters, blocks, strides in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            x = block(layers, x, filters, strides if i == 0 else 1, widen=i == 0)
    outputs = layers.Dense(1000, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = library.models.Model(inputs, outputs)
    model.compile(loss="categorical_crossentropy", optimizer=library.optimizers.SGD(learning_rate=0.01))
    return model


def measure(library, first):
    library.utils.set_random_seed(0)
    x, y = data()
    step_s, loss = workload.training_step_s(build(library), x, y, BATCH, times=2)
    return {"step_s": step_s, "loss": loss}


if __name__ == "__main__":
    workload.main(measure)
