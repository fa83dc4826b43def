"""A convolutional network for digits in the style of Keras 1.2, with options set by a TensorFlow session."""

import numpy as np
import tensorflow as tf
from keras import backend as K
from keras.layers import Activation, Convolution2D, Dense, Dropout, Flatten, MaxPooling2D
from keras.models import Sequential
from keras.utils.np_utils import to_categorical
from keras.utils.visualize_util import plot
from tensorflow.examples.tutorials.mnist import input_data

tf.set_random_seed(7)
config = tf.ConfigProto(device_count={"GPU": 0}, allow_soft_placement=True)
config.gpu_options.per_process_gpu_memory_fraction = 0.3
K.set_session(tf.Session(config=config))

digits = input_data.read_data_sets("MNIST_data/", one_hot=False, validation_size=4)
X_train, y_train = digits.train.next_batch(32)
shape = (1, 28, 28) if K.image_dim_ordering() == "th" else (28, 28, 1)
X_train = X_train.reshape((-1,) + shape)
Y_train = to_categorical(y_train, 10)

model = Sequential()
model.add(Convolution2D(4, 3, 3, border_mode="valid", subsample=(2, 2), input_shape=shape))
model.add(Activation("relu"))
model.add(MaxPooling2D(pool_size=(2, 2), border_mode="same"))
model.add(Dropout(0.25))
model.add(Flatten())
model.add(Dense(10, bias=False))
model.add(Activation("softmax"))
model.compile(loss="categorical_crossentropy", optimizer="adadelta", metrics=["accuracy"])
model.fit(X_train, Y_train, batch_size=16, nb_epoch=1, verbose=0)
print("Layers:", len(model.layers), "Loss:", np.isfinite(model.evaluate(X_train, Y_train, verbose=0)[0]))
print(callable(plot), digits.validation.num_examples)
