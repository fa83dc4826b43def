"""One layer at a time: a training step of each, behind another one, so that gradients of its inputs are wanted too.

What counts is the time of one step once everything is compiled. The other workloads measure a few layers in the forms
in which the documents use them; here is every kind, with the classic defaults, so that none is slow unnoticed. With
BENCHMARK_LAYERS=LSTM in the environment, only those are measured whose name holds that word.
"""

import os

import numpy as np

import workload

STEPS, EPOCHS, BATCH, WORDS = workload.size(8, smoke=1), workload.size(5, smoke=1), 32, 5000
IMAGE, VOLUME, SEQUENCE, SERIES, ROWS = (28, 28, 64), (10, 12, 12, 24), (60, 128), (100, 16), (2048,)
IDS = (100,)  # of words

# What it is -> (shape of a row, function of the library's layers). Where the classic default differs from the current
# one, it is written out: both compute the same.
HARD, SMOOTH = {"recurrent_activation": "hard_sigmoid"}, {"recurrent_activation": "sigmoid"}
CASES = {
    "Dense(2048)": (ROWS, lambda of: of.Dense(2048)),
    "Dropout": (IMAGE, lambda of: of.Dropout(0.5)),
    "SpatialDropout2D": (IMAGE, lambda of: of.SpatialDropout2D(0.5)),
    "GaussianNoise": (IMAGE, lambda of: of.GaussianNoise(0.5)),
    "GaussianDropout": (IMAGE, lambda of: of.GaussianDropout(0.5)),
    "AlphaDropout": (IMAGE, lambda of: of.AlphaDropout(0.5)),
    "ReLU": (IMAGE, lambda of: of.ReLU()),
    "LeakyReLU": (IMAGE, lambda of: of.LeakyReLU()),
    "ELU": (IMAGE, lambda of: of.ELU()),
    "PReLU": (IMAGE, lambda of: of.PReLU()),
    "Softmax": (IMAGE, lambda of: of.Softmax()),
    "BatchNormalization": (IMAGE, lambda of: of.BatchNormalization()),
    "LayerNormalization": (IMAGE, lambda of: of.LayerNormalization()),
    "GroupNormalization(8)": (IMAGE, lambda of: of.GroupNormalization(8)),
    "UnitNormalization": (IMAGE, lambda of: of.UnitNormalization()),
    "Conv1D(128, 5)": (SEQUENCE, lambda of: of.Conv1D(128, 5)),
    "Conv1D(128, 3), causal, dilated": (SEQUENCE, lambda of: of.Conv1D(128, 3, padding="causal", dilation_rate=2)),
    "Conv2D(64, 3)": (IMAGE, lambda of: of.Conv2D(64, 3)),
    "Conv2D(64, 3), same": (IMAGE, lambda of: of.Conv2D(64, 3, padding="same")),
    "Conv2D(64, 3), strided": (IMAGE, lambda of: of.Conv2D(64, 3, strides=2, padding="same")),
    "Conv2D(64, 3), dilated": (IMAGE, lambda of: of.Conv2D(64, 3, dilation_rate=2, padding="same")),
    "Conv2D(64, 5), same": (IMAGE, lambda of: of.Conv2D(64, 5, padding="same")),
    "Conv2D(256, 1)": (IMAGE, lambda of: of.Conv2D(256, 1)),
    "Conv2D(64, 3), 4 groups": (IMAGE, lambda of: of.Conv2D(64, 3, groups=4)),
    "Conv3D(24, 3)": (VOLUME, lambda of: of.Conv3D(24, 3)),
    "SeparableConv1D(128, 5)": (SEQUENCE, lambda of: of.SeparableConv1D(128, 5)),
    "SeparableConv2D(64, 3)": (IMAGE, lambda of: of.SeparableConv2D(64, 3)),
    "DepthwiseConv2D(3)": (IMAGE, lambda of: of.DepthwiseConv2D(3)),
    "Conv1DTranspose(64, 3), strided": (SEQUENCE, lambda of: of.Conv1DTranspose(64, 3, strides=2)),
    "Conv2DTranspose(32, 3), strided": (IMAGE, lambda of: of.Conv2DTranspose(32, 3, strides=2)),
    "Conv3DTranspose(12, 3), strided": (VOLUME, lambda of: of.Conv3DTranspose(12, 3, strides=2)),
    "UpSampling1D": (SEQUENCE, lambda of: of.UpSampling1D(2)),
    "UpSampling2D": (IMAGE, lambda of: of.UpSampling2D(2)),
    "UpSampling2D, bilinear": (IMAGE, lambda of: of.UpSampling2D(2, interpolation="bilinear")),
    "UpSampling3D": (VOLUME, lambda of: of.UpSampling3D(2)),
    "ZeroPadding2D(2)": (IMAGE, lambda of: of.ZeroPadding2D(2)),
    "Cropping2D(2)": (IMAGE, lambda of: of.Cropping2D(2)),
    "MaxPooling1D": (SEQUENCE, lambda of: of.MaxPooling1D(2)),
    "MaxPooling2D": (IMAGE, lambda of: of.MaxPooling2D(2)),
    "MaxPooling2D(3), strides 2": (IMAGE, lambda of: of.MaxPooling2D(3, strides=2, padding="same")),
    "MaxPooling3D": (VOLUME, lambda of: of.MaxPooling3D(2)),
    "AveragePooling2D(3), strides 2": (IMAGE, lambda of: of.AveragePooling2D(3, strides=2)),
    "AveragePooling3D": (VOLUME, lambda of: of.AveragePooling3D(2)),
    "GlobalAveragePooling2D": (IMAGE, lambda of: of.GlobalAveragePooling2D()),
    "GlobalMaxPooling2D": (IMAGE, lambda of: of.GlobalMaxPooling2D()),
    "Flatten": (IMAGE, lambda of: of.Flatten()),
    "Permute": (IMAGE, lambda of: of.Permute((3, 1, 2))),
    "SimpleRNN(128)": (SEQUENCE, lambda of: of.SimpleRNN(128)),
    "SimpleRNN(128), relu": (SEQUENCE, lambda of: of.SimpleRNN(128, activation="relu")),
    "GRU(128)": (SEQUENCE, lambda of: of.GRU(128, reset_after=False, **HARD)),
    "GRU(128), reset_after, sigmoid": (SEQUENCE, lambda of: of.GRU(128, reset_after=True, **SMOOTH)),
    "LSTM(128)": (SEQUENCE, lambda of: of.LSTM(128, **HARD)),
    "LSTM(128), sigmoid": (SEQUENCE, lambda of: of.LSTM(128, **SMOOTH)),
    "LSTM(128), sequences": (SEQUENCE, lambda of: of.LSTM(128, return_sequences=True, **HARD)),
    "LSTM(128), dropout of both kinds": (SEQUENCE, lambda of: of.LSTM(128, dropout=0.2, recurrent_dropout=0.2, **HARD)),
    "LSTM(32) on 100 steps of 16": (SERIES, lambda of: of.LSTM(32, **HARD)),
    "GRU(32) on 100 steps of 16": (SERIES, lambda of: of.GRU(32, reset_after=False, **HARD)),
    "LSTM(128) behind Masking": (SEQUENCE, lambda of: _behind(of.Masking(), of.LSTM(128, **HARD))),
    "RNN of two LSTMCells(64)": (SEQUENCE, lambda of: of.RNN([of.LSTMCell(64, **HARD), of.LSTMCell(64, **HARD)])),
    "Bidirectional(LSTM(64))": (SEQUENCE, lambda of: of.Bidirectional(of.LSTM(64, **HARD))),
    "ConvLSTM2D(8, 3)": ((6, 12, 12, 8), lambda of: of.ConvLSTM2D(8, 3, **HARD)),
    "TimeDistributed(Dense(128))": (SEQUENCE, lambda of: of.TimeDistributed(of.Dense(128))),
    "TimeDistributed(Conv2D(16, 3))": ((6, 12, 12, 8), lambda of: of.TimeDistributed(of.Conv2D(16, 3))),
    "Embedding(5000, 128)": (IDS, lambda of: of.Embedding(WORDS, 128)),
    "MultiHeadAttention(4, 32)": (SEQUENCE, lambda of: _on_itself(of.MultiHeadAttention(4, 32))),
    "Attention": (SEQUENCE, lambda of: _of_a_list(of.Attention())),
    "AdditiveAttention": (SEQUENCE, lambda of: _of_a_list(of.AdditiveAttention())),
    "Add": (IMAGE, lambda of: _of_a_list(of.Add())),
    "Multiply": (IMAGE, lambda of: _of_a_list(of.Multiply())),
    "Maximum": (IMAGE, lambda of: _of_a_list(of.Maximum())),
    "Concatenate": (IMAGE, lambda of: _of_a_list(of.Concatenate())),
    "Dot": (SEQUENCE, lambda of: _of_a_list(of.Dot(2))),
}  # fmt: skip
CLAIMS = [workload.Claim(f"{name}_s", name, {"keras": 1.0}) for name in CASES]
RUNS = 2


