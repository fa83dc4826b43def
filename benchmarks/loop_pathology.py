"""Does any layer fall into a slow path inside the loop of many steps? Each layer's training step, inside and outside.

python benchmarks/loop_pathology.py            all layers
python benchmarks/loop_pathology.py Conv LSTM  those whose name holds one of the words

XLA compiles some operations differently inside a loop (the gradient convolutions it derives by itself are 40 to 60
times slower there), so a layer that is fast alone may be slow in `fit`. The step is the same in both cases: forward,
backward, update by SGD. Ends with status 1 if a layer takes more than LIMIT times as long inside.
"""

import argparse
import sys
import time

import numpy as np

import hornbeam
from hornbeam import backend as K
from hornbeam import layers as L

LIMIT, STEPS, ROUNDS = 1.3, 6, 5

IMAGE, VOLUME, SEQUENCE, ROWS = (28, 28, 64), (10, 12, 12, 24), (60, 128), (2048,)
CASES = [
    ("Dense", ROWS, lambda: L.Dense(2048)),
    ("Dropout", IMAGE, lambda: L.Dropout(0.5)),
    ("GaussianNoise", IMAGE, lambda: L.GaussianNoise(0.5)),
    ("AlphaDropout", IMAGE, lambda: L.AlphaDropout(0.5)),
    ("PReLU", IMAGE, lambda: L.PReLU()),
    ("Softmax", IMAGE, lambda: L.Softmax()),
    ("BatchNormalization", IMAGE, lambda: L.BatchNormalization()),
    ("LayerNormalization", IMAGE, lambda: L.LayerNormalization()),
    ("GroupNormalization", IMAGE, lambda: L.GroupNormalization(8)),
    ("Conv1D", SEQUENCE, lambda: L.Conv1D(128, 5)),
    ("Conv1D causal, dilated", SEQUENCE, lambda: L.Conv1D(128, 3, padding="causal", dilation_rate=2)),
    ("Conv2D", IMAGE, lambda: L.Conv2D(64, 3)),
    ("Conv2D same", IMAGE, lambda: L.Conv2D(64, 3, padding="same")),
    ("Conv2D strided", IMAGE, lambda: L.Conv2D(64, 3, strides=2, padding="same")),
    ("Conv2D 1x1", IMAGE, lambda: L.Conv2D(256, 1)),
    ("Conv2D groups", IMAGE, lambda: L.Conv2D(64, 3, groups=4)),
    ("Conv2D channels_first", (64, 28, 28), lambda: L.Conv2D(64, 3, data_format="channels_first")),
    ("Conv3D", VOLUME, lambda: L.Conv3D(24, 3)),
    ("SeparableConv1D", SEQUENCE, lambda: L.SeparableConv1D(128, 5)),
    ("SeparableConv2D", IMAGE, lambda: L.SeparableConv2D(64, 3)),
    ("DepthwiseConv2D", IMAGE, lambda: L.DepthwiseConv2D(3)),
    ("Conv2DTranspose", IMAGE, lambda: L.Conv2DTranspose(32, 3, strides=2)),
    ("Conv3DTranspose", VOLUME, lambda: L.Conv3DTranspose(12, 3, strides=2)),
    ("UpSampling2D", IMAGE, lambda: L.UpSampling2D(2)),
    ("UpSampling2D bilinear", IMAGE, lambda: L.UpSampling2D(2, interpolation="bilinear")),
    ("ZeroPadding2D", IMAGE, lambda: L.ZeroPadding2D(2)),
    ("Cropping2D", IMAGE, lambda: L.Cropping2D(2)),
    ("MaxPooling1D", SEQUENCE, lambda: L.MaxPooling1D(2)),
    ("MaxPooling2D", IMAGE, lambda: L.MaxPooling2D(2)),
    ("MaxPooling2D 3/2", IMAGE, lambda: L.MaxPooling2D(3, strides=2, padding="same")),
    ("AveragePooling2D", IMAGE, lambda: L.AveragePooling2D(3, strides=2)),
    ("MaxPooling3D", VOLUME, lambda: L.MaxPooling3D(2)),
    ("GlobalAveragePooling2D", IMAGE, lambda: L.GlobalAveragePooling2D()),
    ("LocallyConnected1D", SEQUENCE, lambda: L.LocallyConnected1D(32, 3)),
    ("LocallyConnected2D", (14, 14, 16), lambda: L.LocallyConnected2D(16, 3)),
    ("SimpleRNN", SEQUENCE, lambda: L.SimpleRNN(128)),
    ("GRU", SEQUENCE, lambda: L.GRU(128)),
    ("LSTM", SEQUENCE, lambda: L.LSTM(128)),
    ("LSTM sequences", SEQUENCE, lambda: L.LSTM(128, return_sequences=True)),
    ("Bidirectional LSTM", SEQUENCE, lambda: L.Bidirectional(L.LSTM(64))),
    ("ConvLSTM2D", (6, 12, 12, 8), lambda: L.ConvLSTM2D(8, 3)),
    ("TimeDistributed Dense", SEQUENCE, lambda: L.TimeDistributed(L.Dense(128))),
    ("Embedding", (100,), lambda: L.Embedding(5000, 128)),
    ("MultiHeadAttention", SEQUENCE, None),
]  # fmt: skip


