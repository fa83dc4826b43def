"""An Xception block, separable convolutions with batch normalisation and a shortcut, on 28 x 28 x 128, batches of 16.

What counts is the time of one training step once everything is compiled.
"""

import numpy as np

import workload

LIMITS = {"keras-jax": 1.0, "keras-tensorflow": 1.0, "keras-torch": 1.0}
CLAIMS = [workload.Claim("step_s", "one step, Xception block on 28x28x128, batch 16", LIMITS)]
RUNS = 2

STEPS, BATCH = workload.size(20, smoke=1), 16


def data():
    random = np.random.default_rng(0)
    x = random.random((STEPS * BATCH, 28, 28, 128), dtype=np.float32)
    return x, np.eye(10, dtype=np.float32)[random.integers(0, 10, len(x))]


def build(library):
    layers = library.layers
    inputs = layers.Input((28, 28, 128))
    x = inputs
    for _ in range(2):
        x = layers.Activation("relu")(x)
        x = layers.SeparableConv2D(256, (3, 3), padding="same", use_bias=False)(x)
        x = layers.BatchNormalization()(x)
    x = layers.MaxPooling2D((3, 3), strides=(2, 2), padding="same")(x)
    shortcut = layers.Conv2D(256, (1, 1), strides=(2, 2), padding="same", use_bias=False)(inputs)
    x = layers.add([x, layers.BatchNormalization()(shortcut)])
    outputs = layers.Dense(10, activation="softmax")(layers.GlobalAveragePooling2D()(x))
    model = library.models.Model(inputs, outputs)
    model.compile(loss="categorical_crossentropy", optimizer=library.optimizers.SGD(learning_rate=0.01))
    return model


def measure(library, first):
    library.utils.set_random_seed(0)
    x, y = data()
    step_s, loss = workload.training_step_s(build(library), x, y, BATCH, times=3)
    return {"step_s": step_s, "loss": loss}


if __name__ == "__main__":
    workload.main(measure)
