"""A convolutional network on images of CIFAR-10's shape, as the documents train it: batches of 32, RMSprop, dropout.

What counts is the time of one step once everything is compiled.
"""

import numpy as np

import workload

LIMITS = {"keras-jax": 0.40, "keras-tensorflow": 0.85}
CLAIMS = [workload.Claim("step_s", "one step, conv32-pool-conv64-pool-dense512 on 32x32x3, batch 32", LIMITS)]
RUNS = 3

STEPS, BATCH = 60, 32


def data():
    random = np.random.default_rng(0)
    x = random.random((STEPS * BATCH, 32, 32, 3), dtype=np.float32)
    return x, np.eye(10, dtype=np.float32)[random.integers(0, 10, len(x))]


def build(library):
    layers = library.layers
    model = library.models.Sequential()
    model.add(layers.Conv2D(32, (3, 3), padding="same", input_shape=(32, 32, 3)))
    model.add(layers.Activation("relu"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Dropout(0.25))
    model.add(layers.Conv2D(64, (3, 3), padding="same"))
    model.add(layers.Activation("relu"))
    model.add(layers.MaxPooling2D(pool_size=(2, 2)))
    model.add(layers.Dropout(0.25))
    model.add(layers.Flatten())
    model.add(layers.Dense(512))
    model.add(layers.Activation("relu"))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(10))
    model.add(layers.Activation("softmax"))
    # Keras 3 adds epsilon under the root, the classics beside it: nearly the same rule for both.
    epsilon = 1e-7 if library.__name__ == "keras" else 3e-4
    optimizer = library.optimizers.RMSprop(learning_rate=0.001, epsilon=epsilon)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


def measure(library, first):
    library.utils.set_random_seed(0)
    x, y = data()
    model = build(library)
    step_s, loss = workload.training_step_s(model, x, y, BATCH, times=4)
    return {"step_s": step_s, "loss": loss}


if __name__ == "__main__":
    workload.main(measure)
