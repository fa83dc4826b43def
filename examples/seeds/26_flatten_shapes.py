"""From "Keras 是一个用 Python 编写的高级神经网络 API": shapes before and after Flatten, typed at a prompt."""

# --- Left open: imports ---
import tensorflow as tf
from tensorflow.keras.layers import Flatten

# --- Block 37 ---
# As printed, it is typed at a prompt, which shows the two shapes; here print does.

#使用示例
model = tf.keras.Sequential()
model.add(tf.keras.layers.Conv2D(64, 3, 3, input_shape=(3, 32, 32)))
print(model.output_shape)
model.add(Flatten())
print(model.output_shape)
