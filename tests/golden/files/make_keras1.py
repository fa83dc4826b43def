"""Makes the files of Keras 1.2.2, with that very version. See README.md for how to install it.

KERAS_BACKEND=tensorflow python make_keras1.py; KERAS_BACKEND=theano python make_keras1.py
"""

import numpy as np
from keeping import data, fill, keep, run
from keras import backend as K
from keras import layers as L
from keras import regularizers
from keras.models import Model, Sequential

TF = K.backend() == "tensorflow"
if not TF:
    import theano.ifelse  # noqa: F401  Keras uses it without importing it


def stack(name, layers, inputs, **settings):
    """A Sequential of these layers, kept."""
    model = Sequential()
    for layer in layers:
        model.add(layer)
    fill(model)
    keep(model, name, inputs, **settings)


def dense(name):
    model = Sequential()
    model.add(L.Dense(4, input_dim=3, W_regularizer=regularizers.l2(0.01), activation="relu", init="he_normal"))
    model.add(L.Dropout(0.5))
    model.add(L.Dense(2, W_constraint="nonneg", activation="softmax", bias=False))
    fill(model)
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy"])
    x = data((5, 3))
    model.train_on_batch(x[0], np.eye(2)[[0, 1, 0, 1, 1]])
    keep(model, name, x)


def lstm(name):
    stack(name, [L.LSTM(3, input_shape=(4, 2), return_sequences=True), L.LSTM(2, forget_bias_init="one")],
          data((3, 4, 2)))  # fmt: skip


def lstm_gpu(name):
    stack(name, [L.LSTM(3, input_shape=(4, 2), consume_less="gpu", inner_activation="sigmoid")], data((3, 4, 2)))


def gru(name):
    stack(name, [L.GRU(3, input_shape=(4, 2), return_sequences=True), L.GRU(2, consume_less="gpu")], data((3, 4, 2)))


def simple_rnn(name):
    stack(name, [L.SimpleRNN(3, input_dim=2, input_length=4, go_backwards=True)], data((3, 4, 2)))


def bidirectional(name):
    layers = [L.Bidirectional(L.LSTM(3, return_sequences=True), input_shape=(4, 2)),
              L.Bidirectional(L.GRU(2), merge_mode="sum")]  # fmt: skip
    stack(name, layers, data((3, 4, 2)))


def stateful(name):
    model = Sequential()
    model.add(L.LSTM(3, batch_input_shape=(2, 4, 2), stateful=True))
    fill(model)
    keep(model, name, data((2, 4, 2)))


def embedding(name):
    layers = [L.Embedding(6, 3, mask_zero=True, input_length=5, dropout=0.2), L.LSTM(2), L.Dense(1)]
    stack(name, layers, data((4, 5), ids=6))


def images(order, name):
    shape = (5, 6, 2) if order == "tf" else (2, 5, 6)
    layers = [
        L.Convolution2D(3, 1, 3, border_mode="same", dim_ordering=order, input_shape=shape, activation="tanh"),
        L.BatchNormalization(axis=3 if order == "tf" else 1),
        L.ZeroPadding2D((1, 0), dim_ordering=order),
        L.MaxPooling2D((2, 2), dim_ordering=order),
        L.Convolution2D(2, 2, 2, subsample=(1, 2), dim_ordering=order),
        L.Flatten(),
        L.Dense(2),
    ]
    stack(name, layers, data((2,) + shape))


def conv2d_tf(name):
    images("tf", name)


def conv2d_th(name):
    images("th", name)


def conv1d(name):
    layers = [
        L.Convolution1D(3, 3, input_dim=2, input_length=8, border_mode="same"),
        L.MaxPooling1D(2),
        L.AtrousConvolution1D(2, 2, atrous_rate=2),
        L.UpSampling1D(2),
        L.GlobalAveragePooling1D(),
    ]
    stack(name, layers, data((2, 8, 2)))


def upwards(order, name):
    shape = (3, 4, 2) if order == "tf" else (2, 3, 4)
    wide = (2, 6, 8, 3) if order == "tf" else (2, 3, 6, 8)
    layers = [
        L.Deconvolution2D(3, 2, 2, wide, subsample=(2, 2), dim_ordering=order, input_shape=shape),
        L.UpSampling2D((1, 2), dim_ordering=order),
        L.AtrousConvolution2D(2, 2, 2, atrous_rate=(2, 2), dim_ordering=order),
    ]
    stack(name, layers, data((2,) + shape))


def deconv_tf(name):
    upwards("tf", name)


def deconv_th(name):
    upwards("th", name)


def volumes(order, name):
    shape = (3, 4, 3, 2) if order == "tf" else (2, 3, 4, 3)
    layers = [
        L.Convolution3D(3, 2, 2, 2, dim_ordering=order, input_shape=shape),
        L.AveragePooling3D((1, 2, 2), dim_ordering=order),
    ]
    stack(name, layers, data((2,) + shape))


def conv3d_tf(name):
    volumes("tf", name)


def conv3d_th(name):
    volumes("th", name)


def local(order, name):
    shape = (4, 5, 2) if order == "tf" else (2, 4, 5)
    layers = [L.LocallyConnected2D(3, 2, 2, dim_ordering=order, input_shape=shape), L.Flatten(), L.Reshape((12, 3)),
              L.LocallyConnected1D(2, 3)]  # fmt: skip
    stack(name, layers, data((2,) + shape))


