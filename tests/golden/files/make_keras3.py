"""Makes the files of Keras 3 on JAX, with the version that is installed. See README.md.

KERAS_BACKEND=jax python make_keras3.py
"""

import keras
import numpy as np
from keeping import data, fill, keep
from keras import Input, Model, Sequential
from keras import layers as L


def stack(name, layers, inputs, **settings):
    """A Sequential of these layers, kept."""
    model = Sequential(layers)
    fill(model)
    keep(model, name, inputs, **settings)


def trained(name, **settings):
    """A stack with an optimizer that has been at work."""
    model = Sequential([Input((3,)), L.Dense(4, activation="hard_sigmoid"), L.Dense(2)])
    fill(model)
    model.compile(keras.optimizers.Adam(0.01), "mse", metrics=["mae"])
    x = data((5, 3))
    model.train_on_batch(x[0], np.ones((5, 2)))
    keep(model, name, x, **settings)


def dense_h5(name):
    trained(name)


def dense(name):
    trained(name, suffix=".keras")


def recurrent_layers():
    """Recurrent layers with the defaults of Keras 3 and with its hard_sigmoid."""
    return [Input((4, 2)), L.LSTM(3, return_sequences=True), L.GRU(2, return_sequences=True),
            L.LSTM(3, recurrent_activation="hard_sigmoid", return_sequences=True),
            L.GRU(2, reset_after=False, return_sequences=True), L.Bidirectional(L.SimpleRNN(2))]  # fmt: skip


def recurrent_h5(name):
    stack(name, recurrent_layers(), data((3, 4, 2)))


def recurrent(name):
    stack(name, recurrent_layers(), data((3, 4, 2)), suffix=".keras")


def image_layers():
    """Layers of images with BatchNormalization, whose moments come last."""
    return [Input((5, 6, 2)), L.Conv2D(4, (2, 3), padding="same", activation="silu"), L.BatchNormalization(),
            L.DepthwiseConv2D(2), L.MaxPooling2D(2), L.Flatten(), L.Dense(2)]  # fmt: skip


def conv2d_h5(name):
    stack(name, image_layers(), data((2, 5, 6, 2)))


def conv2d(name):
    stack(name, image_layers(), data((2, 5, 6, 2)), suffix=".keras")


def joined():
    """Two inputs, a shared layer, a nested model, two outputs."""
    x = Input((3,))
    inner = Model(x, L.BatchNormalization()(L.Dense(3)(x)), name="inner")
    a, b = Input((3,), name="a"), Input((3,), name="b")
    left, right = inner(a), inner(b)
    out = L.Dense(2, name="out")(L.concatenate([left, right]))
    model = Model([a, b], [out, L.dot([left, right], axes=1)])
    fill(model)
    return model


def functional_h5(name):
    keep(joined(), name, data((2, 3), (2, 3)))


def functional(name):
    keep(joined(), name, data((2, 3), (2, 3)), suffix=".keras")


def weights(name):
    layers = [Input((6, 2)), L.Conv1D(3, 3), L.BatchNormalization(), L.Bidirectional(L.GRU(2)), L.Dense(2)]
    stack(name, layers, data((2, 6, 2)), weights_only=True, suffix=".weights.h5")


# All for 3.15.1; of older ones dense_h5 and dense are enough.
RECIPES = [dense_h5, dense, recurrent_h5, recurrent, conv2d_h5, conv2d, functional_h5, functional, weights]

if __name__ == "__main__":
    for recipe in RECIPES:
        keras.utils.clear_session()
        recipe(f"keras{keras.__version__.replace('.', '_')}_{recipe.__name__}")
