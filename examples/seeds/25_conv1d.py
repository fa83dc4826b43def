"""From "Keras 是一个用 Python 编写的高级神经网络 API": Conv1D with all its arguments."""

# --- Left open: import, values ---
import keras

filters, kernel_size = 64, 3

# --- Block 36 ---
keras.layers.Conv1D(filters, kernel_size, strides=1, padding='valid', data_format='channels_last', dilation_rate=1, activation=None, use_bias=True, kernel_initializer='glorot_uniform', bias_initializer='zeros', kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None, bias_constraint=None)