def model_of(shape, make):
    inputs = L.Input(shape)
    layer = L.MultiHeadAttention(4, 32) if make is None else make()
    before = inputs if isinstance(layer, L.Embedding) else L.PReLU(shared_axes=list(range(1, len(shape) + 1)))(inputs)
    outputs = layer(before, before) if make is None else layer(before)
    # Standing behind another layer, it must compute the gradient of its inputs as well.
    model = hornbeam.Model(inputs, outputs)
    model.compile("sgd", lambda y_true, y_pred: K.mean(K.square(y_pred), axis=-1))
    return model


def best_seconds(run, rounds=ROUNDS):
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def measure(shape, make, batch=32):
    """(seconds a step inside the loop, outside it)."""
    model = model_of(shape, make)
    size = batch * STEPS
    ids = isinstance(model.layers[-1], L.Embedding)
    x = np.random.randint(0, 5000, (size, *shape)) if ids else np.random.rand(size, *shape).astype("float32")
    y = np.zeros((size, 1), "float32")
    model.fit(x, y, batch_size=batch, epochs=1, verbose=0)
    steps, data = model._steps, model._prepare(x, y, for_training=True)
    ((loop, step),) = [pair for key, pair in steps._programs.items() if key[0] == "train"]
    arrays, plan = data.on_device(), K.engine.to_device(np.arange(size, dtype="int32").reshape(STEPS, batch))
    fixed = steps.fixed("train", np.uint32(0))
    alone = K.engine.compile_function(lambda fixed, state, batch: step(fixed, state, batch, None))
    batches = [{k: [a[i * batch : (i + 1) * batch] for a in v] for k, v in arrays.items()} for i in range(STEPS)]
    state = K.engine.own_all(steps.state("train"))

    def inside():
        K.engine.block_until_ready(
            loop(fixed, K.engine.own_all(state), arrays, plan, None, np.int32(0), np.int32(STEPS))
        )

    def outside():
        here = state
        for one in batches:
            here, logs = alone(fixed, here, one)
        K.engine.block_until_ready((here, logs))

    inside(), outside()
    pairs = [(best_seconds(inside, 1), best_seconds(outside, 1)) for _ in range(ROUNDS)]
    return min(p[0] for p in pairs) / STEPS, min(p[1] for p in pairs) / STEPS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("words", nargs="*")
    words = parser.parse_args().words
    slow = []
    for name, shape, make in CASES:
        if words and not any(word.lower() in name.lower() for word in words):
            continue
        inside, outside = measure(shape, make)
        times = f"{inside * 1e3:8.2f} ms inside {outside * 1e3:8.2f} ms outside {inside / outside:6.2f}"
        print(f"{name:26} {times}", flush=True)
        if inside > LIMIT * outside:
            slow.append(name)
    if slow:
        print(f"More than {LIMIT} times as long inside: {', '.join(slow)}")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
