"""Makes the files of tf.keras 2.15 (the Keras 2 inside TensorFlow 2). See README.md for how to install it.

python make_tf_keras.py
"""

import numpy as np
import tensorflow as tf
from keeping import data, fill, keep
from tensorflow.keras import layers as L
from tensorflow.keras import optimizers, regularizers
from tensorflow.keras.models import Model, Sequential


def stack(name, layers, inputs, **settings):
    """A Sequential of these layers, kept."""
    model = Sequential(layers)
    fill(model)
    keep(model, name, inputs, **settings)


def dense(name):
    model = Sequential([
        L.Dense(4, input_shape=(3,), kernel_regularizer=regularizers.l2(0.02), activation="relu"),
        L.Dropout(0.5),
        L.Dense(2, kernel_constraint="nonneg", activation="softmax"),
    ])  # fmt: skip
    fill(model)
    model.compile(optimizers.Adam(0.01), "categorical_crossentropy", metrics=["accuracy"])
    x = data((5, 3))
    model.train_on_batch(x[0], np.eye(2)[[0, 1, 0, 1, 1]])
    keep(model, name, x)


def legacy_sgd(name):
    model = Sequential([L.Input((3,)), L.Dense(4, activation="hard_sigmoid"), L.Dense(1)])
    fill(model)
    model.compile(optimizers.legacy.SGD(0.1, momentum=0.9), loss=tf.keras.losses.MeanSquaredError(), metrics=["mae"])
    x = data((5, 3))
    model.train_on_batch(x[0], np.ones((5, 1)))
    keep(model, name, x)


def recurrent(name):
    layers = [L.LSTM(3, return_sequences=True, input_shape=(4, 2)), L.GRU(2, return_sequences=True),
              L.GRU(2, reset_after=False, return_sequences=True), L.SimpleRNN(2),]  # fmt: skip
    stack(name, layers, data((3, 4, 2)))


def hard_gates(name):
    layers = [L.LSTM(3, recurrent_activation="hard_sigmoid", input_shape=(4, 2), return_sequences=True),
              L.GRU(2, recurrent_activation="hard_sigmoid", go_backwards=True)]  # fmt: skip
    stack(name, layers, data((3, 4, 2)))


def cudnn(name):
    layers = [tf.compat.v1.keras.layers.CuDNNLSTM(3, return_sequences=True), tf.compat.v1.keras.layers.CuDNNGRU(2)]
    from make_keras2 import cudnn_gru_forward, cudnn_lstm_forward

    model = Sequential([L.Input((4, 2)), *layers])
    fill(model)
    x, w = data((3, 4, 2)), model.get_weights()
    keep(model, name, x, outputs=[cudnn_gru_forward(cudnn_lstm_forward(x[0], *w[:3]), *w[3:])[:, -1]])


def bidirectional(name):
    layers = [L.Masking(0.0, input_shape=(4, 2)), L.Bidirectional(L.LSTM(3, return_sequences=True)),
              L.Bidirectional(L.GRU(2), merge_mode="mul")]  # fmt: skip
    x = data((3, 4, 2))[0]
    x[0, 3] = 0
    stack(name, layers, [x])


def stateful(name):
    stack(name, [L.LSTM(3, batch_input_shape=(2, 4, 2), stateful=True), L.Dense(2)], data((2, 4, 2)))


def cells(name):
    stack(name, [L.RNN([L.LSTMCell(3), L.GRUCell(2)], input_shape=(4, 2))], data((2, 4, 2)))


def conv2d(name):
    layers = [
        L.Conv2D(4, (2, 3), padding="same", input_shape=(5, 6, 2), activation="swish"),
        L.BatchNormalization(),
        L.ZeroPadding2D(((1, 0), (0, 2))),
        L.MaxPooling2D(2),
        L.Conv2D(2, 2, strides=(1, 2), groups=2),
        L.Flatten(),
        L.Dense(2),
    ]
    stack(name, layers, data((2, 5, 6, 2)))


def depthwise(name):
    layers = [L.DepthwiseConv2D(2, depth_multiplier=2, input_shape=(5, 6, 2)), L.SeparableConv2D(3, 2),
              L.LeakyReLU(0.1), L.Conv2DTranspose(2, 2, strides=2), L.ReLU(max_value=0.6),
              L.GlobalAveragePooling2D()]  # fmt: skip
    stack(name, layers, data((2, 5, 6, 2)))


def conv1d(name):
    layers = [L.Conv1D(3, 3, padding="causal", input_shape=(8, 2)), L.SeparableConv1D(2, 2), L.Conv1DTranspose(2, 2),
              L.LayerNormalization(), L.PReLU(shared_axes=[1]), L.GlobalMaxPooling1D()]  # fmt: skip
    stack(name, layers, data((2, 8, 2)))


def local(name):
    layers = [L.LocallyConnected2D(3, 2, input_shape=(4, 5, 2)), L.Reshape((12, 3)), L.LocallyConnected1D(2, 3)]
    stack(name, layers, data((2, 4, 5, 2)))


def local_dense(name):
    layers = [L.LocallyConnected2D(2, 2, implementation=2, input_shape=(3, 4, 2)), L.Reshape((6, 2)),
              L.LocallyConnected1D(2, 3, strides=2, implementation=2)]  # fmt: skip
    stack(name, layers, data((2, 3, 4, 2)))


