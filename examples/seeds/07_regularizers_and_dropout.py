"""From "Keras深度学习笔记": weights kept small, and dropout."""

# --- Left open: imports, and the model that takes the layers ---
from keras import layers, models

model = models.Sequential()
model.add(layers.Dense(16, input_shape=(10000,)))

# --- Block 11 ---
from keras import regularizers
regularizers.l1(0.001) # L1正则化
regularizers.l1_l2(l1=0.001, l2=0.001) # L2正则化

model.add(layers.Dense(16, kernel_regularizer=regularizers.l2(0.001),
activation='relu'))

# --- Block 12 ---
model.add(layers.Dropout(0.5))
