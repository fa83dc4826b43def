"""A perceptron for digits in the style of Keras 1.0."""
# ruff: noqa: E402, UP010

from __future__ import print_function

import sys

import numpy as np

np.random.seed(1337)

from keras.callbacks import EarlyStopping
from keras.constraints import maxnorm
from keras.datasets import mnist
from keras.layers.core import Activation, Dense, Dropout
from keras.models import Sequential
from keras.objectives import categorical_crossentropy
from keras.optimizers import RMSprop
from keras.regularizers import WeightRegularizer, activity_l2, l2
from keras.utils import np_utils

batch_size = 16
nb_classes = 10
nb_epoch = int(sys.argv[1])

(X_train, y_train), (X_test, y_test) = mnist.load_data()
X_train = X_train.reshape(len(X_train), 784).astype("float32") / 255
X_test = X_test.reshape(len(X_test), 784).astype("float32") / 255
Y_train = np_utils.to_categorical(y_train, nb_classes=nb_classes)
Y_test = np_utils.to_categorical(y_test, nb_classes=nb_classes)

model = Sequential()
model.add(Dense(output_dim=12, input_dim=784, init="uniform", W_regularizer=l2(l=1e-4), W_constraint=maxnorm(m=3)))
model.add(Activation("relu"))
model.add(Dropout(p=0.2))
model.add(Dense(10, W_regularizer=WeightRegularizer(l1=0.0, l2=1e-5), activity_regularizer=activity_l2(1e-6)))
model.add(Activation("softmax"))
model.compile(loss=categorical_crossentropy, optimizer=RMSprop(lr=0.01), metrics=["acc"])

stopping = EarlyStopping(monitor="val_acc", patience=50)
history = model.fit(
    X_train, Y_train, batch_size=batch_size, nb_epoch=nb_epoch, verbose=0, validation_data=(X_test, Y_test),
    callbacks=[stopping],
)  # fmt: skip
score = model.evaluate(X_test, Y_test, verbose=0)
print("Test accuracy:", score[1])
print("Epochs:", len(history.history["val_acc"]))
print("Classes:", model.predict_classes(X_test[:3], verbose=0).tolist())