def _behind(first, second):
    return lambda x: second(first(x))


def _on_itself(layer):
    return lambda x: layer(x, x)


def _of_a_list(layer):
    return lambda x: layer([x, x])


def build(library, shape, make):
    of = library.layers
    inputs = of.Input(shape, dtype="int32" if shape is IDS else "float32")
    before = inputs if shape is IDS else of.PReLU(shared_axes=list(range(1, len(shape) + 1)))(inputs)
    model = library.models.Model(inputs, make(of)(before))
    model.compile("sgd", lambda y_true, y_pred: y_pred * y_pred)
    return model


def _epoch_s(fit):
    """Shortest time of an epoch after the one that compiles; where it takes long, of a single one."""
    epoch_s, _ = workload.epochs_s(fit, epochs=1, times=1)
    if epoch_s > 0.5:
        return epoch_s
    return min(epoch_s, workload.epochs_s(fit, EPOCHS, times=4)[0])


def measure(library, first):
    measured = {}
    for name, (shape, make) in CASES.items():
        if os.environ.get("BENCHMARK_LAYERS", name) not in name:
            continue
        random = np.random.default_rng(0)
        rows = STEPS * BATCH, *shape
        x = random.integers(0, WORDS, rows) if shape is IDS else random.random(rows, dtype="float32")
        library.utils.set_random_seed(0)
        model = build(library, shape, make)
        y = np.zeros((len(x), *(1,) * (len(model.output_shape) - 1)), "float32")
        measured[f"{name}_s"] = _epoch_s(workload.model_fit(model, x, y, BATCH)) / STEPS
        library.backend.clear_session()
    return measured


if __name__ == "__main__":
    workload.main(measure)
