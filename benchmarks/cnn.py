"""A convolutional network on images of CIFAR-10's shape, as the documents train it: batches of 32, RMSprop, dropout.

What counts is the time of one step once everything is compiled.
"""

import numpy as np

import workload

LIMITS = {"keras": 0.70, "keras-jax": 0.40, "torch": 0.50}
CLAIMS = [workload.Claim("step_s", "one step, conv32-pool-conv64-pool-dense512 on 32x32x3, batch 32", LIMITS)]
RUNS = 3

STEPS, BATCH = workload.size(60, smoke=2), 32


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
    return timed(workload.model_fit(build(library), x, y, BATCH))


def timed(fit):
    epoch_s, loss = workload.epochs_s(fit, epochs=1, times=4)
    return {"step_s": epoch_s / STEPS, "loss": loss}


def measure_torch(torch, first):
    import torch_by_hand as by_hand

    torch.manual_seed(0)
    nn = torch.nn
    x, y = data()
    # The values in torch's order of axes, in the order of memory that its convolutions are fastest with.
    x, y = by_hand.tensors(x.transpose(0, 3, 1, 2), y.argmax(1))
    model = nn.Sequential(
        nn.Conv2d(3, 32, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Conv2d(32, 64, 3, padding="same"), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.25),
        nn.Flatten(), nn.Linear(8 * 8 * 64, 512), nn.ReLU(), nn.Dropout(0.5), nn.Linear(512, 10),
    ).to(memory_format=torch.channels_last)  # fmt: skip
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=3e-4)
    return timed(by_hand.trainer(model, optimizer, nn.CrossEntropyLoss(), x, y, BATCH, by_hand.correct))


def measure_jax(jax, first):
    import jax_by_hand as by_hand

    def convolved(x, kernel, bias):
        x = jax.lax.conv_general_dilated(x, kernel, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
        x = jax.nn.relu(x + bias)
        return jax.lax.reduce_window(x, -np.inf, jax.lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def loss_of(w, x, y, key):
        keys = jax.random.split(key, 3)
        x = by_hand.dropped(convolved(x, w["kernel_1"], w["bias_1"]), 0.25, keys[0])
        x = by_hand.dropped(convolved(x, w["kernel_2"], w["bias_2"]), 0.25, keys[1])
        x = jax.nn.relu(x.reshape(len(x), -1) @ w["kernel_3"] + w["bias_3"])
        return by_hand.class_loss(by_hand.dropped(x, 0.5, keys[2]) @ w["kernel_4"] + w["bias_4"], y)

    weights = by_hand.drawn({
        "kernel_1": (3, 3, 3, 32), "bias_1": (32,), "kernel_2": (3, 3, 32, 64), "bias_2": (64,),
        "kernel_3": (8 * 8 * 64, 512), "bias_3": (512,), "kernel_4": (512, 10), "bias_4": (10,),
    })  # fmt: skip
    return timed(by_hand.trainer(loss_of, weights, by_hand.rms_prop(0.001), *data(), BATCH))


if __name__ == "__main__":
    workload.main(measure)
