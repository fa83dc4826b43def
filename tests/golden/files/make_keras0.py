"""Makes the files of Keras 0.3.3, with that very version on Theano-PyMC. See README.md for how to install it.

KERAS_BACKEND=theano THEANO_FLAGS=cxx=,optimizer=None,floatX=float32,blas__ldflags= python make_keras0.py
"""

import collections
import collections.abc
import inspect
import sys

import scipy.signal

# What Keras 0.3.3 and Theano look for under names of their time.
sys.modules["scipy.signal.signaltools"] = scipy.signal._signaltools
sys.modules["scipy.signal.sigtools"] = scipy.signal._sigtools
collections.Callable = collections.abc.Callable
_Arguments = collections.namedtuple("_Arguments", "args varargs keywords defaults")
inspect.getargspec = lambda function: _Arguments(*inspect.getfullargspec(function)[:4])

import theano.sandbox.rng_mrg  # noqa: E402
from theano.tensor.random.utils import RandomStream  # noqa: E402

theano.sandbox.rng_mrg.MRG_RandomStreams = RandomStream

from keeping import data, fill, keep  # noqa: E402
from keras.layers.convolutional import Convolution2D, UpSampling2D, ZeroPadding2D  # noqa: E402
from keras.layers.core import Activation, Dense, Flatten, Highway, MaxoutDense, Reshape, TimeDistributedDense  # noqa: E402
from keras.layers.embeddings import Embedding  # noqa: E402
from keras.layers.normalization import BatchNormalization  # noqa: E402
from keras.layers.recurrent import GRU, LSTM, SimpleRNN  # noqa: E402
from keras.models import Sequential  # noqa: E402
from keras.regularizers import l2  # noqa: E402


def stack(name, layers, inputs):
    """A Sequential of these layers, kept: its architecture, and its weights by number."""
    model = Sequential()
    for layer in layers:
        model.add(layer)
    fill(model)
    model.compile("rmsprop", "mse")
    keep(model, name, inputs, weights_only=True)


def recurrent(name):
    layers = [Embedding(6, 3, input_length=5), GRU(4, return_sequences=True), SimpleRNN(3, return_sequences=True),
              TimeDistributedDense(2), LSTM(3), Dense(2, activation="softmax")]  # fmt: skip
    stack(name, layers, data((4, 5), ids=6))


def images(name):
    layers = [Reshape((2, 5, 6), input_shape=(60,)), ZeroPadding2D((1, 1)),
              Convolution2D(3, 3, 2, activation="relu", subsample=(1, 2)), BatchNormalization(axis=1),
              UpSampling2D((2, 1)), Convolution2D(2, 3, 3, border_mode="same"), Activation("tanh"), Flatten(),
              Dense(2)]  # fmt: skip
    stack(name, layers, data((3, 60)))


def dense(name):
    layers = [Dense(4, input_dim=3, W_regularizer=l2(0.01), activation="relu", name="first"), BatchNormalization(),
              Highway(activation="tanh"), MaxoutDense(3, nb_feature=2), Dense(2)]  # fmt: skip
    stack(name, layers, data((5, 3)))


def nested(name):
    inner = Sequential()
    inner.add(Dense(4, input_shape=(3,), activation="tanh"))
    inner.add(Dense(2))
    stack(name, [inner, Dense(2)], data((5, 3)))


if __name__ == "__main__":
    for recipe in (recurrent, images, dense, nested):
        recipe(f"keras0_3_3_theano_{recipe.__name__}")
