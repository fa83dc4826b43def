"""From "神经网络剖析, keras简介": a Dense layer and its input shape; a second one that finds its own."""

# --- Block 4 ---
from keras import layers
layer = layers.Dense(32, input_shape=(784, ))

# --- Block 5 ---
from keras import models
from keras import layers
model = models.Sequential()
model.add(layers.Dense(32, input_shape=(784, )))
model.add(layers.Dense(32))
