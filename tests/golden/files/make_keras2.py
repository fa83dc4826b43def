"""Makes the files of Keras 2.0 to 2.3, with these very versions. See README.md for how to install them.

KERAS_BACKEND=tensorflow python make_keras2.py; KERAS_BACKEND=theano python make_keras2.py
"""

import keras
import numpy as np
from keeping import data, fill, keep, run
from keras import backend as K
from keras import layers as L
from keras import optimizers, regularizers
from keras.models import Model, Sequential

VERSION = keras.__version__
TF = K.backend() == "tensorflow"
if not TF:
    import theano.ifelse  # noqa: F401  Keras uses it without importing it
FIRST, LAST = "channels_first", "channels_last"


def stack(name, layers, inputs, **settings):
    """A Sequential of these layers, kept."""
    model = Sequential()
    for layer in layers:
        model.add(layer)
    fill(model)
    keep(model, name, inputs, **settings)


def dense(name):
    model = Sequential()
    model.add(L.Dense(4, input_dim=3, kernel_regularizer=regularizers.l1_l2(0.01, 0.02), activation="relu"))
    model.add(L.Dropout(0.5, noise_shape=None))
    model.add(L.Dense(2, kernel_constraint="nonneg", activation="softmax", use_bias=False))
    fill(model)
    model.compile(optimizers.SGD(lr=0.1, momentum=0.9, decay=1e-4), "categorical_crossentropy", metrics=["accuracy"])
    x = data((5, 3))
    model.train_on_batch(x[0], np.eye(2)[[0, 1, 0, 1, 1]])
    keep(model, name, x)


def lstm(name):
    layers = [L.Masking(0.0, input_shape=(4, 2)), L.LSTM(3, return_sequences=True), L.LSTM(2, use_bias=False)]
    x = data((3, 4, 2))[0]
    x[:, 3] = 0
    stack(name, layers, [x])


def gru(name):
    after = {} if VERSION < "2.1.3" else {"reset_after": True}
    stack(name, [L.GRU(3, input_shape=(4, 2), return_sequences=True), L.GRU(2, **after)], data((3, 4, 2)))


def recurrent_adam(name):
    model = Sequential([L.SimpleRNN(3, input_shape=(4, 2), go_backwards=True), L.Dense(1)])
    fill(model)
    model.compile("adam", loss="mse", metrics=["mae"])
    x = data((3, 4, 2))
    model.train_on_batch(x[0], np.ones((3, 1)))
    keep(model, name, x)


def bidirectional(name):
    layers = [L.Bidirectional(L.LSTM(3, return_sequences=True), input_shape=(4, 2)),
              L.Bidirectional(L.GRU(2), merge_mode="ave")]  # fmt: skip
    stack(name, layers, data((3, 4, 2)))


def images(order, name):
    shape = (5, 6, 2) if order == LAST else (2, 5, 6)
    layers = [
        L.Conv2D(3, (3, 1), padding="same", data_format=order, input_shape=shape, activation="tanh"),
        L.BatchNormalization(axis=3 if order == LAST else 1),
        L.ZeroPadding2D(((1, 0), (0, 2)), data_format=order),
        L.MaxPooling2D((2, 2), data_format=order),
        L.Conv2D(2, 2, strides=(1, 2), data_format=order),
        L.Flatten(),
        L.Dense(2),
    ]
    stack(name, layers, data((2,) + shape))


def conv2d_last(name):
    images(LAST, name)


def conv2d_first(name):
    images(FIRST, name)


def conv1d(name):
    layers = [L.Conv1D(3, 3, padding="causal", input_shape=(8, 2), activation="relu"), L.MaxPooling1D(2),
              L.Conv1D(2, 2, dilation_rate=2), L.UpSampling1D(2), L.GlobalMaxPooling1D()]  # fmt: skip
    stack(name, layers, data((2, 8, 2)))


def even_window(name):
    """Theano puts the zeros around an even window elsewhere."""
    stack(name, [L.Conv2D(3, 2, padding="same", input_shape=(4, 5, 2))], data((2, 4, 5, 2)))


def conv_transpose(name):
    padding = "same" if TF else "valid"
    layers = [L.Conv2DTranspose(3, 3, strides=2, padding=padding, input_shape=(3, 4, 2)), L.UpSampling2D(2),
              L.Cropping2D(1)]  # fmt: skip
    stack(name, layers, data((2, 3, 4, 2)))


def conv_transpose_first(name):
    layers = [L.Conv2DTranspose(3, 2, strides=2, data_format=FIRST, input_shape=(2, 3, 4))]
    stack(name, layers, data((2, 2, 3, 4)))


def conv3d(name):
    layers = [L.Conv3D(3, 2, input_shape=(3, 4, 3, 2)), L.AveragePooling3D((1, 2, 2))]
    stack(name, layers, data((2, 3, 4, 3, 2)))


def local(name):
    layers = [L.LocallyConnected2D(3, 2, input_shape=(4, 5, 2)), L.Flatten(), L.Reshape((12, 3)),
              L.LocallyConnected1D(2, 3)]  # fmt: skip
    stack(name, layers, data((2, 4, 5, 2)))