def local_tf(name):
    local("tf", name)


def local_th(name):
    local("th", name)


def separable(name):
    layers = [L.SeparableConvolution2D(3, 2, 2, depth_multiplier=2, dim_ordering="tf", input_shape=(4, 5, 2))]
    stack(name, layers, data((2, 4, 5, 2)))


def conv_lstm(name):
    layers = [L.ConvLSTM2D(2, 3, 1, border_mode="same", dim_ordering="tf", input_shape=(3, 4, 5, 2))]
    stack(name, layers, data((2, 3, 4, 5, 2)))


def conv_lstm_th(name):
    layers = [L.ConvLSTM2D(2, 3, 1, border_mode="same", dim_ordering="th", input_shape=(3, 2, 4, 5))]
    stack(name, layers, data((2, 3, 2, 4, 5)))


def time_distributed(name):
    layers = [
        L.TimeDistributed(L.Convolution1D(3, 2), input_shape=(3, 5, 2)),
        L.TimeDistributed(L.Flatten()),
        L.TimeDistributedDense(4),
        L.TimeDistributed(L.Dense(2)),
    ]
    stack(name, layers, data((2, 3, 5, 2)))


def own_arguments(name):
    layers = [L.MaxoutDense(4, nb_feature=3, input_dim=3), L.Highway(activation="tanh"), L.PReLU(), L.LeakyReLU(0.2),
              L.ELU(0.5), L.GaussianNoise(0.1), L.RepeatVector(2), L.Permute((2, 1))]  # fmt: skip
    stack(name, layers, data((3, 3)))


def branch(size, units):
    model = Sequential()
    model.add(L.Dense(units, input_dim=size))
    model.add(L.Activation("tanh"))
    return model


def merged(mode, name, **settings):
    model = Sequential()
    model.add(L.Merge([branch(3, 4), branch(2, 4)], mode=mode, **settings))
    if mode == "cos":
        model.add(L.Flatten())
    model.add(L.Dense(2))
    fill(model)
    keep(model, name, data((3, 3), (3, 2)))


def merge_concat(name):
    merged("concat", name, concat_axis=-1)


def merge_sum(name):
    merged("sum", name)


def merge_dot(name):
    merged("dot", name, dot_axes=1)


def merge_cos(name):
    merged("cos", name, dot_axes=1)


def merge_of_merges(name):
    inner = Sequential()
    inner.add(L.Merge([branch(3, 4), branch(2, 4)], mode="mul"))
    inner.add(L.Dense(3))
    model = Sequential()
    model.add(L.Merge([inner, branch(2, 3)], mode="ave"))
    model.add(L.Dense(2))
    fill(model)
    keep(model, name, data((3, 3), (3, 2), (3, 2)))


def functional(name):
    a, b = L.Input((4, 3), name="a"), L.Input((4, 3), name="b")
    shared = L.LSTM(3, return_sequences=True)
    left, right = shared(a), shared(b)
    both = L.merge([left, right], mode="concat", concat_axis=-1)
    product = L.merge([left, right], mode="dot", dot_axes=[2, 2])
    cosine = L.Flatten()(L.merge([L.Flatten()(left), L.Flatten()(right)], mode="cos", dot_axes=1))
    out = L.Dense(2, name="out")(L.Flatten()(both))
    model = Model(input=[a, b], output=[out, product, cosine])
    fill(model)
    keep(model, name, data((2, 4, 3), (2, 4, 3)))


def nested(name):
    inner = Sequential()
    inner.add(L.Dense(4, input_dim=3))
    inner.add(L.BatchNormalization())
    inner.add(L.Dense(3))
    inner.layers[0].trainable = False
    model = Sequential()
    model.add(inner)
    model.add(L.Dense(2))
    fill(model)
    keep(model, name, data((3, 3)))


def nested_functional(name):
    x = L.Input((3,))
    inner = Model(input=x, output=L.Dense(2)(L.BatchNormalization()(L.Dense(4)(x))), name="inner")
    y = L.Input((3,))
    model = Model(input=y, output=L.merge([inner(y), L.Dense(2)(y)], mode="sum"))
    fill(model)
    keep(model, name, data((3, 3)))


def weights_only(name):
    model = Sequential()
    model.add(L.Convolution1D(3, 3, input_shape=(6, 2)))
    model.add(L.LSTM(2))
    fill(model)
    keep(model, name, data((2, 6, 2)), weights_only=True)


BOTH = [dense, conv2d_tf, conv2d_th, conv1d, conv3d_th, functional]
ALONE = [lstm, lstm_gpu, gru, simple_rnn, bidirectional, stateful, embedding, deconv_tf, conv3d_tf, local_tf, local_th,
         separable, time_distributed, own_arguments, merge_concat, merge_sum, merge_dot, merge_cos, merge_of_merges,
         nested, nested_functional, weights_only]  # fmt: skip

if __name__ == "__main__":
    recipes = [*BOTH, *ALONE] if TF else [*BOTH, deconv_th, conv_lstm, conv_lstm_th]
    run(recipes, f"keras1_2_2_{K.backend()}")
