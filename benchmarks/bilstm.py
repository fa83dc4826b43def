"""A bidirectional LSTM over word ids, as the documents classify reviews: vocabulary 20 000, 100 words, batches of 100.

What counts is the time of one step once everything is compiled.
"""

import numpy as np

import workload

LIMITS = {"keras": 0.65, "keras-jax": 0.55, "torch": 0.55}
CLAIMS = [workload.Claim("step_s", "one step, Embedding 20 000 x 256, BiLSTM(128), T 100, batch 100", LIMITS)]
RUNS = 3

STEPS, BATCH, TIME = workload.size(20, smoke=2), 100, workload.size(100, smoke=5)
VOCABULARY = 20_000


def data(vocabulary=VOCABULARY):
    random = np.random.default_rng(0)
    x = random.integers(1, vocabulary, (STEPS * BATCH, TIME)).astype("int32")
    return x, np.eye(2, dtype=np.float32)[random.integers(0, 2, len(x))]


def build(library, vocabulary=VOCABULARY, mask_zero=False):
    layers = library.layers
    model = library.models.Sequential()
    model.add(library.layers.Input((TIME,), dtype="int32"))
    model.add(layers.Embedding(vocabulary, 256, mask_zero=mask_zero))
    # The classic and the current default of recurrent_activation differ: both get the current one.
    model.add(layers.Bidirectional(layers.LSTM(128, recurrent_activation="sigmoid")))
    model.add(layers.Dropout(0.5))
    model.add(layers.Dense(2, activation="softmax"))
    # Keras 3 adds epsilon under the root, the classics beside it: nearly the same rule for both.
    epsilon = 1e-7 if library.__name__ == "keras" else 3e-4
    optimizer = library.optimizers.RMSprop(learning_rate=0.001, epsilon=epsilon)
    model.compile(loss="categorical_crossentropy", optimizer=optimizer, metrics=["accuracy"])
    return model


def measure(library, first, vocabulary=VOCABULARY):
    library.utils.set_random_seed(0)
    return timed(workload.model_fit(build(library, vocabulary), *data(vocabulary), BATCH))


def timed(fit):
    epoch_s, loss = workload.epochs_s(fit, epochs=1, times=3)
    return {"step_s": epoch_s / STEPS, "loss": loss}


def torch_fit(torch, x, y, batch_size, vocabulary):
    """fit(epochs) of the same network written with torch."""
    import torch_by_hand as by_hand

    torch.manual_seed(0)
    nn = torch.nn
    x, y = by_hand.tensors(x, y.argmax(1))
    lstm = by_hand.LastState(256, 128, bidirectional=True)
    model = nn.Sequential(nn.Embedding(vocabulary, 256), lstm, nn.Dropout(0.5), nn.Linear(256, 2))
    optimizer = torch.optim.RMSprop(model.parameters(), lr=0.001, alpha=0.9, eps=3e-4)
    return by_hand.trainer(model, optimizer, nn.CrossEntropyLoss(), x, y, batch_size, by_hand.correct)


def measure_torch(torch, first, vocabulary=VOCABULARY):
    return timed(torch_fit(torch, *data(vocabulary), BATCH, vocabulary))


def measure_jax(jax, first, vocabulary=VOCABULARY):
    import jax_by_hand as by_hand

    jnp = jax.numpy

    def last_state(x, kernel, recurrent, bias):
        def step(carry, z):
            h, c = carry
            i, f, g, o = jnp.split(z + h @ recurrent, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

        zero = jnp.zeros((x.shape[1], 128))
        return jax.lax.scan(step, (zero, zero), x @ kernel + bias)[0][0]

    def loss_of(w, x, y, key):
        x = w["table"][x].swapaxes(0, 1)
        ahead = last_state(x, w["ahead"], w["ahead_recurrent"], w["ahead_bias"])
        back = last_state(x[::-1], w["back"], w["back_recurrent"], w["back_bias"])
        x = by_hand.dropped(jnp.concatenate([ahead, back], 1), 0.5, key)
        return by_hand.class_loss(x @ w["kernel"] + w["bias"], y)

    shapes = {"table": (vocabulary, 256), "kernel": (256, 2), "bias": (2,)}
    for way in ("ahead", "back"):
        shapes |= {way: (256, 512), f"{way}_recurrent": (128, 512), f"{way}_bias": (512,)}
    return timed(by_hand.trainer(loss_of, by_hand.drawn(shapes), by_hand.rms_prop(0.001), *data(vocabulary), BATCH))


if __name__ == "__main__":
    workload.main(measure)