def local_first(name):
    layers = [L.LocallyConnected2D(3, 2, input_shape=(2, 4, 5), data_format=FIRST), L.Flatten(), L.Dense(1)]
    stack(name, layers, data((2, 2, 4, 5)))


def separable(name):
    layers = [L.SeparableConv2D(3, 2, depth_multiplier=2, input_shape=(4, 5, 2)), L.GlobalAveragePooling2D()]
    if VERSION >= "2.2":
        layers.insert(1, L.DepthwiseConv2D(2, depth_multiplier=2))
    if VERSION >= "2.1.3":
        layers[-1:] = [L.Reshape((-1, 3)), L.SeparableConv1D(2, 2)]
    stack(name, layers, data((2, 4, 5, 2)))


def conv_lstm(name):
    layers = [L.ConvLSTM2D(2, (3, 1), padding="same", input_shape=(3, 4, 5, 2), return_sequences=True),
              L.TimeDistributed(L.Conv2D(1, 2))]  # fmt: skip
    stack(name, layers, data((2, 3, 4, 5, 2)))


def others(name):
    layers = [L.Dense(4, input_shape=(3,)), L.PReLU(), L.LeakyReLU(0.2), L.ELU(0.5), L.GaussianNoise(0.1),
              L.ThresholdedReLU(0.1), L.ActivityRegularization(0.1), L.RepeatVector(2), L.Permute((2, 1)),
              L.Activation("hard_sigmoid")]  # fmt: skip
    stack(name, layers, data((3, 3)))


def embedding(name):
    layers = [L.Embedding(6, 3, mask_zero=True, input_length=5), L.LSTM(2), L.Dense(1, activation="sigmoid")]
    stack(name, layers, data((4, 5), ids=6))


def functional(name):
    a, b = L.Input((4, 3), name="a"), L.Input((4, 3), name="b")
    shared = L.LSTM(3, return_sequences=True)
    left, right = shared(a), shared(b)
    both = L.concatenate([left, right])
    product = L.dot([left, right], axes=2, normalize=True)
    out = L.Dense(2, name="out")(L.Flatten()(L.add([both, both])))
    model = Model(inputs=[a, b], outputs=[out, product])
    fill(model)
    model.compile("rmsprop", {"out": "mse", model.output_names[1]: "mae"}, loss_weights=[1.0, 0.5])
    keep(model, name, data((2, 4, 3), (2, 4, 3)))


def states(name):
    a, b = L.Input((4, 2)), L.Input((3, 2))
    _, h, c = L.LSTM(3, return_state=True)(a)
    out = L.LSTM(3, return_sequences=True)(b, initial_state=[h, c])
    model = Model([a, b], L.TimeDistributed(L.Dense(2))(out))
    fill(model)
    keep(model, name, data((2, 4, 2), (2, 3, 2)))


def nested(name):
    inner = Sequential([L.Dense(4, input_dim=3), L.BatchNormalization(), L.Dense(3), L.BatchNormalization()])
    inner.layers[0].trainable = False
    inner.layers[3].trainable = False
    model = Sequential([inner, L.Dense(2)])
    if VERSION >= "2.2":
        x = L.Input((3,))
        model = Sequential([Model(x, L.BatchNormalization(scale=False)(inner(x)), name="functional"), L.Dense(2)])
    fill(model)
    keep(model, name, data((3, 3)))


def time_distributed_model(name):
    inner = Sequential([L.Dense(4, input_dim=3), L.BatchNormalization(), L.Dense(2)])
    x = L.Input((5, 3))
    model = Model(x, L.TimeDistributed(inner)(x))
    fill(model)
    keep(model, name, data((2, 5, 3)))


def cells(name):
    layers = [L.RNN([L.LSTMCell(3), L.GRUCell(2)], input_shape=(4, 2))]
    stack(name, layers, data((2, 4, 2)))


def stateful(name):
    stack(name, [L.GRU(3, batch_input_shape=(2, 4, 2), stateful=True)], data((2, 4, 2)))


def frozen(name):
    layers = [L.Conv1D(2, 2, input_shape=(5, 2), trainable=False), L.BatchNormalization(trainable=False), L.Flatten(),
              L.Dense(1)]  # fmt: skip
    stack(name, layers, data((2, 5, 2)))


def weights_only(name):
    layers = [L.Conv1D(3, 3, input_shape=(6, 2)), L.BatchNormalization(), L.GRU(2)]
    stack(name, layers, data((2, 6, 2)), weights_only=True)


def late(name):
    """A stack that learnt its input's shape from its first batch."""
    model = Sequential([L.Dense(4, activation="tanh"), L.Dense(2)])
    model.compile("sgd", "mse")
    x = data((3, 3))
    model.train_on_batch(x[0], np.ones((3, 2)))
    fill(model)
    keep(model, name, x)


