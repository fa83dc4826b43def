"""From "神经网络剖析, keras简介": one network defined in both ways, and compiled."""

# --- Block 6 ---
from keras import models
from keras import layers
model = models.Sequential()
model.add(layers.Dense(32, activation='relu', input_shape=(784,)))
model.add(layers.Dense(10, activation='softmax'))
input_tensor = layers.Input(shape=(784, ))
x = layers.Dense(32, activation='relu')(input_tensor)
output_tensor = layers.Dense(10, activation='softmax')(x)
model = models.Model(inputs=input_tensor, outputs=output_tensor)

# --- Block 7 ---
# As printed, it says optimizer.RMSprop; what it imports is optimizers.

from keras import optimizers
model.compile(optimizer = optimizers.RMSprop(lr=0.001), loss='mse', metrics=['accuracy'])