def local_sparse(name):
    layers = [L.LocallyConnected2D(2, 2, implementation=3, input_shape=(3, 4, 2)), L.Reshape((6, 2)),
              L.LocallyConnected1D(2, 3, implementation=3)]  # fmt: skip
    stack(name, layers, data((2, 3, 4, 2)))


def conv_lstm(name):
    stack(name, [L.ConvLSTM2D(2, 2, padding="same", input_shape=(3, 4, 5, 2))], data((2, 3, 4, 5, 2)))


def embedding(name):
    layers = [L.Embedding(6, 3, mask_zero=True, input_length=5), L.LSTM(2), L.Dense(1, activation="sigmoid")]
    stack(name, layers, data((4, 5), ids=6))


def functional(name):
    a, b = L.Input((4, 3), name="a"), L.Input((4, 3), name="b")
    shared = L.LSTM(3, return_sequences=True)
    left, right = shared(a), shared(b)
    both = L.concatenate([left, right])
    product = L.dot([left, right], axes=2, normalize=True)
    attended = L.Attention()([left, right])
    out = L.Dense(2, name="out")(L.Flatten()(L.add([both, both])))
    model = Model(inputs=[a, b], outputs=[out, product, attended])
    fill(model)
    model.compile("rmsprop", {"out": "mse"}, loss_weights={"out": 0.5})
    keep(model, name, data((2, 4, 3), (2, 4, 3)))


def states(name):
    a, b = L.Input((4, 2)), L.Input((3, 2))
    _, h, c = L.LSTM(3, return_state=True)(a)
    out = L.LSTM(3, return_sequences=True)(b, initial_state=[h, c])
    model = Model([a, b], L.TimeDistributed(L.Dense(2))(out))
    fill(model)
    keep(model, name, data((2, 4, 2), (2, 3, 2)))


def attention(name):
    x, y = L.Input((4, 3)), L.Input((2, 3))
    heads = L.MultiHeadAttention(2, 3, name="heads")(x, y)
    keyed = L.MultiHeadAttention(1, 2)(heads, value=y, key=y)
    model = Model([x, y], L.LayerNormalization(epsilon=1e-4)(keyed))
    fill(model)
    keep(model, name, data((2, 4, 3), (2, 2, 3)))


def operators(name):
    x = L.Input((3,))
    y = L.Dense(3)(x)
    model = Model(x, L.Dense(2)(tf.nn.relu(x + 2.0 * y) - y / 4.0))
    fill(model)
    keep(model, name, data((2, 3)))


def nested(name):
    inner = Sequential([L.Dense(4, input_dim=3), L.BatchNormalization(), L.Dense(3), L.BatchNormalization()])
    inner.layers[0].trainable = False
    inner.layers[3].trainable = False
    x = L.Input((3,))
    functional = Model(x, L.BatchNormalization(scale=False)(inner(x)), name="functional")
    model = Sequential([functional, L.Dense(2)])
    fill(model)
    keep(model, name, data((3, 3)))


def time_distributed_model(name):
    inner = Sequential([L.Dense(4, input_dim=3), L.BatchNormalization(), L.Dense(2)])
    x = L.Input((5, 3))
    model = Model(x, L.TimeDistributed(inner)(x))
    fill(model)
    keep(model, name, data((2, 5, 3)))


def late(name):
    model = Sequential([L.Dense(4, activation="tanh"), L.Dense(2)])
    model.build((None, 3))
    fill(model)
    keep(model, name, data((3, 3)))


def mixed_precision(name):
    model = Sequential([L.Input((3,)), L.Dense(4, dtype=tf.keras.mixed_precision.Policy("mixed_float16")),
                        L.Dense(2, dtype="float32")])  # fmt: skip
    fill(model)
    keep(model, name, data((3, 3)))


def weights_only(name):
    layers = [L.Conv1D(3, 3, input_shape=(6, 2)), L.BatchNormalization(), L.GRU(2)]
    stack(name, layers, data((2, 6, 2)), weights_only=True)


def new_weights(name):
    """The .weights.h5 layout that 2.13 brought, with paths instead of weights' names."""
    layers = [L.Conv1D(3, 3, input_shape=(6, 2)), L.BatchNormalization(), L.GRU(2), L.Dense(2)]
    stack(name, layers, data((2, 6, 2)), weights_only=True, suffix=".weights.h5")


def archive(name):
    layers = [L.Conv1D(3, 3, input_shape=(6, 2)), L.BatchNormalization(),
              L.LSTM(2, recurrent_activation="hard_sigmoid"), L.Dense(2)]  # fmt: skip
    stack(name, layers, data((2, 6, 2)), suffix=".keras")


RECIPES = [dense, legacy_sgd, recurrent, hard_gates, cudnn, bidirectional, stateful, cells, conv2d, depthwise, conv1d,
           local, local_dense, local_sparse, conv_lstm, embedding, functional, states, attention, operators, nested,
           time_distributed_model, late, mixed_precision, weights_only, new_weights, archive]  # fmt: skip

if __name__ == "__main__":
    for recipe in RECIPES:
        tf.keras.backend.clear_session()
        recipe(f"tf_keras{tf.__version__.replace('.', '_')}_{recipe.__name__}")
