"""From "keras 基础入门整理": the graph of InceptionV3 as a picture."""

# --- Left open: import, weights ---
import keras

import small_data

small_data.random_weights('inception_v3', 'InceptionV3')

# --- Block 29 ---
from keras.utils import plot_model
model = keras.applications.InceptionV3()
plot_model(model, to_file='model.png')