def by_cudnn(kernel, recurrent, bias, gates):
    """Products as cuDNN reads the weights: each gate's block, row by row, is a matrix (units, inputs)."""
    units = recurrent.shape[0]
    blocks = [kernel[:, i * units : (i + 1) * units].reshape(units, -1) for i in range(gates)]
    inner = [recurrent[:, i * units : (i + 1) * units].reshape(units, units) for i in range(gates)]
    return blocks, inner, bias[: gates * units].reshape(gates, units), bias[gates * units :].reshape(gates, units)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def cudnn_lstm_forward(x, kernel, recurrent, bias):
    """An LSTM over x (B, T, D) after cuDNN's own definition, gates i, f, c, o: the outputs of all steps."""
    W, R, bw, br = by_cudnn(kernel, recurrent, bias, 4)
    h = c = np.zeros((len(x), recurrent.shape[0]))
    found = []
    for t in range(x.shape[1]):
        i, f, g, o = (x[:, t].dot(W[k].T) + bw[k] + h.dot(R[k].T) + br[k] for k in range(4))
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        found.append(h)
    return np.stack(found, 1)


def cudnn_gru_forward(x, kernel, recurrent, bias):
    """A GRU over x (B, T, D) after cuDNN's own definition, gates z, r, h: the outputs of all steps."""
    W, R, bw, br = by_cudnn(kernel, recurrent, bias, 3)
    h = np.zeros((len(x), recurrent.shape[0]))
    found = []
    for t in range(x.shape[1]):
        a, b = ([v.dot(M[k].T) + bias[k] for k in range(3)] for v, M, bias in ((x[:, t], W, bw), (h, R, br)))
        z, r = sigmoid(a[0] + b[0]), sigmoid(a[1] + b[1])
        h = (1 - z) * np.tanh(a[2] + r * b[2]) + z * h
        found.append(h)
    return np.stack(found, 1)


def only_weights(self, inputs, initial_state):
    """In place of the computation, which no processor but NVIDIA's knows: nothing of the right shape."""
    steps = K.dot(inputs, K.zeros((self.input_spec[0].shape[-1], self.units)))
    return (steps if self.return_sequences else steps[:, 0]), initial_state


def cudnn(name):
    """cuDNN runs on GPUs only, so the outputs are worked out here, after NVIDIA's definition."""
    model = Sequential([L.CuDNNLSTM(3, input_shape=(4, 2), return_sequences=True), L.CuDNNGRU(2)])
    fill(model)
    x = data((3, 4, 2))
    weights = model.get_weights()
    found = cudnn_gru_forward(cudnn_lstm_forward(x[0], *weights[:3]), *weights[3:])[:, -1]
    keep(model, name, x, outputs=[found])


def cudnn_bidirectional(name):
    model = Sequential([L.Bidirectional(L.CuDNNLSTM(3), input_shape=(4, 2)), L.Dense(2)])
    fill(model)
    x = data((3, 4, 2))
    weights = model.get_weights()
    forward = cudnn_lstm_forward(x[0], *weights[:3])[:, -1]
    backward = cudnn_lstm_forward(x[0][:, ::-1], *weights[3:6])[:, -1]
    found = np.concatenate([forward, backward], -1).dot(weights[6]) + weights[7]
    keep(model, name, x, outputs=[found])


def cudnn_weights(name):
    """Weights alone, for a model of the same sizes made of plain LSTM and GRU."""
    model = Sequential([L.CuDNNLSTM(3, input_shape=(4, 2), return_sequences=True), L.Bidirectional(L.CuDNNGRU(2))])
    fill(model)
    x = data((3, 4, 2))
    weights = model.get_weights()
    sequence = cudnn_lstm_forward(x[0], *weights[:3])
    forward = cudnn_gru_forward(sequence, *weights[3:6])[:, -1]
    backward = cudnn_gru_forward(sequence[:, ::-1], *weights[6:])[:, -1]
    keep(model, name, x, outputs=[np.concatenate([forward, backward], -1)], weights_only=True)


EVERY = [functional, nested, gru]
ELSE = {
    "2.0.9": [dense, lstm, conv2d_last, bidirectional, conv2d_first, conv1d, conv_transpose, local, separable,
              embedding, stateful, weights_only],
    "2.1.6": [conv_lstm, cells, states, conv3d, time_distributed_model, others],
    "2.2.4": [dense, lstm, conv2d_last, recurrent_adam, bidirectional, conv2d_first, conv1d, conv_transpose,
              conv_transpose_first, conv3d, local, local_first, separable, conv_lstm, others, embedding, states,
              time_distributed_model, cells, stateful, frozen, weights_only, late, cudnn, cudnn_bidirectional,
              cudnn_weights],
    "2.3.1": [dense, recurrent_adam, cells, late, frozen],
}  # fmt: skip
THEANO = {
    "2.0.9": [conv2d_first],
    "2.1.6": [conv1d],
    "2.2.4": [conv2d_last, conv2d_first, conv_transpose, conv3d, local, separable, conv_lstm, nested, even_window],
}

if __name__ == "__main__":
    if VERSION == "2.2.4" and TF:
        L.CuDNNLSTM._process_batch = L.CuDNNGRU._process_batch = only_weights
    run([*EVERY, *ELSE[VERSION]] if TF else THEANO[VERSION], f"keras{VERSION.replace('.', '_')}_{K.backend()}")
