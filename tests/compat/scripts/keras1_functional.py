"""Several inputs, merged in all the ways of Keras 1, trained on a generator by the number of samples."""

import numpy as np
from keras import initializations
from keras.engine.topology import Layer, merge
from keras.layers import LSTM, Embedding, Input, Merge, TimeDistributedDense
from keras.layers.core import Dense, Lambda
from keras.models import Model, Sequential


class Doubled(Layer):
    def call(self, x, mask=None):
        return 2 * x

    def get_output_shape_for(self, input_shape):
        return input_shape


a, b = Input(shape=(4,)), Input(shape=(4,))
words = Input(shape=(5,), dtype="int32")
read = LSTM(output_dim=4, inner_activation="sigmoid", consume_less="gpu", dropout_W=0.1)(Embedding(9, 3)(words))
small = Dense(4, init=lambda shape, name: initializations.normal(shape, scale=0.001, name=name))
both = merge([small(a), b], mode="concat", concat_axis=1)
apart = merge([a, b], mode=lambda x: x[0] - x[1], output_shape=lambda shapes: shapes[0])
found = merge([both, Doubled()(apart), read], mode="concat")
model = Model(input=[a, b, words], output=Dense(1)(found))
model.compile(optimizer="sgd", loss="mse")


def batches():
    while True:
        x = np.random.rand(8, 4)
        yield [x, -x, np.random.randint(0, 9, (8, 5))], x.sum(1, keepdims=True)


history = model.fit_generator(batches(), samples_per_epoch=16, nb_epoch=2, nb_worker=1, max_q_size=2, verbose=0)
print("Epochs:", len(history.history["loss"]))

left, right = Sequential(), Sequential()
left.add(Dense(3, input_dim=4))
right.add(Dense(3, input_dim=2))
stack = Sequential()
stack.add(Merge([left, right], mode="sum"))
stack.add(Dense(1))
stack.compile("sgd", "mse")
stack.fit([np.ones((8, 4)), np.ones((8, 2))], np.ones((8, 1)), nb_epoch=1, verbose=0)
print("Inputs:", len(stack.inputs), "Weights:", stack.count_params())

steps = Sequential([TimeDistributedDense(2, input_dim=3, input_length=5), Lambda(lambda x: x + 1)])
print("Steps:", steps.output_shape)
